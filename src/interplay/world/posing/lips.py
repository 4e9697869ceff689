"""Bringing food and drink to the mouth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from interplay.body.geometry import Array, Y, Z, degrees, frame, rotation, unit, vec
from interplay.world.objects.base import Grip
from interplay.world.scene import Person, SceneObject

from .group import Group
from .handling import heading, reach
from .placing import easiest, turned_to
from .skin import head_frame, mouth

GAP = 0.003
"""Metres between the lips and what they are about to close on."""


def to_mouth(
    group: Group,
    person: Person,
    side: str,
    object: SceneObject,
    grip: str | Grip,
    point: Array,
    into: Array,
    pitches: Sequence[float] = (-25, 0, 25),
    spins: Sequence[float] = (0,),
    gap: float = GAP,
    elbow: Array | None = None,
) -> None:
    """Hold an object so that one of its points is at the lips.

    Args:
        group: the person's and the object's.
        person: posed up to the head.
        side: of the hand.
        object: what is brought.
        grip: where it is held, by name or in the object's frame.
        point: (3,) of the object that touches the lips, in its frame.
        into: (3,) direction of the object that leads into the mouth, in its frame; not along z unless it is round.
        pitches: degrees by which the object may come from above (positive) or below.
        spins: degrees by which it may be turned about `into`.
        gap: metres before the lips.
        elbow: (3,) direction in the world in which the elbow points; by default down and outwards.
    """
    lips, out = mouth(person)
    head = head_frame(person)
    target = lips + gap * out
    upwards = Z if abs(unit(into)[2]) < 0.9 else Y
    own = frame(into, upwards)
    poses = []
    for pitch in pitches:
        for aside in (0.0, 40.0):
            yaw = np.radians(-aside if side == "L" else aside)
            p = np.radians(pitch)
            towards = head @ vec(np.sin(yaw) * np.cos(p), np.cos(yaw) * np.cos(p), -np.sin(p))
            for spin in spins:
                turn = rotation(towards, np.radians(spin)) @ frame(towards, head[:, 2]) @ own.T
                poses.append(turned_to(turn, target, point))
    object.pose = easiest(person, object, poses, {side: grip})
    hold_by(group, person, side, object, grip, elbow)
    reached = object.pose[:3, :3] @ point + object.pose[:3, 3]
    group.miss(f"{object.category} at mouth", float(np.linalg.norm(reached - target)))


def hold_by(
    group: Group, person: Person, side: str, object: SceneObject, grip: str | Grip, elbow: Array | None = None
) -> None:
    """Hold an object where it was placed, by a grip that need not be one of its own; it follows where the arm fails."""
    taken = object.model.grips[grip] if isinstance(grip, str) else grip
    miss = reach(person, side, taken.moved(object.pose), elbow)[1]
    object.pose = object.pose.copy()
    object.pose[:3, 3] += miss


def rim(object: SceneObject) -> Array:
    """(3,) point of a cup's or a glass's rim on the side of its front, in its frame."""
    vertices = object.model.mesh.vertices
    top = object.model.points["mouth"][2]
    upper = vertices[np.abs(vertices[:, 2] - top) < 0.012]
    return vec(0.0, -float(np.hypot(upper[:, 0], upper[:, 1]).max()), top)


def drink_from(group: Group, person: Person, side: str, object: SceneObject, elbow: Array | None = None) -> None:
    """Hold a cup, a glass or a bottle to the lips and tip it."""
    rng = group.rng
    person.body.turn_head(nod=-float(rng.uniform(2, 16)), turn=float(rng.normal(0, 8)))
    if object.category == "bottle":
        pitches = (float(rng.uniform(5, 25)), float(rng.uniform(25, 40)))
        to_mouth(group, person, side, object, "body", object.model.points["mouth"], Z, pitches, elbow=elbow)
        return
    grip = "body" if "body" in object.model.grips else str(rng.choice(["stem", "bowl"]))
    pitches = (float(rng.uniform(12, 25)), float(rng.uniform(25, 40)))
    to_mouth(group, person, side, object, grip, rim(object), -Y, pitches, elbow=elbow)


def bite(group: Group, person: Person, side: str, food: SceneObject) -> None:
    """Hold food in one hand, its bite at the lips."""
    rng = group.rng
    person.body.turn_head(nod=float(rng.uniform(0, 14)), turn=float(rng.normal(0, 8)))
    point = food.model.points["bite"]
    name: str | Grip = grip_for(food, side)
    pitches: tuple[float, ...] = (-30, -10, 10)
    if food.category == "pizza":  # fingers under the crust, the slice rising to the mouth
        thumb = vec(1.0 if side == "L" else -1.0, 0, 0)
        name, pitches = replace(food.model.grips["crust"], axis=thumb, normal=Z, flip=False), (-75, -60, -45)
    into = vec(0.58, 0.0, 0.81) if food.category == "banana" else unit(vec(point[0], point[1], 0.0))
    flat = food.category in ("pizza", "sandwich", "donut", "hot dog")
    spins = (0, 20, -20) if flat else (0, 60, 120)
    gap = 0.01 if food.category in ("apple", "orange", "donut") else GAP
    to_mouth(group, person, side, food, name, point, into, pitches, spins, gap)


def grip_for(object: SceneObject, side: str) -> str:
    """Name of the grip that suits a hand when the object's front looks at its owner."""
    names = list(object.model.grips)
    wanted = "right side" if side == "L" else "left side"
    return wanted if wanted in names else names[0]


def pen_grip(object: SceneObject) -> Grip:
    """Cutlery's handle, to be held whichever way round is easier."""
    return replace(object.model.grips["handle"], flip=True)


def tip_to_mouth(group: Group, person: Person, side: str, cutlery: SceneObject, elbow: Array | None = None) -> None:
    """Bring a fork's or a spoon's tip to the lips."""
    rng = group.rng
    person.body.turn_head(nod=float(rng.uniform(5, 18)), turn=float(rng.normal(0, 6)))
    point = cutlery.model.points["tip"]
    to_mouth(group, person, side, cutlery, pen_grip(cutlery), point, -Y, (-35, -15, 0), elbow=elbow)


def tip_to_food(
    group: Group, person: Person, side: str, cutlery: SceneObject, target: Array, elbow: Array | None = None
) -> None:
    """Hold cutlery with its tip at a point on the table, coming down at about 45 degrees."""
    base = heading(person)
    poses = []
    for aside in (0.0, 35.0, 70.0):
        for steep in (30, 45, 60):
            spin = degrees(Z, aside if side == "R" else -aside)
            turn = base @ spin @ degrees(vec(1, 0, 0), steep)
            poses.append(turned_to(turn, target, cutlery.model.points["tip"]))
    cutlery.pose = easiest(person, cutlery, poses, {side: pen_grip(cutlery)})
    hold_by(group, person, side, cutlery, pen_grip(cutlery), elbow)
    reached = cutlery.pose[:3, :3] @ cutlery.model.points["tip"] + cutlery.pose[:3, 3]
    group.miss(f"{cutlery.category} at food", float(np.linalg.norm(reached - target)))

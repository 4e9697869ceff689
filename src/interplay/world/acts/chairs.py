"""Moving chairs about, and standing on them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interplay.body.geometry import X, Z, degrees, vec
from interplay.world.objects.base import Grip
from interplay.world.places.kinds import INDOORS
from interplay.world.posing.group import Group
from interplay.world.posing.handling import reach, relax
from interplay.world.posing.limbs import solve_arm
from interplay.world.posing.placing import turned_to
from interplay.world.posing.stances import side_sign, stand, stride
from interplay.world.scene import Person, SceneObject

from .registry import act


def take_back(group: Group, person: Person, chair: SceneObject) -> None:
    """Both hands on the upper edge of a chair's back."""
    edge = chair.model.grips["back"]
    wide = 0.3 * chair.model.spots["seat"].size[0]
    for side in "LR":
        grip = replace(edge, position=edge.position + vec(side_sign(side) * wide, 0, 0))
        # fingers over the edge, away from whoever stands behind
        toward = -vec(0, 1, 0)
        thumb = np.cross(-Z, toward) if side == "L" else np.cross(toward, -Z)
        over = Grip(grip.position, thumb, -Z, edge.radius, "slab", flip=False).moved(chair.pose)
        miss = reach(person, side, over)[1]
        group.miss("hand on chair", float(np.linalg.norm(miss)))


@act("push a chair", {"chair": ("hold", "push", "move")}, INDOORS)
def push_chair(group: Group) -> None:
    """From behind, walking or standing."""
    person, rng = group.person(), group.rng
    if rng.random() < 0.6:
        stride(group, person, length=float(rng.uniform(0.2, 0.34)), lean=float(rng.uniform(8, 16)))
    else:
        stand(group, person, lean=float(rng.uniform(8, 18)))
    chair = group.make("chair")
    _before_hands(person, chair, 0.0)
    take_back(group, person, chair)
    group.relate(person, "hold,push,move", chair, "back")


@act("lift a chair", {"chair": ("hold", "lift", "carry", "move")}, INDOORS)
def lift_chair(group: Group) -> None:
    """By its back, off the floor."""
    person, rng = group.person(adult=True), group.rng
    if rng.random() < 0.5:
        stride(group, person, length=float(rng.uniform(0.2, 0.3)), lean=-2.0)
    else:
        stand(group, person, lean=-2.0)
    chair = group.make("chair")
    _before_hands(person, chair, float(rng.uniform(0.08, 0.2)), float(rng.uniform(0, 14)))
    take_back(group, person, chair)
    group.relate(person, "hold,lift,carry,move", chair, "back")


def _before_hands(person: Person, chair: SceneObject, lift: float, tip: float = 0.0) -> None:
    """Put a chair, its back to the person, so far over the floor that the hands reach its back."""
    shoulder = 0.5 * (person.body.joint("upperarm01.L") + person.body.joint("upperarm01.R"))
    h = person.rest.height
    turn = degrees(X, -tip)
    edge = turn @ chair.model.grips["back"].position
    lowest = float((chair.model.mesh.vertices @ turn.T)[:, 2].min())
    height = edge[2] - lowest + lift
    drop = float(shoulder[2]) - height
    ahead = float(np.sqrt(max((0.29 * h) ** 2 - drop**2, (0.17 * h) ** 2)))
    at = vec(shoulder[0], shoulder[1] - ahead, height)
    chair.pose = turned_to(turn, at, chair.model.grips["back"].position)


@act("stand on a chair", {"chair": "stand on"}, INDOORS)
def stand_on_chair(group: Group) -> None:
    """Both feet on the seat, an arm perhaps stretched up."""
    person, rng = group.person(), group.rng
    stand(group, person, width=0.08)
    chair = group.make("chair")
    seat = chair.model.spots["seat"].position
    feet = 0.5 * (person.body.joint("foot.L") + person.body.joint("foot.R"))
    toes = 0.035 * person.rest.height
    person.body.shift(vec(-feet[0], -feet[1] + toes, seat[2] - 0.001))
    person.body.update()
    relax(group, person)
    if rng.random() < 0.5:
        s = side_sign(side := "R" if rng.random() < 0.7 else "L")
        up = person.body.joint(f"upperarm01.{side}")
        solve_arm(person.body, side, up + person.rest.height * vec(s * 0.04, -0.1, float(rng.uniform(0.2, 0.26))))
        person.body.turn_head(nod=-20.0)
    group.relate(person, "stand on", chair, "seat")

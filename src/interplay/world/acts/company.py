"""Two people and one object, or one glass each: handing over, toasting."""

from __future__ import annotations

from typing import Any

import numpy as np

from interplay.body.geometry import Array, X, Y, Z, degrees, vec
from interplay.world.objects.base import Grip
from interplay.world.places.kinds import INDOORS
from interplay.world.posing.group import Group
from interplay.world.posing.handling import free_side, reach, relax
from interplay.world.posing.lips import hold_by
from interplay.world.posing.placing import easiest, turned_to
from interplay.world.posing.stances import other, stand
from interplay.world.scene import Person, SceneObject

from .registry import act

OFFERED = ("book", "bowl", "cell phone", "sandwich", "bottle")
"""What is handed over."""


def face_to_face(group: Group, share: float = 0.29, adult: bool = False) -> tuple[Person, Person, Array]:
    """Two people who stand and look at each other; returns them and the point between, at chest height.

    `share` is how far the point is from either chest, in body heights.
    """
    first, second = group.person(adult=adult), group.person(adult=adult)
    stand(group, first, lean=3.0)
    stand(group, second, lean=3.0, turn=180.0)
    ahead = share * first.rest.height - first.body.joint("spine01")[1]
    behind = share * second.rest.height + second.body.joint("spine01")[1]
    second.body.shift(vec(0, -ahead - behind, 0))
    second.body.update()
    for person, friend in ((first, second), (second, first)):
        person.body.look_at(friend.body.joint("head"), share=0.9)
    height = 0.5 * (first.body.joint("spine01")[2] + second.body.joint("spine01")[2])
    return first, second, vec(0.0, -ahead, height - 0.03)


def from_edge(object: SceneObject, out: Array, side: str) -> Grip:
    """A way to hold a flat object, in its frame: thumb above, fingers below, from the edge that looks along `out`.

    Args:
        object: in the world.
        out: (3,) horizontal direction in the world in which the hand's owner stands.
        side: of the hand.
    """
    own = object.pose[:3, :3].T @ out
    vertices = object.model.mesh.vertices
    low, high = object.model.mesh.bounds()
    hollow = object.category == "bowl"
    middle = float(high[2]) - 0.012 if hollow else 0.5 * float(low[2] + high[2])
    half = 0.006 if hollow else 0.5 * float(high[2] - low[2])
    centred = np.abs(vertices @ np.cross(own, Z)) < 0.04
    edge = float((vertices[centred] @ own).max())
    thumb = np.cross(own, Z) if side == "L" else np.cross(Z, own)
    return Grip(own * edge + middle * Z, thumb, Z, half, "slab", flip=False)


@act(
    "hand something over",
    dict.fromkeys(OFFERED, "hold"),
    (*INDOORS, "park", "street"),
    weight=1.2,
)
def hand_over(group: Group) -> None:
    """Both hold the same object."""
    rng = group.rng
    first, second, middle = face_to_face(group)
    category = str(rng.choice(OFFERED))
    options: dict[str, Any] = {"closed": True} if category == "book" else {}
    object = group.make(category, **options)
    side, taking = free_side(group)[0], free_side(group)[0]
    if category == "bottle":
        near, far = object.model.grips["neck"], object.model.grips["body"]
        object.pose = turned_to(np.eye(3), middle - 0.05 * Z, 0.5 * (near.position + far.position))
    else:
        turn = degrees(Z, 90.0 * float(rng.choice([-1, 1]))) if category == "book" else np.eye(3)
        object.pose = turned_to(turn, middle, vec(0, 0, 0))
        near, far = from_edge(object, Y, side), from_edge(object, -Y, taking)
    hold_by(group, first, side, object, near)
    miss = reach(second, taking, far.moved(object.pose))[1]
    group.miss(f"hand on {category}", float(np.linalg.norm(miss)))
    relax(group, first, other(side))
    relax(group, second, other(taking))
    for person in (first, second):
        group.relate(person, "hold", object)


@act("toast", {"wine glass": ("hold", "toast")}, ("living room", "kitchen"), style="casual")
def toast(group: Group) -> None:
    """Two glasses that touch."""
    first, second, middle = face_to_face(group, share=0.25, adult=True)
    middle = middle + vec(0, 0, float(group.rng.uniform(0.0, 0.08)))
    for person, sign in ((first, 1.0), (second, -1.0)):
        glass = group.make("wine glass")
        wide = float(glass.model.grips["bowl"].radius)
        bowl = middle + vec(0.0, sign * (wide + 0.001), 0.0)
        poses = [
            turned_to(degrees(X, -sign * tilt) @ degrees(Y, roll), bowl, glass.model.grips["bowl"].position)
            for tilt in (4.0, 10.0)
            for roll in (0.0, 8.0, -8.0)
        ]
        glass.pose = easiest(person, glass, poses, {"R": "stem"})
        hold_by(group, person, "R", glass, "stem")
        relax(group, person, "L")
        group.relate(person, "hold,toast", glass, "stem")

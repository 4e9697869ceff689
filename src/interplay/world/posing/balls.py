"""Hands and balls: holding one in a palm, between two hands, letting it fly."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from interplay.body.geometry import Array, X, Y, Z, rotation, unit, vec
from interplay.world.objects import ObjectModel
from interplay.world.objects.base import Grip
from interplay.world.scene import Person, SceneObject

from .group import Group
from .handling import heading, reach
from .hands import close_hand
from .placing import arm_cost
from .stances import side_sign

SMALL = 0.05
"""Radius in metres under which the fingers close around a ball."""


def radius_of(ball: SceneObject) -> float:
    """Half a ball's width, metres."""
    return 0.5 * float(ball.model.size.max())


def make_ball(group: Group, kinds: tuple[str, ...], at: Array | None = None) -> SceneObject:
    """A ball of one of some kinds, its centre at a point (by default just over the origin), turned at random."""
    ball = group.make("sports ball", kind=str(group.rng.choice(kinds)))
    put_ball(group, ball, vec(0, 0, radius_of(ball)) if at is None else at)
    return ball


def center_of(model: ObjectModel) -> Array:
    """(3,) a ball's centre in its own frame."""
    low, high = model.mesh.bounds()
    return 0.5 * (low + high)


def put_ball(group: Group, ball: SceneObject, at: Array) -> None:
    """Move a ball's centre to a point and turn it at random."""
    turn = rotation(unit(group.rng.normal(size=3)), float(group.rng.uniform(0, np.pi)))
    ball.pose = np.eye(4)
    ball.pose[:3, :3] = turn
    ball.pose[:3, 3] = at - turn @ center_of(ball.model)


def palm_grips(person: Person, ball: SceneObject, at: Array, normals: Iterable[Array]) -> list[Grip]:
    """Ways for one hand to hold a ball whose centre is at a point: the palm looks along one of `normals`.

    The normals (3,) are in the person's frame (left, back, up).
    """
    radius, frame = radius_of(ball), heading(person)
    ways = [unit(frame @ normal) for normal in normals]
    if radius < SMALL:
        return [Grip(at, axis, way, radius) for way in ways for axis in (_across(way), np.cross(way, _across(way)))]
    return [Grip(at - radius * way, _across(way), way, 0.0, "palm") for way in ways]


def _across(way: Array) -> Array:
    return unit(np.cross(way, Z if abs(way[2]) < 0.8 else X))


def hold_ball(
    group: Group, person: Person, side: str, ball: SceneObject, at: Array, normals: Iterable[Array], bring: bool = True
) -> None:
    """Hold a ball in one hand, its centre near `at` (3,); with `bring` it comes along where the arm falls short."""
    grips = palm_grips(person, ball, at, normals)
    best = min(grips, key=lambda grip: arm_cost(person, side, grip))
    miss = reach(person, side, best)[1]
    _wrap(person, side, ball)
    put_ball(group, ball, at + miss if bring else at)
    group.miss("hand on ball", 0.0 if bring else float(np.linalg.norm(miss)))


def _wrap(person: Person, side: str, ball: SceneObject) -> None:
    """Curve the fingers of a hand that lies flat on a ball around it."""
    if radius_of(ball) >= SMALL:
        close_hand(person.body, side, "bar", radius_of(ball))


def hold_ball_both(
    group: Group, person: Person, ball: SceneObject, centers: Iterable[Array], behind: float = 0.35, under: float = 0.2
) -> Array:
    """Hold a ball between both hands at the most comfortable of some points; returns where its centre is.

    `behind` and `under` turn the palms from facing each other to facing ahead and up.
    """
    radius, frame = radius_of(ball), heading(person)

    def grips(center: Array) -> dict[str, Grip]:
        ways = {side: unit(frame @ vec(-side_sign(side), -behind, under)) for side in "LR"}
        return {side: Grip(center - radius * way, Y, way, 0.0, "palm") for side, way in ways.items()}

    best = min(centers, key=lambda c: sum(arm_cost(person, side, grip) for side, grip in grips(c).items()))
    for side, grip in grips(best).items():
        group.miss("hand on ball", float(np.linalg.norm(reach(person, side, grip)[1])))
        _wrap(person, side, ball)
    put_ball(group, ball, best)
    return best

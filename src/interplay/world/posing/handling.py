"""Hands and objects: taking hold, holding, reaching, laying a hand on something."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from interplay.body.geometry import Array, unit, vec
from interplay.world.objects.base import Grip
from interplay.world.scene import Person, SceneObject

from .group import Group
from .hands import close_hand, hand_goals
from .limbs import Solved, solve_arm
from .stances import arm_down, other


def reach(person: Person, side: str, grip: Grip, elbow_hint: ArrayLike | None = None) -> tuple[Solved, Array]:
    """Bring a hand to a grip given in the world and close it.

    Returns what the solver found and (3,) by how far the wrist missed, actual minus wanted.
    """
    body = person.body
    wrists, hands = hand_goals(body, side, grip)
    solved = solve_arm(body, side, wrists, hands, elbow_hint=elbow_hint)
    close_hand(body, side, "flat" if grip.kind == "palm" else grip.kind, grip.radius)
    return solved, body.joint(f"wrist.{side}") - wrists[solved.choice]


def grasp(
    group: Group, person: Person, side: str, object: SceneObject, name: str, elbow_hint: ArrayLike | None = None
) -> Solved:
    """Take hold of an object that stays where it is (a handlebar, a suitcase on the floor)."""
    solved, miss = reach(person, side, object.model.grips[name].moved(object.pose), elbow_hint)
    group.miss(f"hand on {object.category}", float(np.linalg.norm(miss)))
    return solved


def hold(
    group: Group, person: Person, side: str, object: SceneObject, name: str, elbow_hint: ArrayLike | None = None
) -> Solved:
    """Hold an object that the hand carries: it is placed where it is wanted and follows where the arm falls short."""
    solved, miss = reach(person, side, object.model.grips[name].moved(object.pose), elbow_hint)
    object.pose = object.pose.copy()
    object.pose[:3, 3] += miss
    group.miss(f"hold {object.category}", 0.0)
    return solved


def relax(group: Group, person: Person, sides: str = "LR", swing: float = 0.0) -> None:
    """Let arms hang with half-open hands; with `swing` one is ahead and the other behind."""
    for side in sides:
        arm_down(group, person, side, swing if side == "L" else -swing)
        close_hand(person.body, side, "relaxed")


def heading(person: Person) -> Array:
    """(3, 3) upright frame of a person: columns to the left, back, up."""
    facing = person.body.facing
    return np.stack([vec(-facing[1], facing[0], 0.0), -facing, vec(0, 0, 1)], 1)


def hand_on(group: Group, person: Person, side: str, point: Array, normal: Array) -> None:
    """Lay a flat hand on a surface; `normal` points out of the surface."""
    reach(person, side, Grip(point, unit(normal), -unit(normal), 0.0, "palm"))


def free_side(group: Group) -> tuple[str, str]:
    """A hand drawn at random, mostly the right one, and the other."""
    side = "R" if group.rng.random() < 0.75 else "L"
    return side, other(side)

"""Where to put an object so that arms reach it in comfort."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from interplay.body.geometry import Array, X, Z, degrees
from interplay.world.objects.base import Grip
from interplay.world.scene import Person, SceneObject

from .group import Group
from .handling import grasp, heading, hold
from .hands import hand_goals
from .limbs import solve_arm

REACH_PRICE = 400.0
"""What a metre out of reach costs, in units of a joint ten degrees beyond its limit."""


def arm_cost(person: Person, side: str, grip: Grip) -> float:
    """How uncomfortable it is for a hand to take a grip given in the world; above 1 no one would."""
    solved = solve_arm(person.body, side, *hand_goals(person.body, side, grip), apply=False)
    return solved.cost + REACH_PRICE * solved.reach_error


def easiest(person: Person, object: SceneObject, poses: Iterable[Array], hands: Mapping[str, str | Grip]) -> Array:
    """The pose (4, 4) of an object at which hands take hold of it most comfortably.

    Args:
        person: posed up to the chest.
        object: what is to be held.
        poses: candidates; of equals the first is taken.
        hands: side -> name of the grip, or a grip in the object's frame.

    Raises:
        ValueError: there are no candidates.
    """
    grips = {side: object.model.grips[grip] if isinstance(grip, str) else grip for side, grip in hands.items()}

    def cost(pose: Array) -> float:
        return sum(arm_cost(person, side, grip.moved(pose)) for side, grip in grips.items())

    return min(poses, key=cost)


def turned_to(turn: Array, at: Array, grip: Array) -> Array:
    """Pose (4, 4) with a rotation (3, 3) that brings a point `grip` of the object to `at`."""
    pose = np.eye(4)
    pose[:3, :3] = turn
    pose[:3, 3] = at - turn @ grip
    return pose


def hold_both(group: Group, person: Person, object: SceneObject, hands: Mapping[str, str]) -> None:
    """Hold an object with both hands, where it was placed; the first hand carries it where the arm falls short."""
    (first, one), (second, two) = hands.items()
    hold(group, person, first, object, one)
    grasp(group, person, second, object, two)


def offer(group: Group, person: Person, side: str, food: SceneObject, name: str, mouth: Array) -> None:
    """Hold food by a grip so that its bite is at an animal's mouth, away from which the person stands."""
    bite = food.model.points["bite"]
    turns = [degrees(Z, a) @ degrees(X, b) for a in (0, 40, -40, 80, -80) for b in (0, 25, -25)]
    poses = [turned_to(heading(person) @ turn, mouth, bite) for turn in turns]
    food.pose = easiest(person, food, poses, {side: name})
    hold(group, person, side, food, name)

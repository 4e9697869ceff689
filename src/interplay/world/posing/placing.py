"""Where to put a thing so that arms reach it in comfort."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from interplay.body.geometry import Array, X, Z, degrees
from interplay.world.scene import Person, Thing

from .group import Group
from .handling import grasp, heading, hold
from .hands import Grip, hand_goals
from .limbs import solve_arm

REACH_PRICE = 400.0
"""What a metre out of reach costs, in units of a joint ten degrees beyond its limit."""


def arm_cost(person: Person, side: str, grip: Grip) -> float:
    """How uncomfortable it is for a hand to take a grip given in the world; above 1 no one would."""
    solved = solve_arm(person.body, side, *hand_goals(person.body, side, grip), apply=False)
    return solved.cost + REACH_PRICE * solved.reach_error


def easiest(person: Person, thing: Thing, poses: Iterable[Array], hands: Mapping[str, str | Grip]) -> Array:
    """The pose (4, 4) of a thing at which hands take hold of it most comfortably.

    Args:
        person: posed up to the chest.
        thing: what is to be held.
        poses: candidates; of equals the first is taken.
        hands: side -> name of the grip, or a grip in the thing's frame.

    Raises:
        ValueError: there are no candidates.
    """
    grips = {side: thing.model.grips[grip] if isinstance(grip, str) else grip for side, grip in hands.items()}

    def cost(pose: Array) -> float:
        return sum(arm_cost(person, side, grip.moved(pose)) for side, grip in grips.items())

    return min(poses, key=cost)


def turned_to(turn: Array, at: Array, grip: Array) -> Array:
    """Pose (4, 4) with a rotation (3, 3) that brings a point `grip` of the thing to `at`."""
    pose = np.eye(4)
    pose[:3, :3] = turn
    pose[:3, 3] = at - turn @ grip
    return pose


def hold_both(group: Group, person: Person, thing: Thing, hands: Mapping[str, str]) -> None:
    """Hold a thing with both hands, where it was placed; the first hand carries it where the arm falls short."""
    (first, one), (second, two) = hands.items()
    hold(group, person, first, thing, one)
    grasp(group, person, second, thing, two)


def offer(group: Group, person: Person, side: str, food: Thing, name: str, mouth: Array) -> None:
    """Hold food by a grip so that its bite is at an animal's mouth, away from which the person stands."""
    bite = food.model.points["bite"]
    turns = [degrees(Z, a) @ degrees(X, b) for a in (0, 40, -40, 80, -80) for b in (0, 25, -25)]
    poses = [turned_to(heading(person) @ turn, mouth, bite) for turn in turns]
    food.pose = easiest(person, food, poses, {side: name})
    hold(group, person, side, food, name)

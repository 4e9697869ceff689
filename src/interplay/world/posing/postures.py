"""Somewhere to be while the hands do something: on one's feet, on a chair, on a couch."""

from __future__ import annotations

from dataclasses import dataclass

from interplay.world.scene import Person, SceneObject

from .group import Group
from .handling import relax
from .seating import hands_on_lap, idle_hands, lounging, seat_height, take_seat, upright_sitting
from .stances import stand

SEATS: dict[str, str | tuple[str, ...]] = {"chair": "sit on", "couch": "sit on", "bench": "sit on"}
"""What `settle_anywhere` may relate, for an act's list of interactions."""


@dataclass(frozen=True)
class Posture:
    """Where someone is.

    Attributes:
        seat: what is sat on, None for standing.
        height: the seat's, metres.
    """

    seat: SceneObject | None = None
    height: float = 0.0


def settle_anywhere(group: Group, person: Person, standing: float = 0.6, lean: float = 0.0) -> Posture:
    """Stand, with the given probability, or sit down on a new seat; the hands are left for later."""
    rng = group.rng
    if rng.random() < standing:
        stand(group, person, lean=lean)
        return Posture()
    if group.outdoors:
        seat, name, how = group.make("bench"), "seat", upright_sitting(group)
    elif rng.random() < 0.6:
        seat, name, how = group.make("chair"), "seat", upright_sitting(group)
    else:
        seat, name, how = group.make("couch"), str(rng.choice(["left seat", "right seat"])), lounging(group)
    take_seat(group, person, seat, name, **how)
    return Posture(seat, seat_height(seat, name))


def rest_hands(group: Group, person: Person, posture: Posture, sides: str = "LR") -> None:
    """Let hands hang, or lay them down where one sits."""
    if posture.seat is None:
        relax(group, person, sides)
    elif posture.seat.category == "couch":
        hands_on_lap(group, person, sides)
    else:
        idle_hands(group, person, posture.height, sides)

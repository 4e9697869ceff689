"""Carrying surfboards, skateboards and snowboards, alone or in pairs."""

from __future__ import annotations

from interplay.world.posing.fitting import make_fitted
from interplay.world.posing.group import Group
from interplay.world.posing.handling import free_side, relax
from interplay.world.posing.stances import other, stand, stride
from interplay.world.posing.under_arm import carry_under_arm

from .registry import act


def carry_board(group: Group, category: str, **how: float) -> None:
    """Walk or stand with a board under one arm."""
    rng = group.rng
    person = group.person()
    board = make_fitted(group, person, category, least=0.75)
    walking = rng.random() < 0.6
    if walking:
        stride(group, person, length=float(rng.uniform(0.2, 0.34)))
    else:
        stand(group, person)
    side = free_side(group)[0]
    relax(group, person, other(side), swing=12 if walking else 0)
    carry_under_arm(group, person, side, board, pitch=float(rng.uniform(-4, 12)), **how)
    group.relate(person, "carry,hold", board, "rail")


@act("carry a surfboard", {"surfboard": ("carry", "hold")}, ("beach",), weight=1.5, style="beach")
def carry_surfboard(group: Group) -> None:
    carry_board(group, "surfboard", tilt=14, low=0.35, out=0.09, along=float(group.rng.uniform(-0.05, 0.15)))


@act("carry a snowboard", {"snowboard": ("carry", "hold")}, ("snow",), style="warm")
def carry_snowboard(group: Group) -> None:
    carry_board(group, "snowboard", tilt=11)


@act("carry a skateboard", {"skateboard": ("carry", "hold")}, ("park", "street"), weight=1.2)
def carry_skateboard(group: Group) -> None:
    carry_board(group, "skateboard", tilt=7)

"""Riding a snowboard, jumping with it, holding it upright."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import X, Y, Z, degrees, transform, vec
from interplay.world.objects.base import Grip
from interplay.world.posing.boarding import ALONG, ride_deck, spread_arms, tip
from interplay.world.posing.fitting import make_fitted
from interplay.world.posing.group import Group
from interplay.world.posing.handling import reach
from interplay.world.posing.placing import arm_cost
from interplay.world.posing.stances import other
from interplay.world.scene import Person, SceneObject

from .registry import act


def strap_in(group: Group, depth: float, lean: float) -> tuple[Person, SceneObject, str]:
    """Somebody on a snowboard along x; the third is the foot in front."""
    person = group.person()
    board = make_fitted(group, person, "snowboard", least=0.7)
    front = "L" if group.rng.random() < 0.6 else "R"
    board.pose = transform(ALONG if front == "L" else ALONG.T, vec(0, 0, 0))
    deck = board.model.spots["deck"].moved(transform(ALONG, vec(0, 0, 0)))
    ride_deck(group, person, board, deck, depth, deck.size[0] / person.rest.height, lean, front)
    return person, board, front


@act("snowboard", {"snowboard": ("ride", "stand on", "snowboard")}, ("snow",), weight=2.0, style="warm")
def snowboard(group: Group) -> None:
    rng = group.rng
    depth = float(rng.uniform(0.15, 0.7))
    person, board, _front = strap_in(group, depth, lean=float(rng.uniform(5, 14)) + 22 * depth)
    spread_arms(group, person, most=0.04)
    tip(group, vec(0, 0, 0), float(rng.uniform(4, 24)) * (1 if rng.random() < 0.5 else -1), rest_on=board)
    group.relate(person, "ride,stand on,snowboard", board, "deck")


@act("jump on a snowboard", {"snowboard": ("ride", "jump", "snowboard", "hold")}, ("snow",), weight=1.3, style="warm")
def jump_snowboard(group: Group) -> None:
    rng = group.rng
    grab = rng.random() < 0.5  # the rear hand takes the edge at the toes, as snowboarders do
    depth, lean = (rng.uniform(0.9, 1.0), rng.uniform(52, 64)) if grab else (rng.uniform(0.7, 1), rng.uniform(24, 42))
    person, board, front = strap_in(group, float(depth), float(lean))
    if grab:
        half = 0.5 * float(board.model.size[0])
        edges = [Grip(vec(x, -0.97 * half, 0.012), X, Z, 0.012, "slab") for x in (0.0, 0.05, -0.05, 0.1, -0.1)]
        edge = min(edges, key=lambda grip: arm_cost(person, other(front), grip))
        grab = float(np.linalg.norm(reach(person, other(front), edge)[1])) < 0.008
    spread_arms(group, person, sides=front if grab else "LR", most=0.16)
    tip(group, vec(0, 0, 0.1), float(rng.uniform(-16, 16)), Y)
    tip(group, vec(0, 0, 0.1), float(rng.uniform(-14, 14)))
    group.move(transform(degrees(Z, float(rng.uniform(-50, 50))), vec(0, 0, float(rng.uniform(0.4, 1.1)))))
    group.relate(person, "ride,jump,snowboard", board, "deck")
    if grab:
        group.relate(person, "hold", board, "edge")

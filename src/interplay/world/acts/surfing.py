"""Surfing, paddling on a surfboard, carrying one in a pair."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import Y, Z, transform, unit, vec
from interplay.world.objects.base import Grip
from interplay.world.posing.boarding import ALONG, prone, ride_deck, spread_arms, tip
from interplay.world.posing.fitting import make_fitted
from interplay.world.posing.group import Group
from interplay.world.posing.handling import free_side, reach, relax
from interplay.world.posing.hands import close_hand
from interplay.world.posing.limbs import solve_arm
from interplay.world.posing.stances import other, side_sign, stride
from interplay.world.posing.under_arm import edge_grip, hand_goal, hook, on_edge
from interplay.world.scene import Person

from .registry import act


@act("surf", {"surfboard": ("ride", "stand on", "surf")}, ("beach",), weight=2.5, style="beach")
def surf(group: Group) -> None:
    rng = group.rng
    person = group.person()
    board = make_fitted(group, person, "surfboard", least=0.8)
    front = "L" if rng.random() < 0.6 else "R"
    board.pose = transform(ALONG if front == "L" else ALONG.T, vec(0, 0, 0))
    deck = board.model.spots["deck"].moved(transform(ALONG, vec(0, 0, 0)))
    depth = float(rng.uniform(0.25, 0.85))
    spread = float(rng.uniform(0.24, 0.36))
    ride_deck(group, person, board, deck, depth, spread, lean=float(rng.uniform(8, 20)) + 25 * depth, front=front)
    spread_arms(group, person, most=0.1)
    tip(group, vec(0, 0, 0), float(rng.uniform(-16, 16)))
    tip(group, vec(0, 0, 0), float(rng.uniform(0, 10)) * (1 if front == "R" else -1), Y, rest_on=board)
    group.relate(person, "ride,stand on,surf", board, "deck")


@act("lie on a surfboard", {"surfboard": ("lie on", "surf")}, ("beach",), weight=1.2, style="beach")
def lie_on_surfboard(group: Group) -> None:
    rng = group.rng
    person = group.person()
    board = make_fitted(group, person, "surfboard", least=0.8)
    prone(group, person, board.model.spots["lie"], chest_up=float(rng.uniform(14, 30)))
    paddling = rng.random() < 0.6
    for side in "LR":
        s, h = side_sign(side), person.rest.height
        if paddling:  # arms along the board's sides in the water
            stroke = float(rng.uniform(-0.2, 0.12))
            goal = person.body.joint(f"upperarm01.{side}") + h * vec(s * 0.12, stroke, 0)
            solve_arm(person.body, side, vec(goal[0], goal[1], 0.05), elbow_hint=vec(s, 0, 0.6))
            close_hand(person.body, side, "flat")
        else:
            rail(group, person, side, board.model.spots["lie"].size[0] / 2)
    group.relate(person, "lie on", board, "deck")
    if paddling:
        group.relate(person, "surf", board, "deck")


def rail(group: Group, person: Person, side: str, half: float) -> None:
    """Prop a hand on the deck near the edge beside the chest."""
    shoulder = person.body.joint(f"upperarm01.{side}")
    point = vec(side_sign(side) * 0.7 * half, shoulder[1] + 0.02 * person.rest.height, 0.066)
    miss = reach(person, side, Grip(point, Y, -Z, 0.0, "palm"), elbow_hint=vec(side_sign(side), 0.8, 0.3))[1]
    group.miss("hand on surfboard", float(np.linalg.norm(miss)))


@act("carry a surfboard together", {"surfboard": ("carry", "hold")}, ("beach",), weight=0.8, style="beach")
def carry_together(group: Group) -> None:
    rng = group.rng
    first, second = group.person(adult=True), group.person(adult=True)
    board = group.make("surfboard")
    half = 0.5 * float(board.model.size[1])
    side, gap = free_side(group)[0], float(rng.uniform(0.5, 0.6)) * half
    for person, y in ((first, -gap), (second, gap)):
        stride(group, person, length=float(rng.uniform(0.2, 0.3)))
        person.body.shift(vec(0, y, 0))
        relax(group, person, other(side), swing=12)
    low = {id(p): hand_goal(p, side, low=0.345, out=0.1) for p in (first, second)}
    a, b = low[id(first)], low[id(second)]
    turn = on_edge(side, 13.0, unit(a - b))
    board.pose = transform(turn, vec(0, 0, 0))
    inwards = vec(-side_sign(side), 0, 0)
    edges = [edge_grip(board, inwards, y).position for y in (-gap, gap)]
    board.pose = transform(turn, 0.5 * (a + b) - 0.5 * (edges[0] + edges[1]))
    for person, y in ((first, -gap), (second, gap)):
        group.miss("hand on surfboard", float(np.linalg.norm(hook(group, person, side, board, y))))
        group.relate(person, "carry,hold", board, "rail")

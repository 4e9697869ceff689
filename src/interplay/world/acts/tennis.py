"""Tennis: forehand, backhand, serve, waiting and carrying the racket."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import Array, apply, frame, unit, vec
from interplay.world.places.kinds import PlaceKind
from interplay.world.posing.balls import make_ball
from interplay.world.posing.fitting import make_fitted
from interplay.world.posing.group import Group
from interplay.world.posing.handling import free_side, heading, hold, relax
from interplay.world.posing.limbs import solve_arm
from interplay.world.posing.placing import easiest, hold_both, turned_to
from interplay.world.posing.stances import crouch, leap, other, side_sign, stand, stride
from interplay.world.scene import Person, SceneObject

from .ball_in_hand import from_shoulder
from .registry import act

COURTS: tuple[PlaceKind, ...] = ("tennis court",)
STROKE = ("swing", "hold", "hit with")


def racket_turns(person: Person, ways: list[Array], strings: Array) -> list[Array]:
    """Rotations (3, 3) of a racket that points along one of `ways`, its strings facing along `strings` or against it.

    All directions (3,) are in the person's frame.
    """
    base = heading(person)
    turns = []
    for way in ways:
        along = frame(base @ unit(way), base @ strings)  # columns: along the racket, out of the strings, across
        for sign in (1.0, -1.0):
            turns.append(np.stack([sign * np.cross(along[:, 1], along[:, 0]), sign * along[:, 1], along[:, 0]], 1))
    return turns


def play(group: Group, person: Person, side: str, at: Array, ways: list[Array], both: bool = False) -> SceneObject:
    """Swing a racket with the handle near `at` (3,), in the world; with `both` the other hand helps at its throat."""
    racket = make_fitted(group, person, "tennis racket", least=0.75)
    turns = racket_turns(person, ways, vec(0, -1, 0))
    grip = racket.model.grips["handle"].position
    hands = {side: "handle", other(side): "throat"} if both else {side: "handle"}
    racket.pose = easiest(person, racket, [turned_to(turn, at, grip) for turn in turns], hands)
    if both:
        hold_both(group, person, racket, hands)
    else:
        hold(group, person, side, racket, "handle")
    return racket


def meet(group: Group, person: Person, racket: SceneObject, most: float) -> None:
    """Put the ball on the strings, or up to `most` metres before them, and say what is done."""
    rng = group.rng
    ahead = heading(person) @ vec(0, -1, 0)
    sweet = apply(racket.pose, racket.model.points["sweet spot"])
    out = racket.pose[:3, 1] * (1.0 if racket.pose[:3, 1] @ ahead > 0 else -1.0)
    gap = 0.04 if rng.random() < 0.35 else float(rng.uniform(0.1, most))
    make_ball(group, ("tennis ball",), sweet + gap * unit(out + vec(0, 0, float(rng.uniform(-0.2, 0.3)))))
    group.relate(person, "swing,hold,hit with", racket, "handle")
    group.relate(person, "hit", group.objects[-1], "surface")
    person.body.look_at(group.objects[-1].pose[:3, 3], share=0.9)


@act("play a forehand", {"tennis racket": STROKE, "sports ball": "hit"}, COURTS, weight=2.0, style="sport")
def forehand(group: Group) -> None:
    rng = group.rng
    person = group.person()
    side = free_side(group)[0]
    s = side_sign(side)
    if rng.random() < 0.5:
        crouch(group, person, depth=float(rng.uniform(0.15, 0.45)), lean=float(rng.uniform(10, 24)), width=0.24)
    else:
        stride(group, person, length=float(rng.uniform(0.28, 0.37)), lean=float(rng.uniform(6, 14)))
    person.body.bend_spine(forward=8, twist=-s * float(rng.uniform(-5, 24)))
    solve_arm(person.body, other(side), from_shoulder(person, other(side), 0.12, 0.2, -0.06))
    at = from_shoulder(person, side, float(rng.uniform(0.1, 0.18)), float(rng.uniform(0.12, 0.2)), -0.14)
    ways = [vec(s, y, z) for y in (-0.2, -0.6, 0.2) for z in (0.1, 0.5, -0.2)]
    meet(group, person, play(group, person, side, at, ways), most=0.6)


@act("play a backhand", {"tennis racket": STROKE, "sports ball": "hit"}, COURTS, weight=1.2, style="sport")
def backhand(group: Group) -> None:
    rng = group.rng
    person = group.person()
    side = free_side(group)[0]
    s = side_sign(side)
    crouch(group, person, depth=float(rng.uniform(0.1, 0.4)), lean=float(rng.uniform(10, 20)), width=0.24)
    person.body.bend_spine(forward=8, twist=s * float(rng.uniform(10, 32)))
    solve_arm(person.body, other(side), from_shoulder(person, other(side), 0.12, -0.02, -0.2))
    at = from_shoulder(person, side, -float(rng.uniform(0.1, 0.16)), float(rng.uniform(0.2, 0.24)), -0.1)
    ways = [vec(-s, y, z) for y in (-0.2, -0.6, -1.0) for z in (0.1, 0.5, -0.2)]
    meet(group, person, play(group, person, side, at, ways), most=0.6)


@act("serve in tennis", {"tennis racket": STROKE, "sports ball": ("hit", "serve")}, COURTS, weight=1.4, style="sport")
def serve(group: Group) -> None:
    rng = group.rng
    person = group.person()
    side = free_side(group)[0]
    s = side_sign(side)
    if rng.random() < 0.35:
        leap(group, person, height=float(rng.uniform(0.07, 0.14)))
    else:
        stride(group, person, length=float(rng.uniform(0.2, 0.3)), lean=2)
    person.body.bend_spine(forward=float(rng.uniform(-6, 8)), left=-s * 6.0, twist=-s * float(rng.uniform(-8, 12)))
    solve_arm(person.body, other(side), from_shoulder(person, other(side), 0.04, 0.14, float(rng.uniform(-0.16, 0.2))))
    at = from_shoulder(person, side, 0.04, float(rng.uniform(0.06, 0.12)), float(rng.uniform(0.22, 0.28)))
    ways = [vec(x * s, y, 1.0) for y in (-0.3, -0.7, 0.1) for x in (0.1, -0.2)]
    meet(group, person, play(group, person, side, at, ways), most=0.4)
    group.relate(person, "serve", group.objects[-1], "surface")


@act("wait with a racket", {"tennis racket": "hold"}, COURTS, weight=1.2, style="sport")
def wait_with_racket(group: Group) -> None:
    rng = group.rng
    person = group.person()
    side = free_side(group)[0]
    crouch(group, person, depth=float(rng.uniform(0.1, 0.4)), lean=float(rng.uniform(14, 28)), width=0.24)
    at = from_shoulder(person, side, -0.08, float(rng.uniform(0.16, 0.2)), -float(rng.uniform(0.16, 0.2)))
    s = side_sign(side)
    ways = [vec(x * -s, -1.0, z) for x in (0.3, 0.7) for z in (0.2, 0.7, 1.2)]
    group.relate(person, "hold", play(group, person, side, at, ways, both=True), "handle")


@act("carry a racket", {"tennis racket": ("carry", "hold")}, ("tennis court", "park", "street"), style="sport")
def carry_racket(group: Group) -> None:
    rng = group.rng
    person = group.person()
    side = free_side(group)[0]
    walking = rng.random() < 0.6
    if walking:
        stride(group, person, length=float(rng.uniform(0.16, 0.32)))
    else:
        stand(group, person)
    relax(group, person, other(side), swing=10 if walking else 0)
    s = side_sign(side)
    at = from_shoulder(person, side, 0.08, 0.05, -0.28)
    ways = [vec(s * 0.15, y, z) for y in (-1.0, 1.0) for z in (-0.3, -0.8, 0.1)]
    racket = play(group, person, side, at, ways)
    group.relate(person, "carry,hold" if walking else "hold", racket, "handle")

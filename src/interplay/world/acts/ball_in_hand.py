"""Holding, carrying, throwing, catching, dribbling and picking up balls."""

from __future__ import annotations

from interplay.body.geometry import Array, vec
from interplay.world.places.kinds import PlaceKind
from interplay.world.posing.balls import hold_ball, hold_ball_both, make_ball, put_ball, radius_of
from interplay.world.posing.group import Group, body_point
from interplay.world.posing.handling import free_side, heading, relax
from interplay.world.posing.hands import close_hand
from interplay.world.posing.limbs import solve_arm
from interplay.world.posing.stances import crouch, leap, other, side_sign, stand, stride
from interplay.world.scene import Person, SceneObject

from .registry import act

GAMES: tuple[PlaceKind, ...] = ("park", "field", "beach", "street")
LARGE = ("football", "basketball", "volleyball")
ANY = (*LARGE, "baseball", "tennis ball")


def from_shoulder(person: Person, side: str, out: float, ahead: float, up: float) -> Array:
    """(3,) a point relative to a shoulder, in body heights: away from the trunk, ahead, up."""
    offset = heading(person) @ vec(side_sign(side) * out, -ahead, up)
    return person.body.joint(f"upperarm01.{side}") + person.rest.height * offset


def wind_up(group: Group, person: Person) -> str:
    """Stand in a step with the trunk turned for a throw; returns the throwing hand, opposite of the foot in front."""
    rng = group.rng
    front = stride(group, person, length=float(rng.uniform(0.26, 0.38)), lean=float(rng.uniform(0, 6)))
    return other(front)


@act("hold a ball", {"sports ball": "hold"}, GAMES, weight=1.4, style="sport")
def hold_a_ball(group: Group) -> None:
    rng = group.rng
    person = group.person()
    ball = make_ball(group, LARGE)
    stand(group, person)
    at = [body_point(person, 0.0, ahead, up) for ahead in (0.17, 0.2, 0.23) for up in (-0.12, -0.02, -0.18)]
    first = int(rng.integers(3))
    hold_ball_both(group, person, ball, at[first::3])
    group.relate(person, "hold", ball, "surface")


@act("carry a ball", {"sports ball": ("carry", "hold")}, GAMES, style="sport")
def carry_ball(group: Group) -> None:
    rng = group.rng
    person = group.person()
    ball = make_ball(group, ANY)
    stride(group, person, length=float(rng.uniform(0.18, 0.34)))
    side = free_side(group)[0]
    large = radius_of(ball) > 0.05
    at = from_shoulder(person, side, 0.02 if large else 0.06, 0.03 if large else 0.02, -0.3)
    if large:  # between hand and hip
        hip = person.body.joint("root") + person.rest.height * (
            heading(person) @ vec(side_sign(side) * 0.105, -0.01, 0)
        )
        at = hip + heading(person) @ vec(side_sign(side) * radius_of(ball), -0.01, 0.05)
    s = side_sign(side)
    hold_ball(group, person, side, ball, at, [vec(-s, -0.2, 0.5), vec(-s, 0.2, 0.7), vec(-s, -0.4, 0.9), vec(-s, 0, 0)])
    relax(group, person, other(side), swing=12)
    group.relate(person, "carry,hold", ball, "surface")


@act("throw a ball", {"sports ball": ("throw", "hold")}, GAMES, weight=1.6, style="sport")
def throw_ball(group: Group) -> None:
    rng = group.rng
    person = group.person()
    ball = make_ball(group, ANY)
    side = wind_up(group, person)
    throw(group, person, side, ball, released=bool(rng.random() < 0.5))


def throw(group: Group, person: Person, side: str, ball: SceneObject, released: bool) -> None:
    """Throw with one hand: the arm is behind with the ball in it, or ahead and the ball is on its way."""
    rng, body, s = group.rng, person.body, side_sign(side)
    aim = from_shoulder(person, other(side), 0.06, float(rng.uniform(0.2, 0.26)), float(rng.uniform(-0.1, 0.06)))
    if released:
        body.bend_spine(forward=float(rng.uniform(6, 18)), twist=s * float(rng.uniform(8, 22)))
        hand = from_shoulder(person, side, -0.02, float(rng.uniform(0.22, 0.27)), float(rng.uniform(0.0, 0.14)))
        solve_arm(body, side, hand)
        close_hand(body, side, "relaxed")
        flight = float(rng.uniform(0.1, 0.7)) + radius_of(ball)
        put_ball(group, ball, hand + flight * (heading(person) @ vec(0, -1, float(rng.uniform(0.0, 0.35)))))
        aim = from_shoulder(person, other(side), 0.08, 0.02, -0.24)
        body.look_at(ball.pose[:3, 3])
    else:
        body.bend_spine(forward=float(rng.uniform(-6, 4)), twist=-s * float(rng.uniform(14, 32)))
        at = from_shoulder(person, side, float(rng.uniform(0.1, 0.16)), -0.08, float(rng.uniform(0.1, 0.2)))
        ahead = [vec(0, -1, z) for z in (0.2, 0.6, 1.2)] + [vec(-s * 0.6, -0.5, z) for z in (0.4, 1.0)]
        hold_ball(group, person, side, ball, at, ahead)
        body.look_at(body.joint("head") + heading(person) @ vec(s * 1.2, -4.0, -0.2), share=0.9)
    solve_arm(body, other(side), aim)
    close_hand(body, other(side), "relaxed")
    group.relate(person, "throw", ball, "surface")
    if not released:
        group.relate(person, "hold", ball, "surface")


@act("catch a ball", {"sports ball": "catch"}, GAMES, weight=1.4, style="sport")
def catch_ball(group: Group) -> None:
    person = group.person()
    ball = make_ball(group, LARGE)
    catch(group, person, ball, caught=bool(group.rng.random() < 0.6))


def catch(group: Group, person: Person, ball: SceneObject, caught: bool) -> None:
    """Catch with both hands: the ball is between them, or a little before them."""
    rng = group.rng
    if rng.random() < 0.5:
        crouch(group, person, depth=float(rng.uniform(0.1, 0.35)), lean=float(rng.uniform(8, 22)))
        up = float(rng.uniform(-0.1, 0.12))
    else:
        stand(group, person, width=float(rng.uniform(0.12, 0.2)))
        up = float(rng.uniform(0.0, 0.34))
    tilt = max(0.1, 0.6 - 2 * up)
    at = [body_point(person, 0.02, ahead, up) for ahead in (0.2, 0.22, 0.25)]
    center = hold_ball_both(group, person, ball, at, behind=0.5, under=tilt)
    if not caught:
        put_ball(group, ball, center + heading(person) @ vec(0, -float(rng.uniform(0.12, 0.5)), 0.05))
    person.body.look_at(center)
    group.relate(person, "catch", ball, "surface")


@act("dribble a ball", {"sports ball": "dribble"}, ("field", "street"), weight=1.4, style="sport")
def dribble(group: Group) -> None:
    rng = group.rng
    person = group.person()
    ball = make_ball(group, ("basketball",))
    if rng.random() < 0.5:
        crouch(group, person, depth=float(rng.uniform(0.15, 0.45)), lean=float(rng.uniform(12, 32)), width=0.2)
    else:
        stride(group, person, length=float(rng.uniform(0.28, 0.37)), lean=float(rng.uniform(10, 20)))
    side = free_side(group)[0]
    top = from_shoulder(person, side, 0.12, float(rng.uniform(0.15, 0.2)), -float(rng.uniform(0.2, 0.24)))
    radius = radius_of(ball)
    at = top - vec(0, 0, radius)
    hold_ball(group, person, side, ball, at, [vec(0, y, -1) for y in (0.0, -0.3, 0.2)])
    at = ball.pose[:3, :3] @ vec(0, 0, radius) + ball.pose[:3, 3]
    if rng.random() < 0.6:  # on its way to the ground or back
        put_ball(group, ball, vec(at[0], at[1], float(rng.uniform(radius, max(at[2], radius + 0.01)))))
    relax(group, person, other(side), swing=25)
    person.body.look_at(at + heading(person) @ vec(0, -2.5, 0.6), share=0.8)
    group.relate(person, "dribble", ball, "surface")


@act("pick up a ball", {"sports ball": ("pick up", "hold")}, GAMES, weight=0.8, style="sport")
def pick_up(group: Group) -> None:
    rng = group.rng
    person = group.person()
    ball = make_ball(group, LARGE)
    crouch(group, person, depth=float(rng.uniform(0.85, 1.0)), lean=float(rng.uniform(74, 86)), width=0.26)
    h, radius = person.rest.height, radius_of(ball)
    at = [vec(0, -y * h, radius) for y in (0.2, 0.17, 0.14, 0.24)]
    center = hold_ball_both(group, person, ball, at, behind=0.1, under=0.25)
    person.body.look_at(center)
    group.relate(person, "pick up,hold", ball, "surface")


@act("jump for a ball", {"sports ball": ("block", "hit"), "": "jump"}, ("field", "beach"), style="sport")
def jump_for_ball(group: Group) -> None:
    rng = group.rng
    person = group.person()
    ball = make_ball(group, ("volleyball",))
    leap(group, person, height=float(rng.uniform(0.1, 0.28)))
    if rng.random() < 0.5:
        at = [body_point(person, 0.0, ahead, up) for ahead in (0.17, 0.14) for up in (0.38, 0.36)]
        center = hold_ball_both(group, person, ball, at, behind=1.2, under=0.3)
        group.relate(person, "block", ball, "surface")
    else:
        side = free_side(group)[0]
        center = from_shoulder(person, side, 0.03, 0.14, 0.28)
        hold_ball(group, person, side, ball, center, [vec(0, -1, 0.2), vec(0, -1, -0.3), vec(0, -1, 0.6)])
        solve_arm(person.body, other(side), from_shoulder(person, other(side), 0.12, 0.2, 0.05))
        group.relate(person, "hit", ball, "surface")
    person.body.look_at(center)
    group.relate(person, "jump")

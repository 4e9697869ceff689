"""Football: kicking, dribbling with the feet, standing with a foot on the ball."""

from __future__ import annotations

from interplay.body.geometry import X, Z, degrees, vec
from interplay.world.places.kinds import PlaceKind
from interplay.world.posing.balls import make_ball, put_ball, radius_of
from interplay.world.posing.boarding import spread_arms
from interplay.world.posing.group import Group
from interplay.world.posing.handling import relax
from interplay.world.posing.limbs import solve_leg
from interplay.world.posing.stances import (
    SOLE,
    ankle_height,
    glance,
    hip_height,
    other,
    plant,
    side_sign,
)
from interplay.world.scene import Person

from .motions import sprint
from .registry import act

PITCHES: tuple[PlaceKind, ...] = ("park", "beach", "street")


def on_one_leg(group: Group, person: Person, side: str, lean: float, bent: float) -> None:
    """Stand on the leg of a side, the hips over its foot, knee bent by `bent` body heights, leaning back by `lean`."""
    body, h, s = person.body, person.rest.height, side_sign(side)
    turn = degrees(Z, s * float(group.rng.uniform(4, 14)))
    body.place_root(
        vec(s * 0.015 * h, 0, hip_height(person) + SOLE - (bent + 0.012) * h), turn @ degrees(X, -0.5 * lean)
    )
    body.bend_spine(forward=-0.3 * lean + float(group.rng.uniform(0, 14)), twist=-s * float(group.rng.uniform(4, 16)))
    foot = vec(s * 0.045 * h, -float(group.rng.uniform(0.0, 0.05)) * h, 0)
    group.miss("foot on ground", plant(person, side, foot, heading=10))
    glance(group, person)


@act("kick a ball", {"sports ball": "kick"}, PITCHES, weight=2.2, style="sport")
def kick(group: Group) -> None:
    rng = group.rng
    person = group.person()
    ball = make_ball(group, ("football",))
    leg = "R" if rng.random() < 0.75 else "L"
    s, h, radius = side_sign(leg), person.rest.height, radius_of(ball)
    if rng.random() < 0.6:  # the foot meets the ball, or has just sent it off
        on_one_leg(group, person, other(leg), lean=float(rng.uniform(6, 18)), bent=float(rng.uniform(0.02, 0.05)))
        swing, lift = float(rng.uniform(0.14, 0.26)), float(rng.uniform(0.03, 0.1))
        ankle = vec(s * 0.035 * h, -swing * h, ankle_height(person) + lift * h)
        foot = degrees(X, float(rng.uniform(12, 30)))
        solve_leg(person.body, leg, ankle, knee=vec(0, -1, 0.3), foot=foot)
        toes = ankle + foot @ vec(0, -0.125 * h, -0.02 * h)
        touching = rng.random() < 0.4
        ahead = radius * 0.9 if touching else radius + float(rng.uniform(0.08, 0.8))
        height = max(radius, float(toes[2]) + (0.01 if touching else float(rng.uniform(-0.1, 0.15))))
        put_ball(group, ball, vec(toes[0], toes[1] - ahead, height))
    else:  # the leg is still behind, the ball waits beside the other foot
        on_one_leg(group, person, other(leg), lean=-float(rng.uniform(2, 12)), bent=float(rng.uniform(0.04, 0.07)))
        ankle = vec(s * 0.06 * h, float(rng.uniform(0.2, 0.27)) * h, float(rng.uniform(0.16, 0.24)) * h)
        solve_leg(person.body, leg, ankle, knee=vec(s * 0.15, -1, -0.4), foot=degrees(X, 60))
        put_ball(group, ball, vec(s * 0.06 * h, -float(rng.uniform(0.08, 0.2)) * h - radius, radius))
    spread_arms(group, person, most=-0.04)
    person.body.look_at(ball.pose[:3, 3], share=0.85)
    group.relate(person, "kick", ball, "surface")


@act("run with a ball", {"sports ball": ("dribble", "kick"), "": "run"}, PITCHES, weight=1.2, style="sport")
def run_with_ball(group: Group) -> None:
    rng = group.rng
    person = group.person()
    ball = make_ball(group, ("football",))
    front = sprint(group, person)
    h, radius = person.rest.height, radius_of(ball)
    foot = person.body.joint(f"foot.{front}")
    ahead = 0.16 * h + radius + float(rng.uniform(0.0, 0.25))
    put_ball(group, ball, vec(foot[0] - side_sign(front) * 0.03 * h, foot[1] - ahead, radius))
    person.body.look_at(ball.pose[:3, 3] + vec(0, -1.0, 0), share=0.8)
    group.relate(person, "dribble,kick", ball, "surface")
    group.relate(person, "run")


@act("stand with a foot on a ball", {"sports ball": "block", "": "stand"}, PITCHES, weight=0.6, style="sport")
def foot_on_ball(group: Group) -> None:
    rng = group.rng
    person = group.person()
    ball = make_ball(group, ("football",))
    leg = "R" if rng.random() < 0.7 else "L"
    s, h, radius = side_sign(leg), person.rest.height, radius_of(ball)
    on_one_leg(group, person, other(leg), lean=float(rng.uniform(0, 4)), bent=0.008)
    at = vec(s * 0.07 * h, -float(rng.uniform(0.15, 0.19)) * h, radius)
    put_ball(group, ball, at)
    foot = degrees(X, -float(rng.uniform(4, 14)))
    ankle = at + vec(0, 0, radius) + foot @ vec(0, 0.055 * h, ankle_height(person) + 0.004)
    group.miss("foot on ball", solve_leg(person.body, leg, ankle, knee=vec(s * 0.1, -1, 0.2), foot=foot).reach_error)
    relax(group, person)
    group.relate(person, "block", ball, "surface")
    group.relate(person, "stand")

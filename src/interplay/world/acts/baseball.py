"""Baseball: swinging and carrying bats, catching and throwing with a glove."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interplay.body.geometry import Array, X, Z, apply, degrees, rotation_between, unit, vec
from interplay.world.objects import make_object
from interplay.world.objects.base import Grip
from interplay.world.places.kinds import PlaceKind
from interplay.world.posing.balls import make_ball
from interplay.world.posing.fitting import make_fitted
from interplay.world.posing.group import Group
from interplay.world.posing.handling import free_side, heading, hold, reach, relax
from interplay.world.posing.hands import close_hand, palm_frame
from interplay.world.posing.placing import easiest, hold_both, turned_to
from interplay.world.posing.stances import crouch, other, side_sign, stand, stride
from interplay.world.scene import Person, SceneObject

from .ball_in_hand import from_shoulder, throw, wind_up
from .registry import act

FIELDS: tuple[PlaceKind, ...] = ("park", "field")


def swing_bat(group: Group, person: Person, bat: SceneObject, side: str, at: Array, way: Array) -> None:
    """Hold a bat with both hands, the upper one of a side, near `at` and pointing along `way`.

    `at` is where the upper hand is, relative to the middle between the shoulders, in body heights; both are in the
    person's frame for a right-handed one, and mirrored for a left-handed one.
    """
    mirror = vec(-side_sign(side), 1.0, 1.0)
    frame, body = heading(person), person.body
    middle = 0.5 * (body.joint("upperarm01.L") + body.joint("upperarm01.R"))
    grip = bat.model.grips["upper handle"].position
    poses = []
    for shift in (vec(0, 0, 0), vec(0, -0.03, 0), vec(0.04, 0, 0), vec(0, 0, -0.04), vec(0, 0.03, 0), vec(-0.04, 0, 0)):
        for tilt in (0.0, 18.0, -18.0):
            direction = frame @ (mirror * (degrees(X, tilt) @ unit(way)))
            hand = middle + person.rest.height * (frame @ (mirror * (at + shift)))
            poses.append(turned_to(rotation_between(Z, direction), hand, grip))
    hands = {other(side): "lower handle", side: "upper handle"}
    bat.pose = easiest(person, bat, poses, hands)
    hold_both(group, person, bat, hands)


def batter(group: Group) -> tuple[Person, SceneObject, str]:
    """Somebody with bent knees and a bat; the third is the upper hand's side."""
    rng = group.rng
    person = group.person()
    bat = make_fitted(group, person, "baseball bat", least=0.75)
    crouch(group, person, depth=float(rng.uniform(0.12, 0.32)), lean=float(rng.uniform(12, 24)), width=0.26)
    return person, bat, free_side(group)[0]


@act("wait with a bat", {"baseball bat": ("hold", "wield")}, FIELDS, weight=1.2, style="sport")
def wait_with_bat(group: Group) -> None:
    rng = group.rng
    person, bat, side = batter(group)
    person.body.bend_spine(forward=8, twist=-side_sign(other(side)) * float(rng.uniform(10, 20)))
    way = vec(-float(rng.uniform(0.1, 0.5)), float(rng.uniform(0.2, 0.6)), float(rng.uniform(0.7, 1.0)))
    swing_bat(group, person, bat, side, vec(-0.08, -0.14, float(rng.uniform(-0.04, 0.02))), way)
    pitcher = person.body.joint("head") + heading(person) @ vec(side_sign(other(side)) * 5.0, -1.5, -0.2)
    person.body.look_at(pitcher)
    group.relate(person, "hold,wield", bat, "handle")


@act(
    "hit a baseball",
    {"baseball bat": ("swing", "hold", "wield", "hit with"), "sports ball": "hit"},
    FIELDS,
    weight=2.0,
    style="sport",
)
def hit_baseball(group: Group) -> None:
    rng = group.rng
    person, bat, side = batter(group)
    out = side_sign(other(side))
    person.body.bend_spine(forward=10, twist=out * float(rng.uniform(4, 24)))
    way = vec(float(rng.uniform(-0.5, 0.6)), -1.0, float(rng.uniform(-0.35, 0.25)))
    swing_bat(group, person, bat, side, vec(0.02, -0.2, -float(rng.uniform(0.1, 0.17))), way)
    sweet = apply(bat.pose, bat.model.points["sweet spot"])
    pitcher = heading(person) @ vec(out, -0.25, 0.0)
    if rng.random() < 0.75:
        gap = 0.072 + (0.0 if rng.random() < 0.4 else float(rng.uniform(0.03, 0.5)))
        ball = make_ball(group, ("baseball",), sweet + gap * unit(pitcher + vec(0, 0, float(rng.uniform(-0.1, 0.3)))))
        group.relate(person, "hit", ball, "surface")
        group.relate(person, "hit with", bat, "sweet spot")
    person.body.look_at(sweet + 0.5 * pitcher)
    group.relate(person, "swing,hold,wield", bat, "handle")


@act("carry a bat", {"baseball bat": ("carry", "hold")}, FIELDS, style="sport")
def carry_bat(group: Group) -> None:
    rng = group.rng
    person = group.person()
    bat = make_fitted(group, person, "baseball bat", least=0.75)
    stride(group, person, length=float(rng.uniform(0.16, 0.32)))
    side = free_side(group)[0]
    s, frame = side_sign(side), heading(person)
    relax(group, person, other(side), swing=10)
    if rng.random() < 0.5:  # over the shoulder
        at, ways = from_shoulder(person, side, 0.05, 0.13, -0.08), [vec(-s * 0.12, y, 0.75) for y in (0.8, 1.0, 0.6)]
    else:
        at, ways = (
            from_shoulder(person, side, 0.07, 0.04, -0.29),
            [vec(s * 0.1, y, z) for y in (-1, 1) for z in (-1, -0.4)],
        )
    grip = bat.model.grips["lower handle"].position
    poses = [turned_to(rotation_between(Z, frame @ unit(way)), at, grip) for way in ways]
    bat.pose = easiest(person, bat, poses, {side: "lower handle"})
    hold(group, person, side, bat, "lower handle")
    group.relate(person, "carry,hold", bat, "handle")


def put_on_glove(group: Group, person: Person, side: str) -> SceneObject:
    """A glove on a posed hand."""
    model = make_object("baseball glove", group.rng, group.library)
    grip, pocket = model.grips["inside"].position, model.points["pocket"]
    if side == "L":  # the thumb is on the other side
        mirror = vec(-1, 1, 1)
        mesh = model.mesh.scaled(mirror)
        model = replace(model, mesh=replace(mesh, faces=mesh.faces[:, ::-1]), points={"pocket": mirror * pocket})
        grip = mirror * grip
    palm = palm_frame(person.body, side)
    along, out = palm[:3, 0], palm[:3, 1]
    close_hand(person.body, side, "flat")
    return group.add(model, turned_to(np.stack([np.cross(-out, along), -out, along], 1), palm[:3, 3], grip))


def raise_glove(group: Group, person: Person, side: str, at: Array, up: float) -> SceneObject:
    """Hold a gloved hand at a point, its palm ahead and its fingers up (`up` 1) or to the side (0)."""
    frame, s = heading(person), side_sign(side)
    fingers = frame @ unit(vec(s * (1.0 - up), -0.3, up))
    normal = frame @ vec(0, -1, 0)
    thumb = np.cross(normal, fingers) if side == "L" else np.cross(fingers, normal)
    reach(person, side, Grip(at, thumb, normal, 0.0, "bar", flip=False))
    return put_on_glove(group, person, side)


@act(
    "catch with a glove",
    {"baseball glove": ("wear", "hold"), "sports ball": "catch"},
    FIELDS,
    weight=1.5,
    style="sport",
)
def catch_with_glove(group: Group) -> None:
    rng = group.rng
    person = group.person()
    if rng.random() < 0.5:
        crouch(group, person, depth=float(rng.uniform(0.2, 0.95)), lean=float(rng.uniform(14, 36)), width=0.24)
    else:
        stand(group, person, width=0.18)
    side = other(free_side(group)[0])
    at = from_shoulder(person, side, float(rng.uniform(0.0, 0.12)), 0.23, float(rng.uniform(-0.08, 0.16)))
    glove = raise_glove(group, person, side, at, up=float(rng.uniform(0.6, 1.0)))
    pocket = apply(glove.pose, glove.model.points["pocket"])
    coming = 0.035 if rng.random() < 0.5 else float(rng.uniform(0.1, 0.6))
    ball = make_ball(group, ("baseball",), pocket - coming * glove.pose[:3, 1])
    relax(group, person, other(side))
    person.body.look_at(pocket)
    group.relate(person, "wear,hold", glove, "inside")
    group.relate(person, "catch", ball, "surface")


@act(
    "pitch a baseball",
    {"baseball glove": ("wear", "hold"), "sports ball": ("throw", "hold")},
    FIELDS,
    weight=1.3,
    style="sport",
)
def pitch(group: Group) -> None:
    person = group.person()
    ball = make_ball(group, ("baseball",))
    side = wind_up(group, person)
    throw(group, person, side, ball, released=bool(group.rng.random() < 0.4))
    glove = put_on_glove(group, person, other(side))
    group.relate(person, "wear,hold", glove, "inside")

"""At a screen: laptops, keyboards and mice, television from the couch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interplay.body.geometry import Array, Z, frame, transform, unit, vec
from interplay.world.objects import make_object
from interplay.world.places.kinds import PlaceKind
from interplay.world.posing.fitting import scaled
from interplay.world.posing.group import Group, body_point, upright
from interplay.world.posing.handling import free_side, reach
from interplay.world.posing.lips import hold_by
from interplay.world.posing.seating import hands_on_lap, lounging, take_seat
from interplay.world.posing.stances import side_sign
from interplay.world.posing.table import put_before, sit_at_table
from interplay.world.scene import Person, SceneObject

from .registry import act

DESKS: tuple[PlaceKind, ...] = ("office", "living room", "bedroom")
LAPTOP = ("type on", "work on computer", "look")


def type_on(group: Group, person: Person, object: SceneObject, elbows: dict[str, Array], sides: str = "LR") -> None:
    """Fingers on the keys, the palms just before them."""
    for side in sides:
        name = "left keys" if side == "L" else "right keys"
        keys = object.model.grips[name]
        before = replace(keys, position=keys.position + vec(0.0, -0.045, 0.007)).moved(object.pose)
        miss = reach(person, side, before, elbows.get(side))[1]
        group.miss(f"hand on {object.category}", float(np.linalg.norm(miss)))


@act("type on a laptop", {"chair": "sit on", "dining table": "sit at", "laptop": LAPTOP}, DESKS, weight=1.6)
def type_on_laptop(group: Group) -> None:
    """At a table."""
    place = sit_at_table(group, group.person(), small=True, lean=4.0)
    person = place.person
    laptop = put_before(group, place, "laptop", float(group.rng.uniform(0.04, 0.09)))
    person.body.look_at(_screen(laptop))
    type_on(group, person, laptop, {s: place.elbow(s) for s in "LR"})
    group.relate(person, ",".join(LAPTOP), laptop, "keys")


@act("a laptop on the lap", {"couch": "sit on", "laptop": (*LAPTOP, "hold")}, ("living room", "office"))
def laptop_on_lap(group: Group) -> None:
    """On the couch, the laptop on both thighs."""
    person, couch = group.person(), group.make("couch")
    how = {**lounging(group), "knees_apart": 0.1, "feet_ahead": -0.01}
    take_seat(group, person, couch, str(group.rng.choice(["left seat", "right seat"])), **how)
    laptop = group.make("laptop")
    laptop.pose = on_lap(person, laptop)
    person.body.look_at(_screen(laptop))
    type_on(group, person, laptop, {})
    group.relate(person, ",".join((*LAPTOP, "hold")), laptop, "keys")


def on_lap(person: Person, object: SceneObject) -> Array:
    """Pose (4, 4) of a flat object whose user is at its -y on the thighs of someone who sits."""
    vertices = person.vertices()
    hips = 0.5 * (person.body.joint("upperleg01.L") + person.body.joint("upperleg01.R"))
    knees = 0.5 * (person.body.joint("lowerleg01.L") + person.body.joint("lowerleg01.R"))
    ahead = unit(knees - hips)
    turn = frame(ahead, Z)[:, [2, 0, 1]]
    low, high = object.model.mesh.bounds()
    middle = hips + ahead * (0.75 * float(np.linalg.norm(knees - hips)))
    local = (vertices - middle) @ turn
    under = (np.abs(local[:, 0]) < 0.5 * (high[0] - low[0])) & (np.abs(local[:, 1]) < 0.13) & (local[:, 2] < 0.15)
    return transform(turn, middle + turn[:, 2] * (float(local[under, 2].max()) - 0.004))


def _screen(object: SceneObject) -> Array:
    return object.pose[:3, :3] @ object.model.points["screen"] + object.pose[:3, 3]


@act(
    "work at a computer",
    {
        "chair": "sit on",
        "dining table": "sit at",
        "keyboard": "type on",
        "mouse": ("hold", "control"),
        "tv": ("look", "watch"),
    },
    ("office", "bedroom"),
    weight=1.4,
)
def work_at_computer(group: Group) -> None:
    """Keyboard, mouse and a screen on a table."""
    rng = group.rng
    place = sit_at_table(group, group.person(), small=bool(rng.random() < 0.4), lean=3.0)
    person = place.person
    keyboard = put_before(group, place, "keyboard", float(rng.uniform(0.06, 0.1)), 0.03)
    screen = group.add(scaled(make_object("tv", rng, group.library), float(rng.uniform(0.5, 0.62))))
    screen.pose = place.pose(0.03, float(rng.uniform(0.42, 0.5)), np.pi)
    width = float(keyboard.model.size[0])
    mouse = put_before(group, place, "mouse", float(rng.uniform(0.07, 0.11)), -(0.03 + width / 2))
    mouse.pose[:3, 3] += place.frame @ vec(-0.06, 0, 0)
    person.body.look_at(_screen(screen), share=0.9)
    type_on(group, person, keyboard, {"L": place.elbow("L")}, "L")
    group.relate(person, "type on", keyboard, "keys")
    group.relate(person, "look,watch", screen, "screen")
    if rng.random() < 0.6:
        top = mouse.model.grips["top"].moved(mouse.pose)
        reach(person, "R", replace(top, position=top.position + 0.004 * Z), place.elbow("R"))
        group.relate(person, "hold,control", mouse, "top")
    else:
        type_on(group, person, keyboard, {"R": place.elbow("R")}, "R")


@act(
    "watch television",
    {"couch": "sit on", "tv": ("watch", "look", "control"), "remote": ("hold", "point")},
    ("living room",),
    weight=2.0,
)
def watch_tv(group: Group) -> None:
    """One or two people on a couch; one may have the remote control."""
    rng = group.rng
    couch = group.make("couch")
    seats = ["left seat", "right seat"]
    rng.shuffle(seats)
    people = []
    for seat in seats[: 1 + int(rng.random() < 0.35)]:
        person = group.person()
        take_seat(group, person, couch, seat, **lounging(group))
        hands_on_lap(group, person)
        people.append(person)
    screen = television(group, float(rng.uniform(1.7, 2.4)))
    for person in people:
        person.body.look_at(_screen(screen))
        group.relate(person, "watch,look", screen, "screen")
    if rng.random() < 0.65:
        hold_remote(group, people[0], screen)


def television(group: Group, away: float) -> SceneObject:
    """A television on a low table, so many metres in front of the couch's middle and facing it."""
    rng = group.rng
    low = scaled(make_object("dining table", rng, group.library), float(rng.uniform(0.55, 0.7)))
    table = group.add(low, upright(vec(float(rng.uniform(-0.2, 0.2)), -away - 0.4, 0.0)))
    top = low.spots["top"].moved(table.pose).position
    screen = group.make("tv")
    screen.pose = upright(top, np.pi)
    return screen


def hold_remote(group: Group, person: Person, screen: SceneObject) -> None:
    """Point a remote control at a screen."""
    side = free_side(group)[0]
    remote = group.make("remote")
    at = body_point(person, side_sign(side) * 0.1, float(group.rng.uniform(0.2, 0.24)), -0.1)
    back = unit(at - _screen(screen))
    remote.pose = transform(
        np.stack([np.cross(back, unit(Z - (Z @ back) * back)), back, unit(Z - (Z @ back) * back)], 1), at
    )
    hold_by(group, person, side, remote, "body")
    group.relate(person, "hold,point", remote, "body")
    group.relate(person, "control", screen)

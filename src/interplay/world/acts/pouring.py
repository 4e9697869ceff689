"""Opening bottles, pouring, holding cups, stirring."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interplay.body.geometry import X, Y, degrees, frame, unit, vec
from interplay.world.objects.base import Grip
from interplay.world.places.kinds import INDOORS
from interplay.world.posing.group import Group, body_point
from interplay.world.posing.handling import free_side, heading, reach
from interplay.world.posing.lips import hold_by, tip_to_food
from interplay.world.posing.placing import easiest, turned_to
from interplay.world.posing.postures import SEATS, rest_hands, settle_anywhere
from interplay.world.posing.stances import side_sign, stand
from interplay.world.posing.table import lean_in, stand_at_table
from interplay.world.scene import Person, SceneObject

from .cutting import steady
from .registry import act


def hold_upright(
    group: Group,
    person: Person,
    side: str,
    object: SceneObject,
    grip: str,
    ahead: float,
    up: float,
    left: float | None = None,
) -> None:
    """Hold a vessel upright, so many body heights before and above the middle of the chest."""
    left = 0.07 * side_sign(side) if left is None else left
    at = body_point(person, left, ahead, up)
    turns = [heading(person) @ degrees(X, a) @ degrees(Y, b) for a in (0, -12) for b in (0, 10, -10)]
    point = object.model.grips[grip].position
    object.pose = easiest(person, object, [turned_to(t, at, point) for t in turns], {side: grip})
    hold_by(group, person, side, object, grip)


@act("hold a cup", {**SEATS, "cup": "hold", "wine glass": "hold", "bottle": "hold"}, INDOORS, weight=1.2)
def hold_cup(group: Group) -> None:
    """A cup, a glass or a bottle in one hand before the chest, not at the mouth."""
    person, rng = group.person(), group.rng
    posture = settle_anywhere(group, person)
    side, rest = free_side(group)
    vessel = group.make(str(rng.choice(["cup", "cup", "wine glass", "bottle"])))
    grip = "stem" if vessel.category == "wine glass" and rng.random() < 0.5 else list(vessel.model.grips)[-1]
    grip = "body" if "body" in vessel.model.grips else grip
    hold_upright(group, person, side, vessel, grip, float(rng.uniform(0.15, 0.2)), float(rng.uniform(-0.1, 0.02)))
    rest_hands(group, person, posture, rest)
    group.relate(person, "hold", vessel, "body")


@act("open a bottle", {"bottle": ("hold", "open")}, INDOORS)
def open_bottle(group: Group) -> None:
    """One hand around the bottle, the other one around its cap."""
    person, rng = group.person(), group.rng
    stand(group, person, lean=2.0)
    side, rest = free_side(group)
    bottle = group.make("bottle")
    tip = side_sign(rest) * float(rng.uniform(5, 30))
    body, neck = bottle.model.grips["body"], bottle.model.grips["neck"]
    height = float(bottle.model.points["mouth"][2])
    low = replace(body, position=vec(0, 0, 0.25 * height))
    cap = replace(neck, position=vec(0, 0, 0.97 * height), radius=0.016)
    at = body_point(person, 0.02 * side_sign(rest), float(rng.uniform(0.15, 0.18)), float(rng.uniform(-0.12, -0.05)))
    turns = [heading(person) @ degrees(Y, -tip) @ degrees(X, a) for a in (0, 15, 30)]
    hands = {rest: low, side: cap}
    bottle.pose = easiest(person, bottle, [turned_to(t, at, low.position) for t in turns], hands)
    hold_by(group, person, rest, bottle, low)
    take(group, person, side, bottle, cap)
    person.body.look_at(bottle.pose[:3, 3])
    group.relate(person, "hold,open", bottle, "mouth")


def take(group: Group, person: Person, side: str, object: SceneObject, grip: Grip) -> None:
    """Bring a second hand to an object that another one holds."""
    miss = reach(person, side, grip.moved(object.pose))[1]
    group.miss(f"hand on {object.category}", float(np.linalg.norm(miss)))


@act(
    "pour from a bottle",
    {"bottle": ("hold", "pour"), "cup": ("hold", "fill"), "wine glass": ("hold", "fill")},
    ("kitchen", "living room"),
    weight=1.4,
)
def pour(group: Group) -> None:
    """Into a cup or a glass in the other hand."""
    person, rng = group.person(), group.rng
    stand(group, person, lean=3.0)
    side, rest = free_side(group)
    vessel = group.make("cup" if rng.random() < 0.5 else "wine glass")
    grip = "body" if vessel.category == "cup" else "bowl"
    hold_upright(group, person, rest, vessel, grip, 0.17, float(rng.uniform(-0.14, -0.08)), 0.05 * side_sign(rest))
    mouth = vessel.pose[:3, :3] @ vessel.model.points["mouth"] + vessel.pose[:3, 3]
    bottle = group.make("bottle")
    s = side_sign(side)
    poses = []
    for down in (100.0, 112.0, 124.0):
        for ahead in (-0.35, 0.0, 0.35):
            a = np.radians(down)
            axis = heading(person) @ unit(vec(-s * np.sin(a), ahead, np.cos(a)))
            turn = frame(axis, heading(person)[:, 1])[:, [1, 2, 0]]
            poses.append(turned_to(turn, mouth + vec(0, 0, 0.03), bottle.model.points["mouth"]))
    bottle.pose = easiest(person, bottle, poses, {side: "body"})
    hold_by(group, person, side, bottle, "body")
    person.body.look_at(mouth)
    group.relate(person, "hold,pour", bottle, "mouth")
    group.relate(person, "hold,fill", vessel, "mouth")


@act("stir in a bowl", {"bowl": "stir", "spoon": "hold"}, ("kitchen",), weight=0.8)
def stir(group: Group) -> None:
    """Standing at a table, the other hand at the bowl's side."""
    person = group.person()
    place = stand_at_table(group, person)
    side, rest = free_side(group)
    bowl = group.make("bowl")
    bowl.pose = place.pose(0.0, place.reach * 0.9 + 0.06)
    target = bowl.pose[:3, 3] + vec(0, 0, 0.045) + place.frame @ vec(0.02 * side_sign(side), 0.01, 0)
    lean_in(person, side, target)
    person.body.look_at(target)
    spoon = group.make("spoon")
    tip_to_food(group, person, side, spoon, target, place.elbow(side))
    steady(group, place, rest, bowl)
    group.relate(person, "stir", bowl)
    group.relate(person, "hold", spoon, "handle")

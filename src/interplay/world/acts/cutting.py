"""Cutting with knives and scissors, peeling."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import Array, X, Z, degrees, unit, vec
from interplay.world.objects.base import Grip
from interplay.world.places.kinds import INDOORS
from interplay.world.posing.group import Group, body_point
from interplay.world.posing.handling import free_side, heading, reach
from interplay.world.posing.lips import hold_by
from interplay.world.posing.placing import easiest, turned_to
from interplay.world.posing.postures import SEATS, rest_hands, settle_anywhere
from interplay.world.posing.stances import side_sign, stand
from interplay.world.posing.table import TablePlace, lean_in, sit_at_table, stand_at_table
from interplay.world.scene import Person, SceneObject

from .registry import act

FOOD = ("cake", "pizza", "sandwich", "carrot", "apple", "orange", "banana", "hot dog")


def cut(group: Group, place: TablePlace, side: str, knife: SceneObject, food: SceneObject) -> None:
    """Lower a knife's edge into food; the other hand steadies it from beside."""
    person = place.person
    height = float(food.model.mesh.vertices[:, 2].max())
    if food.category in ("cake", "pizza"):
        height = 0.09 if food.category == "cake" else 0.022
    near = 0.2 * float(min(food.model.size[:2]))
    target = food.pose[:3, 3] + place.frame @ vec(0.0, near, 0.75 * height)
    lean_in(person, side, target)
    person.body.look_at(target)
    s = side_sign(side)
    poses = []
    for aside in (10.0, 35.0, 60.0):
        for down in (0.0, 15.0, 30.0):
            turn = heading(person) @ degrees(Z, -s * aside) @ degrees(X, down)
            poses.append(turned_to(turn, target, knife.model.points["edge"]))
    knife.pose = easiest(person, knife, poses, {side: "handle"})
    hold_by(group, person, side, knife, "handle", place.elbow(side))
    edge = knife.pose[:3, :3] @ knife.model.points["edge"] + knife.pose[:3, 3]
    group.miss(f"knife in {food.category}", float(np.linalg.norm(edge - target)))


def steady(group: Group, place: TablePlace, side: str, food: SceneObject) -> None:
    """Lay a hand against the side of food or of its plate."""
    person = place.person
    out = place.frame @ vec(side_sign(side), 0.15, 0.0)
    vertices = food.vertices() - food.pose[:3, 3]
    height = float(vertices[:, 2].max())
    beside = float((vertices[vertices[:, 2] < 0.6 * height] @ out).max())
    edge = food.pose[:3, 3] + out * beside
    if height < 0.055:
        grip = Grip(edge + 0.045 * out + 0.006 * Z, X, -Z, 0.0, "palm")
    else:
        grip = Grip(edge - 0.05 * out + 0.048 * Z, Z, -out, 0.05, flip=False)
    reach(person, side, grip, place.elbow(side))


@act(
    "cut food with a knife",
    {
        "chair": "sit on",
        "dining table": "sit at",
        "knife": ("hold", "cut with"),
        **dict.fromkeys(FOOD, ("cut",)),
    },
    ("kitchen", "living room"),
    weight=1.6,
)
def cut_food(group: Group) -> None:
    """Sitting or standing at a table."""
    rng = group.rng
    person = group.person()
    seated = rng.random() < 0.5
    place = sit_at_table(group, person, small=True) if seated else stand_at_table(group, person)
    food = group.make(str(rng.choice(FOOD)))
    food.pose = place.pose(0.0, place.reach * 0.8 + 0.3 * float(food.model.size[1]), float(rng.uniform(-0.4, 0.4)))
    side, rest = free_side(group)
    knife = group.make("knife")
    cut(group, place, side, knife, food)
    steady(group, place, rest, food)
    group.relate(person, "hold,cut with", knife, "handle")
    group.relate(person, "cut", food)


@act("hold scissors", {**SEATS, "scissors": ("hold", "cut with")}, INDOORS, weight=0.8)
def hold_scissors(group: Group) -> None:
    """The blades ahead, ready to cut; mostly standing."""
    person, rng = group.person(), group.rng
    posture = settle_anywhere(group, person)
    side, rest = free_side(group)
    scissors = group.make("scissors")
    at = body_point(person, side_sign(side) * 0.05, float(rng.uniform(0.17, 0.22)), float(rng.uniform(-0.1, 0.02)))
    turns = [heading(person) @ degrees(Z, -side_sign(side) * a) @ degrees(X, b) for a in (0, 30, 60) for b in (-20, 10)]
    turns = [turn @ degrees(vec(0, 1, 0), roll) for turn in turns for roll in (0, 90)]
    grip = Grip(scissors.model.grips["loops"].position, Z, None, 0.01)
    scissors.pose = easiest(person, scissors, [turned_to(t, at, grip.position) for t in turns], {side: grip})
    person.body.look_at(_blades(scissors), share=0.8)
    hold_by(group, person, side, scissors, grip)
    rest_hands(group, person, posture, rest)
    group.relate(person, "hold,cut with", scissors, "loops")


def _blades(scissors: SceneObject) -> Array:
    return scissors.pose[:3, :3] @ scissors.model.points["blades"] + scissors.pose[:3, 3]


@act("peel fruit", {"orange": ("hold", "peel"), "banana": ("hold", "peel")}, ("kitchen", "living room"), weight=0.6)
def peel(group: Group) -> None:
    """One hand holds the fruit, the fingers of the other are at its skin."""
    person = group.person()
    stand(group, person, lean=2.0)
    side, rest = free_side(group)
    fruit = group.make("orange" if group.rng.random() < 0.5 else "banana")
    name = next(iter(fruit.model.grips))
    at = body_point(person, side_sign(side) * 0.03, 0.17, float(group.rng.uniform(-0.1, -0.02)))
    turns = [
        heading(person) @ degrees(Z, a) @ degrees(vec(0, 1, 0), b) for a in (0, 60, 120, 180) for b in (-50, 0, 50)
    ]
    grip = fruit.model.grips[name]
    fruit.pose = easiest(person, fruit, [turned_to(t, at, grip.position) for t in turns], {side: name})
    hold_by(group, person, side, fruit, name)
    skin = fruit.model.points["bite"]
    skin = skin + 0.015 * unit(skin - grip.position)
    pinch(group, person, rest, fruit.pose[:3, :3] @ skin + fruit.pose[:3, 3])
    person.body.look_at(at)
    group.relate(person, "hold,peel", fruit)


def pinch(group: Group, person: Person, side: str, point: Array) -> None:
    """Bring the fingertips of a hand to a point."""
    axis = heading(person) @ vec(0.0, -0.3, 1.0)
    reach(person, side, Grip(point, axis, None, 0.006, "pinch"))

"""Meals at a table: with fork and spoon, cutting, cups and glasses in company."""

from __future__ import annotations

from interplay.body.geometry import vec
from interplay.world.places.kinds import INDOORS
from interplay.world.posing.group import Group
from interplay.world.posing.handling import free_side
from interplay.world.posing.lips import drink_from, tip_to_food, tip_to_mouth
from interplay.world.posing.seating import hands_on_lap, hands_on_table
from interplay.world.posing.stances import side_sign
from interplay.world.posing.table import TablePlace, lean_in, sit_at_table, sit_opposite
from interplay.world.scene import SceneObject

from .registry import act

SITTING: dict[str, str | tuple[str, ...]] = {"chair": "sit on", "dining table": "sit at"}
AT_TABLE: dict[str, str | tuple[str, ...]] = {"chair": "sit on", "dining table": ("sit at", "eat at")}
"""What people at a table do with chair and table, for an act's list of interactions."""


def serve(group: Group, place: TablePlace, category: str, left: float = 0.0) -> SceneObject:
    """Put food or a vessel in front of someone."""
    rng = group.rng
    object = group.make(category)
    ahead = place.reach * float(rng.uniform(0.75, 1.0)) + 0.25 * float(object.model.size[1])
    object.pose = place.pose(left + float(rng.uniform(-0.02, 0.02)), ahead, float(rng.uniform(-3, 3)))
    return object


def other_hand(group: Group, place: TablePlace, side: str) -> None:
    """A hand without work lies on the table or on the lap."""
    if group.rng.random() < 0.6:
        hands_on_table(group, place.person, side, float(place.edge[2]))
    else:
        hands_on_lap(group, place.person, side)


def eat_with(group: Group, place: TablePlace, cutlery: str, food: SceneObject) -> None:
    """Eat with a fork or a spoon: the tip at the mouth or in the food."""
    person, rng = place.person, group.rng
    side, rest = free_side(group)
    tool = group.make(cutlery)
    if rng.random() < 0.55:
        tip_to_mouth(group, person, side, tool, place.elbow(side, raised=True))
    else:
        nearer = 0.35 * float(food.model.size[1]) if food.category == "pizza" else 0.02
        target = food.pose[:3, 3] + place.frame @ vec(side_sign(side) * 0.02, nearer, _food_height(food))
        lean_in(person, side, target)
        person.body.look_at(food.pose[:3, 3], share=0.7)
        tip_to_food(group, person, side, tool, target, place.elbow(side))
    other_hand(group, place, rest)
    group.relate(person, "hold,eat with", tool, "handle")
    group.relate(person, "eat", food)
    group.relate(person, "eat at", place.table, "top")


def _food_height(food: SceneObject) -> float:
    """Height of the food's surface near the middle."""
    vertices = food.model.mesh.vertices
    middle = (abs(vertices[:, 0]) < 0.035) & (abs(vertices[:, 1]) < 0.035) & (vertices[:, 2] < 0.12)
    return float(vertices[middle, 2].max(initial=0.0)) - 0.002


@act(
    "eat from a bowl",
    {**AT_TABLE, "bowl": "eat", "spoon": ("hold", "eat with"), "fork": ("hold", "eat with")},
    ("kitchen", "living room"),
)
def eat_bowl(group: Group) -> None:
    """With a spoon or a fork."""
    place = sit_at_table(group, group.person(), small=True)
    bowl = serve(group, place, "bowl")
    eat_with(group, place, "spoon" if group.rng.random() < 0.7 else "fork", bowl)


@act(
    "eat cake or pizza with a fork",
    {**AT_TABLE, "cake": "eat", "pizza": "eat", "fork": ("hold", "eat with")},
    ("kitchen", "living room"),
)
def eat_fork(group: Group) -> None:
    """A whole cake or pizza before one person."""
    place = sit_at_table(group, group.person(), small=True)
    food = serve(group, place, "cake" if group.rng.random() < 0.5 else "pizza")
    eat_with(group, place, "fork", food)


@act(
    "eat together",
    {**AT_TABLE, "bowl": "eat", "spoon": ("hold", "eat with"), "fork": ("hold", "eat with"), "pizza": "eat"},
    ("kitchen", "living room"),
)
def eat_together(group: Group) -> None:
    """Two people across a table, each with a bowl, or both at one pizza."""
    first = sit_at_table(group, group.person(), small=True)
    second = sit_opposite(group, group.person(), first)
    if group.rng.random() < 0.4:
        pizza = group.make("pizza")
        pizza.pose = first.pose(0.0, first.depth / 2)
        for place in (first, second):
            eat_with(group, place, "fork", pizza)
        return
    for place in (first, second):
        eat_with(group, place, "spoon" if group.rng.random() < 0.6 else "fork", serve(group, place, "bowl"))


@act("sit at a table", SITTING, INDOORS, weight=0.6)
def sit_at(group: Group) -> None:
    """With nothing on it that is used."""
    place = sit_at_table(group, group.person(), small=bool(group.rng.random() < 0.5))
    for side in "LR":
        other_hand(group, place, side)


@act(
    "drink at a table",
    {**SITTING, "cup": ("hold", "drink with", "sip"), "wine glass": ("hold", "drink with", "sip")},
    (*INDOORS, "street"),
)
def drink_at_table(group: Group) -> None:
    """A cup or a glass at the lips of one who sits."""
    place = sit_at_table(group, group.person(), small=True, lean=2.0)
    side, rest = free_side(group)
    vessel = group.make("cup" if group.rng.random() < 0.6 else "wine glass")
    drink_from(group, place.person, side, vessel, place.elbow(side, raised=True))
    other_hand(group, place, rest)
    group.relate(place.person, "hold,drink with,sip", vessel, "mouth")

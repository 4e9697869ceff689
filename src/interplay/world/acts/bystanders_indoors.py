"""Indoor hard negatives: furniture and objects near people who do nothing with them."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import vec
from interplay.world.places.kinds import INDOORS, PlaceKind
from interplay.world.posing.group import Builder, Group, upright
from interplay.world.posing.handling import free_side
from interplay.world.posing.lips import drink_from
from interplay.world.posing.nearby import idle, set_beside
from interplay.world.posing.postures import rest_hands, settle_anywhere
from interplay.world.posing.seating import hands_on_lap, lounging, take_seat
from interplay.world.posing.table import TablePlace, sit_at_table
from interplay.world.scene import SceneObject

from .reading import read_in_hands
from .registry import act
from .screens import television

ON_TABLES = ("cup", "bottle", "wine glass", "bowl", "laptop", "book", "vase", "cell phone", "pizza", "cake", "apple")
ON_SEATS = ("book", "remote", "teddy bear", "cell phone", "laptop", "handbag")

FURNITURE: dict[str, tuple[tuple[str, ...], tuple[PlaceKind, ...], float]] = {
    "a chair": (("chair",), INDOORS, 1.6),
    "a couch": (("couch",), ("living room", "office"), 1.4),
    "a bed": (("bed",), ("bedroom",), 1.6),
    "a kitchen machine": (("refrigerator", "oven"), ("kitchen",), 1.6),
    "a potted plant": (("potted plant",), INDOORS, 0.8),
    "packed luggage": (("suitcase", "backpack"), ("bedroom", "living room"), 0.8),
}
"""What people are near: categories, places, weight."""


def near(categories: tuple[str, ...]) -> Builder:
    """A recipe: one or two people stand about or walk past a piece of furniture."""

    def build(group: Group) -> None:
        rng = group.rng
        person = group.person()
        idle(group, person)
        object = group.make(str(rng.choice(categories)), upright(vec(0, 0, 0), float(rng.uniform(-np.pi, np.pi))))
        set_beside(group, object, float(rng.uniform(-180, 180)), float(rng.uniform(0.03, 0.35)))
        if rng.random() < 0.3:
            person.body.look_at(object.vertices().mean(0), share=float(rng.uniform(0.5, 1.0)))

    return build


for _name, (_categories, _places, _weight) in FURNITURE.items():
    act(f"be near {_name}", {"": ("stand", "walk")}, _places, _weight, negative=True)(near(_categories))


@act("be near a laid table", {"": ("stand", "walk")}, INDOORS, weight=1.6, negative=True)
def near_laid_table(group: Group) -> None:
    """Objects stand on a table that nobody uses."""
    rng = group.rng
    idle(group, group.person())
    table = group.make("dining table", upright(vec(0, 0, 0), float(rng.uniform(-0.4, 0.4))), small=True)
    set_beside(group, table, float(rng.uniform(-180, 180)), float(rng.uniform(0.03, 0.3)))
    top = table.model.spots["top"]
    sides = [(-0.25, 0.15), (0.25, 0.12), (0.05, -0.2)]
    for x, y in sides[: int(rng.integers(1, 4))]:
        put_on(group, str(rng.choice(ON_TABLES)), table, top.position + vec(x * top.size[0], y * top.size[1], 0))


def put_on(group: Group, category: str, support: SceneObject, point: np.ndarray) -> SceneObject:
    """Put a new object on a point (3,) of another object, in that one's frame, turned at random."""
    turned = upright(point, float(group.rng.uniform(-np.pi, np.pi)))
    return group.make(category, support.pose @ turned)


@act("be near a television", {"": ("stand", "walk")}, ("living room",), weight=1.2, negative=True)
def near_television(group: Group) -> None:
    """Somebody with the back to a screen that is on."""
    person = group.person()
    idle(group, person)
    television(group, float(group.rng.uniform(0.4, 1.2)))
    for object in group.objects:
        object.pose = upright(vec(0, 0, 0), np.pi) @ object.pose
    person.body.turn_head(turn=float(group.rng.normal(0, 12)))


@act("sit with things beside", {"couch": "sit on"}, ("living room",), weight=1.4)
def sit_with_things_beside(group: Group) -> None:
    """On a couch; on its other seat lies something that is not used."""
    rng = group.rng
    couch, person = group.make("couch"), group.person()
    seats = ["left seat", "right seat"]
    rng.shuffle(seats)
    take_seat(group, person, couch, seats[0], **lounging(group))
    hands_on_lap(group, person)
    put_on(group, str(rng.choice(ON_SEATS)), couch, couch.model.spots[seats[1]].position)


@act(
    "read beside things on the table",
    {"chair": "sit on", "dining table": "sit at", "book": ("hold", "read", "look")},
    ("living room", "kitchen", "office"),
    weight=1.2,
)
def read_beside_things(group: Group) -> None:
    """A book in the hands; a cup, a laptop or the like stands on the table, not used."""
    place = sit_at_table(group, group.person(), lean=0.0, away=0.16)
    read_in_hands(group, place.person, group.make("book"), raised=0.02)
    clutter(group, place)


@act(
    "drink beside things on the table",
    {"chair": "sit on", "dining table": "sit at", "cup": ("hold", "drink with", "sip")},
    ("living room", "kitchen", "office"),
    weight=1.2,
)
def drink_beside_things(group: Group) -> None:
    """A cup at the lips; other objects stand on the table, not used."""
    place = sit_at_table(group, group.person(), lean=0.0)
    side, rest = free_side(group)
    cup = group.make("cup")
    drink_from(group, place.person, side, cup, place.elbow(side, raised=True))
    hands_on_lap(group, place.person, rest)
    group.relate(place.person, "hold,drink with,sip", cup, "mouth")
    clutter(group, place)


def clutter(group: Group, place: TablePlace) -> None:
    """Put one or two objects on the table beyond the hands."""
    rng = group.rng
    for left in (-0.22, 0.22)[: int(rng.integers(1, 3))]:
        ahead = float(rng.uniform(0.55, 0.65)) * place.depth
        pose = place.pose(left + float(rng.uniform(-0.05, 0.05)), ahead, float(rng.uniform(-0.5, 0.5)) + np.pi)
        group.make(str(rng.choice([c for c in ON_TABLES if c not in ("pizza", "cake")])), pose)


@act("sit with the back to the television", {"chair": "sit on", "couch": "sit on"}, ("living room",))
def back_to_television(group: Group) -> None:
    """A person who sits facing away from the television."""
    person = group.person()
    posture = settle_anywhere(group, person, standing=0.0)
    rest_hands(group, person, posture)
    made = len(group.objects)
    television(group, float(group.rng.uniform(0.9, 1.4)))
    for object in group.objects[made:]:
        object.pose = upright(vec(0, 0, 0), np.pi) @ object.pose

"""Sitting on benches, alone and in pairs, with books and umbrellas; lying on them."""

from __future__ import annotations

from typing import Any

from interplay.world.objects import make_object
from interplay.world.places.kinds import PlaceKind
from interplay.world.posing.group import Group
from interplay.world.posing.handling import free_side
from interplay.world.posing.reclining import lie_on_back
from interplay.world.posing.seating import hands_on_lap, idle_hands, seat_height, take_seat
from interplay.world.scene import Person, SceneObject

from .bags import put_on_backpack
from .phones import phone_to_ear
from .reading import read_in_hands
from .registry import act
from .umbrellas import raise_umbrella

PLACES: tuple[PlaceKind, ...] = ("park", "street")


def resting(group: Group) -> dict[str, Any]:
    """How people sit on a bench."""
    rng = group.rng
    return {
        "recline": float(rng.uniform(0, 14)),
        "knees_apart": float(rng.uniform(0.06, 0.2)),
        "feet_ahead": float(rng.uniform(0.0, 0.1)),
    }


def long_bench(group: Group, least: float) -> SceneObject:
    """A bench of at least some length, metres."""
    models = [make_object("bench", group.rng, group.library) for _ in range(6)]
    return group.add(next((m for m in models if m.size[0] >= least), max(models, key=lambda m: float(m.size[0]))))


@act("sit on a bench", {"bench": "sit on"}, (*PLACES, "beach"), weight=2.0)
def sit_on_bench(group: Group) -> None:
    bench, person = group.make("bench"), group.person()
    seat = str(group.rng.choice(["seat", "left seat", "right seat"]))
    take_seat(group, person, bench, seat, **resting(group))
    idle_hands(group, person, seat_height(bench, seat))


@act("read on a bench", {"bench": "sit on", "book": ("hold", "read", "look")}, PLACES, weight=1.2)
def read_on_bench(group: Group) -> None:
    bench, person = group.make("bench"), group.person()
    take_seat(group, person, bench, **resting(group))
    read_in_hands(group, person, group.make("book"))


@act("talk on the phone on a bench", {"bench": "sit on", "cell phone": ("hold", "talk on")}, PLACES)
def phone_on_bench(group: Group) -> None:
    bench, person = group.make("bench"), group.person()
    take_seat(group, person, bench, "left seat", **resting(group))
    side, rest = free_side(group)
    phone = group.make("cell phone")
    phone_to_ear(group, person, side, phone)
    hands_on_lap(group, person, rest)
    group.relate(person, "hold,talk on", phone, "back")


@act("sit on a bench under an umbrella", {"bench": "sit on", "umbrella": ("hold", "stand under")}, PLACES, weight=0.8)
def umbrella_on_bench(group: Group) -> None:
    bench, person = group.make("bench"), group.person()
    take_seat(group, person, bench, recline=2.0, knees_apart=0.12)
    side, rest = free_side(group)
    umbrella = raise_umbrella(group, person, side)
    hands_on_lap(group, person, rest)
    group.relate(person, "hold,stand under", umbrella, "handle")


@act("share a bench", {"bench": "sit on", "backpack": ("wear", "carry")}, PLACES, weight=1.6)
def share_bench(group: Group) -> None:
    rng = group.rng
    bench = long_bench(group, 1.5)
    pair: list[Person] = []
    for seat in ("left seat", "right seat"):
        person = group.person()
        packed = rng.random() < 0.2
        how = resting(group) | ({"slide": 0.12, "recline": 0.0} if packed else {})
        take_seat(group, person, bench, seat, **how)
        idle_hands(group, person, seat_height(bench, seat))
        if packed:
            put_on_backpack(group, person)
        pair.append(person)
    for person, friend in zip(pair, pair[::-1], strict=True):
        if rng.random() < 0.6:
            person.body.look_at(friend.body.joint("head"), share=0.8)


@act("lie on a bench", {"bench": "lie on"}, PLACES, weight=0.8)
def lie_on_bench(group: Group) -> None:
    person = group.person()
    bench = long_bench(group, 1.6)
    lie_on_back(group, person, bench.model.spots["top"], arms_beside=False)
    group.relate(person, "lie on", bench, "top")

"""Outdoor hard negatives: people beside, before and behind objects that they do nothing with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from interplay.body.geometry import X, Y, Z, degrees, rotation, vec
from interplay.world.places.kinds import PlaceKind
from interplay.world.posing.group import Builder, Group
from interplay.world.posing.nearby import flat_side, idle, put_down, set_beside
from interplay.world.posing.stances import tilt_about
from interplay.world.scene import SceneObject

from .registry import act

Placing = Callable[[Group, SceneObject], None]


def standing(group: Group, object: SceneObject) -> None:
    """As it is used, turned at random."""
    put_down(object, rotation(Z, float(group.rng.uniform(-np.pi, np.pi))))


def parked(group: Group, object: SceneObject) -> None:
    """On its wheels, leaning a little, as on a stand."""
    lean = float(group.rng.choice([-1, 1]) * group.rng.uniform(3, 8))
    put_down(object, rotation(Z, float(group.rng.uniform(-np.pi, np.pi))) @ degrees(Y, lean))


def lying(group: Group, object: SceneObject) -> None:
    """Flat on the ground."""
    put_down(object, rotation(Z, float(group.rng.uniform(-np.pi, np.pi))) @ flat_side(object))


def dropped(group: Group, object: SceneObject) -> None:
    """An open umbrella, on its rim and its handle."""
    put_down(object, rotation(Z, float(group.rng.uniform(-np.pi, np.pi))) @ degrees(X, 118))


def stuck(group: Group, object: SceneObject) -> None:
    """Upright, its nose up and its tail some way in sand or snow."""
    lean = degrees(X, float(group.rng.uniform(-8, 8)))
    put_down(object, rotation(Z, float(group.rng.uniform(-np.pi, np.pi))) @ lean @ degrees(X, -90))
    object.pose[2, 3] -= float(group.rng.uniform(0.1, 0.2)) * float(object.model.size[1])


def near(categories: tuple[str, ...], placing: Placing, most: float) -> Builder:
    """A recipe: one or two people, and an object of one of some categories at most `most` metres from them."""

    def build(group: Group) -> None:
        rng = group.rng
        person = group.person()
        idle(group, person)
        if rng.random() < 0.3:
            friend = group.person()
            idle(group, friend)
            aside = float(rng.choice([-1, 1]) * rng.uniform(0.65, 0.9))
            tilt_about(friend, vec(0, 0, 0), degrees(Z, float(rng.uniform(-180, 180))))
            friend.body.shift(vec(aside, float(rng.uniform(-0.3, 0.3)), 0))
        object = group.make(str(rng.choice(categories)))
        placing(group, object)
        set_beside(group, object, float(rng.uniform(-180, 180)), float(rng.uniform(0.03, most)))
        if rng.random() < 0.3:
            person.body.look_at(object.vertices().mean(0), share=float(rng.uniform(0.5, 1.0)))

    return build


@dataclass(frozen=True)
class Negative:
    """What stands or lies about, and where.

    Attributes:
        name: the act's, after "be near".
        categories: of which one is drawn.
        placing: how the object stands or lies.
        places, weight, style: as in `registry.Act`.
        most: largest distance from the nearest person, metres.
    """

    name: str
    categories: tuple[str, ...]
    placing: Placing
    places: tuple[PlaceKind, ...]
    weight: float = 1.0
    style: str = "casual"
    most: float = 0.4


NEGATIVES = (
    Negative("a bicycle", ("bicycle",), parked, ("street", "park"), 1.2),
    Negative("a motorcycle", ("motorcycle",), parked, ("street",)),
    Negative("a parked car", ("car",), standing, ("street",), most=0.6),
    Negative("a bench", ("bench",), standing, ("park", "street", "beach"), 1.2, most=0.5),
    Negative("somebody's dog", ("dog",), standing, ("park", "street", "beach"), most=0.5),
    Negative("a horse", ("horse",), standing, ("park",), 0.8),
    Negative("luggage", ("suitcase", "backpack", "handbag"), standing, ("street",), 1.2, most=0.3),
    Negative("a surfboard in the sand", ("surfboard",), stuck, ("beach",), 1.2, "beach"),
    Negative("a surfboard on the sand", ("surfboard",), lying, ("beach",), 0.8, "beach"),
    Negative("skis stuck in the snow", ("skis carried", "snowboard"), stuck, ("snow",), 1.2, "warm"),
    Negative("a snowboard on the snow", ("snowboard", "skis"), lying, ("snow",), 1.0, "warm"),
    Negative("a skateboard", ("skateboard",), standing, ("park", "street"), 0.8),
    Negative("a ball", ("sports ball",), standing, ("park", "field", "beach"), 1.4, "sport"),
    Negative("a racket", ("tennis racket",), lying, ("tennis court", "park"), 0.6, "sport"),
    Negative("a bat", ("baseball bat",), lying, ("field", "park"), 0.6, "sport"),
    Negative("a frisbee", ("frisbee",), standing, ("park", "beach"), 0.8, "sport"),
    Negative("a kite", ("kite",), lying, ("park", "beach"), 0.8),
    Negative("a fire hydrant", ("fire hydrant", "parking meter"), standing, ("street",)),
    Negative("a sign", ("stop sign", "traffic light"), standing, ("street",), 0.8),
    Negative("an umbrella", ("umbrella",), dropped, ("beach", "park"), 0.8, "beach"),
)

for _case in NEGATIVES:
    act(f"be near {_case.name}", {"": ("stand", "walk")}, _case.places, _case.weight, _case.style, negative=True)(
        near(_case.categories, _case.placing, _case.most)
    )

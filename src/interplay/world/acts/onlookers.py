"""One does something while another, close by, has no part in it: interacting and not interacting in one picture."""

from __future__ import annotations

from interplay.world.posing.group import Builder, Group
from interplay.world.posing.nearby import idle, stand_aside

from . import (  # the acts that are watched
    benches,  # noqa: F401
    dogs,  # noqa: F401
    horses,  # noqa: F401
    kicking,  # noqa: F401
    riding,  # noqa: F401
    skateboarding,  # noqa: F401
    snowboarding,  # noqa: F401
    suitcases,  # noqa: F401
    tennis,  # noqa: F401
)
from .registry import ACTS, Act, act

WATCHED = (
    "ride a bicycle",
    "ride a motorcycle",
    "sit on a parked motorcycle",
    "ride a horse",
    "ride a skateboard",
    "push a bicycle",
    "pet a dog",
    "sit on a bench",
    "drag a suitcase",
    "kick a ball",
    "play a forehand",
    "snowboard",
)
"""Acts beside which a bystander is put."""


def with_onlooker(watched: Act) -> Builder:
    """A recipe: an act, and somebody near it who stands or walks by."""

    def build(group: Group) -> None:
        rng = group.rng
        watched.build(group)
        bystander = group.person()
        idle(group, bystander, walking=0.5)
        stand_aside(group, bystander, float(rng.uniform(-180, 180)), float(rng.uniform(0.1, 0.7)))
        if rng.random() < 0.35:
            bystander.body.look_at(group.people[0].body.joint("head"), share=float(rng.uniform(0.5, 1.0)))

    return build


def verbs_of(watched: Act) -> dict[str, str | tuple[str, ...]]:
    """What `registry.act` is told: an act's verbs by category, and the onlooker's."""
    pairs = [*watched.interactions, ("stand", ""), ("walk", "")]
    return {category: tuple(dict.fromkeys(v for v, c in pairs if c == category)) for _, category in pairs}


for _watched in [ACTS[name] for name in WATCHED]:
    act(
        f"{_watched.name} near somebody",
        verbs_of(_watched),
        _watched.places,
        0.35 * _watched.weight,
        _watched.style,
    )(with_onlooker(_watched))

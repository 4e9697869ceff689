"""One does something at home while another, close by, has no part in it."""

from __future__ import annotations

from . import cutting, drinking, eating, lying, machines, phones, reading, screens, sitting, snacks  # noqa: F401
from .onlookers import verbs_of, with_onlooker
from .registry import ACTS, act

WATCHED = (
    "sit on a chair",
    "sit on a couch",
    "lie on a bed",
    "eat from a bowl",
    "drink at a table",
    "drink from a bottle",
    "cut food with a knife",
    "type on a laptop",
    "read a book",
    "talk on a cell phone",
    "eat an apple",
    "open a refrigerator",
)
"""Acts beside which a bystander is put."""

for _watched in [ACTS[name] for name in WATCHED]:
    act(f"{_watched.name} near somebody", verbs_of(_watched), _watched.places, 0.35 * _watched.weight, _watched.style)(
        with_onlooker(_watched)
    )

"""The kinds of place."""

from __future__ import annotations

from typing import Literal, get_args

PlaceKind = Literal[
    "park", "street", "tennis court", "field", "beach", "snow", "living room", "bedroom", "kitchen", "office"
]

PLACE_KINDS: tuple[PlaceKind, ...] = get_args(PlaceKind)
"""All kinds of place; `make_place` builds them."""

OUTDOORS: tuple[PlaceKind, ...] = ("park", "street", "tennis court", "field", "beach")
INDOORS: tuple[PlaceKind, ...] = ("living room", "bedroom", "kitchen", "office")

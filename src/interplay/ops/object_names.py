"""Object names of one code base -> another's."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError, near_matches, some_of
from interplay.vocabulary import PERSON, Vocabulary, normalise

COCO_OBJECTS: tuple[str, ...] = Vocabulary.load("coco").objects
"""COCO's 80 objects, what most detectors know."""

# Pascal VOC's spellings, which Darknet's list and from it RT-DETR's took over, and others' variants.
_ALIASES = {
    "motorbike": "motorcycle",
    "aeroplane": "airplane",
    "sofa": "couch",
    "pottedplant": "potted plant",
    "diningtable": "dining table",
    "tvmonitor": "tv",
    "television": "tv",
    "hair dryer": "hair drier",
    "doughnut": "donut",
    "cellphone": "cell phone",
    "mobile phone": "cell phone",
    "tennis racquet": "tennis racket",
    "racket": "tennis racket",
    "aircraft": "airplane",
    "watercraft": "boat",
    "monitor": "tv",
    "ski": "skis",
    "bat": "baseball bat",
    "table": "dining table",
}

# COCO's objects that other lists have as a kind.
_KINDS = {
    **dict.fromkeys(("apple", "banana", "orange"), "fruits"),
    **dict.fromkeys(("broccoli", "carrot"), "vegetables"),
    "teddy bear": "toy",
}


def match_objects(names: Iterable[str], objects: tuple[str, ...], human: str = PERSON) -> NDArray[np.int64]:
    """Index into `objects` of each name, -1 for a name that means none of them.

    Names are compared without regard to case, spaces and underscores, then with other code bases' spellings of COCO's
    objects (``"sofa"`` is COCO's ``"couch"``), then by kind (``"apple"`` is of VidHOI's ``"fruits"``). A name in
    `objects` such as ``"bus/truck"`` stands for both.

    Args:
        names: to be looked up.
        objects: among which.
        human: what `objects` call a person (`Vocabulary.human`); ``"person"`` is that where it is nothing else.
    """
    return np.array(_matched(tuple(names), objects, human), np.int64)


@lru_cache(maxsize=64)  # detectors' objects are looked up for every image
def _matched(names: tuple[str, ...], objects: tuple[str, ...], human: str) -> tuple[int, ...]:
    exact, common = _positions(objects)
    keys = [normalise(name) for name in names]
    if human != PERSON and PERSON not in exact:
        keys = [normalise(human) if key == PERSON else key for key in keys]

    def find(key: str) -> int:
        usual = _ALIASES.get(key, key)
        kind = _KINDS.get(usual, usual)
        return exact.get(key, common.get(usual, common.get(kind, -1)))

    return tuple(find(key) for key in keys)


def labels_of(names: Iterable[str], objects: tuple[str, ...]) -> dict[str, int]:
    """Each name -> its index into `objects`; see `match_objects`.

    Raises:
        InputError: a name means none of them; says the nearest.
    """
    given = list(names)
    found = dict(zip(given, match_objects(given, objects).tolist(), strict=True))
    for name, label in found.items():
        if label < 0:
            raise InputError(f"no object {name!r} among {some_of(objects)}.{near_matches(name, objects)}")
    return found


def check_objects(objects: tuple[str, ...], vocabulary: Vocabulary, source: str) -> None:
    """Make sure that a model can use boxes of these objects.

    Args:
        objects: the names that the boxes' labels count.
        vocabulary: the model's.
        source: what the boxes come from, for the message.

    Raises:
        InputError: no object is a person, or the model knows none of the others.
    """
    vocabulary.require_person("the model")
    known = match_objects(objects, vocabulary.objects, vocabulary.human)
    people = known == vocabulary.person
    if not people.any():
        raise InputError(
            f"{source}: interactions are what people do, and none of its objects is a {vocabulary.human!r}, got "
            f"{some_of(objects)}"
        )
    if not people.all() and len(vocabulary.objects) > 1 and not (known[~people] >= 0).any():
        raise InputError(
            f"{source}: knows none of the vocabulary's objects but people: got {some_of(objects)}, and the vocabulary "
            f"{vocabulary.name!r} has {some_of(vocabulary.objects)}"
        )


@cache
def _positions(objects: tuple[str, ...]) -> tuple[dict[str, int], dict[str, int]]:
    """Position of each object by its own spelling, and by COCO's."""
    exact = {normalise(name): i for i, name in enumerate(objects)}
    parts = {part.strip(): i for name, i in exact.items() for part in name.split("/")}
    return exact, {_ALIASES.get(name, name): i for name, i in (parts | exact).items()}

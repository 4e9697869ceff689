"""What the classes and objects of one vocabulary are in another: annotations may have other names than a network.

TIN's papers train a classifier on one data set and use it on another; how their classes were matched is not published,
the correspondences here are ours.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from interplay.ops.object_names import match_objects
from interplay.vocabulary import Vocabulary

CORRESPONDENCES: tuple[tuple[str, str, str | None], ...] = (
    ("surf", "ride", "surfboard"),
    ("skateboard", "ride", "skateboard"),
    ("ski", "ride", "skis"),
    ("snowboard", "ride", "snowboard"),
    ("sit", "sit on", None),
    ("sit", "sit at", None),
    ("lay", "lie on", None),
    ("look", "watch", None),
    ("look", "inspect", None),
    ("work on computer", "type on", None),
    ("drink", "drink with", None),
    ("drink", "sip", None),
    ("talk on phone", "talk on", None),
    ("hit with", "swing", None),
)
"""V-COCO's verb, HICO-DET's, and the object with which they mean the same (None: any). Others go by name."""


def class_table(annotations: Vocabulary, vocabulary: Vocabulary, verbs: tuple[int, ...] = ()) -> NDArray[np.int64]:
    """(V, O + 1) class of every verb and object of the annotations, -1 where there is none; last column: no object.

    Args:
        annotations: their vocabulary.
        vocabulary: the network's.
        verbs: the network's verb of each class; empty where the classes are the vocabulary's interactions.
    """
    objects = object_table(annotations, vocabulary).tolist()
    same, lookup = annotations == vocabulary, vocabulary.interaction_lookup
    table = np.full((len(annotations.verbs), len(objects) + 1), -1)
    place = {verb: number for number, verb in enumerate(verbs)}
    names = {*annotations.verbs, *(name for pair in CORRESPONDENCES for name in pair[:2])}
    known = {name: vocabulary.find_verb(name) for name in names}
    for row, verb in enumerate(annotations.verbs):
        for column, label in enumerate([*objects, -1]):
            name = annotations.objects[column] if column < len(objects) else ""
            for other in (verb,) if same else _same(verb, name):
                found = known[other]
                if found >= 0 and verbs:
                    found = place.get(found, -1)
                elif found >= 0:
                    found = int(lookup[found, label]) if label >= 0 else -1
                if found >= 0:
                    table[row, column] = found
                    break
    return table


def object_table(annotations: Vocabulary, vocabulary: Vocabulary) -> NDArray[np.int64]:
    """(O,) the second vocabulary's index of every object of the first, -1 where it has none."""
    table = match_objects(annotations.objects, vocabulary.objects, vocabulary.human)
    if annotations.person >= 0:
        table[annotations.person] = vocabulary.person
    return table


def _same(verb: str, object_name: str) -> Iterator[str]:
    """Names for what a verb means with an object, the likeliest first."""
    pairs = [pair for pair in CORRESPONDENCES if verb in pair[:2]]
    yield from (_other(verb, pair) for pair in pairs if pair[2] == object_name)
    yield verb
    yield from (_other(verb, pair) for pair in pairs if pair[2] is None)


def _other(verb: str, pair: tuple[str, str, str | None]) -> str:
    return pair[1] if verb == pair[0] else pair[0]


def no_interaction_verbs(vocabulary: Vocabulary) -> NDArray[np.int64]:
    """Verbs that say that a pair does not interact."""
    rows = list(vocabulary.groups.get("no_interaction", ()))
    return np.unique(vocabulary.interactions[rows, 0]) if rows else np.zeros(0, np.int64)

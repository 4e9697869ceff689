"""Annotations of other data sets in the words of the network, and which of its verbs they tell of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from interplay.datasets.pairs import merge_duplicate_boxes
from interplay.errors import InputError
from interplay.interactions import Interactions
from interplay.ops.correspondences import class_table, object_table
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary

DRAWN_TWICE = 0.5
"""Boxes of a class that overlap more are one: HICO-DET's annotators drew them anew for each interaction."""


def translated(
    table: InteractionTable, vocabulary: Vocabulary, verbs: Sequence[int], untold: Sequence[str] = ()
) -> tuple[InteractionTable, NDArray[np.bool_]]:
    """Annotations in another vocabulary, with one box for each person and object.

    A verb is told of an object where the annotations' vocabulary lists an interaction of this meaning
    (`interplay.ops.correspondences`). What people do in other ways is left out. Of whom nothing with an object is
    annotated, not even "no interaction", nothing is known (`unlabelled`).

    Args:
        table: annotations whose vocabulary lists its interactions.
        vocabulary: of the network.
        verbs: the network's, K of them.
        untold: those of which the annotations do not tell although they have a word for them.

    Returns:
        The annotations, and (O, K) whether a verb is told of an object.

    Raises:
        InputError: an `untold` verb that the vocabulary does not know, or no verb that both know.
    """
    place = np.full(len(vocabulary.verbs) + 1, -1)  # the last one is that of no verb
    place[list(verbs)] = np.arange(len(verbs))
    place[[vocabulary.verb_index(name) for name in untold]] = -1
    numbers = place[class_table(table.vocabulary, vocabulary, tuple(range(len(vocabulary.verbs))))]
    objects = object_table(table.vocabulary, vocabulary)
    told = np.zeros((len(vocabulary.objects), len(verbs)), bool)
    verb, label = table.vocabulary.interactions.T
    known = (label >= 0) & (objects[label] >= 0) & (numbers[verb, label] >= 0)
    told[objects[label[known]], numbers[verb[known], label[known]]] = True
    if not told.any():
        raise InputError(
            f"none of the verbs of {table.vocabulary.name!r}, such as {table.vocabulary.verbs[0]!r}, is one that is "
            f"learnt here, such as {vocabulary.verbs[verbs[0]]!r}: leave these annotations out"
        )
    numbers = np.where(numbers < 0, -1, np.asarray(verbs)[numbers])
    images = (_translated(image, vocabulary, numbers, objects) for image in table)
    return InteractionTable.from_list(images, vocabulary), told


def _translated(
    image: Interactions, vocabulary: Vocabulary, verbs: NDArray[np.int64], objects: NDArray[np.int64]
) -> Interactions:
    image = merge_duplicate_boxes(image, DRAWN_TWICE)
    if image.unlabelled is None:
        acting = np.isin(np.arange(len(image.boxes)), image.human[image.object >= 0])
        image = image.with_columns(unlabelled=(image.labels == image.vocabulary.person) & ~acting)
    image = image.select_boxes(objects[image.labels] >= 0)
    verb = verbs[image.verb, image.object_labels]
    kept = np.flatnonzero((verb >= 0) & (image.object >= 0))
    return Interactions(
        boxes=image.boxes,
        labels=objects[image.labels],
        human=image.human[kept],
        object=image.object[kept],
        verb=verb[kept],
        vocabulary=vocabulary,
        file=image.file,
        width=image.width,
        height=image.height,
        scored=False,
        unlabelled=image.unlabelled,
    )

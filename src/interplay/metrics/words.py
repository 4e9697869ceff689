"""Predictions in the words of another vocabulary: COCO's objects for VidHOI's, say."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from interplay.columns import take_rows
from interplay.errors import InputError
from interplay.metrics.steps import with_triplets
from interplay.ops.object_names import match_objects
from interplay.table import InteractionTable, offsets
from interplay.vocabulary import Verb, Vocabulary

_NAMED = 5
"""Foreign words that a note names."""


def in_words_of(predictions: InteractionTable, vocabulary: Vocabulary) -> tuple[InteractionTable, list[str]]:
    """Predictions in another vocabulary, as far as it has their words.

    Objects are compared by `match_objects`, verbs by their names, official spellings and aliases. Predictions with
    words that the vocabulary lacks are left out, as nothing that is annotated can be them.

    Returns:
        The predictions and what the user should know.

    Raises:
        InputError: there are predictions, and none of them can be said in these words.
    """
    ours = predictions.vocabulary
    if ours == vocabulary:
        return predictions, []
    label = np.append(match_objects(ours.objects, vocabulary.objects, vocabulary.human), -1)
    verb = np.array([_find(vocabulary, record) for record in ours.verb_records], np.int64)
    objects, verbs = predictions.object_labels, predictions.verb
    words = [ours.verbs[v] for v in verbs[verb[verbs] < 0].tolist()]
    words += [ours.objects[o] for o in objects[(objects >= 0) & (label[objects] < 0)].tolist()]
    often = [word for word, _ in Counter(words).most_common()]
    such = f"{', '.join(often[:_NAMED])}{', ...' if len(often) > _NAMED else ''}"
    known = (verb[verbs] >= 0) & ((objects < 0) | (label[objects] >= 0))
    known &= label[predictions.labels[predictions.human_rows]] >= 0
    if len(known) and not known.any():
        raise InputError(
            f"{vocabulary.name} has other words than the predictions ({such}): expected verbs such as "
            f"{', '.join(vocabulary.verbs[:3])} and objects such as {', '.join(vocabulary.objects[:3])}"
        )
    kept = _with_boxes(with_triplets(predictions, np.flatnonzero(known)), label[predictions.labels] >= 0)
    notes = []
    if not known.all():
        notes.append(
            f"{int((~known).sum()):,} of {len(known):,} predictions use words that {vocabulary.name} lacks, and were "
            f"left out: {such}"
        )
    return replace(kept, vocabulary=vocabulary, labels=label[kept.labels], verb=verb[kept.verb]), notes


def _find(vocabulary: Vocabulary, verb: Verb) -> int:
    """Index of a verb by any of its spellings, -1 where there is none."""
    found = (vocabulary.find_verb(name) for name in (verb.name, verb.official, *verb.aliases) if name)
    return next((index for index in found if index >= 0), -1)


def _with_boxes(table: InteractionTable, keep: NDArray[np.bool_]) -> InteractionTable:
    """The table with only the boxes of a mask (N,); no triplet may need another."""
    there = offsets(np.bincount(table.box_image_index[keep], minlength=len(table)))
    place = np.append(np.cumsum(keep) - 1 - np.repeat(there[:-1], np.diff(table.box_offsets)), -1)
    return replace(
        table,
        box_offsets=there,
        boxes=table.boxes[keep],
        labels=table.labels[keep],
        box_scores=table.box_scores[keep],
        human=place[table.human_rows],
        object=np.where(table.object < 0, -1, place[table.object_rows]),
        image_labels=None,
        image_label_offsets=None,
        columns=take_rows(table.columns, box=keep),
    )

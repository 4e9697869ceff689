"""One's own data by its own names: no published data set's classes and roles because names happen to be the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interplay.formats.reading import own_names
from interplay.table import InteractionTable
from interplay.vocabulary import Verb, Vocabulary


def with_own_names(table: InteractionTable) -> InteractionTable:
    """The table with a published data set's vocabulary reduced to names: without its interactions, groups and roles.

    A vocabulary that is not built in stays.
    """
    return replace(table, vocabulary=own_names(table.vocabulary))


def in_vocabulary_of(table: InteractionTable, other: InteractionTable) -> tuple[InteractionTable, InteractionTable]:
    """Two tables in one vocabulary: the other's, with the names that it lacks at the end.

    Names are compared as everywhere: without regard to case, spaces and underscores.

    Returns:
        Both tables, in the order given.
    """
    theirs, ours = other.vocabulary, table.vocabulary
    if theirs == ours:
        return table, other
    objects = [name for name in ours.objects if theirs.find_object(name) < 0]
    verbs = [record for record in ours.verb_records if _find(theirs, record) < 0]
    joined = theirs
    if objects or verbs:
        joined = replace(
            theirs,
            objects=(*theirs.objects, *objects),
            verb_records=(*theirs.verb_records, *(replace(record, action=None, role=None) for record in verbs)),
        )
    label = np.array([*map(joined.object_index, ours.objects), -1], np.int64)
    verb = np.array([*(_find(joined, record) for record in ours.verb_records), -1], np.int64)
    pairs = table.image_labels
    moved = replace(
        table,
        vocabulary=joined,
        labels=label[table.labels],
        verb=verb[table.verb],
        image_labels=None if pairs is None else np.stack([verb[pairs[:, 0]], label[pairs[:, 1]]], axis=1),
    )
    return moved, replace(other, vocabulary=joined)


def _find(vocabulary: Vocabulary, verb: Verb) -> int:
    """Index of a verb by any of its spellings, -1 where there is none."""
    found = (vocabulary.find_verb(name) for name in (verb.name, verb.official, *verb.aliases) if name)
    return next((index for index in found if index >= 0), -1)

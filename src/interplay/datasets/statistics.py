"""What annotations (or predictions) are made of: counts per verb, object and interaction, people per image, pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary


@dataclass(frozen=True)
class Statistics:
    """Counts over a table.

    Attributes:
        vocabulary: name of the vocabulary.
        images, images_without_interactions: number of images.
        boxes, people: number of boxes, and of those labelled ``person``.
        unlabelled_people: people whose actions nobody annotated; None where the source does not know.
        acting_people: people who are the human of at least one interaction.
        pairs: distinct (person, object box) that interact in some way.
        interactions: triplets; HICO-DET's papers call them instances.
        without_object: triplets in which no object takes part.
        image_labels: interactions known to be in an image, without boxes.
        people_per_image: number of images by number of people, ``[0 people, 1 person, ...]``.
        per_verb, per_object, per_interaction: triplets by name, every class of the vocabulary, in its order; an
            interaction is ``"ride bicycle"``. Where the vocabulary lists no interactions, those that occur.
        boxes_per_object: boxes by the name of what they show, every object of the vocabulary, people among them.
        not_listed: triplets that are none of the vocabulary's interactions.
        groups: per group of interactions (``rare``, ...): its number of classes and of triplets.
    """

    vocabulary: str
    images: int
    images_without_interactions: int
    boxes: int
    people: int
    unlabelled_people: int | None
    acting_people: int
    pairs: int
    interactions: int
    without_object: int
    image_labels: int
    people_per_image: tuple[int, ...]
    per_verb: Mapping[str, int]
    per_object: Mapping[str, int]
    per_interaction: Mapping[str, int]
    boxes_per_object: Mapping[str, int]
    not_listed: int
    groups: Mapping[str, tuple[int, int]]

    def to_dict(self) -> dict[str, Any]:
        """All counts, for JSON."""
        return asdict(self)


def statistics(table: InteractionTable) -> Statistics:
    """Count what a table holds."""
    vocabulary = table.vocabulary
    people = table.labels == vocabulary.person
    per_image = np.bincount(table.box_image_index[people], minlength=len(table))
    object_labels = table.object_labels
    with_object = table.object >= 0
    paired = np.column_stack([table.human_rows, table.object_rows])[with_object]
    interactions, counts, not_listed = _interaction_counts(vocabulary, table.verb, object_labels)
    return Statistics(
        vocabulary=vocabulary.name,
        images=len(table),
        images_without_interactions=int((np.diff(table.triplet_offsets) == 0).sum()),
        boxes=len(table.boxes),
        people=int(people.sum()),
        unlabelled_people=None if table.unlabelled is None else int(table.unlabelled.sum()),
        acting_people=len(np.unique(table.human_rows)),
        pairs=len(np.unique(paired, axis=0)),
        interactions=len(table.verb),
        without_object=int((~with_object).sum()),
        image_labels=0 if table.image_labels is None else len(table.image_labels),
        people_per_image=tuple(np.bincount(per_image).tolist()),
        per_verb=_named(vocabulary.verbs, table.verb),
        per_object=_named(vocabulary.objects, object_labels[with_object]),
        per_interaction={name: int(count) for name, count in zip(interactions, counts, strict=True)},
        boxes_per_object=_named(vocabulary.objects, table.labels),
        not_listed=not_listed,
        groups={name: (len(members), int(counts[list(members)].sum())) for name, members in vocabulary.groups.items()},
    )


def _named(names: tuple[str, ...], indices: NDArray[np.int64]) -> dict[str, int]:
    return dict(zip(names, np.bincount(indices, minlength=len(names)).tolist(), strict=True))


def _interaction_counts(
    vocabulary: Vocabulary, verb: NDArray[np.int64], label: NDArray[np.int64]
) -> tuple[list[str], NDArray[np.int64], int]:
    """Names of the interactions, how often each occurs, and how many triplets are none of them."""
    if len(vocabulary.interactions):
        found = vocabulary.interaction_lookup[verb, label]
        counts = np.bincount(found[found >= 0], minlength=len(vocabulary.interactions))
        pairs, not_listed = vocabulary.interactions, int((found < 0).sum())
    else:
        pairs, counts = np.unique(np.column_stack([verb, label]).reshape(-1, 2), axis=0, return_counts=True)
        not_listed = 0
    return vocabulary.pair_names(pairs), counts, not_listed

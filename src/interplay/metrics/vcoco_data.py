"""V-COCO's people, actions and roles in columns: what its evaluations compare.

V-COCO asks two things of a detected person: which of the 26 actions he does (agent), and with which object in which
role (29 action-roles, four of them body motions without role). A result file says so in rows of one person each, an
`InteractionTable` in triplets; both become the same columns here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interplay.formats.vcoco_detections import role_verbs
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary


@dataclass(frozen=True)
class VcocoAnnotations:
    """Annotated people, all of them: those without labels matter as well, predictions on them do not count.

    Attributes:
        vocabulary: V-COCO's actions and action-roles.
        images: names of the images.
        person_image: (P,) index into `images`, ascending; inside an image in COCO's order.
        person_box: (P, 4) float32.
        labelled: (P,) whether everything that the person does is annotated; of others, what is annotated counts.
        actions: (P, 26) bool.
        role_box: (P, 29, 4) float32 box of the object in each action-role, NaN where there is none.
        role_object: (P, 29) its category, -1 where there is none.
        has_body_motions: whether actions without role (walk, smile) are annotated at all.
        knows_unlabelled: whether people without labels are there.
    """

    vocabulary: Vocabulary
    images: list[str]
    person_image: NDArray[np.int64]
    person_box: NDArray[np.float32]
    labelled: NDArray[np.bool_]
    actions: NDArray[np.bool_]
    role_box: NDArray[np.float32]
    role_object: NDArray[np.int64]
    has_body_motions: bool = True
    knows_unlabelled: bool = True

    @classmethod
    def from_table(cls, table: InteractionTable) -> VcocoAnnotations:
        """Annotations from triplets: a role without object is a triplet without object.

        Of several objects in one role of a person the first one counts; the official form cannot hold more.
        Boxes are cut to the image where its size is known, and people without extent are dropped, as the official
        code does. In a table of pairs, where each interaction has boxes of its own, equal boxes are one person;
        tables that tell people without labels list everybody once, so there equal boxes are two.

        Raises:
            InputError: the vocabulary has no object ``person``.
        """
        vocabulary = table.vocabulary
        vocabulary.require_person("V-COCO's protocol")
        boxes = clipped(table)
        solid = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        acting = np.zeros(len(boxes), bool)
        acting[table.human_rows] = True
        is_person = ((table.labels == vocabulary.person) | acting) & solid
        rows, person_of = _people(table, boxes, is_person)

        used = np.flatnonzero(is_person[table.human_rows])[::-1]  # reversed: the first of several objects stays
        person, verb = person_of[table.human_rows[used]], table.verb[used]
        target = table.object_rows[used]
        actions = np.zeros((len(rows), len(vocabulary.actions)), bool)
        actions[person, vocabulary.verb_actions[verb]] = True
        role_box = np.full((len(rows), len(vocabulary.verbs), 4), np.nan, np.float32)
        role_object = np.full((len(rows), len(vocabulary.verbs)), -1, np.int64)
        there = (target >= 0) & solid[target]
        role_box[person[there], verb[there]] = boxes[target[there]]
        role_object[person[there], verb[there]] = table.labels[target[there]]
        return cls(
            vocabulary=vocabulary,
            images=table.files,
            person_image=table.box_image_index[rows],
            person_box=boxes[rows],
            labelled=np.ones(len(rows), bool) if table.unlabelled is None else ~table.unlabelled[rows],
            actions=actions,
            role_box=role_box,
            role_object=role_object,
            has_body_motions=bool((~role_verbs(vocabulary))[table.verb].any()),
            knows_unlabelled=table.unlabelled is not None,
        )


def _people(
    table: InteractionTable, boxes: NDArray[np.float32], is_person: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A row of `boxes` for each person (P,), and the person of each row (B,)."""
    rows = np.flatnonzero(is_person)
    person_of = np.cumsum(is_person) - 1
    if table.unlabelled is not None:
        return rows, person_of
    keys = np.column_stack([table.box_image_index[rows], boxes[rows]])
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    place = np.argsort(np.argsort(first))  # people in the order of their first rows
    person_of[rows] = place[inverse.reshape(-1)]
    return rows[np.sort(first)], person_of


def clipped(table: InteractionTable) -> NDArray[np.float32]:
    """All boxes (B, 4) cut to their images' last pixels, where the image size is known."""
    size = table.sizes[table.box_image_index].astype(np.float32)
    last = np.where(size > 0, size - 1, np.inf).astype(np.float32)
    return np.clip(table.boxes, 0, np.concatenate([last, last], axis=1))

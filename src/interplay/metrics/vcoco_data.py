"""V-COCO's people, actions and roles in columns: what its evaluations compare.

V-COCO asks two things of a detected person: which of the 26 actions he does (agent), and with which object in which
role (29 action-roles, four of them body motions without role). A result file says so in rows of one person each, an
`InteractionTable` in triplets; both become the same columns here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary


@dataclass(frozen=True)
class VcocoDetections:
    """Detected people with scores for actions and for objects in roles.

    Attributes:
        vocabulary: V-COCO's actions and action-roles.
        images: names of the images (file names, or COCO ids as text).
        person_image: (D,) index into `images`.
        person_box: (D, 4) float32 x1, y1, x2, y2 in pixels.
        agent_person, agent_action: (A,) row of the person, and index into ``vocabulary.actions``.
        agent_score: (A,) float32.
        role_person, role_verb: (R,) row of the person, and index into ``vocabulary.verbs`` (action-roles).
        role_box: (R, 4) float32; all zeros or all NaN say "no object".
        role_object: (R,) category of the role's object, -1 for none; None where the source does not tell.
        role_score: (R,) float32.
    """

    vocabulary: Vocabulary
    images: list[str]
    person_image: NDArray[np.int64]
    person_box: NDArray[np.float32]
    agent_person: NDArray[np.int64]
    agent_action: NDArray[np.int64]
    agent_score: NDArray[np.float32]
    role_person: NDArray[np.int64]
    role_verb: NDArray[np.int64]
    role_box: NDArray[np.float32]
    role_object: NDArray[np.int64] | None
    role_score: NDArray[np.float32]

    def __len__(self) -> int:
        """Number of scores, agents and roles together."""
        return len(self.agent_score) + len(self.role_score)

    @classmethod
    def from_table(cls, table: InteractionTable) -> VcocoDetections:
        """Detections from triplets.

        A person's score for an action is the best of its triplets of that action without object if there are any,
        else the best of those with one. Every triplet with an object is a role detection; one of a role verb without
        object is a role detection without box, unless the person has an object in that very role.
        """
        vocabulary = table.vocabulary
        human, verb, score = table.human_rows, table.verb, table.score
        person_rows, person = np.unique(human, return_inverse=True)
        bare = table.object < 0
        actions = len(vocabulary.actions)
        done = person * actions + vocabulary.verb_actions[verb]
        keys, key = np.unique(done, return_inverse=True)
        without = np.full(len(keys), -np.inf, np.float32)
        with_object = without.copy()
        np.maximum.at(without, key[bare], score[bare])
        np.maximum.at(with_object, key[~bare], score[~bare])

        in_role = person * len(vocabulary.verbs) + verb
        has_object = np.isin(in_role, in_role[~bare])
        role = np.flatnonzero(~bare | (role_verbs(vocabulary)[verb] & ~has_object))
        return cls(
            vocabulary=vocabulary,
            images=table.files,
            person_image=table.box_image_index[person_rows],
            person_box=table.boxes[person_rows],
            agent_person=keys // actions,
            agent_action=keys % actions,
            agent_score=np.where(np.isneginf(without), with_object, without),
            role_person=person[role],
            role_verb=verb[role],
            role_box=table.object_boxes[role],
            role_object=table.object_labels[role],
            role_score=score[role],
        )

    def on_images(self, position: NDArray[np.int64], images: list[str]) -> VcocoDetections:
        """The detections on other images: image i becomes ``position[i]`` of `images`, -1 drops it.

        Scores that are NaN say nothing and are dropped as well.
        """
        image = position[self.person_image]
        keep = image >= 0
        agent = keep[self.agent_person] & ~np.isnan(self.agent_score)
        role = keep[self.role_person] & ~np.isnan(self.role_score)
        row = np.cumsum(keep) - 1
        return VcocoDetections(
            vocabulary=self.vocabulary,
            images=images,
            person_image=image[keep],
            person_box=self.person_box[keep],
            agent_person=row[self.agent_person[agent]],
            agent_action=self.agent_action[agent],
            agent_score=self.agent_score[agent],
            role_person=row[self.role_person[role]],
            role_verb=self.role_verb[role],
            role_box=self.role_box[role],
            role_object=None if self.role_object is None else self.role_object[role],
            role_score=self.role_score[role],
        )


@dataclass(frozen=True)
class VcocoAnnotations:
    """Annotated people, all of them: those without labels matter as well, predictions on them do not count.

    Attributes:
        vocabulary: V-COCO's actions and action-roles.
        images: names of the images.
        person_image: (P,) index into `images`, ascending; inside an image in COCO's order.
        person_box: (P, 4) float32.
        labelled: (P,) whether somebody annotated the person's actions.
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
        code does.

        Raises:
            InputError: the vocabulary has no object ``person``.
        """
        vocabulary = table.vocabulary
        if vocabulary.person < 0:
            raise InputError(f"the vocabulary {vocabulary.name!r} has no object 'person'")
        boxes = clipped(table)
        solid = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        acting = np.zeros(len(boxes), bool)
        acting[table.human_rows] = True
        is_person = ((table.labels == vocabulary.person) | acting) & solid
        rows = np.flatnonzero(is_person)
        person_of = np.cumsum(is_person) - 1

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


def role_verbs(vocabulary: Vocabulary) -> NDArray[np.bool_]:
    """(V,) which verbs take an object in a role; the others are body motions."""
    return np.array([record.role is not None for record in vocabulary.verb_records], bool)


def clipped(table: InteractionTable) -> NDArray[np.float32]:
    """All boxes (B, 4) cut to their images' last pixels, where the image size is known."""
    size = table.sizes[table.box_image_index].astype(np.float32)
    last = np.where(size > 0, size - 1, np.inf).astype(np.float32)
    return np.clip(table.boxes, 0, np.concatenate([last, last], axis=1))

"""V-COCO's detected people with scores for actions and for objects in roles: what its result files hold."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from interplay.table import InteractionTable, offsets
from interplay.vocabulary import Vocabulary

UNKNOWN_OBJECT = "unknown object"
"""What boxes are called whose category a result file does not tell."""


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
        object is a role detection without box, unless the person has an object in that very role. One with
        score 0 says that the role stays empty: others of that verb without object are then the action's score alone.
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
        empty = bare & np.isin(in_role, in_role[bare & (score == 0)])
        without_box = role_verbs(vocabulary)[verb] & ~has_object & (~empty | (score == 0))
        role = np.flatnonzero(~bare | without_box)
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

    def to_table(self) -> InteractionTable:
        """Triplets: one with each object in a role, and one without object for each scored action.

        What the source does not tell about an object is its category: such boxes get the extra object
        `UNKNOWN_OBJECT`, which the table's vocabulary then has at its end. `from_table` gives the same figures by
        V-COCO's protocols, except where a person has a score for a role without any object box.
        """
        vocabulary = self.vocabulary
        if self.role_object is None:
            vocabulary = replace(vocabulary, objects=(*vocabulary.objects, UNKNOWN_OBJECT))
        boxed = np.flatnonzero(np.nan_to_num(self.role_box).any(axis=1))
        bare = np.setdiff1d(np.arange(len(self.role_box)), boxed)
        first_verb = np.array([np.flatnonzero(vocabulary.verb_actions == a)[0] for a in range(len(vocabulary.actions))])
        # an action's own score stands on a verb in which the person has an object: there it is no role without box
        verb_of_agent = first_verb[self.agent_action]
        role_action = vocabulary.verb_actions[self.role_verb[boxed]]
        roles = zip(self.role_person[boxed].tolist(), role_action.tolist(), self.role_verb[boxed].tolist(), strict=True)
        in_role = {(person, action): verb for person, action, verb in roles}
        for row, key in enumerate(zip(self.agent_person.tolist(), self.agent_action.tolist(), strict=True)):
            verb_of_agent[row] = in_role.get(key, verb_of_agent[row])
        unknown = np.full(len(boxed), len(vocabulary.objects) - 1)
        labels = unknown if self.role_object is None else self.role_object[boxed]

        people = len(self.person_box)
        person = np.concatenate([self.role_person[boxed], self.role_person[bare], self.agent_person])
        target = np.concatenate([people + np.arange(len(boxed)), np.full(len(person) - len(boxed), -1)])
        verb = np.concatenate([self.role_verb[boxed], self.role_verb[bare], verb_of_agent])
        score = np.concatenate([self.role_score[boxed], self.role_score[bare], self.agent_score])
        box_image = np.concatenate([self.person_image, self.person_image[self.role_person[boxed]]])
        confidence = np.zeros(len(box_image), np.float32)
        np.maximum.at(confidence, person, score)
        confidence[people:] = self.role_score[boxed]

        box_order = np.argsort(box_image, kind="stable")
        place = np.empty(len(box_order), np.int64)
        place[box_order] = np.arange(len(box_order))
        box_offsets = offsets(np.bincount(box_image, minlength=len(self.images)))
        image = self.person_image[person]
        order = np.argsort(image, kind="stable")
        image, person, target = image[order], person[order], target[order]
        start = box_offsets[image]
        return InteractionTable(
            vocabulary=vocabulary,
            files=list(self.images),
            sizes=np.zeros((len(self.images), 2), np.int32),
            box_offsets=box_offsets,
            boxes=np.concatenate([self.person_box, self.role_box[boxed]])[box_order],
            labels=np.concatenate([np.full(people, vocabulary.person), labels])[box_order].astype(np.int64),
            box_scores=confidence[box_order],
            triplet_offsets=offsets(np.bincount(image, minlength=len(self.images))),
            human=place[person] - start,
            object=np.where(target < 0, -1, place[target] - start),
            verb=verb[order],
            score=score[order].astype(np.float32),
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


def role_verbs(vocabulary: Vocabulary) -> NDArray[np.bool_]:
    """(V,) which verbs take an object in a role; the others are body motions."""
    return np.array([record.role is not None for record in vocabulary.verb_records], bool)

"""What each annotated person of an image does, and where the objects of it are: what a person's features learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interplay.datasets.pairs import merge_duplicate_boxes
from interplay.interactions import Interactions
from interplay.ops.correspondences import class_table, object_table
from interplay.vocabulary import Vocabulary


@dataclass(frozen=True)
class AnnotatedPeople:
    """The people of an image, and all of its boxes.

    Attributes:
        people: (P, 4) float32 x1, y1, x2, y2 in pixels.
        actions: (P, V) bool, what each does.
        labelled: (P,) bool, whether that is known.
        targets: (P, V, 4) float32 the object of each action, NaN where there is none; of several the first one.
        keypoints: (P, 17, 3) float32 x, y, visibility; NaN, or zeros, where they are not known.
        boxes: (D, 4) float32 of everybody and everything.
        labels: (D,) int64 what is in them.
    """

    people: NDArray[np.float32]
    actions: NDArray[np.bool_]
    labelled: NDArray[np.bool_]
    targets: NDArray[np.float32]
    keypoints: NDArray[np.float32]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]


class PeopleReader:
    """Finds out what annotated people do, in a network's words.

    Args:
        annotations: vocabulary of the images.
        vocabulary: of the network, whose verbs V are its classes. Verbs that it does not know are left out.
    """

    def __init__(self, annotations: Vocabulary, vocabulary: Vocabulary) -> None:
        self.verbs = len(vocabulary.verbs)
        self.table = class_table(annotations, vocabulary, tuple(range(self.verbs)))
        self.objects = object_table(annotations, vocabulary)
        self.person = annotations.person

    def __call__(self, image: Interactions) -> AnnotatedPeople:
        """The people of an annotated image; boxes that were drawn twice count once."""
        image = merge_duplicate_boxes(image)
        rows = np.flatnonzero(image.labels == self.person)
        place = np.full(len(image.boxes), -1)
        place[rows] = np.arange(len(rows))
        actions = np.zeros((len(rows), self.verbs), bool)
        targets = np.full((len(rows), self.verbs, 4), np.nan, np.float32)
        label = np.where(image.object >= 0, image.labels[image.object], -1)
        person, verb = place[image.human], self.table[image.verb, label]
        for p, v, o in reversed(list(zip(person.tolist(), verb.tolist(), image.object.tolist(), strict=True))):
            if p >= 0 and v >= 0:
                actions[p, v] = True
                if o >= 0:
                    targets[p, v] = image.boxes[o]
        unlabelled = image.unlabelled[rows] if image.unlabelled is not None else np.zeros(len(rows), bool)
        unknown = np.full((len(rows), 17, 3), np.nan, np.float32)
        known = self.objects[image.labels] >= 0
        return AnnotatedPeople(
            people=image.boxes[rows],
            actions=actions,
            labelled=~unlabelled,
            targets=targets,
            keypoints=unknown if image.keypoints is None else image.keypoints[rows],
            boxes=image.boxes[known],
            labels=self.objects[image.labels[known]],
        )

"""The pairs of annotated images: those that interact, with their classes, and those that do not.

For two-stage systems. A network may have another vocabulary than the annotations: classes and objects go by name
(`interplay.ops.correspondences`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.columns import take_rows
from interplay.interactions import Interactions
from interplay.ops.boxes import SAME_OBJECT, box_iou, distinct_boxes
from interplay.ops.correspondences import class_table, no_interaction_verbs, object_table
from interplay.vocabulary import Vocabulary

OVERLAP = 0.5
"""Two pairs whose boxes both overlap by more than this are one."""


@dataclass(frozen=True)
class PairList:
    """Pairs of boxes of an image.

    Attributes:
        humans: (N, 4) float64 x1, y1, x2, y2 in pixels.
        objects: (N, 4).
        poses: (N, 17, 3) of the people, NaN where unknown, and where no keypoint is labelled.
        classes: (N, C) bool.
        motions: (N, C) float32: what the person does, with anything or nothing, 1 or 0; NaN where nobody knows.
        labels: (N,) the network's index of the object's class, -1 where it has none.
    """

    humans: NDArray[np.float64]
    objects: NDArray[np.float64]
    poses: NDArray[np.float32]
    classes: NDArray[np.bool_]
    motions: NDArray[np.float32]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.humans)

    def __getitem__(self, rows: slice | NDArray[Any]) -> PairList:
        return PairList(**{name: value[rows] for name, value in vars(self).items()})

    def scaled(self, factor: float) -> PairList:
        """The pairs in an image that was made smaller by a factor."""
        poses = self.poses * np.array([factor, factor, 1], np.float32)
        return replace(self, humans=self.humans * factor, objects=self.objects * factor, poses=poses)

    @staticmethod
    def joined(one: PairList, other: PairList) -> PairList:
        """The pairs of both."""
        return PairList(**{name: np.concatenate([value, getattr(other, name)]) for name, value in vars(one).items()})


class PairReader:
    """Finds the pairs of annotated images.

    Args:
        annotations: vocabulary of the images.
        vocabulary: of the network.
        verbs: the network's verb of each class; empty where the classes are the vocabulary's interactions.
        classify: leave out pairs that interact in a way that the network has no class for.
        published_behaviour: "no interaction" is an interaction like others.
    """

    def __init__(
        self,
        annotations: Vocabulary,
        vocabulary: Vocabulary,
        verbs: tuple[int, ...] = (),
        classify: bool = True,
        published_behaviour: bool = False,
    ) -> None:
        self.table, self.objects = class_table(annotations, vocabulary, verbs), object_table(annotations, vocabulary)
        self.count = len(verbs) or len(vocabulary.interactions)
        self.classify, self.person = classify, annotations.person
        self.no_interaction = no_interaction_verbs(annotations)
        self.ignored = self.no_interaction if not published_behaviour else self.no_interaction[:0]

    def positives(self, image: Interactions) -> PairList:
        """The annotated pairs that interact, each once."""
        boxes = _DistinctBoxes(image)
        human, other = boxes.place[image.human], boxes.place[image.object]
        column = np.where(image.object >= 0, image.labels[image.object], -1)
        number = self.table[image.verb, column]
        chosen = (image.object >= 0) & (human != other) & ~np.isin(image.verb, self.ignored)
        pairs, which = np.unique(np.column_stack([human, other])[chosen], axis=0, return_inverse=True)
        classes = np.zeros((len(pairs), self.count), bool)
        known = number[chosen] >= 0
        classes[which.reshape(-1)[known], number[chosen][known]] = True
        actions = np.where(boxes.annotated[:, None], np.float32(0), np.full(self.count, np.nan, np.float32))
        actions[human[number >= 0], number[number >= 0]] = 1
        found = self._pairs(boxes, pairs, classes, actions)
        return found[np.flatnonzero(classes.any(1))] if self.classify else found

    def negatives(self, image: Interactions, detected: Interactions | None = None) -> PairList:
        """Pairs of an annotated or detected person and another box that interact in no way.

        Their class is "no interaction" with the object, where there is one. People of whom not all actions were
        annotated (`unlabelled`) are in no pair, nor is who is detected where they are.

        Args:
            image: annotations.
            detected: a detector's boxes in the same image, whose objects have the same names.
        """
        interacting = (image.object >= 0) & ~np.isin(image.verb, self.ignored)
        taken = image.boxes[image.human[interacting]], image.boxes[image.object[interacting]]
        unknown = np.zeros((0, 4)) if image.unlabelled is None else image.boxes[image.unlabelled]
        found = self._others(image, taken, unknown)
        if detected is None or not len(detected.boxes):
            return found
        return PairList.joined(found, self._others(detected, taken, unknown))

    def _others(self, image: Interactions, taken: tuple[NDArray, NDArray], unknown: NDArray) -> PairList:
        boxes = _DistinctBoxes(image)
        human = (boxes.labels == self.person) & boxes.annotated
        human &= ~(box_iou(boxes.boxes, unknown) > OVERLAP).any(1)
        pairs = np.argwhere(human[:, None] & ~np.eye(len(boxes), dtype=bool))
        overlaps = [box_iou(boxes.boxes, there) for there in taken]  # (N, T) each
        same = np.minimum(overlaps[0][pairs[:, 0]], overlaps[1][pairs[:, 1]]) > OVERLAP
        pairs = pairs[~same.any(1)]
        classes = np.zeros((len(pairs), self.count), bool)
        for verb in self.no_interaction:
            number = self.table[verb, boxes.labels[pairs[:, 1]]]
            classes[number >= 0, number[number >= 0]] = True
        return self._pairs(boxes, pairs, classes, np.zeros((len(boxes), self.count), np.float32))

    def _pairs(
        self, boxes: _DistinctBoxes, pairs: NDArray[np.int64], classes: NDArray[np.bool_], actions: NDArray[np.float32]
    ) -> PairList:
        """Pairs (P, 2) of boxes, with their classes (P, C) and what every box does (N, C)."""
        human, other = pairs.reshape(-1, 2).T
        places, labels = boxes.boxes, self.objects[boxes.labels[other]]
        return PairList(places[human], places[other], boxes.poses[human], classes, actions[human], labels)


class _DistinctBoxes:
    """The boxes of an image, those that are annotated more than once only once.

    Attributes:
        place: of each box of the image among these.
        annotated: (N,) whether it is known of a person all that they do.
    """

    def __init__(self, image: Interactions) -> None:
        rows = np.column_stack([image.labels, image.boxes.astype(np.float64)])
        _, first, place = np.unique(rows, axis=0, return_index=True, return_inverse=True)
        self.place: NDArray[np.int64] = place.reshape(-1)
        self.boxes, self.labels = image.boxes[first].astype(np.float64), image.labels[first]
        self.annotated = np.ones(len(first), bool) if image.unlabelled is None else ~image.unlabelled[first]
        unknown = np.full((len(first), 17, 3), np.nan, np.float32)
        poses = unknown if image.keypoints is None else image.keypoints[first]
        labelled = np.asarray((poses[..., 2] > 0).any(1))  # COCO has zeros where it has nothing
        self.poses = np.where(labelled[:, None, None], poses, unknown)

    def __len__(self) -> int:
        return len(self.boxes)


def merge_duplicate_boxes(image: Interactions, overlap: float = SAME_OBJECT) -> Interactions:
    """Annotations of an image in which every person and object has one box; see `distinct_boxes`.

    HICO-DET's annotators drew the boxes of a person anew for each class of interaction: without merging, somebody who
    rides one box of a bicycle would not interact with the next box of it.

    What becomes the same interaction is one; two people who become one have no interaction with each other.
    """
    first = distinct_boxes(image.boxes, image.labels, image.box_scores, overlap)
    kept, place = np.unique(first, return_inverse=True)
    human, other = place[image.human], np.append(place, -1)[image.object]
    rows = np.sort(np.unique(np.stack([human, other, image.verb]), axis=1, return_index=True)[1])
    rows = rows[human[rows] != other[rows]]
    merged = image[rows]
    return replace(
        merged,
        boxes=image.boxes[kept],
        labels=image.labels[kept],
        box_scores=image.box_scores[kept],
        human=human[rows],
        object=other[rows],
        columns=take_rows(merged.columns, box=kept),
    )

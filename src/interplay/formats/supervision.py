"""`Interactions` <-> `supervision.Detections`, for that library's annotators, trackers and zones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interplay.interactions import Interactions
from interplay.vocabulary import Vocabulary

if TYPE_CHECKING:
    import supervision

_METADATA = "interplay"


def to_supervision(interactions: Interactions) -> supervision.Detections:
    """The boxes as detections (``class_id``, ``confidence``, ``data["class_name"]``).

    The triplets travel in ``metadata["interplay"]`` with the row of each box in ``data["box"]``, so that
    `from_supervision` finds them again, also after the detections were filtered or reordered.
    """
    import supervision

    names = np.array([interactions.vocabulary.objects[i] for i in interactions.labels], dtype=str)
    return supervision.Detections(
        xyxy=interactions.boxes.copy(),
        confidence=interactions.box_scores.copy(),
        class_id=interactions.labels.astype(int),
        data={"class_name": names, "box": np.arange(len(interactions.boxes))},
        metadata={_METADATA: interactions},
    )


def from_supervision(detections: supervision.Detections, vocabulary: Vocabulary | None = None) -> Interactions:
    """Detections as `Interactions`.

    Triplets are there if the detections came from `to_supervision`; one whose person or object has been filtered
    out is dropped. Detections of another origin give boxes without triplets.

    Args:
        vocabulary: what ``class_id`` (or, where there, ``data["class_name"]``) means; by default the one of the
            original `Interactions`, else COCO's 80 objects.
    """
    source: Interactions | None = (detections.metadata or {}).get(_METADATA)
    if vocabulary is None:
        vocabulary = source.vocabulary if source is not None else Vocabulary.load("coco")
    count = len(detections)
    names = detections.data.get("class_name")
    if names is not None:
        labels = np.array([vocabulary.object_index(str(n)) for n in names], np.int64)
    else:
        labels = np.zeros(count, np.int64) if detections.class_id is None else detections.class_id.astype(np.int64)
    scores = np.ones(count, np.float32)
    if detections.confidence is not None:
        scores = detections.confidence.astype(np.float32)
    none = np.zeros(0, np.int64)
    boxes = np.asarray(detections.xyxy, np.float32)
    rows = detections.data.get("box")
    if source is None or rows is None:
        return Interactions(boxes, labels, none, none, none, vocabulary, box_scores=scores)
    rows = np.asarray(rows, np.int64)
    position = np.full(len(source.boxes) + 1, -1, np.int64)
    position[rows] = np.arange(count)
    human, target = position[source.human], position[source.object]
    keep = (human >= 0) & ((target >= 0) | (source.object < 0))
    return Interactions(
        boxes,
        labels,
        human[keep],
        target[keep],
        source.verb[keep],
        vocabulary,
        score=source.score[keep],
        box_scores=scores,
        interactiveness=None if source.interactiveness is None else source.interactiveness[keep],
        keypoints=None if source.keypoints is None else source.keypoints[rows],
        unlabelled=None if source.unlabelled is None else source.unlabelled[rows],
        image_labels=source.image_labels,
        file=source.file,
        width=source.width,
        height=source.height,
        scored=source.scored,
    )

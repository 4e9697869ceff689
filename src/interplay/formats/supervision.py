"""`Interactions` <-> `supervision.Detections`, for that library's annotators, trackers and zones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interplay.columns import registered_columns
from interplay.interactions import Interactions
from interplay.vocabulary import Vocabulary

if TYPE_CHECKING:
    import supervision

_METADATA = "interplay"


def to_supervision(interactions: Interactions) -> supervision.Detections:
    """The boxes as detections (``class_id``, ``confidence``, ``tracker_id``, ``data["class_name"]``).

    ``tracker_id`` is the column `track`, None where there is none. Other columns per box are in `data` under their
    names. The triplets travel in ``metadata["interplay"]`` with the row of each box in ``data["box"]``, so that
    `from_supervision` finds them again, also after the detections were filtered or reordered.
    """
    import supervision

    names = np.array([interactions.vocabulary.objects[i] for i in interactions.labels], dtype=str)
    track = interactions.track
    columns = {
        column.name: interactions.columns[column.name].copy()
        for column in registered_columns("box")
        if column.name in interactions.columns and column.name != "track"
    }
    return supervision.Detections(
        xyxy=interactions.boxes.copy(),
        confidence=interactions.box_scores.copy(),
        class_id=interactions.labels.astype(int),
        tracker_id=None if track is None else track.copy(),
        data={"class_name": names, "box": np.arange(len(interactions.boxes)), **columns},
        metadata={_METADATA: interactions},
    )


def from_supervision(detections: supervision.Detections, vocabulary: Vocabulary | None = None) -> Interactions:
    """Detections as `Interactions`.

    Triplets are there if the detections came from `to_supervision`; one whose person or object has been filtered
    out is dropped. Detections of another origin give boxes without triplets. ``tracker_id`` becomes the column `track`,
    and what `data` holds under the name of a column per box becomes that column.

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
    columns: dict[str, NDArray[Any]] = {
        column.name: np.asarray(detections.data[column.name])
        for column in registered_columns("box")
        if column.name in detections.data
    }
    if detections.tracker_id is not None:
        columns["track"] = detections.tracker_id
    boxes = np.asarray(detections.xyxy, np.float32)
    rows = detections.data.get("box")
    if source is None or rows is None:
        none = np.zeros(0, np.int64)
        return Interactions(boxes, labels, none, none, none, vocabulary, box_scores=scores, columns=columns)
    left = source.select_boxes(np.asarray(rows, np.int64))
    return replace(
        left,
        boxes=boxes,
        labels=labels,
        box_scores=scores,
        vocabulary=vocabulary,
        columns={**left.columns, **columns},
    )

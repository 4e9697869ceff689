"""What a detector returns, and what one is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from interplay.boxes import as_boxes, clip_boxes
from interplay.errors import InputError
from interplay.vocabulary import Vocabulary

if TYPE_CHECKING:
    import supervision


@dataclass(frozen=True, eq=False)
class Detections:
    """People and objects in one image, as aligned arrays.

    Attributes:
        boxes: (N, 4) float32 x1, y1, x2, y2 in pixels of the image, counted from 0.
        labels: (N,) int64 index into the objects of ``Vocabulary.load("coco")``, 0..79.
        scores: (N,) float32 confidences, 0..1.
        keypoints: (N, 17, 3) float32 x, y, score in COCO's order, NaN for a box without pose; or None.

    Raises:
        InputError: lengths, or a label outside 0..79.
    """

    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    scores: NDArray[np.float32]
    keypoints: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        boxes = as_boxes(self.boxes)
        labels, scores = np.asarray(self.labels, np.int64), np.asarray(self.scores, np.float32)
        if labels.shape != (len(boxes),) or scores.shape != (len(boxes),):
            raise InputError(
                f"labels and scores must have shape ({len(boxes)},) like boxes, got {labels.shape} and {scores.shape}"
            )
        if labels.size and not 0 <= labels.min() <= labels.max() < 80:
            raise InputError(f"labels must be 0..79 (COCO's objects), got {labels.min()}..{labels.max()}")
        object.__setattr__(self, "boxes", boxes)
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "scores", scores)
        if self.keypoints is not None:
            keypoints = np.asarray(self.keypoints, np.float32)
            if keypoints.shape != (len(boxes), 17, 3):
                raise InputError(f"keypoints must have shape ({len(boxes)}, 17, 3), got {keypoints.shape}")
            object.__setattr__(self, "keypoints", keypoints)

    def __len__(self) -> int:
        return len(self.boxes)

    def select(self, rows: NDArray) -> Detections:
        """The chosen rows (a mask or indices), in the order chosen."""
        keypoints = None if self.keypoints is None else self.keypoints[rows]
        return Detections(self.boxes[rows], self.labels[rows], self.scores[rows], keypoints)

    def clipped(self, width: int, height: int) -> Detections:
        """Boxes cut to the image; one that has no area left is dropped."""
        boxes = clip_boxes(self.boxes, width, height)
        cut = Detections(boxes, self.labels, self.scores, self.keypoints)
        return cut.select((boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))

    def to_supervision(self) -> supervision.Detections:
        """As `supervision.Detections` with ``class_id``, ``confidence`` and ``data["class_name"]``."""
        import supervision

        names = np.array([Vocabulary.load("coco").objects[i] for i in self.labels], dtype=str)
        return supervision.Detections(
            xyxy=self.boxes.copy(),
            confidence=self.scores.copy(),
            class_id=self.labels.astype(int),
            data={"class_name": names},
        )

    @classmethod
    def from_supervision(cls, detections: supervision.Detections) -> Detections:
        """From `supervision.Detections`; ``data["class_name"]`` is believed before ``class_id``."""
        names = detections.data.get("class_name")
        if names is not None:
            labels = np.array([Vocabulary.load("coco").object_index(str(n)) for n in names], np.int64)
        elif detections.class_id is not None:
            labels = np.asarray(detections.class_id, np.int64)
        else:
            raise InputError("the detections have neither class names nor class ids")
        scores = np.ones(len(detections), np.float32)
        if detections.confidence is not None:
            scores = detections.confidence.astype(np.float32)
        return cls(as_boxes(detections.xyxy), labels, scores)


class Detector(Protocol):
    """Finds people and objects. `name` is what `load_detector` takes and result files record."""

    name: str

    def __call__(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """Detections in each of several RGB images (H, W, 3)."""
        ...

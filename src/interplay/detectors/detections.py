"""`Detections`: the boxes of one image; `Detector`: what finds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interplay.columns import get_column
from interplay.errors import InputError
from interplay.ops.boxes import as_boxes, clip_boxes, distinct_boxes
from interplay.ops.object_names import COCO_OBJECTS, labels_of, match_objects
from interplay.vocabulary import PERSON

if TYPE_CHECKING:
    import supervision

BOXES_SUFFIXES = (".jsonl", ".parquet", ".json")
"""Of files of boxes that stand in place of a detector."""

OTHERS = "*"
"""In smallest scores by name: all objects that are not named."""


@dataclass(frozen=True, eq=False)
class Detections:
    """People and objects in one image, as aligned arrays, best first where a detector made them.

    Attributes:
        boxes: (N, 4) float32 x1, y1, x2, y2 in pixels of the original image, counted from 0.
        labels: (N,) int64 index into `objects`.
        scores: (N,) float32 confidences, 0..1.
        keypoints: (N, 17, 3) float32 x, y, score in COCO's order, NaN for a box without pose; or None.
        track: (N,) int64 number of the person or object through a video, -1 for a box without track; or None.
        objects: the names that `labels` count; by default COCO's 80, of which 0 is a person.

    Raises:
        InputError: lengths, shapes or values do not fit; the message gives expected and actual.
    """

    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    scores: NDArray[np.float32]
    keypoints: NDArray[np.float32] | None = None
    track: NDArray[np.int64] | None = None
    objects: tuple[str, ...] = COCO_OBJECTS

    def __post_init__(self) -> None:
        boxes = as_boxes(self.boxes)
        count = len(boxes)
        labels, scores = np.asarray(self.labels), np.asarray(self.scores, np.float32)
        for name, values in (("labels", labels), ("scores", scores)):
            if values.shape != (count,):
                raise InputError(f"{name} must have shape ({count},) like boxes, got {values.shape}")
        object.__setattr__(self, "objects", tuple(self.objects))
        if count and (labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= len(self.objects)):
            what = "COCO's objects" if self.objects == COCO_OBJECTS else f"the objects {', '.join(self.objects[:5])}"
            raise InputError(
                f"labels must be indices 0..{len(self.objects) - 1} of {what}, got {labels.dtype} {labels}"
            )
        object.__setattr__(self, "boxes", boxes)
        object.__setattr__(self, "labels", labels.astype(np.int64))
        object.__setattr__(self, "scores", scores)
        if self.keypoints is not None:
            keypoints = np.asarray(self.keypoints, np.float32)
            if keypoints.shape != (count, 17, 3):
                raise InputError(f"keypoints must have shape ({count}, 17, 3), got {keypoints.shape}")
            object.__setattr__(self, "keypoints", keypoints)
        if self.track is not None:
            object.__setattr__(self, "track", get_column("track").as_array(self.track, count))

    @classmethod
    def empty(cls, objects: tuple[str, ...] = COCO_OBJECTS) -> Detections:
        """Nothing found."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, np.float32), objects=objects)

    @classmethod
    def within(
        cls,
        boxes: ArrayLike,
        labels: ArrayLike,
        scores: ArrayLike,
        width: int,
        height: int,
        objects: tuple[str, ...] = COCO_OBJECTS,
    ) -> Detections:
        """A detector's raw output: boxes are cut to the image, those left without area dropped, best first."""
        cut = clip_boxes(as_boxes(boxes), width, height)
        order = np.argsort(-np.asarray(scores, np.float32), kind="stable")
        order = order[(cut[order, 2] > cut[order, 0]) & (cut[order, 3] > cut[order, 1])]
        given = np.asarray(labels, np.int64)[order], np.asarray(scores, np.float32)[order]
        return cls(cut[order], *given, objects=objects)

    def __len__(self) -> int:
        """Number of boxes N."""
        return len(self.boxes)

    def __getitem__(self, index: slice | ArrayLike) -> Detections:
        """The chosen boxes: a slice, indices or a mask."""
        chosen = index if isinstance(index, slice) else np.atleast_1d(np.asarray(index))
        if isinstance(chosen, np.ndarray) and chosen.size == 0 and chosen.dtype != bool:
            chosen = chosen.astype(np.int64)
        keypoints = None if self.keypoints is None else self.keypoints[chosen]
        track = None if self.track is None else self.track[chosen]
        return replace(
            self,
            boxes=self.boxes[chosen],
            labels=self.labels[chosen],
            scores=self.scores[chosen],
            keypoints=keypoints,
            track=track,
        )

    @property
    def people(self) -> NDArray[np.bool_]:
        """(N,) which boxes are of people."""
        return self.labels == match_objects(["person"], self.objects)[0]

    def named(self, objects: tuple[str, ...], human: str = PERSON) -> Detections:
        """The boxes whose objects have a name among `objects`, counted in these; see `match_objects`."""
        if objects == self.objects:
            return self
        labels = match_objects(self.objects, objects, human)[self.labels]
        known = np.flatnonzero(labels >= 0)
        return replace(self[known], labels=labels[known], objects=objects)

    def filter(self, min_score: float | Mapping[str, float]) -> Detections:
        """The boxes with at least this score.

        Args:
            min_score: 0..1; or object's name -> score, where ``"*"`` stands for all others (all of them are kept
                without it).

        Raises:
            InputError: a name is none of `objects`; says the nearest.

        Example:
            >>> found = Detections([[0, 0, 9, 9], [0, 0, 5, 5]], [0, 32], [0.3, 0.3])
            >>> len(found.filter({"*": 0.2, "person": 0.5}))
            1
        """
        if not isinstance(min_score, Mapping):
            return self[self.scores >= min_score]
        least = np.full(len(self.objects), min_score.get(OTHERS, 0.0), np.float32)
        for name, label in labels_of([name for name in min_score if name != OTHERS], self.objects).items():
            least[label] = min_score[name]
        return self[self.scores >= least[self.labels]]

    def distinct(self, same_box: float | None = None, same_person: float | None = None) -> Detections:
        """One box for each person and object, the surest one, in the order given.

        Boxes of a person and of an object never stand for each other: a rider fills much of a horse's box.

        Args:
            same_box: IoU above which boxes of two objects, whatever they are called, show one thing (a book and a stop
                sign at one place); None: no such rule.
            same_person: IoU above which two boxes of people show one person; None: no such rule.
        """
        kept = np.ones(len(self), bool)
        for overlap, chosen in ((same_person, self.people), (same_box, ~self.people)):
            if overlap is not None:
                rows = np.flatnonzero(chosen)
                alike = np.zeros(len(rows), np.int64)
                kept[rows] = False
                kept[rows[distinct_boxes(self.boxes[rows], alike, self.scores[rows], overlap)]] = True
        return self if kept.all() else self[kept]

    def to_supervision(self) -> supervision.Detections:
        """As `supervision.Detections` with ``class_id``, ``confidence``, ``tracker_id`` and ``data["class_name"]``."""
        import supervision

        data: dict[str, NDArray | list] = {"class_name": np.array(self.objects)[self.labels]}
        if self.keypoints is not None:
            data["keypoints"] = self.keypoints.copy()
        return supervision.Detections(
            xyxy=self.boxes.copy(),
            confidence=self.scores.copy(),
            class_id=self.labels.astype(int),
            tracker_id=None if self.track is None else self.track.copy(),
            data=data,
        )

    @staticmethod
    def from_supervision(detections: supervision.Detections, objects: tuple[str, ...] | None = None) -> Detections:
        """From `supervision.Detections`.

        The class is ``data["class_name"]`` where there, as class numbers differ between detectors, else ``class_id``
        as an index into `objects`; a missing confidence is 1.

        Args:
            objects: what the detector knows; by default COCO's 80, or, if the detections name another one, what they
                name.

        Raises:
            InputError: a name is none of `objects`, or nothing says the class.
        """
        names = detections.data.get("class_name")
        if names is not None:
            names = [str(name) for name in names]
            known = COCO_OBJECTS if objects is None else tuple(objects)
            labels = match_objects(names, known)
            if (labels < 0).any():
                if objects is not None:
                    raise InputError(f"not among the objects given: {sorted(set(np.array(names)[labels < 0]))}")
                known, labels = _distinct(names)
        elif detections.class_id is not None:
            known, labels = objects or COCO_OBJECTS, np.asarray(detections.class_id, np.int64)
        else:
            raise InputError("detections need class_id or data['class_name']")
        scores, keypoints = detections.confidence, detections.data.get("keypoints")
        track = detections.tracker_id
        return Detections(
            np.asarray(detections.xyxy),
            labels,
            np.ones(len(labels), np.float32) if scores is None else np.asarray(scores, np.float32),
            None if keypoints is None else np.asarray(keypoints, np.float32),
            None if track is None else track.astype(np.int64),
            known,
        )


def _distinct(names: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The names, each once, and the place of each among them."""
    objects = tuple(dict.fromkeys(names))
    return objects, match_objects(names, objects)


class Detector(Protocol):
    """Finds people and objects. Not to be called from several threads at once.

    Attributes:
        name: what `load_detector` was given.
        objects: the names of what it may find.
    """

    name: str
    objects: tuple[str, ...]

    def __call__(self, images: Sequence[NDArray[np.uint8]], files: Sequence[str] | None = None) -> list[Detections]:
        """The detections in each image.

        Args:
            images: (H, W, 3) uint8 RGB, as `interplay.read_image` gives; sizes may differ. They are one batch.
            files: the images' names; only boxes from a file need them.
        """
        ...

"""`Interactions`: who does what with which object in one image. Every model returns it, every evaluation reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interplay.columns import HasColumns, Per, gather_columns, get_column, registered_columns, take_rows
from interplay.errors import InputError
from interplay.ops.boxes import as_boxes
from interplay.vocabulary import Vocabulary

if TYPE_CHECKING:
    import supervision


_SUPERVISION = "interplay"
"""Key of the triplets in the metadata of `supervision.Detections`."""


@dataclass(frozen=True)
class Triplet:
    """One interaction, with names instead of indices.

    Attributes:
        human_box, object_box: (4,) float32 x1, y1, x2, y2 in pixels; `object_box` is None where no object takes part.
        verb, object: names; `object` is None where no object takes part.
        score: confidence, 0..1 (GEN-VLKT: 0..2).
        phrase: plain English, ``"riding a bicycle"``.
    """

    human_box: NDArray[np.float32]
    verb: str
    object: str | None
    object_box: NDArray[np.float32] | None
    score: float
    phrase: str


@dataclass(eq=False, init=False)
class Interactions(HasColumns):
    """The interactions in one image, as flat aligned arrays.

    Attributes:
        boxes: (N, 4) float32 ``x1, y1, x2, y2`` in pixels of the original image, counted from 0.
        labels: (N,) int64 index into ``vocabulary.objects``.
        box_scores: (N,) float32 detection confidences, 0..1.
        human: (T,) int64 index into `boxes` of the person of each triplet.
        object: (T,) int64 index into `boxes` of the object, -1 where no object takes part.
        verb: (T,) int64 index into ``vocabulary.verbs``.
        score: (T,) float32 confidence of each triplet.
        vocabulary: what labels and verbs mean.
        image_labels: (K, 2) int64 or None: (verb, object) known to be in the image without boxes (HICO-DET's
            "invisible" interactions).
        file, width, height: the image, where known.
        scored: False for annotations, whose scores are all 1 and are not written to files.
        columns: the optional arrays that are there, by name (`interplay.columns`). Each is also an argument and an
            attribute, None where it is not there: `interactiveness` (T,) float32, `keypoints` (N, 17, 3) float32,
            `unlabelled` (N,) bool, `track` (N,) int64, and what `register_column` adds.

    Omitted scores are 1. Arrays are checked and converted on construction.

    Raises:
        InputError: shapes, lengths or indices do not fit, or a column is not registered; the message gives expected
            and actual.

    Example:
        >>> from interplay import Interactions, Vocabulary
        >>> ride = Interactions(
        ...     boxes=[[10, 10, 60, 120], [5, 60, 90, 140]], labels=[0, 1], human=[0], object=[1], verb=[76],
        ...     score=[0.9], vocabulary=Vocabulary.load("hico-det"))
        >>> ride.triplets()[0].phrase
        'riding a bicycle'
    """

    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    human: NDArray[np.int64]
    object: NDArray[np.int64]
    verb: NDArray[np.int64]
    vocabulary: Vocabulary
    score: NDArray[np.float32]
    box_scores: NDArray[np.float32]
    image_labels: NDArray[np.int64] | None
    file: str | None
    width: int | None
    height: int | None
    scored: bool
    columns: dict[str, NDArray[Any]]

    def __init__(
        self,
        boxes: ArrayLike,
        labels: ArrayLike,
        human: ArrayLike,
        object: ArrayLike,
        verb: ArrayLike,
        vocabulary: Vocabulary,
        score: ArrayLike | None = None,
        box_scores: ArrayLike | None = None,
        *,
        image_labels: ArrayLike | None = None,
        file: str | None = None,
        width: int | None = None,
        height: int | None = None,
        scored: bool = True,
        columns: Mapping[str, ArrayLike | None] | None = None,
        **optional: ArrayLike | None,
    ) -> None:
        self.vocabulary, self.file, self.width, self.height, self.scored = vocabulary, file, width, height, scored
        self.boxes = as_boxes(boxes)
        n = len(self.boxes)
        self.labels = _indices(labels, "labels", n, "boxes")
        self.human = _indices(human, "human")
        t = len(self.human)
        self.object = _indices(object, "object", t, "human")
        self.verb = _indices(verb, "verb", t, "human")
        self.score = _floats(score, "score", (t,)) if score is not None else np.ones(t, np.float32)
        self.box_scores = _floats(box_scores, "box_scores", (n,)) if box_scores is not None else np.ones(n, np.float32)
        self._set_columns({**(columns or {}), **optional})
        self.image_labels = None
        if image_labels is not None:
            self.image_labels = np.asarray(image_labels, np.int64).reshape(-1, 2)
            _in_range(self.image_labels[:, 0], "image_labels' verbs", 0, len(vocabulary.verbs), vocabulary.name)
            _in_range(self.image_labels[:, 1], "image_labels' objects", -1, len(vocabulary.objects), vocabulary.name)
        _in_range(self.labels, "labels", 0, len(vocabulary.objects), f"the objects of {vocabulary.name!r}")
        _in_range(self.verb, "verb", 0, len(vocabulary.verbs), f"the verbs of {vocabulary.name!r}")
        _in_range(self.human, "human", 0, n, "boxes")
        _in_range(self.object, "object", -1, n, "boxes")

    @classmethod
    def empty(
        cls, vocabulary: Vocabulary, file: str | None = None, width: int | None = None, height: int | None = None
    ) -> Interactions:
        """No boxes and no interactions."""
        none = np.zeros(0, np.int64)
        boxes = np.zeros((0, 4), np.float32)
        return cls(boxes, none, none, none, none, vocabulary, file=file, width=width, height=height)

    def __len__(self) -> int:
        """Number of triplets T."""
        return len(self.human)

    def __getitem__(self, index: int | slice | ArrayLike) -> Interactions:
        """The chosen triplets (an int, a slice, indices or a mask over triplets); all boxes stay."""
        if isinstance(index, (int, np.integer)):
            if not -len(self) <= index < len(self):
                raise IndexError(f"triplet {index} of {len(self)}")
            index = [int(index)]
        chosen: Any = index if isinstance(index, slice) else np.asarray(index)
        if isinstance(chosen, np.ndarray) and chosen.size == 0 and chosen.dtype != bool:
            chosen = chosen.astype(np.int64)
        return replace(
            self,
            human=self.human[chosen],
            object=self.object[chosen],
            verb=self.verb[chosen],
            score=self.score[chosen],
            columns=take_rows(self.columns, triplet=chosen),
        )

    def filter(
        self,
        min_score: float | None = None,
        top_k: int | None = None,
        verbs: Iterable[str] | None = None,
        objects: Iterable[str] | None = None,
        note_best: bool = False,
    ) -> Interactions:
        """The triplets that meet every condition given, in their order; all boxes stay.

        Args:
            min_score: smallest score kept.
            top_k: keep the best k (after the other conditions; of equal scores the earlier ones).
            verbs, objects: names to keep. A triplet without object is never kept by `objects`.
            note_best: where no triplet is left, keep in the columns `left_out` and `left_out_score` which was best.
        """
        keep = np.ones(len(self), bool)
        if min_score is not None:
            keep &= self.score >= min_score
        if verbs is not None:
            keep &= np.isin(self.verb, [self.vocabulary.verb_index(v) for v in verbs])
        if objects is not None:
            keep &= np.isin(self.object_labels, [self.vocabulary.object_index(o) for o in objects])
        indices = np.flatnonzero(keep)
        if top_k is not None:
            best = np.argsort(-self.score[indices], kind="stable")[: max(top_k, 0)]
            indices = indices[np.sort(best)]
        kept = self[indices]
        if note_best and len(self) and not len(kept):
            best_one = self.triplets()[0]
            return kept.with_columns(left_out=best_one.phrase, left_out_score=best_one.score)
        return kept

    def select_boxes(self, boxes: slice | ArrayLike) -> Interactions:
        """Only the chosen boxes (a slice, indices or a mask), in that order, and the triplets between them."""
        chosen = boxes if isinstance(boxes, slice) else np.asarray(boxes)
        if not isinstance(chosen, slice) and not chosen.size:
            chosen = np.zeros(0, np.int64)  # an empty list is one of floats to numpy
        rows = np.arange(len(self.boxes))[chosen]
        position = np.full(len(self.boxes) + 1, -1, np.int64)  # the last entry maps "no object" to itself
        position[rows] = np.arange(len(rows))
        human, target = position[self.human], position[self.object]
        kept = (human >= 0) & ((target >= 0) | (self.object < 0))
        return replace(
            self,
            boxes=self.boxes[rows],
            labels=self.labels[rows],
            box_scores=self.box_scores[rows],
            human=human[kept],
            object=target[kept],
            verb=self.verb[kept],
            score=self.score[kept],
            columns=take_rows(self.columns, box=rows, triplet=kept),
        )

    def without_unused_boxes(self) -> Interactions:
        """The same triplets with only the boxes that take part in one."""
        return self.select_boxes(np.unique(np.concatenate([self.human, self.object[self.object >= 0]])))

    @property
    def object_labels(self) -> NDArray[np.int64]:
        """(T,) object class of each triplet, -1 where no object takes part."""
        return np.append(self.labels, -1)[self.object]

    @property
    def human_boxes(self) -> NDArray[np.float32]:
        """(T, 4) box of the person of each triplet."""
        return self.boxes[self.human]

    @property
    def object_boxes(self) -> NDArray[np.float32]:
        """(T, 4) box of the object of each triplet, NaN where no object takes part."""
        return np.concatenate([self.boxes, np.full((1, 4), np.nan, np.float32)])[self.object]

    def triplets(self, min_score: float = 0.0) -> list[Triplet]:
        """The triplets with at least `min_score`, best first, with names."""
        order = np.argsort(-self.score, kind="stable")
        names, labels = self.vocabulary, self.object_labels
        return [
            Triplet(
                human_box=self.boxes[self.human[t]],
                verb=names.verbs[self.verb[t]],
                object=names.objects[labels[t]] if labels[t] >= 0 else None,
                object_box=self.boxes[self.object[t]] if self.object[t] >= 0 else None,
                score=float(self.score[t]),
                phrase=names.phrase(int(self.verb[t]), int(labels[t])),
            )
            for t in order
            if self.score[t] >= min_score
        ]

    @staticmethod
    def concat(parts: Sequence[Interactions]) -> Interactions:
        """The boxes and triplets of several results for the *same* image, one after the other.

        Where only some parts have a column, the others have its fill value; a column of the image comes from the first
        part that has it. Image labels are joined, file, size and vocabulary come from the first part.

        Raises:
            InputError: no parts, or their vocabularies differ.
        """
        if not parts:
            raise InputError("nothing to concatenate: give at least one Interactions")
        first = parts[0]
        for part in parts[1:]:
            if part.vocabulary != first.vocabulary:
                raise InputError(f"vocabularies differ: {first.vocabulary.name!r} and {part.vocabulary.name!r}")
        shifts = np.cumsum([0] + [len(p.boxes) for p in parts[:-1]])

        def joined(name: str) -> NDArray[Any]:
            return np.concatenate([getattr(part, name) for part in parts])

        columns = {
            name: next(p.columns[name] for p in parts if name in p.columns)
            if get_column(name).per == "image"
            else np.concatenate(values)
            for name, values in gather_columns(parts).items()
        }
        image_labels = [p.image_labels for p in parts if p.image_labels is not None]
        return replace(
            first,
            boxes=joined("boxes"),
            labels=joined("labels"),
            box_scores=joined("box_scores"),
            human=np.concatenate([p.human + s for p, s in zip(parts, shifts, strict=True)]),
            object=np.concatenate(
                [np.where(p.object < 0, -1, p.object + s) for p, s in zip(parts, shifts, strict=True)]
            ),
            verb=joined("verb"),
            score=joined("score"),
            image_labels=np.concatenate(image_labels) if image_labels else None,
            scored=all(p.scored for p in parts),
            columns=columns,
        )

    def to_supervision(self) -> supervision.Detections:
        """The boxes as `supervision.Detections`, for that library's annotators and trackers.

        They have ``class_id``, ``confidence``, ``tracker_id`` (the column `track`, None where there is none) and
        ``data["class_name"]``; other columns per box are in `data` under their names. The triplets travel in
        ``metadata["interplay"]`` with the row of each box in ``data["box"]``, so that `from_supervision` finds them
        again, also after the detections were filtered or reordered.
        """
        import supervision

        names = np.array([self.vocabulary.objects[i] for i in self.labels], dtype=str)
        track = self.track
        columns = {
            column.name: self.columns[column.name].copy()
            for column in registered_columns("box")
            if column.name in self.columns and column.name != "track"
        }
        return supervision.Detections(
            xyxy=self.boxes.copy(),
            confidence=self.box_scores.copy(),
            class_id=self.labels.astype(int),
            tracker_id=None if track is None else track.copy(),
            data={"class_name": names, "box": np.arange(len(self.boxes)), **columns},
            metadata={_SUPERVISION: self},
        )

    @staticmethod
    def from_supervision(detections: supervision.Detections, vocabulary: Vocabulary | None = None) -> Interactions:
        """`supervision.Detections` as `Interactions`.

        Triplets are there if the detections came from `to_supervision`; one whose person or object has been filtered
        out is dropped. Detections of another origin give boxes without triplets. ``tracker_id`` becomes the column
        `track`, and what `data` holds under the name of a column per box becomes that column.

        Args:
            vocabulary: of the result; by default the one of the original `Interactions`, else COCO's 80 objects.
                Objects (``data["class_name"]``) and the original's verbs are found in it by name; without names,
                ``class_id`` is an index into it, or into the original's vocabulary.

        Raises:
            InputError: the vocabulary has no object or verb of such a name.
        """
        source: Interactions | None = (detections.metadata or {}).get(_SUPERVISION)
        if vocabulary is None:
            vocabulary = source.vocabulary if source is not None else Vocabulary.load("coco")
        count = len(detections)
        names = detections.data.get("class_name")
        if names is None and source is not None and detections.class_id is not None:
            names = [source.vocabulary.objects[label] for label in detections.class_id]
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
        verbs = left.verb
        if vocabulary != left.vocabulary:
            found = [vocabulary.verb_index(left.vocabulary.verbs[verb]) for verb in left.verb.tolist()]
            verbs = np.array(found, np.int64)
        return replace(
            left,
            boxes=boxes,
            labels=labels,
            verb=verbs,
            box_scores=scores,
            vocabulary=vocabulary,
            columns={**left.columns, **columns},
        )

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, Interactions):
            return NotImplemented
        plain = ("file", "width", "height", "scored", "vocabulary")
        arrays = ("boxes", "labels", "box_scores", "human", "object", "verb", "score", "image_labels")
        return (
            all(getattr(self, n) == getattr(other, n) for n in plain)
            and all(_same(getattr(self, n), getattr(other, n)) for n in arrays)
            and self.columns.keys() == other.columns.keys()
            and all(_same(values, other.columns[n]) for n, values in self.columns.items())
        )

    __hash__ = None  # type: ignore[assignment]

    def _count(self, per: Per) -> int | None:
        return {"box": len(self.boxes), "triplet": len(self.human)}.get(per)

    def __repr__(self) -> str:
        where = f" in {self.file}" if self.file else ""
        return f"Interactions({len(self)} triplets over {len(self.boxes)} boxes{where}, {self.vocabulary.name})"


def _indices(values: Any, name: str, length: int | None = None, like: str = "") -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.size == 0:
        array = array.reshape(0).astype(np.int64)
    if array.ndim != 1 or (length is not None and len(array) != length):
        wanted = f"({length},) like {like}" if length is not None else "(T,)"
        raise InputError(f"{name} must have shape {wanted}, got {array.shape}")
    if array.dtype.kind not in "iu":
        raise InputError(f"{name} must be whole numbers (indices), got {array.dtype}")
    return array.astype(np.int64)


def _floats(values: Any, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    array = np.asarray(values, np.float32)
    if array.size == 0 and 0 in shape:
        array = array.reshape(shape)
    if array.shape != shape:
        raise InputError(f"{name} must have shape {shape}, got {array.shape}")
    return array


def _in_range(values: NDArray[np.int64], name: str, low: int, high: int, what: str) -> None:
    if values.size and (values.min() < low or values.max() >= high):
        bad = int(values.min() if values.min() < low else values.max())
        raise InputError(f"{name} holds {bad}, expected {low}..{high - 1} for {what}")


def _same(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return a is None and b is None
    if a.dtype == object:  # rows of different lengths
        return len(a) == len(b) and all(_same(*rows) for rows in zip(a, b, strict=True))
    return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")

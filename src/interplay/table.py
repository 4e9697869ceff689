"""`InteractionTable`: the interactions of many images in columns, for reading, scoring and training at scale."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interplay.columns import HasColumns, Per, gather_columns, get_column, take_rows
from interplay.errors import InputError, near_matches
from interplay.interactions import Interactions
from interplay.ops.image_names import ImageNames
from interplay.vocabulary import Vocabulary

_COMPARED = 5000
"""Names that a wrong one is compared with: comparing takes about a tenth of a millisecond each."""


@dataclass(eq=False, init=False)
class InteractionTable(HasColumns, Sequence[Interactions]):
    """`Interactions` of I images, held as flat arrays with offsets.

    Attributes:
        vocabulary: what labels and verbs mean.
        files: I image file names.
        sizes: (I, 2) int32 width, height; 0 where unknown.
        box_offsets: (I + 1,) int64; the boxes of image i are rows ``box_offsets[i]:box_offsets[i + 1]``.
        boxes, labels, box_scores: (B, 4), (B,), (B,) as in `Interactions`.
        triplet_offsets: (I + 1,) int64.
        human, object: (T,) int64, indices *inside the image's boxes*; object -1 where there is none.
        verb, score: (T,).
        image_label_offsets, image_labels: (I + 1,) and (K, 2), or None.
        scored: False for annotations.
        columns: the optional arrays that are there, by name, as in `Interactions`: one row per box (B rows), triplet
            (T) or image (I). Each is also an argument and an attribute, None where it is not there.

    Raises:
        InputError: a column is not registered, or its values do not fit; the message gives expected and actual.
    """

    vocabulary: Vocabulary
    files: list[str]
    sizes: NDArray[np.int32]
    box_offsets: NDArray[np.int64]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    box_scores: NDArray[np.float32]
    triplet_offsets: NDArray[np.int64]
    human: NDArray[np.int64]
    object: NDArray[np.int64]
    verb: NDArray[np.int64]
    score: NDArray[np.float32]
    image_label_offsets: NDArray[np.int64] | None
    image_labels: NDArray[np.int64] | None
    scored: bool
    columns: dict[str, NDArray[Any]]

    def __init__(
        self,
        vocabulary: Vocabulary,
        files: list[str],
        sizes: NDArray[np.int32],
        box_offsets: NDArray[np.int64],
        boxes: NDArray[np.float32],
        labels: NDArray[np.int64],
        box_scores: NDArray[np.float32],
        triplet_offsets: NDArray[np.int64],
        human: NDArray[np.int64],
        object: NDArray[np.int64],
        verb: NDArray[np.int64],
        score: NDArray[np.float32],
        *,
        image_label_offsets: NDArray[np.int64] | None = None,
        image_labels: NDArray[np.int64] | None = None,
        scored: bool = True,
        columns: Mapping[str, ArrayLike | None] | None = None,
        **optional: ArrayLike | None,
    ) -> None:
        self.vocabulary, self.files, self.sizes, self.scored = vocabulary, files, sizes, scored
        self.box_offsets, self.boxes, self.labels, self.box_scores = box_offsets, boxes, labels, box_scores
        self.triplet_offsets, self.human, self.object, self.verb = triplet_offsets, human, object, verb
        self.score = score
        self.image_label_offsets, self.image_labels = image_label_offsets, image_labels
        self._set_columns({**(columns or {}), **optional})

    @classmethod
    def from_list(cls, images: Iterable[Interactions], vocabulary: Vocabulary | None = None) -> InteractionTable:
        """A table from one `Interactions` per image.

        A column that only some images have holds its fill value for the others; image labels hold nothing.

        Args:
            vocabulary: needed only when `images` is empty.

        Raises:
            InputError: vocabularies differ, scored and unscored images are mixed, or nothing says the vocabulary.
        """
        items = list(images)
        if vocabulary is None:
            if not items:
                raise InputError("an empty table needs its vocabulary: from_list([], vocabulary=...)")
            vocabulary = items[0].vocabulary
        for item in items:
            if item.vocabulary != vocabulary:
                raise InputError(f"vocabularies differ: {vocabulary.name!r} and {item.vocabulary.name!r}")
        if len({item.scored for item in items}) > 1:
            raise InputError("predictions (scored) and annotations (unscored) cannot share a table")

        def joined(name: str, shape: tuple[int, ...], dtype: type) -> NDArray:
            parts = [getattr(item, name) for item in items]
            return np.concatenate([np.zeros((0, *shape), dtype), *parts]).astype(dtype, copy=False)

        has_image_labels = any(item.image_labels is not None for item in items)
        none = np.zeros((0, 2), np.int64)
        image_labels = [none if item.image_labels is None else item.image_labels for item in items]
        return cls(
            vocabulary=vocabulary,
            files=[item.file or "" for item in items],
            sizes=np.array([(item.width or 0, item.height or 0) for item in items], np.int32).reshape(-1, 2),
            box_offsets=offsets([len(item.boxes) for item in items]),
            boxes=joined("boxes", (4,), np.float32),
            labels=joined("labels", (), np.int64),
            box_scores=joined("box_scores", (), np.float32),
            triplet_offsets=offsets([len(item) for item in items]),
            human=joined("human", (), np.int64),
            object=joined("object", (), np.int64),
            verb=joined("verb", (), np.int64),
            score=joined("score", (), np.float32),
            image_label_offsets=offsets([len(x) for x in image_labels]) if has_image_labels else None,
            image_labels=np.concatenate([none, *image_labels]) if has_image_labels else None,
            scored=items[0].scored if items else True,
            columns={
                name: np.stack(values) if get_column(name).per == "image" else np.concatenate(values)
                for name, values in gather_columns(items).items()
            },
        )

    def __len__(self) -> int:
        """Number of images I."""
        return len(self.files)

    @overload
    def __getitem__(self, index: int | str) -> Interactions: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int] | NDArray) -> InteractionTable: ...
    def __getitem__(self, index: int | str | slice | Sequence[int] | NDArray) -> Interactions | InteractionTable:
        """One image as `Interactions`, or several as a smaller table.

        An image may be given by its name, which `interplay.ops.image_names.ImageNames` looks up.

        Raises:
            InputError: no image of that name, or several; gives similar ones.
        """
        if isinstance(index, str):
            index = self._position(index)
        if not isinstance(index, (int, np.integer)):
            chosen = np.arange(len(self))[index if isinstance(index, slice) else np.asarray(index)]
            return self.select(chosen)
        i = int(index)
        if not -len(self) <= i < len(self):
            raise IndexError(f"image {i} of {len(self)}")
        i %= len(self)
        b = slice(int(self.box_offsets[i]), int(self.box_offsets[i + 1]))
        t = slice(int(self.triplet_offsets[i]), int(self.triplet_offsets[i + 1]))
        image_labels = None
        if self.image_labels is not None and self.image_label_offsets is not None:
            image_labels = self.image_labels[self.image_label_offsets[i] : self.image_label_offsets[i + 1]]
        return Interactions(
            boxes=self.boxes[b],
            labels=self.labels[b],
            box_scores=self.box_scores[b],
            human=self.human[t],
            object=self.object[t],
            verb=self.verb[t],
            score=self.score[t],
            vocabulary=self.vocabulary,
            image_labels=image_labels,
            file=self.files[i] or None,
            width=int(self.sizes[i, 0]) or None,
            height=int(self.sizes[i, 1]) or None,
            scored=self.scored,
            columns=take_rows(self.columns, box=b, triplet=t, image=i),
        )

    def __iter__(self) -> Iterator[Interactions]:
        return (self[i] for i in range(len(self)))

    def with_interactions(
        self, verbs: str | Iterable[str] | None = None, objects: str | Iterable[str] | None = None
    ) -> InteractionTable:
        """The images that have an interaction of one of these verbs with one of these objects, with all they have.

        Args:
            verbs: a name or several; any verb by default.
            objects: a name or several; any object, or none at all, by default.

        Raises:
            InputError: a name that the vocabulary does not have; gives similar ones.

        Example:
            >>> from interplay import Interactions, InteractionTable, Vocabulary
            >>> names = Vocabulary.load("hico-det")
            >>> ride = Interactions([[10, 10, 60, 120], [5, 60, 90, 140]], [0, 1], human=[0], object=[1],
            ...                     verb=[names.verb_index("ride")], vocabulary=names, file="a.jpg")
            >>> table = InteractionTable.from_list([ride, Interactions.empty(names, "b.jpg")])
            >>> table.with_interactions("ride", "bicycle").files, table["a.jpg"].triplets()[0].phrase
            (['a.jpg'], 'riding a bicycle')
        """
        keep = np.ones(len(self.verb), bool)
        if verbs is not None:
            names = [verbs] if isinstance(verbs, str) else verbs
            keep &= np.isin(self.verb, [self.vocabulary.verb_index(name) for name in names])
        if objects is not None:
            names = [objects] if isinstance(objects, str) else objects
            keep &= np.isin(self.object_labels, [self.vocabulary.object_index(name) for name in names])
        return self.select(np.unique(self.image_index[keep]))

    def _position(self, name: str) -> int:
        """Index of an image by its name."""
        position = ImageNames(self.files).find(name)
        if position < 0:
            raise InputError(
                f"no image {name!r} among the {len(self)} of this table.{near_matches(name, self.files[:_COMPARED])}"
            )
        return position

    def select(self, images: NDArray[np.integer]) -> InteractionTable:
        """The given images (indices, in the order given)."""
        b = ranges(self.box_offsets, images)
        t = ranges(self.triplet_offsets, images)
        label_offsets, image_labels = None, None
        if self.image_labels is not None and self.image_label_offsets is not None:
            image_labels = self.image_labels[ranges(self.image_label_offsets, images)]
            label_offsets = offsets(np.diff(self.image_label_offsets)[images])
        return InteractionTable(
            vocabulary=self.vocabulary,
            files=[self.files[i] for i in images],
            sizes=self.sizes[images],
            box_offsets=offsets(np.diff(self.box_offsets)[images]),
            boxes=self.boxes[b],
            labels=self.labels[b],
            box_scores=self.box_scores[b],
            triplet_offsets=offsets(np.diff(self.triplet_offsets)[images]),
            human=self.human[t],
            object=self.object[t],
            verb=self.verb[t],
            score=self.score[t],
            image_label_offsets=label_offsets,
            image_labels=image_labels,
            scored=self.scored,
            columns=take_rows(self.columns, box=b, triplet=t, image=images),
        )

    @property
    def image_index(self) -> NDArray[np.int64]:
        """(T,) image of each triplet."""
        return np.repeat(np.arange(len(self)), np.diff(self.triplet_offsets))

    @property
    def box_image_index(self) -> NDArray[np.int64]:
        """(B,) image of each box."""
        return np.repeat(np.arange(len(self)), np.diff(self.box_offsets))

    @property
    def human_rows(self) -> NDArray[np.int64]:
        """(T,) row in `boxes` of each triplet's person."""
        return self.human + np.repeat(self.box_offsets[:-1], np.diff(self.triplet_offsets))

    @property
    def object_rows(self) -> NDArray[np.int64]:
        """(T,) row in `boxes` of each triplet's object, -1 where there is none."""
        start = np.repeat(self.box_offsets[:-1], np.diff(self.triplet_offsets))
        return np.where(self.object < 0, -1, self.object + start)

    @property
    def human_boxes(self) -> NDArray[np.float32]:
        """(T, 4) box of each triplet's person."""
        return self.boxes[self.human_rows]

    @property
    def object_boxes(self) -> NDArray[np.float32]:
        """(T, 4) box of each triplet's object, NaN where there is none."""
        return np.concatenate([self.boxes, np.full((1, 4), np.nan, np.float32)])[self.object_rows]

    @property
    def object_labels(self) -> NDArray[np.int64]:
        """(T,) object class of each triplet, -1 where there is none."""
        return np.append(self.labels, -1)[self.object_rows]

    def _count(self, per: Per) -> int:
        return {"box": len(self.boxes), "triplet": len(self.human), "image": len(self.files)}[per]

    def __repr__(self) -> str:
        kind = "predictions" if self.scored else "annotations"
        return f"InteractionTable({len(self)} images, {len(self.verb)} triplets, {self.vocabulary.name}, {kind})"


def offsets(counts: Iterable[int] | NDArray) -> NDArray[np.int64]:
    """Counts (I,) -> starts (I + 1,), the last one being the total."""
    counts = np.fromiter(counts, np.int64) if not isinstance(counts, np.ndarray) else counts
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])


def ranges(starts: NDArray[np.int64], chosen: NDArray[np.integer]) -> NDArray[np.int64]:
    """Row numbers of the chosen groups, one group after the other, given all groups' offsets."""
    counts = np.diff(starts)[chosen]
    shift = starts[:-1][chosen] - offsets(counts)[:-1]
    return np.arange(int(counts.sum())) + np.repeat(shift, counts)

"""What a two-stage network learns from in one step: annotated pairs with jittered boxes and pairs that do not interact.

The numbers are those published for TIN. All randomness is drawn by a function that the caller gives, so that a batch
can be repeated exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from interplay.errors import InputError
from interplay.ops.boxes import box_iou

Draw = Callable[[int, int], tuple[int, int, int]]
"""Given the largest vertical and horizontal shift: uniform integers in -10..10 and between minus and plus these."""

MOST_PAIRS = 5
"""Annotated pairs of one image in one step; images with more are split."""

_ALIKE = 0.7
_TRIES = 151


@dataclass(frozen=True)
class TrainingRows:
    """R pairs of boxes of one image, first P that interact, then those that do not.

    Attributes:
        humans: (R, 4) x1, y1, x2, y2 in float64: maps are drawn before rounding to float32.
        objects: (R, 4).
        source: (R,) the annotated pair of each of the first P rows, and the non-interacting pair of the others.
        positives: P.
    """

    humans: NDArray[np.float64]
    objects: NDArray[np.float64]
    source: NDArray[np.int64]
    positives: int

    def __len__(self) -> int:
        return len(self.source)

    def gather(self, positive: NDArray[np.generic], negative: NDArray[np.generic]) -> NDArray[np.generic]:
        """What belongs to every row (R, ...), from what belongs to the annotated (G, ...) and other pairs (M, ...)."""
        first, second = self.source[: self.positives], self.source[self.positives :]
        return np.concatenate([positive[first], negative[second]])


def uniform_draws(generator: np.random.Generator) -> Draw:
    """Draws of a generator."""

    def draw(down: int, right: int) -> tuple[int, int, int]:
        most = np.array([10, down, right])
        scale, y, x = generator.integers(-most, most + 1).tolist()
        return scale, y, x

    return draw


def jitter_box(box: ArrayLike, width: int, height: int, count: int, draw: Draw) -> NDArray[np.float64]:
    """A box (4,) and `count` variants of it: (1 + count, 4), fewer where 151 tries do not give so many.

    A variant is up to a tenth larger or smaller, its centre moved by up to a tenth of the sides, and cut to the image;
    it is kept if it overlaps the box by more than 0.7 (last pixels inside).
    """
    x1, y1, x2, y2 = np.asarray(box, np.float64).tolist()
    w, h = x2 - x1, y2 - y1
    kept = [[x1, y1, x2, y2]]
    for _ in range(_TRIES):
        if len(kept) > count:
            break
        scale, down, right = draw(int(np.floor(h)), int(np.floor(w)))
        ratio, x, y = 1 + scale * 0.01, (x2 + x1) / 2 + right * 0.1, (y2 + y1) / 2 + down * 0.1
        moved = [
            max(0, x - ratio * w / 2), max(0, y - ratio * h / 2),
            min(width - 1, x + ratio * w / 2), min(height - 1, y + ratio * h / 2),
        ]  # fmt: skip
        if box_iou(np.array([kept[0]]), np.array([moved]), inclusive=True)[0, 0] > _ALIKE:
            kept.append(moved)
    return np.array(kept)


def sample_rows(
    humans: ArrayLike,
    objects: ArrayLike,
    negative_humans: ArrayLike,
    negative_objects: ArrayLike,
    size: tuple[int, int],
    draw: Draw,
    permute: Callable[[int], NDArray[np.int64]],
    augment: int = 15,
    most_negatives: int = 60,
) -> TrainingRows:
    """One step's pairs of one image.

    Args:
        humans: (G, 4) of the annotated pairs, at most `MOST_PAIRS` (`groups`).
        objects: (G, 4).
        negative_humans: (M, 4) of pairs that do not interact.
        negative_objects: (M, 4).
        size: width and height of the image.
        draw: see `Draw`; for every pair first the person's draws, then the object's.
        permute: gives an order of so many things; asked for where there are at least `most_negatives`.
        augment: jittered pairs, shared evenly among the annotated ones, the rest to the last.
        most_negatives: published: 60.
    """
    human, other = _boxes(humans), _boxes(objects)
    negative_human, negative_other = _boxes(negative_humans), _boxes(negative_objects)
    if not len(human):
        raise InputError("an image without annotated pair has nothing to learn from")
    if len(human) != len(other) or len(negative_human) != len(negative_other):
        raise InputError("expected as many human boxes as object boxes")
    share = augment // len(human)
    jittered = []
    for k, pair in enumerate(zip(human, other, strict=True)):
        count = share if k + 1 < len(human) else augment - share * k
        variants = [jitter_box(box, *size, count, draw) for box in pair]
        jittered.append([moved[: min(map(len, variants))] for moved in variants])
    source = np.repeat(np.arange(len(human)), [len(first) for first, _ in jittered])
    negatives = np.arange(len(negative_human))
    if len(negatives) >= most_negatives:
        negatives = permute(len(negatives))[:most_negatives]
    return TrainingRows(
        np.concatenate([*(first for first, _ in jittered), negative_human[negatives]]),
        np.concatenate([*(second for _, second in jittered), negative_other[negatives]]),
        np.concatenate([source, negatives]),
        len(source),
    )


def groups(count: int, most: int = MOST_PAIRS) -> Iterator[slice]:
    """The annotated pairs of an image in parts of at most `most`."""
    for start in range(0, count, most):
        yield slice(start, min(start + most, count))


def binary_labels(rows: TrainingRows, published_behaviour: bool = False) -> torch.Tensor:
    """(R, 2) float32 interactive, not interactive.

    Args:
        published_behaviour: as in the extension's batches, where the first pair that does not interact is labelled
            neither (a loop that starts one row late).
    """
    labels = torch.zeros(len(rows), 2)
    labels[: rows.positives, 0] = 1
    labels[rows.positives + int(published_behaviour) :, 1] = 1
    return labels


def _boxes(boxes: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(boxes, np.float64).reshape(-1, 4)

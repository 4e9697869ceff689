"""`Verdicts`: predictions in order, each right or wrong, from which every figure of a protocol follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interplay.metrics.average_precision import RankedHits


@dataclass(frozen=True)
class Verdicts:
    """The predictions that count, by class and falling score, and what they were to find.

    Attributes:
        label, image: (D,) class and image of each prediction.
        hit: (D,) whether it is right.
        positive_label, positive_image: (P,) class and image of each annotated positive.
        classes, images: how many there are.
        most: best predictions of a class that count; None for all.
    """

    label: NDArray[np.integer]
    image: NDArray[np.integer]
    hit: NDArray[np.bool_]
    positive_label: NDArray[np.integer]
    positive_image: NDArray[np.integer]
    classes: int
    images: int
    most: int | None = None

    def hits(self) -> RankedHits:
        """Ranks of the true positives."""
        positives = np.bincount(self.positive_label, minlength=self.classes)
        return RankedHits.of(self.label, self.hit, positives, self.most)

    def resampled(self, times: NDArray[np.int64]) -> RankedHits:
        """The same if image i were there ``times[i]`` times; its copies stand side by side.

        Args:
            times: (images,) numbers of 0 or more.
        """
        weight = times[self.image]
        before = np.cumsum(weight) - weight
        starts = np.searchsorted(self.label, np.arange(self.classes + 1))
        total = np.append(before, weight.sum())[starts]
        places = np.flatnonzero(self.hit)
        copies = weight[places]
        label = np.repeat(self.label[places].astype(np.int64), copies)
        first = before[places] - total[self.label[places]]
        number = np.arange(int(copies.sum())) - np.repeat(np.cumsum(copies) - copies, copies)
        rank = np.repeat(first, copies) + number + 1
        positives = np.bincount(self.positive_label, times[self.positive_image], self.classes).astype(np.int64)
        return RankedHits(label, rank, np.diff(total), positives).cut(self.most)

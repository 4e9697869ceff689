"""Average precision of every class at once, from the ranks of the true positives alone.

Precision only rises at a true positive, so the whole precision-recall curve of a class follows from the ranks of
its true positives and the number of positives: after the k-th true positive, at rank r, recall is ``k / P`` and
precision ``k / r``. That is a few thousand numbers instead of millions of detections.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

AveragePrecisionRule = Literal["11-point", "all-point", "pocket-int", "pocket-auc"]
"""How a precision-recall curve becomes one number.

``11-point``
    Mean of the best precision at recall >= t over 11 thresholds t (HICO-DET and its Python relatives).
``all-point``
    Area under the precision envelope (Pascal VOC 2010, V-COCO's official code).
``pocket-int``, ``pocket-auc``
    Trapezoids under the envelope, or under the raw curve. Both stop when the highest recall is reached, so the last
    step is not counted and a single true positive gives 0 (the pocket library).
"""


@dataclass(frozen=True)
class RankedHits:
    """The true positives of C classes, each class's in falling score.

    Attributes:
        label: (K,) class, ascending.
        rank: (K,) position among the class's counted detections, from 1, ascending inside a class.
        detections: (C,) counted detections.
        positives: (C,) positives, the denominator of recall.
    """

    label: NDArray[np.int64]
    rank: NDArray[np.int64]
    detections: NDArray[np.int64]
    positives: NDArray[np.int64]

    @classmethod
    def of(
        cls, label: NDArray[np.integer], hit: NDArray[np.bool_], positives: NDArray[np.int64], most: int | None = None
    ) -> RankedHits:
        """From detections by class and falling score.

        Args:
            label, hit: (D,) class of each, and whether it is a true positive.
            positives: (C,) see above.
            most: best detections of a class that count; None for all.
        """
        starts = np.searchsorted(label, np.arange(len(positives) + 1))
        places = np.flatnonzero(hit)
        owner = label[places].astype(np.int64)
        return cls(owner, places - starts[owner] + 1, np.diff(starts), positives).cut(most)

    def cut(self, most: int | None) -> RankedHits:
        """Only the best `most` detections of every class; None for all."""
        if most is None:
            return self
        kept = self.rank <= most
        return RankedHits(self.label[kept], self.rank[kept], np.minimum(self.detections, most), self.positives)

    @property
    def starts(self) -> NDArray[np.int64]:
        """(C + 1,) first row of each class."""
        return np.searchsorted(self.label, np.arange(len(self.positives) + 1))

    @property
    def ordinal(self) -> NDArray[np.int64]:
        """(K,) how many true positives the class has up to and including this one."""
        return np.arange(1, len(self.label) + 1) - self.starts[self.label]

    @property
    def precision(self) -> NDArray[np.float64]:
        """(K,) precision at each true positive."""
        return self.ordinal / self.rank

    @property
    def recall(self) -> NDArray[np.float64]:
        """(K,) recall at each true positive."""
        return self.ordinal / self.positives[self.label]

    @property
    def max_recall(self) -> NDArray[np.float64]:
        """(C,) recall over all counted detections; NaN for a class without positives."""
        found = np.bincount(self.label, minlength=len(self.positives))
        return np.divide(found, self.positives, out=np.full(len(found), np.nan), where=self.positives > 0)

    def curve(self, label: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Recall and precision at each true positive of one class."""
        rows = slice(*np.searchsorted(self.label, [label, label + 1]))
        return self.recall[rows], self.precision[rows]


def average_precision(
    hits: RankedHits, rule: AveragePrecisionRule, thresholds: tuple[float, ...] = ()
) -> NDArray[np.float64]:
    """Average precision (C,) of every class, 0..1; NaN for a class without positives, 0 for one without hits.

    Args:
        thresholds: recall thresholds of the ``11-point`` rule, compared in double precision.
    """
    if rule == "11-point":
        value = _interpolated(hits, thresholds)
    elif rule == "all-point":
        value = _envelope_area(hits)
    else:
        value = _trapezoids(hits, envelope=rule == "pocket-int")
    return np.where(hits.positives > 0, value, np.nan)


def _interpolated(hits: RankedHits, thresholds: tuple[float, ...]) -> NDArray[np.float64]:
    classes = len(hits.positives)
    total = np.zeros(classes)
    recall, precision, label = hits.recall, hits.precision, hits.label
    end = hits.starts[1:]
    padded = np.append(precision, 0.0)  # so that an empty range at the very end has a row to point at
    for threshold in thresholds:
        # recall rises inside a class, so the rows that reach the threshold are the class's last ones
        first = end - np.bincount(label[recall >= threshold], minlength=classes)
        bounds = np.stack([first, end], axis=1).reshape(-1)
        best = np.maximum.reduceat(padded, bounds)[::2]
        total += np.where(first < end, best, 0.0)
    return total / len(thresholds)


def _envelope(hits: RankedHits) -> NDArray[np.float64]:
    """(K,) best precision at this or any later true positive of the class."""
    # A running maximum over (class, order of precision) as one integer stays exact and never crosses classes.
    values, order = np.unique(hits.precision, return_inverse=True)
    key = (len(hits.positives) - hits.label) * (len(values) + 1) + order
    best = np.maximum.accumulate(key[::-1])[::-1]
    return values[best % (len(values) + 1)] if len(values) else hits.precision


def _envelope_area(hits: RankedHits) -> NDArray[np.float64]:
    area = np.bincount(hits.label, _envelope(hits), minlength=len(hits.positives))
    return np.divide(area, hits.positives, out=np.zeros(len(area)), where=hits.positives > 0)


def _trapezoids(hits: RankedHits, envelope: bool) -> NDArray[np.float64]:
    right = _envelope(hits) if envelope else hits.precision
    before = (hits.ordinal - 1) / np.maximum(hits.rank - 1, 1)  # precision one detection earlier
    left = np.maximum(before, right) if envelope else before
    height = np.where(hits.rank == 1, right, 0.5 * (left + right))
    last = hits.ordinal == np.bincount(hits.label, minlength=len(hits.positives))[hits.label]
    area = np.bincount(hits.label, np.where(last, 0.0, height), minlength=len(hits.positives))
    return np.divide(area, hits.positives, out=np.zeros(len(area)), where=hits.positives > 0)

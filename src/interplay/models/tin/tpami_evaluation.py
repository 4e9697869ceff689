"""The HICO-DET evaluation of TIN's extension (TPAMI 2021): thresholds per interaction, and interactiveness alone.

The thresholds on detection and interactiveness scores were presumably tuned on the test set (inferred); published
figures are 21.27 mAP and 16.42 AP of interactiveness. The matching differs from HICO-DET's official protocol
(`interplay.metrics`): overlaps count no last pixel and each detection only looks at its best annotation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interplay.boxes import box_iou

from .suppression import MAX_PER_INTERACTION, ScoredPairs, tables, tpami_lis

Keys = NDArray[np.int64]
Boxes = NDArray[np.floating]


@dataclass(frozen=True)
class BoxPairs:
    """Pairs of boxes of many images.

    Attributes:
        images: (P,) number of the image.
        humans: (P, 4) x1, y1, x2, y2.
        objects: (P, 4).
    """

    images: Keys
    humans: Boxes
    objects: Boxes

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> BoxPairs:
        return BoxPairs(self.images[chosen], self.humans[chosen], self.objects[chosen])


def tpami_thresholds() -> NDArray[np.float64]:
    """(600, 3) by interaction: least score of the person, of the object, least interactive probability.

    The first two are stored as one number n: ``floor(n / 10) / 10`` and ``(n mod 10) / 10``.
    """
    content = tables()["tpami"]
    both = np.asarray(content["detection"])
    return np.column_stack([both // 10 / 10, both % 10 / 10, content["interactiveness"]])


def average_precision(
    pairs: BoxPairs, scores: NDArray[np.floating], truth: BoxPairs, most: int = MAX_PER_INTERACTION
) -> tuple[float, float]:
    """11-point average precision and the highest recall of one class, both in 0..1; nan without annotations.

    A detection is right if the smaller overlap of its two boxes with the annotation where that is largest is at
    least 0.5, and no better detection has taken that annotation.
    """
    if not len(truth):
        return float("nan"), float("nan")
    order = np.argsort(-scores, kind="stable")[:most]
    right = _hits(pairs[order], truth)
    if not len(right):
        return 0.0, 0.0
    found = np.cumsum(right)
    recall, precision = found / len(truth), found / np.arange(1, len(right) + 1)
    at = [precision[recall >= level].max(initial=0.0) for level in np.arange(11) / 10]
    return float(np.mean(at)), float(recall[-1])


def evaluate_hico(
    pairs: ScoredPairs,
    boxes: BoxPairs,
    truth: Sequence[BoxPairs],
    interactions: NDArray[np.int64],
    published_behaviour: bool = True,
) -> NDArray[np.float64]:
    """Average precision (I,) of every interaction in 0..1, nan where nothing is annotated.

    The published mAP is their sum over all interactions: those without annotations count as 0.

    Args:
        pairs: P scored pairs; `exempt` is not used.
        boxes: of the same pairs.
        truth: annotated pairs of every interaction.
        interactions: (I, 2) verb and object, the vocabulary's.
        published_behaviour: see `suppression.tpami_lis`.
    """
    weight = tpami_lis(pairs.human_scores, published_behaviour) * tpami_lis(pairs.object_scores, published_behaviour)
    precision = np.zeros(len(interactions))
    for k, ((_, thing), (human, partner, interactive)) in enumerate(zip(interactions, tpami_thresholds(), strict=True)):
        sure = (pairs.human_scores > human) & (pairs.object_scores > partner) & (pairs.binary[:, 0] > interactive)
        rows = np.flatnonzero(sure & (pairs.objects == thing))
        precision[k], _ = average_precision(boxes[rows], pairs.scores[rows, k] * weight[rows], truth[k])
    return precision


def _hits(pairs: BoxPairs, truth: BoxPairs) -> NDArray[np.bool_]:
    """(P,) whether each detection, in this order, takes an annotation of its image that is still free."""
    by_image: dict[int, NDArray[np.int64]] = {
        int(image): np.flatnonzero(truth.images == image) for image in np.unique(truth.images)
    }
    best, overlap = np.full(len(pairs), -1), np.zeros(len(pairs))
    for image, there in by_image.items():
        rows = np.flatnonzero(pairs.images == image)
        if len(rows):
            shared = np.minimum(
                box_iou(pairs.humans[rows], truth.humans[there]), box_iou(pairs.objects[rows], truth.objects[there])
            )
            first = shared.argmax(1)
            best[rows], overlap[rows] = there[first], shared.max(1)
    right = np.zeros(len(pairs), bool)
    near = np.flatnonzero(overlap >= 0.5)
    right[near[np.unique(best[near], return_index=True)[1]]] = True
    return right

"""Scores of relations in clips: VidVRD's and VidOR's protocol (Shang et al., ACM MM 2017 and ICMR 2019).

A predicted relation is right if its triplet is annotated and both trajectories overlap the annotated ones by a
volumetric IoU of 0.5 or more; each annotated relation is taken once, by the surest prediction, which takes the one it
overlaps most. Boxes hold their last pixel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError
from interplay.metrics.average_precision import RankedHits, average_precision
from interplay.metrics.scores import mean, plain
from interplay.video.relations import ClipRelation

RECALLS = (50, 100)
TAGS = (1, 5, 10)


@dataclass(frozen=True)
class ClipScores:
    """Scores of relations in clips; fractions, 0..1.

    Attributes:
        ap: by clip.
        recall: share of all annotated relations that the best K predictions of each clip hold, by K.
        tagging: share of the best K different triplets of a clip that are annotated in it, wherever and whenever; mean
            over clips, by K.
        clips, relations: how many are annotated.
        notes: what the user should know.
    """

    ap: dict[str, float]
    recall: dict[int, float]
    tagging: dict[int, float]
    clips: int
    relations: int
    notes: list[str] = field(default_factory=list)

    @property
    def means(self) -> dict[str, float]:
        """Mean AP over clips, recall and tagging precision by name."""
        named = {"map": mean(list(self.ap.values()))}
        named |= {f"recall@{k}": value for k, value in self.recall.items()}
        return named | {f"tagging precision@{k}": value for k, value in self.tagging.items()}

    def to_dict(self) -> dict[str, Any]:
        """The JSON form; numbers that do not exist are None."""
        shared = {"clips": self.clips, "relations": self.relations, "notes": self.notes}
        return {"means": plain(self.means), "ap": plain(self.ap), **shared}


def evaluate_clips(
    predictions: Mapping[str, Sequence[ClipRelation]],
    annotations: Mapping[str, Sequence[ClipRelation]],
    overlap: float = 0.5,
) -> ClipScores:
    """VidVRD's scores.

    Args:
        predictions: by clip; a clip without an entry has none.
        annotations: by clip. Clips without relations do not count, as in the published code.
        overlap: smallest volumetric IoU of both trajectories.

    Raises:
        InputError: none of the predicted clips is annotated, nothing is annotated, or no such overlap.
    """
    if not 0 < overlap <= 1:
        raise InputError(f"the smallest overlap must be above 0 and at most 1, got {overlap}")
    counted = {name: relations for name, relations in annotations.items() if relations}
    if not counted:
        raise InputError("no relation is annotated in these clips")
    unknown = [name for name in predictions if name not in annotations]
    if predictions and len(unknown) == len(predictions):
        raise InputError(
            f"none of the {len(predictions):,} predicted clips is annotated: predicted are {', '.join(unknown[:3])}, "
            f"annotated {', '.join(list(annotations)[:3])}"
        )
    ap: dict[str, float] = {}
    tagging: dict[int, list[float]] = {k: [] for k in TAGS}
    ranks: list[NDArray[np.int64]] = []
    for name, truth in counted.items():
        found = sorted(predictions.get(name, ()), key=lambda one: -one.score)  # stable
        hits = np.flatnonzero(_matched(found, truth, overlap))
        ranks.append(hits)
        label = np.zeros(len(hits), np.int64)
        ranked = RankedHits(label, hits + 1, np.array([len(found)]), np.array([len(truth)]))
        ap[name] = float(average_precision(ranked, "all-point")[0])
        annotated = {one.triplet for one in truth}
        said = list(dict.fromkeys(one.triplet for one in found))
        for k in TAGS:
            right = [triplet in annotated for triplet in said[:k]]
            tagging[k].append(sum(right) / k)
    total = sum(map(len, counted.values()))
    notes = [f"{len(unknown)} predicted clips are not annotated (dropped)"] if unknown else []
    absent = sum(name not in predictions for name in counted)
    if absent:
        notes.append(f"{absent} of {len(counted)} annotated clips have no predictions; they count")
    return ClipScores(
        ap=ap,
        recall={k: sum(int((rank < k).sum()) for rank in ranks) / total for k in RECALLS},
        tagging={k: float(np.mean(values)) for k, values in tagging.items()},
        clips=len(counted),
        relations=total,
        notes=notes,
    )


def _matched(found: Sequence[ClipRelation], truth: Sequence[ClipRelation], overlap: float) -> NDArray[np.bool_]:
    """(D,) which predictions, the surest first, take an annotated relation."""
    of_triplet: dict[tuple[str, str, str], list[int]] = {}
    for row, one in enumerate(truth):
        of_triplet.setdefault(one.triplet, []).append(row)
    taken: set[int] = set()
    hit = np.zeros(len(found), bool)
    for place, one in enumerate(found):
        best, chosen = -math.inf, -1
        for row in of_triplet.get(one.triplet, ()):
            if row in taken:
                continue
            other = truth[row]
            value = min(
                volume_iou(one.subject, one.begin, other.subject, other.begin),
                volume_iou(one.object, one.begin, other.object, other.begin),
            )
            if value >= overlap and value > best:
                best, chosen = value, row
        if chosen >= 0:
            hit[place] = True
            taken.add(chosen)
    return hit


def volume_iou(first: NDArray[np.float64], first_begin: int, second: NDArray[np.float64], second_begin: int) -> float:
    """Volumetric IoU of two trajectories, (F, 4) boxes from a first frame on: shared volume over volume of both."""
    begin = max(first_begin, second_begin)
    end = min(first_begin + len(first), second_begin + len(second))
    if begin >= end:
        return 0.0
    a, b = first[begin - first_begin : end - first_begin], second[begin - second_begin : end - second_begin]
    sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]) + 1
    shared = float(np.maximum(sides, 0).prod(axis=1).sum())
    whole = sum(float((boxes[:, 2:] - boxes[:, :2] + 1).prod(axis=1).sum()) for boxes in (first, second))
    return shared / (whole - shared)

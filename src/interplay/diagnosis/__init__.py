"""What is wrong with a result: kinds of error and their cost, pairs, verbs, calibration, sizes, crowds, images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from interplay.diagnosis.breakdown import (
    Calibration,
    Confusion,
    ImageErrors,
    PairLocalisation,
    Slice,
    best_score,
    calibration,
    confusion,
    pair_localisation,
    slices,
    worst_images,
)
from interplay.diagnosis.errors import KINDS, MISSED, Cost, Errors, costs, find_errors
from interplay.errors import InputError
from interplay.formats.reading import Reading
from interplay.metrics.hoi import judge_pairs
from interplay.metrics.protocols import Setting
from interplay.metrics.scores import HoiScores, plain
from interplay.table import InteractionTable

__all__ = [
    "KINDS",
    "MISSED",
    "Calibration",
    "Confusion",
    "Cost",
    "Diagnosis",
    "Errors",
    "ImageErrors",
    "PairLocalisation",
    "Slice",
    "costs",
    "diagnose",
    "find_errors",
]


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a result.

    Attributes:
        scores: AP of every interaction class.
        min_score: the operating score: counts "from the operating score" are of predictions of at least this.
        costs: what each kind of error costs in mean AP; see `interplay.diagnosis.errors.costs`.
        errors_per_class: kind -> (C,) false predictions of each class.
        pairs: whether pairs are found at all.
        confusion: verbs that are said for others.
        calibration: whether scores mean what they say.
        slices: by size, overlap and crowd.
        images: the worst, the worst first.
        notes: what the user should know.
    """

    scores: HoiScores
    min_score: float
    costs: list[Cost]
    errors_per_class: dict[str, list[int]]
    pairs: PairLocalisation
    confusion: Confusion
    calibration: Calibration
    slices: dict[str, list[Slice]]
    images: list[ImageErrors]
    notes: list[str]

    def to_dict(self) -> dict[str, Any]:
        """The JSON form; numbers that do not exist are None."""
        confused = [{"annotated": a, "predicted": p, "count": n} for a, p, n in self.confusion.most(100)]
        return {
            "scores": self.scores.to_dict(),
            "min_score": self.min_score,
            "costs": [plain(vars(cost)) for cost in self.costs],
            "errors_per_class": self.errors_per_class,
            "pairs": {name: plain(list(v) if isinstance(v, tuple) else v) for name, v in vars(self.pairs).items()},
            "confusion": confused,
            "calibration": plain(vars(self.calibration)),
            "slices": {name: [plain(vars(part)) for part in parts] for name, parts in self.slices.items()},
            "images": [plain(vars(image)) for image in self.images],
            "notes": self.notes,
        }


def diagnose(
    predictions: InteractionTable,
    annotations: InteractionTable,
    *,
    protocol: str | None = None,
    setting: Setting = "default",
    min_score: float | None = None,
    images: int = 24,
    allow_partial: bool = False,
    reading: Reading | None = None,
) -> Diagnosis:
    """Find out what is wrong with predictions.

    Data with roles (V-COCO) is diagnosed by its pairs of action-role and object, since its own protocol has no pairs.

    Args:
        predictions, annotations, protocol, setting, allow_partial, reading: as for `interplay.evaluate`.
        min_score: the operating score; by default the one with the best F1 over all predictions.
        images: how many of the worst images to list.

    Raises:
        InputError: the images do not fit, the vocabularies differ, an unknown protocol, or nothing is annotated.
    """
    judged = judge_pairs(predictions, annotations, protocol, setting, allow_partial=allow_partial, reading=reading)
    if not len(judged.truth):
        raise InputError("no interaction is annotated in these images, so that nothing can be diagnosed")
    least = best_score(judged) if min_score is None else min_score
    errors = find_errors(judged, annotations)
    scores = judged.scores()
    notes = list(scores.notes)
    if any(record.role is not None for record in annotations.vocabulary.verb_records):
        notes.append("pairs of action-role and object are the classes here; V-COCO's own metrics differ")
    return Diagnosis(
        scores=scores,
        min_score=least,
        costs=costs(judged, errors),
        errors_per_class={
            name: np.bincount(judged.matches.label[errors.of(name)], minlength=len(scores.classes)).tolist()
            for name in KINDS
        },
        pairs=pair_localisation(judged),
        confusion=confusion(judged, errors, least),
        calibration=calibration(judged),
        slices=slices(judged, annotations, least),
        images=worst_images(judged, errors, annotations, least, images),
        notes=notes,
    )

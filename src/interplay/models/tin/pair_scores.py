"""Figures on all pairs of annotated boxes: how well C names them, whether D tells them apart, what NIS is worth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from interplay.errors import InputError, MissingFileError
from interplay.images import ImageError
from interplay.layers.modes import evaluating
from interplay.metrics.pairs import mean_pair_average_precision, pair_average_precision
from interplay.training.processes import gather, process_count, process_rank

from .examples import Example, collate
from .model import TinModel
from .published import INTERACTIVE, rejected
from .training_pairs import ValidationPairs

_PAIRS = 512
"""Pairs that are scored together."""


@dataclass(frozen=True)
class PairScores:
    """Scores of P pairs.

    Attributes:
        scores: (P, C) of C alone, 0 where the class has another object; (P, 0) of a network without classes.
        binary: (P, 2) of D: interactive, not interactive.
        classes: (P, C) bool, what is annotated.
        interacts: (P,) bool.
    """

    scores: NDArray[np.float32]
    binary: NDArray[np.float32]
    classes: NDArray[np.bool_]
    interacts: NDArray[np.bool_]

    def limits(self, recall_loss: float) -> tuple[float, float]:
        """NIS limits (interactive below, not interactive above) that lose at most this share of interacting pairs."""
        if not self.interacts.any():
            return 0.0, 1.0
        return float(np.quantile(self.binary[self.interacts, INTERACTIVE], recall_loss)), 0.0

    def judged_by(self, other: PairScores) -> PairScores:
        """The same pairs and C with the scores of another D.

        Raises:
            InputError: its pairs are others.
        """
        if not np.array_equal(self.interacts, other.interacts):
            raise InputError(f"expected scores of the same pairs, got {len(self.interacts)} and {len(other.interacts)}")
        return replace(self, binary=other.binary)

    def classification(self) -> dict[str, float]:
        """``map``: mean AP of C over the classes that occur."""
        return {"map": _mean(self.scores, self.classes)}

    def suppression(self, limits: tuple[float, float]) -> dict[str, float]:
        """What D knows, and what NIS with such limits removes (0..1) and does to the mean AP."""
        removed = rejected(self.binary, np.asarray(limits))
        figures = {
            "d_ap": pair_average_precision(self.binary[:, INTERACTIVE], self.interacts),
            "nis_removed_non_interacting": _share(removed[~self.interacts]),
            "nis_removed_interacting": _share(removed[self.interacts]),
        }
        if self.scores.shape[1]:
            kept = np.where(removed[:, None], 0, self.scores)
            figures["map_with_suppression"] = _mean(kept, self.classes)
            figures["map_times_interactiveness"] = _mean(self.scores * self.binary[:, :1], self.classes)
        return figures


def score_pairs(model: TinModel, data: ValidationPairs) -> PairScores:
    """Score all pairs, in all processes of a training together. Photographs that cannot be read are left out."""
    found: list[PairScores] = []
    mine = range(process_rank(), len(data), process_count())
    waiting: list[Example] = []
    labels: list[NDArray[np.int64]] = []
    count = 0
    with evaluating(model):
        for index in mine:
            try:
                example, objects = data.example(index)
            except (ImageError, MissingFileError):
                continue
            waiting.append(example)
            labels.append(objects)
            count += len(objects)
            if count >= _PAIRS:
                found.append(_score(model, waiting, labels))
                waiting, labels, count = [], [], 0
        if waiting:
            found.append(_score(model, waiting, labels))
    parts = gather(found)
    if not parts:
        raise MissingFileError("none of the photographs to validate on can be read")
    return PairScores(*(np.concatenate([getattr(p, name) for p in parts]) for name in vars(parts[0])))


def _score(model: TinModel, examples: list[Example], labels: list[NDArray[np.int64]]) -> PairScores:
    """The pairs of a few images; those that interact come first."""
    batch = collate(examples).to(model.device)
    positives = [len(example.motions) for example in examples]
    near = [own[:n] for own, n in zip(labels, positives, strict=True)]
    far = [own[n:] for own, n in zip(labels, positives, strict=True)]
    objects = np.concatenate([*near, *far])
    outputs = model(batch.images, batch.humans, batch.objects, batch.maps, *([batch.parts] if model.is_part else []))
    classes = batch.classes.bool().cpu().numpy()
    if model.is_part:
        scores = np.zeros((len(batch), 0), np.float32)
    else:
        scores = _numpy(outputs.fused / 2)
        if model.config.network.classes == "interaction":
            scores[objects[:, None] != model.vocabulary.interactions[:, 1]] = 0
    interacts = np.arange(len(batch)) < batch.positives
    binary = _numpy(outputs["cls_prob_binary"])
    return PairScores(scores, binary, classes & interacts[:, None], interacts)


def _numpy(values: Tensor) -> NDArray[np.float32]:
    return values.float().cpu().numpy().astype(np.float32)


def _mean(scores: NDArray[np.float32], classes: NDArray[np.bool_]) -> float:
    occurring = classes.any(0)
    if not occurring.any():
        return float("nan")
    return float(np.mean(mean_pair_average_precision(scores[:, occurring], classes[:, occurring])))


def _share(values: NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else float("nan")

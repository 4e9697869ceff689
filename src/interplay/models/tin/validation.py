"""Metrics on all pairs of annotated boxes: how well C names them, whether D tells them apart, what NIS is worth.

Also of C of one training with D of others: TIN's tables are made of such combinations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from interplay.datasets import InteractionDataset
from interplay.datasets.pair_source import PairSource
from interplay.datasets.pairs import PairReader
from interplay.errors import InputError, MissingFileError
from interplay.images import ImageError
from interplay.layers.modes import evaluating
from interplay.metrics.pairs import mean_pair_average_precision, pair_average_precision
from interplay.table import InteractionTable
from interplay.training.processes import gather, process_count, process_rank

from .data import TinExample, ValidationPairs, collate
from .model import TinModel
from .published import INTERACTIVE, rejected

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

    def with_interactiveness(self, other: PairScores) -> PairScores:
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
        metrics = {
            "d_ap": pair_average_precision(self.binary[:, INTERACTIVE], self.interacts),
            "nis_removed_non_interacting": _share(removed[~self.interacts]),
            "nis_removed_interacting": _share(removed[self.interacts]),
        }
        if self.scores.shape[1]:
            kept = np.where(removed[:, None], 0, self.scores)
            metrics["map_with_suppression"] = _mean(kept, self.classes)
            metrics["map_times_interactiveness"] = _mean(self.scores * self.binary[:, :1], self.classes)
        return metrics


def score_pairs(model: TinModel, data: ValidationPairs) -> PairScores:
    """Score all pairs, in all processes of a training together. Images that cannot be read are left out."""
    found: list[PairScores] = []
    mine = range(process_rank(), len(data), process_count())
    waiting: list[TinExample] = []
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
        raise MissingFileError("none of the images to validate on can be read")
    return PairScores(*(np.concatenate([getattr(p, name) for p in parts]) for name in vars(parts[0])))


def _score(model: TinModel, examples: list[TinExample], labels: list[NDArray[np.int64]]) -> PairScores:
    """The pairs of a few images; those that interact come first."""
    batch = collate(examples).to(model.device)
    positives = [len(example.motions) for example in examples]
    first = [own[:n] for own, n in zip(labels, positives, strict=True)]
    then = [own[n:] for own, n in zip(labels, positives, strict=True)]
    objects = np.concatenate([*first, *then])
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


def combined_metrics(
    classifier: TinModel,
    discriminators: Mapping[str, TinModel],
    table: InteractionTable,
    images: Path,
    longer_side: int | None = None,
) -> dict[str, dict[str, float]]:
    """Metrics on all pairs of annotated boxes, of C alone and with every D, by its name.

    Args:
        classifier: gives the interactions' scores.
        discriminators: each with the limits of NIS that it was saved with, chosen on its validation images.
        table: annotations, such as a test split's.
        images: folder of the images.
        longer_side: images are made smaller until no side is longer, as in training.

    Returns:
        ``C alone`` and each name -> the metrics of `PairScores.classification` and `PairScores.suppression`.

    Raises:
        InputError: the classifier has no classes.
        MissingFileError: no images.
    """
    if not classifier.classifies:
        raise InputError("the classifier must know interactions, this network only tells whether a pair interacts")
    reader = PairReader(table.vocabulary, classifier.vocabulary, tuple(classifier.verbs.tolist()))

    def pairs(parts: bool) -> ValidationPairs:
        return ValidationPairs(PairSource(InteractionDataset(table, images), reader, {}, longer_side), parts)

    scores = score_pairs(classifier, pairs(False))
    metrics = {"C alone": scores.classification()}
    for name, model in discriminators.items():
        judged = scores.with_interactiveness(score_pairs(model, pairs(model.is_part)))
        limits = model.config.decoding.interactive_below, model.config.decoding.not_interactive_above
        metrics[name] = {**judged.classification(), **judged.suppression(limits)}
    return metrics

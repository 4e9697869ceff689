"""What a training of TIN's spatial stream consists of: its data, batches, loss and validation."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interplay.datasets import load_annotations
from interplay.errors import InputError
from interplay.metrics.pairs import mean_pair_average_precision, pair_average_precision
from interplay.models.base import evaluating
from interplay.models.tin import pairs as batches
from interplay.models.tin.geometry import pair_geometry
from interplay.models.tin.pairs import DetectorNoise, PairBatch, PairSet
from interplay.models.tin.spatial import SpatialConfig, TinSpatial
from interplay.table import InteractionTable
from interplay.training.config import TrainConfig

_VALIDATION_BATCH = 128
NIS_RECALL_LOSS = 0.01
"""NIS removes as many pairs as it can while losing at most this share of the interacting ones (on validation)."""


class SpatialTask:
    """Trains `TinSpatial` on annotated boxes.

    Args:
        config: of the training.

    Raises:
        InputError: no data folder, or annotations without interactions.
    """

    monitor = "map"

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        training, validation = _split(config)
        vocabulary = training.vocabulary
        self.verbs = trained_verbs(training)
        if not self.verbs:
            raise InputError("the training annotations hold no interaction with an object")
        self.training = PairSet(training, self.verbs)
        self.validation = PairSet(validation, self.verbs)
        size = config.model.model_dump()
        torch.manual_seed(config.seed)
        self.model = TinSpatial(SpatialConfig(verbs=self.verbs, **size), vocabulary)
        self.model.fit_normalisation(_training_geometry(self.training, vocabulary.person))
        self.data_record = {
            "training": _fingerprint(training, len(self.training)),
            "validation": _fingerprint(validation, len(self.validation)),
        }

    @property
    def steps_per_epoch(self) -> int:
        """Number of batches in an epoch; the incomplete last one is left out."""
        return max(len(self.training) // self.config.batch_size, 1)

    def batches(self, epoch: int) -> Iterator[PairBatch]:
        """The augmented batches of an epoch, the same for the same seed and epoch.

        Images with about as many boxes go together, so that little is padding.
        """
        generator = torch.Generator().manual_seed(self.config.seed * 100_003 + epoch)
        size, count = self.config.batch_size, len(self.training)
        order = torch.argsort(self.training.sizes.log() + torch.rand(count, generator=generator))
        for start in torch.randperm(self.steps_per_epoch, generator=generator).tolist():
            yield self._augment(self.training.batch(order[start * size : (start + 1) * size]), generator)

    def loss(self, model: Any, batch: PairBatch) -> dict[str, Tensor]:
        """The terms of the loss of a batch."""
        outputs = model(batch.boxes, batch.labels, batch.detected)
        return self.model.loss(outputs, batch.targets, batch.labelled)

    def validate(self, model: TinSpatial) -> dict[str, float]:
        """`map`: mean over verbs, with annotated boxes; `map_detected`: with imitated detections; `d_ap`: D alone."""
        clean = score_pairs(model, self.validation)
        noisy = score_pairs(model, self.validation, self._noise())
        return {
            "map": clean.mean_ap,
            "map_detected": noisy.mean_ap,
            "d_ap": clean.interactiveness_ap,
        }

    def finish(self, model: TinSpatial) -> dict[str, Any]:
        """Choose the NIS threshold on the validation images and describe the model."""
        scored = score_pairs(model, self.validation)
        model.config = replace(model.config, suppress_below=scored.suppression_threshold(NIS_RECALL_LOSS))
        figures = {**self.validate(model), **scored.suppression(model.config.suppress_below)}
        return {**model.description(), "data": self.data_record, "validation": figures}

    def _augment(self, batch: PairBatch, generator: torch.Generator) -> PairBatch:
        options = self.config.augmentation
        count = len(batch.boxes)
        detected = torch.rand(count, generator=generator) < options.detector_share
        if options.flip:
            batch = batches.flip(batch, torch.rand(count, generator=generator) < 0.5)
        if options.detector_share:
            batch = batches.imitate_detector(batch, detected, self._noise(), self.training.pool, generator)
        deviation = options.jitter * (~detected).float()[:, None, None]
        batch = replace(batch, boxes=batches.jitter(batch.boxes, deviation, generator))
        return batches.rescale(batch, options.rescale, generator)

    def _noise(self) -> DetectorNoise:
        options = self.config.augmentation
        return DetectorNoise(options.detector_miss, options.detector_jitter, options.detector_false)


class ScoredPairs:
    """All pairs of a set with their scores.

    Attributes:
        verbs: (P, K) probability of each verb, C x D.
        interactiveness: (P,) probability of D.
        targets: (P, K) bool.
    """

    def __init__(self, verbs: NDArray, interactiveness: NDArray, targets: NDArray[np.bool_]) -> None:
        self.verbs, self.interactiveness, self.targets = verbs, interactiveness, targets
        self.interacts: NDArray[np.bool_] = np.asarray(targets.any(1))

    @property
    def average_precisions(self) -> NDArray[np.float64]:
        """(K,) AP of each verb over all pairs."""
        return mean_pair_average_precision(self.verbs, self.targets)

    @property
    def mean_ap(self) -> float:
        """Mean AP over the verbs that occur."""
        return float(np.nanmean(self.average_precisions))

    @property
    def interactiveness_ap(self) -> float:
        """AP of "this pair interacts" by D alone."""
        return pair_average_precision(self.interactiveness, self.interacts)

    def suppression_threshold(self, loss: float) -> float:
        """The highest threshold on D that removes at most this share of the interacting pairs."""
        return float(np.quantile(self.interactiveness[self.interacts], loss))

    def suppression(self, threshold: float) -> dict[str, float]:
        """What NIS at a threshold removes, 0..1, and mean AP of C alone and of C x D, without and with removal."""
        removed = self.interactiveness < threshold
        classifier = self.verbs / np.maximum(self.interactiveness[:, None], 1e-9)

        def mean(scores: NDArray) -> float:
            return float(np.nanmean(mean_pair_average_precision(scores, self.targets)))

        def suppressed(scores: NDArray) -> NDArray:
            return np.where(removed[:, None], 0, scores)

        return {
            "nis_threshold": threshold,
            "nis_removed_non_interacting": float(removed[~self.interacts].mean()),
            "nis_removed_interacting": float(removed[self.interacts].mean()),
            "map_classifier_alone": mean(classifier),
            "map_classifier_with_suppression": mean(suppressed(classifier)),
            "map_with_discriminator": self.mean_ap,
            "map_with_suppression": mean(suppressed(self.verbs)),
        }


def score_pairs(model: TinSpatial, data: PairSet, noise: DetectorNoise | None = None) -> ScoredPairs:
    """Score every pair of a set; with `noise`, of an imitated detector's boxes (the same ones every time)."""
    generator = torch.Generator().manual_seed(7)
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    with evaluating(model):
        for start in range(0, len(data), _VALIDATION_BATCH):
            batch = data.batch(torch.arange(start, min(start + _VALIDATION_BATCH, len(data))))
            if noise is not None:
                everyone = torch.ones(len(batch.boxes), dtype=torch.bool)
                batch = batches.imitate_detector(batch, everyone, noise, data.pool, generator)
            outputs = model(
                batch.boxes.to(model.device), batch.labels.to(model.device), batch.detected.to(model.device)
            )
            people = outputs.valid.shape[1]
            chosen = outputs.valid.cpu() & batch.labelled[:, :people, None]
            parts.append(
                (
                    outputs.verb_probabilities().cpu()[chosen],
                    outputs.interactive_logits.sigmoid().cpu()[chosen],
                    batch.targets[:, :people][chosen],
                )
            )
    verbs, interactiveness, targets = (torch.cat(column).numpy() for column in zip(*parts, strict=True))
    return ScoredPairs(verbs, interactiveness, targets)


def trained_verbs(table: InteractionTable) -> tuple[int, ...]:
    """Verbs that occur with an object, in the vocabulary's order."""
    return tuple(np.unique(table.verb[table.object >= 0]).tolist())


def _split(config: TrainConfig) -> tuple[InteractionTable, InteractionTable]:
    data = config.data
    if data.root is None:
        raise InputError(f"where are the annotations of {data.dataset}? Give --data.root DIR")
    training = load_annotations(data.dataset, data.root, data.train)
    if data.validation is not None:
        return training, load_annotations(data.dataset, data.root, data.validation)
    # by the file's name, so that the same images are held out whatever their order
    digest = [hashlib.sha256(name.encode()).digest() for name in training.files]
    share = np.array([int.from_bytes(d[:4], "big") / 2**32 for d in digest])
    held_out = share < data.holdout
    return training.select(np.flatnonzero(~held_out)), training.select(np.flatnonzero(held_out))


def _training_geometry(data: PairSet, person: int) -> Tensor:
    batch = data.batch(torch.arange(len(data)))
    people = max(int((batch.labels == person).sum(1).max()), 1)
    places = torch.arange(batch.labels.shape[1])
    chosen = (batch.labels[:, :people, None] == person) & (batch.labels[:, None] >= 0)
    chosen &= places[:people, None] != places
    return pair_geometry(batch.boxes, people)[chosen]


def _fingerprint(table: InteractionTable, used: int) -> dict[str, Any]:
    content = hashlib.sha256()
    content.update("\n".join(table.files).encode())
    for column in (table.boxes, table.labels, table.human, table.object, table.verb):
        content.update(np.ascontiguousarray(column).tobytes())
    return {
        "images": len(table),
        "images_with_pairs": used,
        "interactions": int((table.object >= 0).sum()),
        "sha256": content.hexdigest(),
    }

"""What a training of TIN's spatial stream consists of: its data, batches, loss and validation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from interplay.errors import InputError
from interplay.interactions import Interactions
from interplay.layers.modes import evaluating
from interplay.layers.normalisers import LossNormaliser
from interplay.metrics.pairs import mean_pair_average_precision, pair_average_precision
from interplay.models.interactiveness import InteractivenessScorer
from interplay.models.start import copy_model
from interplay.models.weights import read_model
from interplay.ops.correspondences import no_interaction_verbs
from interplay.table import InteractionTable
from interplay.training.inputs import start_file
from interplay.training.optimisers import matrices_and_vectors
from interplay.training.tables import Tables, fingerprint, load_tables, load_training_table
from interplay.training.validation import DetectedValidation

from .augmentation import DetectorNoise, detector_noise, imitate_detector
from .batch import PairBatch
from .config import SpatialConfig, TinSpatialNetworkOptions
from .data import PairSet, SpatialData
from .further import translated
from .geometry import pair_geometry
from .model import TinSpatial
from .plausibility import one_at_a_time, seen_pairs
from .recipe import TinSpatialRecipe

_VALIDATION_BATCH = 128
NIS_RECALL_LOSS = 0.01
"""NIS removes as many pairs as it can while losing at most this share of the interacting ones (on validation)."""


class TinSpatialTask:
    """Trains `TinSpatial` on annotated boxes.

    Args:
        config: of the training.

    Raises:
        InputError: no data folder, or annotations without interactions.
    """

    monitor = "map"

    def __init__(self, config: TinSpatialRecipe, tables: Tables | None = None) -> None:
        tables = tables or load_tables(config.data)
        vocabulary = tables.training.vocabulary
        self.config, self.tables = config, tables
        self.verbs = trained_verbs(tables.training)
        if not self.verbs:
            raise InputError("the training annotations hold no interaction with an object")
        training, records = PairSet(tables.training, self.verbs), [fingerprint(tables.training)]
        for name, data in config.further.items():
            more, _ = load_training_table(data, f"further.{name}")
            records.append(fingerprint(more))
            table, told = translated(more, vocabulary, self.verbs, data.untold)
            training = training.joined(PairSet(table, self.verbs, told))
        self.record = {**tables.record(), "training": records if config.further else records[0]}
        self.validation = PairSet(tables.validation, self.verbs)
        self.detected = DetectedValidation(tables, vocabulary, config.data.validation_detections)
        torch.manual_seed(config.seed)
        network = TinSpatialNetworkOptions(verbs=self.verbs, **config.model.model_dump())
        self.model = TinSpatial(vocabulary, SpatialConfig(network=network))
        self.model.set_plausible(seen_pairs(tables.training, self.verbs), one_at_a_time(tables.training, self.verbs))
        self.model.fit_normalisation(_training_geometry(training, vocabulary.person))
        self.newly_initialised: list[str] = []
        if config.start == "weights":
            file = start_file(config)
            self.newly_initialised = copy_model(self.model, read_model(file), str(file))
        self.data = SpatialData(training, config)

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """See `matrices_and_vectors`."""
        return matrices_and_vectors(self.model)

    def counts(self, batch: PairBatch) -> Tensor:
        """(1,) pairs that are learnt from."""
        return self.model.learnt_pairs(batch.labels, batch.targets).sum().float().reshape(1)

    def loss(self, network: Callable[..., Any], batch: PairBatch, counts: LossNormaliser) -> dict[str, Tensor]:
        """The terms of the loss of a batch."""
        outputs = network(batch.boxes, batch.labels, batch.detected, batch.scores)
        return self.model.loss(outputs, batch.targets, counts)

    def validate(self, model: TinSpatial) -> dict[str, float]:
        """`map`: mean over verbs, with annotated boxes; `map_detected`: with imitated detections; `d_ap`: D alone.

        With `data.validation_detections` also those of the official protocol; see `DetectedValidation`. Where nobody
        interacts in the validation images, nothing is told of annotated boxes.
        """
        clean = score_pairs(model, self.validation)
        if not clean.interacts.any():
            return self.detected(model)
        noisy = score_pairs(model, self.validation, detector_noise(self.config.augmentation))
        return {
            "map": clean.mean_ap,
            "map_detected": noisy.mean_ap,
            "d_ap": clean.interactiveness_ap,
            **self.detected(model),
        }

    def finish(self, model: TinSpatial) -> dict[str, Any]:
        """Choose the NIS threshold on the validation images and describe the model."""
        scored = score_pairs(model, self.validation)
        if not scored.interacts.any():  # nothing to choose by: nobody is suppressed
            return {"data": self.record, "validation": self.validate(model)}
        model.set_decoding(suppress_below=scored.suppression_threshold(NIS_RECALL_LOSS))
        metrics = {**self.validate(model), **scored.suppression(model.config.decoding.suppress_below)}
        return {"data": self.record, "validation": metrics}


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
    def classifier(self) -> NDArray:
        """(P, K) probability of each verb by C alone, given that the pair interacts."""
        return self.verbs / np.maximum(self.interactiveness[:, None], 1e-9)

    def with_interactiveness(self, interactiveness: NDArray) -> ScoredPairs:
        """The same pairs and C with the scores (P,) of another D."""
        return ScoredPairs(self.classifier * interactiveness[:, None], interactiveness, self.targets)

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
        classifier = self.classifier

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


def score_pairs(model: TinSpatial, data: PairSet, noise: DetectorNoise | None = None, seed: int = 7) -> ScoredPairs:
    """Score every pair of a set; with `noise`, of an imitated detector's boxes (the same ones for every `seed`)."""
    generator = torch.Generator().manual_seed(seed)
    verb_count = len(model.config.network.verbs)
    nothing = torch.zeros(0, verb_count), torch.zeros(0), torch.zeros(0, verb_count, dtype=torch.bool)
    parts: list[tuple[Tensor, Tensor, Tensor]] = [nothing]
    with evaluating(model):
        for start in range(0, len(data), _VALIDATION_BATCH):
            batch = data.batch(torch.arange(start, min(start + _VALIDATION_BATCH, len(data))))
            if noise is not None:
                everyone = torch.ones(len(batch.boxes), dtype=torch.bool)
                batch = imitate_detector(batch, everyone, noise, data.pool, generator)
            batch = batch.to(model.device)
            outputs = model(batch.boxes, batch.labels, batch.detected, batch.scores)
            batch = batch.to("cpu")
            people = outputs.valid.shape[1]
            chosen = outputs.valid.cpu() & batch.targets.known_pairs(people)
            parts.append(
                (
                    outputs.verb_probabilities().cpu()[chosen],
                    outputs.interactive_logits.sigmoid().cpu()[chosen],
                    batch.verbs[:, :people][chosen],
                )
            )
    verbs, interactiveness, targets = (torch.cat(column).numpy() for column in zip(*parts, strict=True))
    return ScoredPairs(verbs, interactiveness, targets)


def score_interactiveness(scorer: InteractivenessScorer, data: PairSet) -> NDArray[np.float32]:
    """(P,) probability that each pair interacts, in the order of `score_pairs`.

    It is 1 where the scorer cannot tell, so that such pairs stay as they are. This is TIN's transfer (CVPR 2019,
    section 3.1): a discriminator of one data set on pairs of another.

    Args:
        scorer: a model that does not look at pixels, with the vocabulary of the data.
        data: annotated boxes.
    """
    scores = [np.zeros(0, np.float32)]
    for k, size in enumerate(data.sizes.tolist()):
        labels = data.labels[k, :size].numpy()
        known = data.batch(torch.tensor([k])).targets.known_pairs(size)[0].numpy()
        people = labels == scorer.vocabulary.person
        human, other = np.nonzero(known & people[:, None] & ~np.eye(size, dtype=bool))
        image = Interactions(
            boxes=data.boxes[k, :size].numpy(),
            labels=labels,
            human=human,
            object=other,
            verb=np.zeros(len(human), np.int64),
            vocabulary=scorer.vocabulary,
            scored=False,
        )
        scores.append(scorer(image))
    return np.nan_to_num(np.concatenate(scores), nan=1.0)


def trained_verbs(table: InteractionTable) -> tuple[int, ...]:
    """Verbs that occur with an object, in the vocabulary's order; "no interaction" is none."""
    occurring = np.unique(table.verb[table.object >= 0])
    return tuple(np.setdiff1d(occurring, no_interaction_verbs(table.vocabulary)).tolist())


def _training_geometry(data: PairSet, person: int) -> Tensor:
    parts = []
    for start in range(0, len(data), _VALIDATION_BATCH):
        batch = data.batch(torch.arange(start, min(start + _VALIDATION_BATCH, len(data))))
        people = max(int((batch.labels == person).sum(1).max()), 1)
        places = torch.arange(batch.labels.shape[1])
        chosen = (batch.labels[:, :people, None] == person) & (batch.labels[:, None] >= 0)
        chosen &= places[:people, None] != places
        parts.append(pair_geometry(batch.boxes[:, :people], batch.boxes)[chosen])
    return torch.cat(parts)

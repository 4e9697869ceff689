"""What a training of contact by geometry consists of: its data, batches, loss and validation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from interplay.errors import InputError
from interplay.layers.normalisers import LossNormaliser
from interplay.metrics.contact import contact_scores
from interplay.models.pair_geometry import as_annotated, pair_features
from interplay.models.start import copy_model
from interplay.models.weights import read_contact_model
from interplay.table import InteractionTable
from interplay.training.inputs import start_file
from interplay.training.optimisers import matrices_and_vectors
from interplay.training.sections import DataConfig
from interplay.training.tables import Tables, load_tables

from .batch import PairBatch
from .config import ContactGeometryConfig, ContactNetworkOptions
from .data import ContactBatch, ContactData, ContactPairs, as_detected
from .model import ContactGeometry, touch_counts
from .recipe import ContactGeometryRecipe, ContactNoiseSection

_VALIDATION_BATCH = 128


class ContactGeometryTask:
    """Trains `ContactGeometry` on generated scenes.

    Args:
        config: of the training.

    Raises:
        InputError: data of another kind, or without contact.
        MissingFileError: the scenes were written without contact.
    """

    monitor = "f1_detected"

    def __init__(self, config: ContactGeometryRecipe, tables: Tables | None = None) -> None:
        tables = tables or load_tables(config.data)
        self.config, self.tables = config, tables
        training = contact_pairs(tables.training, tables.images, config)
        same = tables.validation is tables.training
        self.validation = training if same else contact_pairs(tables.validation, tables.validation_images, config)
        torch.manual_seed(config.seed)
        network = ContactNetworkOptions(vertices=training.contact.shape[1], **config.model.model_dump())
        self.model = ContactGeometry(tables.training.vocabulary, ContactGeometryConfig(network=network))
        features = pair_features(as_annotated(training.pairs))
        self.model.fit(features, training.surface, training.part)
        self.newly_initialised: list[str] = []
        if config.start == "weights":
            file = start_file(config)
            self.newly_initialised = copy_model(self.model, read_contact_model(file), str(file))  # type: ignore[arg-type]
        self.data = ContactData(training, config)

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """See `matrices_and_vectors`."""
        return matrices_and_vectors(self.model)

    def counts(self, batch: ContactBatch) -> Tensor:
        """(2,) pairs, and pairs that touch."""
        return touch_counts(batch.touches)

    def loss(self, network: Callable[..., Any], batch: ContactBatch, counts: LossNormaliser) -> dict[str, Tensor]:
        """The terms of the loss of a batch."""
        return self.model.loss(network(batch.pairs, batch.vertices), batch.contact, batch.touches, counts)

    def validate(self, model: ContactGeometry) -> dict[str, float]:
        """`f1`, `precision` and `recall` of pairs that touch, as annotated; `f1_detected` on imitated detections; and
        `touch`, the share of all pairs of which it is right whether they touch."""
        found = predict_pairs(model, as_annotated(self.validation.pairs))
        noisy = predict_pairs(model, detected(self.validation.pairs, self.config.noise))
        contact = self.validation.contact.numpy()
        touching = contact.any(1)
        f1, precision, recall = contact_scores(found[touching], contact[touching]).mean
        return {
            "f1": float(f1),
            "precision": float(precision),
            "recall": float(recall),
            "f1_detected": float(contact_scores(noisy[touching], contact[touching]).mean[0]),
            "touch": float((found.any(1) == touching).mean()),
        }

    def finish(self, model: ContactGeometry) -> dict[str, Any]:
        """Data and last validation."""
        return {"data": self.tables.record(), "validation": self.validate(model)}


def contact_pairs(table: InteractionTable, images: Path, config: ContactGeometryRecipe) -> ContactPairs:
    """The pairs of annotations of generated scenes.

    Raises:
        InputError: no generated scenes.
    """
    check_generated(config.data)
    return ContactPairs(table, images, config.negatives, config.seed)


def check_generated(data: DataConfig) -> None:
    """Raise InputError unless a section names generated scenes."""
    if data.dataset != "generated":
        raise InputError(
            f"data.dataset: contact by geometry is learnt from generated scenes, got {data.dataset}; make some with "
            "'interplay synthesize DIR --scenes 2000' and give --data.root DIR"
        )


def detected(pairs: PairBatch, noise: ContactNoiseSection) -> PairBatch:
    """Pairs as a detector would find them, the same ones every time, all with what is known of verbs and objects."""
    known = noise.model_copy(update={"no_verbs": 0.0, "missed_verbs": 0.0, "no_object": 0.0})
    return as_detected(pairs, known, torch.Generator().manual_seed(7))


def predict_pairs(model: ContactGeometry, pairs: PairBatch) -> NDArray[np.float32]:
    """(P, N) scores of any number of pairs."""
    parts = [
        model.predict(
            PairBatch(**{name: each[start : start + _VALIDATION_BATCH] for name, each in vars(pairs).items()})
        )
        for start in range(0, len(pairs), _VALIDATION_BATCH)
    ]
    return np.concatenate(parts)

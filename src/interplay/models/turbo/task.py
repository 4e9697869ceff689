"""What a training of Turbo learning consists of: data, loss and validation (a `TrainingTask`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from interplay.detectors.boxes_file import BoxesOfTable
from interplay.layers.normalisers import LossNormaliser
from interplay.models.feature_cache import FeatureCache
from interplay.table import InteractionTable
from interplay.training.annotated_poses import with_poses
from interplay.training.cache import build_cache
from interplay.training.detections import read_detections
from interplay.training.tables import Tables, load_tables
from interplay.training.validation import DetectedValidation

from .data import TurboBatch, TurboTrainingImages
from .model import Turbo
from .network import TurboOutputs
from .recipe import TurboRecipe
from .start import initialise

_SURE = 0.2
"""Estimated keypoints with lower scores are not learnt from."""


class TurboTask:
    """Trains `Turbo` on annotated images.

    Validation is by the data set's official protocol, on `DataConfig.validation_detections` or, without these, on
    annotated boxes.

    Args:
        recipe: of the training.
        tables: what is trained and validated on; by default what the recipe names.

    Raises:
        InputError: there is nothing to learn.
        MissingFileError: data or first weights are not there.
    """

    monitor = "score"

    def __init__(self, recipe: TurboRecipe, tables: Tables | None = None) -> None:
        self.config, self.tables = recipe, tables or load_tables(recipe.data)
        self.tables.check_images()
        vocabulary = self.tables.training.vocabulary
        torch.manual_seed(recipe.seed)
        self.model: Any = Turbo(vocabulary, recipe.model)
        self.newly_initialised: Sequence[str] = initialise(self.model, recipe)
        boxes = recipe.data.validation_detections
        self.detected = DetectedValidation(
            self.tables,
            vocabulary,
            BoxesOfTable(self.tables.validation) if boxes is None else boxes,
            workers=recipe.data.workers,
        )
        cache = build_cache(recipe.data, len(self.tables.training), recipe.folder)
        self.data = TurboTrainingImages(
            self._posed(self.tables.training),
            self.tables.images,
            vocabulary,
            recipe.model.decoding,
            recipe.proposals,
            read_detections(recipe.data.detections, self.tables.training),
            recipe.seed,
            cache,
        )
        if recipe.features == "frozen":
            self._store_features()

    def parameter_groups(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """The model's own."""
        return self.model.parameter_groups()

    def counts(self, batch: TurboBatch) -> Tensor:
        """See `TurboTargets.counts`."""
        return batch.targets.counts()

    def loss(
        self, network: Callable[..., TurboOutputs], batch: TurboBatch, counts: LossNormaliser
    ) -> dict[str, Tensor]:
        """The weighted terms of the loss of a batch."""
        boxes = batch.boxes if self.model.network.detection is not None else None
        return self.model.loss(network(batch.images, batch.humans, boxes), batch.targets, counts)

    def validate(self, model: Turbo) -> dict[str, float]:
        """Metrics by the official protocol; V-COCO's agent AP is of every action, with or without an object."""
        config = model.config
        try:
            model.set_decoding(agents="all")
            return self.detected(model)
        finally:
            model.config = config

    def finish(self, model: Turbo) -> dict[str, Any]:
        """What a weights file says beside the model's description."""
        return {"data": self.tables.record()}

    def _posed(self, table: InteractionTable) -> InteractionTable:
        """The annotations, with an estimator's poses where the recipe asks for these."""
        if self.config.data.pose is None:
            return table
        posed = with_poses(table, self.tables.images, self.config.data.pose, self._feature_folder)
        keypoints = np.array(posed.keypoints)
        keypoints[..., 2] = np.where(keypoints[..., 2] >= _SURE, 2, 0)
        return posed.with_columns(keypoints=keypoints)

    @property
    def _feature_folder(self) -> Path:
        return self.config.data.feature_folder or self.config.folder / "features"

    def _store_features(self) -> None:
        network = self.model.network
        network.stem.requires_grad_(False)
        on_gpu = self.config.accelerator in ("auto", "cuda") and torch.cuda.is_available()
        network.to("cuda" if on_gpu else "cpu")
        self.data.store_features(FeatureCache(self._feature_folder, network))
        network.to("cpu")

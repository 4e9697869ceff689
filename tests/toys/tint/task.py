"""What a training consists of."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from interplay.layers.normalisers import LossNormaliser
from interplay.models.one_stage import ImageTask
from interplay.models.start import start_from_weights
from interplay.training.tables import Tables, load_tables

from .data import TintBatch, TintTrainingImages
from .model import Tint
from .recipe import TintRecipe


class TintTask(ImageTask):
    """Trains `Tint` on annotated images."""

    def __init__(self, recipe: TintRecipe, tables: Tables | None = None) -> None:
        tables = tables or load_tables(recipe.data)
        torch.manual_seed(recipe.seed)
        model = Tint(tables.training.vocabulary, recipe.model)
        self.newly_initialised = start_from_weights(recipe, model, model.classifier)
        super().__init__(recipe, tables, model)
        self.data = TintTrainingImages(tables.training, tables.images, recipe.seed, self.cache)

    def counts(self, batch: TintBatch) -> Tensor:
        """(1,) images."""
        return torch.tensor([float(len(batch))])

    def loss(self, network: Callable[..., Tensor], batch: TintBatch, counts: LossNormaliser) -> dict[str, Tensor]:
        """The terms of the loss."""
        return self.model.loss(network(batch.colours), batch.targets, counts)

"""What a training of GGNet consists of: network, examples and loss (a `training.task.TrainingTask`)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from interplay.layers.normalisers import LossNormaliser
from interplay.models.ggnet.data import GGNetBatch, GGNetTrainingImages
from interplay.models.ggnet.losses import count_targets
from interplay.models.ggnet.model import GGNet
from interplay.models.ggnet.network import GGNetOutputs
from interplay.models.ggnet.recipe import GGNetRecipe
from interplay.models.one_stage import ImageTask
from interplay.models.start import start_from_weights
from interplay.training.inputs import start_file
from interplay.training.tables import Tables, load_tables


class GGNetTask(ImageTask):
    """Trains `GGNet` on annotated images.

    Args:
        recipe: of the training.
        tables: what is trained and validated on; by default what the recipe names.
    """

    def __init__(self, recipe: GGNetRecipe, tables: Tables | None = None) -> None:
        tables = tables or load_tables(recipe.data)
        torch.manual_seed(recipe.seed)
        model = GGNet(tables.training.vocabulary, recipe.model)
        self.newly_initialised = initialise(model, recipe)
        super().__init__(recipe, tables, model)
        self.data = GGNetTrainingImages(tables.training, tables.images, model, recipe.augment, recipe.seed, self.cache)

    def counts(self, batch: GGNetBatch) -> Tensor:
        """See `losses.count_targets`."""
        return count_targets(batch.targets, self.model.config)

    def loss(
        self, network: Callable[..., GGNetOutputs], batch: GGNetBatch, counts: LossNormaliser
    ) -> dict[str, Tensor]:
        """The weighted terms of the loss of a batch."""
        return self.model.loss(network(batch.images), batch.targets, counts)


def initialise(model: GGNet, recipe: GGNetRecipe) -> list[str]:
    """The first weights that a recipe asks for, in place.

    Returns:
        Names of the parameters that are not from the recipe's file.

    Raises:
        MissingFileError: the file to start from is not there; says how to get it.
        InputError: it does not fit.
    """
    if recipe.start == "centernet":
        from interplay.checkpoints.state_dicts import read_state_dict
        from interplay.models.ggnet.convert import initialise_from_centernet

        return initialise_from_centernet(model, read_state_dict(start_file(recipe)))
    return start_from_weights(recipe, model, model.backbone)

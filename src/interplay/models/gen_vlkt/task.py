"""What a training of GEN-VLKT consists of: network, examples and loss (a `training.task.TrainingTask`)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from interplay.datasets.zero_shot import seen_interactions, unseen_interactions
from interplay.layers.normalisers import LossNormaliser
from interplay.models.gen_vlkt.config import GenVlktConfig
from interplay.models.gen_vlkt.data import GenVlktBatch, GenVlktTrainingImages
from interplay.models.gen_vlkt.model import GenVlkt
from interplay.models.gen_vlkt.outputs import GenVlktOutputs
from interplay.models.gen_vlkt.recipe import GenVlktRecipe
from interplay.models.gen_vlkt.text import start_from_text
from interplay.models.one_stage import ImageTask
from interplay.models.start import start_from_weights
from interplay.text import load_image_encoder
from interplay.training.inputs import start_file
from interplay.training.tables import Tables, load_tables
from interplay.vocabulary import Vocabulary


class GenVlktTask(ImageTask):
    """Trains `GenVlkt` on annotated images.

    Args:
        recipe: of the training.
        tables: what is trained and validated on; by default what the recipe names.
    """

    def __init__(self, recipe: GenVlktRecipe, tables: Tables | None = None) -> None:
        tables = tables or load_tables(recipe.data)
        config, vocabulary = recipe.model, tables.training.vocabulary
        split = config.text.zero_shot
        torch.manual_seed(recipe.seed)
        model = GenVlkt(vocabulary, config, training_classes(vocabulary, config))
        self.newly_initialised = initialise(model, recipe)
        unseen = unseen_interactions(vocabulary, split) if split else None
        super().__init__(recipe, tables, model, unseen)
        if config.loss.mimic != "none" and config.text.teacher == "image":
            model.teacher = load_image_encoder(config.text.encoder)
        self.data = GenVlktTrainingImages(
            tables.training, tables.images, config, recipe.augmentation, recipe.seed, self.cache
        )

    def counts(self, batch: GenVlktBatch) -> Tensor:
        """See `GenVlkt.count`."""
        return self.model.count(batch.targets)

    def loss(
        self, network: Callable[..., GenVlktOutputs], batch: GenVlktBatch, counts: LossNormaliser
    ) -> dict[str, Tensor]:
        """The weighted terms of the loss of a batch."""
        return self.model.loss(network(batch.images, batch.sizes), batch.targets, counts)


def training_classes(vocabulary: Vocabulary, config: GenVlktConfig) -> list[int] | None:
    """The interactions that are classes in a zero-shot training; None for all.

    A classifier made of text knows unseen interactions by their texts and must not learn that they never occur. An
    ordinary one has nothing else to learn about them.
    """
    split = config.text.zero_shot
    if split is None or not config.network.interaction_text:
        return None
    return seen_interactions(vocabulary, split).tolist()


def initialise(model: GenVlkt, recipe: GenVlktRecipe) -> list[str]:
    """The first weights that a recipe asks for, in place, with text classifiers at their embeddings.

    Returns:
        Names of the parameters that are not from the recipe's file.

    Raises:
        MissingFileError: the file to start from is not there; says how to get it.
        InputError: it does not fit.
    """
    start_from_text(model)
    if recipe.start.startswith("detr-"):
        from interplay.checkpoints.state_dicts import read_state_dict
        from interplay.models.gen_vlkt.detr import initialise_from_detr

        state = read_state_dict(start_file(recipe))
        return initialise_from_detr(model, state, recipe.detr_queries, recipe.detr_classes)
    return start_from_weights(recipe, model, model.network.backbone)

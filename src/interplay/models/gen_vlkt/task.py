"""What a training of GEN-VLKT consists of: network, batches, loss and validation (a `training.task.TrainingTask`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from interplay.datasets import InteractionDataset
from interplay.errors import InterplayError
from interplay.images import ImageError
from interplay.metrics import HoiScores, evaluate_tables
from interplay.models.base import evaluating
from interplay.models.gen_vlkt.data import Batch, Example, TrainingImages, collate
from interplay.models.gen_vlkt.model import GenVlkt
from interplay.models.gen_vlkt.recipe import Recipe
from interplay.models.gen_vlkt.text import start_from_text
from interplay.models.gen_vlkt.zero_shot import seen_interactions, unseen_interactions
from interplay.table import InteractionTable
from interplay.text import load_image_encoder


class GenVlktTask:
    """Trains `GenVlkt` on annotated photographs.

    Args:
        recipe: of the training.
        training, validation: annotations; `training` may be in a random order.
        images: folder of the photographs of both.
        workers: processes that read and change photographs; 0 for none but this.

    Attributes:
        model: the network, its text classifiers at their embeddings. Weights of DETR are the caller's to add
            (`interplay.importers.detr.initialise_from_detr`).
        monitor: the validation figure by which the best weights are chosen.
        skipped: names of photographs that could not be read, so far.
    """

    monitor = "score"

    def __init__(
        self,
        recipe: Recipe,
        training: InteractionTable,
        validation: InteractionTable,
        images: str | os.PathLike[str],
        workers: int = 0,
    ) -> None:
        config, vocabulary = recipe.model, training.vocabulary
        self.recipe, self.validation, self.images, self.workers = recipe, validation, images, workers
        split = config.text.zero_shot
        seen = seen_interactions(vocabulary, split).tolist() if split else None
        torch.manual_seed(recipe.seed)
        self.model = GenVlkt(vocabulary, config, seen)
        start_from_text(self.model)
        if config.loss.mimic != "none" and config.text.teacher == "image":
            self.model.teacher = load_image_encoder(config.text.encoder)
        self.training = TrainingImages(training, images, config, recipe.augmentation, recipe.seed)
        self.skipped: set[str] = set()

    @property
    def steps_per_epoch(self) -> int:
        """Number of batches in an epoch; the incomplete last one is left out, unless it is the only one."""
        return max(len(self.training) // self.recipe.batch_size, 1)

    def batches(self, epoch: int) -> Iterator[Batch]:
        """The batches of an epoch, the same for the same seed and epoch; photographs that cannot be read are left out.

        Raises:
            InterplayError: none of a batch's photographs can be read.
        """
        order = np.random.default_rng([self.recipe.seed, epoch]).permutation(len(self.training)).tolist()
        size = min(self.recipe.batch_size, len(order))
        places = [(epoch, index) for index in order[: self.steps_per_epoch * size]]
        loader = DataLoader(
            _Skipping(self.training),
            size,
            sampler=places,
            collate_fn=list,
            num_workers=self.workers,
            pin_memory=False,
        )
        for results in loader:
            self.skipped |= {name for name in results if isinstance(name, str)}
            examples = [example for example in results if isinstance(example, Example)]
            if not examples:
                raise InterplayError(f"none of the photographs of a batch can be read: {', '.join(map(str, results))}")
            yield collate(examples)

    def loss(self, model: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """The weighted terms of the loss of a batch; `model` is the network as it may be wrapped."""
        return self.model.loss(model(batch.images, batch.sizes), batch.targets)

    def validate(self, model: GenVlkt) -> dict[str, float]:
        """Figures by the data set's default protocol: `score` is mAP, or role AP (scenario 1) where verbs have roles.

        In zero-shot, also `unseen` and `seen`.
        """
        photographs = InteractionDataset(self.validation, self.images)
        found = []
        with evaluating(model):
            for i in range(len(photographs)):
                sample = photographs[i]
                (result,) = model.predict_batch([sample.image], None)
                result.file = sample.interactions.file
                found.append(result)
        scores = evaluate_tables(InteractionTable.from_list(found, model.vocabulary), self.validation)
        if not isinstance(scores, HoiScores):
            return {"score": scores.mean["role_s1_24"], **scores.mean}
        split = self.recipe.model.text.zero_shot
        parts = {}
        if split:
            hidden = np.isin(np.arange(len(scores.ap)), unseen_interactions(model.vocabulary, split))
            parts = {"unseen": float(np.nanmean(scores.ap[hidden])), "seen": float(np.nanmean(scores.ap[~hidden]))}
        return {"score": scores.map["full"], **{k: v for k, v in scores.map.items() if not np.isnan(v)}, **parts}

    def finish(self, model: GenVlkt) -> dict[str, Any]:
        """What a weights file says about the model."""
        return {**model.description(), "skipped_photographs": sorted(self.skipped)}


class _Skipping(torch.utils.data.Dataset[Any]):
    """Examples, or for a photograph that cannot be read what is wrong with it."""

    def __init__(self, images: TrainingImages) -> None:
        self.images = images

    def __getitem__(self, place: tuple[int, int]) -> Example | str:
        try:
            return self.images[place]
        except (ImageError, FileNotFoundError) as error:
            return str(error)

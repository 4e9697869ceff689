"""What systems that read images share: the data, the start, validation and the description."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from interplay.datasets import InteractionDataset
from interplay.models.base import HoiModel
from interplay.table import InteractionTable
from interplay.training.cache import ImageCache, build_cache
from interplay.training.sections import TrainConfig
from interplay.training.tables import Tables
from interplay.training.task import shuffled
from interplay.training.validation import predict_images, score_table


class ImageData:
    """Base of `TrainingData` on images.

    Args:
        table: annotations.
        image_root: folder of the images.
        seed: of all random choices.
        cache: keeps decoded images.

    Raises:
        MissingFileError: no such folder.
    """

    def __init__(
        self, table: InteractionTable, image_root: str | os.PathLike[str], seed: int, cache: ImageCache | None = None
    ) -> None:
        self.seed = seed
        self.images = InteractionDataset(table, image_root, cache=cache)

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)

    def name(self, index: int) -> str:
        """The image's file name."""
        return self.images.table[index].file or ""

    def order(self, epoch: int, batch_size: int) -> NDArray[np.int64]:
        """Random, by seed and epoch."""
        return shuffled(self.seed, epoch, len(self))

    def seed_of(self, epoch: int, index: int) -> int:
        """Seed of everything random about an example."""
        return int(np.random.SeedSequence([self.seed, epoch, index]).generate_state(1)[0])


class ImageTask:
    """Base of tasks of one-stage models.

    Args:
        config: of the training.
        tables: what is trained and validated on.
        model: the network.
        unseen: interactions that training does not show.

    Raises:
        InputError: boxes to validate on for a model that uses none.
        InterplayError: a model that pairs given boxes, and no detector for its validation; see `load_detector`.
    """

    newly_initialised: Sequence[str]
    monitor = "score"

    def __init__(
        self, config: TrainConfig, tables: Tables, model: HoiModel, unseen: NDArray[np.int64] | None = None
    ) -> None:
        tables.check_images()
        self.config, self.tables, self.unseen = config, tables, unseen
        self.model: Any = model
        self.cache = build_cache(config.data, len(tables.training), config.folder)
        # loaded here, so that what is missing is known before the first validation
        validated = model.inference(detector=config.data.validation_detections)
        self.detector = validated.detector if model.needs_detections else None

    def parameter_groups(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """The model's own."""
        return self.model.parameter_groups()

    def validate(self, model: HoiModel) -> dict[str, float]:
        """Figures by the data set's official protocol; see `score_table`."""
        truth = self.tables.validation
        found = predict_images(
            model,
            truth,
            self.tables.validation_images,
            workers=max(self.config.data.workers, 1),
            detector=self.detector,
        )
        return score_table(found, truth, self.unseen)

    def finish(self, model: Any) -> dict[str, Any]:
        """What a weights file says beside the model's description."""
        return {"data": self.tables.record()}

"""Training recipes: the files under ``interplay/configs/gen_vlkt``, one per row of the paper's tables."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from interplay.datasets.transforms import Augmentation
from interplay.models.gen_vlkt.config import GenVlktConfig
from interplay.training import config
from interplay.training.sections import OptimiserConfig, Positive, Rate, ScheduleConfig, Start, TrainConfig, Weight


class GenVlktOptimiserSection(OptimiserConfig):
    """AdamW (Section 4.1).

    Attributes:
        learning_rate: learning rate for `reference_batch` images (published: 2 on each of 8 processes).
        backbone: learning rate of the backbone.
        text: learning rate of the text classifiers.
    """

    learning_rate: Rate = 1e-4
    reference_batch: Positive = 16
    backbone: Rate = 1e-5
    text: Rate = 1e-5
    weight_decay: Weight = 1e-4
    clip_norm: Rate | None = 0.1

    def groups(self) -> dict[str, float]:
        """Learning rate by the names of `GenVlkt.parameter_groups`."""
        return {"default": self.learning_rate, "backbone": self.backbone, "text": self.text}


class GenVlktRecipe(TrainConfig):
    """A training.

    Attributes:
        start: where backbone, transformer and box heads come from: DETR's published COCO weights, torchvision's
            ImageNet weights for the backbone alone, published or own weights of GEN-VLKT, or nothing.
        detr_queries: whether the queries start fresh, or with DETR's.
        detr_classes: names of the object classes of a DETR that was trained on others than COCO's, in the order of its
            class rows, without "no object". Rows whose names are not known are left out.
    """

    system: Literal["gen-vlkt"]
    seed: int = 42
    epochs: Positive = 90
    batch_size: Positive = 16
    start: Literal[Start, "detr-resnet50", "detr-resnet101"] = "detr-resnet50"
    detr_queries: Literal["fresh", "detr"] = "fresh"
    detr_classes: tuple[str, ...] = ()
    augmentation: Augmentation = Augmentation()
    model: GenVlktConfig = GenVlktConfig()
    optimiser: GenVlktOptimiserSection = GenVlktOptimiserSection()
    schedule: ScheduleConfig = ScheduleConfig(milestones=(60,))

    @property
    def start_source(self) -> str:
        """See `TrainConfig.start_source`."""
        return f"backbone-{self.model.network.backbone}" if self.start == "backbone" else self.start


def load_recipe(path: str | Path) -> GenVlktRecipe:
    """Read a recipe; see `interplay.training.load_config` for errors."""
    return config.load_recipe(path, GenVlktRecipe)

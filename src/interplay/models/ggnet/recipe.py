"""Training recipes: the files under ``interplay/configs/ggnet``, one per row of the papers' tables."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from interplay.models.ggnet.config import GGNetConfig
from interplay.training import config
from interplay.training.sections import OptimiserConfig, Positive, Rate, ScheduleConfig, Start, TrainConfig


class GGNetOptimiserSection(OptimiserConfig):
    """Adam without weight decay.

    Attributes:
        glance_factor: times `learning_rate` for the glance head (`GGNet.parameter_groups`), as in the published
            scripts.
    """

    algorithm: Literal["adamw", "adam", "sgd"] = "adam"
    glance_factor: Rate = 10.0

    def groups(self) -> dict[str, float]:
        """Learning rate by the names of `GGNet.parameter_groups`."""
        return {"default": self.learning_rate, "glance": self.learning_rate * self.glance_factor}


class GGNetRecipe(TrainConfig):
    """A training.

    Attributes:
        start: where the backbone and the object heads come from: CenterNet's published COCO weights, weights of the
            backbone alone, published or own weights of GGNet, or nothing.
        augment: random crops, mirroring and colours.
    """

    system: Literal["ggnet"]
    seed: int = 317
    epochs: Positive = 120
    start: Literal[Start, "centernet"] = "centernet"
    augment: bool = True
    model: GGNetConfig = GGNetConfig()
    optimiser: GGNetOptimiserSection
    schedule: ScheduleConfig = ScheduleConfig(milestones=(90, 120))

    @property
    def start_source(self) -> str:
        """See `TrainConfig.start_source`."""
        of_backbone = self.start in ("centernet", "backbone")
        return f"{self.start}-{self.model.network.backbone}" if of_backbone else self.start


def load_recipe(path: str | Path) -> GGNetRecipe:
    """Read a recipe; see `interplay.training.load_config` for errors."""
    return config.load_recipe(path, GGNetRecipe)

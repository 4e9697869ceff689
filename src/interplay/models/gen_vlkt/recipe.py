"""Training recipes: the files under ``configs/gen_vlkt``, one per row of the paper's tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from interplay.datasets.transforms import Augmentation
from interplay.models.gen_vlkt.config import GenVlktConfig
from interplay.models.recipes import read_recipe

Rate = Annotated[float, Field(gt=0)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataSection(_Section):
    """Which annotations are trained on; ``own`` are one's own, in interplay's form."""

    dataset: Literal["hico-det", "v-coco", "own"]
    train: Literal["train", "trainval"] = "train"


class OptimiserSection(_Section):
    """AdamW (Section 4.1).

    Attributes:
        learning_rate: for `Recipe.batch_size` images.
        backbone, text: learning rates of these parameters (`GenVlkt.parameter_groups`).
        weight_decay: of all parameters.
        clip_norm: the gradient's norm over all parameters is cut to this.
        milestones: after these epochs the learning rates fall to a tenth.
    """

    learning_rate: Rate = 1e-4
    backbone: Rate = 1e-5
    text: Rate = 1e-5
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    clip_norm: Rate = 0.1
    milestones: tuple[int, ...] = (60,)

    def groups(self) -> dict[str, float]:
        """Learning rate by the names of `GenVlkt.parameter_groups`."""
        return {"default": self.learning_rate, "backbone": self.backbone, "text": self.text}


class Recipe(_Section):
    """A training.

    Attributes:
        batch_size: over all processes (published: 2 on each of 8).
        start: where backbone, transformer and box heads come from: DETR's published COCO weights, or nothing.
    """

    name: str
    system: Literal["gen-vlkt"]
    seed: int = 42
    epochs: Annotated[int, Field(gt=0)] = 90
    batch_size: Annotated[int, Field(gt=0)] = 16
    start: Literal["detr-resnet50", "detr-resnet101", "scratch"] = "detr-resnet50"
    data: DataSection
    augmentation: Augmentation = Augmentation()
    model: GenVlktConfig = GenVlktConfig()
    optimiser: OptimiserSection = OptimiserSection()


def load_recipe(path: str | Path) -> Recipe:
    """Read a recipe; see `read_recipe` for errors."""
    return read_recipe(path, Recipe)

"""The configuration of a training."""

from __future__ import annotations

from typing import Literal

from interplay.training.sections import OptimiserConfig, Positive, Rate, Start, TrainConfig

from .config import TintConfig


class TintOptimiserSection(OptimiserConfig):
    """AdamW."""

    learning_rate: Rate = 0.3
    reference_batch: Positive = 4


class TintRecipe(TrainConfig):
    """A training."""

    system: Literal["tint"]
    epochs: Positive = 20
    batch_size: Positive = 4
    start: Start = "scratch"
    model: TintConfig = TintConfig()
    optimiser: TintOptimiserSection = TintOptimiserSection()

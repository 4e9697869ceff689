"""Training recipes of Turbo learning: ``interplay/configs/turbo``, one per row of the paper's tables and figure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from interplay.models.turbo.config import TurboConfig
from interplay.training import config
from interplay.training.sections import (
    DataConfig,
    OptimiserConfig,
    Positive,
    Rate,
    ScheduleConfig,
    Section,
    Share,
    Start,
    TrainConfig,
)


class ProposalsSection(Section):
    """Which boxes a step sees of an image. The paper takes those of a region proposal network that does not change.

    Attributes:
        jittered: copies of each annotated box; those that overlap it by less than 0.5 are proposals for nothing.
        jitter: deviation of the edges of people's copies, in sides of the box; those of objects are jittered three
            times as much, so that the detection branch sees boxes with nothing in them.
        mirror: share of the images in which left and right are exchanged.
    """

    jittered: Annotated[int, Field(ge=0)] = 3
    jitter: Rate = 0.08
    mirror: Share = 0.5


class TurboDataConfig(DataConfig):
    """What is trained and validated on.

    Attributes:
        detections: a ``.jsonl`` or ``.parquet`` file with a detector's boxes in the images, which are proposals, too.
        pose: estimate the poses of annotated people, which replace those of the annotations: the name of an estimator
            or a file of poses, as of `interplay detect --pose` (the paper's semi-automatic annotation).
        feature_folder: where features of the frozen stem and estimated poses are kept; by default ``features`` in the
            run's folder.
    """

    detections: Path | None = None
    pose: str | None = None
    feature_folder: Path | None = None


class TurboOptimiserSection(OptimiserConfig):
    """Stochastic gradient descent with momentum, as published: 8 images a step, rate 0.001, weight decay 0.0001."""

    algorithm: Literal["adamw", "adam", "sgd"] = "sgd"
    learning_rate: Rate = 1e-3
    reference_batch: Positive = 8
    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1e-4


class TurboRecipe(TrainConfig):
    """A training.

    Attributes:
        start: where first weights come from: torchvision's weights of the backbone (C5 begins the detection branch),
            own weights (pre-training: those of V-COCO for HICO-DET), or nothing.
        features: whether the stem is ``trained``, or ``frozen``: what it sees is computed once and kept in
            `TurboDataConfig.feature_folder`.
        model: network, loss and decoding.
        proposals: which boxes a step sees.
    """

    system: Literal["turbo"]
    epochs: Positive = 20
    batch_size: Positive = 8
    start: Start = "backbone"
    features: Literal["trained", "frozen"] = "trained"
    data: TurboDataConfig
    model: TurboConfig = TurboConfig()
    proposals: ProposalsSection = ProposalsSection()
    optimiser: TurboOptimiserSection = TurboOptimiserSection()
    schedule: ScheduleConfig = ScheduleConfig(milestones=(16,))

    @property
    def start_source(self) -> str:
        """See `TrainConfig.start_source`."""
        return f"backbone-{self.model.network.backbone}" if self.start == "backbone" else self.start

    @model_validator(mode="after")
    def _fits(self) -> TurboRecipe:
        if self.model.network.backbone == "resnet-nano" and self.start == "backbone" and self.start_file is None:
            raise ValueError("nobody published weights of the small backbone: start: backbone needs a start_file")
        if self.start == "published":
            raise ValueError("nobody published weights of Turbo learning: start: published is not for it")
        if self.features == "frozen" and self.start == "scratch":
            raise ValueError("features: frozen needs features that were learnt: another start than scratch")
        return self


def load_recipe(path: str | Path) -> TurboRecipe:
    """Read a recipe; see `interplay.training.load_config` for errors."""
    return config.load_recipe(path, TurboRecipe)

"""Training recipes of TIN's networks: ``interplay/configs/tin``, one per row of the published tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from interplay.models.tin.config import BackboneName, Classes, Level, TrainModule
from interplay.training import config
from interplay.training.sections import (
    DataConfig,
    FurtherDataConfig,
    OptimiserConfig,
    Positive,
    Rate,
    ScheduleConfig,
    Section,
    Share,
    Start,
    TrainConfig,
)

Count = Annotated[int, Field(ge=0)]
Update = Literal["all", "discriminator", "without-discriminator", "without-classifiers"]


class TinNetworkSection(Section):
    """Which network; see `interplay.models.tin.config.TinNetworkOptions`.

    Attributes:
        backbone: network that sees the pixels: ``resnet50`` as published, or ``resnet-nano``, ours, which is small and
            trains from nothing.
        level: which network: ``instance`` (R, C and D) or ``part`` (interactiveness by body parts, no classes).
        classes: whether classes are interactions, as published for HICO-DET, or verbs, as published for V-COCO.
        vocabulary: whose interactions or verbs are the classes; by default the annotations'. Annotations in another
            one are translated by name (`interplay.ops.correspondences.class_table`).
    """

    backbone: BackboneName = "resnet50"
    level: Level = "instance"
    classes: Classes = "interaction"
    vocabulary: str | None = None


class PairsSection(Section):
    """What a step sees of an image; see `interplay.datasets.pair_sampling.sample_rows`.

    Attributes:
        jittered: jittered copies of the annotated pairs, in all.
        non_interacting: most pairs that do not interact.
        longer_side: images are made smaller until no side is longer; ``null`` leaves them.
        class_weights: factors on the logits: the published ones of HICO-DET or V-COCO, made by the same rule from the
            annotations that are trained on, or none.
    """

    jittered: Count = 15
    non_interacting: Count = 60
    longer_side: Positive | None = None
    class_weights: Literal["hico", "v-coco", "annotations", "none"] = "annotations"


class FeaturesSection(Section):
    """Whether backbone and role blocks change.

    Attributes:
        kind: whether they are ``trained``, or ``frozen``: what they see is computed once and kept in
            `TinDataConfig.feature_folder`.
        copies: where they are frozen, how many times the jittered pairs of an example are drawn. The published training
            draws them anew in every step.
    """

    kind: Literal["trained", "frozen"] = "trained"
    copies: Positive = 2


class TinDataConfig(DataConfig):
    """What is trained and validated on.

    Attributes:
        detections: a ``.jsonl`` or ``.parquet`` file with a detector's boxes in the images. Their pairs that
            overlap no annotated pair do not interact, beside those of annotated boxes, in training and in validation.
        pose: estimate the poses of annotated people, which replace those of the annotations: the name of an estimator
            or a file of poses, as of `interplay detect --pose`.
        feature_folder: where features of frozen layers and estimated poses are kept; by default ``features`` in the
            run's folder.
    """

    detections: Path | None = None
    pose: str | None = None
    feature_folder: Path | None = None


class TinFurtherDataConfig(FurtherDataConfig, TinDataConfig):
    """Annotations, of any vocabulary, that are only trained on."""


class TinOptimiserSection(OptimiserConfig):
    """Stochastic gradient descent with momentum; every parameter's gradient is cut to norm 1."""

    algorithm: Literal["adamw", "adam", "sgd"] = "sgd"
    learning_rate: Rate = 1e-3
    reference_batch: Positive = 1
    clip_each: Rate | None = 1.0


class TinRecipe(TrainConfig):
    """A training.

    Attributes:
        start: where R comes from: the published COCO Faster R-CNN (TensorFlow), torchvision's ImageNet ResNet-50,
            published or own weights of TIN, or nothing.
        learn: which parts of the loss are minimised.
        update: which parameters change.
        published_behaviour: in training, D does not see the objects of pairs that do not interact but its first branch
            twice; "no interaction" annotations count as interacting; in the part network's batches the first pair that
            does not interact is labelled neither; and update ``without-discriminator`` changes everything. Published
            figures come from trainings that did this.
        nis_recall_loss: NIS removes as many pairs as it can while losing at most this share of the interacting ones, on
            validation images; ``null`` keeps the published limits 0.1 and 0.9.
        further: more annotations to train on, of any vocabulary, by a name of your choice.
    """

    system: Literal["tin"]
    epochs: Positive = 50
    batch_size: Positive = 1
    start: Literal[Start, "faster-rcnn"] = "faster-rcnn"
    learn: TrainModule = "all"
    update: Update = "all"
    published_behaviour: bool = False
    nis_recall_loss: Share | None = 0.01
    data: TinDataConfig
    further: dict[str, TinFurtherDataConfig] = Field(default_factory=dict)
    model: TinNetworkSection = TinNetworkSection()
    pairs: PairsSection = PairsSection()
    features: FeaturesSection = FeaturesSection()
    optimiser: TinOptimiserSection = TinOptimiserSection()
    schedule: ScheduleConfig = ScheduleConfig(kind="restarts", period=80_000)

    @property
    def start_source(self) -> str:
        """See `TrainConfig.start_source`."""
        return f"{self.start}-resnet50" if self.start in ("faster-rcnn", "backbone") else self.start

    @property
    def classifies(self) -> bool:
        """Whether classes are learnt, and not only interactiveness."""
        return self.learn != "interactiveness"

    @property
    def discriminates(self) -> bool:
        """Whether interactiveness is learnt."""
        return self.learn in ("all", "interactiveness")

    @model_validator(mode="after")
    def _fits(self) -> TinRecipe:
        if self.model.level == "part" and self.classifies:
            raise ValueError("the part network has no classes: it needs learn: interactiveness")
        finds = self.classifies or (self.model.level != "part" and self.start in ("weights", "published"))
        if self.data.validation_detections is not None and not finds:
            raise ValueError("data.validation_detections: a network without classes finds no interactions to score")
        if self.update == "discriminator" and self.learn not in ("all", "interactiveness"):
            raise ValueError(f"update: discriminator changes nothing that learn: {self.learn} depends on")
        if self.model.backbone == "resnet-nano" and self.start not in ("scratch", "weights"):
            raise ValueError(f"the small backbone has no published weights: start: {self.start} is not for it")
        if self.features.kind == "frozen" and self.start == "scratch":
            raise ValueError("features: frozen needs features that were learnt: another start than scratch")
        return self


def load_recipe(path: str | Path) -> TinRecipe:
    """Read a recipe; see `interplay.training.load_config` for errors."""
    return config.load_recipe(path, TinRecipe)

"""Training recipes of TIN's spatial stream: ``interplay/configs/tin_spatial``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from interplay.models.tin_spatial.config import TinSpatialSize
from interplay.training.sections import (
    DataConfig,
    FurtherDataConfig,
    MatrixDecayConfig,
    Positive,
    ScheduleConfig,
    Section,
    Share,
    TrainConfig,
    Weight,
)


class AugmentationSection(Section):
    """What is done to the boxes of a batch.

    Attributes:
        flip: mirror half of the images.
        jitter: standard deviation by which every edge of a box moves, relative to the box's size.
        rescale: an image's boxes are scaled together by up to ``exp(+-rescale)``, and shifted.
        detector_share: share of images whose boxes are made to look like a detector's.
        detector_miss: share of the boxes of such an image that are dropped.
        detector_jitter: standard deviation by which their edges move, relative to the box's size.
        detector_false: up to this many false detections are added to such an image.
        detector_copies: share of people who are found twice.
        detector_object_copies: share of other boxes that are found twice.
        detector_confused: share of other boxes that are found a second time, as another class.
        detector_plausible: share of people with a false object where people have such an object.
        detector_measured: share of the batches whose boxes are made to look as the default detector's do on
            photographs (`augmentation.MEASURED`), and not as the numbers before say.
    """

    flip: bool = True
    jitter: Weight = 0.05
    rescale: Weight = 0.2
    detector_share: Annotated[float, Field(ge=0, le=1)] = 0.35
    detector_miss: Share = 0.2
    detector_jitter: Weight = 0.08
    detector_false: Annotated[int, Field(ge=0)] = 6
    detector_copies: Share = 0.0
    detector_object_copies: Share = 0.0
    detector_confused: Share = 0.0
    detector_plausible: Share = 0.0
    detector_measured: Annotated[float, Field(ge=0, le=1)] = 0.0


class SpatialFurtherDataConfig(FurtherDataConfig):
    """Annotations that are only trained on, in the network's words as far as there are words for them.

    Attributes:
        untold: verbs of the network of which these annotations do not tell, although they have a word for them:
            HICO-DET's people watch and inspect things, but most who look at something are not said to.
    """

    untold: tuple[str, ...] = ()


class TinSpatialOptimiserSection(MatrixDecayConfig):
    """A moving average of the weights is kept."""

    ema: Share = 0.998


class TinSpatialRecipe(TrainConfig):
    """A training of `TinSpatial`.

    Attributes:
        further: more annotations to train on, of any vocabulary, by a name of your choice.
    """

    system: Literal["tin-spatial"]
    start: Literal["scratch", "weights"] = "scratch"
    epochs: Positive = 30
    batch_size: Positive = 64
    data: DataConfig = DataConfig(dataset="v-coco", train="trainval", workers=0)
    further: dict[str, SpatialFurtherDataConfig] = Field(default_factory=dict)
    model: TinSpatialSize = TinSpatialSize()
    augmentation: AugmentationSection = AugmentationSection()
    optimiser: TinSpatialOptimiserSection = TinSpatialOptimiserSection()
    schedule: ScheduleConfig = ScheduleConfig(kind="one-cycle", warm_up=0.1)

"""Training recipes of contact by geometry: ``interplay/configs/contact_geometry``."""

from __future__ import annotations

from typing import Literal

from interplay.models.contact_geometry.config import ContactNetworkSize
from interplay.models.pair_geometry import PairNoiseSection
from interplay.training.sections import (
    DataConfig,
    MatrixDecayConfig,
    Positive,
    ScheduleConfig,
    Share,
    TrainConfig,
    Weight,
)


class ContactNoiseSection(PairNoiseSection):
    """What is done to pairs so that they are like a detector's, a pose estimator's and a model of interactions'.

    Attributes:
        flip: mirror half of the pairs.
        no_verbs: share of pairs of which it is not known what the person does.
        missed_verbs: share of the verbs of other pairs that are not known.
        no_object: share of pairs whose object's class is not known.
    """

    flip: bool = True
    no_verbs: Share = 0.4
    missed_verbs: Share = 0.2
    no_object: Share = 0.05


class ContactGeometryOptimiserSection(MatrixDecayConfig):
    """A moving average of the weights is kept."""

    ema: Share = 0.995


class ContactGeometryRecipe(TrainConfig):
    """A training of `ContactGeometry`; `batch_size` counts pairs of a person and an object.

    Attributes:
        vertices: of the body, drawn anew for each batch, that its loss is computed of.
        negatives: pairs that nothing is annotated of, and that do not touch, to learn from for each that touches.
    """

    system: Literal["contact-geometry"]
    start: Literal["scratch", "weights"] = "scratch"
    epochs: Positive = 40
    batch_size: Positive = 64
    vertices: Positive = 3072
    negatives: Weight = 0.5
    data: DataConfig = DataConfig(dataset="generated", workers=0)
    model: ContactNetworkSize = ContactNetworkSize()
    noise: ContactNoiseSection = ContactNoiseSection()
    optimiser: ContactGeometryOptimiserSection = ContactGeometryOptimiserSection()
    schedule: ScheduleConfig = ScheduleConfig(kind="one-cycle", warm_up=0.1)

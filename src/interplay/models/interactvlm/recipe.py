"""Training recipes of InteractVLM: ``interplay/configs/interactvlm``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from interplay.models.interactvlm.config import InteractVlmLossOptions
from interplay.models.interactvlm.prompts import TokenType
from interplay.models.pair_geometry import PairNoiseSection
from interplay.training.sections import (
    DataConfig,
    OptimiserConfig,
    Positive,
    Rate,
    ScheduleConfig,
    Section,
    Share,
    TrainConfig,
    Weight,
)

ContactDataset = Literal[
    "generated",
    "generated-objects",
    "damon",
    "lemon",
    "rich",
    "lemon-affordance",
    "piad",
    "pico",
    "damon-2d",
    "hoi-vqa",
]
"""What is learnt from: contact of bodies (``generated``, ``damon``, ``lemon``, ``rich``), affordance of objects
(``lemon-affordance``, ``piad``), contact of objects (``pico``; ``generated-objects``, of scenes written with
``--glb``), contact in the photograph (``damon-2d``), and questions in words (``hoi-vqa``)."""

GENERATED: tuple[ContactDataset, ...] = ("generated", "generated-objects")
"""Those that are generated scenes."""


class ContactDataConfig(DataConfig):
    """One data set.

    Attributes:
        dataset: which one; see `ContactDataset`.
        body: the body model's file that its vertices are of (SMPL's or SMPL-H's, the user's own); not for generated
            scenes, which bring theirs.
        min_vertices: how many of a triangle's vertices must touch for its pixels to be in a mask.
        foot_ground: of DAMON: feet on the ground as contact with "scene", and no other with what carries people.
        rate: how often samples are from it, in relation to the other data sets'.
    """

    dataset: ContactDataset  # type: ignore[assignment]
    body: Path | None = None
    min_vertices: Annotated[int, Field(ge=1, le=3)] = 3
    foot_ground: bool = False
    rate: Rate = 1.0


class VlmNetworkSection(Section):
    """The network.

    Attributes:
        base: a folder of published weights (InteractVLM's, or LISA's in the same form) that training starts from;
            without it a small network is trained from nothing.
        token_type: which tokens stand for masks.
        camera_encoder: how a view's camera changes a prompt; ``null``: it does not.
        human_views, object_views: sets of views.
        views: how many of these are used, the first ones.
        view_size: pixels on a side of the views whose masks are lifted, of a network from nothing; ``null``: as many as
            SAM sees.
        sam_size: pixels on a side of the views that SAM sees, of a network from nothing, a multiple of 64; ``null``:
            256. Its masks have a quarter of them.
        poses: whether a network from nothing is told the person's pose and how the object lies to it.
        lora_rank, lora_alpha: of LoRA's matrices in the language model of `base`.
        gradient_checkpointing: compute activations twice, to need less memory.
    """

    base: str | None = None
    token_type: TokenType = "Gen"
    camera_encoder: Literal["simple", "view_index", "vi_v1"] | None = "vi_v1"
    human_views: str = "4MV-Z_Vitru"
    object_views: str = "4MV-Z_HM"
    views: Annotated[int, Field(ge=1, le=10)] = 4
    view_size: Annotated[int, Field(ge=16)] | None = None
    sam_size: Annotated[int, Field(ge=64, multiple_of=64)] | None = None
    poses: bool = False
    lora_rank: Annotated[int, Field(ge=0)] = 0
    lora_alpha: Positive = 16
    gradient_checkpointing: bool = False


class InteractVlmOptimiserSection(OptimiserConfig):
    """AdamW; of a published base at the published rate."""

    learning_rate: Rate = 3e-4
    reference_batch: Positive = 8
    scaling: Literal["linear", "sqrt", "none"] = "none"
    weight_decay: Weight = 0.0
    clip_norm: Rate | None = 1.0


class PoseNoiseSection(PairNoiseSection):
    """What is done to poses so that they are like those that are found in photographs.

    Attributes:
        unknown: share of pairs of which neither pose nor boxes are told, as of a whole photograph.
    """

    unknown: Share = 0.05


class InteractVlmRecipe(TrainConfig):
    """A training of `InteractVlm`.

    Attributes:
        samples: conversations in an epoch, drawn from the data sets by their rates; ``null``: as many as `data` has.
        further: more data sets by names of your choice.
        template: which family of questions about people.
        part_dropout: share of the questions about people that ask, and are answered, without body parts in words.
        name_objects: answers name the object just before the mask's token, as no published model does. A small language
            model does not carry the name from the question to there (docs/models/interactvlm_nano.md). A network from
            nothing is then given its answers (`InteractVlmDecodingOptions.given`).
        flip: mirror half of the generated scenes.
        no_object: share of the questions about people in which an unknown word stands for the object's name; a network
            from nothing then has an answer for names that no lesson has.
        negatives: how many pairs of people and objects of generated scenes that do not touch are learnt from, for each
            pair that touches. Their masks are empty. Those that are annotated to do something without touching come
            along where any do.
        jitter: how much the parts of generated scenes that are looked at vary in training: moved by up to so much of
            their side, colours brighter or darker by up to so much, all together by twice as much.
        noise: what is done to the poses of generated scenes, of a network that is told them.
        mask_size: pixels on a side of the masks of bodies that are learnt; ``null``: as in the views whose masks are
            lifted. Fewer are faster, and the masks are the same ones.
        validation_samples: the most pairs that are validated on.
        loss: weights of the terms, the released ones by default.
    """

    system: Literal["interactvlm"]
    start: Literal["scratch", "weights"] = "scratch"
    epochs: Positive = 30
    batch_size: Positive = 8
    samples: Positive | None = None
    data: ContactDataConfig = ContactDataConfig(dataset="generated", workers=0)
    further: dict[str, ContactDataConfig] = Field(default_factory=dict)
    template: Literal["hcontact", "hcontact-parts"] = "hcontact-parts"
    part_dropout: Annotated[float, Field(ge=0, le=1)] = 0.5
    name_objects: bool = False
    flip: bool = False
    no_object: Share = 0.0
    negatives: Weight = 0.0
    jitter: Annotated[float, Field(ge=0, le=0.3)] = 0.0
    noise: PoseNoiseSection = PoseNoiseSection()
    mask_size: Annotated[int, Field(ge=16)] | None = None
    validation_samples: Positive = 200
    model: VlmNetworkSection = VlmNetworkSection()
    loss: InteractVlmLossOptions = InteractVlmLossOptions()
    optimiser: InteractVlmOptimiserSection = InteractVlmOptimiserSection()
    schedule: ScheduleConfig = ScheduleConfig(kind="one-cycle", warm_up=0.01)

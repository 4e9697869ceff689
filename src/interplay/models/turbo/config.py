"""Every choice of Turbo learning: network, loss and decoding. The defaults are the paper's network for V-COCO."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from interplay.layers.names import ResNetName
from interplay.options import ModelConfig, ModelDescription, Options

if TYPE_CHECKING:
    from collections.abc import Sequence

Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(gt=0)]
Weight = Annotated[float, Field(ge=0)]
Positive = Annotated[int, Field(gt=0)]
FirstPose = Literal["head", "zeros"]
"""What the first stage receives as the pose features of the stage before it."""


class TurboNetworkOptions(Options):
    """What the network is made of.

    Attributes:
        backbone: ``resnet101`` as published, ``resnet50``, or ``resnet-nano``, a small one that trains from nothing.
        stages: how often interactions and poses refine each other.
        hoi: whether interactions are recognised. Without, there are no stages, only Mask R-CNN's keypoint head (the
            paper's "w/o HOI recognition").
        pose: whether poses are estimated ("w/o pose estimation" is one stage without).
        explicit_pose: whether pose features enter the recognition of interactions; multi-task training is one stage
            without, in which both tasks share only the backbone.
        first_pose: what the first stage has for the pose features of a stage before it: those of Mask R-CNN's ``head``
            on the person's appearance, which has a loss of its own; or ``zeros``, and the first pose is made of the
            appearance under the attention mask.
        shared: whether all stages have the same weights.
        residual: whether the attention mask A multiplies pose features as 1 + A; as published by A alone.
        appearance_to_pose: whether the appearance enters every pose module beside the pose features (Equation 7), under
            the same mask; in Equation 5 it does not.
        channel_attention: whether the mask differs between the channels of the pose features, or is one map.
        width: channels of the two fully connected layers.
        pose_width: channels of the pose features.
        pose_layers: 3 x 3 convolutions of a pose module.
        dropout: after each of the fully connected layers.
        detection: whether there is an object detection branch, which scores the given boxes anew.
    """

    backbone: ResNetName = "resnet101"
    stages: Positive = 3
    hoi: bool = True
    pose: bool = True
    explicit_pose: bool = True
    first_pose: FirstPose = "head"
    shared: bool = False
    residual: bool = False
    appearance_to_pose: bool = False
    channel_attention: bool = False
    width: Positive = 1024
    pose_width: Positive = 512
    pose_layers: Positive = 8
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    detection: bool = True

    @model_validator(mode="after")
    def _fits(self) -> TurboNetworkOptions:
        if not self.hoi and not self.pose:
            raise ValueError("the network does nothing: set hoi or pose")
        if self.stages > 1 and not (self.hoi and self.pose and self.explicit_pose):
            raise ValueError("further stages need interactions, poses and explicit_pose, which go from stage to stage")
        return self


class TurboLossOptions(Options):
    """What training minimises (Equation 6).

    Attributes:
        pose, hoi: weight of each stage's losses; a single one is for all stages.
        first_pose: weight of the first pose, that of Mask R-CNN's head.
        target: weight of the target's place in the loss of a stage's interactions.
        detection: weight of the detection branch's loss.
        smooth_l1: distance below which the loss of places is quadratic.
        positive: weight of an action that a person does, in the cross entropy; those that he does not weigh 1.
    """

    pose: tuple[Weight, ...] = (1.0,)
    hoi: tuple[Weight, ...] = (1.0,)
    first_pose: Weight = 1.0
    target: Weight = 1.0
    detection: Weight = 1.0
    smooth_l1: Rate = 1.0
    positive: Rate = 1.0


class TurboDecodingOptions(Options):
    """How outputs become interactions.

    Attributes:
        stage: which stage's results are given, counted from 1; by default the last one's.
        sigma: standard deviation of the Gaussian around a target's place (Equation 3).
        targets: the object of an action is the ``best`` detection by Gaussian times detection score, or ``all``
            detections are, each with its own score.
        place_counts: whether the Gaussian is part of an interaction's score, or only chooses the object.
        agents: what a person does is given without object only where there is none to be given (``alone``); or ``all``
            of it also without object, as V-COCO's agent AP wants it.
        known_pairs: whether a verb goes only with objects with which the vocabulary lists it.
        min_human, min_object: detections up to these scores are not used.
        max_humans, max_objects: at most so many detections of an image, the best, are used.
        short_side, long_side: the shorter side of an image becomes the first, or less, so that the longer one is within
            the second.
        rescore: whether the detection branch's score of a box replaces the detector's.
    """

    stage: Positive | None = None
    sigma: Rate = 0.3
    targets: Literal["best", "all"] = "best"
    place_counts: bool = True
    agents: Literal["alone", "all"] = "alone"
    known_pairs: bool = True
    min_human: Share = 0.3
    min_object: Share = 0.2
    max_humans: Positive = 50
    max_objects: Positive = 50
    short_side: Positive = 600
    long_side: Positive = 1000
    rescore: bool = False


class TurboConfig(ModelConfig):
    """A whole network of Turbo learning: network, loss and decoding."""

    network: TurboNetworkOptions = TurboNetworkOptions()
    loss: TurboLossOptions = TurboLossOptions()
    decoding: TurboDecodingOptions = TurboDecodingOptions()

    @model_validator(mode="after")
    def _fits(self) -> TurboConfig:
        for name in ("pose", "hoi"):
            given: Sequence[float] = getattr(self.loss, name)
            if len(given) not in (1, self.network.stages):
                raise ValueError(f"loss.{name}: expected one weight, or one for each of {self.network.stages} stages")
        stage = self.decoding.stage
        if stage is not None and stage > self.network.stages:
            raise ValueError(f"decoding.stage: the network has {self.network.stages} stages, got {stage}")
        if self.decoding.rescore and not self.network.detection:
            raise ValueError("decoding.rescore: the network has no detection branch (network.detection)")
        return self


class TurboDescription(ModelDescription):
    """What a weights file says about the model."""

    config: TurboConfig

"""Every choice of TIN's spatial stream: network, loss and decoding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator
from typing_extensions import Self

from interplay.options import ModelConfig, ModelDescription, Options

if TYPE_CHECKING:
    from torch import Tensor

Positive = Annotated[int, Field(gt=0, strict=True)]  # strict: true is no number
Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0)]


class TinSpatialSize(Options):
    """Size of the network: what a training chooses.

    Attributes:
        width: channels of a pair's representation.
        layers: rounds of attention between the pairs of an image.
        heads: attention heads; `width` is a multiple of it.
        embedding: channels of an object class.
        dropout: share of channels that are left out at random while training.
        scores: whether it knows how sure the detector is of each box. It then learns what a box of such a score is
            worth, and triplets' scores are C x D; else they are multiplied by both detection scores.
        members: networks of this size, of which the mean of the logits is taken; they are trained in one run.
    """

    width: Annotated[int, Field(ge=8, strict=True)] = 64
    layers: Annotated[int, Field(ge=0, strict=True)] = 2
    heads: Positive = 4
    embedding: Positive = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    scores: bool = False
    members: Positive = 1

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width must be a multiple of heads, got {self.width} and {self.heads}")
        return self


class TinSpatialNetworkOptions(TinSpatialSize):
    """The network: its size, and what it classifies.

    Attributes:
        verbs: verbs of the vocabulary that the classifier knows, by index.
    """

    verbs: tuple[int, ...]


class TinSpatialLossOptions(Options):
    """Weights of the terms.

    Attributes:
        interactiveness: of the discriminator, on all pairs.
        verbs: of the classifier. It learns from pairs that interact, about a quarter, and its sum is divided by all
            pairs: a quarter keeps the two terms alike.
    """

    interactiveness: Weight = 1.0
    verbs: Weight = 0.25


class TinSpatialDecodingOptions(Options):
    """How outputs become interactions.

    Attributes:
        suppress_below: non-interaction suppression: a pair whose interactiveness is below this is removed.
        max_humans, max_boxes: of an image's detections at most so many people, and so many boxes in all, the most
            confident ones, are paired.
        plausible: leave out what never occurs: a verb with an object that it has nowhere in the training annotations,
            a second object of a person for a verb that takes one at a time, and what a part of a person or an object
            does that the whole does too.
    """

    suppress_below: Share = 0.0
    max_humans: Positive = 32
    max_boxes: Positive = 64
    plausible: bool = True


class SpatialConfig(ModelConfig):
    """A whole spatial stream: network, loss and decoding."""

    network: TinSpatialNetworkOptions
    loss: TinSpatialLossOptions = TinSpatialLossOptions()
    decoding: TinSpatialDecodingOptions = TinSpatialDecodingOptions()


class SpatialDescription(ModelDescription):
    """What a weights file says about the model."""

    config: SpatialConfig


def from_format_1(description: dict[str, Any], state: dict[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Format 2: sections; before, the configuration was flat."""
    config = dict(description["config"])
    decoding = {"suppress_below": config.pop("suppress_below", 0.0)}
    return {**description, "config": {"network": config, "decoding": decoding}}, state


def from_format_2(description: dict[str, Any], state: dict[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Format 3: what is plausible was counted; before, nothing was known, so that nothing is left out."""
    prior = state.get("object_prior.weight")
    if prior is None:  # the description alone is read
        return description, state
    seen = prior.bool() | True
    return description, {**state, "seen_pairs": seen, "one_at_a_time": ~seen[0]}


_OF_THE_MODEL = ("mean", "deviation", "seen_pairs", "one_at_a_time")


def from_format_3(description: dict[str, Any], state: dict[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Format 4: a model has members; before, it was the only one."""
    return description, {
        name if name in _OF_THE_MODEL else f"members.0.{name}": tensor for name, tensor in state.items()
    }

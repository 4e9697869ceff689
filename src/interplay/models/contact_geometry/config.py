"""Every choice of the network that finds contact by geometry."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from interplay.options import ModelConfig, ModelDescription, Options

Positive = Annotated[int, Field(gt=0, strict=True)]  # strict: true is no number
Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0)]


class ContactNetworkSize(Options):
    """Size of the network: what a training chooses.

    Attributes:
        width: channels of a pair's representation.
        layers: of the pair's network.
        embedding: channels of an object's class and of verbs.
        rank: channels in which a pair and a vertex meet.
        dropout: share of channels that are left out at random while training.
        verbs: whether it knows what the person does with the object.
    """

    width: Annotated[int, Field(ge=8)] = 256
    layers: Positive = 3
    embedding: Positive = 32
    rank: Positive = 64
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    verbs: bool = True


class ContactNetworkOptions(ContactNetworkSize):
    """The network: its size, and the body's.

    Attributes:
        vertices: of the body.
    """

    vertices: Positive = 12272


class ContactLossOptions(Options):
    """Weights of the terms.

    Attributes:
        touch: of whether there is contact at all.
        vertices: of the cross-entropy of vertices, of pairs that touch.
        dice: of their overlap.
    """

    touch: Weight = 0.5
    vertices: Weight = 5.0
    dice: Weight = 1.0


class ContactDecodingOptions(Options):
    """How outputs become contact.

    Attributes:
        touch: a pair that is less probably in contact than this has none.
    """

    touch: Share = 0.5


class ContactGeometryConfig(ModelConfig):
    """A whole network: network, loss and decoding."""

    network: ContactNetworkOptions = ContactNetworkOptions()
    loss: ContactLossOptions = ContactLossOptions()
    decoding: ContactDecodingOptions = ContactDecodingOptions()


class ContactGeometryDescription(ModelDescription):
    """What a weights file says about the network."""

    config: ContactGeometryConfig

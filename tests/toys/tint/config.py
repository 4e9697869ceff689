"""Every choice of the model."""

from __future__ import annotations

from interplay.options import ModelConfig, ModelDescription, Options


class TintNetworkOptions(Options):
    """What the network is made of."""

    bias: bool = True


class TintLossOptions(Options):
    """What training minimises."""

    weight: float = 1.0


class TintDecodingOptions(Options):
    """How outputs become interactions."""

    min_score: float = 0.0


class TintConfig(ModelConfig):
    """Every choice."""

    network: TintNetworkOptions = TintNetworkOptions()
    loss: TintLossOptions = TintLossOptions()
    decoding: TintDecodingOptions = TintDecodingOptions()


class TintDescription(ModelDescription):
    """What a weights file says."""

    config: TintConfig

"""Every choice of the model."""

from __future__ import annotations

from interplay.options import ModelConfig, ModelDescription, Options


class NetworkOptions(Options):
    """What the network is made of."""

    bias: bool = True


class LossOptions(Options):
    """What training minimises."""

    weight: float = 1.0


class DecodingOptions(Options):
    """How outputs become interactions."""

    min_score: float = 0.0


class TintConfig(ModelConfig):
    """Every choice."""

    network: NetworkOptions = NetworkOptions()
    loss: LossOptions = LossOptions()
    decoding: DecodingOptions = DecodingOptions()


class TintDescription(ModelDescription):
    """What a weights file says."""

    config: TintConfig

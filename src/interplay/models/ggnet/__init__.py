"""GGNet and its ancestor PPDM: one-stage interaction detection with points."""

from interplay.models.ggnet.config import (
    DecodingOptions,
    GGNetConfig,
    LossOptions,
    NetworkOptions,
    TargetOptions,
)
from interplay.models.ggnet.model import GGNet
from interplay.models.ggnet.outputs import ActPoints, GGNetOutputs, StackMaps

__all__ = [
    "ActPoints",
    "DecodingOptions",
    "GGNet",
    "GGNetConfig",
    "GGNetOutputs",
    "LossOptions",
    "NetworkOptions",
    "StackMaps",
    "TargetOptions",
]

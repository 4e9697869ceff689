"""The backbones by name, all with stride 4."""

from __future__ import annotations

from interplay.layers.dla import DLABackbone
from interplay.layers.hourglass import HourglassBackbone
from interplay.models.ggnet.config import Backbone


def build_backbone(name: Backbone) -> HourglassBackbone | DLABackbone:
    """A backbone with fresh parameters; the ``nano`` ones are for tests and small data."""
    if name == "hourglass-104":
        return HourglassBackbone()
    if name == "dla-34":
        return DLABackbone()
    if name == "hourglass-nano":
        return HourglassBackbone(widths=(32, 48, 64, 64), repeats=(1, 1, 1, 1), stacks=1, stem=16)
    return DLABackbone(widths=(8, 16, 32, 48, 64, 96), depths=(1, 1, 1, 1, 1, 1))

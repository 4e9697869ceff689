"""The few convolutions that all heads are made of."""

from __future__ import annotations

from torch import nn

RARE = -2.19
"""Initial bias of heatmaps: about 0.1 after the sigmoid, since almost every pixel is negative."""


def features(in_channels: int, width: int) -> nn.Sequential:
    """3x3 convolution with bias and ReLU: F0 of the glance step, F1 and F2 of the gaze steps."""
    return nn.Sequential(nn.Conv2d(in_channels, width, 3, padding=1), nn.ReLU(inplace=True))


def head(in_channels: int, width: int, out_channels: int) -> nn.Sequential:
    """3x3 convolution, ReLU, 1x1 convolution."""
    return nn.Sequential(*features(in_channels, width), nn.Conv2d(width, out_channels, 1))


def heatmap(width: int, classes: int) -> nn.Conv2d:
    """1x1 convolution to logits that start low."""
    layer = nn.Conv2d(width, classes, 1)
    nn.init.constant_(layer.bias, RARE)  # type: ignore[arg-type]  # there is a bias
    return layer

"""The few convolutions that all heads are made of."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

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


def head_at(layers: nn.Sequential, features: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """A `head` evaluated at some pixels only: (C, h, w) features and (K,) x and y -> (K, out_channels)."""
    first, last = layers[0], layers[2]
    assert isinstance(first, nn.Conv2d)
    assert isinstance(last, nn.Conv2d)
    channels, height, width = features.shape
    x, y = x.to(features.device), y.to(features.device)
    reach = torch.arange(-1, 2, device=features.device)
    rows = (y[:, None] + reach)[:, :, None].expand(-1, 3, 3).flatten(1)  # (K, 9)
    columns = (x[:, None] + reach)[:, None, :].expand(-1, 3, 3).flatten(1)
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    pixels = rows.clamp(0, height - 1) * width + columns.clamp(0, width - 1)
    patches = features.permute(1, 2, 0).reshape(-1, channels)[pixels] * inside[..., None]  # (K, 9, C)
    weight = first.weight.permute(0, 2, 3, 1).flatten(1)  # (out, 9 C)
    hidden = F.linear(patches.flatten(1), weight, first.bias).relu()
    return F.linear(hidden, last.weight.flatten(1), last.bias)

"""Convolution, normalisation and residual blocks that the stride-4 backbones are made of.

Every batch normalisation stands right after its convolution in an `nn.Sequential`, where `layers.folding` finds it.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


def conv_norm(
    in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, relu: bool = True
) -> nn.Sequential:
    """Convolution without bias and with "same" padding, batch normalisation and, if asked, ReLU."""
    layers: list[nn.Module] = [
        nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2, bias=False),
        nn.BatchNorm2d(out_channels),
    ]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if relu else nn.Sequential(*layers)


def two_convs(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    """The residual branch of a basic block: two 3x3 convolutions, the first with the stride."""
    return nn.Sequential(
        *conv_norm(in_channels, out_channels, 3, stride), *conv_norm(out_channels, out_channels, 3, relu=False)
    )


class Residual(nn.Module):
    """Basic residual block: two 3x3 convolutions beside a shortcut, which is a 1x1 convolution where shapes change."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.body = two_convs(in_channels, out_channels, stride)
        same = in_channels == out_channels and stride == 1
        self.shortcut = nn.Identity() if same else conv_norm(in_channels, out_channels, 1, stride, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> (B, out_channels, H / stride, W / stride)."""
        return F.relu(self.body(x) + self.shortcut(x), inplace=True)

"""Convolution, normalisation and residual blocks that the stride-4 backbones are made of.

Every batch normalisation stands right after its convolution in an `nn.Sequential`, where `layers.folding` finds it.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

FEWEST_VALUES = 8
"""Batch statistics of fewer values per channel are not used; see `BatchNorm`."""


class BatchNorm(nn.BatchNorm2d):
    """Batch normalisation that uses its running statistics where a batch has too few values per channel.

    The variance of two values is often almost 0, and gradients are divided by its root. The bottom of hourglass-104
    sees an image of 128 pixels as a single one; with a batch of two, gradients grow there by 10^9 per stack, with four
    values per channel by 10^3, with eight hardly. Below `FEWEST_VALUES`, training therefore normalises as evaluation
    does. Scale and shift still learn, running statistics stay. The published trainings have far more values.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> same shape."""
        if self.training and x.numel() < FEWEST_VALUES * x.shape[1]:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(x)


def conv_norm(
    in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, relu: bool = True
) -> nn.Sequential:
    """Convolution without bias and with "same" padding, batch normalisation and, if asked, ReLU."""
    layers: list[nn.Module] = [
        nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2, bias=False),
        BatchNorm(out_channels),
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

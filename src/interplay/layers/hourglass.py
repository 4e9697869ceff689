"""Stacked hourglass network (Newell et al., ECCV 2016) as CornerNet, CenterNet and PPDM use it: Hourglass-104.

Differences from the original: strides instead of pooling, basic residual blocks, one block per skip connection more.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from interplay.layers.residual import Residual, conv_norm

HOURGLASS_104_WIDTHS = (256, 256, 384, 384, 384, 512)
HOURGLASS_104_REPEATS = (2, 2, 2, 2, 2, 4)


class Hourglass(nn.Module):
    """One level of an hourglass, which holds the next one: down by 2, deeper levels, up by 2, beside a skip branch.

    Args:
        widths: channels of this level and of every deeper one; one level fewer than there are widths.
        repeats: residual blocks per branch at each level; the last is the number at the bottom.
    """

    def __init__(self, widths: Sequence[int], repeats: Sequence[int]) -> None:
        super().__init__()
        width, below, count = widths[0], widths[1], repeats[0]
        self.skip = nn.Sequential(*(Residual(width, width) for _ in range(count)))
        self.down = nn.Sequential(Residual(width, below, stride=2), *(Residual(below, below) for _ in range(count - 1)))
        self.inner: nn.Module
        if len(widths) > 2:
            self.inner = Hourglass(widths[1:], repeats[1:])
        else:
            self.inner = nn.Sequential(*(Residual(below, below) for _ in range(repeats[1])))
        self.up = nn.Sequential(*(Residual(below, below) for _ in range(count - 1)), Residual(below, width))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> same shape; H and W must be multiples of 2 to the number of levels."""
        low = self.up(self.inner(self.down(x)))
        return self.skip(x) + F.interpolate(low, scale_factor=2, mode="nearest")


class HourglassBackbone(nn.Module):
    """Stem of stride 4 and stacked hourglasses; every stack's output feeds the next and may carry heads.

    Args:
        widths, repeats: see `Hourglass`; the first width is the number of output channels.
        stacks: number of hourglasses.
        stem: channels after the first convolution.
    """

    stride = 4

    def __init__(
        self,
        widths: Sequence[int] = HOURGLASS_104_WIDTHS,
        repeats: Sequence[int] = HOURGLASS_104_REPEATS,
        stacks: int = 2,
        stem: int = 128,
    ) -> None:
        super().__init__()
        width = widths[0]
        self.channels = width
        self.stacks = stacks
        self.divisor = self.stride * 2 ** (len(widths) - 1)
        self.stem = nn.Sequential(conv_norm(3, stem, 7, stride=2), Residual(stem, width, stride=2))
        self.hourglasses = nn.ModuleList(Hourglass(widths, repeats) for _ in range(stacks))
        self.outputs = nn.ModuleList(conv_norm(width, width, 3) for _ in range(stacks))
        self.from_input = nn.ModuleList(conv_norm(width, width, 1, relu=False) for _ in range(stacks - 1))
        self.from_output = nn.ModuleList(conv_norm(width, width, 1, relu=False) for _ in range(stacks - 1))
        self.merge = nn.ModuleList(Residual(width, width) for _ in range(stacks - 1))

    def forward(self, images: Tensor) -> list[tuple[Tensor, ...]]:
        """(B, 3, H, W) -> for each stack a tuple of one map (B, C, H / 4, W / 4).

        H and W must be multiples of `divisor`.
        """
        x = self.stem(images)
        stacks: list[tuple[Tensor, ...]] = []
        for i, (hourglass, output) in enumerate(zip(self.hourglasses, self.outputs, strict=True)):
            features = output(hourglass(x))
            stacks.append((features,))
            if i < len(self.merge):
                x = F.relu(self.from_input[i](x) + self.from_output[i](features), inplace=True)
                x = self.merge[i](x)
        return stacks

"""DLA-34: deep layer aggregation (Yu et al., CVPR 2018) with CenterNet's deformable up-sampling (Zhou et al., 2019)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from interplay.layers.deformable import SelfDeformConv2d
from interplay.layers.residual import BatchNorm, conv_norm, two_convs

DLA_34_WIDTHS = (16, 32, 64, 128, 256, 512)
DLA_34_DEPTHS = (1, 1, 1, 2, 2, 1)
FIRST_LEVEL = 2
"""The level of stride 4, the finest that is aggregated."""


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut that the tree around it provides."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.body = two_convs(in_channels, out_channels, stride)

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        """(B, in_channels, H, W) -> (B, out_channels, H / stride, W / stride)."""
        return F.relu(self.body(x) + (x if shortcut is None else shortcut), inplace=True)


class Tree(nn.Module):
    """Hierarchical aggregation: two subtrees one after the other, joined with everything collected on the way.

    Args:
        depth: 1 holds two `BasicBlock`s, more holds two trees of one less.
        stride: of the first block.
        level_root: whether the (down-sampled) input of the whole tree joins too.
        collected: channels handed down from the trees around this one.
    """

    def __init__(
        self, depth: int, in_channels: int, out_channels: int, stride: int = 1, level_root: bool = False,
        collected: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.level_root = level_root
        self.down = nn.MaxPool2d(stride) if stride > 1 else nn.Identity()
        if level_root:
            collected += in_channels
        self.first: BasicBlock | Tree
        self.second: BasicBlock | Tree
        self.root: nn.Sequential | None = None
        # The shortcut of a tree deeper than 1 is replaced inside its first subtree; it never reaches the output
        # and stays only because checkpoints hold it.
        self.project = conv_norm(in_channels, out_channels, 1, relu=False) if in_channels != out_channels else None
        if depth == 1:
            self.first = BasicBlock(in_channels, out_channels, stride)
            self.second = BasicBlock(out_channels, out_channels)
            self.root = conv_norm(2 * out_channels + collected, out_channels, 1)
        else:
            self.first = Tree(depth - 1, in_channels, out_channels, stride)
            self.second = Tree(depth - 1, out_channels, out_channels, collected=collected + out_channels)

    def forward(self, x: Tensor, collected: Sequence[Tensor] = ()) -> Tensor:
        """(B, in_channels, H, W) and maps of the outer trees -> (B, out_channels, H / stride, W / stride)."""
        bottom = self.down(x)
        if self.level_root:
            collected = (*collected, bottom)
        if self.root is None:
            if self.project is not None and self.training:
                self.project(bottom)  # only its running statistics, as in the published training
            first = self.first(x)
            return self.second(first, (*collected, first))
        first = self.first(x, bottom if self.project is None else self.project(bottom))
        second = self.second(first)
        return self.root(torch.cat([second, first, *collected], 1))


class Aggregate(nn.Module):
    """Iterative deep aggregation: from coarse to fine, each map is projected, enlarged, added to the finer and merged.

    Args:
        width: channels of every result.
        in_channels: channels of the maps, finest first.
        factors: enlargement of each map relative to the first.
    """

    def __init__(self, width: int, in_channels: Sequence[int], factors: Sequence[int]) -> None:
        super().__init__()
        self.project = nn.ModuleList(_deform_norm(channels, width) for channels in in_channels[1:])
        self.enlarge = nn.ModuleList(_bilinear_up(width, factor) for factor in factors[1:])
        self.merge = nn.ModuleList(_deform_norm(width, width) for _ in in_channels[1:])

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Maps, finest first -> as many maps of the finest size; the last has seen all of them."""
        results = [maps[0]]
        for coarse, project, enlarge, merge in zip(maps[1:], self.project, self.enlarge, self.merge, strict=True):
            results.append(merge(enlarge(project(coarse)) + results[-1]))
        return results


class DLABackbone(nn.Module):
    """DLA-34 down to stride 32 and back up to stride 4.

    Args:
        widths, depths: channels and tree depth of each level (levels 0 and 1 are single convolutions).
        width: of the result, that of the level of stride 4.
    """

    stride = 4
    stacks = 1

    def __init__(self, widths: Sequence[int] = DLA_34_WIDTHS, depths: Sequence[int] = DLA_34_DEPTHS) -> None:
        super().__init__()
        self.channels = widths[FIRST_LEVEL]
        self.divisor = 2 ** (len(widths) - 1)
        self.stem = conv_norm(3, widths[0], 7)
        self.levels = nn.ModuleList([conv_norm(widths[0], widths[0], 3), conv_norm(widths[0], widths[1], 3, stride=2)])
        for i in range(FIRST_LEVEL, len(widths)):
            self.levels.append(Tree(depths[i], widths[i - 1], widths[i], stride=2, level_root=i > FIRST_LEVEL))
        # Up-sampling step j starts one level finer than step j - 1 and brings every coarser map to its size.
        aggregated = list(widths[FIRST_LEVEL:])
        factors = [2**i for i in range(len(aggregated))]
        self.up = nn.ModuleList()
        for start in range(len(aggregated) - 2, -1, -1):
            self.up.append(
                Aggregate(aggregated[start], aggregated[start:], [f // factors[start] for f in factors[start:]])
            )
            factors[start + 1 :] = [factors[start]] * (len(factors) - start - 1)
            aggregated[start + 1 :] = [aggregated[start]] * (len(aggregated) - start - 1)
        finest = list(widths[FIRST_LEVEL:-1])
        self.final = Aggregate(self.channels, finest, [2**i for i in range(len(finest))])

    def forward(self, images: Tensor) -> list[tuple[Tensor, ...]]:
        """(B, 3, H, W) -> one stack: a tuple of maps (B, C, H / 4, W / 4), the last of which is the result.

        H and W must be multiples of `divisor`.
        """
        x = self.stem(images)
        maps: list[Tensor] = []
        for i, level in enumerate(self.levels):
            x = level(x)
            if i >= FIRST_LEVEL:
                maps.append(x)
        finest = [maps[-1]]
        for start, aggregate in zip(range(len(maps) - 2, -1, -1), self.up, strict=True):
            maps[start:] = aggregate(maps[start:])
            finest.insert(0, maps[-1])
        return [tuple(self.final(finest[:-1]))]


def _deform_norm(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(SelfDeformConv2d(in_channels, out_channels), BatchNorm(out_channels), nn.ReLU(inplace=True))


def _bilinear_up(channels: int, factor: int) -> nn.ConvTranspose2d:
    """Enlargement by `factor` per channel, bilinear at the start of training."""
    up = nn.ConvTranspose2d(channels, channels, 2 * factor, factor, padding=factor // 2, groups=channels, bias=False)
    position = (torch.arange(2 * factor) + 0.5) / factor - 1
    ramp = 1 - position.abs()
    up.weight.data.copy_(ramp[:, None] * ramp[None, :])
    return up

"""TIN's ResNet-50: TF-slim's layout, in which a block's stride sits in its last unit, and one head per role.

Blocks are torchvision's, so that batch normalisation is folded by the same function as everywhere
(`layers.resnet.fold_frozen_batch_norm`). Beside it a small backbone of ours that trains from nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.ops import FrozenBatchNorm2d

from interplay.layers.resnet import ResNet

PIXEL_SCALE = 64.0
"""The networks take pixels in -128..128; layers without a pretraining for that want them near 1."""


def block(channels: int, planes: int, units: int, stride: int = 1) -> nn.Sequential:
    """Bottleneck units of width `planes`; the last one subsamples by `stride`."""
    out = 4 * planes
    shortcut = nn.Sequential(nn.Conv2d(channels, out, 1, bias=False), FrozenBatchNorm2d(out))
    layers: list[nn.Module] = [Bottleneck(channels, planes, 1, shortcut, norm_layer=FrozenBatchNorm2d)]
    for unit in range(1, units):
        last = unit == units - 1 and stride > 1
        subsample = nn.MaxPool2d(1, stride) if last else None
        layers.append(Bottleneck(out, planes, stride if last else 1, subsample, norm_layer=FrozenBatchNorm2d))
    return nn.Sequential(*layers)


class TinBackbone(nn.Module):
    """Stem and three blocks: an image becomes a map of 1024 channels and stride 16.

    Args:
        freeze: keep stem and first block as they are, as in the published training.
    """

    stride = 16
    """Pixels of the image per cell of the map."""

    def __init__(self, freeze: bool = True) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = FrozenBatchNorm2d(64)
        self.block1 = block(64, 64, 3, stride=2)
        self.block2 = block(256, 128, 4, stride=2)
        self.block3 = block(512, 256, 6)
        if freeze:
            self.conv1.requires_grad_(False)
            self.block1.requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) blue, green, red with the mean taken off -> (B, 1024, H / 16, W / 16), rounded up."""
        x = F.relu(self.bn1(self.conv1(images)), inplace=True)
        x = F.max_pool2d(x, 3, stride=2, padding=1)
        return self.block3(self.block2(self.block1(x)))


def role_block() -> nn.Sequential:
    """What reads a crop of a human or an object: (N, 1024, 7, 7) -> (N, 2048, 7, 7)."""
    return block(1024, 512, 3)


class NanoBackbone(nn.Module):
    """``resnet-nano``: an image becomes a map of 144 channels and stride 8.

    The third stage's map is enlarged and laid beside the second's, since things in small images are small.
    """

    stride = 8

    def __init__(self) -> None:
        super().__init__()
        self.resnet = ResNet("resnet-nano")

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) as for `TinBackbone` -> (B, 144, H / 8, W / 8), rounded up."""
        net = self.resnet
        pixels = (images / PIXEL_SCALE).contiguous(memory_format=torch.channels_last)  # a quarter faster on CPUs
        x = F.relu(net.bn1(net.conv1(pixels)), inplace=True)
        first, second, third = net.stages
        near = second(first(F.max_pool2d(x, 3, stride=2, padding=1)))
        far = F.interpolate(third(near), near.shape[-2:], mode="bilinear", align_corners=False)
        return torch.cat([near, far], 1)


def nano_role_block() -> nn.Sequential:
    """What reads a crop in the small network: (N, 144, 7, 7) -> (N, 192, 4, 4)."""
    shortcut = nn.Sequential(nn.Conv2d(144, 192, 1, 2, bias=False), nn.GroupNorm(8, 192))
    return nn.Sequential(BasicBlock(144, 192, 2, shortcut, norm_layer=lambda width: nn.GroupNorm(8, width)))

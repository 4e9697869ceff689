"""Parts of TIN's networks: backbones with a head per role, the stream for spatial maps, attention, and D's layers.

The backbone is ResNet-50 in TF-slim's layout, in which a block's stride sits in its last unit, with one head per role.
Blocks are torchvision's, so that batch normalisation is folded by the same function as everywhere. The attention is
that of Gao et al., "iCAN", BMVC 2018. Beside the published backbone there is a small one that trains from nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.ops import FrozenBatchNorm2d

from interplay.layers.resnet import ResNet, fine_map

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
    """``resnet-nano``: an image becomes a map of 144 channels and stride 8; see `fine_map`."""

    stride = 8

    def __init__(self) -> None:
        super().__init__()
        self.resnet = ResNet("resnet-nano")

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) as for `TinBackbone` -> (B, 144, H / 8, W / 8), rounded up."""
        return fine_map(self.resnet, images / PIXEL_SCALE)


def nano_role_block() -> nn.Sequential:
    """What reads a crop in the small network: (N, 144, 7, 7) -> (N, 192, 4, 4)."""
    shortcut = nn.Sequential(nn.Conv2d(144, 192, 1, 2, bias=False), nn.GroupNorm(8, 192))
    return nn.Sequential(BasicBlock(144, 192, 2, shortcut, norm_layer=lambda width: nn.GroupNorm(8, width)))


@dataclass(frozen=True)
class Widths:
    """Channels of a network; by default the published ones.

    Attributes:
        head: of the backbone's map.
        instance: of an instance's appearance.
        keys: of the attention's keys, values and queries.
        context: of what the attention sees.
        hidden: of dense layers.
        spatial, pose: of the two convolutions over spatial and pose maps.
        part: of the map that body parts are cropped from.
        shrink: maps are first made smaller by this factor.
    """

    head: int = 1024
    instance: int = 2048
    keys: int = 512
    context: int = 1024
    hidden: int = 1024
    spatial: tuple[int, int] = (64, 32)
    pose: tuple[int, int] = (32, 16)
    part: int = 64
    shrink: int = 1

    def flat(self, channels: int) -> int:
        """Features of a map of 64 x 64 after a `MapStream` with so many channels at its end."""
        return channels * (((64 // self.shrink - 4) // 2 - 4) // 2) ** 2


NANO = Widths(
    head=144, instance=192, keys=64, context=96, hidden=192, spatial=(16, 16), pose=(8, 8), part=16, shrink=2
)  # fmt: skip


class NormedDense(nn.Module):
    """A dense layer without bias, batch normalisation with fixed statistics, ReLU, dropout."""

    def __init__(self, inputs: int, outputs: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, outputs, bias=False)
        self.norm = FrozenBatchNorm2d(outputs)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs) -> (N, outputs)."""
        return self.dropout(F.relu(self.norm(self.dense(x)[..., None, None])[..., 0, 0]))


class MapStream(nn.Module):
    """Two convolutions over a 64 x 64 map, flattened in the order height, width, channel.

    Args:
        channels: of the map.
        widths: of the two convolutions.
        shrink: the map is first made smaller by this factor.
    """

    def __init__(self, channels: int, widths: tuple[int, int], shrink: int = 1) -> None:
        super().__init__()
        width, out = widths
        self.conv1, self.conv2 = nn.Conv2d(channels, width, 5), nn.Conv2d(width, out, 5)
        self.shrink = shrink

    def forward(self, maps: Tensor) -> Tensor:
        """(N, channels, 64, 64) -> (N, 169 out), fewer of smaller maps."""
        if self.shrink > 1:
            maps = F.max_pool2d(maps, self.shrink)
        x = F.max_pool2d(F.relu(self.conv1(maps)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return x.permute(0, 2, 3, 1).flatten(1)


Keys = Sequence[tuple[Tensor, Tensor]]
"""Of each image: keys (K, H, W), and values as the bottleneck makes them (C, H, W) without bias."""


class InstanceAttention(nn.Module):
    """Where in the image to look, seen from one instance (iCAN)."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        self.phi, self.g = nn.Conv2d(widths.head, widths.keys, 1), nn.Conv2d(widths.head, widths.keys, 1)
        self.query = nn.ModuleDict({role: nn.Linear(widths.instance, widths.keys) for role in ("human", "object")})
        self.bottleneck = nn.Conv2d(widths.keys, widths.context, 1)
        self.dropout = nn.Dropout(0.2)

    def keys(self, heads: Sequence[Tensor]) -> Keys:
        """What all instances of an image share, from the images' maps (C, H, W)."""
        return [(F.relu(self.phi(x)), F.conv2d(F.relu(self.g(x)), self.bottleneck.weight)) for x in heads]

    def forward(self, keys: Keys, instance: Tensor, role: str, image: Tensor) -> tuple[Tensor, Tensor]:
        """Context features (N, C) and attention (N, 1, H, W) of instances.

        Args:
            keys: see `keys`.
            instance: (N, features).
            role: ``human`` or ``object``.
            image: (N,) which image each instance is in.

        Returns:
            context; attention, which is (N, 1, 0, 0) where images differ in size.
        """
        query = self.queries(instance, role)
        shapes = {phi.shape[1:] for phi, _ in keys}
        context = instance.new_zeros(len(instance), self.bottleneck.out_channels)
        seen = instance.new_zeros(len(instance), 1, *(shapes.pop() if len(shapes) == 1 else (0, 0)))
        for i, (phi, values) in enumerate(keys):
            rows = (image == i).nonzero()[:, 0]
            if not len(rows):
                continue
            found, attention = self.look(phi, values, query[rows])
            context = context.index_copy(0, rows, found.to(context))
            if seen.shape[-1]:
                seen[rows] = attention.detach().view(len(rows), 1, *phi.shape[1:]).to(seen)
        return context, seen

    def queries(self, instance: Tensor, role: str) -> Tensor:
        """(N, features) of instances -> (N, K)."""
        return self.dropout(F.relu(self.query[role](instance)))

    def look(self, phi: Tensor, values: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
        """Context features (N, C) and attention (N, H W) of queries (N, K) in one image; `phi`, `values`: its `Keys`.

        The bottleneck is linear up to its ReLU, so weighing what comes out of it is weighing what goes in. The
        published code takes the mean over the cells, not the sum.
        """
        bias = self.bottleneck.bias
        assert bias is not None
        attention = (query @ phi.flatten(1) / len(phi)).softmax(1)
        weighed = values.flatten(1)[None] * attention[:, None] + bias[:, None]
        return F.relu(weighed).mean(2), attention


class Discriminator(nn.Module):
    """Whether a pair interacts: human and maps in one branch, object and context in the other.

    Args:
        first: width of what the first branch reads, without the pose map's features.
        second: width of what the second branch reads.
        widths: of the layers.
    """

    def __init__(self, first: int, second: int, widths: Widths) -> None:
        super().__init__()
        hidden = widths.hidden
        self.pose = MapStream(1, widths.pose, widths.shrink)
        self.fc8_1, self.fc8_2 = nn.Linear(first + widths.flat(widths.pose[1]), hidden), nn.Linear(second, hidden)
        self.fc9 = nn.Linear(2 * hidden, hidden)
        self.dropout = nn.Dropout(0.2)

    def forward(self, first: Tensor, second: Tensor, pose_map: Tensor) -> Tensor:
        """(N, hidden) features of pairs.

        Args:
            first: (N, ...) what the first branch reads, without the pose map's features.
            second: (P, ...) what the second branch reads; rows from P on have no object and use the first branch twice.
            pose_map: (N, 1, 64, 64).
        """
        one = self.dropout(F.relu(self.fc8_1(torch.cat([first, self.pose(pose_map)], 1))))
        two = self.dropout(F.relu(self.fc8_2(second)))
        objects = two.shape[0]
        if objects < one.shape[0]:
            two = torch.cat([two, one[objects:]])
        return self.dropout(F.relu(self.fc9(torch.cat([one, two], 1))))

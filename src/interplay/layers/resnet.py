"""Residual networks with frozen batch normalisation, as detectors use them (He et al., CVPR 2016).

The blocks are torchvision's (version 1.5: the stride sits in the 3x3 convolution), and so are the parameter names, so
that torchvision's weights fit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.ops import FrozenBatchNorm2d

from interplay.layers.names import ResNetName

_LAYOUTS: dict[str, tuple[type[BasicBlock | Bottleneck], tuple[int, ...], int]] = {
    "resnet50": (Bottleneck, (3, 4, 6, 3), 64),
    "resnet101": (Bottleneck, (3, 4, 23, 3), 64),
    "resnet-nano": (BasicBlock, (1, 1, 1), 24),
}
"""Block, blocks per stage and width of the stem."""


class ResNet(nn.Module):
    """The convolutional part of a residual network.

    ``resnet50`` and ``resnet101`` keep the batch normalisation of their pretraining fixed. ``resnet-nano`` is ours:
    eight layers that train from nothing, with group normalisation, and without the last stage: it is for small images,
    and things in small images are small. Its normalisation takes means over the whole map, so that padding would
    change what it sees: give it images of their own size (`maps_by_size`).

    Args:
        name: the variant.
        frozen_stages: stages that are not trained, the stem counting as the first: 2 freezes stem and ``layer1``, as
            DETR and its descendants do.
    """

    def __init__(self, name: ResNetName, frozen_stages: int = 0) -> None:
        super().__init__()
        block, depths, width = _LAYOUTS[name]
        norm: Callable[[int], nn.Module] = partial(nn.GroupNorm, 8) if name == "resnet-nano" else FrozenBatchNorm2d
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = norm(width)
        channels = width
        for i, depth in enumerate(depths):
            planes, stride = width * 2**i, 1 if i == 0 else 2
            self.add_module(f"layer{i + 1}", _stage(block, channels, planes, depth, stride, norm))
            channels = planes * block.expansion
        self.channels, self.depth = channels, len(depths)
        self.padding_matters = name == "resnet-nano"
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        for stage in [[self.conv1, self.bn1], *([m] for m in self.stages)][:frozen_stages]:
            for module in stage:
                module.requires_grad_(False)

    @property
    def stride(self) -> int:
        """Pixels of the image per cell of the result."""
        return 2 ** (self.depth + 1)

    @property
    def stages(self) -> list[nn.Module]:
        """``layer1`` .. ``layer4``, of strides 4, 8, 16 and 32; nano has three."""
        return [getattr(self, f"layer{i + 1}") for i in range(self.depth)]

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, channels, H / stride, W / stride), both rounded up."""
        return self.levels(images)[-1]

    def levels(self, images: Tensor) -> list[Tensor]:
        """What each of the `stages` sees of images (B, 3, H, W)."""
        x = F.relu(self.bn1(self.conv1(images)), inplace=True)
        x = F.max_pool2d(x, 3, stride=2, padding=1)
        found = []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found


def fine_map(net: ResNet, images: Tensor) -> Tensor:
    """The last two levels as one map of the finer one's stride, since things in small images are small.

    (B, 3, H, W) -> (B, 144, H / 8, W / 8) for ``resnet-nano``, both rounded up.
    """
    # channels last is a quarter faster on CPUs
    fine, coarse = net.levels(images.contiguous(memory_format=torch.channels_last))[-2:]
    larger = F.interpolate(coarse, fine.shape[-2:], mode="bilinear", align_corners=False)
    return torch.cat([fine, larger], 1)


def maps_by_size(backbone: Callable[[Tensor], Tensor], images: Sequence[Tensor]) -> list[Tensor]:
    """The map (C, h, w) of every image (3, H, W); those of one size go through the backbone together."""
    found: dict[int, Tensor] = {}
    for shape in dict.fromkeys(image.shape for image in images):
        chosen = [i for i, image in enumerate(images) if image.shape == shape]
        found |= dict(zip(chosen, backbone(torch.stack([images[i] for i in chosen])), strict=True))
    return [found[i] for i in range(len(images))]


def _stage(
    block: type[BasicBlock | Bottleneck],
    channels: int,
    planes: int,
    depth: int,
    stride: int,
    norm: Callable[[int], nn.Module],
) -> nn.Sequential:
    out = planes * block.expansion
    shortcut = None
    if stride != 1 or channels != out:
        shortcut = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), norm(out))
    first = block(channels, planes, stride, shortcut, norm_layer=norm)
    return nn.Sequential(first, *(block(out, planes, norm_layer=norm) for _ in range(depth - 1)))


@torch.no_grad()
def fold_frozen_batch_norm(module: nn.Module) -> None:
    """Merge every frozen batch normalisation into the convolution before it, in place.

    The result computes the same with fewer passes over memory, and can no longer load the weights of the unfolded
    network. Pairs are recognised by torchvision's names: ``conv1`` and ``bn1``, ``downsample.0`` and ``downsample.1``.
    """
    for parent in module.modules():
        children = dict(parent.named_children())
        for name, norm in children.items():
            if not isinstance(norm, FrozenBatchNorm2d):
                continue
            convolution = children["0" if name == "1" else name.replace("bn", "conv")]
            assert isinstance(convolution, nn.Conv2d)
            convolution.weight, convolution.bias = fuse_conv_bn_weights(
                convolution.weight,
                convolution.bias,
                norm.running_mean,
                norm.running_var,
                norm.eps,
                norm.weight,
                norm.bias,
            )
            setattr(parent, name, nn.Identity())

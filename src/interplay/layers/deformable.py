"""Modulated deformable convolution (Zhu et al., "Deformable ConvNets v2", CVPR 2019) without a compiled extension.

On a GPU it is `torchvision.ops.deform_conv2d`. On a CPU `sample_and_multiply` does the same five times faster or more,
with gradients and without: it fetches the four neighbours of every sampling point as whole rows of a channels-last
map and leaves the rest to matrix products.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import deform_conv2d

PIXELS_PER_BLOCK = 1024
"""Output pixels computed at once: small enough for the sampled features to stay in the cache."""


def modulated_deform_conv2d(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Convolution with stride 1 and "same" padding whose sampling points move and are weighted, per output pixel.

    Args:
        x: (B, C, H, W) features; zero outside the map.
        offset: (B, 2 k k, H, W) shift of each point from the regular k x k grid, in pixels; channels 2p and 2p + 1
            are dy and dx of point ``p = k * row + column``.
        mask: (B, k k, H, W) weight of each point.
        weight: (O, C, k, k), k odd.
        bias: (O,) or None.

    Returns:
        (B, O, H, W) in the type of `x`; features between pixels are interpolated bilinearly, in float32.
    """
    with torch.autocast(x.device.type, enabled=False):
        if x.device.type == "cpu" and not torch.compiler.is_exporting():  # other runtimes have an operation for it
            return sample_and_multiply(x, offset, mask, weight, bias)
        x32, offset, mask, weight = x.float(), offset.float(), mask.float(), weight.float()  # it knows no bfloat16
        bias = None if bias is None else bias.float()
        return deform_conv2d(x32, offset, weight, bias, padding=weight.shape[-1] // 2, mask=mask).to(x.dtype)


def sample_and_multiply(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """`modulated_deform_conv2d` as gathered rows and matrix products; arguments and result are the same."""
    batch, channels, height, width = x.shape
    points = weight.shape[-1] ** 2
    rows, weights = bilinear_neighbours(offset.float(), mask.float(), weight.shape[-1])
    table = x.permute(0, 2, 3, 1).reshape(-1, channels).float().contiguous()
    matrix = weight.permute(0, 2, 3, 1).reshape(len(weight), -1).to(x.dtype)  # (O, k k C)
    bias = None if bias is None else bias.to(x.dtype)
    pixels = batch * height * width
    # Blocks fit the cache. For gradients the sampled features are kept anyway, and every block would cost a pass
    # over the whole map in the backward direction.
    step = pixels if torch.is_grad_enabled() else PIXELS_PER_BLOCK
    blocks = []
    for start in range(0, pixels, step):
        part = slice(start * points, (start + step) * points)
        sampled = F.embedding_bag(rows[part], table, per_sample_weights=weights[part], mode="sum")
        blocks.append(F.linear(sampled.view(-1, matrix.shape[1]).to(x.dtype), matrix, bias))
    return torch.cat(blocks).view(batch, height, width, -1).permute(0, 3, 1, 2)


def bilinear_neighbours(offset: Tensor, mask: Tensor, kernel_size: int) -> tuple[Tensor, Tensor]:
    """Where to read and how much of it: the four pixels around every sampling point.

    Returns:
        (B H W k k, 4) int32 rows of the flattened (B H W) map and their float weights, ordered by output pixel, then
        point. Neighbours outside the map have weight 0 (and the index of a pixel inside).
    """
    batch, points, height, width = mask.shape
    reach = torch.arange(kernel_size, device=mask.device) - kernel_size // 2
    grid_y, grid_x = reach.repeat_interleave(kernel_size), reach.repeat(kernel_size)  # (k k)
    shift = offset.permute(0, 2, 3, 1).reshape(batch, height, width, points, 2)
    y = shift[..., 0] + (torch.arange(height, device=mask.device)[:, None, None] + grid_y)
    x = shift[..., 1] + (torch.arange(width, device=mask.device)[:, None] + grid_x)
    rows, row_weights = _two_neighbours(y, height)
    columns, column_weights = _two_neighbours(x, width)
    row_weights = row_weights * mask.permute(0, 2, 3, 1).contiguous()[..., None]
    image = torch.arange(batch, device=mask.device, dtype=torch.int32).view(-1, 1, 1, 1, 1) * (height * width)
    index = (rows * width + image)[..., :, None] + columns[..., None, :]  # (B, H, W, k k, 2, 2)
    return index.view(-1, 4), (row_weights[..., :, None] * column_weights[..., None, :]).view(-1, 4)


def _two_neighbours(position: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Whole positions before and after a coordinate (int32, inside 0..size-1) and their weights, both (..., 2)."""
    # Beyond the border every weight is 0 anyway; the clamp keeps wild offsets inside the range of int32.
    position = position.clamp(-2, size + 1)
    before = position.floor()
    fraction = position - before
    low = (1 - fraction) * ((before >= 0) & (before < size))
    high = fraction * ((before >= -1) & (before < size - 1))
    index = before.int()
    neighbours = torch.stack([index, index + 1], -1).clamp_(0, size - 1)
    return neighbours, torch.stack([low, high], -1)


class ModulatedDeformConv2d(nn.Module):
    """Modulated deformable convolution to which the sampling points are given.

    Args:
        in_channels, out_channels: C and O.
        kernel_size: k, odd; k * k points are sampled.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        bound = 1 / math.sqrt(self.weight[0].numel())
        nn.init.uniform_(self.weight, -bound, bound)

    def forward(self, x: Tensor, offset: Tensor, mask: Tensor) -> Tensor:
        """(B, C, H, W), (B, 2 k k, H, W) offsets and (B, k k, H, W) weights -> (B, O, H, W)."""
        return modulated_deform_conv2d(x, offset, mask, self.weight, self.bias)


class SamplingPoints(nn.Module):
    """The convolution that predicts sampling points: shifts and weights of a k x k deformable convolution.

    Starts at the regular grid with weight 0.5. Its kernel is as large as the one it steers.
    """

    def __init__(self, in_channels: int, kernel_size: int) -> None:
        super().__init__()
        self.points = kernel_size**2
        self.predict = nn.Conv2d(in_channels, 3 * self.points, kernel_size, padding=kernel_size // 2)
        nn.init.zeros_(self.predict.weight)
        nn.init.zeros_(self.predict.bias)  # type: ignore[arg-type]  # there is a bias

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) -> offsets (B, 2 k k, H, W) in pixels and weights (B, k k, H, W) in 0..1."""
        out = self.predict(x)
        return out[:, : 2 * self.points], out[:, 2 * self.points :].sigmoid()


class SelfDeformConv2d(nn.Module):
    """Modulated deformable convolution that predicts its sampling points from its own input."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int = 3) -> None:
        super().__init__()
        self.points = SamplingPoints(in_channels, kernel_size)
        self.convolution = ModulatedDeformConv2d(in_channels, out_channels, kernel_size)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, O, H, W)."""
        return self.convolution(x, *self.points(x))

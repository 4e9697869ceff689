"""Sine position embeddings of feature maps, and which of their cells lie inside the image."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def valid_cells(sizes: Tensor, padded: tuple[int, int], cells: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Rows and columns of a feature map that lie inside the unpadded image.

    The padding mask is resized with nearest neighbour (floor rule): a cell counts if the first pixel it covers does.

    Args:
        sizes: (B, 2) height, width of each image in the padded batch.
        padded: height, width of the batch.
        cells: height h, width w of the feature map.

    Returns:
        (B, h) rows and (B, w) columns, bool.
    """
    inside = []
    for axis in range(2):
        pixels = torch.arange(padded[axis], device=sizes.device) < sizes[:, axis, None]
        inside.append(F.interpolate(pixels[:, None].float(), size=cells[axis])[:, 0].bool())
    return inside[0], inside[1]


def sine_positions(rows: Tensor, columns: Tensor, width: int, temperature: float = 10000.0) -> Tensor:
    """Position embeddings of the cells of a feature map, y before x (DETR, supplement A.4).

    A cell's coordinate is its 1-based place among the valid cells of its axis, divided by their number, times 2 pi.
    Cells outside the image are masked wherever the embedding is used.

    Args:
        rows: (B, h) bool from `valid_cells`.
        columns: (B, w) bool.
        width: D, a multiple of 4.

    Returns:
        (B, h w, D) float32.
    """
    y, x = (_sine(_coordinates(axis), width // 2, temperature) for axis in (rows, columns))
    height, columns_count = y.shape[1], x.shape[1]
    y = y[:, :, None].expand(-1, -1, columns_count, -1)
    x = x[:, None].expand(-1, height, -1, -1)
    return torch.cat([y, x], -1).flatten(1, 2)


def _coordinates(valid: Tensor) -> Tensor:
    count = valid.cumsum(1, dtype=torch.float32)
    return count / (count[:, -1:] + 1e-6) * (2 * math.pi)


def _sine(coordinates: Tensor, width: int, temperature: float) -> Tensor:
    """(B, n) -> (B, n, width): sine and cosine of falling frequencies, interleaved."""
    exponent = torch.arange(0, width, 2, device=coordinates.device, dtype=torch.float32) / width
    angles = coordinates[..., None] / temperature**exponent
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(-2)

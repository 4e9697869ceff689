"""Crops of a feature map by bilinear samples, as TensorFlow's ``crop_and_resize`` takes them.

Neither RoI pooling nor RoIAlign: the samples lie on the box's own edges, and one that falls outside the map is 0.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def crop_and_resize(features: Tensor, boxes: Tensor, stride: int = 16, size: int = 7) -> Tensor:
    """Sample a `size` x `size` grid, end points included, from each box.

    Args:
        features: (B, C, H, W).
        boxes: (N, 5) index of the image, x1, y1, x2, y2 in pixels; a mirrored box (x1 > x2) gives a mirrored crop. No
            gradient goes to the boxes.
        stride: pixels per cell of the map.
        size: samples along each side.

    Returns:
        (N, C, size, size).
    """
    image = boxes[:, 0].long()
    crops = features.new_zeros(len(boxes), features.shape[1], size, size)
    for i in range(features.shape[0]):
        rows = (image == i).nonzero()[:, 0]
        if len(rows):
            crops[rows] = crop_map(features[i], boxes[rows, 1:], stride, size).to(crops)
    return crops


def crop_map(features: Tensor, boxes: Tensor, stride: int = 16, size: int = 7) -> Tensor:
    """The same of a single map (C, H, W) with boxes (N, 4): (N, C, size, size)."""
    channels, height, width = features.shape
    boxes = boxes.detach().float()
    steps = torch.arange(size, device=features.device, dtype=torch.float32) / (size - 1)
    x1, y1, x2, y2 = (boxes / stride).T
    x = x1[:, None] + steps * (x2 - x1)[:, None]  # (N, size)
    y = y1[:, None] + steps * (y2 - y1)[:, None]
    inside = ((y >= 0) & (y <= height - 1))[:, :, None] & ((x >= 0) & (x <= width - 1))[:, None, :]
    grid = torch.stack(
        [
            (2 * x / max(width - 1, 1) - 1)[:, None, :].expand(-1, size, -1),
            (2 * y / max(height - 1, 1) - 1)[:, :, None].expand(-1, -1, size),
        ],
        -1,
    )
    # all boxes of an image as one tall grid: the map is read once
    tall = grid.reshape(1, -1, size, 2)
    # 16 bits are too few for a box's pixels
    found = F.grid_sample(features[None].float(), tall, mode="bilinear", padding_mode="border", align_corners=True)
    return (found[0].reshape(channels, -1, size, size).transpose(0, 1) * inside[:, None]).to(features.dtype)

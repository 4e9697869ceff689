"""The spatial configuration of person-object pairs as numbers.

TIN draws the two boxes into a 64 x 64 map and reads it with a small convolutional network (Li et al., CVPR 2019,
section 3.2). The same configuration is given here directly, as ratios that such a network would have to measure.
"""

from __future__ import annotations

import torch
from torch import Tensor

REFERENCE_SIDE = 640.0
"""Boxes are scaled so that the longer side of the image has this many pixels: what COCO's images have."""

NUM_FEATURES = 37


def scale_boxes(boxes: Tensor, width: int, height: int) -> Tensor:
    """Boxes (N, 4) in pixels of a `width` x `height` image, as if its longer side had `REFERENCE_SIDE` pixels."""
    return boxes * (REFERENCE_SIDE / max(width, height, 1))


def pair_geometry(people: Tensor, boxes: Tensor) -> Tensor:
    """Features of every pair of a person with every box.

    Args:
        people: (B, H, 4) x1, y1, x2, y2, scaled as by `scale_boxes`.
        boxes: (B, N, 4).

    Returns:
        (B, H, N, `NUM_FEATURES`), each in -6..6: edges and centres of the object relative to the person's box and
        size, size and area ratios, shapes, overlap, gap, distance, and both boxes' place and size in the image.
    """
    human, other = torch.broadcast_tensors(people[:, :, None], boxes[:, None])
    human_size = (human[..., 2:] - human[..., :2]).clamp_min(1)
    object_size = (other[..., 2:] - other[..., :2]).clamp_min(1)
    human_centre, object_centre = (human[..., 2:] + human[..., :2]) / 2, (other[..., 2:] + other[..., :2]) / 2
    human_area, object_area = human_size.prod(-1, keepdim=True), object_size.prod(-1, keepdim=True)
    overlap = torch.minimum(human[..., 2:], other[..., 2:]) - torch.maximum(human[..., :2], other[..., :2])
    intersection = overlap.clamp_min(0).prod(-1, keepdim=True)
    offset = object_centre - human_centre
    distance = (offset / human_area.sqrt()).norm(dim=-1, keepdim=True)
    features = [
        _compress((other[..., :2] - human[..., :2]) / human_size),
        _compress((other[..., 2:] - human[..., 2:]) / human_size),
        _compress((other[..., :2] - human[..., 2:]) / human_size),
        _compress((other[..., 2:] - human[..., :2]) / human_size),
        _compress(offset / human_size),
        _compress(offset / object_size),
        torch.log(object_size / human_size),
        torch.log(human_size[..., :1] / human_size[..., 1:]),
        torch.log(object_size[..., :1] / object_size[..., 1:]),
        torch.log(object_area / human_area),
        intersection / human_area,
        intersection / object_area,
        intersection / (human_area + object_area - intersection),
        _compress((-overlap).clamp_min(0) / human_size),
        torch.log1p(distance),
        (offset / human_size).abs().clamp_max(3),
        human / (REFERENCE_SIDE / 2) - 1,
        other / (REFERENCE_SIDE / 2) - 1,
        torch.log(human_size / 100),
        torch.log(object_size / 100),
    ]
    return torch.cat(features, -1).clamp(-6, 6)


def confidence(scores: Tensor) -> Tensor:
    """Detection scores 0..1 as log-odds in -1..1, so that 0.9 and 0.99 differ as much as 0.01 and 0.1."""
    return torch.logit(scores.clamp(0.0025, 0.9975)) / 6


def _compress(values: Tensor) -> Tensor:
    """Logarithmic far from 0, linear near it."""
    return values.sign() * torch.log1p(2 * values.abs())

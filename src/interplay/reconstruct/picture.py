"""Points of an object in the working picture, and how their places there change as the points move."""

from __future__ import annotations

import torch
from torch import Tensor

from .scene import Problem

NEAREST = 0.05
"""Metres before the camera, from which on a point is in the picture."""


def picture_rows(problem: Problem, points: Tensor) -> Tensor:
    """(B, K, 2, 3): how points' places in the picture, in metres, change as they move."""
    camera, depth = problem.camera, points[..., 2].clamp(min=NEAREST)
    focal = points.new_tensor(camera.focal) * problem.metres
    rows = torch.zeros(*points.shape[:2], 2, 3)
    rows[..., 0, 0] = focal[0] / depth
    rows[..., 1, 1] = focal[1] / depth
    rows[..., 2] = -focal * points[..., :2] / depth[..., None] ** 2
    return rows


def cell(problem: Problem, pixels: Tensor) -> Tensor:
    """Column and row (..., 2) of the working picture's pixel that is nearest to points (..., 2) of it."""
    height, width = problem.size
    return torch.minimum((pixels - 0.5).round(), pixels.new_tensor([width - 1, height - 1])).clamp(min=0).long()


def gather(points: Tensor, index: Tensor) -> Tensor:
    """(B, K, 3 or 2) of points (B, N, 3 or 2) by index (B, K)."""
    return torch.gather(points, 1, index[..., None].expand(-1, -1, points.shape[-1]))

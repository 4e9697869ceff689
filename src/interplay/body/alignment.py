"""Rotations as six numbers, similarity transforms, and the transform between two sets of points.

Points are rows and transforms are applied from the right, as in the published fit: ``x' = s * x @ R + t``.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Similarity(NamedTuple):
    """A rotation, translation and scale.

    Attributes:
        R: (..., 3, 3), applied to rows from the right.
        t: (..., 3).
        s: (...).
    """

    R: Tensor
    t: Tensor
    s: Tensor


def rotation_from_6d(numbers: Tensor) -> Tensor:
    """Rotations from six numbers: the first two columns, made orthonormal.

    Args:
        numbers: (..., 6), the two columns interleaved: (..., 3, 2) row by row.

    Returns:
        (..., 3, 3).

    Source: Zhou et al., On the Continuity of Rotation Representations in Neural Networks, CVPR 2019, equation 15.
    """
    columns = numbers.reshape(*numbers.shape[:-1], 3, 2)
    a, b = columns[..., 0], columns[..., 1]
    first = torch.nn.functional.normalize(a, dim=-1)
    second = torch.nn.functional.normalize(b - (first * b).sum(-1, keepdim=True) * first, dim=-1)
    return torch.stack([first, second, torch.linalg.cross(first, second)], -1)


def rotation_to_6d(rotation: Tensor) -> Tensor:
    """The six numbers (..., 6) of rotations (..., 3, 3); the inverse of `rotation_from_6d`."""
    return rotation[..., :2].reshape(*rotation.shape[:-2], 6)


def transformed(points: Tensor, R: Tensor, t: Tensor, s: Tensor | float = 1.0) -> Tensor:
    """Points (..., N, 3) scaled, turned and moved: ``s * x @ R + t``; R is (..., 3, 3), t (..., 3) and s (...)."""
    scale = s[..., None, None] if isinstance(s, Tensor) and s.ndim else s
    return (points * scale) @ R + t[..., None, :]


def align(
    source: Tensor,
    target: Tensor,
    weights: Tensor | None = None,
    scale: bool = False,
    reflection: bool = False,
    published_behaviour: bool = False,
) -> Similarity:
    """The similarity that brings points nearest to others, in the sense of least squares.

    Args:
        source, target: (..., N, 3); the n-th points belong together.
        weights: (..., N), 0 or more; equal by default.
        scale: also find the scale; otherwise it is 1.
        reflection: allow mirroring.
        published_behaviour: square the weights around the means, as PyTorch3D's
            ``corresponding_points_alignment`` does.

    Source: Umeyama, Least-squares estimation of transformation parameters, PAMI 1991.
    """
    w = torch.ones_like(source[..., 0]) if weights is None else weights
    total = w.sum(-1, keepdim=True).clamp(min=1e-9)
    mean_source = (w[..., None] * source).sum(-2) / total
    mean_target = (w[..., None] * target).sum(-2) / total
    factor = (w if published_behaviour else w.sqrt())[..., None]
    x = (source - mean_source[..., None, :]) * factor
    y = (target - mean_target[..., None, :]) * factor
    u, sizes, v = torch.linalg.svd(x.transpose(-1, -2) @ y / total[..., None])
    last = torch.ones_like(sizes)
    if not reflection:
        last[..., -1] = torch.linalg.det(u @ v).sign()
    rotation = u @ (last[..., None] * v)
    s = torch.ones_like(total[..., 0])
    if scale:
        spread = (x**2).sum((-1, -2)) / total[..., 0]
        s = (last * sizes).sum(-1) / spread.clamp(min=1e-9)
    translation = mean_target - s[..., None] * (mean_source[..., None, :] @ rotation)[..., 0, :]
    return Similarity(rotation, translation, s)

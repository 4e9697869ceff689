"""Differentiable box geometry."""

from __future__ import annotations

import torch
from torch import Tensor


def generalized_iou(a: Tensor, b: Tensor) -> Tensor:
    """Generalised intersection over union (Rezatofighi et al., CVPR 2019), -1..1.

    Args:
        a, b: (..., 4) x1, y1, x2, y2 that broadcast; ``a[:, None]`` and ``b[None]`` give all pairs.

    Returns:
        (...); two boxes without any extent give 0.
    """
    area_a = (a[..., 2:] - a[..., :2]).prod(-1)
    area_b = (b[..., 2:] - b[..., :2]).prod(-1)
    overlap = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).prod(-1)
    union = area_a + area_b - overlap
    tiny = torch.finfo(a.dtype).tiny  # only boxes without extent are that small
    return overlap / union.clamp(min=tiny) - (hull - union) / hull.clamp(min=tiny)

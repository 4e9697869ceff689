"""Where the target of an action is, relative to the person (Equation 2)."""

from __future__ import annotations

import torch
from torch import Tensor


def relative_places(boxes: Tensor, humans: Tensor) -> Tensor:
    """Where boxes are relative to people (Equation 2), x and y being the boxes' centres.

    Args:
        boxes, humans: (..., 4) x1, y1, x2, y2; shapes that broadcast.

    Returns:
        (..., 4) distance in the person's widths and heights, logarithm of the ratio of widths and of heights.
    """
    size, own = (x[..., 2:] - x[..., :2] for x in (boxes, humans))
    centre, middle = ((x[..., 2:] + x[..., :2]) / 2 for x in (boxes, humans))
    size, own = size.clamp(min=1), own.clamp(min=1)
    return torch.cat([(centre - middle) / own, (size / own).log()], -1)


def placed_boxes(places: Tensor, humans: Tensor) -> Tensor:
    """The inverse of `relative_places`: boxes (..., 4)."""
    own, middle = humans[..., 2:] - humans[..., :2], (humans[..., 2:] + humans[..., :2]) / 2
    centre = places[..., :2] * own + middle
    half = places[..., 2:].clamp(-5, 5).exp() * own / 2
    return torch.cat([centre - half, centre + half], -1)

"""Contact of vertices as masks in views can show it: what a network that draws masks can be compared with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F


def as_masks(
    scores: NDArray[Any], pix_to_face: Any, bary: Any, faces: Any, side: int, lift: Callable[..., Any]
) -> NDArray[np.float32]:
    """Scores of vertices, drawn as masks of fewer pixels than the views have, and lifted again.

    Args:
        scores: (N,), 0..1.
        pix_to_face, bary, faces: (V, S, S), (V, S, S, 3) and (F, 3); see `interplay.body.lifting`.
        side: pixels on a side of the masks.
        lift: `lift_human` or `lift_object`.

    Returns:
        (N,)
    """
    table, weights = torch.as_tensor(pix_to_face), torch.as_tensor(bary)
    corners = torch.as_tensor(np.asarray(faces, np.int64))
    there = (table >= 0).float()
    drawn = (torch.from_numpy(scores.astype(np.float32))[corners[table.clamp(min=0)]] * weights).sum(-1) * there
    low, shown = (F.interpolate(each[None], side, mode="area") for each in (drawn, there))
    mask = F.interpolate(low / shown.clamp(min=1e-3), table.shape[-1], mode="bilinear")[0]
    return lift(torch.logit(mask, 1e-4), table, weights, corners, len(scores)).numpy()

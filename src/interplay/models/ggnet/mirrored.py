"""Test-time averaging with the mirrored photograph."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def average_with_mirrored(maps: Mapping[str, Tensor], mirrored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Average maps with those of the mirrored image, turned back.

    Heatmaps are averaged as probabilities (the result is logits again), sizes and offsets as they are; the x of
    offsets changes sign. ``reg`` is the unmirrored image's: a centre's place inside a pixel differs between the two.
    """
    result = {}
    for name in maps:
        ours, other = maps[name], mirrored[name].flip(3)
        if name.startswith("hm"):
            result[name] = torch.logit((ours.sigmoid() + other.sigmoid()) / 2)
        elif name.endswith("offset"):
            sign = torch.tensor([-1.0, 1.0], device=other.device).repeat(other.shape[1] // 2)
            result[name] = (ours + other * sign[:, None, None]) / 2
        else:
            result[name] = ours if name == "reg" else (ours + other) / 2
    return result

"""Pairs with everything that contact by geometry looks at."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from interplay.models.pair_geometry import PairGeometry


@dataclass(frozen=True)
class PairBatch(PairGeometry):
    """P people, each with an object.

    Attributes:
        labels: (P,) class of the object, -1 where it is unknown.
        verbs: (P, V) bool what the person does with it; all false where that is not known.
    """

    labels: Tensor
    verbs: Tensor

    def to(self, device: torch.device | str) -> PairBatch:
        """The same on another device."""
        return PairBatch(**{name: value.to(device, non_blocking=True) for name, value in vars(self).items()})

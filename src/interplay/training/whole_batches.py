"""Training data without images: small numbers, of which a whole batch is made at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

import torch
from torch import Tensor

from interplay.training.task import ExampleKey

Batch = TypeVar("Batch")


class WholeBatches(ABC, Generic[Batch]):
    """Batches that are changed at random, the same for the same places; the common half of such a `TrainingData`.

    Args:
        seed: of all random choices.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __getitem__(self, place: ExampleKey) -> ExampleKey:
        """The place itself: examples are made a batch at a time."""
        return place

    def collate(self, places: Sequence[ExampleKey]) -> Batch:
        """The changed batch."""
        epoch, first = places[0]
        generator = torch.Generator().manual_seed((self.seed * 100_003 + epoch) * 1_000_003 + first)
        return self.batch(torch.tensor([index for _, index in places]), generator)

    @abstractmethod
    def batch(self, indices: Tensor, generator: torch.Generator) -> Batch:
        """The given examples (B,), changed at random."""

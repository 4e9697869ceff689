"""Annotated images as the training reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from interplay.models.one_stage import ImageData
from interplay.training.task import ExampleKey

from .model import mean_colour


@dataclass(frozen=True)
class TintBatch:
    """(B, 3) mean colours and (B, I) which interactions there are."""

    colours: Tensor
    targets: Tensor

    def __len__(self) -> int:
        """Number of images."""
        return len(self.colours)

    def to(self, device: Any) -> TintBatch:
        """The same on another device."""
        return replace(self, colours=self.colours.to(device), targets=self.targets.to(device))


class TintTrainingImages(ImageData):
    """Mean colours of images."""

    def __getitem__(self, place: ExampleKey) -> tuple[Tensor, Tensor]:
        """One example."""
        sample = self.images[place[1]]
        found, vocabulary = sample.interactions, sample.interactions.vocabulary
        there = set(zip(found.verb.tolist(), found.labels[found.object].tolist(), strict=True))
        target = torch.tensor([float(tuple(pair) in there) for pair in vocabulary.interactions.tolist()])
        return mean_colour(sample.image), target

    def collate(self, examples: Sequence[tuple[Tensor, Tensor]]) -> TintBatch:
        """Examples as one batch."""
        colours, targets = zip(*examples, strict=True)
        return TintBatch(torch.stack(colours), torch.stack(targets))

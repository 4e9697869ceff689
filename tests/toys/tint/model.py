"""The network with its loss and its decoding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from interplay import Interactions, Vocabulary
from interplay.layers.normalisers import LossNormaliser
from interplay.models.base import ClassAxes, HoiModel

from .config import TintConfig, TintDescription


class Tint(HoiModel):
    """One linear layer from the mean colour to the interactions; both boxes are the whole picture."""

    config: TintConfig
    system = "tint"
    description_class = TintDescription

    def __init__(self, vocabulary: Vocabulary, config: TintConfig | None = None) -> None:
        super().__init__(vocabulary, config or TintConfig())
        self.classifier = nn.Linear(3, len(vocabulary.interactions), bias=self.config.network.bias)

    def forward(self, colours: Tensor) -> Tensor:
        """(B, 3) mean colours, 0..1 -> (B, I) logits."""
        return self.classifier(colours)

    def loss(self, outputs: Tensor, targets: Tensor, counts: LossNormaliser | None = None) -> dict[str, Tensor]:
        """Binary cross-entropy with (B, I) targets, divided by the number of pictures."""
        number = counts.mean[0] if counts else len(targets)
        total = F.binary_cross_entropy_with_logits(outputs, targets, reduction="sum")
        return {"interaction": self.config.loss.weight * total / number}

    def decode(self, outputs: Tensor, sizes: Tensor, detections: Any = None) -> list[Interactions]:
        """A person and an object for each interaction that is likely enough."""
        found = []
        for scores, (height, width) in zip(outputs.sigmoid().cpu().numpy(), sizes.tolist(), strict=True):
            chosen = np.flatnonzero(scores >= self.config.decoding.min_score)
            verbs, objects = self.vocabulary.interactions[chosen].T
            found.append(
                Interactions(
                    boxes=np.tile(np.array([0, 0, width, height], np.float32), (1 + len(chosen), 1)),
                    labels=np.array([self.vocabulary.person, *objects]),
                    human=np.zeros(len(chosen), int),
                    object=1 + np.arange(len(chosen)),
                    verb=verbs,
                    score=scores[chosen],
                    vocabulary=self.vocabulary,
                )
            )
        return found

    def predict_batch(self, images: Sequence[np.ndarray], detections: Any) -> list[Interactions]:
        """From pixels to interactions."""
        colours = torch.stack([mean_colour(image) for image in images]).to(self.device)
        return self.decode(self(colours), torch.tensor([image.shape[:2] for image in images]))

    def class_axes(self) -> ClassAxes:
        """The classifier's rows."""
        names = self.vocabulary.pair_names(self.vocabulary.interactions)
        return {"classifier.weight": {0: names}, "classifier.bias": {0: names}}

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """All at one learning rate."""
        return {"default": list(self.parameters())}


def mean_colour(image: np.ndarray) -> Tensor:
    """(H, W, 3) uint8 -> (3,) 0..1."""
    return torch.from_numpy(image.reshape(-1, 3).mean(0) / 255).float()

"""What GEN-VLKT returns, and what it learns from."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True)
class GenVlktOutputs:
    """Predictions of one decoder layer for B images and Q queries.

    Attributes:
        human_boxes, object_boxes: (B, Q, 4) centre x, centre y, width, height as fractions of the unpadded image.
        object_logits: (B, Q, C + 1) object classes; the last one is background. Where the vocabulary has interactions
            without object, the last but one says that there is none.
        interaction_logits: (B, Q, I) interaction (or verb) classes, for a sigmoid.
        features: (B, Q, E) interaction features, whose mean over queries mimics the teacher's image embedding.
        auxiliary: the same for the earlier decoder layers, first layer first.
    """

    human_boxes: Tensor
    object_boxes: Tensor
    object_logits: Tensor
    interaction_logits: Tensor
    features: Tensor
    auxiliary: tuple[GenVlktOutputs, ...] = field(default=())

    @property
    def layers(self) -> tuple[GenVlktOutputs, ...]:
        """All decoder layers, the last one last."""
        return (*self.auxiliary, self)


@dataclass(frozen=True)
class PairTargets:
    """What is to be found in one image: T pairs of a person and an object with all that they do.

    Attributes:
        human_boxes, object_boxes: (T, 4) float32 centre x, centre y, width, height as fractions of the image; an
            object box of zeros where no object takes part.
        object_labels: (T,) int64 object class; ``len(vocabulary.objects)`` where no object takes part.
        interactions: (T, I) float32, 1 for each interaction class of the pair.
        verbs: (T, V) float32, 1 for each verb of the pair.
        unknown_people: (U, 4) boxes of people of whom not everything they do is annotated, or None for nobody.
        teacher_image: (3, 224, 224) the image as the teacher reads it, or None.
        teacher_feature: (E,) the teacher's embedding of the image, if it is known beforehand, or None.
    """

    human_boxes: Tensor
    object_boxes: Tensor
    object_labels: Tensor
    interactions: Tensor
    verbs: Tensor
    unknown_people: Tensor | None = None
    teacher_image: Tensor | None = None
    teacher_feature: Tensor | None = None

    def __len__(self) -> int:
        """Number of pairs T."""
        return len(self.object_labels)

    def to(self, device: torch.device | str) -> PairTargets:
        """The same on another device."""
        moved = {
            name: value.to(device, non_blocking=True) if isinstance(value, Tensor) else value
            for name, value in vars(self).items()
        }
        return PairTargets(**moved)

"""Boxes and interactions of several images as padded tensors, and what false detections are drawn from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class SpatialTargets:
    """What the loss of B images with at most N boxes compares with.

    Attributes:
        verbs: (B, N, N, K) bool: verbs of each (person, object).
        labelled: (B, N) bool: people of whom everything they do is annotated.
        told: (B, N, K) bool: of which verbs the annotations tell, with each box as their object. What else a person
            does with it is not known.
    """

    verbs: Tensor
    labelled: Tensor
    told: Tensor

    def known_pairs(self, people: int) -> Tensor:
        """(B, people, N) bool: pairs whose interactions are known, those of other people only where they interact."""
        return self.labelled[:, :people, None] | self.verbs[:, :people].any(-1)


@dataclass
class PairBatch:
    """B images with at most N boxes, people first.

    Attributes:
        boxes: (B, N, 4) x1, y1, x2, y2.
        labels: (B, N) object class, -1 for padding.
        labelled: (B, N) bool: people of whom everything they do is annotated.
        verbs: (B, N, N, K) bool: verbs of each (person, object).
        told: (B, N, K) bool: see `SpatialTargets`.
        detected: (B,) bool: whether the boxes stand for a detector's.
        scores: (B, N) of the detector; 1 for annotated boxes.
    """

    boxes: Tensor
    labels: Tensor
    labelled: Tensor
    verbs: Tensor
    told: Tensor
    detected: Tensor
    scores: Tensor

    @property
    def targets(self) -> SpatialTargets:
        """What the loss compares with."""
        return SpatialTargets(self.verbs, self.labelled, self.told)

    def to(self, device: torch.device | str) -> PairBatch:
        """The same on another device."""
        return PairBatch(**{name: value.to(device, non_blocking=True) for name, value in vars(self).items()})


@dataclass(frozen=True)
class PoolOfBoxes:
    """What false detections are drawn from.

    Attributes:
        boxes, labels: (P, 4) and (P,) of a data set.
        person: the label of people.
        places, objects: (Q, 4) and (Q,) where the objects of interactions are relative to their people, and what.
    """

    boxes: Tensor
    labels: Tensor
    person: int
    places: Tensor
    objects: Tensor

    def joined(self, other: PoolOfBoxes) -> PoolOfBoxes:
        """What is in either, with the same label of people."""
        both = self, other
        return PoolOfBoxes(
            boxes=torch.cat([pool.boxes for pool in both]),
            labels=torch.cat([pool.labels for pool in both]),
            person=self.person,
            places=torch.cat([pool.places for pool in both]),
            objects=torch.cat([pool.objects for pool in both]),
        )


def relative_boxes(people: Tensor, objects: Tensor) -> Tensor:
    """(N, 4) corners of objects in units of their person's width and height, from the person's corner."""
    size = (people[:, 2:] - people[:, :2]).clamp_min(1)
    return (objects - people[:, :2].repeat(1, 2)) / size.repeat(1, 2)

"""A person, an object and how they lie to each other, as numbers that do not depend on where or how large they are."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

NUM_KEYPOINTS = 17
NUM_FEATURES = 3 * NUM_KEYPOINTS + 3 * NUM_KEYPOINTS + 14


@dataclass(frozen=True)
class PairBatch:
    """P people, each with an object.

    Attributes:
        humans, objects: (P, 4) boxes in pixels.
        keypoints: (P, 17, 3) of the people: x, y in pixels, and 1 where it is known, else 0.
        sizes: (P, 2) width and height of the images.
        labels: (P,) class of the object, -1 where it is unknown.
        verbs: (P, V) bool what the person does with it; all false where that is not known.
    """

    humans: Tensor
    objects: Tensor
    keypoints: Tensor
    sizes: Tensor
    labels: Tensor
    verbs: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device | str) -> PairBatch:
        """The same on another device."""
        return PairBatch(**{name: value.to(device, non_blocking=True) for name, value in vars(self).items()})


def pair_features(batch: PairBatch) -> Tensor:
    """(P, `NUM_FEATURES`) numbers around 1 in size.

    Of each keypoint: where it is in the person's box, and whether it is known (3); the way from it to the nearest point
    of the object's box, and whether it is inside (3). Lengths are in the longer side of the person's box. Then the
    object's box in the same units (4), the logarithms of both boxes' sides in these units (4), the shares of each that
    lie in the other (2), and which sides of the person's box are cut off by the picture (4).
    """
    humans, objects = batch.humans, batch.objects
    centre = (humans[:, :2] + humans[:, 2:]) / 2
    side = (humans[:, 2:] - humans[:, :2]).clamp_min(1)
    unit = side.amax(1, keepdim=True)
    known = batch.keypoints[..., 2:]
    points = batch.keypoints[..., :2]
    place = (points - centre[:, None]) / unit[:, None] * known
    nearest = torch.minimum(torch.maximum(points, objects[:, None, :2]), objects[:, None, 2:])
    way = (nearest - points) / unit[:, None]
    inside = (way == 0).all(-1, keepdim=True).float()
    box = ((objects.unflatten(1, (2, 2)) - centre[:, None]) / unit[:, None]).flatten(1)
    other = (objects[:, 2:] - objects[:, :2]).clamp_min(1)
    common = (torch.minimum(humans[:, 2:], objects[:, 2:]) - torch.maximum(humans[:, :2], objects[:, :2])).clamp_min(0)
    shares = common.prod(1, keepdim=True) / torch.stack([side.prod(1), other.prod(1)], 1)
    edge = 0.01 * batch.sizes.amax(1, keepdim=True)
    cut = torch.cat([humans[:, :2] <= edge, humans[:, 2:] >= batch.sizes - edge], 1).float()
    parts = (
        torch.cat([place, known], -1).flatten(1),
        torch.cat([way.clamp(-3, 3) * known, inside * known], -1).flatten(1),
        *(box.clamp(-4, 4), (side / unit).log(), (other / unit).log().clamp(-5, 3), shares, cut),
    )
    return torch.cat(parts, 1)

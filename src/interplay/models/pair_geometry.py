"""A person, an object and how they lie to each other, as numbers that do not depend on where or how large they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from interplay.interactions import Interactions
from interplay.keypoints import MIRRORED
from interplay.models.contact import ContactPair
from interplay.training.sections import Section, Share, Weight

NUM_KEYPOINTS = 17
NUM_FEATURES = 3 * NUM_KEYPOINTS + 3 * NUM_KEYPOINTS + 14
SEEN = 0.2
"""Keypoints that an estimator gives a lower score are not known."""


@dataclass(frozen=True)
class PairGeometry:
    """P people, each with an object.

    Attributes:
        humans, objects: (P, 4) boxes in pixels.
        keypoints: (P, 17, 3) of the people: x, y in pixels, and 1 where it is known, else 0; as annotated
            (`as_annotated`, `as_detected`) the third number is their visibility: 0, 1 (hidden) or 2.
        sizes: (P, 2) width and height of the images.
    """

    humans: Tensor
    objects: Tensor
    keypoints: Tensor
    sizes: Tensor

    def __len__(self) -> int:
        return len(self.humans)


Pairs = TypeVar("Pairs", bound=PairGeometry)


class PairNoiseSection(Section):
    """What a training does to annotated pairs so that they are like a detector's and a pose estimator's.

    Attributes:
        jitter: standard deviation by which every edge of a box moves, relative to the box's size.
        keypoints: standard deviation by which keypoints that are seen move, relative to the person's longer side.
        hidden: the same of keypoints that are hidden, where they are given at all.
        hidden_share: share of the hidden keypoints that are given.
        missed: share of keypoints that are not found.
        no_pose: share of people without any pose.
    """

    jitter: Weight = 0.05
    keypoints: Weight = 0.02
    hidden: Weight = 0.04
    hidden_share: Share = 0.6
    missed: Share = 0.1
    no_pose: Share = 0.1


def pair_features(pairs: PairGeometry) -> Tensor:
    """(P, `NUM_FEATURES`) numbers around 1 in size.

    Of each keypoint: where it is in the person's box, and whether it is known (3); the way from it to the nearest point
    of the object's box, and whether it is inside (3). Lengths are in the longer side of the person's box. Then the
    object's box in the same units (4), the logarithms of both boxes' sides in these units (4), the shares of each that
    lie in the other (2), and which sides of the person's box are cut off by the picture (4).
    """
    humans, objects = pairs.humans, pairs.objects
    centre = (humans[:, :2] + humans[:, 2:]) / 2
    side = (humans[:, 2:] - humans[:, :2]).clamp_min(1)
    unit = side.amax(1, keepdim=True)
    known = pairs.keypoints[..., 2:]
    points = pairs.keypoints[..., :2]
    place = (points - centre[:, None]) / unit[:, None] * known
    nearest = torch.minimum(torch.maximum(points, objects[:, None, :2]), objects[:, None, 2:])
    way = (nearest - points) / unit[:, None]
    inside = (way == 0).all(-1, keepdim=True).float()
    box = ((objects.unflatten(1, (2, 2)) - centre[:, None]) / unit[:, None]).flatten(1)
    other = (objects[:, 2:] - objects[:, :2]).clamp_min(1)
    common = (torch.minimum(humans[:, 2:], objects[:, 2:]) - torch.maximum(humans[:, :2], objects[:, :2])).clamp_min(0)
    shares = common.prod(1, keepdim=True) / torch.stack([side.prod(1), other.prod(1)], 1)
    edge = 0.01 * pairs.sizes.amax(1, keepdim=True)
    cut = torch.cat([humans[:, :2] <= edge, humans[:, 2:] >= pairs.sizes - edge], 1).float()
    parts = (
        torch.cat([place, known], -1).flatten(1),
        torch.cat([way.clamp(-3, 3) * known, inside * known], -1).flatten(1),
        *(box.clamp(-4, 4), (side / unit).log(), (other / unit).log().clamp(-5, 3), shares, cut),
    )
    return torch.cat(parts, 1)


def found_geometry(pairs: Sequence[ContactPair], width: int, height: int) -> PairGeometry:
    """Pairs of one image, all with boxes, as they were found: keypoints with scores, and poses that are not known."""
    keypoints = torch.zeros(len(pairs), NUM_KEYPOINTS, 3)
    for row, pair in zip(keypoints, pairs, strict=True):
        if pair.keypoints is not None and np.isfinite(pair.keypoints).all():
            found = torch.as_tensor(np.asarray(pair.keypoints, np.float32))
            row.copy_(torch.cat([found[:, :2], (found[:, 2:] >= SEEN).float()], 1))
            row[row[:, 2] == 0] = 0
    return PairGeometry(
        humans=torch.as_tensor(np.array([pair.human_box for pair in pairs], np.float32)),
        objects=torch.as_tensor(np.array([pair.object_box for pair in pairs], np.float32)),
        keypoints=keypoints,
        sizes=torch.tensor([[float(width), float(height)]]).expand(len(pairs), 2),
    )


def annotated_pairs(image: Interactions, humans: Sequence[int], objects: Sequence[int]) -> PairGeometry:
    """Pairs of annotated boxes of one image; people without a pose get one that is not in the picture."""
    keypoints = torch.zeros(len(humans), NUM_KEYPOINTS, 3)
    if image.keypoints is not None:
        annotated = np.nan_to_num(np.asarray(image.keypoints, np.float32)[list(humans)])
        whole = np.isfinite(image.keypoints[list(humans)]).all((1, 2))
        keypoints = torch.from_numpy(annotated * whole[:, None, None])
    return PairGeometry(
        humans=torch.from_numpy(np.asarray(image.boxes[list(humans)], np.float32)),
        objects=torch.from_numpy(np.asarray(image.boxes[list(objects)], np.float32)),
        keypoints=keypoints,
        sizes=torch.tensor([[float(image.width or 0), float(image.height or 0)]]).repeat(len(humans), 1),
    )


def flip(pairs: Pairs, chosen: Tensor) -> Pairs:
    """Mirror the `chosen` (P,) of the pairs."""
    width = pairs.sizes[:, :1]
    boxes = [
        torch.where(chosen[:, None], torch.cat([width - b[:, 2:3], b[:, 1:2], width - b[:, :1], b[:, 3:]], 1), b)
        for b in (pairs.humans, pairs.objects)
    ]
    turned = pairs.keypoints[:, list(MIRRORED)]
    turned = torch.cat([torch.where(turned[..., 2:] > 0, width[:, None] - turned[..., :1], 0), turned[..., 1:]], -1)
    keypoints = torch.where(chosen[:, None, None], turned, pairs.keypoints)
    return replace(pairs, humans=boxes[0], objects=boxes[1], keypoints=keypoints)


def as_detected(pairs: Pairs, noise: PairNoiseSection, generator: torch.Generator) -> Pairs:
    """Annotated pairs as a detector and a pose estimator would find them; keypoints' visibility becomes known (1) or
    not (0)."""
    count = len(pairs)

    def chance(*shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=generator)

    boxes = []
    for box in (pairs.humans, pairs.objects):
        side = (box[:, 2:] - box[:, :2]).repeat(1, 2)
        moved = box + noise.jitter * side * torch.randn(count, 4, generator=generator)
        moved = torch.cat([torch.minimum(moved[:, :2], moved[:, 2:]), torch.maximum(moved[:, :2], moved[:, 2:])], 1)
        boxes.append(torch.minimum(moved.clamp_min(0), pairs.sizes.repeat(1, 2)))
    longer = (pairs.humans[:, 2:] - pairs.humans[:, :2]).amax(1)[:, None, None]
    visible = pairs.keypoints[..., 2]
    deviation = torch.where(visible == 1, noise.hidden, noise.keypoints)[..., None] * longer
    points = pairs.keypoints[..., :2] + deviation * torch.randn(count, NUM_KEYPOINTS, 2, generator=generator)
    given = (visible == 2) | ((visible == 1) & (chance(NUM_KEYPOINTS) < noise.hidden_share))
    given &= (chance(NUM_KEYPOINTS) >= noise.missed) & (chance(1) >= noise.no_pose)
    known = given[..., None].float()
    return replace(pairs, humans=boxes[0], objects=boxes[1], keypoints=torch.cat([points * known, known], -1))


def as_annotated(pairs: Pairs) -> Pairs:
    """Annotated pairs whose keypoints are known where they are in the picture, seen or hidden."""
    known = (pairs.keypoints[..., 2:] > 0).float()
    return replace(pairs, keypoints=torch.cat([pairs.keypoints[..., :2] * known, known], -1))

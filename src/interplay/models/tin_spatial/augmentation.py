"""What training does to the boxes of a batch: mirrored, moved, scaled, and made to look like a detector's."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from .batch import PairBatch, PoolOfBoxes
from .geometry import REFERENCE_SIDE
from .recipe import AugmentationSection

_LEAST = 0.1  # smallest detection score that the default detector gives
_DISTRACTOR_PEOPLE = 0.4  # of the false detections added in training, the share that are people


@dataclass(frozen=True)
class DetectorNoise:
    """How a detector's boxes differ from annotated ones.

    Attributes:
        miss: share of boxes that are dropped; with `by_size`, of people.
        jitter: standard deviation of each edge, relative to the box's size.
        most_false: up to this many false detections are added.
        copies: share of people who are found twice; a copy does nothing.
        object_copies: share of other boxes that are found twice; a copy takes part in nothing.
        confused: share of boxes that are found a second time as another class; that one takes part in nothing.
        plausible: share of people with a false object where people have such an object. Only its score tells that it
            is false.
        by_size: objects are missed, and scores are low, the more often the smaller they are, as `object_scores` says.
            False boxes are small, and few images have many. Who is found twice is so in part only, since a detector
            removes near-equal boxes of a class itself.
    """

    miss: float = 0.2
    jitter: float = 0.08
    most_false: int = 6
    copies: float = 0.0
    object_copies: float = 0.0
    confused: float = 0.0
    plausible: float = 0.0
    by_size: bool = False


MEASURED = DetectorNoise(
    miss=0.05, jitter=0.05, most_false=16, copies=0.6, object_copies=0.6, confused=0.6, plausible=0.8, by_size=True
)
"""About what the default detector does on photographs, for images in which all of the noise's `share` is used. They
have more false boxes still, which are small and doubtful."""

# Quantiles (0, 10, 25, 50, 75, 90 and 100 %) of the default detector's scores, from 0.1 on, on photographs: of boxes
# that are annotated with their class, and of others; benchmarks/detector_noise.py measures them.
_QUANTILES = torch.tensor([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0])
_PERSON_SCORES = torch.tensor([0.4, 0.74, 0.87, 0.96, 0.98, 0.99, 1.0])
_OBJECT_SCORES = torch.tensor([0.1, 0.15, 0.35, 0.8, 0.93, 0.97, 1.0])
_FALSE_PERSON_SCORES = torch.tensor([0.1, 0.11, 0.14, 0.24, 0.48, 0.78, 0.95])
_FALSE_OBJECT_SCORES = torch.tensor([0.1, 0.11, 0.12, 0.15, 0.22, 0.37, 0.9])


def draw_scores(people: Tensor, true: Tensor, generator: torch.Generator) -> Tensor:
    """Detection scores for boxes that are people or not, and true or false ((...,) bool each)."""
    at = torch.rand(people.shape, generator=generator)
    person = torch.where(true, _at(_PERSON_SCORES, at), _at(_FALSE_PERSON_SCORES, at))
    other = torch.where(true, _at(_OBJECT_SCORES, at), _at(_FALSE_OBJECT_SCORES, at))
    return torch.where(people, person, other)


def object_scores(side: Tensor, generator: torch.Generator) -> Tensor:
    """Scores that the default detector gives to objects by their size; those below `_LEAST` are missed.

    Fitted to the 29 objects found on 23 photographs and the 4 missed there: the log-odds are normal about a line over
    the logarithm of the size.

    Args:
        side: (...,) as of `_side`.
        generator: of what is random.
    """
    return torch.sigmoid(3.4 + 1.5 * side.log() + 2 * torch.randn(side.shape, generator=generator))


def _doubtful_scores(people: Tensor, side: Tensor, generator: torch.Generator) -> Tensor:
    """Scores of false boxes by size: their log-odds above those of `_LEAST` are exponential, more for large objects."""
    excess = torch.where(people, 1.4, 0.55 + 2.5 * side) * -torch.rand(side.shape, generator=generator).log()
    return torch.sigmoid(excess + math.log(_LEAST / (1 - _LEAST))).clamp_max(0.99)


def _side(boxes: Tensor) -> Tensor:
    """(...,) square root of the area of boxes (..., 4), as a share of the image's longer side."""
    return (boxes[..., 2:] - boxes[..., :2]).clamp_min(1).prod(-1).sqrt() / REFERENCE_SIDE


def _at(values: Tensor, quantile: Tensor) -> Tensor:
    """Values at quantiles, linear between the known ones."""
    right = torch.searchsorted(_QUANTILES, quantile).clamp(1, len(values) - 1)
    low, high = _QUANTILES[right - 1], _QUANTILES[right]
    return values[right - 1] + (values[right] - values[right - 1]) * (quantile - low) / (high - low)


def flip(batch: PairBatch, chosen: Tensor) -> PairBatch:
    """Mirror the chosen images (B,) left to right, about the middle of their boxes."""
    there = batch.labels >= 0
    left = torch.where(there, batch.boxes[..., 0], torch.inf).amin(1)
    right = torch.where(there, batch.boxes[..., 2], -torch.inf).amax(1)
    x1, y1, x2, y2 = batch.boxes.unbind(-1)
    total = (left + right)[:, None]
    mirrored = torch.stack([total - x2, y1, total - x1, y2], -1)
    return replace(batch, boxes=torch.where(chosen[:, None, None], mirrored, batch.boxes))


def rescale(batch: PairBatch, amount: float, generator: torch.Generator) -> PairBatch:
    """Scale by up to ``exp(+-amount)`` and shift each image's boxes together, as if it were framed differently."""
    count = len(batch.boxes)
    scale = torch.exp((torch.rand(count, 1, 1, generator=generator) * 2 - 1) * amount)
    shift = (torch.rand(count, 1, 2, generator=generator) * 2 - 1) * amount * 100
    return replace(batch, boxes=batch.boxes * scale + shift.repeat(1, 1, 2))


def jitter(boxes: Tensor, deviation: Tensor | float, generator: torch.Generator) -> Tensor:
    """Move every edge of (B, N, 4) by a normal draw, relative to the box's size; boxes stay at least a pixel wide."""
    size = boxes[..., 2:] - boxes[..., :2]
    moved = boxes + torch.randn(boxes.shape, generator=generator) * deviation * torch.cat([size, size], -1)
    corner = torch.minimum(moved[..., :2], boxes[..., 2:] - 1)
    return torch.cat([corner, torch.maximum(moved[..., 2:], corner + 1)], -1)


def imitate_detector(
    batch: PairBatch,
    chosen: Tensor,
    noise: DetectorNoise,
    pool: PoolOfBoxes,
    generator: torch.Generator,
    share: Tensor | None = None,
) -> PairBatch:
    """Make the chosen images (B,) look like a detector's output.

    Some boxes are missing, some found twice, some false, all imprecise, each with a score. A false person is known to
    do nothing with anything, and so is the second one of a person who is found twice.

    Args:
        batch: annotated boxes.
        chosen: (B,) bool.
        noise: how detections differ.
        pool: what false ones are drawn from.
        generator: of what is random.
        share: (B,) 0..1, how much of the noise's copies, confused classes and plausible false objects each image gets;
            by default all of it.
    """
    count, width = batch.labels.shape
    share = torch.ones(count) if share is None else share
    lost = torch.rand(count, width, generator=generator) < noise.miss
    is_person = batch.labels == pool.person
    if noise.by_size:
        sure = object_scores(_side(batch.boxes), generator)
        lost = torch.where(is_person, lost, sure < _LEAST)
    lost &= chosen[:, None]
    labels = batch.labels.masked_fill(lost, -1)
    labelled = batch.labelled & ~lost
    kinds = (
        _false_boxes(count, noise, pool, generator),
        _found_twice(batch, share[:, None], noise, pool, generator),
        _plausible(batch, share[:, None] * noise.plausible, pool, generator),
    )
    boxes = torch.cat([batch.boxes, *(kind[0] for kind in kinds)], 1)
    boxes = jitter(boxes, noise.jitter * chosen.float()[:, None, None], generator)
    false = torch.cat([kind[1] for kind in kinds], 1).masked_fill(~chosen[:, None], -1)
    extra = false.shape[1]
    all_labels = torch.cat([labels, false], 1)
    true = torch.arange(all_labels.shape[1]).expand_as(all_labels) < width
    scores = draw_scores(all_labels == pool.person, true, generator)
    if noise.by_size:
        doubtful = _doubtful_scores(all_labels == pool.person, _side(boxes), generator)
        scores = torch.cat([torch.where(is_person, scores[:, :width], sure), doubtful[:, width:]], 1)
    return _compact(
        PairBatch(
            boxes=boxes,
            labels=all_labels,
            labelled=torch.cat([labelled, false == pool.person], 1),
            verbs=F.pad(batch.verbs, (0, 0, 0, extra, 0, extra)),
            told=F.pad(batch.told, (0, 0, 0, extra), value=True),  # nobody does anything with what is not there
            detected=chosen,
            scores=torch.where(chosen[:, None], scores, 1.0),
        ),
        pool.person,
    )


def _false_boxes(
    count: int, noise: DetectorNoise, pool: PoolOfBoxes, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Up to `most_false` boxes (B, M, 4) that are nothing, with labels of others (B, M), -1 where there is none."""
    draw = (count, noise.most_false)
    people = (pool.labels == pool.person).nonzero()[:, 0]
    others = (pool.labels != pool.person).nonzero()[:, 0] if noise.by_size else torch.arange(len(pool.labels))
    other = others[torch.randint(len(others), draw, generator=generator)]
    somebody = people[torch.randint(len(people), draw, generator=generator)]
    row = torch.where(torch.rand(draw, generator=generator) < _DISTRACTOR_PEOPLE, somebody, other)
    size = pool.boxes[row, 2:] - pool.boxes[row, :2]
    if noise.by_size:
        side = (0.1 * torch.exp(0.85 * torch.randn(draw, generator=generator))).clamp_max(0.8)
        size = size * (side / _side(pool.boxes[row]))[..., None]
    else:
        size = size * torch.exp(-1.5 * torch.rand(*draw, 1, generator=generator))
    centre = (pool.boxes[row, 2:] + pool.boxes[row, :2]) / 2 + 60 * torch.randn(*draw, 2, generator=generator)
    if noise.by_size:
        number = (torch.rand(count, 1, generator=generator) ** 2 * (noise.most_false + 1)).long()
    else:
        number = torch.randint(noise.most_false + 1, (count, 1), generator=generator)
    labels = pool.labels[row].masked_fill(torch.arange(noise.most_false) >= number, -1)
    return torch.cat([centre - size / 2, centre + size / 2], -1), labels


def _found_twice(
    batch: PairBatch, share: Tensor, noise: DetectorNoise, pool: PoolOfBoxes, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Boxes (B, N, 4) that are found a second time, with their labels then (B, N), -1 where none is.

    `share` (B, 1) of the noise's copies and confused classes.
    """
    shape = batch.labels.shape
    is_person = batch.labels == pool.person
    at = torch.rand(shape, generator=generator)
    is_object = ~is_person & (batch.labels >= 0)
    others = pool.labels[torch.randint(len(pool.labels), shape, generator=generator)]
    confused = is_object & (at < share * noise.confused) & (others != batch.labels)
    copied = (is_person & (at < share * noise.copies)) | (is_object & (at > 1 - share * noise.object_copies))
    labels = torch.where(copied, batch.labels, torch.where(confused, others, -1))
    boxes = jitter(batch.boxes, 2 * noise.jitter, generator)
    if noise.by_size:
        boxes = torch.where(copied[..., None], _parts(batch.boxes, generator), boxes)
    return boxes, labels


def _parts(boxes: Tensor, generator: torch.Generator) -> Tensor:
    """A part of each box (B, N, 4) with 0.2 to 0.5 of its area."""
    size = boxes[..., 2:] - boxes[..., :2]
    area = 0.2 + 0.3 * torch.rand(*size.shape[:-1], 1, generator=generator)
    split = torch.rand(area.shape, generator=generator)
    part = size * torch.cat([area**split, area ** (1 - split)], -1)
    corner = boxes[..., :2] + torch.rand(size.shape, generator=generator) * (size - part)
    return torch.cat([corner, corner + part], -1)


def _plausible(batch: PairBatch, share: Tensor, pool: PoolOfBoxes, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """False objects (B, N, 4) of a `share` (B, 1) of the people, with their labels (B, N), -1 where there is none."""
    shape = batch.labels.shape
    row = torch.randint(len(pool.objects), shape, generator=generator)
    size = (batch.boxes[..., 2:] - batch.boxes[..., :2]).clamp_min(1)
    boxes = batch.boxes[..., :2].repeat(1, 1, 2) + pool.places[row] * size.repeat(1, 1, 2)
    there = (batch.labels == pool.person) & (torch.rand(shape, generator=generator) < share)
    return boxes, pool.objects[row].masked_fill(~there, -1)


def _compact(batch: PairBatch, person: int) -> PairBatch:
    """People first, then objects, then padding, and no more padding than needed."""
    rank = torch.where(batch.labels == person, 0, torch.where(batch.labels >= 0, 1, 2))
    width = max(int((batch.labels >= 0).sum(1).max()), 1)
    order = torch.argsort(rank, dim=1, stable=True)[:, :width]
    image = torch.arange(len(order))[:, None]
    there = batch.labels >= 0
    verbs = batch.verbs & (there[:, :, None] & there[:, None])[..., None]
    return PairBatch(
        boxes=batch.boxes[image, order],
        labels=batch.labels[image, order],
        labelled=batch.labelled[image, order],
        verbs=verbs[image[..., None], order[:, :, None], order[:, None, :]],
        told=batch.told[image, order],
        detected=batch.detected,
        scores=batch.scores[image, order],
    )


def detector_noise(options: AugmentationSection) -> DetectorNoise:
    """How imitated detections differ from annotated boxes."""
    return DetectorNoise(
        miss=options.detector_miss,
        jitter=options.detector_jitter,
        most_false=options.detector_false,
        copies=options.detector_copies,
        object_copies=options.detector_object_copies,
        confused=options.detector_confused,
        plausible=options.detector_plausible,
    )

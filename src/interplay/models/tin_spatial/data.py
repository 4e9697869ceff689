"""Annotated boxes and interactions of many images as padded tensors, what training does to them, and its batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from interplay.datasets.pairs import no_interaction_verbs
from interplay.table import InteractionTable
from interplay.training.task import ExampleKey

from .geometry import REFERENCE_SIDE
from .recipe import AugmentationSection, TinSpatialRecipe

_DISTRACTOR_PEOPLE = 0.4  # of the false detections added in training, the share that are people


@dataclass(frozen=True)
class SpatialTargets:
    """What the loss of B images with at most N boxes compares with.

    Attributes:
        verbs: (B, N, N, K) bool: verbs of each (person, object).
        labelled: (B, N) bool: people of whom everything they do is annotated.
    """

    verbs: Tensor
    labelled: Tensor

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
        detected: (B,) bool: whether the boxes stand for a detector's.
        scores: (B, N) of the detector; 1 for annotated boxes.
    """

    boxes: Tensor
    labels: Tensor
    labelled: Tensor
    verbs: Tensor
    detected: Tensor
    scores: Tensor

    @property
    def targets(self) -> SpatialTargets:
        """What the loss compares with."""
        return SpatialTargets(self.verbs, self.labelled)

    def to(self, device: torch.device | str) -> PairBatch:
        """The same on another device."""
        return PairBatch(**{name: value.to(device, non_blocking=True) for name, value in vars(self).items()})


class PairSet:
    """The images of annotations that say of a person and an object whether they interact.

    Pairs are every person of whom it is known what they do x every other box of the image, people included. Where the
    annotations tell people that are `unlabelled`, known is everybody who is not; of the unlabelled, only what they are
    annotated to do is learnt. Elsewhere known are those who interact with something or are annotated to have "no
    interaction" with it. Others are boxes like any.

    Args:
        table: annotations. Images without size are taken to be of `REFERENCE_SIDE`, as COCO's are.
        verbs: verbs to learn, indices into the table's vocabulary, without "no interaction".

    Attributes:
        rows: (N,) the table's number of each image.
        scales: (N,) what its boxes were multiplied by.
    """

    def __init__(self, table: InteractionTable, verbs: tuple[int, ...]) -> None:
        person = table.vocabulary.person
        nothing = -1
        position = {
            **dict.fromkeys(no_interaction_verbs(table.vocabulary).tolist(), nothing),
            **{verb: k for k, verb in enumerate(verbs)},
        }
        images, rows = [], []
        for row, image in enumerate(table):
            kept = [
                (h, o, position[v])
                for h, o, v in zip(image.human.tolist(), image.object.tolist(), image.verb.tolist(), strict=True)
                if o >= 0 and o != h and v in position
            ]
            if image.unlabelled is None:
                known = {h for h, _, _ in kept}
            else:
                known = set(np.flatnonzero((image.labels == person) & ~image.unlabelled).tolist())
            if (known or kept) and len(image.boxes) > 1:
                images.append((image, known, kept))
                rows.append(row)
        self.rows = np.array(rows, np.int64)
        self.scales = np.ones(len(rows), np.float32)
        count, longest = len(images), max((len(i.boxes) for i, _, _ in images), default=1)
        self.sizes = torch.tensor([len(i.boxes) for i, _, _ in images])
        self.boxes = torch.zeros(count, longest, 4)
        self.boxes[..., 2:] = 1
        self.labels = torch.full((count, longest), -1)
        self.labelled = torch.zeros(count, longest, dtype=torch.bool)
        triplets = []
        for k, (image, known, kept) in enumerate(images):
            order = np.argsort(image.labels != person, kind="stable")
            place = np.argsort(order)
            scale = REFERENCE_SIDE / max(image.width or 0, image.height or 0, 1) if image.width else 1.0
            self.scales[k] = scale
            self.boxes[k, : len(order)] = torch.from_numpy(image.boxes[order] * scale)
            self.labels[k, : len(order)] = torch.from_numpy(image.labels[order])
            self.labelled[k, place[list(known)]] = True
            for h, o, v in kept:
                if v != nothing:
                    triplets.append((k, int(place[h]), int(place[o]), v))
        self._triplets = torch.tensor(triplets, dtype=torch.int64).reshape(-1, 4)
        counts = torch.bincount(self._triplets[:, 0], minlength=count)
        self._offsets = F.pad(counts.cumsum(0), (1, 0))
        self.num_verbs = len(verbs)
        there = self.labels >= 0
        image, human, other, _ = self._triplets.T
        where = relative_boxes(self.boxes[image, human], self.boxes[image, other])
        self.pool = PoolOfBoxes(self.boxes[there], self.labels[there], person, where, self.labels[image, other])

    def __len__(self) -> int:
        return len(self.sizes)

    def batch(self, images: Tensor) -> PairBatch:
        """The given images (indices)."""
        width = int(self.sizes[images].max()) if len(images) else 1
        counts = self._offsets[images + 1] - self._offsets[images]
        rows = torch.cat([torch.arange(int(self._offsets[i]), int(self._offsets[i + 1])) for i in images])
        slot = torch.repeat_interleave(torch.arange(len(images)), counts)
        verbs = torch.zeros(len(images), width, width, self.num_verbs, dtype=torch.bool)
        _, human, other, verb = self._triplets[rows].T
        verbs[slot, human, other, verb] = True
        return PairBatch(
            boxes=self.boxes[images, :width].clone(),
            labels=self.labels[images, :width].clone(),
            labelled=self.labelled[images, :width].clone(),
            verbs=verbs,
            detected=torch.zeros(len(images), dtype=torch.bool),
            scores=torch.ones(len(images), width),
        )


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


def relative_boxes(people: Tensor, objects: Tensor) -> Tensor:
    """(N, 4) corners of objects in units of their person's width and height, from the person's corner."""
    size = (people[:, 2:] - people[:, :2]).clamp_min(1)
    return (objects - people[:, :2].repeat(1, 2)) / size.repeat(1, 2)


@dataclass(frozen=True)
class DetectorNoise:
    """How a detector's boxes differ from annotated ones.

    Attributes:
        miss: share of boxes that are dropped.
        jitter: standard deviation of each edge, relative to the box's size.
        most_false: up to this many false detections are added.
        copies: share of people who are found twice; a copy does nothing.
        object_copies: share of other boxes that are found twice; a copy takes part in nothing.
        confused: share of boxes that are found a second time as another class; that one takes part in nothing.
        plausible: share of people with a false object where people have such an object. Only its score tells that it
            is false.
    """

    miss: float = 0.2
    jitter: float = 0.08
    most_false: int = 6
    copies: float = 0.0
    object_copies: float = 0.0
    confused: float = 0.0
    plausible: float = 0.0


# Quantiles (0, 10, 25, 50, 75, 90 and 100 %) of the default detector's scores, from 0.1 on, on photographs: of boxes that
# are annotated with their class, and of others; benchmarks/detector_noise.py measures them.
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
    lost = (torch.rand(count, width, generator=generator) < noise.miss) & chosen[:, None]
    labels = batch.labels.masked_fill(lost, -1)
    labelled = batch.labelled & ~lost
    boxes, added = _false_boxes(count, noise.most_false, pool, generator)
    added = added.masked_fill(~chosen[:, None], -1)
    twice, second = _seconds(batch, chosen, share[:, None], noise, pool, generator)
    near, third = _plausible(batch, chosen, share[:, None], noise, pool, generator)
    boxes = torch.cat([batch.boxes, boxes, twice, near], 1)
    boxes = jitter(boxes, noise.jitter * chosen.float()[:, None, None], generator)
    false = torch.cat([added, second, third], 1)
    extra = false.shape[1]
    all_labels = torch.cat([labels, false], 1)
    true = torch.arange(all_labels.shape[1]).expand_as(all_labels) < width
    scores = draw_scores(all_labels == pool.person, true, generator)
    return _compact(
        PairBatch(
            boxes=boxes,
            labels=all_labels,
            labelled=torch.cat([labelled, false == pool.person], 1),
            verbs=F.pad(batch.verbs, (0, 0, 0, extra, 0, extra)),
            detected=chosen,
            scores=torch.where(chosen[:, None], scores, 1.0),
        ),
        pool.person,
    )


def _false_boxes(count: int, most: int, pool: PoolOfBoxes, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Up to `most` boxes (B, M, 4) that are nothing, with the labels of others (B, M), -1 where there is none."""
    draw = (count, most)
    people = (pool.labels == pool.person).nonzero()[:, 0]
    anything = torch.randint(len(pool.labels), draw, generator=generator)
    somebody = people[torch.randint(len(people), draw, generator=generator)]
    row = torch.where(torch.rand(draw, generator=generator) < _DISTRACTOR_PEOPLE, somebody, anything)
    size = pool.boxes[row, 2:] - pool.boxes[row, :2]
    size = size * torch.exp(-1.5 * torch.rand(*draw, 1, generator=generator))
    centre = (pool.boxes[row, 2:] + pool.boxes[row, :2]) / 2 + 60 * torch.randn(*draw, 2, generator=generator)
    number = torch.randint(most + 1, (count, 1), generator=generator)
    labels = pool.labels[row].masked_fill(torch.arange(most) >= number, -1)
    return torch.cat([centre - size / 2, centre + size / 2], -1), labels


def _seconds(
    batch: PairBatch,
    chosen: Tensor,
    share: Tensor,
    noise: DetectorNoise,
    pool: PoolOfBoxes,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Boxes (B, N, 4) that are found a second time, with their labels then (B, N), -1 where none is."""
    shape = batch.labels.shape
    is_person = batch.labels == pool.person
    at = torch.rand(shape, generator=generator)
    is_object = ~is_person & (batch.labels >= 0)
    others = pool.labels[torch.randint(len(pool.labels), shape, generator=generator)]
    confused = is_object & (at < share * noise.confused) & (others != batch.labels)
    copied = (is_person & (at < share * noise.copies)) | (is_object & (at > 1 - share * noise.object_copies))
    labels = torch.where(copied, batch.labels, torch.where(confused, others, -1))
    labels = labels.masked_fill(~chosen[:, None], -1)
    return jitter(batch.boxes, 2 * noise.jitter, generator), labels


def _plausible(
    batch: PairBatch,
    chosen: Tensor,
    share: Tensor,
    noise: DetectorNoise,
    pool: PoolOfBoxes,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """False objects (B, N, 4) of people, with their labels (B, N), -1 where there is none."""
    shape = batch.labels.shape
    row = torch.randint(len(pool.objects), shape, generator=generator)
    size = (batch.boxes[..., 2:] - batch.boxes[..., :2]).clamp_min(1)
    boxes = batch.boxes[..., :2].repeat(1, 1, 2) + pool.places[row] * size.repeat(1, 1, 2)
    there = (batch.labels == pool.person) & (torch.rand(shape, generator=generator) < share * noise.plausible)
    return boxes, pool.objects[row].masked_fill(~there | ~chosen[:, None], -1)


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
        detected=batch.detected,
        scores=batch.scores[image, order],
    )


class SpatialData:
    """Batches of boxes, changed at random (a `TrainingData`).

    Args:
        pairs: the training images.
        config: of the training.
    """

    def __init__(self, pairs: PairSet, config: TinSpatialRecipe) -> None:
        self.pairs, self.config = pairs, config

    def __len__(self) -> int:
        """Number of images."""
        return len(self.pairs)

    def __getitem__(self, place: ExampleKey) -> ExampleKey:
        """The place itself: examples are made a batch at a time."""
        return place

    def name(self, index: int) -> str:
        """The image's number among those with pairs."""
        return f"image {index}"

    def order(self, epoch: int, batch_size: int) -> NDArray[np.int64]:
        """Images with about as many boxes go together, so that little is padding; the batches are in random order."""
        generator = torch.Generator().manual_seed(self.config.seed * 100_003 + epoch)
        count = len(self.pairs)
        order = torch.argsort(self.pairs.sizes.log() + torch.rand(count, generator=generator))
        whole = max(count // batch_size, 1)
        shuffled = torch.randperm(whole, generator=generator).tolist()
        return torch.cat([order[i * batch_size : (i + 1) * batch_size] for i in shuffled]).numpy()

    def collate(self, places: Sequence[ExampleKey]) -> PairBatch:
        """The augmented batch, the same for the same places."""
        epoch, first = places[0]
        generator = torch.Generator().manual_seed((self.config.seed * 100_003 + epoch) * 1_000_003 + first)
        batch = self.pairs.batch(torch.tensor([index for _, index in places]))
        options, count = self.config.augmentation, len(batch.boxes)
        detected = torch.rand(count, generator=generator) < options.detector_share
        if options.flip:
            batch = flip(batch, torch.rand(count, generator=generator) < 0.5)
        if options.detector_share:
            noise = detector_noise(self.config.augmentation)
            share = torch.rand(count, generator=generator)  # simple images and crowded ones
            batch = imitate_detector(batch, detected, noise, self.pairs.pool, generator, share)
        deviation = options.jitter * (~detected).float()[:, None, None]
        batch = replace(batch, boxes=jitter(batch.boxes, deviation, generator))
        return rescale(batch, options.rescale, generator)


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

"""Annotated boxes and interactions of many images as padded tensors, what training does to them, and its batches."""

from __future__ import annotations

from copy import copy
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from interplay.ops.correspondences import no_interaction_verbs
from interplay.table import InteractionTable
from interplay.training.whole_batches import WholeBatches

from .augmentation import MEASURED, detector_noise, flip, imitate_detector, jitter, rescale
from .batch import PairBatch, PoolOfBoxes, relative_boxes
from .geometry import REFERENCE_SIDE
from .recipe import TinSpatialRecipe


class PairSet:
    """The images of annotations that say of a person and an object whether they interact.

    Pairs are every person of whom it is known what they do x every other box of the image, people included. Where the
    annotations tell people that are `unlabelled`, known is everybody who is not; of the unlabelled, only what they are
    annotated to do is learnt. Elsewhere known are those who interact with something or are annotated to have "no
    interaction" with it. Others are boxes like any.

    Args:
        table: annotations. Images without size are taken to be of `REFERENCE_SIDE`, as COCO's are.
        verbs: verbs to learn, indices into the table's vocabulary, without "no interaction".
        told: (O, K) bool: of which verbs the annotations tell with each object; by default of all.

    Attributes:
        rows: (N,) the table's number of each image.
        scales: (N,) what its boxes were multiplied by.
    """

    def __init__(self, table: InteractionTable, verbs: tuple[int, ...], told: NDArray[np.bool_] | None = None) -> None:
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
        everything = np.ones((len(table.vocabulary.objects), len(verbs)), bool)
        self._told = torch.from_numpy(everything if told is None else told)[None]  # of each part, see `joined`
        self._part = torch.zeros(count, dtype=torch.int64)
        there = self.labels >= 0
        image, human, other, _ = self._triplets.T
        where = relative_boxes(self.boxes[image, human], self.boxes[image, other])
        self.pool = PoolOfBoxes(self.boxes[there], self.labels[there], person, where, self.labels[image, other])

    def joined(self, other: PairSet) -> PairSet:
        """The images of both, which have the same verbs."""
        both = copy(self)
        longest = max(self.labels.shape[1], other.labels.shape[1])
        for name, padding in (("boxes", 0.0), ("labels", -1), ("labelled", False)):
            parts = [_lengthened(getattr(each, name), longest, padding) for each in (self, other)]
            setattr(both, name, torch.cat(parts))
        both.sizes = torch.cat([self.sizes, other.sizes])
        both.rows, both.scales = (np.concatenate([getattr(e, n) for e in (self, other)]) for n in ("rows", "scales"))
        shift = torch.tensor([len(self), 0, 0, 0])
        both._triplets = torch.cat([self._triplets, other._triplets + shift])
        both._offsets = torch.cat([self._offsets, other._offsets[1:] + len(self._triplets)])
        both._told = torch.cat([self._told, other._told])
        both._part = torch.cat([self._part, other._part + len(self._told)])
        both.pool = self.pool.joined(other.pool)
        return both

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
        labels = self.labels[images, :width].clone()
        return PairBatch(
            boxes=self.boxes[images, :width].clone(),
            labels=labels,
            labelled=self.labelled[images, :width].clone(),
            verbs=verbs,
            told=self._told[self._part[images, None], labels.clamp_min(0)],
            detected=torch.zeros(len(images), dtype=torch.bool),
            scores=torch.ones(len(images), width),
        )


def _lengthened(values: Tensor, length: int, padding: float) -> Tensor:
    """(I, N, ...) with up to `length` boxes an image."""
    longer = values.new_full((len(values), length, *values.shape[2:]), padding)
    longer[:, : values.shape[1]] = values
    return longer


class SpatialData(WholeBatches[PairBatch]):
    """Batches of boxes, changed at random (a `TrainingData`).

    Args:
        pairs: the training images.
        config: of the training.
    """

    def __init__(self, pairs: PairSet, config: TinSpatialRecipe) -> None:
        super().__init__(config.seed)
        self.pairs, self.config = pairs, config

    def __len__(self) -> int:
        """Number of images."""
        return len(self.pairs)

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

    def batch(self, indices: Tensor, generator: torch.Generator) -> PairBatch:
        """The augmented images."""
        batch = self.pairs.batch(indices)
        options, count = self.config.augmentation, len(batch.boxes)
        detected = torch.rand(count, generator=generator) < options.detector_share
        if options.flip:
            batch = flip(batch, torch.rand(count, generator=generator) < 0.5)
        if options.detector_share:
            measured = (
                options.detector_measured and float(torch.rand(1, generator=generator)) < options.detector_measured
            )
            noise = MEASURED if measured else detector_noise(options)
            share = torch.rand(count, generator=generator)  # simple images and crowded ones
            batch = imitate_detector(batch, detected, noise, self.pairs.pool, generator, share)
        deviation = options.jitter * (~detected).float()[:, None, None]
        batch = replace(batch, boxes=jitter(batch.boxes, deviation, generator))
        return rescale(batch, options.rescale, generator)

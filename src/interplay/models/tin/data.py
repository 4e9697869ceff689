"""The pairs of annotated images as TIN's networks read them: examples, batches, and what they are trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interplay.datasets.pair_sampling import (
    MOST_PAIRS,
    TrainingRows,
    binary_labels,
    groups,
    sample_rows,
    uniform_draws,
)
from interplay.datasets.pair_source import PairSource
from interplay.datasets.pairs import PairList
from interplay.errors import InputError
from interplay.models.feature_cache import (
    DistinctBoxes,
    FeatureCache,
    StoredImage,
    distinct,
    store_features,
    stored_features,
)
from interplay.training.batches import map_tensors
from interplay.training.task import ExampleKey, shuffled

from .losses import TinTargets
from .maps import pair_maps
from .network import network_image
from .part_boxes import part_boxes
from .recipe import PairsSection


@dataclass(frozen=True)
class TinExample:
    """R pairs of one image, the first P of which interact.

    Attributes:
        image: (3, H, W) as the networks take it, or what is stored of it.
        humans, objects: (R, 4) float32.
        maps: (R, 3, 64, 64).
        parts: (R, 10, 4) of the people; (R, 0, 4) where the network does not look at them.
        classes: (R, C) what the pairs do, "no interaction" included.
        motions: (P, C) what the people of the interacting pairs do, with anything; NaN where nobody knows.
        binary: (R, 2) interactive, not interactive.
    """

    image: Tensor | StoredImage
    humans: Tensor
    objects: Tensor
    maps: Tensor
    parts: Tensor
    classes: Tensor
    motions: Tensor
    binary: Tensor


@dataclass(frozen=True)
class TinBatch:
    """Pairs of several images; those that interact come first, whatever their image.

    Attributes:
        images: of the examples.
        humans, objects: (R, 5) image, box.
        parts: (R, 10, 5).
        maps, classes, motions, binary: as of `TinExample`.
    """

    images: tuple[Tensor | StoredImage, ...]
    humans: Tensor
    objects: Tensor
    maps: Tensor
    parts: Tensor
    classes: Tensor
    motions: Tensor
    binary: Tensor

    def __len__(self) -> int:
        return len(self.humans)

    @property
    def positives(self) -> int:
        """Pairs that interact."""
        return len(self.motions)

    @property
    def targets(self) -> TinTargets:
        """What the loss compares with."""
        return TinTargets(self.classes, self.motions, self.binary)

    def to(self, device: torch.device | str) -> TinBatch:
        """The same on another device."""
        return map_tensors(self, lambda x: x.to(device, non_blocking=True))


def build_example(
    image: Tensor | StoredImage,
    rows: TrainingRows,
    positives: PairList,
    negatives: PairList,
    parts: bool,
    published: bool = False,
) -> TinExample:
    """An example of chosen pairs.

    Args:
        image: see `TinExample`.
        rows: the pairs, jittered or not.
        positives, negatives: the pairs that interact, and those that do not, which `rows` was made of.
        parts: whether the network looks at body parts.
        published: see `pair_sampling.binary_labels`.
    """
    poses = rows.gather(positives.poses, negatives.poses).astype(np.float32)
    boxes = part_boxes(poses, rows.humans) if parts else np.zeros((len(rows), 0, 4))
    return TinExample(
        image,
        torch.from_numpy(rows.humans).float(),
        torch.from_numpy(rows.objects).float(),
        torch.from_numpy(pair_maps(rows.humans, rows.objects, poses)),
        torch.from_numpy(boxes).float(),
        torch.from_numpy(rows.gather(positives.classes, negatives.classes)).float(),
        torch.from_numpy(positives.motions[rows.source[: rows.positives]]).float(),
        binary_labels(rows, published),
    )


def every_pair(positives: PairList, negatives: PairList) -> TrainingRows:
    """All pairs as they are, those that interact first."""
    humans, objects = (np.concatenate([getattr(positives, n), getattr(negatives, n)]) for n in ("humans", "objects"))
    return TrainingRows(
        humans, objects, np.concatenate([np.arange(len(positives)), np.arange(len(negatives))]), len(positives)
    )


def collate(examples: Sequence[TinExample]) -> TinBatch:
    """Examples as one batch."""
    positives = [len(example.motions) for example in examples]
    image = torch.cat([torch.full((len(e.humans),), float(i)) for i, e in enumerate(examples)])
    starts = np.cumsum([0, *(len(e.humans) for e in examples)])
    first = [np.arange(start, start + count) for start, count in zip(starts, positives, strict=False)]
    then = [np.arange(start + n, end) for start, n, end in zip(starts, positives, starts[1:], strict=False)]
    order = torch.from_numpy(np.concatenate([*first, *then]))

    def ordered(name: str) -> Tensor:
        return torch.cat([getattr(example, name) for example in examples])[order]

    def with_image(name: str) -> Tensor:
        boxes = ordered(name)
        number = image[order].view(-1, *[1] * (boxes.ndim - 1)).expand(*boxes.shape[:-1], 1)
        return torch.cat([number, boxes], -1)

    return TinBatch(
        tuple(example.image for example in examples),
        with_image("humans"),
        with_image("objects"),
        ordered("maps"),
        with_image("parts") if examples[0].parts.shape[1] else torch.zeros(len(order), 0, 5),
        ordered("classes"),
        torch.cat([example.motions for example in examples]),
        ordered("binary"),
    )


class TrainingPairs:
    """Pairs by (epoch, index), at most five annotated ones in an example.

    Args:
        source: the images; those without a pair that interacts are not used.
        options: how pairs are sampled.
        parts: whether the network looks at body parts.
        published_labels: see `pair_sampling.binary_labels`.
        seed: of all random choices.

    Attributes:
        class_counts: (C,) annotated pairs of each class.
        motion_counts: (C,) how many of them have a person who does it, with anything.
        rows: average pairs of an example that interact, and that do not.

    Raises:
        InputError: no annotated pair interacts in a way that the network knows.
    """

    def __init__(
        self,
        source: PairSource,
        options: PairsSection,
        parts: bool = False,
        published_labels: bool = False,
        seed: int = 0,
    ) -> None:
        self.source, self.options, self.parts = source, options, parts
        self.published_labels, self.seed = published_labels, seed
        self.places: list[tuple[int, int]] = []
        self.class_counts, self.motion_counts = (np.zeros(source.reader.count, np.int64) for _ in range(2))
        counts = np.zeros(2)
        for image in range(len(source)):
            positives, negatives = source.pairs(image)
            starts = [part.start for part in groups(len(positives))]
            self.places += [(image, start) for start in starts]
            self.class_counts += positives.classes.sum(0)
            self.motion_counts += (positives.motions == 1).sum(0)
            most = min(len(negatives), options.non_interacting)
            counts += len(positives) + len(starts) * options.jittered, len(starts) * most
        if not self.places:
            raise InputError("no annotated pair interacts in a way that the network knows: there is nothing to learn")
        positive_rows, negative_rows = (counts / len(self.places)).tolist()
        self.rows = positive_rows, negative_rows
        self.files: dict[int, Path] | None = None
        self.copies = 1

    def __len__(self) -> int:
        """Examples: at least one per image with a pair that interacts."""
        return len(self.places)

    def name(self, index: int) -> str:
        """The image's file name."""
        return self.source.name(self.places[index][0])

    def order(self, epoch: int, batch_size: int) -> NDArray[np.int64]:
        """Random, by seed and epoch."""
        return shuffled(self.seed, epoch, len(self))

    def __getitem__(self, place: ExampleKey) -> TinExample:
        """The example of an (epoch, index).

        Raises:
            ImageError, MissingFileError: the image is broken or not there.
        """
        image, start = self.places[place[1]]
        positives, negatives = self.source.pairs(image)
        positives = positives[start : start + MOST_PAIRS]
        seen: Tensor | StoredImage
        if self.files is None:
            seen = network_image(self.source.pixels(image))[0]
            generator = np.random.default_rng([self.seed, *place])
        else:
            seen = stored_features(self.files, self.source, image)
            generator = self._generator(image, start, place[0] % self.copies)
        rows = self._rows(image, positives, negatives, generator)
        return build_example(seen, rows, positives, negatives, self.parts, self.published_labels)

    def store_features(self, cache: FeatureCache, copies: int) -> None:
        """Compute what the frozen layers see, and read that from now on instead of images.

        Args:
            cache: where it is kept.
            copies: each example is drawn so many times, and epochs take the draws in turn. They do not depend on the
                seed of the training, only on the image's name.
        """
        self.copies = copies
        starts: dict[int, list[int]] = {}
        for image, start in self.places:
            starts.setdefault(image, []).append(start)

        def boxes(image: int) -> DistinctBoxes:
            positives, negatives = self.source.pairs(image)
            drawn = [
                self._rows(image, positives[start : start + MOST_PAIRS], negatives, self._generator(image, start, copy))
                for start in starts[image]
                for copy in range(copies)
            ]
            return distinct([rows.humans for rows in drawn]), distinct([rows.objects for rows in drawn])

        settings = f"{self.options.jittered} {self.options.non_interacting} {copies}"
        self.files = store_features(self.source, cache, starts, boxes, settings)

    def collate(self, examples: Sequence[TinExample]) -> TinBatch:
        """Examples as one batch."""
        return collate(examples)

    def _generator(self, image: int, start: int, copy: int) -> np.random.Generator:
        return np.random.default_rng([*hashlib.sha256(self.source.name(image).encode()).digest()[:8], start, copy])

    def _rows(
        self, image: int, positives: PairList, negatives: PairList, generator: np.random.Generator
    ) -> TrainingRows:
        options, size = self.options, self.source.size(image)
        return sample_rows(
            positives.humans, positives.objects, negatives.humans, negatives.objects, size,
            uniform_draws(generator), generator.permutation, options.jittered, options.non_interacting,
        )  # fmt: skip


class JoinedPairs:
    """The examples of several data sets as one (a `TrainingData`)."""

    def __init__(self, parts: Sequence[TrainingPairs], seed: int) -> None:
        self.parts, self.seed = parts, seed
        self.ends = np.cumsum([len(part) for part in parts])
        self.class_counts = np.sum([part.class_counts for part in parts], 0)
        self.motion_counts = np.sum([part.motion_counts for part in parts], 0)
        weights = [len(part) for part in parts]
        positives, negatives = np.average([part.rows for part in parts], axis=0, weights=weights).tolist()
        self.rows = positives, negatives

    def __len__(self) -> int:
        """Examples of all."""
        return int(self.ends[-1])

    def __getitem__(self, place: ExampleKey) -> TinExample:
        """The example of an (epoch, index)."""
        part, index = self._place(place[1])
        return part[place[0], index]

    def name(self, index: int) -> str:
        """The image's file name."""
        part, index = self._place(index)
        return part.name(index)

    def order(self, epoch: int, batch_size: int) -> NDArray[np.int64]:
        """Random, by seed and epoch."""
        return shuffled(self.seed, epoch, len(self))

    def collate(self, examples: Sequence[TinExample]) -> TinBatch:
        """Examples as one batch."""
        return collate(examples)

    def store_features(self, cache: FeatureCache, copies: int) -> None:
        """See `TrainingPairs.store_features`."""
        for part in self.parts:
            part.store_features(cache, copies)

    def _place(self, index: int) -> tuple[TrainingPairs, int]:
        number = int(np.searchsorted(self.ends, index, side="right"))
        return self.parts[number], index - int(self.ends[number - 1] if number else 0)


class ValidationPairs:
    """All pairs of annotated images, an example for each image that has some.

    Args:
        source: the images.
        parts: whether the network looks at body parts.
    """

    def __init__(self, source: PairSource, parts: bool = False) -> None:
        self.source, self.parts = source, parts
        self.images = [i for i in range(len(source)) if any(map(len, source.pairs(i)))]
        self.files: dict[int, Path] | None = None

    def __len__(self) -> int:
        return len(self.images)

    def example(self, index: int) -> tuple[TinExample, NDArray[np.int64]]:
        """One image's pairs, and the network's classes (R,) of their objects.

        Raises:
            ImageError, MissingFileError: the image is broken or not there.
        """
        image = self.images[index]
        positives, negatives = self.source.pairs(image)
        seen = (
            network_image(self.source.pixels(image))[0]
            if self.files is None
            else stored_features(self.files, self.source, image)
        )
        example = build_example(seen, every_pair(positives, negatives), positives, negatives, self.parts)
        return example, np.concatenate([positives.labels, negatives.labels])

    def store_features(self, cache: FeatureCache) -> None:
        """See `TrainingPairs.store_features`; nothing is drawn here."""

        def boxes(image: int) -> DistinctBoxes:
            positives, negatives = self.source.pairs(image)
            return distinct([positives.humans, negatives.humans]), distinct([positives.objects, negatives.objects])

        self.files = store_features(self.source, cache, self.images, boxes, "all")

"""The pairs of annotated photographs by place: what TIN's networks learn from, and what they are validated on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from interplay.errors import InputError
from interplay.training.task import Place, shuffled

from .annotated_pairs import PairList
from .examples import Batch, Example, build_example, collate, every_pair
from .feature_cache import FeatureCache
from .pair_source import DistinctBoxes, PairSource, distinct
from .recipe import PairsSection
from .representation import StoredImage
from .sampling import MOST_PAIRS, TrainingRows, groups, sample_rows, uniform_draws


class TrainingPairs:
    """Pairs by (epoch, index), at most five annotated ones in an example.

    Args:
        source: the photographs; those without a pair that interacts are not used.
        options: how pairs are sampled.
        published_labels: see `sampling.binary_labels`.
        seed: of all random choices.

    Attributes:
        class_counts: (C,) annotated pairs of each class.
        motion_counts: (C,) how many of them have a person who does it, with anything.
        rows: average pairs of an example that interact, and that do not.

    Raises:
        InputError: no annotated pair interacts in a way that the network knows.
    """

    def __init__(
        self, source: PairSource, options: PairsSection, published_labels: bool = False, seed: int = 0
    ) -> None:
        self.source, self.options, self.published_labels, self.seed = source, options, published_labels, seed
        self.places: list[tuple[int, int]] = []
        self.class_counts, self.motion_counts = (np.zeros(source.reader.count, np.int64) for _ in range(2))
        counts = np.zeros(2)
        for image in range(len(source)):
            near, far = source.pairs(image)
            parts = [part.start for part in groups(len(near))]
            self.places += [(image, start) for start in parts]
            self.class_counts += near.classes.sum(0)
            self.motion_counts += near.motions.sum(0)
            counts += len(near) + len(parts) * options.jittered, len(parts) * min(len(far), options.non_interacting)
        if not self.places:
            raise InputError("no annotated pair interacts in a way that the network knows: there is nothing to learn")
        near_rows, far_rows = (counts / len(self.places)).tolist()
        self.rows = near_rows, far_rows
        self.files: dict[int, Path] | None = None
        self.copies = 1

    def __len__(self) -> int:
        """Examples: at least one per image with a pair that interacts."""
        return len(self.places)

    def name(self, index: int) -> str:
        """The photograph's file name."""
        return self.source.name(self.places[index][0])

    def order(self, epoch: int, batch_size: int) -> NDArray[np.int64]:
        """Random, by seed and epoch."""
        return shuffled(self.seed, epoch, len(self))

    def __getitem__(self, place: Place) -> Example:
        """The example of an (epoch, index).

        Raises:
            ImageError, MissingFileError: the photograph is broken or not there.
        """
        image, start = self.places[place[1]]
        near, far = self.source.pairs(image)
        near = near[start : start + MOST_PAIRS]
        seen: Tensor | StoredImage
        if self.files is None:
            seen = self.source.tensor(image)
            generator = np.random.default_rng([self.seed, *place])
        else:
            seen = self.source.stored(self.files, image)
            generator = self._generator(image, start, place[0] % self.copies)
        rows = self._rows(image, near, far, generator)
        return build_example(seen, rows, near, far, self.source.parts, self.published_labels)

    def store_features(self, cache: FeatureCache, copies: int) -> None:
        """Compute what the frozen layers see, and read that from now on instead of photographs.

        Args:
            cache: where it is kept.
            copies: each example is drawn so many times, and epochs take the draws in turn. They do not depend on the
                seed of the training, only on the photograph's name.
        """
        self.copies = copies
        starts: dict[int, list[int]] = {}
        for image, start in self.places:
            starts.setdefault(image, []).append(start)

        def boxes(image: int) -> DistinctBoxes:
            near, far = self.source.pairs(image)
            drawn = [
                self._rows(image, near[start : start + MOST_PAIRS], far, self._generator(image, start, copy))
                for start in starts[image]
                for copy in range(copies)
            ]
            return distinct([rows.humans for rows in drawn]), distinct([rows.objects for rows in drawn])

        settings = f"{self.options.jittered} {self.options.non_interacting} {copies}"
        self.files = self.source.store(cache, starts, boxes, settings)

    def collate(self, examples: Sequence[Example]) -> Batch:
        """Examples as one batch."""
        return collate(examples)

    def _generator(self, image: int, start: int, copy: int) -> np.random.Generator:
        return np.random.default_rng([*hashlib.sha256(self.source.name(image).encode()).digest()[:8], start, copy])

    def _rows(self, image: int, near: PairList, far: PairList, generator: np.random.Generator) -> TrainingRows:
        return sample_rows(
            near.humans, near.objects, far.humans, far.objects, self.source.size(image), uniform_draws(generator),
            generator.permutation, self.options.jittered, self.options.non_interacting,
        )  # fmt: skip


class JoinedPairs:
    """The examples of several data sets as one (a `TrainingData`)."""

    def __init__(self, parts: Sequence[TrainingPairs], seed: int) -> None:
        self.parts, self.seed = parts, seed
        self.ends = np.cumsum([len(part) for part in parts])
        self.class_counts = np.sum([part.class_counts for part in parts], 0)
        self.motion_counts = np.sum([part.motion_counts for part in parts], 0)
        weights = [len(part) for part in parts]
        near, far = np.average([part.rows for part in parts], axis=0, weights=weights).tolist()
        self.rows = near, far

    def __len__(self) -> int:
        """Examples of all."""
        return int(self.ends[-1])

    def __getitem__(self, place: Place) -> Example:
        """The example of an (epoch, index)."""
        part, index = self._place(place[1])
        return part[place[0], index]

    def name(self, index: int) -> str:
        """The photograph's file name."""
        part, index = self._place(index)
        return part.name(index)

    def order(self, epoch: int, batch_size: int) -> NDArray[np.int64]:
        """Random, by seed and epoch."""
        return shuffled(self.seed, epoch, len(self))

    def collate(self, examples: Sequence[Example]) -> Batch:
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
    """All pairs of annotated photographs, an example for each photograph that has some.

    Args:
        source: the photographs.
    """

    def __init__(self, source: PairSource) -> None:
        self.source = source
        self.images = [i for i in range(len(source)) if any(map(len, source.pairs(i)))]
        self.files: dict[int, Path] | None = None

    def __len__(self) -> int:
        return len(self.images)

    def example(self, index: int) -> tuple[Example, NDArray[np.int64]]:
        """One image's pairs, and the network's classes (R,) of their objects.

        Raises:
            ImageError, MissingFileError: the photograph is broken or not there.
        """
        image = self.images[index]
        near, far = self.source.pairs(image)
        seen = self.source.tensor(image) if self.files is None else self.source.stored(self.files, image)
        example = build_example(seen, every_pair(near, far), near, far, self.source.parts)
        return example, np.concatenate([near.labels, far.labels])

    def store_features(self, cache: FeatureCache) -> None:
        """See `TrainingPairs.store_features`; nothing is drawn here."""

        def boxes(image: int) -> DistinctBoxes:
            near, far = self.source.pairs(image)
            return distinct([near.humans, far.humans]), distinct([near.objects, far.objects])

        self.files = self.source.store(cache, self.images, boxes, "all")

"""Annotated photographs as sources of pairs: who is paired with what, the pixels, and features kept of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from interplay.datasets import InteractionDataset
from interplay.errors import MissingFileError
from interplay.interactions import Interactions

from .annotated_pairs import PairList, PairReader
from .examples import factor_of, smaller, smaller_size
from .feature_cache import FeatureCache, Wanted, read_features
from .model import network_image
from .representation import StoredImage
from .same_things import merge_same_things

DistinctBoxes = tuple[NDArray[np.float32], NDArray[np.float32]]
"""People's and objects' boxes, (., 4) each."""


@dataclass(frozen=True)
class PairSource:
    """Annotated photographs whose pairs are wanted.

    Attributes:
        photographs: with their annotations.
        reader: finds their pairs.
        detected: a detector's boxes by the name of the photograph, objects named as in the annotations.
        longer_side: photographs are made smaller until no side is longer.
        parts: whether the network looks at body parts.
    """

    photographs: InteractionDataset
    reader: PairReader
    detected: Mapping[str, Interactions]
    longer_side: int | None
    parts: bool

    def __len__(self) -> int:
        return len(self.photographs)

    def pairs(self, index: int) -> tuple[PairList, PairList]:
        """The pairs of an image that interact, and those that do not, in the image as the network sees it."""
        image = self._annotated(index)
        merged = merge_same_things(image)
        near = self.reader.interacting(merged)
        far = self.reader.idle_pairs(merged, self.detected.get(image.file or ""))
        factor = factor_of(image.width or 0, image.height or 0, self.longer_side)
        return near.scaled(factor), far.scaled(factor)

    def size(self, index: int) -> tuple[int, int]:
        """Width and height of the image as the network sees it."""
        image = self._annotated(index)
        return smaller_size(image.width or 0, image.height or 0, self.longer_side)

    def pixels(self, index: int) -> NDArray[np.uint8]:
        """The image as the network sees it."""
        return smaller(self.photographs[index].image, self.longer_side)

    def tensor(self, index: int) -> Tensor:
        """The image (3, H, W) as the network takes it."""
        return network_image(self.pixels(index))[0]

    def store(
        self, cache: FeatureCache, images: Iterable[int], boxes: Callable[[int], DistinctBoxes], settings: str
    ) -> dict[int, Path]:
        """Files with the features of images, made where they are missing.

        Args:
            cache: where they are.
            images: which.
            boxes: of which people and objects, by image.
            settings: what these depend on besides the annotated and detected pairs.

        Raises:
            MissingFileError: none of the photographs is there.
        """
        files, wanted = {}, []
        for image in images:
            name = self.name(image)
            path = self.photographs.images.find(name)
            if path is None:
                continue
            found = [pairs for pair in self.pairs(image) for pairs in (pair.humans, pair.objects)]
            content = b"".join(np.ascontiguousarray(x).tobytes() for x in found)
            files[image] = cache.file(path, name.encode(), content, f"{settings} {self.longer_side}".encode())
            wanted.append(Wanted(files[image], partial(self.pixels, image), partial(boxes, image)))
        if not wanted:
            raise MissingFileError(f"none of the photographs is below {self.photographs.images.root}")
        cache.fill(wanted)
        return files

    def name(self, index: int) -> str:
        """The photograph's file name."""
        return self.photographs.table[index].file or ""

    def stored(self, files: Mapping[int, Path], index: int) -> StoredImage:
        """The features of an image.

        Raises:
            MissingFileError: there was no such photograph.
        """
        if index not in files:
            raise MissingFileError(f"no image {self.name(index)!r}")
        return read_features(files[index])

    def _annotated(self, index: int) -> Interactions:
        image = self.photographs.table[index]
        return image if image.width else self.photographs[index].interactions


def distinct(boxes: Sequence[NDArray[np.float64]]) -> NDArray[np.float32]:
    """(D, 4) each box once."""
    return np.unique(np.concatenate(boxes).astype(np.float32), axis=0)

"""Annotated images as Turbo learning's training reads them: proposals, and what is true of them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interplay.datasets.people import AnnotatedPeople, PeopleReader
from interplay.datasets.transforms import output_size, resize_image
from interplay.errors import InputError, MissingFileError
from interplay.interactions import Interactions
from interplay.keypoints import mirror_keypoints
from interplay.models.feature_cache import FeatureCache, StoredImage, Wanted, read_features
from interplay.models.one_stage import ImageData
from interplay.ops.boxes import box_iou, clip_boxes
from interplay.table import InteractionTable
from interplay.training.batches import map_tensors
from interplay.training.cache import ImageCache
from interplay.vocabulary import Vocabulary

from .config import TurboDecodingOptions
from .losses import TurboTargets
from .network import SIDE, network_image
from .places import relative_places
from .recipe import ProposalsSection

_SAME = 0.5
"""A proposal that overlaps an annotated box by this much stands for it (paper, Equation 2)."""


@dataclass(frozen=True)
class TurboExample:
    """One image: (3, H, W) or what is stored of it, its people (P, 4) and boxes (D, 4), and what is true of them."""

    image: Tensor | StoredImage
    humans: Tensor
    boxes: Tensor
    targets: TurboTargets


@dataclass(frozen=True)
class TurboBatch:
    """Several images with the proposals of all of them.

    Attributes:
        images: as of `TurboExample`.
        humans: (P, 5) image, x1, y1, x2, y2.
        boxes: (D, 5).
        targets: of all.
    """

    images: tuple[Tensor | StoredImage, ...]
    humans: Tensor
    boxes: Tensor
    targets: TurboTargets

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)

    def to(self, device: torch.device | str) -> TurboBatch:
        """The same on another device."""
        return map_tensors(self, lambda x: x.to(device, non_blocking=True))


class TurboTrainingImages(ImageData):
    """Images by (epoch, index): the same pair gives the same example, in every process and after a restart.

    Args:
        table: the annotations; images without people are not used.
        image_root: folder of the images.
        vocabulary: the network's.
        decoding: how images are resized.
        options: how proposals are drawn.
        detected: a detector's boxes by the name of the image, objects named as in the annotations.
        seed: of all random choices.
        cache: keeps decoded images.

    Raises:
        MissingFileError: no such folder.
        InputError: nobody is annotated.
    """

    def __init__(
        self,
        table: InteractionTable,
        image_root: str | os.PathLike[str],
        vocabulary: Vocabulary,
        decoding: TurboDecodingOptions,
        options: ProposalsSection,
        detected: Mapping[str, Interactions],
        seed: int = 0,
        cache: ImageCache | None = None,
    ) -> None:
        person = table.vocabulary.person
        left = [i for i, image in enumerate(table) if (image.labels == person).any()]
        if not left:
            raise InputError("nobody is annotated in the images: there is nothing to learn")
        super().__init__(table.select(np.array(left, np.int64)), image_root, seed, cache)
        self.reader = PeopleReader(table.vocabulary, vocabulary)
        self.background = len(vocabulary.objects)
        self.decoding, self.options, self.detected = decoding, options, detected
        self.files: dict[int, Path] | None = None

    def __getitem__(self, place: tuple[int, int]) -> TurboExample:
        """The example of an (epoch, index).

        Raises:
            ImageError, MissingFileError: the image is broken or not there.
        """
        generator = np.random.default_rng(self.seed_of(*place))
        index = place[1]
        seen: Tensor | StoredImage
        if self.files is not None:
            if index not in self.files:
                raise MissingFileError(f"no image {self.name(index)!r}")
            annotated = self.images.table[index]
            if not (annotated.width and annotated.height):
                annotated = self.images[index].interactions  # the image tells
            size = annotated.width or 0, annotated.height or 0
            seen, mirrored = read_features(self.files[index]), False
        else:
            sample = self.images[index]
            annotated = sample.interactions
            mirrored = bool(generator.random() < self.options.mirror)
            pixels = sample.image[:, ::-1] if mirrored else sample.image
            size = sample.image.shape[1], sample.image.shape[0]
            seen = network_image(self._resized(np.ascontiguousarray(pixels)))
        people = self.reader(annotated)
        if mirrored:
            people = _mirrored(people, size[0])
        scale = (np.array(self._size(*size)) / np.array(size)).astype(np.float32)
        found = self.detected.get(annotated.file or "")
        other = np.zeros((0, 4), np.float32) if found is None else found.boxes
        if mirrored:
            other = _mirrored_boxes(other, size[0])
        return self._example(seen, people, other, scale, size, generator)

    def store_features(self, cache: FeatureCache) -> None:
        """Compute what the frozen stem sees, and read that from now on instead of images; images are not mirrored.

        Raises:
            MissingFileError: none of the images is there.
        """
        files, wanted = {}, []
        none = np.zeros((0, 4), np.float32)
        for index in range(len(self)):
            path = self.images.images.find(self.name(index))
            if path is not None:
                how = f"{self.decoding.short_side} {self.decoding.long_side}"
                files[index] = cache.file(path, how.encode())
                wanted.append(Wanted(files[index], partial(self._pixels, index), lambda: (none, none)))
        if not wanted:
            raise MissingFileError(f"none of the images is below {self.images.images.root}")
        cache.fill(wanted)
        self.files = files

    def collate(self, examples: Sequence[TurboExample]) -> TurboBatch:
        """Examples as one batch."""
        numbers = range(len(examples))
        joined = {
            name: torch.cat([getattr(example.targets, name) for example in examples])
            for name in vars(examples[0].targets)
        }
        return TurboBatch(
            tuple(example.image for example in examples),
            torch.cat([_numbered(i, examples[i].humans) for i in numbers]),
            torch.cat([_numbered(i, examples[i].boxes) for i in numbers]),
            TurboTargets(**joined),
        )

    def _size(self, width: int, height: int) -> tuple[int, int]:
        return output_size(width, height, self.decoding.short_side, self.decoding.long_side)

    def _resized(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return resize_image(pixels, self.decoding.short_side, self.decoding.long_side)

    def _pixels(self, index: int) -> NDArray[np.uint8]:
        return self._resized(self.images[index].image)

    def _example(
        self,
        seen: Tensor | StoredImage,
        people: AnnotatedPeople,
        detected: NDArray[np.float32],
        scale: NDArray[np.float32],
        size: tuple[int, int],
        generator: np.random.Generator,
    ) -> TurboExample:
        """Proposals, drawn in pixels of the image, and given in those of the network's."""
        copies = self.options.jittered
        humans = proposals(people.people, detected, copies, self.options.jitter, size, generator)
        of, there = stands_for(humans, people.people)
        humans, of = humans[there], of[there]
        boxes = proposals(people.boxes, detected, copies, self.options.jitter * 3, size, generator)
        at, known = stands_for(boxes, people.boxes)
        twice = np.tile(scale, 2)
        person, box = torch.from_numpy(humans * twice), torch.from_numpy(boxes * twice)
        targets = torch.from_numpy(people.targets[of] * twice)
        moves = relative_places(torch.from_numpy(people.boxes[at] * twice), box)
        moves[torch.from_numpy(~known)] = torch.nan
        return TurboExample(
            seen,
            person,
            box,
            TurboTargets(
                actions=torch.from_numpy(people.actions[of]).float(),
                labelled=torch.from_numpy(people.labelled[of]),
                places=relative_places(targets, person[:, None]),
                cells=torch.from_numpy(keypoint_cells(people.keypoints[of], humans)),
                classes=torch.from_numpy(np.where(known, people.labels[at], self.background)),
                moves=moves,
            ),
        )


def proposals(
    boxes: NDArray[np.float32],
    detected: NDArray[np.float32],
    copies: int,
    jitter: float,
    size: tuple[int, int],
    generator: np.random.Generator,
) -> NDArray[np.float32]:
    """Boxes (N, 4), jittered copies of each inside the image, and a detector's boxes.

    Args:
        copies: of each box.
        jitter: deviation of a copy's edges, in sides of the box.
        size: width and height of the image.
    """
    moved = np.repeat(boxes, copies, 0)
    sides = np.tile(moved[:, 2:] - moved[:, :2], 2)
    moved = moved + generator.normal(0, jitter, moved.shape).astype(np.float32) * sides
    moved = clip_boxes(moved, *size)
    moved = moved[(moved[:, 2:] > moved[:, :2] + 1).all(1)]
    return np.concatenate([boxes, moved, detected]).astype(np.float32)


def stands_for(
    proposed: NDArray[np.float32], boxes: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Which box each proposal overlaps most, and whether by enough to stand for it."""
    if not len(boxes):
        return np.zeros(len(proposed), np.int64), np.zeros(len(proposed), bool)
    overlap = box_iou(proposed, boxes)
    return overlap.argmax(1), overlap.max(1) >= _SAME


def keypoint_cells(keypoints: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.int64]:
    """(P, 17) the cell of m x m cells of each box that a keypoint (P, 17, 3) is in; -1 if unknown or out of the box."""
    low, high = boxes[:, None, :2], boxes[:, None, 2:]
    with np.errstate(invalid="ignore"):
        cells = np.floor((keypoints[..., :2] - low) / (high - low) * SIDE)
        inside = (keypoints[..., 2] > 0) & (cells >= 0).all(2) & (cells < SIDE).all(2)
    place = np.where(inside[..., None], cells, 0).astype(np.int64)
    return np.where(inside, place[..., 1] * SIDE + place[..., 0], -1)


def _numbered(image: int, boxes: Tensor) -> Tensor:
    return torch.cat([torch.full((len(boxes), 1), float(image)), boxes], 1)


def _mirrored(people: AnnotatedPeople, width: int) -> AnnotatedPeople:
    return AnnotatedPeople(
        people=_mirrored_boxes(people.people, width),
        actions=people.actions,
        labelled=people.labelled,
        targets=_mirrored_boxes(people.targets, width),
        keypoints=mirror_keypoints(people.keypoints, width).astype(np.float32),
        boxes=_mirrored_boxes(people.boxes, width),
        labels=people.labels,
    )


def _mirrored_boxes(boxes: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    x1, y1, x2, y2 = np.moveaxis(boxes, -1, 0)
    return np.stack([width - x2, y1, width - x1, y2], -1).astype(np.float32)

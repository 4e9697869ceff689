"""Pairs of one image as TIN's training reads them, with their maps and labels, and batches of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interplay.training.batches import map_tensors

from .annotated_pairs import PairList
from .losses import PairTargets
from .maps import pair_maps
from .part_boxes import part_boxes
from .representation import StoredImage
from .sampling import TrainingRows, binary_labels


@dataclass(frozen=True)
class Example:
    """R pairs of one image, the first P of which interact.

    Attributes:
        image: (3, H, W) as the networks take it, or what is stored of it.
        humans, objects: (R, 4) float32.
        maps: (R, 3, 64, 64).
        parts: (R, 10, 4) of the people; (R, 0, 4) where the network does not look at them.
        classes: (R, C) what the pairs do, "no interaction" included.
        motions: (P, C) what the people of the interacting pairs do, with anything.
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
class Batch:
    """Pairs of several images; those that interact come first, whatever their image.

    Attributes:
        images: of the examples.
        humans, objects: (R, 5) image, box.
        parts: (R, 10, 5).
        maps, classes, motions, binary: as of `Example`.
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
    def targets(self) -> PairTargets:
        """What the loss compares with."""
        return PairTargets(self.classes, self.motions, self.binary)

    def to(self, device: torch.device | str) -> Batch:
        """The same on another device."""
        return map_tensors(self, lambda x: x.to(device, non_blocking=True))


def build_example(
    image: Tensor | StoredImage, rows: TrainingRows, near: PairList, far: PairList, parts: bool, published: bool = False
) -> Example:
    """An example of chosen pairs.

    Args:
        image: see `Example`.
        rows: the pairs, jittered or not.
        near, far: the pairs that interact, and those that do not, which `rows` was made of.
        parts: whether the network looks at body parts.
        published: see `sampling.binary_labels`.
    """
    poses = rows.gather(near.poses, far.poses).astype(np.float32)
    boxes = part_boxes(poses, rows.humans) if parts else np.zeros((len(rows), 0, 4))
    return Example(
        image,
        torch.from_numpy(rows.humans).float(),
        torch.from_numpy(rows.objects).float(),
        torch.from_numpy(pair_maps(rows.humans, rows.objects, poses)),
        torch.from_numpy(boxes).float(),
        torch.from_numpy(rows.gather(near.classes, far.classes)).float(),
        torch.from_numpy(near.motions[rows.source[: rows.positives]]).float(),
        binary_labels(rows, published),
    )


def every_pair(near: PairList, far: PairList) -> TrainingRows:
    """All pairs as they are, those that interact first."""
    humans, objects = (np.concatenate([getattr(near, n), getattr(far, n)]) for n in ("humans", "objects"))
    return TrainingRows(humans, objects, np.concatenate([np.arange(len(near)), np.arange(len(far))]), len(near))


def collate(examples: Sequence[Example]) -> Batch:
    """Examples as one batch."""
    positives = [len(example.motions) for example in examples]
    image = torch.cat([torch.full((len(e.humans),), float(i)) for i, e in enumerate(examples)])
    starts = np.cumsum([0, *(len(e.humans) for e in examples)])
    near = [np.arange(start, start + count) for start, count in zip(starts, positives, strict=False)]
    far = [np.arange(start + n, end) for start, n, end in zip(starts, positives, starts[1:], strict=False)]
    order = torch.from_numpy(np.concatenate([*near, *far]))

    def ordered(name: str) -> Tensor:
        return torch.cat([getattr(example, name) for example in examples])[order]

    def with_image(name: str) -> Tensor:
        boxes = ordered(name)
        number = image[order].view(-1, *[1] * (boxes.ndim - 1)).expand(*boxes.shape[:-1], 1)
        return torch.cat([number, boxes], -1)

    return Batch(
        tuple(example.image for example in examples),
        with_image("humans"),
        with_image("objects"),
        ordered("maps"),
        with_image("parts") if examples[0].parts.shape[1] else torch.zeros(len(order), 0, 5),
        ordered("classes"),
        torch.cat([example.motions for example in examples]),
        ordered("binary"),
    )


def smaller(image: NDArray[np.uint8], longer_side: int | None) -> NDArray[np.uint8]:
    """An image (H, W, 3) none of whose sides is longer."""
    height, width = image.shape[:2]
    size = smaller_size(width, height, longer_side)
    if size == (width, height):
        return image
    from PIL import Image

    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))


def smaller_size(width: int, height: int, longer_side: int | None) -> tuple[int, int]:
    """Width and height of what `smaller` returns."""
    factor = factor_of(width, height, longer_side)
    return max(round(width * factor), 1), max(round(height * factor), 1)


def factor_of(width: int, height: int, longer_side: int | None) -> float:
    """What `smaller` multiplies sides by."""
    longest = max(width, height)
    return 1.0 if longer_side is None or longest <= longer_side else longer_side / longest

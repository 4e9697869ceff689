"""Annotated images as GEN-VLKT's training reads them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from interplay.datasets.transforms import Augmentation, Randomness, clip, to_clip_tensor, to_tensor
from interplay.datasets.zero_shot import unseen_interactions, without_unseen
from interplay.errors import InputError
from interplay.models.gen_vlkt.config import GenVlktConfig
from interplay.models.gen_vlkt.model import pad
from interplay.models.gen_vlkt.outputs import PairTargets
from interplay.models.gen_vlkt.targets import first_boxes, pair_targets
from interplay.models.one_stage import ImageData
from interplay.table import InteractionTable
from interplay.training.cache import ImageCache


@dataclass(frozen=True)
class GenVlktExample:
    """One image, changed at random: a normalised image (3, H, W) and what is to be found in it."""

    image: Tensor
    targets: PairTargets


@dataclass(frozen=True)
class GenVlktBatch:
    """Images padded to one size.

    Attributes:
        images: (B, 3, H, W).
        sizes: (B, 2) height, width without padding; stays on the CPU, where the model looks at it.
        targets: B.
    """

    images: Tensor
    sizes: Tensor
    targets: tuple[PairTargets, ...]

    def __len__(self) -> int:
        """Number of images B."""
        return len(self.targets)

    def to(self, device: torch.device | str) -> GenVlktBatch:
        """The same on another device."""
        images = self.images.to(device, non_blocking=True)
        return replace(self, images=images, targets=tuple(t.to(device) for t in self.targets))


class GenVlktTrainingImages(ImageData):
    """Images by (epoch, index): the same pair gives the same example, in every process and after a restart.

    Args:
        table: the annotations; in zero-shot, pairs with unseen interactions and images left without pairs are dropped.
        image_root: folder of the images.
        config: of the model.
        augmentation: what is done to an image.
        seed: of all random choices.
        cache: keeps decoded images.

    Raises:
        MissingFileError: no such folder.
        InputError: no image is left.
    """

    def __init__(
        self,
        table: InteractionTable,
        image_root: str | os.PathLike[str],
        config: GenVlktConfig,
        augmentation: Augmentation | None = None,
        seed: int = 0,
        cache: ImageCache | None = None,
    ) -> None:
        self.config = config
        self.augmentation = augmentation or Augmentation()
        self.unseen = None
        if config.text.zero_shot:
            self.unseen = unseen_interactions(table.vocabulary, config.text.zero_shot)
            left = [i for i, image in enumerate(table) if len(without_unseen(image, self.unseen))]
            table = table.select(np.array(left, np.int64))
        if not len(table):
            raise InputError("no annotated image is left to train on")
        super().__init__(table, image_root, seed, cache)

    def __getitem__(self, place: tuple[int, int]) -> GenVlktExample:
        """The example of an (epoch, index).

        Raises:
            ImageError, MissingFileError: the image is broken or not there.
        """
        epoch, index = place
        sample = self.images[index]
        if self.unseen is not None:
            sample = replace(sample, interactions=without_unseen(sample.interactions, self.unseen))
        sample = replace(sample, interactions=first_boxes(sample.interactions, self.config.network.queries))
        sample = self.augmentation(clip(sample), Randomness.seeded(self.seed_of(epoch, index)))
        targets = pair_targets(sample.interactions)
        if self.config.loss.mimic != "none" and self.config.text.teacher == "image":
            targets = replace(targets, teacher_image=to_clip_tensor(sample.image))
        return GenVlktExample(to_tensor(sample.image), targets)

    def collate(self, examples: Sequence[GenVlktExample]) -> GenVlktBatch:
        """See `collate`."""
        return collate(examples)


def collate(examples: Sequence[GenVlktExample]) -> GenVlktBatch:
    """Examples as one batch."""
    images, sizes = pad([example.image for example in examples])
    return GenVlktBatch(images, sizes, tuple(example.targets for example in examples))

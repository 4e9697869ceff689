"""Annotated images as GGNet's training reads them: cropped, mirrored and coloured at random, then encoded."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from interplay.errors import InputError
from interplay.interactions import Interactions
from interplay.models.ggnet.model import GGNet
from interplay.models.ggnet.targets import GGNetTargets
from interplay.models.ggnet.transforms import View, network_input, random_colours, random_view
from interplay.models.one_stage import ImageData
from interplay.table import InteractionTable
from interplay.training.cache import ImageCache


@dataclass(frozen=True)
class GGNetExample:
    """One image as the network sees it: pixels (3, S, S), and its annotations with the part that is seen."""

    image: Tensor
    annotations: Interactions
    view: View


@dataclass(frozen=True)
class GGNetBatch:
    """Images (B, 3, S, S) and what is to be predicted for them."""

    images: Tensor
    targets: GGNetTargets

    def __len__(self) -> int:
        """Number of images B."""
        return len(self.images)

    def to(self, device: torch.device | str) -> GGNetBatch:
        """The same on another device."""
        return GGNetBatch(self.images.to(device, non_blocking=True), self.targets.to(device, non_blocking=True))


class GGNetTrainingImages(ImageData):
    """Images by (epoch, index): the same pair gives the same example, in every process and after a restart.

    Args:
        table: the annotations; images without an interaction that the model knows are dropped.
        image_root: folder of the images.
        model: for which they are encoded.
        augment: random crops, mirroring and colours; without, every image is seen whole.
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
        model: GGNet,
        augment: bool = True,
        seed: int = 0,
        cache: ImageCache | None = None,
    ) -> None:
        left = [i for i, image in enumerate(table) if ((image.object >= 0) & np.isin(image.verb, model.verbs)).any()]
        if not left:
            raise InputError("no annotated image is left to train on")
        super().__init__(table.select(np.array(left, np.int64)), image_root, seed, cache)
        self.encoder, self.augment = model.encoder(), augment
        divisor = model.backbone.divisor
        self.size = -(-model.config.decoding.input_size // divisor) * divisor

    def __getitem__(self, place: tuple[int, int]) -> GGNetExample:
        """The example of an (epoch, index).

        Raises:
            ImageError, MissingFileError: the image is broken or not there.
        """
        sample = self.images[place[1]]
        height, width = sample.image.shape[:2]
        if not self.augment:
            view, colours = View.whole(width, height), None
        else:
            generator = np.random.default_rng(self.seed_of(*place))
            view, colours = random_view(width, height, generator), random_colours(generator)
        pixels = network_input(sample.image, view, self.size, self.size, colours)
        return GGNetExample(torch.from_numpy(pixels), sample.interactions, view)

    def collate(self, examples: Sequence[GGNetExample]) -> GGNetBatch:
        """Examples as one batch."""
        annotations, views = [e.annotations for e in examples], [e.view for e in examples]
        return GGNetBatch(
            torch.stack([e.image for e in examples]), self.encoder(annotations, views, self.size, self.size)
        )

"""Changing an annotated image for training: mirroring, colours, sizes, crops (DETR's recipe, which QPIC, CDN and
GEN-VLKT share).

Images stay 8-bit and are resized by Pillow (bilinear, with antialiasing), as where the published figures come from.
Boxes follow the pixels; a box that a crop leaves nothing of goes, with its interactions. Poses and other
columns that depend on the pixels are dropped.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator
from typing_extensions import Self

from interplay.columns import get_column
from interplay.datasets.images import Sample
from interplay.ops.boxes import clip_boxes

if TYPE_CHECKING:
    import torch
    from PIL import Image

Positive = Annotated[int, Field(gt=0)]
Strength = Annotated[float, Field(ge=0, le=1)]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


class Augmentation(BaseModel):
    """What training does to an image at random; the defaults are the published recipe.

    Half of the images are resized to one of `short_sides`; the others to one of `short_sides_before_crop`, cropped,
    and then resized so.

    Attributes:
        flip: probability of mirroring.
        colour: brightness, contrast and saturation change by a factor of 1 - colour to 1 + colour.
        short_sides: lengths of the shorter side, in pixels.
        long_side: limit of the longer side, in pixels.
        crop: probability of cropping.
        short_sides_before_crop: lengths of the shorter side of the image that is cropped, without limit of the longer
            side.
        crop_min, crop_max: limits of a crop's width and height, in pixels.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    flip: Strength = 0.5
    colour: Strength = 0.4
    short_sides: Annotated[tuple[Positive, ...], Field(min_length=1)] = tuple(range(480, 801, 32))
    long_side: Positive = 1333
    crop: Strength = 0.5
    short_sides_before_crop: Annotated[tuple[Positive, ...], Field(min_length=1)] = (400, 500, 600)
    crop_min: Positive = 384
    crop_max: Positive = 600

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.crop_min > self.crop_max:
            raise ValueError(f"crop_min={self.crop_min} is larger than crop_max={self.crop_max}")
        return self

    def __call__(self, sample: Sample, randomness: Randomness) -> Sample:
        """One image with its annotations, changed."""
        draw = randomness.python
        if draw.random() < self.flip:
            sample = mirror(sample)
        if self.colour:
            sample = replace(sample, image=change_colours(sample.image, self.colour, randomness))
        if draw.random() < 1 - self.crop:
            return resize(sample, draw.choice(self.short_sides), self.long_side)
        sample = resize(sample, draw.choice(self.short_sides_before_crop))
        height, width = sample.image.shape[:2]
        crop_width = draw.randint(min(self.crop_min, width), min(self.crop_max, width))
        crop_height = draw.randint(min(self.crop_min, height), min(self.crop_max, height))
        top, left = randomness.corner(height - crop_height, width - crop_width)
        sample = crop(sample, top, left, crop_height, crop_width)
        return resize(sample, draw.choice(self.short_sides), self.long_side)


@dataclass(frozen=True)
class Randomness:
    """Where random choices come from: one generator of Python's for decisions, one of torch's for colours and corners.

    With the same seeds in Python's and torch's global generators, the published code draws the same.
    """

    python: random.Random
    torch: torch.Generator

    @classmethod
    def seeded(cls, seed: int) -> Randomness:
        """Both generators with one seed."""
        import torch

        return cls(random.Random(seed), torch.Generator().manual_seed(seed))

    def corner(self, down: int, right: int) -> tuple[int, int]:
        """A crop's top left corner, anywhere in 0..down and 0..right."""
        import torch

        if down == 0 and right == 0:
            return 0, 0
        top = torch.randint(0, down + 1, (1,), generator=self.torch).item()
        return int(top), int(torch.randint(0, right + 1, (1,), generator=self.torch).item())


def output_size(width: int, height: int, short_side: int, long_side: int | None = None) -> tuple[int, int]:
    """Width and height after resizing: the shorter side becomes `short_side`, or less to keep the longer within limits.

    The longer side is truncated to whole pixels, as in DETR.
    """
    low, high = min(width, height), max(width, height)
    if long_side is not None and high / low * short_side > long_side:
        short_side = max(round(long_side * low / high), 1)
    if low == short_side:
        return width, height
    if width < height:
        return short_side, int(short_side * height / width)
    return int(short_side * width / height), short_side


def resize_image(image: NDArray[np.uint8], short_side: int, long_side: int | None = None) -> NDArray[np.uint8]:
    """(H, W, 3) at another size; see `output_size`."""
    from PIL import Image

    height, width = image.shape[:2]
    size = output_size(width, height, short_side, long_side)
    if size == (width, height):
        return image
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))


def fit_image(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """(H, W, 3) as large as it can be within `height` x `width`, with its shape."""
    from PIL import Image

    own_height, own_width = image.shape[:2]
    scale = min(height / own_height, width / own_width)
    size = (min(max(round(own_width * scale), 1), width), min(max(round(own_height * scale), 1), height))
    if size == (own_width, own_height):
        return image
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))


def resize(sample: Sample, short_side: int, long_side: int | None = None) -> Sample:
    """The image and its boxes at another size; see `output_size`."""
    height, width = sample.image.shape[:2]
    image = resize_image(sample.image, short_side, long_side)
    scale = np.array([image.shape[1] / width, image.shape[0] / height] * 2, np.float32)
    return _with_boxes(sample, image, sample.interactions.boxes * scale)


def mirror(sample: Sample) -> Sample:
    """Left and right exchanged."""
    width = np.float32(sample.image.shape[1])
    x1, y1, x2, y2 = sample.interactions.boxes.T
    image = np.ascontiguousarray(sample.image[:, ::-1])
    return _with_boxes(sample, image, np.stack([width - x2, y1, width - x1, y2], 1))


def crop(sample: Sample, top: int, left: int, height: int, width: int) -> Sample:
    """A part of the image; boxes are cut to it."""
    image = np.ascontiguousarray(sample.image[top : top + height, left : left + width])
    boxes = sample.interactions.boxes - np.array([left, top] * 2, np.float32)
    return clip(_with_boxes(sample, image, boxes))


def clip(sample: Sample) -> Sample:
    """Boxes cut to the image; those that nothing is left of go, with their interactions."""
    height, width = sample.image.shape[:2]
    boxes = clip_boxes(sample.interactions.boxes, width, height)
    sample = _with_boxes(sample, sample.image, boxes)
    there = np.asarray((boxes[:, 2:] > boxes[:, :2]).all(1))
    return replace(sample, interactions=sample.interactions.select_boxes(there))


def change_colours(image: NDArray[np.uint8], strength: float, randomness: Randomness) -> NDArray[np.uint8]:
    """Brightness, contrast and saturation changed at random, in random order.

    Args:
        image: (H, W, 3).
        strength: each changes by a factor of 1 - strength to 1 + strength.
    """
    import torch
    from PIL import Image, ImageEnhance

    changes = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
    hue = len(changes)  # drawn with the others, as torchvision's ColorJitter does, and left as it is
    order = torch.randperm(hue + 1, generator=randomness.torch).tolist()
    low, high = max(0.0, 1 - strength), 1 + strength
    factors = [float(torch.empty(1).uniform_(low, high, generator=randomness.torch)) for _ in changes]
    picture = Image.fromarray(image)
    for i in order:
        if i != hue:
            picture = changes[i](picture).enhance(factors[i])
    return np.asarray(picture)


def to_tensor(image: NDArray[np.uint8]) -> torch.Tensor:
    """(H, W, 3) uint8 -> (3, H, W) float32, normalised with ImageNet's mean and standard deviation."""
    return _normalised(image, IMAGENET_MEAN, IMAGENET_STD)


def to_clip_tensor(image: NDArray[np.uint8], side: int = 224) -> torch.Tensor:
    """(H, W, 3) uint8 -> (3, side, side) float32 as CLIP's image encoder reads it: resized, centre, normalised."""
    from PIL import Image

    height, width = image.shape[:2]
    size = output_size(width, height, side)
    picture: Image.Image = Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)
    left, top = round((size[0] - side) / 2), round((size[1] - side) / 2)
    return _normalised(np.asarray(picture.crop((left, top, left + side, top + side))), CLIP_MEAN, CLIP_STD)


def _normalised(image: NDArray[np.uint8], mean: tuple[float, ...], std: tuple[float, ...]) -> torch.Tensor:
    import torch

    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
    return (pixels - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]


def _with_boxes(sample: Sample, image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> Sample:
    height, width = image.shape[:2]
    kept = {name: v for name, v in sample.interactions.columns.items() if get_column(name).geometry is None}
    interactions = replace(sample.interactions, boxes=boxes, width=width, height=height, columns=kept)
    return replace(sample, image=image, interactions=interactions)

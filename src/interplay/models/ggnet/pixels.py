"""From a photograph to the network's input: crop, resize, normalise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from interplay.models.ggnet.transforms import View

MEAN = np.array([0.40789654, 0.44719302, 0.47026115], np.float32)
STD = np.array([0.28863828, 0.27408164, 0.27809835], np.float32)
"""Blue, green, red; of pixels in 0..1."""

FRACTIONS = 32
"""Positions between pixels are rounded to this fraction of a pixel, as in OpenCV's bilinear interpolation."""


def network_input(
    image: NDArray[np.uint8],
    view: View,
    width: int,
    height: int,
    colours: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None = None,
) -> NDArray[np.float32]:
    """What the network sees of a photograph.

    Args:
        image: (H, W, 3) red, green, blue, 0..255.
        view: which part.
        width, height: of the result.
        colours: a change of the (height, width, 3) pixels in 0..1, blue first.

    Returns:
        (3, height, width), blue first, normalised; black beyond the photograph's border.
    """
    if view.mirrored:
        image = image[:, ::-1]
    matrix = view.matrix(width, height)
    pixels = resample(image, matrix, width, height)[..., ::-1].astype(np.float32) / np.float32(255)
    if colours is not None:
        pixels = colours(pixels)
    return np.ascontiguousarray(((pixels - MEAN) / STD).transpose(2, 0, 1))


def resample(image: NDArray[np.uint8], matrix: NDArray[np.float64], width: int, height: int) -> NDArray[np.uint8]:
    """An image (H, W, 3) scaled and shifted to (height, width, 3) with bilinear interpolation.

    Args:
        matrix: (2, 3) from image to result; scale and shift only, which makes rows and columns independent.

    Positions have the resolution of OpenCV's ``warpAffine``, with which published models were trained.
    """
    rows, lower = _between(matrix[1, 1], matrix[1, 2], height, image.shape[0])
    columns, right = _between(matrix[0, 0], matrix[0, 2], width, image.shape[1])
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)))  # black beyond the border
    lines = padded[rows] * (FRACTIONS - lower)[:, None, None] + padded[rows + 1] * lower[:, None, None]
    total = lines[:, columns] * (FRACTIONS - right)[:, None] + lines[:, columns + 1] * right[:, None]
    return ((total + FRACTIONS**2 // 2) // FRACTIONS**2).astype(np.uint8)


def _between(scale: float, shift: float, size: int, limit: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """For each of `size` results: the position before it in a padded line of `limit` + 2, and how far it is beyond.

    The distance is in 1 / FRACTIONS of a pixel.
    """
    fine = 1024  # steps in which the inverse map is accumulated
    inverse = 1 / scale
    position = np.rint(np.arange(size) * (inverse * fine)) + np.rint(-inverse * shift * fine)
    fraction = (position.astype(np.int64) + fine // FRACTIONS // 2) // (fine // FRACTIONS)
    before, beyond = fraction // FRACTIONS, (fraction % FRACTIONS).astype(np.int32)
    outside = (before < -1) | (before >= limit)
    return np.where(outside, 0, before + 1), np.where(outside, 0, beyond)  # position 0 is black

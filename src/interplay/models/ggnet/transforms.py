"""From an image to the network's square input and back: which part is seen, random changes, pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Change = Literal["brightness", "contrast", "saturation"]

MEAN = np.array([0.40789654, 0.44719302, 0.47026115], np.float32)
STD = np.array([0.28863828, 0.27408164, 0.27809835], np.float32)
"""Blue, green, red; of pixels in 0..1."""

FRACTIONS = 32
"""Positions between pixels are rounded to this fraction of a pixel, as in OpenCV's bilinear interpolation."""

SCALES = tuple(i / 10 for i in range(7, 14))
"""Factors of the longer side: below 1 the view is a part of the image, above 1 it has a black margin."""
BORDER = 128
"""A view's centre stays this far from the image's border, or half of that (and so on) in a small one."""
JITTER = 0.4
"""Brightness, contrast and saturation change by a factor of 1 - JITTER to 1 + JITTER."""
LIGHTING = 0.1
"""Standard deviation of the noise along the principal components of colour."""

EIGENVALUES = np.array([0.2141788, 0.01817699, 0.00341571], np.float32)
EIGENVECTORS = np.array(
    [
        [-0.58752847, -0.69563484, 0.41340352],
        [-0.5832747, 0.00994535, -0.81221408],
        [-0.56089297, 0.71832671, 0.41158938],
    ],
    np.float32,
)
"""Principal components of colours in COCO (blue, green, red; 0..1): variances and, in columns, directions."""

GREY = np.array([0.114, 0.587, 0.299], np.float32)
"""How much blue, green and red contribute to grey."""


@dataclass(frozen=True)
class View:
    """The part of an image that the network sees.

    Attributes:
        centre: x, y in the (mirrored) image that comes to the middle of the network's input.
        side: pixels of the image that the input's width covers.
        width: of the image; needed to mirror.
        mirrored: whether the image is mirrored first (x becomes ``width - x - 1``).
    """

    centre: tuple[float, float]
    side: float
    width: int
    mirrored: bool = False

    @classmethod
    def whole(cls, width: int, height: int) -> View:
        """The whole image: its longer side fills the input."""
        return cls((width / 2, height / 2), float(max(width, height)), width)

    def matrix(self, width: int, height: int) -> Array:
        """(2, 3) float64 map from the (mirrored) image to a `width` x `height` input or output map."""
        source, target = self._corners(width, height)
        return three_point_affine(source, target)

    def inverse(self, width: int, height: int) -> Array:
        """(2, 3) float64 map from a `width` x `height` map back to the (mirrored) image."""
        source, target = self._corners(width, height)
        return three_point_affine(target, source)

    def mirror(self, boxes: Array) -> Array:
        """Boxes (N, 4) in the mirrored image, if this view mirrors."""
        if not self.mirrored:
            return boxes
        out = boxes.copy()
        out[:, [0, 2]] = self.width - boxes[:, [2, 0]] - 1
        return out

    def _corners(self, width: int, height: int) -> tuple[Array, Array]:
        """Three points that fix the map: the middle, half a side above it, and half a side to the left of that."""
        half = np.float32(self.side) * np.float32(0.5)
        return _three_points(self.centre, half), _three_points((width * 0.5, height * 0.5), np.float32(width * 0.5))


def transform_points(points: Array, matrix: Array) -> Array:
    """Points (..., 2) under a (2, 3) matrix, computed in float64 from float32 coordinates."""
    homogeneous = np.ones((*points.shape[:-1], 3), np.float32)
    homogeneous[..., :2] = points
    return homogeneous @ matrix.T


def transform_boxes(boxes: Array, matrix: Array) -> Array:
    """Boxes (N, 4) whose two corners are moved by a (2, 3) matrix without rotation: (N, 4) float64."""
    return transform_points(boxes.reshape(-1, 2, 2), matrix).reshape(-1, 4)


def three_point_affine(source: Array, target: Array) -> Array:
    """The (2, 3) float64 affine map that takes three points (3, 2) to three others.

    Gaussian elimination of the six equations with row pivoting, interleaved x and y. A closed form would be
    shorter, but targets of whole-pixel boxes are truncated after this map (see `targets`), so that its last bit
    decides between two pixels; this order of operations is the one that published weights were trained with.
    """
    system = np.zeros((6, 7))
    system[0::2, :2], system[0::2, 2], system[0::2, 6] = source, 1, target[:, 0]
    system[1::2, 3:5], system[1::2, 5], system[1::2, 6] = source, 1, target[:, 1]
    for i in range(6):
        pivot = i + int(np.argmax(np.abs(system[i:, i])))
        system[[i, pivot]] = system[[pivot, i]]
        factors = system[i + 1 :, i] * (-1 / system[i, i])
        system[i + 1 :, i + 1 :] += factors[:, None] * system[i, i + 1 :]
    solution = np.zeros(6)
    for i in range(5, -1, -1):
        rest = system[i, 6]
        for j in range(i + 1, 6):
            rest = rest - system[i, j] * solution[j]
        solution[i] = rest / system[i, i]
    return solution.reshape(2, 3)


def _three_points(centre: tuple[float, float], half: np.float32) -> Array:
    middle = np.array(centre, np.float32)
    above = middle - np.array([0, half], np.float32)
    beside = above + np.array([above[1] - middle[1], 0], np.float32)
    return np.stack([middle, above, beside])


@dataclass(frozen=True)
class ColourChange:
    """What was drawn for one image.

    Attributes:
        order: in which order brightness, contrast and saturation change.
        factors: of each, in that order.
        lighting: (3,) amounts along the principal components.
    """

    order: Sequence[Change]
    factors: Sequence[float]
    lighting: Sequence[float]

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Change an image (H, W, 3), blue first, 0..1; the result may leave that range."""
        grey = image @ GREY  # of the unchanged image, as the published code has it
        for change, factor in zip(self.order, self.factors, strict=True):
            if change == "brightness":
                image = image * np.float32(factor)
            elif change == "contrast":
                image = image * np.float32(factor) + np.float32((1 - factor) * grey.mean())
            else:
                image = image * np.float32(factor) + np.float32(1 - factor) * grey[..., None]
        return image + (EIGENVECTORS @ (EIGENVALUES * np.asarray(self.lighting, np.float32))).astype(np.float32)


def random_view(width: int, height: int, generator: np.random.Generator) -> View:
    """A random part of an image, or the whole of it with a margin, mirrored half of the time."""
    side = max(width, height) * SCALES[generator.integers(len(SCALES))]
    x = int(generator.integers(*centre_range(width)))
    y = int(generator.integers(*centre_range(height)))
    return view(width, side, (x, y), bool(generator.random() < 0.5))


def view(width: int, side: float, centre: tuple[float, float], mirrored: bool) -> View:
    """The view around a centre of the image as it is (not mirrored)."""
    return mirror(View(centre, side, width)) if mirrored else View(centre, side, width)


def mirror(whole: View) -> View:
    """The same part of the image, mirrored."""
    x, y = whole.centre
    return replace(whole, centre=(whole.width - x - 1, y), mirrored=not whole.mirrored)


def centre_range(size: int) -> tuple[int, int]:
    """First and last (exclusive) coordinate of a view's centre along a side of `size` pixels."""
    border = BORDER
    while size - border <= border:
        border //= 2
    return border, size - border


def random_colours(generator: np.random.Generator) -> ColourChange:
    """Random changes of colour."""
    changes: list[Change] = ["brightness", "contrast", "saturation"]
    order = [changes[i] for i in generator.permutation(3)]
    factors = generator.uniform(1 - JITTER, 1 + JITTER, 3).tolist()
    return ColourChange(order, factors, generator.normal(0, LIGHTING, 3).tolist())


def network_input(
    image: NDArray[np.uint8],
    view: View,
    width: int,
    height: int,
    colours: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None = None,
) -> NDArray[np.float32]:
    """What the network sees of an image.

    Args:
        image: (H, W, 3) red, green, blue, 0..255.
        view: which part.
        width, height: of the result.
        colours: a change of the (height, width, 3) pixels in 0..1, blue first.

    Returns:
        (3, height, width), blue first, normalised; black beyond the image's border.
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

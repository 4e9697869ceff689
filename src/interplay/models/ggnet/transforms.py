"""From a photograph to the network's square and back: which part is seen, how large, and whether mirrored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class View:
    """The part of a photograph that the network sees.

    Attributes:
        centre: x, y in the (mirrored) photograph that comes to the middle of the network's input.
        side: pixels of the photograph that the input's width covers.
        width: of the photograph; needed to mirror.
        mirrored: whether the photograph is mirrored first (x becomes ``width - x - 1``).
    """

    centre: tuple[float, float]
    side: float
    width: int
    mirrored: bool = False

    @classmethod
    def whole(cls, width: int, height: int) -> View:
        """The whole photograph: its longer side fills the input."""
        return cls((width / 2, height / 2), float(max(width, height)), width)

    def matrix(self, width: int, height: int) -> Array:
        """(2, 3) float64 map from the (mirrored) photograph to a `width` x `height` input or output map."""
        source, target = self._corners(width, height)
        return three_point_affine(source, target)

    def inverse(self, width: int, height: int) -> Array:
        """(2, 3) float64 map from a `width` x `height` map back to the (mirrored) photograph."""
        source, target = self._corners(width, height)
        return three_point_affine(target, source)

    def mirror(self, boxes: Array) -> Array:
        """Boxes (N, 4) in the mirrored photograph, if this view mirrors."""
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

"""What a photograph's camera does to points in its own frame: x right, y down, z forward, metres to pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from interplay.body.cameras import Camera
from interplay.errors import InputError
from interplay.ops.numbers import finite_number, finite_rows


@dataclass(frozen=True)
class Intrinsics:
    """A pinhole camera's focal lengths and principal point; the centre of the first pixel is at 0.5.

    Attributes:
        focal: in pixels, along x and y.
        principal: x and y in pixels, where the optical axis meets the picture.

    Raises:
        InputError: numbers that are not finite, or a focal length that is not positive.
    """

    focal: tuple[float, float]
    principal: tuple[float, float]

    def __post_init__(self) -> None:
        finite_rows([self.focal, self.principal], 2, lambda row: ("focal length", "principal point")[row])
        if min(self.focal) <= 0:
            raise InputError(f"focal length: expected two positive numbers of pixels, got {self.focal}")

    @classmethod
    def of(cls, camera: Camera) -> Intrinsics:
        """Those of a camera in a world."""
        return cls((camera.focal, camera.focal), (camera.width / 2, camera.height / 2))

    @classmethod
    def of_matrix(cls, matrix: Any) -> Intrinsics:
        """From a matrix K (3, 3), as calibration files have it; its skew must be 0."""
        rows = finite_rows(matrix, 3, lambda row: f"camera matrix: row {row}")
        if rows.shape != (3, 3) or abs(rows[0, 1]) > 1e-6:
            raise InputError(f"camera matrix: expected 3 rows of 3 numbers without skew, got {rows.tolist()}")
        return cls((float(rows[0, 0]), float(rows[1, 1])), (float(rows[0, 2]), float(rows[1, 2])))

    @classmethod
    def of_osx(cls, box: Sequence[float]) -> Intrinsics:
        """The camera that OSX assumes: a focal length of 5,000 pixels for a crop of 192 x 256 around the person.

        Args:
            box: x, y, width and height of the person's box in pixels.
        """
        x, y, width, height = (finite_number(value, "the person's box") for value in box)
        if width <= 0 or height <= 0:
            raise InputError(f"the person's box: expected x, y and a positive width and height, got {tuple(box)}")
        return cls((5000 / 192 * width, 5000 / 256 * height), (width / 2 + x, height / 2 + y))

    def cropped(self, x: float, y: float, factor: float = 1.0) -> Intrinsics:
        """Those of a crop whose upper left corner is at (x, y), resized by `factor`."""
        return Intrinsics(
            (self.focal[0] * factor, self.focal[1] * factor),
            ((self.principal[0] - x) * factor, (self.principal[1] - y) * factor),
        )

    def project(self, points: Any) -> Any:
        """Pixels (..., 2) of points (..., 3) in the camera's frame; meaningless where the depth is not positive.

        Takes torch's tensors, with gradients.
        """
        import torch

        depth = points[..., 2:]
        safe = torch.where(depth.abs() < 1e-9, torch.full_like(depth, 1e-9), depth)
        return points[..., :2] / safe * points.new_tensor(self.focal) + points.new_tensor(self.principal)

"""The pinhole camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .geometry import Array, Z, cross, unit


@dataclass(frozen=True)
class Camera:
    """A pinhole camera with square pixels; pixel centres lie at halves.

    Attributes:
        position: (3,) metres in the world.
        rotation: (3, 3) world to camera; the camera looks along +z, x is right, y is down.
        focal: focal length in pixels.
        width, height: image size in pixels.
    """

    position: Array
    rotation: Array
    focal: float
    width: int
    height: int

    @classmethod
    def looking_at(
        cls, position: ArrayLike, target: ArrayLike, focal: float, width: int, height: int, roll: float = 0.0
    ) -> Camera:
        """A camera at `position` that has `target` in its middle; `roll` in radians."""
        p = np.asarray(position, np.float64)
        forward = unit(np.asarray(target, np.float64) - p)
        right = unit(cross(forward, Z))
        down = cross(forward, right)
        c, s = np.cos(roll), np.sin(roll)
        return cls(p, np.stack([c * right + s * down, -s * right + c * down, forward]), focal, width, height)

    @property
    def intrinsics(self) -> Array:
        """(3, 3) matrix K: pixels = K (camera coordinates)."""
        return np.array([[self.focal, 0, self.width / 2], [0, self.focal, self.height / 2], [0, 0, 1.0]])

    def rays(self, pixels: Array) -> Array:
        """Directions (N, 3) in the world through image points (N, 2); their length along the view axis is 1."""
        d = np.column_stack(
            [
                (pixels[:, 0] - self.width / 2) / self.focal,
                (pixels[:, 1] - self.height / 2) / self.focal,
                np.ones(len(pixels)),
            ]
        )
        return d @ self.rotation

    def project(self, points: ArrayLike) -> tuple[Array, Array]:
        """Image points (N, 2) and depths (N,) of points (N, 3); meaningless where the depth is not positive."""
        local = (np.asarray(points, np.float64) - self.position) @ self.rotation.T
        depth = local[:, 2]
        safe = np.where(np.abs(depth) < 1e-9, 1e-9, depth)
        pixels = self.focal * local[:, :2] / safe[:, None] + np.array([self.width / 2, self.height / 2])
        return pixels, depth

"""Cameras: the pinhole camera of generated scenes, and the fixed views of InteractVLM.

A `Camera` stands in a world whose z points up; its x is right, y down, z forward. A `View` stands in a world whose y
points up and looks at the origin; its conventions are PyTorch3D's, which the published tables are in: x left, y up,
z forward, points as rows (``X_camera = X @ R + T``), a field of view of 60 degrees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from interplay.errors import InputError, near_matches
from interplay.ops.backends import in_kind

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


class View(NamedTuple):
    """A view of the origin, as the arguments of `look_at`.

    Attributes:
        distance: from the origin, in units of the world.
        elevation, azimuth: degrees; azimuth 0 looks from +z, 90 from +x, elevation 90 from above.
        tx, ty: added to the translation in the camera's frame: what is seen moves to the left and up.
    """

    distance: float
    elevation: float
    azimuth: float
    tx: float = 0.0
    ty: float = 0.0

    @property
    def normalised(self) -> tuple[float, float, float, float, float]:
        """What a camera encoder is given: all five numbers in 0..1."""
        return (self.distance / 10, self.elevation / 360, self.azimuth / 360, (self.tx + 1) / 2, (self.ty + 1) / 2)


_BODY = {
    "topfront": View(2, 45, 315),
    "bottomfront": View(2, 315, 315, 0, 0.3),
    "topback": View(2, 45, 135),
    "bottomback": View(2, 315, 135, 0, 0.3),
}
_BODY_SIDES = {
    "front": View(2, 0, 180, 0, 0.3),
    "back": View(2, 0, 0, 0, 0.3),
    "left": View(2, 0, 90, 0, 0.3),
    "right": View(2, 0, 270, 0, 0.3),
    "top": View(2, 90, 0, 0, 0.3),
    "bottom": View(2, 270, 0, 0, 0.3),
}
_BODY_AND_HANDS = {
    "topfront": View(1.25, 45, 315, -0.04, 0.01),
    "bottomback": View(1.6, 315, 180, 0, 0.52),
    "righthand": View(0.32, 280, 60, -0.42, 0.42),
    "lefthand": View(0.32, 280, 300, 0.42, 0.42),
}
"""Ours, for Anny: two views that its body fills, and each hand from nearby."""
_OBJECT = {
    "frontleft": View(2, 45, 315),
    "frontright": View(2, 45, 45),
    "backleft": View(2, 330, 135),
    "backright": View(2, 330, 225),
}
OBJECT_DISTANCE = 1.5
"""From which objects' meshes are drawn, nearer than the views' own distance, which conditions networks."""

_OBJECT_NEAR = {name: view._replace(distance=OBJECT_DISTANCE) for name, view in _OBJECT.items()}
_OBJECT_TEN = {
    "frontleft": _OBJECT["frontleft"],
    "frontright": _OBJECT["frontright"],
    "top": View(2, 90, 0),
    "front": View(2, 0, 0),
    "left": View(2, 0, 270),
    "backleft": _OBJECT["backleft"],
    "backright": _OBJECT["backright"],
    "bottom": View(2, 270, 0),
    "back": View(2, 0, 180),
    "right": View(2, 0, 90),
}

VIEW_SETS: dict[str, dict[str, View]] = {
    **{f"human_{name}": _BODY for name in ("4MV-Z_Vitru", "4MV-Z_Vitru_mv2", "4MV-Z_Vitru_FootGround")},
    "human_views6": _BODY_SIDES,
    "human_hands": _BODY_AND_HANDS,
    **{
        f"object_{name}": _OBJECT
        for name in (
            "4MV-Z_Fix",
            "4MV-Z_HM",
            "4MV-Z_HM1",
            "4MV-Z_HM2",
            "4MV-Z_HM_MeshInf",
            "4MV-Z_HM_BM",
            "4MV-Z_HM_BM-L",
        )
    },
    "object_10MV-Z_HM": _OBJECT_TEN,
    **{f"object_mesh_{name}": _OBJECT_NEAR for name in ("4MV-Z_HM_BM", "4MV-Z_HM_BM-L")},
}
"""The sets of views, each in its order: the published ones, and ``human_hands``, which is ours. Objects that are meshes
are rendered from nearer (``object_mesh_``) than the conditioning says (``object_``)."""


def view_set(name: str) -> dict[str, View]:
    """A set of views by its name, with or without ``human_`` and ``object_`` before it.

    Raises:
        InputError: unknown; names the nearest ones.
    """
    for full in (name, f"human_{name}", f"object_{name}"):
        if full in VIEW_SETS:
            return VIEW_SETS[full]
    raise InputError(
        f"unknown set of views {name!r}: expected one of {', '.join(VIEW_SETS)}.{near_matches(name, VIEW_SETS)}"
    )


FIELD_OF_VIEW = 60.0
"""Degrees, of every view."""
HALF_WIDTH = float(np.tan(np.radians(FIELD_OF_VIEW / 2)))
"""Half the image's width at distance 1."""
_NEAR, _FAR = 1.0, 100.0


@in_kind
def look_at(distance: Any, elevation: Any, azimuth: Any, tx: Any = 0.0, ty: Any = 0.0) -> tuple[Any, Any]:
    """Rotation and translation of views at the origin with +y up, for ``X_camera = X @ R + T``.

    Args:
        distance: (...) in units of the world.
        elevation, azimuth: (...) degrees. Straight from above or below, where up is undefined, the published code's
            choice holds, which follows from its angles' rounding to single precision.
        tx, ty: (...) added to the translation.

    Returns:
        R (..., 3, 3), whose columns are the camera's left, up and forward, and T (..., 3); float64 unless tensors of
        another precision are given.

    Example:
        >>> R, T = look_at(2.0, 0.0, 0.0, 0.0, 0.3)
        >>> R.tolist(), T.tolist()
        ([[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0]], [0.0, 0.3, 2.0])
    """
    import torch

    given = (distance, elevation, azimuth, tx, ty)
    values = [v if isinstance(v, torch.Tensor) else torch.tensor(v, dtype=torch.float64) for v in given]
    like = next((v for v in values if v.ndim and v.is_floating_point()), None)
    d, e, a, x, y = torch.broadcast_tensors(*(v.double() for v in values))
    # the sign of a cosine that is zero but for rounding decides which way is up in a view from above
    e, a = ((angle.float() * (np.pi / 180)).double() for angle in (e, a))
    side = torch.where(e.cos() < 0, -1.0, 1.0).double()
    sine, cosine = e.sin(), e.cos()
    zero = torch.zeros_like(d)
    forward = torch.stack([-cosine * a.sin(), -sine, -cosine * a.cos()], -1)
    left = torch.stack([-a.cos(), zero, a.sin()], -1) * side[..., None]
    up = torch.linalg.cross(forward, left)
    rotation = torch.stack([left, up, forward], -1) + 0.0  # no negative zeros
    translation = torch.stack([x, y, d], -1)
    kind = torch.float64 if like is None else like.dtype
    return rotation.to(kind), translation.to(kind)


@in_kind
def project(points: Any, R: Any, T: Any, size: int) -> Any:
    """Where points are in square images.

    Args:
        points: (..., N, 3) in the world.
        R, T: (..., 3, 3) and (..., 3) of `look_at`.
        size: pixels on a side.

    Returns:
        (..., N, 3): x to the right and y down in pixels, the centre of the first pixel at 0.5; and depth as OpenGL has
        it, 0 at distance 1 and 1 at distance 100. Meaningless for points that are not in front of the camera.
    """
    import torch

    in_camera = to_camera(points, R, T)
    depth = in_camera[..., 2:]
    # x and y of the camera point to the left and up
    pixels = (1 - in_camera[..., :2] / (depth * HALF_WIDTH)) * (size / 2)
    return torch.cat([pixels, _FAR / (_FAR - _NEAR) * (1 - _NEAR / depth)], -1)


@in_kind
def to_camera(points: Any, R: Any, T: Any) -> Any:
    """Points (..., N, 3) of the world in the frame of cameras (..., 3, 3), (..., 3)."""
    import torch

    points, R, T = (torch.as_tensor(each) for each in (points, R, T))
    kind = torch.promote_types(points.dtype, torch.promote_types(R.dtype, T.dtype))
    return points.to(kind) @ R.to(kind) + T.to(kind)[..., None, :]

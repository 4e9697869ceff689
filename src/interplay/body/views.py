"""Pictures of a mesh from a set of views, and which triangle each pixel shows: what the SAM of InteractVLM sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .cameras import View, look_at
from .geometry import Array, cross, dot, unit
from .raycast import pixel_table
from .splatting import position_colours

Paint = Literal["normals", "positions"]
"""How a mesh is coloured: bodies by the direction of their surface, objects by where they are in their box."""

_AMBIENT, _DIFFUSE, _SPECULAR, _SHININESS = 0.5, 0.3, 0.2, 64
_LIGHTS = {"topfront": 3, "bottomfront": -3, "topback": -3, "bottomback": 3}
"""Where a body's light stands on the z axis, by the view's name; others stand on their view's side."""


@dataclass(frozen=True)
class MeshViews:
    """A mesh from V views.

    Attributes:
        vertices, faces: (N, 3) and (F, 3).
        views: cameras by name.
        images: (V, size, size, 3) uint8, white beside the mesh.
        pix_to_face: (V, size, size) triangle, -1 where there is none.
        bary: (V, size, size, 3) barycentric coordinates.
    """

    vertices: Array
    faces: NDArray[np.int64]
    views: Mapping[str, View]
    images: NDArray[np.uint8]
    pix_to_face: NDArray[np.int64]
    bary: NDArray[np.float32]


def draw_views(
    vertices: ArrayLike, faces: ArrayLike, views: Mapping[str, View], size: int, paint: Paint = "normals"
) -> MeshViews:
    """Pictures of a mesh, shaded after Phong with one light per view.

    Args:
        vertices: (N, 3), y up, a body facing +z; see `upright_body` and `unit_object`.
        faces: (F, 3).
        views: of `interplay.body.cameras.view_set`.
        size: pixels on a side.

    Raises:
        MissingExtraError: embreex is not installed.
        InputError: no mesh of triangles.
    """
    points, triangles = np.asarray(vertices, np.float64), np.asarray(faces)
    R, T = (np.stack(each) for each in zip(*(look_at(*view) for view in views.values()), strict=True))
    pix_to_face, bary = pixel_table(points, triangles, R, T, size)
    normals = vertex_normals(points, triangles)
    paints = (normals + 1) / 2 if paint == "normals" else position_colours(points)
    images = np.full((len(views), size, size, 3), 255, np.uint8)
    for index, (name, view) in enumerate(views.items()):
        light = np.array([0, 0, _LIGHTS.get(name, 3 if np.cos(np.radians(view.azimuth)) >= 0 else -3)], np.float64)
        eye = -T[index] @ R[index].T
        row, column = np.nonzero(pix_to_face[index] >= 0)
        corners = triangles[pix_to_face[index, row, column]]
        weights = bary[index, row, column][..., None].astype(np.float64)
        at, normal, colour = ((weights * each[corners]).sum(1) for each in (points, normals, paints))
        images[index, row, column] = (_phong(at, unit(normal), colour, light, eye).clip(0, 1) * 255).round()
    return MeshViews(points, triangles, views, images, pix_to_face, bary)


def vertex_normals(vertices: Array, faces: NDArray[np.integer]) -> Array:
    """(N, 3) directions of a mesh's surface at its vertices: means of the faces around, by their area."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    of_face = cross(b - a, c - a)
    total = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(total, faces[:, corner], of_face)
    return unit(total)


def upright_body(vertices: ArrayLike) -> Array:
    """A body of `interplay.body.model` (z up, facing -y, feet on the ground) as views of bodies have it.

    y is up, it faces +z, and its middle is 0.33 m below the origin, about as SMPL's.
    """
    p = np.asarray(vertices, np.float64)
    turned = np.stack([p[:, 0], p[:, 2], -p[:, 1]], -1)
    middle = (turned.min(0) + turned.max(0)) / 2
    return turned - [middle[0], middle[1] + 0.33, middle[2]]


def unit_object(vertices: ArrayLike) -> Array:
    """An object's mesh about the mean of its vertices, the longest side of its box of length 1."""
    p = np.asarray(vertices, np.float64)
    return (p - p.mean(0)) / max(float(np.ptp(p, axis=0).max()), 1e-12)


def _phong(at: Array, normal: Array, colour: Array, light: Array, eye: Array) -> Array:
    to_light, to_eye = unit(light - at), unit(eye - at)
    facing = dot(normal, to_light)
    mirrored = 2 * facing[:, None] * normal - to_light
    gloss = np.where(facing > 0, dot(mirrored, to_eye).clip(0), 0) ** _SHININESS
    return (_AMBIENT + _DIFFUSE * facing.clip(0))[:, None] * colour + (_SPECULAR * gloss)[:, None]

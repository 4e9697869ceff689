"""The views of a body: drawn once, with their tables, beside the masks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.body.bodies import ANNY, ContactBody
from interplay.body.cameras import View, view_set
from interplay.body.views import MeshViews, draw_views
from interplay.containers.arrays import read_npz
from interplay.files import atomic_path

BODY_VIEWS, OBJECT_VIEWS = view_set("human_4MV-Z_Vitru"), view_set("object_mesh_4MV-Z_HM_BM")
POINT_VIEWS: dict[str, dict[str, View]] = {"piad": view_set("object_4MV-Z_HM"), "lemon": OBJECT_VIEWS}
"""PIAD's points are drawn from the distance of the conditioning, LEMON's from nearer."""
POINT_RADIUS = {"piad": 0.05, "lemon": 0.03}
_TABLES = "tables.npz"


def body_folder(body: ContactBody, min_vertices: int) -> str:
    """The folder of a body's masks, as the published sets of views call it for SMPL-H."""
    stem = "hcontact_anny" if body.name == ANNY else "hcontact_vitruvian"
    return stem if min_vertices == 3 else f"{stem}_mv{min_vertices}"


def write_body_views(folder: Path, body: ContactBody, size: int, min_vertices: int) -> Path:
    """Write a body's pictures and tables, unless they are there; returns their folder.

    ``body_render_VIEW.png``; ``pixel_to_vertex_map_SIZE.npz`` and ``bary_coords_map_SIZE.npz``: by view (size, size, 3)
    vertices, -1 where there is none, and barycentric coordinates.
    """
    place = folder / body_folder(body, min_vertices)
    tables = place / _TABLES
    if tables.is_file():  # written last
        return place
    drawn = draw_views(body.vertices, body.faces, BODY_VIEWS, size)
    corners = corners_of(drawn)
    for index, name in enumerate(BODY_VIEWS):
        save_png(place / f"body_render_{name}.png", drawn.images[index])
    save_npz(place / f"pixel_to_vertex_map_{size}.npz", dict(zip(BODY_VIEWS, corners, strict=True)))
    save_npz(place / f"bary_coords_map_{size}.npz", dict(zip(BODY_VIEWS, drawn.bary, strict=True)))
    save_npz(tables, {"pix_to_face": drawn.pix_to_face.astype(np.int32), "faces": body.faces.astype(np.int32)})
    return place


def read_tables(place: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(V, size, size) triangles of the pixels and (F, 3) faces, as `write_body_views` wrote them."""
    stored = read_npz(place / _TABLES)
    return stored["pix_to_face"].astype(np.int64), stored["faces"].astype(np.int64)


def corners_of(drawn: MeshViews) -> NDArray[np.int32]:
    """(V, size, size, 3) vertices of each pixel's triangle, -1 where there is none."""
    faces = np.concatenate([drawn.faces, np.full((1, 3), -1)])  # the last, which -1 names
    return faces[drawn.pix_to_face].astype(np.int32)


def save_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write a picture whole or not at all."""
    from PIL import Image

    with atomic_path(path) as temporary:
        Image.fromarray(pixels).save(temporary, format="PNG", compress_level=1)


def save_npz(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write compressed arrays whole or not at all."""
    with atomic_path(path) as temporary, Path(temporary).open("wb") as stream:
        np.savez_compressed(stream, **arrays)

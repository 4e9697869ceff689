"""PICO: which faces of an object's mesh, and which vertices of a body, touch each other in a photograph (CVPR 2025).

Images are named ``OBJECT__FILE``. The object's contact is stored as the mesh's own lines of faces (``f 12 7 30``), the
body's as vertices of SMPL, and the object's views as ``p2vmap_IMAGE_VIEW.npz``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interplay.containers.arrays import read_npz
from interplay.containers.guard import brief
from interplay.containers.pickles import load_plain_pickle
from interplay.datasets.contact_labels import vertices_of
from interplay.datasets.finding import Finding, try_reading
from interplay.errors import InputError

_FACE = re.compile(r"f((?:\s+\d+(?:/\d*){0,2}){3,})\s*")


@dataclass(frozen=True)
class PixelMap:
    """What an object's view shows.

    Attributes:
        vertices: (H, W, 3) vertices of each pixel's triangle, -1 where there is none.
        bary: (H, W, 3) barycentric coordinates.
        num_vertices: of the object.
    """

    vertices: NDArray[np.int64]
    bary: NDArray[np.float32]
    num_vertices: int


def object_of(image: str) -> str:
    """The object of an image: what its name has before the first two underlines, in lower case.

    Example:
        >>> object_of("Tennis_racket__000012.jpg")
        'tennis_racket'
    """
    name = Path(image).name
    if "__" not in name:
        raise InputError(f"{image}: expected a name such as bicycle__000012.jpg")
    return name.split("__")[0].lower()


def vertices_of_faces(faces: Iterable[str], num_vertices: int, where: str = "faces") -> NDArray[np.int64]:
    """Vertices in contact, from 0: all corners of the faces given as lines of an OBJ file, which counts from 1.

    Raises:
        InputError: a line that is no face, or names no vertex of the mesh.
    """
    found = set()
    for line in faces:
        matched = _FACE.fullmatch(line.strip()) if isinstance(line, str) else None
        if matched is None:
            raise InputError(f"{where}: expected a line such as 'f 12 7 30', got {brief(line)}")
        found |= {int(corner.split("/")[0]) - 1 for corner in matched[1].split()}
    if found and not 0 <= min(found) <= max(found) < num_vertices:
        raise InputError(f"{where}: expected vertices 1..{num_vertices}, got {min(found) + 1}..{max(found) + 1}")
    return np.array(sorted(found), np.int64)


def read_pixel_map(path: str | os.PathLike[str]) -> PixelMap:
    """A ``p2vmap`` file.

    Raises:
        MissingFileError: no such file.
        InputError: an array is missing or does not fit.
    """
    stored = read_npz(path)
    names = ("pixel_to_vertices_map", "bary_coords_map", "num_vertices")
    missing = [name for name in names if name not in stored]
    if missing:
        raise InputError(f"{path}: expected {', '.join(names)}; {', '.join(missing)} is missing")
    vertices, bary, count = (stored[name] for name in names)
    if vertices.ndim != 3 or vertices.shape[-1] != 3 or bary.shape != vertices.shape or count.size != 1:
        raise InputError(f"{path}: expected maps (H, W, 3) of one size, got {vertices.shape} and {bary.shape}")
    number = int(count.reshape(()))
    if vertices.dtype.kind not in "iuf" or (vertices.size and not -1 <= vertices.min() <= vertices.max() < number):
        raise InputError(f"{path}: expected vertices of {number}, or -1")
    return PixelMap(vertices.astype(np.int64), bary.astype(np.float32), number)


def read_body_contact(path: str | os.PathLike[str]) -> NDArray[np.int64]:
    """The body's vertices in a ``contact_vertices_IMAGE.pkl``, ascending.

    Raises:
        MissingFileError: no such file.
        InputError: no vertices of SMPL.
    """
    return vertices_of(load_plain_pickle(path), str(path))


def check(folder: str | os.PathLike[str]) -> list[Finding]:
    """What there is of PICO in a folder, and whether it can be read; nothing where there is nothing."""
    root = Path(folder)
    findings = []
    for path in sorted(root.rglob("p2vmap_*.npz")):

        def describe(path: Path = path) -> str:
            found = read_pixel_map(path)
            return f"{found.vertices.shape[0]} px, {found.num_vertices:,} vertices"

        findings.append(try_reading("pico", path, root, describe))
    return findings

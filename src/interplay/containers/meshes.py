"""Meshes of any common form, read by `trimesh` in a process of its own; other files only from the mesh's own folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from interplay.containers.guard import MEGABYTE, in_words, regular_file
from interplay.containers.isolated import ReaderProcess, read_isolated
from interplay.errors import InputError, MissingExtraError

SUFFIXES = (".glb", ".gltf", ".obj", ".stl", ".ply")
"""Of the forms that are read."""

_LIMIT = 256 * MEGABYTE
_FARTHEST = 1e9


@dataclass(frozen=True)
class MeshFile:
    """What a file holds.

    Attributes:
        vertices: (V, 3) float64, finite, in the file's own units and axes.
        faces: (F, 3) int64 indices of vertices, at least one, of which some have an area.
        rgb: (F, 3) float64 colours in 0..255, None where the file has none.
        closed: whether the surface has no gaps.
    """

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]
    rgb: NDArray[np.float64] | None
    closed: bool


def read_mesh(path: str | os.PathLike[str], most_faces: int) -> MeshFile:
    """The triangles of a mesh; several parts as one.

    Args:
        path: a file with one of `SUFFIXES`.
        most_faces: a mesh with more triangles is refused.

    Raises:
        MissingFileError: there is none.
        MissingExtraError: trimesh is not installed.
        InputError: another form, damaged, without area, not finite, or with too many triangles.
    """
    try:
        import trimesh  # noqa: F401 - the child process needs it
    except ImportError as error:
        raise MissingExtraError("body", "trimesh") from error
    source = Path(path)
    if source.suffix.lower() not in SUFFIXES:
        raise InputError(f"{source}: expected a file that ends in {', '.join(SUFFIXES)}")
    size = regular_file(source, "a mesh")
    if size > _LIMIT:
        raise InputError(f"{source}: {in_words(size)}, but a mesh has at most {in_words(_LIMIT)}")
    return MeshFile(*read_isolated(f"{__name__}:_read", source, most_faces, what="a mesh"))


class Part(NamedTuple):
    """(V, 3) float64 vertices in the part's own frame, before its node places it, and (F, 3) int64 triangles."""

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]


def read_parts(paths: Iterable[str | os.PathLike[str]], most_faces: int) -> Iterator[dict[str, Part]]:
    """The parts of scenes in 3D by their names, one scene after the other.

    Args:
        paths: GLB files.
        most_faces: a part with more triangles is refused.

    Raises:
        MissingFileError: there is none.
        MissingExtraError: trimesh is not installed.
        InputError: no GLB file, damaged, or with too many triangles.
    """
    try:
        import trimesh  # noqa: F401 - the child process needs it
    except ImportError as error:
        raise MissingExtraError("body", "trimesh") from error
    with ReaderProcess("a scene in 3D") as reader:
        for path in paths:
            regular_file(Path(path), "a scene in 3D")
            found = reader.read(f"{__name__}:_read_parts", path, most_faces)
            yield {name: Part(*part) for name, part in found.items()}


def _read_parts(path: str, most_faces: int) -> dict[str, tuple[NDArray, NDArray]]:
    """Run by a reader process."""
    import trimesh

    with Path(path).open("rb") as stream:
        loaded = trimesh.load_scene(stream, file_type="glb", process=False)
    parts = {}
    for name in loaded.graph.nodes_geometry:
        geometry = loaded.graph[name][1]
        mesh = loaded.geometry[geometry]
        if not isinstance(mesh, trimesh.Trimesh):
            continue
        if len(mesh.faces) > most_faces:
            raise InputError(f"{path}: {name}: {len(mesh.faces):,} triangles are more than {most_faces:,}")
        vertices, faces = np.array(mesh.vertices, np.float64), np.array(mesh.faces, np.int64)
        _check(vertices, faces, f"{path}: {name}")
        parts[str(name)] = (vertices, faces)
    return parts


def _read(path: str, most_faces: int) -> tuple[NDArray, NDArray, NDArray | None, bool]:
    """Run by a reader process."""
    import trimesh

    source = Path(path)
    with source.open("rb") as stream:
        kind, resolver = source.suffix.lower().lstrip("."), _own_folder(source.parent)
        loaded = trimesh.load(stream, file_type=kind, resolver=resolver, process=False)
    found = loaded.to_geometry() if isinstance(loaded, trimesh.Scene) else loaded
    if not isinstance(found, trimesh.Trimesh) or not len(found.faces):
        raise InputError(f"{path}: holds no triangles")
    if len(found.faces) > most_faces:
        raise InputError(
            f"{path}: {len(found.faces):,} triangles are more than {most_faces:,}; simplify the mesh first, "
            "with Blender's modifier Decimate for example"
        )
    vertices, faces = np.array(found.vertices, np.float64), np.array(found.faces, np.int64)
    _check(vertices, faces, path)
    welded = found.copy()
    welded.merge_vertices(merge_tex=True, merge_norm=True)
    return vertices, faces, _rgb(found), bool(welded.is_watertight)


def _check(vertices: NDArray, faces: NDArray, path: str) -> None:
    if not np.isfinite(vertices).all() or np.abs(vertices).max(initial=0) > _FARTHEST:
        raise InputError(f"{path}: has vertices that are not finite, or farther away than {_FARTHEST:.0e}")
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise InputError(
            f"{path}: a triangle names vertex {int(faces.max())}, but there are {len(vertices)}, counted from 0"
        )
    extent = float(np.ptp(vertices, axis=0).max())
    corners = vertices[faces] / max(extent, 1e-300)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    if not area.sum() > 1e-9:
        raise InputError(f"{path}: has no area: all vertices lie on a line or in a point")


def _rgb(found: Any) -> NDArray | None:
    visual = found.visual
    if visual.kind == "texture":
        visual = visual.to_color()
    if visual.kind not in ("face", "vertex"):
        return None
    rgb = np.array(visual.face_colors if visual.kind == "face" else visual.vertex_colors, np.float64)[:, :3]
    return rgb if len(rgb) == len(found.faces) else rgb[np.array(found.faces)].mean(1)


def _own_folder(folder: Path) -> Any:
    """What gives a mesh its materials and textures: ordinary files inside its folder and nothing else."""
    from trimesh.resolvers import FilePathResolver

    class OwnFolder(FilePathResolver):
        def get(self, name: str) -> bytes:
            wanted = (folder / name).resolve()
            if not wanted.is_relative_to(folder.resolve()) or not wanted.is_file():
                raise FileNotFoundError(name)
            if wanted.stat().st_size > _LIMIT:
                raise InputError(f"{wanted}: larger than {in_words(_LIMIT)}")
            return wanted.read_bytes()

    return OwnFolder(str(folder))

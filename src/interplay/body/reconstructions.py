"""Files of reconstructed people and objects: the meshes of both, where they were placed.

A folder with one scene per ``.npz`` file, or with two meshes per scene, ``NAME_human`` and ``NAME_object``
(``.obj``, ``.ply``, ``.glb``, as the published InteractVLM writes them). The scene's name is the file's without its
ending. An ``.npz`` file holds

====================  ======================================================================================
``human_vertices``    (V, 3) metres
``human_faces``       (F, 3) indices, counter-clockwise seen from outside
``object_vertices``   (W, 3) metres, in the same frame
``object_faces``      (G, 3)
====================  ======================================================================================

The frame is free: scores are taken after an alignment, or between the two meshes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.body.geometry import Array
from interplay.body.raycast import check_mesh
from interplay.containers.arrays import read_npz
from interplay.containers.meshes import SUFFIXES, read_mesh
from interplay.errors import InputError, MissingFileError, some_of
from interplay.files import atomic_path

_NAMES = ("human_vertices", "human_faces", "object_vertices", "object_faces")
_MOST_FACES = 500_000


@dataclass(frozen=True)
class Reconstruction:
    """A person and an object in one frame.

    Attributes:
        human_vertices, object_vertices: (V, 3) metres.
        human_faces, object_faces: (F, 3) int64.
    """

    human_vertices: Array
    human_faces: NDArray[np.int64]
    object_vertices: Array
    object_faces: NDArray[np.int64]


def find_reconstructions(folder: str | os.PathLike[str]) -> dict[str, tuple[Path, ...]]:
    """The scenes of a folder: name -> the ``.npz`` file, or the meshes of the person and the object.

    Raises:
        MissingFileError: there is no folder, or no scene in it.
        InputError: a scene lacks one of the two meshes, or is there twice.
    """
    source = Path(folder)
    if not source.is_dir():
        raise MissingFileError(f"{source}: expected a folder of reconstructions (see the docs, Reconstruction)")
    scenes: dict[str, tuple[Path, ...]] = {file.stem: (file,) for file in sorted(source.glob("*.npz"))}
    meshes: dict[str, dict[str, Path]] = {}
    for file in sorted(source.iterdir()):
        name, between, which = file.stem.rpartition("_")
        if file.suffix.lower() not in SUFFIXES or which not in ("human", "object") or not (name and between):
            continue
        if which in meshes.setdefault(name, {}) or name in scenes:
            raise InputError(f"{source}: scene {name} is there twice, {file.name} and another file")
        meshes[name][which] = file
    halves = [name for name, parts in meshes.items() if len(parts) < 2]
    if halves:
        raise InputError(
            f"{source}: expected NAME_human and NAME_object of each scene; one is missing of {some_of(halves)}"
        )
    scenes |= {name: (parts["human"], parts["object"]) for name, parts in meshes.items()}
    if not scenes:
        raise MissingFileError(f"{source} holds no reconstruction: NAME.npz, or NAME_human.obj and NAME_object.obj")
    return dict(sorted(scenes.items()))


def read_reconstruction(files: tuple[Path, ...]) -> Reconstruction:
    """One scene of `find_reconstructions`.

    Raises:
        InputError: a file does not fit; says what.
    """
    if len(files) == 2:
        human, object = (read_mesh(file, _MOST_FACES) for file in files)
        return Reconstruction(human.vertices, human.faces, object.vertices, object.faces)
    stored = read_npz(files[0])
    missing = [name for name in _NAMES if name not in stored]
    if missing:
        raise InputError(
            f"{files[0]}: expected arrays {', '.join(_NAMES)}; {', '.join(missing)} missing, "
            f"it holds {', '.join(stored) or 'nothing'}"
        )
    return _checked({name: stored[name] for name in _NAMES}, f"{files[0]}: ")


def write_reconstruction(
    path: str | os.PathLike[str], human_vertices: Any, human_faces: Any, object_vertices: Any, object_faces: Any
) -> None:
    """Write a scene as an ``.npz`` file; the arrays are those of `Reconstruction`.

    Raises:
        InputError: meshes of another shape, or not finite.
    """
    given = (human_vertices, human_faces, object_vertices, object_faces)
    found = _checked({name: np.asarray(array) for name, array in zip(_NAMES, given, strict=True)}, "")
    with atomic_path(path) as temporary, Path(temporary).open("wb") as stream:
        np.savez_compressed(stream, **{name: getattr(found, name) for name in _NAMES})


def _checked(arrays: Mapping[str, NDArray[Any]], where: str) -> Reconstruction:
    parts: list[Any] = []
    for whose in ("human", "object"):
        vertices, faces = arrays[f"{whose}_vertices"], arrays[f"{whose}_faces"]
        if vertices.dtype.kind not in "iuf" or faces.dtype.kind not in "iu":
            raise InputError(
                f"{where}{whose}: expected numbers as vertices and whole numbers as faces, got {vertices.dtype} and "
                f"{faces.dtype}"
            )
        try:
            check_mesh(vertices.astype(np.float64), faces)
        except InputError as error:
            raise InputError(f"{where}{whose}: {error}") from error
        parts += [vertices.astype(np.float64), faces.astype(np.int64)]
    return Reconstruction(*parts)

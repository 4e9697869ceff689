"""What the user may give: a body, contact, a mask, a camera, from files in the forms that are in circulation."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.body.geometry import Array
from interplay.body.model import load_body_model, plain_anny_vertices
from interplay.body.raycast import check_mesh
from interplay.containers.arrays import read_npy, read_npz
from interplay.containers.meshes import SUFFIXES, read_mesh
from interplay.errors import InputError
from interplay.images import read_image

from .camera import Intrinsics

MOST_FACES = 200_000
"""Of a body's or object's mesh."""


@dataclass(frozen=True)
class GivenBody:
    """A body from a file.

    Attributes:
        vertices: (V, 3) metres in the camera's frame: x right, y down, z forward.
        faces: (F, 3).
        camera: None where the file does not say.
        form: what the file is.
    """

    vertices: Array
    faces: NDArray[np.int64]
    camera: Intrinsics | None
    form: str


def read_body_file(path: str | os.PathLike[str], size: tuple[int, int]) -> GivenBody:
    """A person's body in the camera's frame.

    ====================  ========================================================================================
    OSX                   ``.npz``: ``smpl_vertices`` (N, V, 3), ``smpl_faces``, ``bbox_2`` (N, 4) x, y, w, h
    SAM 3D Body           ``.npz``: ``pred_vertices`` (V, 3), ``pred_cam_t`` (3,), ``focal_length``, ``faces``
    any                   ``.npz``: ``vertices`` (V, 3), ``faces`` (F, 3) and perhaps ``K`` (3, 3)
    a mesh                ``.obj``, ``.ply``, ``.stl`` in OpenCV's axes; ``.glb`` and ``.gltf`` in glTF's
    ====================  ========================================================================================

    Args:
        path: the file.
        size: width and height of the photograph.

    Raises:
        MissingFileError, MissingExtraError: there is none, or trimesh is not installed.
        InputError: another form, or a body that is not in front of the camera.
    """
    source = Path(path)
    if source.suffix.lower() in SUFFIXES:
        mesh = read_mesh(source, MOST_FACES)
        gltf = source.suffix.lower() in (".glb", ".gltf")
        found = GivenBody(mesh.vertices * ([1, -1, -1] if gltf else 1), mesh.faces, None, "mesh")
    elif source.suffix.lower() == ".npz":
        found = _read_arrays(source, read_npz(source), size)
    else:
        raise InputError(f"{source}: expected a body as .npz, or a mesh that ends in {', '.join(SUFFIXES)}")
    try:
        check_mesh(found.vertices, found.faces)
    except InputError as error:
        raise InputError(f"{source}: {error}") from None
    if not (found.vertices[:, 2] > 0).all():
        raise InputError(
            f"{source}: the body is not in front of the camera; expected metres in the camera's frame, "
            "x right, y down, z forward (in glTF: y up, z backward)"
        )
    return found


def _read_arrays(source: Path, stored: dict[str, NDArray], size: tuple[int, int]) -> GivenBody:
    def array(name: str, *shape: int) -> Array:
        value = np.asarray(stored[name], np.float64)
        value = value[0] if value.ndim == len(shape) + 1 else value
        if value.ndim != len(shape) or any(s not in (-1, n) for s, n in zip(shape, value.shape, strict=True)):
            raise InputError(f"{source}: {name}: expected {shape}, -1 for any, got {stored[name].shape}")
        return value

    def faces(name: str) -> NDArray[np.int64]:
        if name not in stored:
            raise InputError(
                f"{source}: holds vertices without {name!r}: save the triangles (F, 3) under this name too"
            )
        return array(name, -1, 3).astype(np.int64)

    if "smpl_vertices" in stored:
        name = next((each for each in ("bbox_2", "bbox") if each in stored), None)
        camera = None if name is None else Intrinsics.of_osx(array(name, 4).tolist())
        return GivenBody(array("smpl_vertices", -1, 3), faces("smpl_faces"), camera, "OSX")
    if "pred_vertices" in stored and "pred_cam_t" in stored:
        focal = float(np.ravel(stored["focal_length"])[0]) if "focal_length" in stored else None
        camera = None if focal is None else Intrinsics((focal, focal), (size[0] / 2, size[1] / 2))
        vertices = array("pred_vertices", -1, 3) + array("pred_cam_t", 3)
        return GivenBody(vertices, faces("faces"), camera, "SAM 3D Body")
    if "vertices" in stored:
        camera = Intrinsics.of_matrix(array("K", 3, 3)) if "K" in stored else None
        return GivenBody(array("vertices", -1, 3), faces("faces"), camera, "arrays")
    raise InputError(
        f"{source}: expected smpl_vertices (OSX), pred_vertices and pred_cam_t (SAM 3D Body), or vertices; "
        f"got {', '.join(stored) or 'nothing'}"
    )


_SCORES = ("scores", "pred_contact_3d_smplx", "pred_contact_3d_smplh", "pred_contact_3d", "contact")


def read_contact_file(path: str | os.PathLike[str], count: int, whose: str) -> Array:
    """Contact scores of a body's or object's vertices.

    Args:
        path: ``.npz`` as ``interplay contact`` or InteractVLM write it, or ``.npy``: (V,) scores 0..1.
        count: number of vertices V. Scores of plain Anny's 13,718 vertices are taken over to the built-in body's.
        whose: ``"body"`` or ``"object"``, for the error.

    Raises:
        MissingFileError: there is none.
        InputError: no scores, or of another number of vertices.
    """
    source = Path(path)
    if source.suffix == ".npy":
        values: Any = read_npy(source)
    elif source.suffix == ".npz":
        stored = read_npz(source)
        name = next((each for each in _SCORES if each in stored), None)
        if name is None:
            raise InputError(f"{source}: expected scores as {', '.join(_SCORES)}; got {', '.join(stored) or 'nothing'}")
        values = stored[name]
    else:
        raise InputError(f"{source}: expected contact as .npz or .npy")
    scores = np.asarray(values, np.float64).squeeze()
    if scores.ndim == 1 and len(scores) != count and whose == "body" and len(scores) == 13_718:
        plain = plain_anny_vertices()
        scores = scores[plain] if len(plain) == count else scores
    if scores.shape != (count,) or not ((scores >= 0) & (scores <= 1)).all():
        raise InputError(
            f"{source}: expected a score of 0..1 for each of the {whose}'s {count:,} vertices, got {scores.shape}"
        )
    return scores


def read_mask_file(path: str | os.PathLike[str], size: tuple[int, int]) -> NDArray[np.bool_]:
    """An object's mask from a picture: bright where the object is.

    Raises:
        InputError: of another size than the photograph's width and height, or all dark.
    """
    picture = read_image(path)
    if picture.shape[1::-1] != size:
        raise InputError(
            f"{path}: the mask is {picture.shape[1]} x {picture.shape[0]}, the photograph {size[0]} x {size[1]}"
        )
    mask: NDArray[np.bool_] = picture.max(axis=2) > 127
    if not mask.any():
        raise InputError(f"{path}: no pixel is bright; expected the object white on black")
    return mask


def camera_of_photograph(path: str | os.PathLike[str], size: tuple[int, int]) -> Intrinsics | None:
    """From the focal length, as of a 35 mm film, that many cameras write into their files; None where there is none."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            film = picture.getexif().get_ifd(0x8769).get(0xA405)
            focal = float(film) / 36 * max(size) if film else 0.0
    except (OSError, ValueError, TypeError, ZeroDivisionError):
        return None
    if not 0.2 * max(size) < focal < 50 * max(size):
        return None
    return Intrinsics((focal, focal), (size[0] / 2, size[1] / 2))


def is_built_in(vertices: Array) -> bool:
    """Whether a body has the built-in body's vertices."""
    return len(vertices) == len(load_body_model().part)

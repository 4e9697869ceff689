"""Contact of one body's vertices as that of another's, by a correspondence that is computed once and kept.

Each vertex of the target lies on a triangle of the source, and has the mean of its corners' values by its barycentric
coordinates there. To find it, the source is brought into the target's pose and proportions, bone by bone, by its own
skinning weights; then the nearest point of its surface counts that faces the same way and belongs to the same part.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interplay.containers.arrays import read_npy, read_npz
from interplay.containers.pickles import load_plain_pickle
from interplay.errors import InputError
from interplay.files import atomic_path, cache_folder
from interplay.ops.backends import to_numpy

from .bodies import ContactBody
from .geometry import Array, closest_on_triangles, rotation_between, unit
from .parts import DECO_PARTS, parent_of_bone, part_of_bone
from .proximity import surface_samples
from .views import vertex_normals

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_VERSION = 1
"""Of the rule by which a correspondence is found: another one makes kept ones stale."""
_CANDIDATES = 24
_SPACING = 0.006
"""Metres between the samples of a surface by which triangles are found."""
_OWN = 0.7
"""Share of a vertex's weight from which on it is a bone's own."""
_FACING, _PART = 0.03, 0.1
"""Metres that a triangle counts as farther away if it faces the other way, and if it is of a part that is not next."""


@dataclass(frozen=True)
class Transfer:
    """A correspondence from N vertices to M others.

    Attributes:
        matrix: (M, N); rows that are barycentric coordinates sum to 1.
    """

    matrix: csr_matrix

    def __call__(self, scores: Any) -> NDArray[np.float32]:
        """Scores (..., N) as (..., M).

        Raises:
            InputError: another number of vertices.
        """
        values = to_numpy(scores)
        wanted = self.matrix.shape[1]
        if values.ndim < 1 or values.shape[-1] != wanted:
            raise InputError(f"expected scores of {wanted:,} vertices, got shape {values.shape}")
        flat = values.reshape(-1, wanted).astype(np.float64)
        moved = (self.matrix @ flat.T).T.reshape(*values.shape[:-1], self.matrix.shape[0])
        return moved.astype(np.float32)

    def compose(self, after: Transfer) -> Transfer:
        """This one and then another, as one."""
        return Transfer((after.matrix @ self.matrix).tocsr())


def transfer_between(source: ContactBody, target: ContactBody, keep: bool = True) -> Transfer:
    """From one body to another; kept in the user's cache (``interplay/transfer`` in ``~/.cache``).

    Args:
        keep: look there first, and put it there.
    """
    file = cache_folder("transfer") / f"{source.name}-{target.name}-{_digest(source, target)}.npz"
    if keep and file.is_file():
        try:
            return _loaded(file, len(source.vertices), len(target.vertices))
        except InputError:
            pass  # damaged: made again
    corners, weights = correspondence(source, target)
    made = _from_corners(corners, weights, len(source.vertices))
    if keep:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(file) as temporary, Path(temporary).open("wb") as stream:
                np.savez_compressed(stream, corners=corners, weights=weights)
        except OSError:
            pass  # a home that cannot be written to costs the time of making it again, nothing else
    return made


def read_matrix(path: str | os.PathLike[str], sources: int, targets: int) -> Transfer:
    """A correspondence of the user's own, such as the published one from SMPL to SMPL-X.

    Args:
        path: ``.npy``, ``.npz`` or ``.pkl`` with a matrix (targets, sources), the latter two under the name
            ``matrix``.
        sources, targets: numbers of vertices.

    Raises:
        MissingFileError: there is none.
        InputError: none, or of another shape.
    """
    from scipy.sparse import csr_matrix

    file = Path(path)
    if file.suffix == ".npy":
        found: Any = read_npy(file)
    elif file.suffix in (".npz", ".pkl", ".pickle"):
        content = read_npz(file, lambda name: name == "matrix") if file.suffix == ".npz" else load_plain_pickle(file)
        if not isinstance(content, Mapping) or "matrix" not in content:
            raise InputError(f"{file}: expected an array under the name matrix")
        found = content["matrix"]
    else:
        raise InputError(f"{file}: expected a matrix in an .npy, .npz or .pkl file")
    array = np.asarray(found)
    if array.dtype.kind not in "iuf" or array.shape != (targets, sources) or not np.isfinite(array).all():
        raise InputError(
            f"{file}: expected finite numbers of shape ({targets:,}, {sources:,}), a row for each vertex of the body "
            f"that contact is carried to; got {array.dtype} of shape {array.shape}"
        )
    return Transfer(csr_matrix(array, dtype=np.float64))


def correspondence(source: ContactBody, target: ContactBody) -> tuple[NDArray[np.int64], Array]:
    """For each of the target's M vertices a triangle of the source and the point on it.

    Returns:
        corners (M, 3), vertices of the source; weights (M, 3), barycentric coordinates, which sum to 1.
    """
    from scipy.spatial import cKDTree

    warped = in_pose_of(source, target)
    faces = source.faces
    triangles = warped[faces]
    samples, owner = surface_samples(triangles, _SPACING)
    _, near = cKDTree(samples).query(target.vertices, k=min(_CANDIDATES, len(samples)))
    candidate = owner[near.reshape(len(target.vertices), -1)]  # (M, K)
    vertex = np.repeat(np.arange(len(candidate)), candidate.shape[1])
    face = candidate.ravel()
    points = target.vertices[vertex]
    closest = closest_on_triangles(points, triangles[face])
    distance = np.linalg.norm(points - closest, axis=1)
    normals = unit(np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]))
    facing = (normals[face] * vertex_normals(target.vertices, target.faces)[vertex]).sum(1)
    apart = _apart()[source.deco_part[faces[face]].T, target.deco_part[vertex]].min(0)
    cost = distance + _FACING * (1 - facing) / 2 + _PART * apart
    best = cost.reshape(candidate.shape).argmin(1) + np.arange(len(candidate)) * candidate.shape[1]
    return faces[face[best]], _barycentric(closest[best], triangles[face[best]])


def in_pose_of(source: ContactBody, target: ContactBody) -> Array:
    """(N, 3) the source's vertices in the target's pose and proportions, by linear blend skinning.

    Bones that only one of the bodies has move with the next towards the hips. Each bone is turned from the direction of
    the bones that hang on it to theirs in the target, and stretched along it as much as it is longer there; across, by
    how much larger the whole body is. A bone that none hangs on is as much larger as what it moves reaches farther.
    """
    common = [bone for bone in source.bones if bone in target.bones]
    weights, others = (_weights(body, common) for body in (source, target))
    here, there = (np.stack([body.joints[body.bones.index(b)] for b in common]) for body in (source, target))
    parents = [None if bone == "hips" else common.index(_known(parent_of_bone(bone), common)) for bone in common]
    size = _size(common, parents, here, there)
    moved = np.zeros_like(source.vertices)
    linear: dict[int, Array] = {}
    for index in sorted(range(len(common)), key=lambda i: _depth(i, parents)):
        children = [child for child, parent in enumerate(parents) if parent == index]
        above = parents[index]
        base = _without_stretch(None if above is None else linear[above], size)
        if children:
            linear[index] = _bone_transform(here[children] - here[index], there[children] - there[index], size, base)
        else:
            wanted = _reach(target.vertices, others[:, index], there[index])
            length = _reach(source.vertices, weights[:, index], here[index])
            linear[index] = base * (wanted / length / size if wanted > 0 and length > 0 else 1)
        moved += weights[:, index, None] * ((source.vertices - here[index]) @ linear[index].T + there[index])
    return moved


def _weights(body: ContactBody, common: list[str]) -> Array:
    """(N, J) skinning weights of the bones that both bodies have."""
    weights = np.zeros((len(body.vertices), len(common)))
    for index, bone in enumerate(body.bones):
        weights[:, common.index(_known(bone, common))] += body.weights[:, index]
    return weights


def _size(common: list[str], parents: list[int | None], here: Array, there: Array) -> float:
    """How much larger the target is: the median over all bones but those of fingers."""
    ratios = [
        np.linalg.norm(there[index] - there[parent]) / max(float(np.linalg.norm(here[index] - here[parent])), 1e-9)
        for index, parent in enumerate(parents)
        if parent is not None and common[index] in DECO_PARTS
    ]
    return float(np.median(ratios))


def _reach(vertices: Array, share: Array, joint: Array) -> float:
    """How far from its joint a bone's own flesh reaches."""
    own = share > _OWN
    return float(np.linalg.norm(vertices[own] - joint, axis=1).max()) if own.any() else 0.0


def _bone_transform(here: Array, there: Array, size: float, base: Array) -> Array:
    """(3, 3) what turns and stretches a bone so that the joints that hang on it come where they are in the target.

    Args:
        here, there: (C, 3) from the bone's joint to those that hang on it.
        base: (3, 3) rotation of the bone above, times `size`.
    """
    if len(here) > 1:  # hips, chest, hands: the rotation that fits all joints best
        u, _, v = np.linalg.svd(there.T @ here)
        turn = u @ np.diag([1, 1, np.sign(np.linalg.det(u @ v))]) @ v
        ratio = float(np.linalg.norm(there)) / max(float(np.linalg.norm(here)), 1e-9)
        return turn * ratio
    length, wanted = (max(float(np.linalg.norm(each[0])), 1e-9) for each in (here, there))
    turned = base @ here[0] / size
    along = unit(there[0])
    turn = rotation_between(unit(turned), along) @ base  # no more twist than the bone above has
    return (np.eye(3) + (wanted / length / size - 1) * np.outer(along, along)) @ turn


def _without_stretch(above: Array | None, size: float) -> Array:
    """The rotation of the bone above, and the size of the whole body."""
    if above is None:
        return np.eye(3) * size
    u, _, v = np.linalg.svd(above)
    return u @ v * size


def _known(bone: str | None, common: list[str]) -> str:
    """A bone, or the next towards the hips that both bodies have."""
    while bone is not None and bone not in common:
        bone = parent_of_bone(bone)
    if bone is None:
        raise InputError("these bodies have no hips in common")
    return bone


def _depth(index: int, parents: list[int | None]) -> int:
    above = parents[index]
    return 0 if above is None else 1 + _depth(above, parents)


def _apart() -> Array:
    """(24, 24) 0 for the same part or one that it hangs on, 1 for others."""
    apart = np.ones((len(DECO_PARTS),) * 2)
    np.fill_diagonal(apart, 0)
    for index, part in enumerate(DECO_PARTS):
        parent = parent_of_bone(part)
        if parent is not None:
            other = DECO_PARTS.index(part_of_bone(parent))
            apart[index, other] = apart[other, index] = 0
    return apart


def _barycentric(points: Array, triangles: Array) -> Array:
    """(M, 3) coordinates of points on triangles (M, 3, 3); of one without area, the nearest corner's."""
    a, b = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    offset = points - triangles[:, 0]
    aa, ab, bb = (a * a).sum(1), (a * b).sum(1), (b * b).sum(1)
    area = aa * bb - ab * ab
    flat = area <= 1e-24
    safe = np.where(flat, 1, area)
    u = ((offset * a).sum(1) * bb - (offset * b).sum(1) * ab) / safe
    v = ((offset * b).sum(1) * aa - (offset * a).sum(1) * ab) / safe
    weights = np.stack([1 - u - v, u, v], 1).clip(0, 1)
    nearest = np.linalg.norm(points[:, None] - triangles, axis=2).argmin(1)
    weights[flat] = np.eye(3)[nearest[flat]]
    return weights / weights.sum(1, keepdims=True)


def _from_corners(corners: NDArray[np.int64], weights: Array, sources: int) -> Transfer:
    from scipy.sparse import csr_matrix

    rows = np.repeat(np.arange(len(corners)), 3)
    return Transfer(csr_matrix((weights.ravel(), (rows, corners.ravel())), shape=(len(corners), sources)))


def _loaded(file: Path, sources: int, targets: int) -> Transfer:
    try:
        content = read_npz(file)
        corners, weights = content["corners"], content["weights"]
    except (KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{file}: damaged") from error
    fits = corners.shape == weights.shape == (targets, 3) and corners.dtype.kind == "i" and weights.dtype.kind == "f"
    if not fits or corners.min() < 0 or corners.max() >= sources or not np.allclose(weights.sum(1), 1):
        raise InputError(f"{file}: no correspondence of these bodies")
    return _from_corners(corners, weights, sources)


def _digest(*bodies: ContactBody) -> str:
    digest = hashlib.sha256(str(_VERSION).encode())
    for body in bodies:
        for array in (body.vertices, body.faces, body.joints, body.weights):
            digest.update(np.ascontiguousarray(array.round(6) if array.dtype.kind == "f" else array).tobytes())
        digest.update(",".join(body.bones).encode())
    return digest.hexdigest()[:16]

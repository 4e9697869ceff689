"""The bodies that contact is given of: Anny, which is built in, and SMPL, SMPL-H and SMPL-X from the user's own files.

Files of the SMPL family may not be passed on and are for non-commercial use; nothing of them comes with interplay.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.containers.arrays import read_npz
from interplay.containers.pickles import load_plain_pickle
from interplay.errors import InputError

from .geometry import Array, Z, degrees
from .model import PARTS, BodyModel, load_body_model
from .parts import BONES, DECO_PARTS, in_words, members, merged_part, part_of_bone
from .raycast import check_mesh
from .views import upright_body, vertex_normals

ANNY = "anny"
_TOPOLOGIES = {24: ("smpl", 6890), 52: ("smplh", 6890), 55: ("smplx", 10475)}
"""Joints -> name and vertices of the SMPL family."""
_FIELDS = ("v_template", "f", "weights", "J_regressor", "kintree_table")
"""What is read of a file; shapes, poses and expressions are not needed."""
_FARTHEST = 100.0
"""Metres."""
_HIPS = 30.0
"""Degrees by which the legs of the SMPL family are spread in InteractVLM's views."""


@dataclass(frozen=True)
class ContactBody:
    """A body as the views of contact show it.

    Attributes:
        name: ``anny``, ``smpl``, ``smplh`` or ``smplx``: which vertices these are.
        vertices: (N, 3) metres, y up, facing +z, left at +x; Anny at rest, others with arms and legs spread.
        faces: (F, 3).
        bones: names of `interplay.body.parts.BONES`.
        joints: (J, 3) where they start.
        weights: (N, J) how much each moves a vertex; rows sum to 1.
    """

    name: str
    vertices: Array
    faces: NDArray[np.int64]
    bones: tuple[str, ...]
    joints: Array
    weights: Array

    @cached_property
    def deco_part(self) -> NDArray[np.int64]:
        """(N,) index of each vertex's part in `interplay.body.parts.DECO_PARTS`, by skinning weight."""
        return _largest(self.weights, [DECO_PARTS.index(part_of_bone(bone)) for bone in self.bones], len(DECO_PARTS))

    @cached_property
    def part(self) -> NDArray[np.int64]:
        """(N,) index of each vertex's part in `interplay.body.model.PARTS`."""
        if self.name == ANNY:
            return load_body_model().part
        return np.array([PARTS.index(merged_part(part)) for part in DECO_PARTS], np.int64)[self.deco_part]

    @cached_property
    def normals(self) -> Array:
        """(N, 3) directions of the surface."""
        return vertex_normals(self.vertices, self.faces)

    def deco_parts(self) -> dict[str, NDArray[np.int64]]:
        """The vertices of each of the 24 parts."""
        return members(self.deco_part, DECO_PARTS)

    def parts(self) -> dict[str, NDArray[np.int64]]:
        """The vertices of each of the 19 parts."""
        return members(self.part, PARTS)

    def in_words(self, touched: NDArray[np.integer]) -> tuple[str, ...]:
        """Names of the parts that some vertices in contact belong to, most vertices first; see `parts.in_words`."""
        return in_words(touched, self.part, self.normals)


def load_body(source: str | os.PathLike[str] = ANNY) -> ContactBody:
    """A body by name or from a file.

    Args:
        source: ``anny``, or a file of SMPL, SMPL-H or SMPL-X: ``.npz``, or ``.pkl``, which is read without running
            anything in it. Neutral bodies are what published models of contact have seen.

    Raises:
        MissingFileError, MissingExtraError: there is none, or Anny is not installed.
        InputError: another kind of file, or a body without the vertices of these topologies.
    """
    return _anny() if str(source) == ANNY else _read_smpl(Path(source))


@lru_cache(maxsize=1)
def _anny() -> ContactBody:
    model = load_body_model()
    # the same change of axes for joints as for vertices, about the same middle
    both = upright_body(model.template.vertices)
    moved = both[0] - _turned(model.template.vertices[:1])[0]
    named = _anny_bones(model)
    bones = tuple(dict.fromkeys(named))
    weights = np.zeros((len(both), len(bones)))
    for index, bone in enumerate(named):
        weights[:, bones.index(bone)] += model.weights[:, index]
    joints = _turned(np.stack([model.template.joints[named.index(bone)] for bone in bones])) + moved
    return ContactBody(ANNY, both, model.faces, bones, joints, weights)


def _turned(points: Array) -> Array:
    return np.stack([points[:, 0], points[:, 2], -points[:, 1]], -1)


_ANNY_BONES = {
    **dict.fromkeys(("root", "pelvis", "spine05"), "hips"),
    **dict.fromkeys(("spine04", "spine03"), "belly"),
    "spine02": "midriff",
    "spine01": "chest",
    "neck": "neck",
    "head": "head",
    "eye": "head",
    "upperleg": "thigh",
    "lowerleg": "shin",
    "foot": "foot",
    "toe": "toes",
    "clavicle": "shoulder",
    "shoulder": "shoulder",
    "upperarm": "upper arm",
    "lowerarm": "forearm",
    "wrist": "hand",
    "metacarpal": "hand",
}
"""Beginning of a bone's name in Anny -> ours without the side."""
_ANNY_FINGERS = ("thumb", "index", "middle", "ring", "pinky")


def _anny_bones(model: BodyModel) -> list[str]:
    """For each of Anny's bones, head first in every chain, which of ours it is part of."""
    named = []
    for bone in model.bones:
        stem, _, side = bone.partition(".")
        word = {"L": "left ", "R": "right "}.get(side, "")
        if stem.startswith("finger"):
            finger, _, joint = stem.removeprefix("finger").partition("-")
            named.append(f"{word}{_ANNY_FINGERS[int(finger) - 1]}{joint}")
            continue
        ours = next(name for start, name in _ANNY_BONES.items() if stem.startswith(start))
        named.append(ours if ours in DECO_PARTS else word + ours)
    return named


def _read_smpl(path: Path) -> ContactBody:
    """A body of the SMPL family with its legs spread."""
    if path.suffix == ".npz":
        content: Any = read_npz(path, lambda name: name in _FIELDS)
    elif path.suffix in (".pkl", ".pickle"):
        content = load_plain_pickle(path, of_bodies=True)
    else:
        raise InputError(f"{path}: expected {ANNY}, or an .npz or .pkl file of SMPL, SMPL-H or SMPL-X")
    missing = [name for name in _FIELDS if not isinstance(content, Mapping) or name not in content]
    if missing:
        raise InputError(f"{path}: no body of the SMPL family: it has no {', '.join(missing)}")
    template, faces, weights, regressor, tree = (_numbers(content[name], f"{path}: {name}") for name in _FIELDS)
    count, bones = weights.shape if weights.ndim == 2 else (0, 0)
    if _TOPOLOGIES.get(bones, ("", -1))[1] != count:
        known = ", ".join(f"{name} ({vertices:,} and {n})" for n, (name, vertices) in _TOPOLOGIES.items())
        raise InputError(
            f"{path}: {count:,} vertices and {bones} joints are no topology that contact is known on: {known}"
        )
    shapes = {"v_template": (template, (count, 3)), "J_regressor": (regressor, (bones, count))}
    for name, (array, wanted) in {**shapes, "kintree_table": (tree, (2, bones))}.items():
        if array.shape != wanted:
            raise InputError(f"{path}: {name}: expected shape {wanted}, got {array.shape}")
    try:
        check_mesh(template, faces)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    sums = weights.sum(1, keepdims=True)
    if not np.isfinite(weights).all() or not np.isfinite(regressor).all() or sums.min() <= 0:
        raise InputError(f"{path}: weights or J_regressor: expected finite numbers, weights of every vertex above 0")
    if np.abs(template).max() > _FARTHEST:
        raise InputError(f"{path}: v_template: expected metres, got {np.abs(template).max():.3g}")
    parents = tree[0].astype(np.int64)
    parents[0] = -1  # stored as a number that no joint has
    if (parents[1:] < 0).any() or (parents[1:] >= np.arange(1, bones)).any():
        raise InputError(f"{path}: kintree_table: expected each joint's parent before it")
    weights, joints = weights / sums, regressor @ template
    if not np.isfinite(weights).all() or not np.isfinite(joints).all() or np.abs(joints).max() > _FARTHEST:
        raise InputError(f"{path}: weights or J_regressor: they give no joints near the body")
    spread = _spread(template, joints, weights, parents)
    return _in_our_bones(_TOPOLOGIES[bones][0], *spread, faces.astype(np.int64), weights)


def _spread(vertices: Array, joints: Array, weights: Array, parents: NDArray[np.int64]) -> tuple[Array, Array]:
    """Vertices and joints with the legs turned outwards, by linear blend skinning without corrections of shape."""
    moved = vertices.copy()
    moved_joints = joints.copy()
    for hip, angle in ((1, _HIPS), (2, -_HIPS)):
        below = np.zeros(len(parents), bool)
        below[hip] = True
        for joint in range(hip + 1, len(parents)):
            below[joint] = below[parents[joint]]
        turn = degrees(Z, angle)
        share = weights[:, below].sum(1, keepdims=True)
        moved += share * ((vertices - joints[hip]) @ turn.T + joints[hip] - vertices)
        moved_joints[below] = (joints[below] - joints[hip]) @ turn.T + joints[hip]
    return moved, moved_joints


def _in_our_bones(name: str, vertices: Array, joints: Array, faces: NDArray[np.int64], weights: Array) -> ContactBody:
    """With the SMPL family's joints by our names; jaw and eyes are the head's."""
    count = len(joints)
    fingers = [bone for bone in BONES if bone not in DECO_PARTS]
    if count == len(DECO_PARTS):
        named = list(DECO_PARTS)
    else:
        named = [*DECO_PARTS[:22], *["head"] * (count - 22 - len(fingers)), *fingers]
    bones = tuple(dict.fromkeys(named))
    merged = np.zeros((len(vertices), len(bones)))
    for index, bone in enumerate(named):
        merged[:, bones.index(bone)] += weights[:, index]
    return ContactBody(name, vertices, faces, bones, joints[[named.index(bone) for bone in bones]], merged)


def _numbers(value: Any, where: str) -> Array:
    """An array of numbers, also of a sparse matrix as `load_plain_pickle` gives it."""
    if isinstance(value, Mapping) and {"data", "indices", "indptr"} <= set(value):
        from scipy.sparse import csc_matrix

        parts = [np.asarray(value[name]) for name in ("data", "indices", "indptr")]
        shape = value.get("_shape", value.get("shape"))
        try:
            matrix = csc_matrix(tuple(parts), shape=shape)
            matrix.check_format(full_check=True)
            value = matrix.toarray()
        except (ValueError, TypeError, IndexError, OverflowError) as error:
            raise InputError(f"{where}: no sparse matrix ({error})") from None
    elif isinstance(value, Mapping) and "x" in value:  # chumpy's array
        value = value["x"]
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise InputError(f"{where}: expected numbers, got {array.dtype}")
    return array.astype(np.int64 if array.dtype.kind in "biu" else np.float64)


def _largest(weights: Array, group: list[int], count: int) -> NDArray[np.int64]:
    """(N,) the group of bones with the largest share of each vertex."""
    share = np.zeros((len(weights), count))
    for bone, index in enumerate(group):
        share[:, index] += weights[:, bone]
    return share.argmax(1)

"""The parametric body: Anny's mesh and skeleton as plain arrays.

Anny (Brégier et al., "Human Mesh Modeling for Anny Body", ECCV 2026; Apache-2.0, assets CC0) gives a rest shape
for a description of a person. Here only that shape, the joints and the skinning weights are taken from it; posing
is our own forward kinematics (`body.pose`), since it needs nothing but numpy.
"""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interplay.errors import MissingExtraError
from interplay.locks import locked

from .geometry import Array

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

CACHE_SIZE = "1 GB"
"""What Anny keeps on disk for the two meshes that are used."""

_PATIENCE = 600.0
"""Seconds to wait for another process that computes them."""

TOPOLOGY = "notoes"
"""Anny's mesh with closed toes (12,272 vertices), so that a foot can pass for a shoe."""

PARTS = (
    "head",
    "neck",
    "chest",
    "belly",
    "hips",
    *(
        f"{side} {part}"
        for side in ("left", "right")
        for part in ("shoulder", "upper arm", "forearm", "hand", "thigh", "shin", "foot")
    ),
)
"""Names of the body parts that contact is reported for; a vertex belongs to exactly one."""

_PART_OF_BONE = {
    "head": "head",
    "eye": "head",
    "neck": "neck",
    "spine01": "chest",
    "spine02": "chest",
    "spine03": "belly",
    "spine04": "belly",
    "spine05": "hips",
    "root": "hips",
    "pelvis": "hips",
    "clavicle": "{side} shoulder",
    "shoulder": "{side} shoulder",
    "upperarm": "{side} upper arm",
    "lowerarm": "{side} forearm",
    "wrist": "{side} hand",
    "metacarpal": "{side} hand",
    "finger": "{side} hand",
    "upperleg": "{side} thigh",
    "lowerleg": "{side} shin",
    "foot": "{side} foot",
    "toe": "{side} foot",
}


@dataclass(frozen=True)
class Rest:
    """One person's shape before posing: arms half raised, facing -y, left at +x, z up.

    Attributes:
        vertices: (V, 3) metres, feet at z = 0.
        joints: (J, 3) head of each bone.
    """

    vertices: Array
    joints: Array

    @property
    def height(self) -> float:
        """Metres from sole to crown."""
        return float(np.ptp(self.vertices[:, 2]))


@dataclass(frozen=True)
class BodyModel:
    """The parts of the body model that do not depend on the person.

    Attributes:
        bones: J bone names, ``.L`` / ``.R`` at the end for the sides; parents come before children.
        parents: (J,) index of each bone's parent, -1 for the root.
        faces: (F, 3) triangles.
        weights: (V, J) skinning weights; rows sum to 1.
        part: (V,) index into `PARTS`.
        keypoints: (17, V) regressor of the COCO keypoints.
        template: rest state of an average adult, the frame in which clothes are cut.
    """

    bones: tuple[str, ...]
    parents: tuple[int, ...]
    faces: NDArray[np.int64]
    weights: Array
    part: NDArray[np.int64]
    keypoints: Array
    template: Rest
    _anny: Any

    @cached_property
    def sparse_weights(self) -> csr_matrix:
        """`weights` without their zeros, which are nearly all of them."""
        from scipy.sparse import csr_matrix

        return csr_matrix(self.weights)

    def rest(self, description: tuple[float, ...]) -> Rest:
        """The rest shape of a person.

        Args:
            description: Anny's phenotype, six numbers of 0..1: gender (0 male, 1 female), age (0 baby, 1/3 child, 2/3
                young adult, 1 old), muscle, weight, height, proportions.
        """
        return _rest(self._anny, description)

    def bone(self, name: str) -> int:
        """Index of a bone."""
        return self.bones.index(name)


_AVERAGE = (0.5, 2 / 3, 0.5, 0.5, 0.5, 0.5)
"""The description of an average adult."""


@lru_cache(maxsize=1)
def plain_anny_vertices() -> NDArray[np.int64]:
    """(V,) for each vertex of ours the nearest one of plain Anny's mesh (13,718 vertices), on an average adult.

    Ours is Anny's mesh with closed toes and, unlike the plain one, without tongue and teeth: seven in eight vertices
    are the same, the others lie within 4 mm.

    Raises:
        MissingExtraError, LockedError: see `load_body_model`.
    """
    from scipy.spatial import cKDTree

    template = load_body_model().template.vertices
    import anny

    plain = _rest(anny.Anny(topology="anny", skinning_method="lbs"), _AVERAGE).vertices
    return np.asarray(cKDTree(plain).query(template)[1], np.int64)


@lru_cache(maxsize=1)
def load_body_model() -> BodyModel:
    """The body model, read once a process.

    The first time on a machine Anny computes it from its assets (a minute or more) and keeps it, 1 GB, in its cache
    folder (``~/.cache/anny``, or what the environment variable ``ANNY_CACHE_DIR`` names); afterwards it loads in a
    second.

    Raises:
        MissingExtraError: the package anny is not installed.
        LockedError: another process has been computing it for ten minutes.

    Warns:
        UserWarning: the cache is not there and is made now.
    """
    try:
        import anny
        from anny.paths import get_anny_cache_path
    except ImportError as error:
        raise MissingExtraError("body", "anny") from error

    cached = body_model_is_cached()
    if not cached:
        warnings.warn(
            f"Anny's body model is computed now, once on this machine: a minute or more, and {CACHE_SIZE} in "
            f"{get_anny_cache_path()}. Set ANNY_CACHE_DIR to keep it elsewhere. The folder may be removed at any time; "
            "the next use makes it again.",
            stacklevel=2,
        )
    # of several processes that start at once one computes it and the others wait
    with nullcontext() if cached else locked(get_anny_cache_path(), folder=True, wait=_PATIENCE):
        model = anny.Anny(topology=TOPOLOGY, skinning_method="lbs")
    bones = tuple(model.bone_labels)
    template = _rest(model, _AVERAGE)
    weights = model.dense_vertex_bone_weights.numpy().astype(np.float64)
    weights /= weights.sum(1, keepdims=True)
    return BodyModel(
        bones=bones,
        parents=tuple(int(p) for p in model.bone_parents),
        faces=np.asarray(model.faces.numpy(), np.int64),
        weights=weights,
        part=_parts(bones, weights),
        keypoints=_keypoint_regressor(anny, template),
        template=template,
        _anny=model,
    )


def body_model_is_cached() -> bool:
    """Whether `load_body_model` will load in seconds rather than compute for a minute."""
    try:
        from anny.paths import get_anny_cache_path
    except ImportError as error:
        raise MissingExtraError("body", "anny") from error
    return any(get_anny_cache_path().glob("*/*.safetensors"))


def _rest(model: Any, description: tuple[float, ...]) -> Rest:
    import torch

    with torch.no_grad():
        coefficients = model._get_phenotype_blendshape_coefficients(
            torch.tensor([description], dtype=model.dtype), *(torch.zeros(1, 0, dtype=model.dtype),) * 2
        )
        state = model.get_rest_model(coefficients)
    # rounded to a hundredth of a millimetre: differences in the last bit between machines vanish
    vertices = np.round(state["rest_vertices"][0].numpy().astype(np.float64), 5)
    joints = np.round(state["rest_bone_heads"][0].numpy().astype(np.float64), 5)
    ground = np.array([0.0, 0.0, vertices[:, 2].min()])
    return Rest(vertices - ground, joints - ground)


def _parts(bones: tuple[str, ...], weights: Array) -> NDArray[np.int64]:
    """(V,) body part with the largest share of each vertex."""
    of_bone = []
    for bone in bones:
        stem, _, side = bone.partition(".")
        name = next(_PART_OF_BONE[p] for p in sorted(_PART_OF_BONE, key=len, reverse=True) if stem.startswith(p))
        of_bone.append(PARTS.index(name.format(side={"L": "left", "R": "right"}.get(side, ""))))
    share = np.zeros((len(weights), len(PARTS)))
    for bone_index, part in enumerate(of_bone):
        share[:, part] += weights[:, bone_index]
    return share.argmax(1)


def _keypoint_regressor(anny: Any, template: Rest) -> Array:
    """Anny's COCO keypoints, which are defined on its standard mesh, carried over to the nearest vertices of ours."""
    from scipy.spatial import cKDTree

    standard = anny.Anny(topology="anny", skinning_method="lbs")
    weights = anny.KeypointsRegressor.coco(standard).regression_weights.numpy()[:17]
    nearest = cKDTree(template.vertices).query(_rest(standard, _AVERAGE).vertices)[1]
    carried = np.zeros((17, len(template.vertices)))
    for row, source in zip(carried, weights, strict=True):
        np.add.at(row, nearest, source)
    return carried / carried.sum(1, keepdims=True)

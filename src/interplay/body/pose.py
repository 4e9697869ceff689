"""Posing a body: forward kinematics, spine, head, and skinning.

A bone's rotation is kept relative to its parent and in the axes of the rest pose, so the identity everywhere is
the rest pose whatever the rig's own bone axes are. In those axes a person faces -y, has left at +x and up at +z.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .geometry import Array, X, Y, Z, degrees, scaled_rotation, unit, vec
from .model import BodyModel, Rest

FORWARD: Array = -Y
"""Where a person looks in the rest pose."""

SPINE = ("spine05", "spine04", "spine03", "spine02", "spine01")
SPINE_SHARE = dict(zip(SPINE, (0.12, 0.2, 0.26, 0.24, 0.18), strict=True))
"""How much of a bend of the back each of its bones takes."""
NECK_SHARE = {"neck01": 0.16, "neck02": 0.16, "neck03": 0.18, "head": 0.5}

HEAD_LIMITS = {"turn": 70.0, "nod": 50.0}
"""How far the head turns sideways and tilts up or down against the chest, degrees."""


class Body:
    """One person being posed.

    Attributes:
        model: the body model.
        rest: this person's rest shape.
        local: (J, 3, 3) rotation of each bone relative to its parent, in rest axes.
        rotation: (J, 3, 3) rotation of each bone in the world; brought up to date by `update`.
        position: (J, 3) joints in the world; brought up to date by `update`.
        root: (3,) where the pelvis is.
    """

    def __init__(self, model: BodyModel, rest: Rest) -> None:
        self.model = model
        self.rest = rest
        self.local: Array = np.tile(np.eye(3), (len(model.bones), 1, 1))
        self.rotation: Array = self.local.copy()
        self.position: Array = rest.joints.copy()
        self.root: Array = rest.joints[0].copy()
        self._index = {name: i for i, name in enumerate(model.bones)}
        self._offset = rest.joints - rest.joints[np.maximum(model.parents, 0)]
        self._end = _subtree_ends(model.parents)

    def bone(self, name: str) -> int:
        """Index of a bone."""
        return self._index[name]

    def joint(self, name: str) -> Array:
        """(3,) where a bone starts in the world."""
        return self.position[self._index[name]]

    def rest_vector(self, start: str, end: str) -> Array:
        """(3,) from one bone's start to another's in the rest pose."""
        return self.rest.joints[self._index[end]] - self.rest.joints[self._index[start]]

    def orientation(self, name: str) -> Array:
        """(3, 3) rotation of a bone in the world."""
        return self.rotation[self._index[name]]

    def update(self, start: int = 0) -> None:
        """Forward kinematics of a bone and all that hang on it."""
        for i in range(start, self._end[start]):
            parent = self.model.parents[i]
            if parent < 0:
                self.rotation[i], self.position[i] = self.local[i], self.root
            else:
                above = self.rotation[parent]
                self.rotation[i] = above @ self.local[i]
                self.position[i] = self.position[parent] + above @ self._offset[i]

    def turn(self, name: str, rotation: Array) -> None:
        """Set a bone's rotation relative to its parent."""
        self.local[self._index[name]] = rotation

    def orient(self, name: str, rotation: Array) -> None:
        """Give a bone a rotation in the world; its parent must be up to date."""
        i = self._index[name]
        self.local[i] = self.rotation[self.model.parents[i]].T @ rotation
        self.update(i)

    def place_root(self, position: ArrayLike, rotation: Array) -> None:
        """Put the pelvis somewhere."""
        self.root = np.asarray(position, np.float64)
        self.local[0] = rotation
        self.update()

    def shift(self, offset: ArrayLike) -> None:
        """Move the whole body."""
        self.root = self.root + np.asarray(offset, np.float64)
        self.position = self.position + np.asarray(offset, np.float64)

    def bend_spine(self, forward: float = 0.0, left: float = 0.0, twist: float = 0.0) -> None:
        """Bend the back, in degrees: forward, to the left side, and turn the chest to the left."""
        whole = degrees(Z, twist) @ degrees(Y, left) @ degrees(X, forward)
        for name, share in SPINE_SHARE.items():
            self.turn(name, scaled_rotation(whole, share))
        self.update()

    def turn_head(self, nod: float = 0.0, turn: float = 0.0, tilt: float = 0.0) -> None:
        """Nod (down is positive), turn to the left and tilt to the left against the chest, in degrees."""
        nod = float(np.clip(nod, -HEAD_LIMITS["nod"], HEAD_LIMITS["nod"]))
        turn = float(np.clip(turn, -HEAD_LIMITS["turn"], HEAD_LIMITS["turn"]))
        whole = degrees(Z, turn) @ degrees(X, nod) @ degrees(Y, tilt)
        for name, share in NECK_SHARE.items():
            self.turn(name, scaled_rotation(whole, share))
        self.update()

    def look_at(self, target: ArrayLike, share: float = 1.0) -> None:
        """Turn the head towards a point as far as the neck allows, or by a share of the way."""
        eyes = self.joint("head") + 0.07 * self.orientation("spine01")[:, 2]
        direction = self.orientation("spine01").T @ unit(np.asarray(target, np.float64) - eyes)
        turn = np.degrees(np.arctan2(direction[0], -direction[1]))
        nod = np.degrees(np.arctan2(-direction[2], np.hypot(direction[0], direction[1])))
        self.turn_head(nod=share * float(nod), turn=share * float(turn))

    @property
    def facing(self) -> Array:
        """(3,) horizontal direction in which the chest faces."""
        d = self.orientation("spine01") @ FORWARD
        return unit(vec(d[0], d[1], 0.0))

    def skin(self, vertices: Array | None = None) -> Array:
        """Posed vertices (V, 3) by linear blend skinning.

        Args:
            vertices: rest vertices to pose, dressed ones for example; this person's own by default.
        """
        v = self.rest.vertices if vertices is None else vertices
        shift = self.position - np.einsum("jab,jb->ja", self.rotation, self.rest.joints)
        matrices = np.concatenate([self.rotation, shift[:, :, None]], 2).reshape(len(shift), 12)
        blended = (self.model.sparse_weights @ matrices).reshape(-1, 3, 4)
        moved: Array = np.einsum("vab,vb->va", blended[:, :, :3], v) + blended[:, :, 3]
        return moved

    def keypoints(self, posed: Array) -> Array:
        """(17, 3) COCO keypoints of posed vertices."""
        return self.model.keypoints @ posed


def _subtree_ends(parents: tuple[int, ...]) -> list[int]:
    """For each bone the index after its last descendant; the bones are in depth-first order."""
    ends = [i + 1 for i in range(len(parents))]
    for i in range(len(parents) - 1, 0, -1):
        ends[parents[i]] = max(ends[parents[i]], ends[i])
    return ends

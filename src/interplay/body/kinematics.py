"""Where chosen points of a body are for many poses at once, with derivatives: Anny's skinning in torch.

A point that is a mixture of vertices (a keypoint, or one vertex) is linear in the bones' rotations and positions,
so no mesh is posed: ``point = sum over bones of R @ a + b * p``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from .geometry import Array
from .joints import JOINTS, SIDES, turned
from .model import BodyModel, Rest
from .pose import NECK_SHARE, SPINE_SHARE

_DRIVEN: dict[str, tuple[str, float]] = {
    **{bone: ("spine", share) for bone, share in SPINE_SHARE.items()},
    **{bone: ("neck", share) for bone, share in NECK_SHARE.items()},
    **{
        f"{bone}.{side}": (f"{joint}.{side}", 1.0)
        for side in SIDES
        for bone, joint in (
            ("clavicle", "clavicle"),
            ("upperarm01", "upperarm"),
            ("lowerarm01", "lowerarm"),
            ("wrist", "wrist"),
            ("upperleg01", "upperleg"),
            ("lowerleg01", "lowerleg"),
            ("foot", "foot"),
        )
    },
}
"""Bones that a joint turns, and by what share of its rotation vector."""


@dataclass(frozen=True)
class Skeleton:
    """Some points of one person's body, for many poses.

    Args:
        model: the body model.
        rest: the person's shape.
        resting: (J, 3) rotation vectors of the bones that no joint drives: fingers and toes.
    """

    model: BodyModel
    rest: Rest
    resting: Array

    @cached_property
    def _rigid(self) -> list[tuple[int, Array, Array]]:
        """For each of the J bones the driven bone that carries it, and its rotation and position in that one's frame.

        Fingers, toes and all that no joint turns move with the bone above, so only 24 of 104 bones need be posed.
        """
        names, joints = self.model.bones, self.rest.joints
        out = [(0, np.eye(3), np.zeros(3))]
        for k in range(1, len(names)):
            parent = self.model.parents[k]
            carrier, rotation, position = out[parent]
            place = position + rotation @ (joints[k] - joints[parent])
            if names[k] in _DRIVEN:
                out.append((self.moving.index(k), np.eye(3), np.zeros(3)))
            else:
                out.append((carrier, rotation @ turned(self.resting[k]), place))
        return out

    @cached_property
    def moving(self) -> list[int]:
        """The M bones that are posed: the pelvis, and those that joints turn."""
        return [0, *(k for k, name in enumerate(self.model.bones) if name in _DRIVEN)]

    @cached_property
    def _steps(self) -> list[tuple[int, Tensor, Tensor]]:
        """For each moving bone but the first the one that carries it, where it is on it, and how it is turned there."""
        out = []
        for k in self.moving[1:]:
            parent = self.model.parents[k]
            carrier, rotation, position = self._rigid[parent]
            place = position + rotation @ (self.rest.joints[k] - self.rest.joints[parent])
            out.append((carrier, torch.from_numpy(place), torch.from_numpy(rotation)))
        return out

    def regressor(self, weights: ArrayLike) -> tuple[Tensor, Tensor]:
        """What `points` needs of points that are mixtures of vertices with weights (N, V): (N, M, 3) and (N, M)."""
        mixture = np.asarray(weights, np.float64)
        share = mixture @ self.model.weights
        place = np.stack(
            [mixture @ (self.model.weights * self.rest.vertices[:, [axis]]) for axis in range(3)], 2
        )  # (N, J, 3)
        place -= share[..., None] * self.rest.joints
        carried, shares = np.zeros((len(mixture), len(self.moving), 3)), np.zeros((len(mixture), len(self.moving)))
        for k, (carrier, rotation, position) in enumerate(self._rigid):
            carried[:, carrier] += place[:, k] @ rotation.T + share[:, k, None] * position
            shares[:, carrier] += share[:, k]
        return torch.from_numpy(carried), torch.from_numpy(shares)

    def bones(self, joints: Tensor, root: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
        """Rotations (B, M, 3, 3) and positions (B, M, 3) of the moving bones.

        Args:
            joints: (B, 16, 3) rotation vectors of `JOINTS`.
            root: (B, 3, 3) rotation of the pelvis.
            position: (B, 3) of the pelvis.
        """
        driven = [_DRIVEN[self.model.bones[k]] for k in self.moving[1:]]
        shares = joints.new_tensor([share for _, share in driven])
        local = exponential(shares[:, None] * joints[:, [JOINTS.index(joint) for joint, _ in driven]])
        rotations, positions = [root], [position]
        for k, (carrier, place, turn) in enumerate(self._steps):
            above = rotations[carrier]
            positions.append(positions[carrier] + above @ place)
            rotations.append(above @ turn @ local[:, k])
        return torch.stack(rotations, 1), torch.stack(positions, 1)

    @staticmethod
    def points(regressor: tuple[Tensor, Tensor], rotations: Tensor, positions: Tensor) -> Tensor:
        """(B, N, 3) where the points of a regressor are."""
        place, share = regressor
        # one product of matrices: (N, 4 M) by (B, 4 M, 3)
        rows = torch.cat([place.flatten(1), share], 1)
        columns = torch.cat([rotations.transpose(2, 3).flatten(1, 2), positions], 1)
        return rows @ columns


def exponential(vectors: Tensor) -> Tensor:
    """Rotations (..., 3, 3) of axes times angles (..., 3), with derivatives also where the angle is 0."""
    square = (vectors * vectors).sum(-1)[..., None, None]
    small = square < 1e-8
    safe = torch.where(small, 1.0, square)
    angle = safe.sqrt()
    first = torch.where(small, 1 - square / 6, angle.sin() / angle)
    second = torch.where(small, 0.5 - square / 24, (1 - angle.cos()) / safe)
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    skew = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*vectors.shape[:-1], 3, 3)
    return torch.eye(3, dtype=vectors.dtype) + first * skew + second * skew @ skew

"""Places of an object, and sums of weighted squares over residuals in metres, of which a place shall have few.

A `Pose` is placed by ``s * R @ x + t``; B of them are looked at together. A term is a number of residuals for each, and
how these change as the object turns, moves and grows (Gauss and Newton's method).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

NORMAL_LENGTH = 0.03
_ROBUST = 0.1  # metres from which on a residual counts linearly


class Pose(NamedTuple):
    """B places of an object: R (B, 3, 3), t (B, 3) and s (B,)."""

    R: Tensor
    t: Tensor
    s: Tensor

    def place(self, points: Tensor) -> Tensor:
        """(B, N, 3) of points (N, 3)."""
        return self.place_each(points.expand(len(self.t), -1, -1))

    def place_each(self, points: Tensor) -> Tensor:
        """(B, N, 3) of points (B, N, 3), other ones for each place."""
        return self.s[:, None, None] * points @ self.R.transpose(1, 2) + self.t[:, None]

    def back(self, points: Tensor) -> Tensor:
        """(B, N, 3): where points (N, 3) of the scene are on the object."""
        return (points - self.t[:, None]) @ self.R / self.s[:, None, None]

    def moved(self, step: Tensor) -> Pose:
        """After a step (B, 7): turned around the object's middle by an axis times an angle, moved, and grown."""
        return Pose(_exponential(step[:, :3]) @ self.R, self.t + step[:, 3:6], self.s * step[:, 6].exp())

    def split(self, size: int) -> list[Pose]:
        """In parts of at most `size`."""
        return [Pose(*part) for part in zip(*(each.split(size) for each in self), strict=True)]

    def take(self, index: Tensor) -> Pose:
        """Some of them."""
        return Pose(self.R[index], self.t[index], self.s[index])


class System(NamedTuple):
    """Sums over residuals: energy (B,), gradient (B, 7), curvature (B, 7, 7), and the energy by term."""

    energy: Tensor
    gradient: Tensor
    curvature: Tensor
    parts: Mapping[str, Tensor]


class Sums:
    """Sums that terms are added to; without `slopes` energies alone, which takes half the time."""

    def __init__(self, pose: Pose, slopes: bool = True) -> None:
        count = len(pose.t)
        self.pose = pose
        self.slopes = slopes
        self.energy = torch.zeros(count)
        self.gradient = torch.zeros(count, 7)
        self.curvature = torch.zeros(count, 7, 7)
        self.parts: dict[str, Tensor] = {}

    def add(
        self,
        name: str,
        residual: Tensor,
        weight: Tensor | float,
        points: Tensor,
        along: Tensor | None,
        bound: float | None = None,
    ) -> None:
        """Residuals (B, K, m) of points (B, K, 3) of the object in the scene.

        Args:
            weight: (B, K) or (K,), whose sum is the term's weight.
            along: (B, K, m, 3), what each number changes by as the point moves; the axes themselves if None.
            bound: metres from which on a residual counts hardly more; without it, linearly from `_ROBUST` on.
        """
        size = residual.square().sum(-1).sqrt()
        w = torch.as_tensor(weight).expand_as(size)
        loss, linear = robust(size, bound)
        self._count(name, (w * loss).sum(1))
        if not self.slopes:
            return
        lever = points - self.pose.t[:, None]
        if along is None:
            along = torch.eye(3).expand(*residual.shape[:2], 3, 3)
        turn = torch.linalg.cross(lever[:, :, None].expand_as(along), along)
        grow = (along * lever[:, :, None]).sum(-1, keepdim=True)
        self._slope(torch.cat([turn, along, grow], -1), residual, w * linear)

    def add_directions(self, name: str, residual: Tensor, weight: Tensor | float, direction: Tensor) -> None:
        """Residuals (B, K, 3) that turn as the unit vectors `direction` (B, K, 3) of the object do."""
        w = torch.as_tensor(weight).expand_as(residual[..., 0])
        self._count(name, (w * residual.square().sum(-1)).sum(1))
        if not self.slopes:
            return
        axes = torch.eye(3).expand(*residual.shape[:2], 3, 3)
        turn = NORMAL_LENGTH * torch.linalg.cross(direction[:, :, None].expand_as(axes), axes)
        rows = torch.cat([turn, torch.zeros(*residual.shape, 4)], -1)
        self._slope(rows, residual, w)

    def _count(self, name: str, energy: Tensor) -> None:
        self.energy = self.energy + energy
        self.parts[name] = self.parts.get(name, 0) + energy

    def _slope(self, rows: Tensor, residual: Tensor, weight: Tensor) -> None:
        flat = rows.flatten(1, 2)
        weighted = flat * weight.repeat_interleave(rows.shape[2], 1)[..., None]
        self.gradient = self.gradient + (weighted * residual.flatten(1)[..., None]).sum(1)
        self.curvature = self.curvature + weighted.transpose(1, 2) @ flat

    def add_distances(
        self, name: str, energy: Tensor, slope: Tensor, form: Tensor, points: Tensor, along: Tensor
    ) -> None:
        """A term of distances (B, K) from points (B, K, 3) of the object, which may depend on each other.

        Args:
            energy: (B,).
            slope: (B, K) half of what the energy changes by with each distance.
            form: (B, K, K) what the slope changes by with each.
            along: (B, K, 3) unit vectors along which a distance grows.
        """
        self._count(name, energy)
        if not self.slopes:
            return
        lever = points - self.pose.t[:, None]
        rows = torch.cat([torch.linalg.cross(lever, along), along, (along * lever).sum(-1, keepdim=True)], -1)
        self.gradient = self.gradient + (rows * slope[..., None]).sum(1)
        self.curvature = self.curvature + rows.transpose(1, 2) @ (form @ rows)


def robust(size: Tensor, bound: float | None) -> tuple[Tensor, Tensor]:
    """The loss of residuals of this size, and by how much less than a square's its slope is."""
    if bound is not None:  # Geman and McClure's
        share = 1 / (1 + (size / bound) ** 2)
        return size**2 * share, share**2
    loss = torch.where(size < _ROBUST, size**2, _ROBUST * (2 * size - _ROBUST))  # Huber's
    return loss, (_ROBUST / size.clamp(min=1e-9)).clamp(max=1)


def _exponential(turn: Tensor) -> Tensor:
    """Rotations (B, 3, 3) by axes times angles (B, 3)."""
    return torch.linalg.matrix_exp(
        torch.linalg.cross(turn[:, None], torch.eye(3).expand(len(turn), 3, 3)).transpose(1, 2)
    )

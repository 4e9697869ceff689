"""What a body that is fitted to keypoints is measured by: its residuals, and the states from which a fit begins."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from interplay.body.geometry import Array, rotation_between
from interplay.body.joints import SIZE
from interplay.body.kinematics import Skeleton, exponential
from interplay.body.model import Rest, load_body_model
from interplay.errors import InputError
from interplay.ops.backends import to_numpy

from .camera import Intrinsics
from .pose_prior import pose_prior

PITCH, PITCH_SPREAD = 0.2, 0.2
"""Radians by which cameras look down: mean and spread of the generated world's."""

_SIGMAS = (
    np.array([0.26, 0.25, 0.25, 0.35, 0.35, 0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 1.07, 1.07, 0.87, 0.87, 0.89, 0.89])
    / 10
)
"""COCO's, of its annotators, in roots of the person's area."""
_SHARE = 0.4  # of these, that a keypoint is usually off; mistakes are bounded
_COARSE = 3.0  # times that, at first, so that no keypoint is given up too early
_HEAD_SIGMA = 0.05  # noses and ears of the model are not where the annotators' are to the pixel
_YAWS = 8
_LIMIT = 0.05  # radians
_POINTS = 160
TEMPER = 0.3  # of the prior's squared distance: the world's poses are fewer than people's


class BodyTerms:
    """The residuals of one person's fit. A state has 55 numbers: joints 48, pelvis' turn 3, position 3, pitch 1."""

    def __init__(
        self, points: Array, seen: NDArray[np.bool_], camera: Intrinsics, rest: Rest, noise: float, box: Array | None
    ) -> None:
        self.model, self.prior, self.rest, self.camera = load_body_model(), pose_prior(), rest, camera
        self.skeleton = Skeleton(self.model, rest, self.prior.resting)
        self.keypoints = self.skeleton.regressor(self.model.keypoints)
        self.points, self.seen = points, seen
        within = points[seen, :2]
        extent = np.ptp(within, axis=0) if box is None else box[2:] - box[:2]
        self.size = float(np.sqrt(max(extent[0], extent[1] / 3, 1) * max(extent[1], extent[0] / 3, 1)))
        spread = _SHARE * np.maximum(_SIGMAS, np.where(np.arange(17) < 5, _HEAD_SIGMA, 0)) * self.size * noise
        weight = np.where(seen, np.clip(np.nan_to_num(points[:, 2]), 0, 1), 0)
        self.target = torch.from_numpy(np.nan_to_num(points[:, :2]))
        self.precision = torch.from_numpy(weight**0.5 / spread)
        self.box = box
        self.sides: Tensor | None = None
        self.mask: Tensor | None = None
        self.surface: tuple[Tensor, Tensor] | None = None
        self.means, self.factors, self.offsets, self.low, self.high = (
            torch.from_numpy(np.ascontiguousarray(each))
            for each in (
                self.prior.means,
                self.prior.factors,
                self.prior.offsets,
                self.prior.low[:-3],
                self.prior.high[:-3],
            )
        )
        self.before: Tensor | None = None

    def look_at(self, mask: Any, unknown: Any, size: tuple[int, int] | None) -> None:
        """Take in the box and the silhouette."""
        if self.box is None and mask is None:
            return
        chosen = np.linspace(0, len(self.rest.vertices) - 1, _POINTS).astype(np.int64)
        selection = np.zeros((_POINTS, len(self.rest.vertices)))
        selection[np.arange(_POINTS), chosen] = 1
        self.surface = self.skeleton.regressor(selection)
        if self.box is not None:
            sides = self.box.copy()
            if size is not None:  # the person may go on beyond the picture
                near = 0.01 * max(size)
                sides[:2][sides[:2] <= near] = np.nan
                sides[2:][sides[2:] >= np.array(size) - near] = np.nan
            self.sides = torch.from_numpy(sides)
        if mask is not None:
            found = to_numpy(mask) > 0
            if found.ndim != 2 or not found.any():
                raise InputError("mask: expected (height, width) with at least one pixel of the person")
            allowed = found if unknown is None else found | (to_numpy(unknown) > 0)
            padded = np.pad(allowed, 1, constant_values=True)  # beyond the picture all is allowed
            _, nearest = ndimage.distance_transform_edt(~padded, return_indices=True)
            self.mask = torch.from_numpy(np.stack([nearest[1] - 0.5, nearest[0] - 0.5], -1))
            rows, columns = np.nonzero(found & ~ndimage.binary_erosion(found))
            edge = np.stack([columns, rows], 1)[:: max(len(rows) // 120, 1)] + 0.5
            self.edge = torch.from_numpy(edge)

    def starts(self, before: Array | None) -> tuple[Tensor, Tensor, Tensor]:
        """States (S, 55), the pelvis' rotations that they turn further (S, 3, 3), and components of the prior (S,).

        `before` is a pose vector (51,) that the fit stays near.
        """
        count = len(self.means)
        component = torch.arange(count).repeat_interleave(_YAWS)
        angle = torch.arange(_YAWS).double() * (2 * np.pi / _YAWS)
        turn = exponential(torch.stack([0 * angle, 0 * angle, angle], 1))
        upright = torch.tensor([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]).double()  # from z up to y down
        up = self.means[component, -3:]
        level = torch.stack([_between(each, torch.tensor([0.0, 0, 1.0]).double()) for each in up])
        root = upright @ turn.repeat(count, 1, 1) @ level
        x = torch.zeros(len(component), SIZE + 4, dtype=torch.float64)
        x[:, :48] = self.means[component, :48]
        x[:, 54] = PITCH
        if before is not None:
            self.before = torch.from_numpy(before[:48])
        rotations, positions = self.skeleton.bones(x[:, :48].reshape(-1, 16, 3), root, x[:, 51:54])
        flat = self.skeleton.points(self.keypoints, rotations, positions)
        x[:, 51:54] = self._placed(flat)
        return x, root, component

    def _placed(self, points: Tensor) -> Tensor:
        """(S, 3) where to move keypoints (S, 17, 3) so that, seen from afar, they are nearest to the given ones."""
        weight = self.precision**2 / (self.precision**2).sum()
        focal = torch.tensor(self.camera.focal, dtype=torch.float64)
        target = (self.target - torch.tensor(self.camera.principal, dtype=torch.float64)) / focal
        own, wanted = (weight[:, None] * points[..., :2]).sum(1), (weight[:, None] * target).sum(0)
        apart, goal = points[..., :2] - own[:, None], target - wanted
        spread = (weight[:, None] * goal**2).sum().sqrt()
        scale = spread / (weight[:, None] * apart**2).sum((1, 2)).sqrt()
        depth = 1 / scale.clamp(min=1e-6)
        xy = wanted * depth[:, None] - own
        return torch.cat([xy, depth[:, None]], 1)

    def residuals(self, x: Tensor, root: Tensor, component: Tensor, coarse: bool) -> dict[str, Tensor]:
        """Numbers (B, M) of each kind, in standard deviations."""
        rotation = exponential(x[:, 48:51]) @ root
        rotations, positions = self.skeleton.bones(x[:, :48].reshape(-1, 16, 3), rotation, x[:, 51:54])
        shown = self._project(self.skeleton.points(self.keypoints, rotations, positions))
        pitch = x[:, 54]
        up = torch.stack([0 * pitch, -pitch.cos(), -pitch.sin()], 1)
        seen_up = (rotation.transpose(1, 2) @ up[..., None])[..., 0]
        pose = torch.cat([x[:, :48], seen_up], 1)
        apart = (pose - self.means[component])[:, None]
        out = {
            "keypoints": ((shown - self.target) * self.precision[:, None] / (_COARSE if coarse else 1)).flatten(1),
            "prior": TEMPER**0.5 * (apart @ self.factors[component])[:, 0],
            "limits": ((self.low - x[:, :48]).clamp(min=0) + (x[:, :48] - self.high).clamp(min=0)) / _LIMIT,
            "pitch": ((pitch - PITCH) / PITCH_SPREAD)[:, None],
            "near": (0.5 - x[:, 53:54]).clamp(min=0) / 0.05,
        }
        if self.before is not None:
            out["before"] = (x[:, :48] - self.before) / 0.2
        if self.surface is not None and not coarse:
            pixels = self._project(self.skeleton.points(self.surface, rotations, positions))
            if self.sides is not None:
                found = torch.cat([pixels.amin(1), pixels.amax(1)], 1)
                known = ~torch.isnan(self.sides)
                out["box"] = torch.where(known, found - torch.nan_to_num(self.sides), 0) / (0.08 * self.size)
            if self.mask is not None:
                out["silhouette"] = self._silhouette(pixels)
        return out

    def _silhouette(self, pixels: Tensor) -> Tensor:
        assert self.mask is not None
        height, width = self.mask.shape[:2]
        limits = pixels.new_tensor([width - 1, height - 1])
        column, row = torch.minimum(pixels.detach() + 0.5, limits).clamp(min=0).long().unbind(-1)
        nearest = self.mask[row, column]
        outside = torch.where((nearest - pixels).abs().amax(-1, keepdim=True) > 1, pixels - nearest, 0)
        gaps = torch.cdist(self.edge.expand(len(pixels), -1, -1), pixels.detach())
        found = torch.gather(pixels, 1, gaps.argmin(2)[..., None].expand(-1, -1, 2)) - self.edge
        size = found.square().sum(-1, keepdim=True).clamp(min=1e-9).sqrt()
        missing = found * (1 - 0.04 * self.size / size).clamp(min=0)  # points leave gaps
        count = (outside.shape[1] / 17) ** 0.5
        return torch.cat([outside, missing], 1).flatten(1) / (0.05 * self.size * count)

    def _project(self, points: Tensor) -> Tensor:
        depth = points[..., 2:].clamp(min=0.1)
        return self.camera.project(torch.cat([points[..., :2], depth], -1))


def _between(a: Tensor, b: Tensor) -> Tensor:
    """The smallest rotation (3, 3) from one direction to another."""
    return torch.from_numpy(rotation_between(a.numpy(), b.numpy()))

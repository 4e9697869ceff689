"""What a good place of the object is: the terms of a fit, as residuals in metres for many places at once.

A `Pose` is placed by ``s * R @ x + t``; B of them are looked at together. A term is a number of residuals for each, and
how these change as the object turns, moves and grows (Gauss and Newton's method).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from scipy import ndimage
from scipy.spatial import cKDTree
from torch import Tensor

from interplay.body.contact import DEPTH

from .scene import Problem, Ranks, Surface
from .silhouette import fragments


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


@dataclass(frozen=True)
class Weights:
    """How much each term counts; the terms are mean squares of metres.

    Attributes:
        contact: distance between what touches, both ways.
        normals: surfaces that touch face each other; a whole turn counts as 3 cm.
        outside: object that shows where the mask is not.
        cover: mask that the object does not cover.
        penetration: object inside the person by more than flesh gives way, and the other way round.
        order: object behind the person where the mask shows it, or before where the mask shows the person.
        scale: growth against its prior.
        ranks: what is more likely touched being farther from the other than what is less likely touched.
        reach: metres from which on a contact counts hardly more, in the end.
    """

    contact: float = 1.0
    normals: float = 1.0
    outside: float = 1.0
    cover: float = 1.0
    penetration: float = 2.0
    order: float = 0.3
    scale: float = 1.0
    ranks: float = 0.0
    reach: float = 0.1


NORMAL_LENGTH = 0.03
_ROBUST = 0.1  # metres from which on a residual counts linearly
_DEEPEST = 0.15
_NOISE = 0.01  # metres that one spread of the scale counts as
_RANK_BOUND = 0.02  # metres from which on a wrong order counts hardly more, in the end
_MARGIN = 0.01  # metres that what is surely touched is nearer than what is surely not
_NEAREST = 0.05  # metres before the camera


class System(NamedTuple):
    """Sums over residuals: energy (B,), gradient (B, 7), curvature (B, 7, 7), and the energy by term."""

    energy: Tensor
    gradient: Tensor
    curvature: Tensor
    parts: Mapping[str, Tensor]


class _Sums:
    def __init__(self, pose: Pose) -> None:
        count = len(pose.t)
        self.pose = pose
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
        loss, linear = _robust(size, bound)
        energy = (w * loss).sum(1)
        lever = points - self.pose.t[:, None]
        if along is None:
            along = torch.eye(3).expand(*residual.shape[:2], 3, 3)
        turn = torch.linalg.cross(lever[:, :, None].expand_as(along), along)
        grow = (along * lever[:, :, None]).sum(-1, keepdim=True)
        self._sum(name, energy, torch.cat([turn, along, grow], -1), residual, w * linear)

    def add_directions(self, name: str, residual: Tensor, weight: Tensor | float, direction: Tensor) -> None:
        """Residuals (B, K, 3) that turn as the unit vectors `direction` (B, K, 3) of the object do."""
        w = torch.as_tensor(weight).expand_as(residual[..., 0])
        axes = torch.eye(3).expand(*residual.shape[:2], 3, 3)
        turn = NORMAL_LENGTH * torch.linalg.cross(direction[:, :, None].expand_as(axes), axes)
        rows = torch.cat([turn, torch.zeros(*residual.shape, 4)], -1)
        self._sum(name, (w * residual.square().sum(-1)).sum(1), rows, residual, w)

    def _sum(self, name: str, energy: Tensor, rows: Tensor, residual: Tensor, weight: Tensor) -> None:
        flat = rows.flatten(1, 2)
        weighted = flat * weight.repeat_interleave(rows.shape[2], 1)[..., None]
        self.energy = self.energy + energy
        self.gradient = self.gradient + (weighted * residual.flatten(1)[..., None]).sum(1)
        self.curvature = self.curvature + weighted.transpose(1, 2) @ flat
        self.parts[name] = self.parts.get(name, 0) + energy

    def add_ranks(
        self, distance: Tensor, pairs: Tensor, margin: Tensor, points: Tensor, along: Tensor, bound: float | None
    ) -> None:
        """Pairs of points of which the first shall not be farther away than the second.

        Args:
            distance: (B, K) metres from points (B, K, 3) of the object in the scene.
            pairs: (K, K) weight of each pair, first and second.
            margin: (K, K) metres by which it shall be nearer.
            along: (B, K, 3) unit vectors along which a distance grows.
            bound: as of `add`.
        """
        apart = (distance[:, :, None] - distance[:, None] + margin).clamp(min=0)
        loss, linear = _robust(apart, bound)
        linear = torch.where(apart > 0, linear, 0)
        energy = (pairs * loss).sum((1, 2))
        active = pairs * linear
        both = active + active.transpose(1, 2)
        laplacian = torch.diag_embed(both.sum(2)) - both
        lever = points - self.pose.t[:, None]
        rows = torch.cat([torch.linalg.cross(lever, along), along, (along * lever).sum(-1, keepdim=True)], -1)
        pulled = laplacian @ rows
        slack = (active * margin).sum(2) - (active * margin).sum(1)
        self.energy = self.energy + energy
        self.gradient = self.gradient + (pulled * distance[..., None]).sum(1) + (rows * slack[..., None]).sum(1)
        self.curvature = self.curvature + rows.transpose(1, 2) @ pulled
        self.parts["ranks"] = self.parts.get("ranks", 0) + energy


def _robust(size: Tensor, bound: float | None) -> tuple[Tensor, Tensor]:
    """The loss of residuals of this size, and by how much less than a square's its slope is."""
    if bound is not None:  # Geman and McClure's
        share = 1 / (1 + (size / bound) ** 2)
        return size**2 * share, share**2
    loss = torch.where(size < _ROBUST, size**2, _ROBUST * (2 * size - _ROBUST))  # Huber's
    return loss, (_ROBUST / size.clamp(min=1e-9)).clamp(max=1)


def evaluate(problem: Problem, pose: Pose, weights: Weights, spread: float = 0.0, fine: bool = False) -> System:
    """All terms whose weight is not zero.

    Args:
        spread: of the logarithm of the scale around that of 1; 0 keeps the scale fixed.
        fine: look at every pixel of the one place that is given, instead of at points of the surface.
    """
    sums = _Sums(pose)
    _contact(problem, sums, weights, weights.reach if fine else None)
    surface = problem.surface
    placed = pose.place(surface.points)
    if fine:
        _pixels(problem, sums, weights)
    elif weights.outside or weights.cover or weights.order:
        _picture(problem, sums, weights, placed, surface, problem.pixels)
    if weights.ranks:
        _ranks(problem, sums, weights, _RANK_BOUND if fine else None)
    if weights.penetration:
        _penetration(problem, sums, weights, placed, surface)
    if spread:
        log = pose.s.log()
        factor = weights.scale * (_NOISE / spread) ** 2
        sums.energy = sums.energy + factor * log**2
        sums.gradient[:, 6] += factor * log
        sums.curvature[:, 6, 6] += factor
        sums.parts["scale"] = factor * log**2
    return System(sums.energy, sums.gradient, sums.curvature, sums.parts)


def _contact(problem: Problem, sums: _Sums, weights: Weights, bound: float | None) -> None:
    """Nearest points in position and opposite normal together, from the object to the person and back.

    In the end, contacts that the mask contradicts must not drag the object away from it: `bound`.
    """
    own, body = problem.contact, problem.body_contact
    pose = sums.pose
    points = pose.place(own.points)
    normals = own.normals @ pose.R.transpose(1, 2)
    distance = torch.cdist(points, body.points.expand(len(points), -1, -1))
    facing = torch.cdist(normals, -body.normals.expand(len(points), -1, -1))
    cost = distance**2 + (NORMAL_LENGTH * facing) ** 2
    for nearest, mine, back in ((cost.argmin(2), own.weights, False), (cost.argmin(1), body.weights, True)):
        if back:
            point, normal = _gather(points, nearest), _gather(normals, nearest)
            target, other = body.points, body.normals
        else:
            point, normal = points, normals
            target, other = body.points[nearest], body.normals[nearest]
        sums.add("contact", point - target, mine * weights.contact / 2, point, None, bound)
        if weights.normals:
            rest = NORMAL_LENGTH * (normal + other)
            sums.add_directions("normals", rest, mine * weights.normals / 2, normal)


def contact_distance(problem: Problem, pose: Pose) -> float:
    """Metres between what touches, a mean of both directions, for one place."""
    own, body = problem.contact, problem.body_contact
    distance = torch.cdist(pose.place(own.points)[0], body.points)
    return float((distance.amin(1) * own.weights).sum() + (distance.amin(0) * body.weights).sum()) / 2


def _picture(
    problem: Problem, sums: _Sums, weights: Weights, placed: Tensor, surface: Surface, mask_pixels: Tensor
) -> None:
    """The object in the picture: inside the mask or hidden, all over the mask, before or behind the person."""
    camera, metres = problem.camera, problem.metres
    placed = torch.cat([placed[..., :2], placed[..., 2:].clamp(min=_NEAREST)], -1)
    pixels = camera.project(placed)
    along = _picture_rows(problem, placed)
    if weights.outside:
        column, row = _cell(problem, pixels).unbind(-1)
        rest = (pixels - problem.nearest[row, column]) * metres
        rest = torch.where(problem.allowed[row, column][..., None], 0, rest)
        sums.add("outside", rest, surface.weights * weights.outside, placed, along)
    if weights.cover:
        nearest = torch.cdist(mask_pixels.expand(len(pixels), -1, -1), pixels).argmin(2)
        rest = (_gather(pixels, nearest) - mask_pixels) * metres
        # points of a surface leave gaps: what is nearer than that is covered
        size = rest.square().sum(-1, keepdim=True).sqrt()
        rest = rest * (1 - 1.0 * metres / size.clamp(min=1e-9)).clamp(min=0)
        share = torch.full((len(mask_pixels),), weights.cover / len(mask_pixels))
        rows = torch.gather(along, 1, nearest[..., None, None].expand(-1, -1, 2, 3))
        sums.add("cover", rest, share, _gather(placed, nearest), rows)
    if weights.order:
        x, y = _cell(problem, pixels).unbind(-1)
        inside = (x + 0.5 - pixels[..., 0]).abs().maximum((y + 0.5 - pixels[..., 1]).abs()) <= 0.5
        person = problem.body_depth[y, x]
        behind = (placed[..., 2] - person).clamp(max=_DEEPEST)
        normals = surface.normals @ sums.pose.R.transpose(1, 2)
        toward = (normals * placed).sum(-1) < 0
        wrong_behind = inside & problem.seen[y, x] & toward & (behind > 0)
        wrong_before = inside & problem.hidden[y, x] & (behind < 0)
        rest = torch.where(wrong_behind | wrong_before, behind.clamp(min=-_DEEPEST), 0)[..., None]
        axis = placed.new_tensor([0.0, 0, 1]).expand(*placed.shape[:2], 1, 3)
        sums.add("order", rest, surface.weights * weights.order, placed, axis)


def _pixels(problem: Problem, sums: _Sums, weights: Weights) -> None:
    """As `_picture`, with what each pixel shows of the object; a mean over the mask's pixels."""
    vertices = sums.pose.place(problem.vertices)[0]
    shown = fragments(problem.camera.project(vertices), vertices[:, 2], problem.faces, problem.size)
    points = (vertices[problem.faces[shown.face]] * shown.weights[..., None]).sum(1)
    width = problem.size[1]
    covered = torch.zeros(problem.mask.numel(), dtype=torch.bool)
    covered[shown.pixel] = True
    centres = torch.stack([shown.pixel % width, torch.div(shown.pixel, width, rounding_mode="floor")], 1) + 0.5
    one = 1 / len(problem.mask_index)

    def add(name: str, weight: float, chosen: Tensor, offset: Tensor) -> None:
        """Points shown at pixels that are off by (K, 2) pixels."""
        at = points[chosen][None]
        rows = _picture_rows(problem, at)
        sums.add(name, offset[None] * problem.metres, torch.full((len(offset),), weight * one), at, rows)

    out = torch.nonzero((problem.told & ~problem.allowed).reshape(-1)[shown.pixel])[:, 0]
    if problem.enlarged:  # less than a pixel of the photograph off: as far as its edge must go back
        _, clear = ndimage.distance_transform_edt(covered.reshape(problem.size).numpy(), return_indices=True)
        row, column = torch.from_numpy(clear.reshape(2, -1))[:, shown.pixel[out]]
        add("outside", weights.outside, out, torch.stack([column, row], 1) + 0.5 - centres[out])
    else:
        nearest = problem.nearest.reshape(-1, 2)[shown.pixel[out]]
        add("outside", weights.outside, out, centres[out] - nearest)

    missed = problem.mask_index[~covered[problem.mask_index]]
    if len(missed) and len(points):
        _, near = ndimage.distance_transform_edt(~covered.reshape(problem.size).numpy(), return_indices=True)
        row, column = torch.from_numpy(near.reshape(2, -1))[:, missed]
        position = torch.full((covered.numel(),), -1)
        position[shown.pixel] = torch.arange(len(points))
        wanted = torch.stack([missed % width, torch.div(missed, width, rounding_mode="floor")], 1) + 0.5
        add("cover", weights.cover, position[row * width + column], torch.stack([column, row], 1) + 0.5 - wanted)
    else:  # all is covered, or the object is out of sight, as bad as a whole radius away
        sums.parts["cover"] = torch.full((1,), weights.cover * problem.radius**2 if len(missed) else 0.0)
        sums.energy = sums.energy + sums.parts["cover"]

    behind = shown.depth - problem.body_depth.reshape(-1)[shown.pixel]
    wrong = torch.where(problem.seen.reshape(-1)[shown.pixel], behind > 0, False)
    wrong |= problem.hidden.reshape(-1)[shown.pixel] & (behind < 0)
    which = torch.nonzero(wrong)[:, 0]
    rest = behind[which].clamp(-_DEEPEST, _DEEPEST)[None, :, None]
    axis = points.new_tensor([0.0, 0, 1]).expand(1, len(which), 1, 3)
    sums.add("order", rest, torch.full((len(which),), weights.order * one), points[which][None], axis)


def _ranks(problem: Problem, sums: _Sums, weights: Weights, bound: float | None) -> None:
    """What is touched is nearer to the other mesh than what is not, on both; how near, the scores do not say."""
    pose = sums.pose
    own, body = problem.ranks, problem.body_ranks
    points = pose.place(own.points)
    _add_ranks(sums, weights.ranks / 2, own, points - _nearest(problem.body_vertices, points), points, bound)
    mine = pose.place_each(_nearest(problem.own_vertices, pose.back(body.points)))
    _add_ranks(sums, weights.ranks / 2, body, mine - body.points, mine, bound)


def _add_ranks(sums: _Sums, weight: float, ranks: Ranks, offset: Tensor, points: Tensor, bound: float | None) -> None:
    distance = offset.norm(dim=-1)
    along = offset / distance[..., None].clamp(min=1e-6)
    sums.add_ranks(distance, weight * ranks.pairs, _MARGIN * ranks.surer, points, along, bound)


def _nearest(tree: cKDTree, points: Tensor) -> Tensor:
    """Of the tree's points the nearest (B, K, 3) to points (B, K, 3)."""
    _, index = tree.query(points.reshape(-1, 3).numpy())
    return torch.from_numpy(tree.data[index].astype(np.float32)).reshape(points.shape)


def _penetration(problem: Problem, sums: _Sums, weights: Weights, placed: Tensor, surface: Surface) -> None:
    """How deep the object's points are in the person."""
    shape = placed.shape[:2]
    far = problem.tree.n  # the index of what is farther away than the bound; then any point does
    _, nearest = problem.tree.query(placed.reshape(-1, 3).numpy(), distance_upper_bound=2 * _DEEPEST)
    missed = torch.from_numpy(nearest == far).reshape(shape)
    nearest[nearest == far] = 0
    target = torch.from_numpy(problem.tree.data[nearest].astype(np.float32)).reshape(*shape, 3)
    normal = torch.from_numpy(problem.tree_normals[nearest].astype(np.float32)).reshape(*shape, 3)
    depth = ((target - placed) * normal).sum(-1)
    rest = -((depth - DEPTH).clamp(min=0, max=_DEEPEST) * ~missed)[..., None]
    sums.add("penetration", rest, surface.weights * weights.penetration, placed, normal[:, :, None])


def _picture_rows(problem: Problem, points: Tensor) -> Tensor:
    """(B, K, 2, 3): how points' places in the picture, in metres, change as they move."""
    camera, depth = problem.camera, points[..., 2].clamp(min=_NEAREST)
    focal = points.new_tensor(camera.focal) * problem.metres
    rows = torch.zeros(*points.shape[:2], 2, 3)
    rows[..., 0, 0] = focal[0] / depth
    rows[..., 1, 1] = focal[1] / depth
    rows[..., 2] = -focal * points[..., :2] / depth[..., None] ** 2
    return rows


def _cell(problem: Problem, pixels: Tensor) -> Tensor:
    """Column and row (..., 2) of the working picture's pixel that is nearest to points (..., 2) of it."""
    height, width = problem.size
    return torch.minimum((pixels - 0.5).round(), pixels.new_tensor([width - 1, height - 1])).clamp(min=0).long()


def _gather(points: Tensor, index: Tensor) -> Tensor:
    """(B, K, 3 or 2) of points (B, N, 3 or 2) by index (B, K)."""
    return torch.gather(points, 1, index[..., None].expand(-1, -1, points.shape[-1]))


def _exponential(turn: Tensor) -> Tensor:
    """Rotations (B, 3, 3) by axes times angles (B, 3)."""
    return torch.linalg.matrix_exp(
        torch.linalg.cross(turn[:, None], torch.eye(3).expand(len(turn), 3, 3)).transpose(1, 2)
    )

"""What contact scores tell about distances, beyond which vertices touch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from .residuals import Pose, Sums, robust
from .scene import PERHAPS, Problem, Ranks

_RANK_BOUND = 0.02  # metres from which on a wrong order counts hardly more, in the end
_MARGIN = 0.01  # metres that what is surely touched is nearer than what is surely not
_FALL_BOUND = 0.05  # metres from which on a wrong distance counts hardly more
_FALL_LEAST = 0.2  # spread of the scores' logarithms; truth values have none
_NEAR = 0.03  # metres; nearer points are not known better than this


class _Side(NamedTuple):
    """The object, or a person: how what may touch lies to the other mesh.

    Attributes:
        ranks: what is ranked, K points.
        share: how much of it may touch, of all touches.
        distance: (B, K) from the other mesh.
        points: (B, K, 3) of the object that these change with.
        along: (B, K, 3) in which direction they grow.
    """

    ranks: Ranks
    share: float
    distance: Tensor
    points: Tensor
    along: Tensor


def add_scores(problem: Problem, sums: Sums, ranks: float, falloff: float, bounded: bool) -> None:
    """Add both terms, with their weights.

    Args:
        bounded: a wrong order counts hardly more from some distance on.
    """
    for side in _sides(problem, sums.pose):
        if ranks:
            _add_ranks(sums, side, ranks, _RANK_BOUND if bounded else None)
        if falloff:
            _add_falloff(sums, side, falloff)


def _add_ranks(sums: Sums, side: _Side, weight: float, bound: float | None) -> None:
    """What is touched is nearer to the other mesh than what is not, on both; how near, the scores do not say."""
    pairs, margin, distance = weight * side.share * side.ranks.pairs, _MARGIN * side.ranks.surer, side.distance
    apart = (distance[:, :, None] - distance[:, None] + margin).clamp(min=0)
    loss, linear = robust(apart, bound)
    active = pairs * torch.where(apart > 0, linear, 0)
    both = active + active.transpose(1, 2)
    laplacian = torch.diag_embed(both.sum(2)) - both
    slack = (active * margin).sum(2) - (active * margin).sum(1)
    slope = (laplacian @ distance[..., None])[..., 0] + slack
    sums.add_distances("ranks", (pairs * loss).sum((1, 2)), slope, laplacian, side.points, side.along)


def _add_falloff(sums: Sums, side: _Side, weight: float) -> None:
    """Scores fall with the distance from the other mesh as a Gaussian does, whose height and width are found anew for
    each place: the squares of distances are linear in the scores' logarithms. Truth values say nothing of this kind."""
    known = side.ranks.scores >= PERHAPS
    logs = -side.ranks.scores[known].log()
    if float(logs.std(correction=0)) < _FALL_LEAST:
        return
    distance = side.distance[:, known]
    wanted, growth = _fitted_line(logs, distance)
    rest = distance - wanted
    loss, linear = robust(rest.abs(), _FALL_BOUND)
    each = weight * side.share / len(logs)
    w = each * linear
    # the line follows the distances: what it can explain is no curvature (variable projection)
    columns = torch.stack([torch.ones_like(wanted), logs.expand_as(wanted)], -1) / growth[..., None]
    weighted = w[..., None] * columns
    small = columns.transpose(1, 2) @ weighted
    small = small + torch.diag_embed(1e-6 * torch.diagonal(small, dim1=1, dim2=2) + 1e-12)
    form = torch.diag_embed(w) - weighted @ torch.linalg.solve(small, weighted.transpose(1, 2))
    sums.add_distances("falloff", each * loss.sum(1), w * rest, form, side.points[:, known], side.along[:, known])


def _fitted_line(logs: Tensor, distance: Tensor) -> tuple[Tensor, Tensor]:
    """Distances (B, K) that rise with `logs` (K,) and are nearest to those given, hardly minding those far from the
    line; and how fast the squares grow with the distances."""
    squares, w = distance**2, torch.ones_like(distance)
    wanted = growth = distance
    for _ in range(3):
        w = w / w.sum(1, keepdim=True)
        x, y = (w * logs).sum(1, keepdim=True), (w * squares).sum(1, keepdim=True)
        away = logs - x
        slope = ((w * away * (squares - y)).sum(1, keepdim=True) / (w * away**2).sum(1, keepdim=True)).clamp(min=1e-3)
        wanted = ((y - slope * x).clamp(min=0) + slope * logs).sqrt()
        growth = 2 * wanted.clamp(min=_NEAR)
        w = robust((distance - wanted).abs(), _FALL_BOUND)[1] / growth**2
    return wanted, growth


def _sides(problem: Problem, pose: Pose) -> list[_Side]:
    """Of each touch both sides; the nearest points are looked up once for both terms."""
    found = []
    for touch in problem.touches:
        points = pose.place(touch.own_ranks.points)
        offset = points - _nearest(problem.body_vertices, points)
        found.append((touch.own_ranks, touch.own_share, points, offset))
        points = pose.place_each(_nearest(problem.own_vertices, pose.back(touch.body_ranks.points)))
        found.append((touch.body_ranks, touch.body_share, points, points - touch.body_ranks.points))
    sides = []
    for ranks, share, points, offset in found:
        distance = offset.norm(dim=-1)
        along = offset / distance[..., None].clamp(min=1e-6)
        sides.append(_Side(ranks, share / len(problem.touches) / 2, distance, points, along))
    return sides


def _nearest(tree: cKDTree, points: Tensor) -> Tensor:
    """Of the tree's points the nearest (B, K, 3) to points (B, K, 3)."""
    _, index = tree.query(points.reshape(-1, 3).numpy())
    return torch.from_numpy(tree.data[index].astype(np.float32)).reshape(points.shape)

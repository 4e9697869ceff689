"""The box around what is seen of an object against the box that is known: evidence where there is no outline.

An object that fills its box and one that only reaches its sides are equally good here. A side at the photograph's
border says only that the object reaches it.

Source: after the tightness of boxes of Lempitsky et al., Image Segmentation with a Bounding Box Prior, ICCV 2009.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from interplay.ops.boxes import box_iou

from .picture import cell, gather, picture_rows
from .residuals import Sums
from .scene import OUTWARDS, Box, Problem
from .silhouette import Fragments


def add_box(problem: Problem, sums: Sums, weight: float, placed: Tensor, box: Box) -> None:
    """By points of the surface, (B, K, 3) where they are placed, before the camera."""
    pixels = problem.camera.project(placed)
    x, y = cell(problem, pixels).unbind(-1)
    shown = placed[..., 2] <= problem.body_depth[y, x]
    _add_sides(problem, sums, weight, placed, pixels, shown, ~problem.ignored[y, x], box)


def add_box_of_pixels(problem: Problem, sums: Sums, weight: float, points: Tensor, shown: Fragments, box: Box) -> None:
    """By what each pixel shows, the points (K, 3), of one place."""
    if not len(points):  # as bad as a whole radius away
        sums.parts["box"] = torch.full((1,), weight * problem.radius**2)
        sums.energy = sums.energy + sums.parts["box"]
        return
    width = problem.size[1]
    pixels = torch.stack([shown.pixel % width, torch.div(shown.pixel, width, rounding_mode="floor")], 1) + 0.5
    before = shown.depth <= problem.body_depth.reshape(-1)[shown.pixel]
    inside = ~problem.ignored.reshape(-1)[shown.pixel]
    _add_sides(problem, sums, weight, points[None], pixels[None], before[None], inside[None], box, 0.5)


def box_overlap(problem: Problem, shown: Tensor, box: Box) -> float:
    """Intersection over union of the known box and the one around pixels (height, width) that show the object."""
    if not shown.any():
        return 0.0
    rows, columns = torch.nonzero(shown.any(1))[:, 0], torch.nonzero(shown.any(0))[:, 0]
    found = [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]
    return float(box_iou((box.sides.numpy() * OUTWARDS)[None], np.array([found]))[0, 0])


def _add_sides(
    problem: Problem,
    sums: Sums,
    weight: float,
    points: Tensor,
    pixels: Tensor,
    before: Tensor,
    inside: Tensor,
    box: Box,
    half: float = 0.0,
) -> None:
    """How far the outermost points (B, K, 3) that are seen are from each side.

    Args:
        before, inside: (B, K) not behind the person, and in the photograph; at an open side, what is beyond the
            photograph reaches it.
        half: by how many pixels something goes on around its point.
    """
    outwards = torch.from_numpy(OUTWARDS).float()
    out = torch.cat([pixels, pixels], -1) * outwards + half
    seen = torch.where(box.open, before[..., None], (before & inside)[..., None])
    seen = seen | ~seen.any(1, keepdim=True)
    farthest, index = torch.where(seen, out, -torch.inf).max(1)
    off = farthest - box.sides
    off = torch.where(box.open, off.clamp(max=0), off)
    off = off.sign() * (off.abs() - box.slack).clamp(min=0)
    at = gather(points, index)
    rows = picture_rows(problem, at)[:, torch.arange(4), torch.tensor([0, 1, 0, 1])] * outwards[:, None]
    rest = off[..., None] * problem.metres
    sums.add("box", rest, torch.full((4,), weight / 4), at, rows[:, :, None])

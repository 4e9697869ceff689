"""What a good place of the object is: the terms of a fit, as residuals in metres for many places at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from .box import add_box, add_box_of_pixels
from .inside import DEEPEST
from .picture import NEAREST, cell, gather, picture_rows
from .residuals import NORMAL_LENGTH, Pose, Sums, System
from .scene import Problem, Surface, Touch
from .scores import add_scores
from .silhouette import Fragments, fragments


@dataclass(frozen=True)
class Weights:
    """How much each term counts; the terms are mean squares of metres.

    Attributes:
        contact: distance between what touches, both ways.
        normals: surfaces that touch face each other; a whole turn counts as 3 cm.
        outside: object that shows where the mask is not.
        cover: mask that the object does not cover.
        box: where only a box is known, instead of both: its sides that what is seen of the object misses.
        penetration: object inside the person by more than flesh gives way, and the other way round.
        order: object behind the person where the mask shows it, or before where the mask shows the person.
        scale: growth against its prior.
        upright: tilt against its prior.
        ranks: what is more likely touched being farther from the other than what is less likely touched.
        falloff: distances that do not grow as contact scores fall.
        reach: metres from which on a contact counts hardly more, in the end.
    """

    contact: float = 1.0
    normals: float = 1.0
    outside: float = 1.0
    cover: float = 1.0
    box: float = 1.0
    penetration: float = 2.0
    order: float = 0.3
    scale: float = 1.0
    upright: float = 1.0
    ranks: float = 0.0
    falloff: float = 0.0
    reach: float = 0.1


_NOISE = 0.01  # metres that one spread of the scale, or of the tilt, counts as


def evaluate(
    problem: Problem,
    pose: Pose,
    weights: Weights,
    spread: float = 0.0,
    fine: bool = False,
    slopes: bool = True,
) -> System:
    """All terms whose weight is not zero.

    Args:
        spread: of the logarithm of the scale around that of 1; 0 keeps the scale fixed.
        fine: look at every pixel of the one place that is given, instead of at points of the surface.
        slopes: false if only the energies are asked for.
    """
    sums = Sums(pose, slopes)
    _contact(problem, sums, weights, weights.reach if fine else None)
    surface = problem.surface
    placed = pose.place(surface.points)
    if fine:
        _pixels(problem, sums, weights)
    elif weights.outside or weights.cover or weights.box or weights.order:
        _picture(problem, sums, weights, placed, surface, problem.pixels)
    if weights.ranks or weights.falloff:
        add_scores(problem, sums, weights.ranks, weights.falloff, fine)
    if weights.penetration:
        _penetration(problem, sums, weights, placed, surface)
    upright = problem.given.upright
    if upright is not None and weights.upright:
        axis, up = (placed.new_tensor(each) for each in (upright.axis, upright.up))
        axes = (pose.R @ axis)[:, None]
        factor = weights.upright * (_NOISE / upright.spread) ** 2 / NORMAL_LENGTH**2
        sums.add_directions("upright", NORMAL_LENGTH * (axes - up), torch.full((1,), factor), axes)
    if spread:
        log = pose.s.log()
        factor = weights.scale * (_NOISE / spread) ** 2
        sums.energy = sums.energy + factor * log**2
        sums.gradient[:, 6] += factor * log
        sums.curvature[:, 6, 6] += factor
        sums.parts["scale"] = factor * log**2
    return System(sums.energy, sums.gradient, sums.curvature, sums.parts)


def _contact(problem: Problem, sums: Sums, weights: Weights, bound: float | None) -> None:
    """Nearest points in position and opposite normal together, from the object to the person and back.

    What touches is equally large on both: of the side that claims more, only the share that is nearest counts. In the
    end, contacts that the mask contradicts must not drag the object away from it: `bound`.
    """
    for touch in problem.touches:
        _touch(touch, sums, weights.contact / len(problem.touches), weights.normals / len(problem.touches), bound)


def _touch(touch: Touch, sums: Sums, contact: float, normals_weight: float, bound: float | None) -> None:
    own, body = touch.own, touch.body
    pose = sums.pose
    points = pose.place(own.points)
    normals = own.normals @ pose.R.transpose(1, 2)
    cost = _squared_distances(
        torch.cat([points, NORMAL_LENGTH * normals], -1), torch.cat([body.points, -NORMAL_LENGTH * body.normals], -1)
    )
    for dim, weights, share in ((2, own.weights, touch.own_share), (1, body.weights, touch.body_share)):
        least, nearest = cost.min(dim)
        mine = _nearest_share(least, weights, share)
        if dim == 1:
            point, normal = gather(points, nearest), gather(normals, nearest)
            target, other = body.points, body.normals
        else:
            point, normal = points, normals
            target, other = body.points[nearest], body.normals[nearest]
        sums.add("contact", point - target, mine * contact / 2, point, None, bound)
        if normals_weight:
            rest = NORMAL_LENGTH * (normal + other)
            sums.add_directions("normals", rest, mine * normals_weight / 2, normal)


def _squared_distances(points: Tensor, others: Tensor) -> Tensor:
    """(B, K, N) between points (B, K, d) and (N, d); several times as fast as `torch.cdist`, of which the two terms and
    the roots would be needed. Measured from the others' middle, or rounding would be as large as the distances."""
    middle = others.mean(0)
    points, others = points - middle, others - middle
    sums = points.square().sum(-1, keepdim=True) + others.square().sum(-1)
    return torch.baddbmm(sums, points, others.T.expand(len(points), -1, -1), alpha=-2).clamp(min=0)


def _nearest_share(distance: Tensor, weights: Tensor, share: float) -> Tensor:
    """Weights (B, K) of sum 1 of what is nearest by distances (B, K): a share of all that `weights` (K,) are of."""
    if share >= 1:
        return weights.expand_as(distance)
    order = torch.argsort(distance, dim=1, stable=True)
    sorted_weights = weights[order]
    before = sorted_weights.cumsum(1) - sorted_weights
    kept = (share - before).clamp(min=0).minimum(sorted_weights) / share
    return torch.zeros_like(kept).scatter_(1, order, kept)


def contact_distance(problem: Problem, pose: Pose) -> float:
    """Metres between what touches, a mean of both directions and over people, for one place; 0 where nobody does."""
    return float(np.mean(contact_distances(problem, pose))) if problem.touches else 0.0


def contact_distances(problem: Problem, pose: Pose) -> list[float]:
    """The same for each person who touches the object."""
    found = []
    for touch in problem.touches:
        own, body = touch.own, touch.body
        distance = torch.cdist(pose.place(own.points), body.points[None])
        sides = ((2, own.weights, touch.own_share), (1, body.weights, touch.body_share))
        means = [(each * _nearest_share(each, w, share)).sum() for d, w, share in sides for each in [distance.amin(d)]]
        found.append(float(sum(means)) / 2)
    return found


def _picture(
    problem: Problem, sums: Sums, weights: Weights, placed: Tensor, surface: Surface, mask_pixels: Tensor
) -> None:
    """The object in the picture: inside the mask or hidden, all over the mask, before or behind the person."""
    camera, metres = problem.camera, problem.metres
    placed = torch.cat([placed[..., :2], placed[..., 2:].clamp(min=NEAREST)], -1)
    pixels = camera.project(placed)
    along = picture_rows(problem, placed)
    if problem.box is not None:
        add_box(problem, sums, weights.box, placed, problem.box)
    elif weights.outside:
        column, row = cell(problem, pixels).unbind(-1)
        rest = (pixels - problem.nearest[row, column]) * metres
        rest = torch.where(problem.allowed[row, column][..., None], 0, rest)
        sums.add("outside", rest, surface.weights * weights.outside, placed, along)
    if weights.cover and problem.box is None:
        nearest = torch.cdist(mask_pixels.expand(len(pixels), -1, -1), pixels).argmin(2)
        rest = (gather(pixels, nearest) - mask_pixels) * metres
        # points of a surface leave gaps: what is nearer than that is covered
        size = rest.square().sum(-1, keepdim=True).sqrt()
        rest = rest * (1 - 1.0 * metres / size.clamp(min=1e-9)).clamp(min=0)
        share = torch.full((len(mask_pixels),), weights.cover / len(mask_pixels))
        rows = torch.gather(along, 1, nearest[..., None, None].expand(-1, -1, 2, 3))
        sums.add("cover", rest, share, gather(placed, nearest), rows)
    if weights.order:
        x, y = cell(problem, pixels).unbind(-1)
        inside = (x + 0.5 - pixels[..., 0]).abs().maximum((y + 0.5 - pixels[..., 1]).abs()) <= 0.5
        person = problem.body_depth[y, x]
        behind = (placed[..., 2] - person).clamp(max=DEEPEST)
        normals = surface.normals @ sums.pose.R.transpose(1, 2)
        toward = (normals * placed).sum(-1) < 0
        wrong_behind = inside & problem.seen[y, x] & toward & (behind > 0)
        wrong_before = inside & problem.hidden[y, x] & (behind < 0)
        rest = torch.where(wrong_behind | wrong_before, behind.clamp(min=-DEEPEST), 0)[..., None]
        axis = placed.new_tensor([0.0, 0, 1]).expand(*placed.shape[:2], 1, 3)
        sums.add("order", rest, surface.weights * weights.order, placed, axis)


def _pixels(problem: Problem, sums: Sums, weights: Weights) -> None:
    """As `_picture`, with what each pixel shows of the object; a mean over the mask's pixels."""
    vertices = sums.pose.place(problem.vertices)[0]
    shown = fragments(problem.camera.project(vertices), vertices[:, 2], problem.faces, problem.size)
    points = (vertices[problem.faces[shown.face]] * shown.weights[..., None]).sum(1)
    if problem.box is not None:
        add_box_of_pixels(problem, sums, weights.box, points, shown, problem.box)
    else:
        _outline_pixels(problem, sums, weights, points, shown)
    behind = shown.depth - problem.body_depth.reshape(-1)[shown.pixel]
    wrong = torch.where(problem.seen.reshape(-1)[shown.pixel], behind > 0, False)
    wrong |= problem.hidden.reshape(-1)[shown.pixel] & (behind < 0)
    which = torch.nonzero(wrong)[:, 0]
    rest = behind[which].clamp(-DEEPEST, DEEPEST)[None, :, None]
    axis = points.new_tensor([0.0, 0, 1]).expand(1, len(which), 1, 3)
    sums.add(
        "order", rest, torch.full((len(which),), weights.order / len(problem.mask_index)), points[which][None], axis
    )


def _outline_pixels(problem: Problem, sums: Sums, weights: Weights, points: Tensor, shown: Fragments) -> None:
    """What pixels show of the object, at points (K, 3), outside of the mask, and pixels of the mask that show none."""
    width = problem.size[1]
    covered = torch.zeros(problem.mask.numel(), dtype=torch.bool)
    covered[shown.pixel] = True
    centres = torch.stack([shown.pixel % width, torch.div(shown.pixel, width, rounding_mode="floor")], 1) + 0.5

    def add(name: str, weight: float, chosen: Tensor, offset: Tensor) -> None:
        """Points shown at pixels that are off by (K, 2) pixels."""
        at = points[chosen][None]
        rows = picture_rows(problem, at)
        share = torch.full((len(offset),), weight / len(problem.mask_index))
        sums.add(name, offset[None] * problem.metres, share, at, rows)

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


def _penetration(problem: Problem, sums: Sums, weights: Weights, placed: Tensor, surface: Surface) -> None:
    """How deep the object's points are in the person, and the person's in the object, by more than flesh gives way."""
    depth, normal, gives = problem.body_inside(placed)
    rest = -(depth - gives).clamp(min=0, max=DEEPEST)[..., None]
    sums.add("penetration", rest, surface.weights * weights.penetration / 2, placed, normal[:, :, None])
    if not len(problem.body_near):
        return
    pose = sums.pose
    depth, target, normal = problem.own_inside(pose.back(problem.body_near))
    rest = (pose.s[:, None] * depth - problem.body_near_gives).clamp(min=0, max=DEEPEST)[..., None]
    share = torch.full((len(problem.body_near),), weights.penetration / 2 / len(problem.body_near))
    along = (normal @ pose.R.transpose(1, 2))[:, :, None]
    sums.add("penetration", rest, share, pose.place_each(target), along)

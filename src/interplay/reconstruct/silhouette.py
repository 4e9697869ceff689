"""Silhouettes of meshes as PyTorch3D draws them, in plain PyTorch: hard ones with depth, and soft ones with gradients.

Both work on the list of all (triangle, pixel) pairs in which the pixel lies in the triangle's box. That list is short
for the meshes and pictures of a fit (about 1e5 pairs), and everything on it is one array operation.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from interplay.errors import InputError

SIGMA = 1e-4
"""How soft the silhouette's edge is, in squared units of which half the picture's shorter side has one."""
BLUR_RADIUS = math.log(1 / 1e-4 - 1) * SIGMA
"""Squared distance up to which a triangle counts for a pixel outside of it, in the same units."""
FACES_PER_PIXEL = 100
"""Of more triangles around a pixel only so many count, the nearest ones to the camera."""

_AREA = 1e-8  # PyTorch3D's: smaller triangles, in its units, are not drawn
_MOST_PAIRS = 32_000_000


def soft_silhouette(
    pixels: Tensor,
    depth: Tensor,
    faces: Tensor,
    size: tuple[int, int],
    sigma: float = SIGMA,
    blur_radius: float = BLUR_RADIUS,
    faces_per_pixel: int = FACES_PER_PIXEL,
) -> Tensor:
    """How much a mesh covers each pixel, with the gradient for `pixels`.

    A pixel's distance d to each triangle around it, squared and negative inside, gives it the probability
    ``1 - prod(1 - sigmoid(-d / sigma))`` of being covered.

    Args:
        pixels: (V, 2) projected vertices; the centre of the first pixel is at 0.5.
        depth: (V,) along the camera's axis; triangles with a vertex behind the camera are left out.
        faces: (F, 3).
        size: height and width.
        sigma, blur_radius, faces_per_pixel: see the constants.

    Returns:
        (height, width) float32 in 0..1.

    Source: Ravi et al., Accelerating 3D Deep Learning with PyTorch3D, 2020; Liu et al., Soft Rasterizer, ICCV 2019.
    """
    return _SoftSilhouette.apply(pixels, depth.detach(), faces, size, sigma, blur_radius, faces_per_pixel)


class _SoftSilhouette(torch.autograd.Function):
    """With the gradient written out, which needs nothing but the pairs near the edge."""

    @staticmethod
    def forward(
        ctx: Any,
        pixels: Tensor,
        depth: Tensor,
        faces: Tensor,
        size: tuple[int, int],
        sigma: float,
        blur: float,
        most: int,
    ) -> Tensor:
        half = min(size) / 2
        sigma, blur = sigma * half**2, blur * half**2
        corners = pixels[faces]
        drawn = (depth[faces] > 0).all(1) & (_area(corners).abs() > _AREA * half**2)
        face, pixel = _pairs(corners, drawn, size, math.sqrt(blur))
        point = _centres(pixel, size[1], pixels.dtype)
        distance, inside, edge, along = _distances(point, corners[face])
        near = inside | (distance < blur)
        face, pixel, point = face[near], pixel[near], point[near]
        distance, inside, edge, along = distance[near], inside[near], edge[near], along[near]
        if len(pixel) and int(torch.bincount(pixel, minlength=1).max()) > most:
            kept = _nearest(pixel, _depth_at(point, corners[face], depth[faces[face]]), most)
            face, pixel, point = face[kept], pixel[kept], point[kept]
            distance, inside, edge, along = distance[kept], inside[kept], edge[kept], along[kept]
        signed = torch.where(inside, -distance, distance)
        # log(1 - sigmoid(-d / s)) = -softplus(-d / s)
        clear = torch.zeros(size[0] * size[1], dtype=pixels.dtype, device=pixels.device)
        clear.index_add_(0, pixel, -torch.nn.functional.softplus(-signed / sigma))
        clear = clear.exp()
        weight = clear[pixel] * torch.sigmoid(-signed / sigma) / sigma
        # a pixel that is surely covered, or surely not, pulls at nothing
        pulls = weight * distance.sqrt() > 1e-8
        ctx.save_for_backward(faces, face[pulls], pixel[pulls], point[pulls], edge[pulls], along[pulls], corners)
        ctx.weight = torch.where(inside, -weight, weight)[pulls]
        ctx.vertices = len(pixels)
        return (1 - clear).reshape(size)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        faces, face, pixel, point, edge, along, corners = ctx.saved_tensors
        # alpha falls by `weight` per unit of squared distance to the nearest point of the edge from a to b
        chosen = corners[face]
        rows = torch.arange(len(face), device=face.device)
        a, b = chosen[rows, edge], chosen[rows, (edge + 1) % 3]
        offset = point - (a + along[:, None] * (b - a))
        pull = (2 * gradient.reshape(-1)[pixel] * ctx.weight)[:, None] * offset
        result = torch.zeros((ctx.vertices, 2), dtype=corners.dtype, device=corners.device)
        ids = faces[face]
        result.index_add_(0, ids[rows, edge], pull * (1 - along)[:, None])
        result.index_add_(0, ids[rows, (edge + 1) % 3], pull * along[:, None])
        return result, None, None, None, None, None, None


class Fragments(NamedTuple):
    """What the pixels of a picture show of a mesh; only those K that show any.

    Attributes:
        pixel: (K,) row * width + column, ascending.
        face: (K,) the nearest triangle at the pixel's centre.
        weights: (K, 3) barycentric coordinates of the point in space.
        depth: (K,) its depth.
    """

    pixel: Tensor
    face: Tensor
    weights: Tensor
    depth: Tensor


def fragments(pixels: Tensor, depth: Tensor, faces: Tensor, size: tuple[int, int]) -> Fragments:
    """The nearest triangle at each pixel's centre.

    Args:
        pixels, depth, faces, size: as of `soft_silhouette`.
    """
    pixels, depth = pixels.detach(), depth.detach()
    corners = pixels[faces]
    drawn = (depth[faces] > 0).all(1) & (_area(corners).abs() > 0)
    face, pixel = _pairs(corners, drawn, size, 0.0)
    weights = _barycentric(_centres(pixel, size[1], pixels.dtype), corners[face])
    inside = (weights >= 0).all(1)
    face, pixel, weights = face[inside], pixel[inside], weights[inside]
    # 1 / depth is what is linear in the picture
    weights = weights / depth[faces[face]]
    z = 1 / weights.sum(1)
    buffer = torch.full((size[0] * size[1],), math.inf, dtype=pixels.dtype, device=pixels.device)
    buffer.scatter_reduce_(0, pixel, z, "amin")
    first = torch.full((size[0] * size[1],), len(face), dtype=torch.long, device=pixels.device)
    front = torch.nonzero(z == buffer[pixel])[:, 0]
    first.scatter_reduce_(0, pixel[front], front, "amin")
    shown = torch.nonzero(first < len(face))[:, 0]
    chosen = first[shown]
    return Fragments(shown, face[chosen], weights[chosen] * z[chosen][:, None], z[chosen])


def depth_buffer(pixels: Tensor, depth: Tensor, faces: Tensor, size: tuple[int, int]) -> Tensor:
    """(height, width) depth of the nearest triangle at each pixel's centre, infinite where there is none.

    Args:
        pixels, depth, faces, size: as of `soft_silhouette`.
    """
    found = fragments(pixels, depth, faces, size)
    buffer = torch.full((size[0] * size[1],), math.inf, dtype=pixels.dtype, device=pixels.device)
    buffer[found.pixel] = found.depth
    return buffer.reshape(size)


def _pairs(corners: Tensor, drawn: Tensor, size: tuple[int, int], margin: float) -> tuple[Tensor, Tensor]:
    """Triangles and pixels (P,) whose centre is in the triangle's box, grown by `margin`."""
    height, width = size
    limits = corners.new_tensor([width, height])
    low = torch.minimum((corners.amin(1) - margin - 0.5).ceil().clamp(min=0), limits)
    high = torch.maximum(torch.minimum((corners.amax(1) + margin - 0.5).floor() + 1, limits), low)
    extent = torch.where(drawn[:, None], high - low, 0).long()
    counts = extent[:, 0] * extent[:, 1]
    if int(counts.sum()) > _MOST_PAIRS:
        raise InputError(
            f"{int(counts.sum()):,} pairs of triangles and pixels are more than {_MOST_PAIRS:,}: use a smaller "
            "picture or a mesh with fewer triangles"
        )
    face = torch.repeat_interleave(torch.arange(len(corners), device=corners.device), counts)
    rank = torch.arange(len(face), device=corners.device) - (counts.cumsum(0) - counts)[face]
    columns = extent[face, 0]
    row = torch.div(rank, columns, rounding_mode="floor")
    start = low.long()[face]
    return face, (start[:, 1] + row) * width + start[:, 0] + rank - row * columns


def _centres(pixel: Tensor, width: int, dtype: torch.dtype) -> Tensor:
    row = torch.div(pixel, width, rounding_mode="floor")
    return torch.stack([pixel - row * width, row], 1).to(dtype) + 0.5


def _area(corners: Tensor) -> Tensor:
    """(F,) twice the signed areas."""
    return _cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def _barycentric(point: Tensor, corners: Tensor) -> Tensor:
    a, b, c = corners.unbind(1)
    parts = [_cross(c - b, point - b), _cross(a - c, point - c), _cross(b - a, point - a)]
    return torch.stack(parts, 1) / _area(corners)[:, None]


def _distances(point: Tensor, corners: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Squared distance (P,) of points to the outlines of triangles, whether they are inside, the nearest edge (its
    first corner), and where on it the nearest point is, 0..1."""
    x, y = point[:, 0], point[:, 1]  # one array per coordinate: much faster than rows of two
    u, v = (corners[:, :, axis].t().contiguous() for axis in (0, 1))
    best, edge, along, sides = torch.full_like(x, math.inf), torch.zeros_like(x), torch.zeros_like(x), []
    for k in range(3):
        after = (k + 1) % 3
        line_x, line_y, from_x, from_y = u[after] - u[k], v[after] - v[k], x - u[k], y - v[k]
        length = (line_x * line_x).addcmul_(line_y, line_y).clamp_(min=1e-12)
        share = (from_x * line_x).addcmul_(from_y, line_y).div_(length).clamp_(0, 1)
        sides.append((line_x * from_y).addcmul_(line_y, from_x, value=-1))
        from_x.addcmul_(share, line_x, value=-1)
        from_y.addcmul_(share, line_y, value=-1)
        distance = from_x.mul_(from_x).addcmul_(from_y, from_y)
        closer = distance < best
        best = torch.minimum(distance, best)
        edge.masked_fill_(closer, k)
        along = torch.where(closer, share, along)
    low, high = torch.minimum(sides[0], sides[1]), torch.maximum(sides[0], sides[1])
    inside = (torch.minimum(low, sides[2]) > 0) | (torch.maximum(high, sides[2]) < 0)
    return best, inside, edge.long(), along


def _depth_at(point: Tensor, corners: Tensor, depth: Tensor) -> Tensor:
    """(P,) depth of triangles at points, or at the nearest of their corners' mixtures for points outside."""
    weights = _barycentric(point, corners) / depth
    weights = weights.clamp(min=0)
    return (weights / weights.sum(1, keepdim=True).clamp(min=1e-12) * depth).sum(1)


def _nearest(pixel: Tensor, depth: Tensor, most: int) -> Tensor:
    """Indices of the pairs that are among the `most` nearest of their pixel."""
    low, high = depth.min(), depth.max()
    # one sort, by pixel and then by depth
    order = torch.argsort(pixel.double() + (depth - low).double() / (high - low).double().clamp(min=1e-9) * 0.999)
    counts = torch.bincount(pixel)
    rank = torch.arange(len(order), device=pixel.device) - (counts.cumsum(0) - counts)[pixel[order]]
    return order[rank < most]

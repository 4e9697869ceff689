"""What a fit is given, checked and made ready: in the camera's frame, in metres, with a small picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree
from torch import Tensor

from interplay.body.geometry import Array, triangle_areas
from interplay.body.meshes import vertex_normals
from interplay.body.raycast import check_mesh
from interplay.errors import InputError
from interplay.ops.backends import to_numpy

from .camera import Intrinsics
from .inside import Around, Inside, Solid
from .silhouette import depth_buffer
from .tilts import Upright

HUMAN_CONTACT, OBJECT_CONTACT = 0.5, 0.3
"""Scores from which a vertex of the person, or of the object, counts as in contact, as in the published fit."""

PICTURE = 128
"""Longer side in pixels of the picture around the object that a fit works on, at most."""

OUTWARDS = np.array([-1.0, -1.0, 1.0, 1.0])
"""By which left, top, right and bottom of a box are multiplied, so that more is farther out."""

_SLACK = 0.02  # of a box's longer side, by which detectors' boxes are off anyway
_AT_BORDER = 1.5  # pixels from the photograph's border, where a box ends that may go on
_LARGER = 4.0  # times that a small mask is enlarged at most; steps of whole pixels would be too large
_SURFACE_POINTS, _CONTACT_POINTS, _RANKED_POINTS, _MASK_POINTS, _BODY_POINTS = 500, 96, 32, 256, 160
_LEAST_SHARE = 0.25  # of what may touch, by which the number of its points grows
_LARGER_AREA = 2.0  # times that one side's contact may be larger than the other's, and still touch as a whole
PERHAPS = 0.02  # scores from which on a vertex is not surely free


@dataclass(frozen=True)
class Inputs:
    """Checked arrays: vertices in the camera's frame, contacts as scores, the mask as truth values.

    With several people and other objects, the "human" mesh is all of them, and `touches` says who touches where.

    Attributes:
        touches: for each person who touches the object, scores of all human vertices and of the object's; if None,
            `human_contact` and `object_contact` are the only ones.
        around: the solids that the human mesh consists of; if empty, it is one that gives way as flesh does.
        outline: whether the mask is the object's outline; otherwise only the box around it counts.
        upright: how the object usually stands.
    """

    human_vertices: Array
    human_faces: NDArray[np.int64]
    human_contact: Array
    object_vertices: Array
    object_faces: NDArray[np.int64]
    object_contact: Array
    mask: NDArray[np.bool_]
    camera: Intrinsics
    touches: tuple[tuple[Array, Array], ...] | None = None
    around: tuple[Solid, ...] = ()
    outline: bool = True
    upright: Upright | None = None


def checked(
    human_vertices: Any,
    human_faces: Any,
    human_contact: Any,
    object_vertices: Any,
    object_faces: Any,
    object_contact: Any,
    object_mask: Any,
    camera: Intrinsics,
    outline: bool = True,
    upright: Upright | None = None,
) -> Inputs:
    """Refuse what no object can be placed from; of a mask that is no outline, all of the box around it is taken.

    Raises:
        InputError: meshes, scores or a mask of another shape, not finite, or without contact or pixels.
    """
    human, human_triangles = checked_mesh(human_vertices, human_faces, "human")
    object, object_triangles = checked_mesh(object_vertices, object_faces, "object")
    touching = checked_scores(human_contact, len(human), HUMAN_CONTACT, "human_contact")
    touched = checked_scores(object_contact, len(object), OBJECT_CONTACT, "object_contact")
    mask = checked_mask(object_mask, "object_mask")
    if not outline:
        mask = filled_box(mask)
    if upright is not None:
        upright = upright.of_units()
    if not (human[touching >= HUMAN_CONTACT, 2] > 0).all():
        raise InputError(
            "human_vertices: some of those in contact are behind the camera; expected z forward, in metres"
        )
    return Inputs(
        human, human_triangles, touching, object, object_triangles, touched, mask, camera, None, (), outline, upright
    )


def checked_mesh(vertices: Any, faces: Any, name: str) -> tuple[Array, NDArray[np.int64]]:
    """Vertices (V, 3) and triangles (F, 3) of a mesh that is not one point.

    Raises:
        InputError: another shape, not finite, no extent.
    """
    points, triangles = to_numpy(vertices).astype(np.float64), to_numpy(faces)
    try:
        check_mesh(points, triangles)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    if not np.ptp(points, axis=0).max() > 0:
        raise InputError(f"{name}_vertices: all are in one point")
    return points, triangles.astype(np.int64)


def checked_scores(scores: Any, count: int, threshold: float, name: str) -> Array:
    """(count,) scores in 0..1 of which one or more reach the threshold.

    Raises:
        InputError: another shape, other numbers, or no vertex in contact.
    """
    values = to_numpy(scores).astype(np.float64)
    if values.shape != (count,):
        raise InputError(f"{name}: expected a score for each of {count} vertices, got {values.shape}")
    if not ((values >= 0) & (values <= 1)).all():
        raise InputError(f"{name}: expected scores in 0..1, or truth values")
    if not (values >= threshold).any():
        raise InputError(
            f"{name}: no vertex has a score of {threshold} or more; an object that nobody touches cannot be placed "
            "by contact"
        )
    return values


def checked_mask(mask: Any, name: str) -> NDArray[np.bool_]:
    """(height, width) truth values of a mask of these, or of 0..1 or 0..255.

    Raises:
        InputError: another shape, not finite, or empty.
    """
    mask = to_numpy(mask)
    if mask.ndim != 2:
        raise InputError(f"{name}: expected (height, width), got {mask.shape}")
    if not np.isfinite(mask.astype(np.float64)).all():
        raise InputError(f"{name}: some values are not finite")
    mask = mask > (127 if mask.dtype == np.uint8 and mask.max(initial=0) > 1 else 0.5 if mask.dtype.kind == "f" else 0)
    if not mask.any():
        raise InputError(f"{name}: no pixel belongs to it")
    return mask


def filled_box(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """All of the box around a mask."""
    filled = np.zeros_like(mask)
    rows, columns = np.nonzero(mask)
    filled[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = True
    return filled


@dataclass(frozen=True)
class Box:
    """The box around an object, where nothing else is known of its outline; in pixels of the working picture.

    Attributes:
        sides: (4,) left, top, right, bottom, measured outwards: x and y of the first two are negative.
        open: (4,) sides at the photograph's border, beyond which the object may go on.
        slack: by how much a side may be missed.
    """

    sides: Tensor
    open: Tensor
    slack: float


@dataclass(frozen=True)
class Surface:
    """Points on a surface.

    Attributes:
        points, normals: (N, 3); the normals of unit length point outwards.
        weights: (N,) sum 1.
    """

    points: Tensor
    normals: Tensor
    weights: Tensor


@dataclass(frozen=True)
class Ranks:
    """Points of which some are more likely in contact than others.

    Attributes:
        points: (N, 3) vertices.
        scores: (N,).
        surer: (N, N) how much more likely the first is in contact than the second, 0 where it is less.
        pairs: (N, N) the same, sum 1.
    """

    points: Tensor
    scores: Tensor
    surer: Tensor
    pairs: Tensor


@dataclass(frozen=True)
class Touch:
    """What of a person and of the object touch.

    Attributes:
        own, own_ranks: of the object, measured from its middle.
        own_share, body_share: how much of each, 0..1, can touch the other one, as its area is not larger.
        body, body_ranks: of the person, in the camera's frame.
    """

    own: Surface
    body: Surface
    own_ranks: Ranks
    body_ranks: Ranks
    own_share: float
    body_share: float


class Problem:
    """All that stays the same during a fit.

    Attributes:
        middle: (3,) of the object's box, from which its points are measured here.
        radius: of the object around it, metres.
        surface: of the object, measured from `middle`.
        touches: one for each person who touches the object.
        own_vertices, body_vertices: trees of the vertices of both.
        body_inside, own_inside: how deep points are in the person, and in the object.
        body_near, body_near_gives: (K, 3) points of the person that the object may reach, and by how many metres each
            gives way.
        camera: of the working picture.
        size: its height and width.
        mask: (height, width) of the object.
        ignored: (height, width) outside of the photograph.
        told: (height, width) the middles of the photograph's pixels; between them, a small mask that is enlarged says
            nothing about where the object's edge is.
        enlarged: whether it is.
        hidden, seen: (height, width) where the person is in the photograph: without the mask, and with it.
        allowed: (height, width) where the object may be without being outside of the mask: in it, behind the person,
            or beyond an edge of the photograph that the mask reaches.
        nearest: (height, width, 2) centre (x, y) of the nearest allowed pixel.
        body_depth: (height, width) of the person, infinite where there is none.
        pixels: (M, 2) centres of told pixels of the mask, evenly spread.
        mask_index: (K,) row * width + column of all of them.
        box: around the object, if the mask is not its outline.
        depth: metres from the camera, of what is touched, or that the object's size suggests where nothing is.
        metres: of a pixel at this depth.
    """

    def __init__(self, given: Inputs, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.given = given
        low, high = given.object_vertices.min(0), given.object_vertices.max(0)
        self.middle = (low + high) / 2
        own = given.object_vertices - self.middle
        self.radius = float(np.linalg.norm(own, axis=1).max())
        normals = vertex_normals(own, given.object_faces)
        self.vertices = _f32(own)
        self.faces = torch.from_numpy(given.object_faces)
        self.surface = _sampled(own, given.object_faces, _SURFACE_POINTS, rng)
        human = given.human_vertices
        human_normals = vertex_normals(human, given.human_faces)
        touches = given.touches if given.touches is not None else ((given.human_contact, given.object_contact),)
        own_areas, human_areas = _areas(own, given.object_faces), _areas(human, given.human_faces)

        def touch(touching: Array, touched: Array) -> Touch:
            areas = own_areas[touched >= OBJECT_CONTACT].sum(), human_areas[touching >= HUMAN_CONTACT].sum()
            shares = _share(*areas), _share(*areas[::-1])
            return Touch(
                _chosen(own, normals, touched, OBJECT_CONTACT, shares[0]),
                _chosen(human, human_normals, touching, HUMAN_CONTACT, shares[1]),
                _ranked(own, touched, OBJECT_CONTACT),
                _ranked(human, touching, HUMAN_CONTACT),
                *shares,
            )

        self.touches = tuple(touch(*scores) for scores in touches)
        self.body_inside = Around(given.around or [Solid(Inside(human, given.human_faces))])
        self.own_inside = Inside(own, given.object_faces)
        self.own_vertices, self.body_vertices = cKDTree(own), cKDTree(human)
        self._picture()
        self._reach()

    def _depth(self) -> float:
        """Of what is touched, or else where the object's box is as long as the mask's."""
        if self.touches:
            return float(np.mean([float((t.body.weights * t.body.points[:, 2]).sum()) for t in self.touches]))
        longest = float((self.pixels.amax(0) - self.pixels.amin(0)).norm()) + 1
        return 2 * self.radius * float(np.mean(self.camera.focal)) / longest

    def _reach(self) -> None:
        """The person's points that the object may come to, around what is touched or where the mask is."""
        points = self.body_inside.points.numpy().astype(np.float64)
        if self.touches:
            middles = cKDTree(np.concatenate([t.body.points.numpy() for t in self.touches]).astype(np.float64))
            index = np.nonzero(middles.query(points, distance_upper_bound=2 * self.radius)[0] <= 2 * self.radius)[0]
        else:
            index = np.arange(len(points))
        index = index[_spread(points[index], _BODY_POINTS)]
        self.body_near, self.body_near_gives = self.body_inside.points[index], self.body_inside.gives[index]

    def _picture(self) -> None:
        """The mask at the working size in the middle of a picture that shows half as much again on each side."""
        given = self.given
        rows, columns = np.nonzero(given.mask)
        low, high = np.array([columns.min(), rows.min()]), np.array([columns.max(), rows.max()]) + 1
        longest = float((high - low).max())
        factor = min(_LARGER, PICTURE / (1.25 * longest))
        margin = max(0.75 * longest, 24 / max(factor, 1))
        sides = np.concatenate([low, high])
        low, high = np.floor(low - margin), np.ceil(high + margin)
        every = 1
        if factor > 1:  # then the middle of every pixel of the photograph is that of a working pixel
            every = int(factor)
            factor = float(every)
            low = low + 0.5 - (every // 2 + 0.5) / every
        self.camera = given.camera.cropped(float(low[0]), float(low[1]), factor)
        self.size = (round(float(high[1] - low[1]) * factor), round(float(high[0] - low[0]) * factor))
        mask, inside = _resampled(given.mask, low, factor, self.size)
        told = np.zeros(self.size, bool)
        told[every // 2 :: every, every // 2 :: every] = True
        if not (mask & told).any():
            raise InputError("object_mask: nothing is left of it at the size of the fit; its parts are too thin")
        body = _f32(given.human_vertices)
        depth = depth_buffer(self.camera.project(body), body[:, 2], torch.from_numpy(given.human_faces), self.size)
        person = torch.isfinite(depth).numpy()
        # beyond the photograph's edge the object goes on only where the mask reaches it
        beyond = _reached(~inside & ndimage.binary_dilation(mask, iterations=2), ~inside)
        self.allowed = torch.from_numpy(mask | person | beyond)
        _, nearest = ndimage.distance_transform_edt(~self.allowed.numpy(), return_indices=True)
        self.nearest = torch.from_numpy(np.stack([nearest[1], nearest[0]], -1) + 0.5).float()
        self.mask, self.ignored, self.body_depth = torch.from_numpy(mask), torch.from_numpy(~inside), depth
        self.box = None if given.outline else _box(sides, given.mask.shape, low, factor)
        self.hidden = torch.from_numpy(person & ~mask & inside & told)
        self.seen = torch.from_numpy(person & mask & told & given.outline)
        self.told, self.enlarged = torch.from_numpy(told), every > 1
        pixels = np.argwhere(mask & told)[:, ::-1] + 0.5
        self.pixels = _f32(pixels[_spread(pixels, _MASK_POINTS)])
        self.mask_index = torch.nonzero((self.mask & self.told).reshape(-1))[:, 0]
        self.depth = self._depth()
        self.metres = self.depth / float(np.mean(self.camera.focal))


def _box(sides: Array, shape: tuple[int, ...], low: Array, factor: float) -> Box:
    """A box in a photograph of this height and width, as the working picture has it."""
    at = (sides - np.tile(low, 2)) * factor
    border = np.array([0, 0, shape[1], shape[0]])
    slack = max(_SLACK * float((sides[2:] - sides[:2]).max()), 0.5) * factor
    return Box(_f32(at * OUTWARDS), torch.from_numpy(np.abs(sides - border) <= _AT_BORDER), slack)


def _reached(seeds: NDArray[np.bool_], region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The parts of a region that hold a seed."""
    labels, _ = ndimage.label(region)
    kept = np.unique(labels[seeds & region])
    return np.isin(labels, kept[kept > 0])


def _resampled(
    mask: NDArray[np.bool_], low: Array, factor: float, size: tuple[int, int]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The mask at the centres of the working pixels, as renderers sample, and which of these are in the photograph."""
    at = [np.floor(low[1 - k] + (np.arange(size[k]) + 0.5) / factor).astype(np.int64) for k in (0, 1)]
    inside = [(at[k] >= 0) & (at[k] < mask.shape[k]) for k in (0, 1)]
    rows, columns = (at[k].clip(0, mask.shape[k] - 1) for k in (0, 1))
    there = np.outer(*inside)
    return mask[rows][:, columns] & there, there


def _chosen(vertices: Array, normals: Array, scores: Array, threshold: float, share: float) -> Surface:
    """Vertices in contact, not too many, evenly spread; more where only a share of them touches."""
    index = np.nonzero(scores >= threshold)[0]
    index = index[_spread(vertices[index], round(_CONTACT_POINTS / max(share, _LEAST_SHARE)))]
    weights = scores[index] / scores[index].sum()
    return Surface(_f32(vertices[index]), _f32(normals[index]), _f32(weights))


def _share(own: float, other: float) -> float:
    """How much of what is said to touch can touch the other side, by the areas of both. They are mostly equal within a
    factor of 1.5 where contact is exact; where only places that may be touched are known, they differ by 10 or 100."""
    return float(min(_LARGER_AREA * other / max(own, 1e-9), 1))


def _areas(vertices: Array, faces: NDArray[np.int64]) -> Array:
    """(V,) square metres: a third of each triangle for each of its corners."""
    thirds = np.repeat(triangle_areas(vertices[faces]) / 3, 3)
    total: Array = np.bincount(faces.reshape(-1), thirds, len(vertices)).astype(np.float64)
    return total


def _ranked(vertices: Array, scores: Array, threshold: float) -> Ranks:
    """Vertices in contact and others, and how surely each is in contact rather than each other."""
    touched, perhaps = scores >= threshold, scores >= PERHAPS
    kinds = [np.nonzero(kind)[0] for kind in (touched, perhaps & ~touched, ~touched & ~perhaps)]
    index = np.concatenate([kind[_spread(vertices[kind], _RANKED_POINTS)] for kind in kinds])
    surer = (scores[index, None] - scores[index]).clip(min=0)
    return Ranks(_f32(vertices[index]), _f32(scores[index]), _f32(surer), _f32(surer / max(surer.sum(), 1e-9)))


def _sampled(vertices: Array, faces: NDArray[np.int64], count: int, rng: np.random.Generator) -> Surface:
    """Points evenly spread over a surface."""
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(normals, axis=1)
    if not area.sum() > 0:
        raise InputError("object: its triangles have no area")
    many = 4 * count
    face = rng.choice(len(faces), many, p=area / area.sum())
    u, v = np.sqrt(rng.random(many)), rng.random(many)
    weights = np.stack([1 - u, u * (1 - v), u * v], 1)
    points = np.concatenate([np.einsum("nk,nkd->nd", weights, corners[face]), vertices])
    units = normals / np.maximum(area, 1e-20)[:, None]
    outward = np.concatenate([units[face], vertex_normals(vertices, faces)])
    kept = _spread(points, count)
    return Surface(_f32(points[kept]), _f32(outward[kept]), torch.full((len(kept),), 1 / len(kept)))


def _spread(points: NDArray[np.floating], most: int) -> NDArray[np.int64]:
    """Indices of at most so many points, each the one farthest from those before it."""
    if len(points) <= most:
        return np.arange(len(points))
    if len(points) > 20 * most:
        points = points[(every := np.linspace(0, len(points) - 1, 20 * most).astype(np.int64))]
    else:
        every = np.arange(len(points))
    chosen = np.zeros(most, np.int64)
    distance = np.full(len(points), np.inf)
    chosen[0] = int(np.argmax(((points - points.mean(0)) ** 2).sum(1)))
    for k in range(1, most):
        distance = np.minimum(distance, ((points - points[chosen[k - 1]]) ** 2).sum(1))
        chosen[k] = int(np.argmax(distance))
    return every[chosen]


def _f32(array: Any) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))

"""How far from the camera people are, beside others and beside objects: who is before whom, and who touches what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from interplay.body.contact import CONTACT, DEPTH
from interplay.body.geometry import Array

from .camera import Intrinsics
from .inside import DEEPEST, Inside, Solid
from .scene import HUMAN_CONTACT, PICTURE
from .silhouette import depth_buffer

_POINTS = 1500
_STEPS = 49  # factors that are looked at, over three standard deviations to both sides
_NOISE = 0.01  # metres that one spread of a body's size counts as, as in the fit of objects
_FAR = 0.3  # metres from which on a missed contact is not worse
_MARGIN = 0.02  # metres by which what hides another thing is nearer
_LEAST = 3  # pixels that must say so


@dataclass(frozen=True)
class Thing:
    """A mesh in the camera's frame.

    Attributes:
        vertices, faces: (V, 3) metres and (F, 3).
        mask: (height, width) of what is seen of it, or None.
        hard: whether it does not give way.
        scaled: what the vertices are multiplied by, the camera being at 0.
        known: what was computed of the unscaled mesh; copies with another `scaled` share it.
    """

    vertices: Array
    faces: NDArray[np.int64]
    mask: NDArray[np.bool_] | None = None
    hard: bool = False
    scaled: float = 1.0
    known: dict[str, Inside] = field(default_factory=dict, repr=False, compare=False)

    @property
    def placed(self) -> Array:
        """(V, 3) where it is."""
        return self.scaled * self.vertices

    @property
    def surface(self) -> Inside:
        """Of the unscaled mesh."""
        if "surface" not in self.known:
            self.known["surface"] = Inside(self.vertices, self.faces)
        return self.known["surface"]

    @property
    def solid(self) -> Solid:
        """Where it is; what is hard gives way by no more than surfaces that touch are apart."""
        return Solid(self.surface, self.scaled, CONTACT if self.hard else DEPTH)

    def is_near(self, other: Thing, reach: float, factors: tuple[float, ...] = (1.0,)) -> bool:
        """Whether the boxes around both are within `reach` metres, at any place between where `factors` bring it."""
        a, b = np.concatenate([factor * self.placed for factor in factors]), other.placed
        return bool(((a.min(0) - reach <= b.max(0)) & (b.min(0) - reach <= a.max(0))).all())

    def overlaps(self, other: Thing, camera: Intrinsics) -> bool:
        """Whether the boxes around both overlap in the picture; what is partly behind the camera always does."""
        boxes = []
        for thing in (self, other):
            if not (thing.vertices[:, 2] > 0).all():
                return True
            pixels = camera.project(torch.from_numpy(thing.vertices)).numpy()
            boxes.append((pixels.min(0), pixels.max(0)))
        (low, high), (lower, higher) = boxes
        return bool(((low <= higher) & (lower <= high)).all())


@dataclass(frozen=True)
class Order:
    """Where two things overlap in the picture, and which of them its pixels show.

    Attributes:
        first, second: their indices.
        depths: (2, P) of both there, metres.
        shows_first: (P,) which of the two the pixel shows.
    """

    first: int
    second: int
    depths: Array
    shows_first: NDArray[np.bool_]

    def behind(self, factor: float = 1.0) -> Array:
        """(P,) depth of what a pixel shows less that of the other, the first's depth times `factor`; negative where
        the order is right."""
        difference = factor * self.depths[0] - self.depths[1]
        return np.where(self.shows_first, difference, -difference)


def orders(things: Sequence[Thing], camera: Intrinsics) -> list[Order]:
    """All overlaps of which masks say something."""
    masks = [thing.mask for thing in things if thing.mask is not None]
    if not masks:
        return []
    height, width = masks[0].shape
    factor = min(1.0, 2 * PICTURE / max(height, width))
    size = (max(round(height * factor), 1), max(round(width * factor), 1))
    rows, columns = (
        np.floor((np.arange(n) + 0.5) / factor).astype(int).clip(0, m - 1)
        for n, m in zip(size, masks[0].shape, strict=True)
    )
    small = camera.cropped(0, 0, factor)
    depths, shown = [], []
    for thing in things:
        vertices = torch.from_numpy(np.ascontiguousarray(thing.placed, np.float32))
        depths.append(
            depth_buffer(small.project(vertices), vertices[:, 2], torch.from_numpy(thing.faces), size).numpy()
        )
        shown.append(None if thing.mask is None else thing.mask[rows][:, columns])
    claimed = np.any([each for each in shown if each is not None], axis=0)
    found = []
    for i in range(len(things)):
        for k in range(i + 1, len(things)):
            if shown[i] is None and shown[k] is None:
                continue
            both = np.isfinite(depths[i]) & np.isfinite(depths[k])
            # of a thing without a mask, a pixel that no mask claims shows it
            a, b = (claim if claim is not None else ~claimed for claim in (shown[i], shown[k]))
            first, second = both & a & ~b, both & b & ~a
            here = first | second
            if here.sum() < _LEAST:
                continue
            found.append(Order(i, k, np.stack([depths[i][here], depths[k][here]]), first[here]))
    return found


def wrong_orders(found: Sequence[Order]) -> list[tuple[int, int]]:
    """Pairs (before, behind) in the picture that most of the pixels contradict."""
    wrong = []
    for each in found:
        if (each.behind() > 0).mean() > 0.5:
            before = bool(each.shows_first.mean() > 0.5)
            wrong.append((each.first, each.second) if before else (each.second, each.first))
    return wrong


def best_factor(
    moving: Sequence[Thing],
    others: Sequence[Thing],
    contacts: Sequence[tuple[Array, Array]],
    camera: Intrinsics,
    spread: float,
) -> float:
    """What a body is best multiplied by, the camera being at 0: then it is larger and farther, and looks the same.

    Args:
        moving: the body, and what moves with it.
        others: people and objects that stay.
        contacts: scores (V,) of the body, and points (N, 3) that those from 0.5 on touch.
        camera: the photograph's.
        spread: standard deviation of the logarithm of the factor around 1.
    """
    count = len(moving)
    between = [each for each in orders([*moving, *others], camera) if each.first < count <= each.second]
    body = moving[0]
    points = body.surface.points.numpy()
    points = points[:: max(len(points) // _POINTS, 1)]
    logs = np.linspace(-3 * spread, 3 * spread, _STEPS)
    ends = (float(np.exp(logs[0])), float(np.exp(logs[-1])))
    reached = [other for other in others if body.is_near(other, 0.0, ends)]
    energies = []
    for factor in np.exp(logs):
        energy = (_NOISE * np.log(factor) / spread) ** 2
        for scores, targets in contacts:
            energy += _apart(factor * body.vertices[scores >= HUMAN_CONTACT], targets) / len(contacts)
        for each in between:
            energy += float(np.mean((each.behind(factor) + _MARGIN).clip(0, DEEPEST) ** 2))
        for other in reached:
            energy += _inside(factor * points, other)
        energies.append(energy)
    best = int(np.argmin(energies))
    if 0 < best < len(logs) - 1:  # the lowest point of a parabola through three
        a, b, c = energies[best - 1 : best + 2]
        shift = 0.5 * (a - c) / max(a - 2 * b + c, 1e-12)
        return float(np.exp(logs[best] + float(np.clip(shift, -0.5, 0.5)) * (logs[1] - logs[0])))
    return float(np.exp(logs[best]))


def _apart(points: Array, targets: Array) -> float:
    """Mean square of the distances between what touches, of both directions."""
    there, back = cKDTree(targets).query(points)[0], cKDTree(points).query(targets)[0]
    return float(np.mean(there.clip(max=_FAR) ** 2) + np.mean(back.clip(max=_FAR) ** 2)) / 2


def _inside(points: Array, other: Thing) -> float:
    """How deep points of a body are in another thing, by more than flesh gives way, as in the fit of objects."""
    depth = other.scaled * other.surface(torch.from_numpy((points / other.scaled).astype(np.float32)))[0]
    return 2 * float((depth - DEPTH).clamp(min=0, max=DEEPEST).square().mean())

"""Which mesh an object in a photograph has, and where it is probably touched."""

from __future__ import annotations

import math
import os
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from interplay.body.geometry import Array
from interplay.body.model import PARTS, load_body_model
from interplay.body.proximity import surface_samples
from interplay.containers.meshes import SUFFIXES, read_mesh
from interplay.errors import InputError, MissingFileError, some_of
from interplay.world.objects import FACTORIES, make_object
from interplay.world.objects.base import ObjectModel

from .camera import Intrinsics
from .inputs import MOST_FACES, is_built_in
from .search import spread_rotations
from .sizes import SizePrior, size_prior

VARIANTS = 8
"""Individuals of a category that are compared with the mask."""

PLAUSIBLE = 3.0
"""Standard deviations of the logarithm of a size, up to which it may be that of such an object."""

_IN_METRES = math.log(2.0)  # by which the logarithm of a size in metres differs from the usual one at most
_SCALED = 1e-3  # by which the length of a mesh that was scaled differs from 1 or 2
_VIEWS = 512
_GRID = 32
_NEAR = 0.04
_GRIP = 0.05
_MOST_FILES = 2000
_LEFT_OUT = "a mesh is left out: "
_LARGER, _SMALLER = 0.5, 0.25  # spread of the logarithm of a side's size in the picture, against the mask's

_HANDS, _FEET = ("left hand", "right hand"), ("left foot", "right foot")
_SEAT = ("hips", "left thigh", "right thigh", *_HANDS, *_FEET)
_STOOD_ON = frozenset(("deck", "left ski", "right ski"))  # places of objects that people stand on, or else carry


@dataclass(frozen=True)
class Candidate:
    """A mesh that an object may have.

    Attributes:
        name: where it is from.
        vertices, faces: (V, 3) metres and (F, 3).
        model: of the generated world, with places for hands and seats; None for a file's mesh.
        scale_spread: how uncertain its size is, as of `fit_object`.
        size: what is known of its longest side, if that is not what the mesh says; see `fit_object`.
        size_from: in words, where its size is from.
        match: how well its outline meets the mask's from the best side, 0..1, once it has been compared.
    """

    name: str
    vertices: Array
    faces: NDArray[np.int64]
    model: ObjectModel | None = None
    scale_spread: float = 0.0
    size: SizePrior | None = None
    size_from: str = "the mesh's own"
    match: float | None = None
    others: Mapping[str, float] = field(default_factory=dict)

    @property
    def usual_vertices(self) -> Array:
        """(V, 3) metres, as large as the object probably is."""
        longest = None if self.size is None else self.size.longest
        return self.vertices if longest is None else self.vertices * (longest / np.ptp(self.vertices, axis=0).max())


def candidate_of_file(path: str | os.PathLike[str], longest: float | None = None) -> Candidate:
    """A user's mesh; turned and placed anyhow.

    Args:
        path: the file.
        longest: metres of its longest side; by default it is as large as the file says, see `in_usual_size`.

    Raises:
        MissingFileError, MissingExtraError, InputError: see `read_mesh`.
    """
    mesh = read_mesh(path, MOST_FACES)
    size = None if longest is None else SizePrior(longest, 0.0, "given")
    return Candidate(str(path), mesh.vertices, mesh.faces, size=size, size_from="given" if size else "the mesh's own")


def candidates_of_folder(
    folder: str | os.PathLike[str], longest: float | None = None
) -> tuple[list[Candidate], list[str]]:
    """All meshes below a folder that can be read, and a warning for each that cannot.

    Raises:
        MissingFileError: no such folder, or no mesh in it.
        InputError: too many, or none that can be read.
    """
    place = Path(folder)
    files = sorted(each for each in place.rglob("*") if each.suffix.lower() in SUFFIXES) if place.is_dir() else []
    if not files:
        raise MissingFileError(f"{folder}: expected a folder with meshes that end in {', '.join(SUFFIXES)}")
    if len(files) > _MOST_FILES:
        raise InputError(f"{folder}: {len(files):,} meshes are more than {_MOST_FILES:,}; name a folder below it")
    found, refused = [], []
    for file in files:
        try:
            found.append(candidate_of_file(file, longest))
        except InputError as error:
            refused.append(f"{_LEFT_OUT}{error}")
    if not found:
        raise InputError(
            f"{folder}: none of its {len(files):,} meshes can be read; the first: {refused[0].removeprefix(_LEFT_OUT)}"
        )
    return found, refused


def named_after(candidates: Sequence[Candidate], folder: str | os.PathLike[str], category: str) -> Sequence[Candidate]:
    """Those whose file, or a folder between it and `folder`, bears the category's name as a word; all if none does."""
    word = re.compile(rf"(?<![a-z]){re.escape(category.lower())}s?(?![a-z])")

    def fits(candidate: Candidate) -> bool:
        path = os.path.relpath(candidate.name, folder).lower()
        return word.search(re.sub(r"[_-]", " ", path)) is not None

    return [each for each in candidates if fits(each)] or candidates


def in_usual_size(candidate: Candidate, category: str) -> Candidate:
    """A file's mesh with what is known of its category's size, where its own can hardly be in metres.

    A mesh stays as large as it is if its longest side is usual for the category, or differs by less than a factor of
    two, as things of children do; unless it was scaled to a cube or a ball of 1 or 2, as meshes of collections are.

    Raises:
        InputError: nothing is known of the category, and the mesh is of a size of nothing that a person uses.
    """
    if candidate.model is not None or candidate.size is not None:
        return candidate
    extent = float(np.ptp(candidate.vertices, axis=0).max())
    prior = size_prior(category)
    if prior.longest is None:
        if not 0.005 <= extent <= 20:
            raise InputError(
                f"{candidate.name}: the mesh is {extent:g} long; expected metres. Say how long its longest side is "
                "with --object-size"
            )
        return candidate
    scaled = _scaled(candidate.vertices)
    if not scaled and abs(np.log(extent / prior.longest)) <= max(PLAUSIBLE * prior.spread, _IN_METRES):
        return candidate
    why = "was scaled to a cube or a ball of 1 or 2" if scaled else f"is {extent:.3g} long, which can hardly be metres"
    words = (
        f"the usual one of a {category}, {prior.longest:g} m: the mesh {why}; say how long its longest side is with "
        "--object-size"
    )
    return replace(candidate, size=prior, size_from=words)


def _scaled(vertices: Array) -> bool:
    """Whether the longest side, the box's diagonal, or the ball around the origin has a length of 1 or 2."""
    sides = np.ptp(vertices, axis=0)
    lengths = np.array([sides.max(), np.linalg.norm(sides), 2 * np.linalg.norm(vertices, axis=1).max()])
    return bool((np.abs(lengths[:, None] / (1.0, 2.0) - 1) < _SCALED).any())


def candidates_of_category(category: str, count: int = VARIANTS) -> list[Candidate]:
    """Individuals of one of the generated world's categories, with proportions drawn at random, always the same.

    Raises:
        InputError: the world has no such object; says how to give a mesh.
    """
    if category not in FACTORIES:
        raise InputError(
            f"interplay has no shape of its own for {category!r} (it has {some_of(sorted(FACTORIES), 6)}): give a mesh "
            "with --object FILE, or a folder to choose from with --meshes FOLDER"
        )
    made = []
    for k in range(count):
        model = make_object(category, np.random.default_rng([zlib.crc32(category.encode()), k]))
        mesh = model.mesh
        name = f"{category} {k} of the generated world"
        size_from = "the generated world's, changed by ten per cent or so"
        made.append(Candidate(name, mesh.vertices, mesh.faces, model, 0.1, size_from=size_from))
    return made


def best_candidate(
    candidates: Sequence[Candidate],
    mask: NDArray[np.bool_],
    hidden: NDArray[np.bool_] | None = None,
    metres: float | None = None,
    outline: bool = True,
) -> Candidate:
    """The one whose outline, from its best side, is most like the mask's.

    Args:
        candidates: one or more.
        mask: (height, width) of the object.
        hidden: (height, width) where somebody may hide it.
        metres: of a pixel where the object is. If given, a mesh that is larger or smaller there than the mask counts
            less.
        outline: whether the mask is the object's outline; otherwise only the sides of the box around it are compared.

    Returns:
        With `match`, and those of the next best as `others`.
    """
    scores = [outline_match(each.usual_vertices, each.faces, mask, hidden, metres, outline) for each in candidates]
    order = np.argsort(-np.array(scores), kind="stable")
    best = candidates[order[0]]
    others = {candidates[k].name: round(scores[k], 3) for k in order[1:6]}
    return replace(best, match=scores[order[0]], others=others)


def outline_match(
    vertices: Array,
    faces: NDArray[np.int64],
    mask: NDArray[np.bool_],
    hidden: NDArray[np.bool_] | None = None,
    metres: float | None = None,
    outline: bool = True,
) -> float:
    """Overlap of a mask with a mesh's outline, from the best of 512 sides, each as large as the other: 0..1.

    With `metres` of a pixel, a side counts less the more its size differs from the mask's; less so if it is the larger
    one, of which a part may be hidden. Without an outline, the overlap of the boxes around both.
    """
    rows, columns = np.nonzero(mask)
    low = np.array([columns.min(), rows.min()])
    extent = np.array([columns.max(), rows.max()]) + 1 - low
    side = float(extent.max())
    at = (np.arange(_GRID) + 0.5) / _GRID - 0.5
    middle = low + extent / 2
    x, y = (np.floor(middle[k] + at * side).astype(int) for k in (0, 1))
    inside = np.outer((y >= 0) & (y < mask.shape[0]), (x >= 0) & (x < mask.shape[1]))
    index = np.ix_(y.clip(0, mask.shape[0] - 1), x.clip(0, mask.shape[1] - 1))
    wanted = mask[index] & inside
    known = inside if hidden is None else inside & ~(hidden[index] & ~wanted)
    corners = vertices[faces]
    points, _ = surface_samples(corners, max(float(np.ptp(vertices, axis=0).max()) / 40, 1e-4))
    points = points[:: max(len(points) // 4000, 1)].astype(np.float32)
    flat = (torch.from_numpy(points) @ spread_rotations(_VIEWS).transpose(1, 2))[..., :2].numpy()
    lowest, highest = flat.min(1, keepdims=True), flat.max(1, keepdims=True)
    size = (highest - lowest).max(2, keepdims=True)
    cell = ((flat - (lowest + highest) / 2) / size + 0.5) * (_GRID - 1e-3)
    cell = cell.astype(np.int64).clip(0, _GRID - 1)
    drawn = np.zeros((len(flat), _GRID * _GRID), bool)
    np.put_along_axis(drawn, cell[..., 1] * _GRID + cell[..., 0], True, axis=1)
    pictures = ndimage.binary_closing(drawn.reshape(-1, _GRID, _GRID), np.ones((1, 2, 2)))
    both = (pictures & wanted & known).sum((1, 2))
    either = ((pictures | wanted) & known).sum((1, 2))
    match = both / np.maximum(either, 1)
    if not outline:
        shares = (highest - lowest)[:, 0] / size[:, 0] / (extent / side)
        match = np.minimum(shares, 1 / shares).prod(1)
    if metres is not None:
        larger = np.log(size[:, 0, 0] / (side * metres))
        match = match * np.exp(-0.5 * (larger / np.where(larger > 0, _LARGER, _SMALLER)) ** 2)
    return float(match.max())


def guessed_body_contact(
    vertices: Array, mask: NDArray[np.bool_], camera: Intrinsics, model: ObjectModel | None
) -> tuple[Array, str]:
    """Where a body may touch an object, from the picture alone: scores (V,), and in words where they come from.

    What of the body is nearer than 4 cm to the object in the picture. Of an object with places for hands only, hands,
    if any are near; of one that people stand on, feet, or else hands; of one with a seat, what people sit, hold and
    stand with.
    """
    away = ndimage.distance_transform_edt(~np.pad(mask, 1))[1:-1, 1:-1]
    pixels = camera.project(torch.from_numpy(vertices)).numpy()
    column, row = (np.floor(pixels[:, k]).astype(int) for k in (0, 1))
    height, width = mask.shape
    outside = np.hypot(
        np.maximum(np.maximum(-column, column - width + 1), 0), np.maximum(np.maximum(-row, row - height + 1), 0)
    )
    distance = away[row.clip(0, height - 1), column.clip(0, width - 1)] + outside
    metres = distance * vertices[:, 2] / float(np.mean(camera.focal))
    near = metres <= _NEAR
    words = f"guessed: what of the body is within {100 * _NEAR:.0f} cm of the object in the picture"
    if model is not None and is_built_in(vertices):
        part = load_body_model().part
        for chosen, name in _used_parts(model):
            among = near & np.isin(part, [PARTS.index(each) for each in chosen])
            if among.any():
                near = among
                words += f", of {name}"
                break
    if not near.any():
        near = metres <= np.quantile(metres, 0.02)
        words = "guessed: nothing of the body is near the object in the picture; what is nearest"
    return near.astype(np.float64), words


def _used_parts(model: ObjectModel) -> list[tuple[tuple[str, ...], str]]:
    """What of a body an object is used with, in the order in which it is thought of, and in words."""
    feet, hands = (_FEET, "the feet"), (_HANDS, "the hands")
    if _STOOD_ON & set(model.spots):
        return [feet, hands]
    return [(_SEAT, "what people sit, hold and stand with")] if model.spots else [hands]


def guessed_object_contact(candidate: Candidate) -> tuple[Array, str]:
    """Where an object is probably touched: scores (V,), and in words where they come from."""
    model, vertices = candidate.model, candidate.vertices
    near = np.zeros(len(vertices), bool)
    if model is not None:
        for grip in model.grips.values():
            near |= np.linalg.norm(vertices - grip.position, axis=1) <= _GRIP + grip.radius
        for spot in model.spots.values():
            apart = vertices - spot.position
            level = np.abs(apart @ spot.normal) <= _GRIP
            near |= level & (np.linalg.norm(apart, axis=1) <= max(*spot.size, 0.05) / 2 + 0.02)
    if near.any():
        return near.astype(np.float64), "guessed: where the generated world's people hold or use such an object"
    return np.ones(len(vertices)), "guessed: anywhere"


def near_contact(placed: Array, body: Array, body_contact: Array, least: int = 8) -> Array:
    """Scores (V,) of a placed object's vertices: those that are nearest to what of the body is in contact."""
    from scipy.spatial import cKDTree

    distance = cKDTree(body[body_contact >= 0.5]).query(placed)[0]
    reach = max(float(np.partition(distance, min(least, len(distance) - 1))[min(least, len(distance) - 1)]), 0.05)
    return (distance <= reach).astype(np.float64)

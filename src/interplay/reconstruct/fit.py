"""Where an object is in 3D, beside the person who touches it: the fit of one photograph."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from interplay.body.cameras import Camera
from interplay.body.geometry import Array, transform
from interplay.errors import InputError
from interplay.ops.backends import to_numpy

from . import published
from .box import box_overlap
from .camera import Intrinsics
from .energy import Weights, contact_distance, evaluate
from .residuals import Pose, System
from .scene import Problem, checked
from .search import (
    around,
    descend,
    distinct,
    first_poses,
    look_alikes,
    new,
    poses_on_mask,
    spread_rotations,
    upright_rotations,
    wander,
)
from .silhouette import depth_buffer
from .sizes import SizePrior, size_prior
from .tilts import Upright

_COARSE = Weights(penetration=0.0, order=0.0)
# where contacts meet: by points, by each pixel
_MET = Weights(), Weights(contact=0.5, normals=0.1, outside=5.0, cover=5.0, box=5.0, order=0.5)

# where contacts do not meet: what is touched is nearer than what is not, and pulls only a little
_APART = (
    Weights(contact=0.02, normals=0.0, outside=2.0, cover=2.0, box=2.0, penetration=0.0, ranks=2.0, falloff=2.0),
    Weights(
        contact=0.003,
        normals=0.0,
        outside=10.0,
        cover=10.0,
        box=10.0,
        order=0.5,
        ranks=20.0,
        falloff=2.0,
        reach=0.05,
    ),
)
# nothing but what is around it, and the mask, tells where an object is that nobody touches
_UNTOUCHED = replace(_APART[0], penetration=Weights().penetration), _APART[1]
# rounds of search around the best, at most, and random steps from the best: they bound the time that a fit takes
_ROUNDS, _ROUNDS_UNTOUCHED = {1_000: 4, 15_000: 2}, 8  # up to so many triangles; with more, one
_GAIN = 0.99  # of the energy of some rounds ago; what has become less better is not looked around any more
_WANDERERS, _STEPS, _LEAST_STEPS, _TRIANGLES = 2, 150, 40, 1_000  # with more triangles, steps are fewer
_FINE, _FINE_AGAIN = 12, 8  # how many of the best by points are looked at by pixels, at first and in each round
_AT_ONCE = 64  # starting places that are looked at together: larger arrays do not fit a processor's cache
_WORSE = 3.0  # times the best's energy; what is worse by points is not looked at by pixels
_ROUND_ANGLES, _ROUND_SHIFT, _ROUND_DEEPER = (0.8, 0.4), 0.02, 0.05  # radians, metres

_SIZES, _APART_USUALLY = 2, 0.1  # spreads of the size that are looked at; metres that contacts are apart where right

_Descent = tuple[Pose, System, list[Tensor]]
_SURE_IOU, _GOOD_IOU, _LOW_IOU, _FAR = 0.97, 0.7, 0.5, 0.05

NOT_MET = 0.2
"""Metres between what should touch, from which on objects in photographs were mostly in a wrong place."""


@dataclass(frozen=True)
class Fit:
    """A placed object: ``scale * rotation @ vertex + translation``.

    Attributes:
        rotation: (3, 3).
        translation: (3,) metres, in the frame of the person's vertices.
        scale: what the object's own units are multiplied by.
        iou: of the object as it is seen, behind the person or before, and the mask; of the boxes around both where only
            a box is known.
        residuals: what is left of each term in metres: "contact" as a mean distance, "outside", "cover" (or "box") and
            the others as root mean squares.
        history: the energy before the first of the last descent's steps and after each.
        warnings: what speaks against the result, in plain English.
    """

    rotation: Array
    translation: Array
    scale: float
    iou: float
    residuals: Mapping[str, float] = field(default_factory=dict)
    history: tuple[float, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def matrix(self) -> Array:
        """(4, 4) for points as columns."""
        return transform(self.scale * self.rotation, self.translation)

    def place(self, vertices: ArrayLike) -> Array:
        """Vertices (V, 3) of the object where it is."""
        return self.scale * np.asarray(vertices, np.float64) @ self.rotation.T + self.translation


def fit_object(
    human_vertices: Any,
    human_faces: Any,
    human_contact: Any,
    object_vertices: Any,
    object_faces: Any,
    object_contact: Any,
    object_mask: Any,
    camera: Camera | Intrinsics,
    *,
    start: Fit | ArrayLike | None = None,
    scale_spread: float = 0.0,
    size: str | SizePrior | None = None,
    outline: bool = True,
    upright: Upright | None = None,
    starts: int = 512,
    search: bool = True,
    seed: int = 0,
    published_behaviour: bool = False,
) -> Fit:
    """Place an object so that it touches the person where both are touched, and looks as its mask does.

    Many starting rotations are ranked by cheap terms; the best go down by Levenberg and Marquardt's method, of which
    the best few once more with each pixel of the mask. Nearest points are looked for anew in each step, in both
    directions. What the person hides, or what is beyond the photograph's edge, counts as unknown. The same input and
    seed give the same result.

    Args:
        human_vertices: (V, 3) metres, in the camera's world, or in the camera's frame (x right, y down, z forward) if
            `camera` is an `Intrinsics`.
        human_faces: (F, 3) indices, counter-clockwise seen from outside.
        human_contact: (V,) scores in 0..1, or truth values; from 0.5 on a vertex is in contact.
        object_vertices, object_faces: of the object, in metres, turned and placed anyhow.
        object_contact: (W,) scores; from 0.3 on a vertex is in contact.
        object_mask: (height, width) of what is seen of the object in the photograph: truth values, 0..1 or 0..255.
        camera: the photograph's.
        start: a place that is thought to be near, as a `Fit` or a matrix (4, 4) for points as columns, in the frame of
            the person's vertices. It is looked at beside the others; with ``starts=0``, alone.
        scale_spread: how uncertain the object's size is, as a standard deviation of its logarithm (0.1 is about ten
            per cent); 0 keeps the size.
        size: instead, what is known of the object's size: a category's name (see `size_prior`), or a prior. The mesh
            may then have any unit.
        outline: whether the mask is the object's outline. If false, only the box around it counts: what is seen of the
            object shall reach each of its sides and not go beyond; a side at the photograph's border is reached by what
            goes on beyond it.
        upright: how the object usually stands, if that is known.
        starts: how many starting rotations are looked at; 0 only with a `start`.
        search: if false, only go down from `start`, which is several times faster: for the next frame of a clip.
        seed: of the points that are drawn on the object.
        published_behaviour: run the published fit instead, which seldom finds the object; see
            `interplay.reconstruct.published`.

    Raises:
        InputError: meshes, scores, mask or numbers that no object can be placed from: another shape, not finite, no
            vertex in contact, no pixel in the mask, a person behind the camera.

    Source: after Dwivedi et al., InteractVLM, CVPR 2025, section 3.4.
    """
    if starts < (start is None):
        raise InputError(f"starts: expected 1 or more, or 0 with a start, got {starts}")
    if start is None and not search:
        raise InputError("search: without it a start is needed, and there is none")
    object_vertices = _rows(object_vertices, "object_vertices")
    usual, spread = usual_scale(object_vertices, scale_spread, size)
    to_world = None
    if isinstance(camera, Camera):
        to_world = camera
        human_vertices = _rows(human_vertices, "human_vertices")
        human_vertices = (human_vertices - camera.position) @ camera.rotation.T
        shape = np.shape(to_numpy(object_mask))
        if shape != (camera.height, camera.width):
            raise InputError(f"object_mask: expected {(camera.height, camera.width)} as the camera says, got {shape}")
    given = checked(
        human_vertices,
        human_faces,
        human_contact,
        object_vertices * usual,
        object_faces,
        object_contact,
        object_mask,
        Intrinsics.of(camera) if isinstance(camera, Camera) else camera,
        outline,
        upright,
    )
    if to_world is not None and given.upright is not None:
        given = replace(given, upright=replace(given.upright, up=to_world.rotation @ given.upright.up))
    problem = Problem(given, seed)
    if published_behaviour:
        found = _published(problem)
    else:
        begin = None if start is None else _begin(problem, start, usual, to_world)
        if begin is not None and not search:
            found = _descended(problem, begin, spread)
        else:
            found = _search(problem, starts, spread, begin, seed)
    found = replace(found, scale=found.scale * usual)
    if to_world is None:
        return found
    return replace(
        found,
        rotation=to_world.rotation.T @ found.rotation,
        translation=found.translation @ to_world.rotation + to_world.position,
    )


def usual_scale(vertices: Array, scale_spread: float, size: str | SizePrior | None) -> tuple[float, float]:
    """What an object's units are probably multiplied by, and how uncertain the logarithm of that is.

    Args:
        vertices, scale_spread, size: as of `fit_object`.
    """
    if not 0 <= scale_spread < 10:
        raise InputError(f"scale_spread: expected a number from 0 to 10, got {scale_spread}")
    if size is None:
        return 1.0, scale_spread
    if scale_spread:
        raise InputError(
            "scale_spread is of the mesh's own size, and size says what that probably is: give one of them"
        )
    prior = size_prior(size) if isinstance(size, str) else size
    longest = float(np.ptp(vertices, axis=0).max(initial=0)) if len(vertices) else 0.0
    if prior.longest is None or not longest > 0:
        return 1.0, prior.spread
    return prior.longest / longest, prior.spread


def _search(problem: Problem, starts: int, spread: float, begin: Pose | None, seed: int) -> Fit:
    rotations = spread_rotations(starts) if starts else torch.zeros(0, 3, 3)
    if problem.given.upright is not None and starts:
        rotations = torch.cat([rotations, upright_rotations(problem.given.upright, starts // 8)])
    met = None
    if problem.touches:
        met = _best(problem, _with(first_poses(problem, rotations), begin), spread, seed)
    if met is not None:
        found = _described(problem, *met, _MET[1])
        if found.iou >= _GOOD_IOU and found.residuals["contact"] <= _FAR:
            return found
    # the contacts may not fit the mask: begin with the mask, and let the contacts choose the turn and the depth
    on_mask = _with(poses_on_mask(problem, rotations), begin, None if met is None else met[0])
    apart = _described(problem, *_best_apart(problem, on_mask, spread, seed), _APART[1])
    if met is not None and found.iou > apart.iou and found.residuals["contact"] <= _FAR:
        return found
    return apart


def fit_untouched(problem: Problem, starts: int, spread: float, seed: int) -> Fit:
    """Place an object that nobody touches: by its mask, its size, and by what is before and behind it."""
    return _search(problem, starts, spread, None, seed)


def fit_again(problem: Problem, fits: Sequence[Fit], spread: float) -> Fit:
    """Place an object from where it is thought to be, for instance after what is around it has moved.

    Args:
        fits: places in the camera's frame, of the object in its usual size.
    """
    return _descended(problem, _with(*(pose_of(problem, fit) for fit in fits)), spread)


def _descended(problem: Problem, pose: Pose, spread: float) -> Fit:
    """The best of where descents from places end, whether contacts meet or not."""
    if problem.touches:
        best = _described(problem, *min(_ends(problem, pose, _MET, 20, spread), key=_energy), _MET[1])
        if best.iou >= _GOOD_IOU and best.residuals["contact"] <= _FAR:
            return best
    weights = _APART if problem.touches else _UNTOUCHED
    ends = _ends(problem, pose, weights, 10, spread)
    return _described(problem, *min(ends, key=_energy), weights[1])


def pose_of(problem: Problem, fit: Fit) -> Pose:
    """A fit's place, in the camera's frame, of the object in its usual size."""
    return _begin(problem, fit, 1.0, None)


def _begin(problem: Problem, start: Fit | ArrayLike, usual: float, to_world: Camera | None) -> Pose:
    """A given place in the camera's frame, of the object in its usual size."""
    matrix = np.asarray(start.matrix if isinstance(start, Fit) else to_numpy(start), np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise InputError(f"start: expected a Fit or a finite matrix (4, 4), got {matrix.shape}")
    scale = float(np.cbrt(np.linalg.det(matrix[:3, :3])))
    rotation = matrix[:3, :3] / scale if scale > 0 else matrix[:3, :3]
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3) or scale <= 0:
        raise InputError("start: expected a turn, a move and a positive scale, got a matrix that does more than this")
    scale /= usual
    middle = scale * rotation @ problem.middle + matrix[:3, 3]
    if to_world is not None:
        rotation, middle = to_world.rotation @ rotation, to_world.rotation @ (middle - to_world.position)
    return Pose(torch.from_numpy(rotation).float()[None], torch.from_numpy(middle).float()[None], torch.tensor([scale]))


def _with(*poses: Pose | None) -> Pose:
    """All places together."""
    return Pose(*(torch.cat(each) for each in zip(*(p for p in poses if p is not None), strict=True)))


def _best(problem: Problem, pose: Pose, spread: float, seed: int) -> _Descent | None:
    """The best of many places when contacts meet; None if they are far apart in all."""
    pose, _, _ = descend(problem, _promising(problem, pose, _COARSE, 64, spread), _COARSE, 15, spread)
    pose = _promising(problem, pose, _MET[0], 12, spread)
    if all(contact_distance(problem, each) > 2 * _FAR for each in pose.split(1)):
        return None
    ends = _ends(problem, pose, _MET, 25, spread)
    best = min(ends, key=_energy)
    if overlap(problem, best[0]) >= _SURE_IOU or contact_distance(problem, best[0]) > _FAR:
        return best
    return min(_searched_around(problem, ends, _MET, spread, seed), key=_energy)


def _best_apart(problem: Problem, pose: Pose, spread: float, seed: int) -> _Descent:
    """The best of many places when contacts do not meet."""
    weights = _APART if problem.touches else _UNTOUCHED
    pose, system, _ = descend(problem, _promising(problem, pose, weights[0], 64, spread), weights[0], 15, spread)
    ends = _ends(problem, pose.take(distinct(pose, system.energy, 16, problem.radius)), weights, 15, spread)
    ends = _searched_around(problem, ends, weights, spread, seed)
    if not problem.touches:
        return min(ends, key=_energy)
    steps = min(max(_STEPS * _TRIANGLES // len(problem.faces), _LEAST_STEPS), _STEPS)
    rng = np.random.default_rng(seed)
    for pose, _, _ in _few(problem, ends, _WANDERERS):
        there = wander(problem, pose, _APART[1], steps, spread, rng)
        ends.append(descend(problem, there, _APART[1], 10, spread, fine=True))
    best = min(ends, key=_energy)
    return _slid(problem, best, spread) if spread else best


def _slid(problem: Problem, descent: _Descent, spread: float) -> _Descent:
    """Nearer or farther away and as much smaller or larger, which looks the same: where contacts are near for a size
    that is likely. From far away they do not pull, and the mask cannot tell."""
    pose = descent[0]
    size = float(pose.s.log()) / spread
    sizes = torch.linspace(min(-_SIZES, size), max(_SIZES, size), 8 * _SIZES + 1)
    factors = (sizes * spread).exp() / pose.s
    places = pose.take(torch.zeros(len(factors), dtype=torch.long))
    places = Pose(places.R, places.t * factors[:, None], places.s * factors)
    unlikely = [(contact_distance(problem, each) / _APART_USUALLY) ** 2 for each in places.split(1)]
    found = places.take((torch.tensor(unlikely) + sizes**2).argmin()[None])
    return descend(problem, found, _APART[1], 10, spread, fine=True)


def _ends(
    problem: Problem,
    pose: Pose,
    weights: tuple[Weights, Weights],
    steps: int,
    spread: float,
    known: Pose | None = None,
) -> list[_Descent]:
    """Where descents from places end: first all together by points, then the best one by one by each pixel, unless they
    are near known places."""
    pose, system, _ = descend(problem, pose, weights[0], steps, spread)
    energy = system.energy
    most = _WORSE * energy.min() if problem.touches else math.inf
    if known is not None:
        index = new(pose, known, problem.radius)
        pose, energy = pose.take(index), energy[index]
    kept = distinct(pose, energy, _FINE if known is None else _FINE_AGAIN, problem.radius)
    chosen = pose.take(kept[energy[kept] <= most])
    return [descend(problem, each, weights[1], 20, spread, fine=True) for each in chosen.split(1) if len(each.t)]


def _searched_around(
    problem: Problem, ends: list[_Descent], weights: tuple[Weights, Weights], spread: float, seed: int
) -> list[_Descent]:
    """What is around the best few, and around the best of that, until it is hardly better."""
    rng = np.random.default_rng(seed)
    rounds, patience = next((count for most, count in _ROUNDS.items() if len(problem.faces) <= most), 1), 2
    if not problem.touches:  # only the mask tells the depth
        rounds, patience = _ROUNDS_UNTOUCHED, 3
    energies = [min(map(_energy, ends))]
    for number in range(rounds):
        if number >= patience and energies[-1] > _GAIN * energies[-1 - patience]:
            break
        few = _with(*(end[0] for end in _few(problem, ends, 4)))
        near = around(few, 8, _ROUND_ANGLES[number % 2], _ROUND_SHIFT, _ROUND_DEEPER, rng)
        known = _with(*(end[0] for end in ends)) if problem.touches else None
        ends += _ends(problem, _with(near, look_alikes(problem, few)), weights, 10, spread, known)
        energies.append(min(map(_energy, ends)))
    return ends


def _few(problem: Problem, ends: list[_Descent], count: int) -> list[_Descent]:
    """The best that are not at the same place."""
    energy = torch.cat([end[1].energy for end in ends])
    return [ends[k] for k in distinct(_with(*(end[0] for end in ends)), energy, count, problem.radius)]


def _promising(problem: Problem, pose: Pose, weights: Weights, count: int, spread: float) -> Pose:
    parts = (evaluate(problem, part, weights, spread, slopes=False) for part in pose.split(_AT_ONCE))
    energy = torch.cat([each.energy for each in parts])
    return pose.take(distinct(pose, energy, count, problem.radius))


def _energy(descent: _Descent) -> float:
    return float(descent[1].energy)


def _described(problem: Problem, pose: Pose, end: System, history: list[Tensor], terms: Weights) -> Fit:
    weights = terms.__dict__
    residuals = {
        name: float((value / weights[name]).clamp(min=0).sqrt())
        for name, value in end.parts.items()
        if weights[name] > 0 and name not in ("scale", "upright")
    }
    residuals["contact"] = contact_distance(problem, pose)
    iou = overlap(problem, pose)
    u, _, v = np.linalg.svd(pose.R[0].double().numpy())  # free of what rounding has added up to
    rotation = u @ v
    scale = float(pose.s[0])
    warnings = []
    if iou < _LOW_IOU:
        warnings.append(_missed_in_words(iou, problem))
    if residuals["contact"] > _FAR:
        warnings.append(apart_in_words(residuals["contact"]))
    translation = pose.t[0].double().numpy() - scale * rotation @ problem.middle
    return Fit(rotation, translation, scale, iou, residuals, tuple(float(each) for each in history), tuple(warnings))


def _missed_in_words(iou: float, problem: Problem) -> str:
    if problem.box is not None:
        return (
            f"the box around the object is not the one given (IoU {iou:.2f}): its place may be wrong, and so may the "
            "box or the mesh's shape or size"
        )
    return (
        f"the object covers its mask badly (IoU {iou:.2f}): its turn may be wrong, and so may the mask or the mesh's "
        "shape or size"
    )


def apart_in_words(distance: float) -> str:
    """A warning that what should touch is so many metres apart."""
    words = f"what should touch is {100 * distance:.0f} cm apart"
    if distance <= NOT_MET:
        return f"{words}: the object may be off by as much"
    return (
        f"{words}: do not rely on where the object is; the body, the mask or the mesh may be wrong, or nothing touches"
    )


def overlap(problem: Problem, pose: Pose) -> float:
    """Intersection over union of the mask and the object as it is seen, or of their boxes, in the working picture."""
    points = pose.place(problem.vertices)[0]
    depth = depth_buffer(problem.camera.project(points), points[:, 2], problem.faces, problem.size)
    seen = torch.isfinite(depth) & (depth <= problem.body_depth) & ~problem.ignored
    if problem.box is not None:
        return box_overlap(problem, seen, problem.box)
    seen &= problem.told
    mask = problem.mask & problem.told
    return float((seen & mask).sum() / (seen | mask).sum())


def _published(problem: Problem) -> Fit:
    given = problem.given
    found, history = published.fit(given)
    turn = np.diag([1.0, -1.0, -1.0])
    rotation = found.R.double().numpy().T @ turn
    human, own = given.human_vertices.mean(0), given.object_vertices.mean(0)
    scale = float(found.s)
    translation = found.t.double().numpy() + human - scale * rotation @ own
    moved = torch.from_numpy(translation + scale * rotation @ problem.middle).float()
    pose = Pose(torch.from_numpy(rotation).float()[None], moved[None], torch.tensor([scale]))
    return Fit(rotation, translation, scale, overlap(problem, pose), history=tuple(history))


def _rows(vertices: Any, name: str) -> Array:
    array = to_numpy(vertices)
    if array.ndim != 2 or array.shape[1] != 3:
        raise InputError(f"{name}: expected (V, 3), got {array.shape}")
    return array.astype(np.float64)

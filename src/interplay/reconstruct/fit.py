"""Where an object is in 3D, beside the person who touches it: the fit of one photograph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from interplay.body.cameras import Camera
from interplay.body.geometry import Array, transform
from interplay.errors import InputError
from interplay.ops.backends import to_numpy

from . import published
from .camera import Intrinsics
from .energy import Pose, System, Weights
from .scene import Problem, checked
from .search import descend, distinct, first_poses, poses_on_mask, spread_rotations
from .silhouette import depth_buffer

_COARSE = Weights(penetration=0.0, order=0.0)
_WITH_BODY = Weights()
_FINE = Weights(contact=0.5, normals=0.1, outside=5.0, cover=5.0, order=0.5)

_LOOSE = Weights(contact=0.02, normals=0.02)

_GOOD_IOU, _LOW_IOU, _FAR = 0.7, 0.5, 0.05


@dataclass(frozen=True)
class Fit:
    """A placed object: ``scale * rotation @ vertex + translation``.

    Attributes:
        rotation: (3, 3).
        translation: (3,) metres, in the frame of the person's vertices.
        scale: what the object's own units are multiplied by.
        iou: of the object as it is seen, behind the person or before, and the mask.
        residuals: root mean squares in metres of what is left of each term ("contact", "outside", "cover" ...).
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
    scale_spread: float = 0.0,
    starts: int = 512,
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
        scale_spread: how uncertain the object's size is, as a standard deviation of its logarithm (0.1 is about ten
            per cent); 0 keeps the size.
        starts: how many starting rotations are looked at.
        seed: of the points that are drawn on the object.
        published_behaviour: run the published fit instead, which seldom finds the object; see
            `interplay.reconstruct.published`.

    Raises:
        InputError: meshes, scores, mask or numbers that no object can be placed from: another shape, not finite, no
            vertex in contact, no pixel in the mask, a person behind the camera.

    Source: after Dwivedi et al., InteractVLM, CVPR 2025, section 3.4.
    """
    if not 0 <= scale_spread < 10:
        raise InputError(f"scale_spread: expected a number from 0 to 10, got {scale_spread}")
    if starts < 1:
        raise InputError(f"starts: expected 1 or more, got {starts}")
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
        object_vertices,
        object_faces,
        object_contact,
        object_mask,
        Intrinsics.of(camera) if isinstance(camera, Camera) else camera,
    )
    problem = Problem(given, seed)
    found = _published(problem) if published_behaviour else _search(problem, starts, scale_spread)
    if to_world is None:
        return found
    return replace(
        found,
        rotation=to_world.rotation.T @ found.rotation,
        translation=found.translation @ to_world.rotation + to_world.position,
    )


def _search(problem: Problem, starts: int, spread: float) -> Fit:
    rotations = spread_rotations(starts)
    found = _best(problem, first_poses(problem, rotations), _COARSE, _WITH_BODY, spread)
    if found.iou < _GOOD_IOU or found.residuals["contact"] > _FAR:
        # the contacts may not fit the mask: begin with the mask, and let the contacts choose the turn and the depth
        other = _best(problem, poses_on_mask(problem, rotations), _LOOSE, _LOOSE, spread)
        found = min(found, other, key=lambda each: each.history[-1])
    return found


def _best(problem: Problem, pose: Pose, coarse: Weights, with_body: Weights, spread: float) -> Fit:
    energy = torch.cat([descend(problem, part, coarse, 0)[1].energy for part in pose.split(256)])
    pose = pose.take(distinct(pose, energy, 64, problem.radius))
    pose, system, _ = descend(problem, pose, coarse, 15, spread)
    pose = pose.take(distinct(pose, system.energy, 10, problem.radius))
    pose, system, _ = descend(problem, pose, with_body, 25, spread)
    kept = distinct(pose, system.energy, 6, problem.radius)
    ends = [descend(problem, pose.take(index[None]), _FINE, 30, spread, fine=True) for index in kept]
    best, end, history = min(ends, key=lambda each: float(each[1].energy))
    return _described(problem, best, end, [float(each) for each in history])


def _described(problem: Problem, pose: Pose, end: System, history: list[float]) -> Fit:
    weights = {"scale": 0.0, **_FINE.__dict__}
    residuals = {
        name: float((value / weights[name]).clamp(min=0).sqrt())
        for name, value in end.parts.items()
        if weights[name] > 0 and name != "scale"
    }
    iou = overlap(problem, pose)
    u, _, v = np.linalg.svd(pose.R[0].double().numpy())  # free of what rounding has added up to
    rotation = u @ v
    scale = float(pose.s[0])
    warnings = []
    if iou < _LOW_IOU:
        warnings.append(f"the object covers its mask badly (IoU {iou:.2f}); is it the right shape and size?")
    if residuals["contact"] > _FAR:
        warnings.append(
            f"what should touch is {100 * residuals['contact']:.0f} cm apart; do the contacts fit the mask?"
        )
    translation = pose.t[0].double().numpy() - scale * rotation @ problem.middle
    return Fit(rotation, translation, scale, iou, residuals, tuple(history), tuple(warnings))


def overlap(problem: Problem, pose: Pose) -> float:
    """Intersection over union of the mask and the object as it is seen, in the working picture."""
    points = pose.place(problem.vertices)[0]
    depth = depth_buffer(problem.camera.project(points), points[:, 2], problem.faces, problem.size)
    seen = torch.isfinite(depth) & (depth <= problem.body_depth) & ~problem.ignored
    return float((seen & problem.mask).sum() / (seen | problem.mask).sum())


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

"""A person's body in 3D from keypoints in a photograph: Anny fitted to them, with a prior of poses.

As SMPLify does (Bogo et al., Keep It SMPL, ECCV 2016), the body is moved until its joints' projections meet the
keypoints, while the pose stays likely: here under a mixture of Gaussians learnt from the generated world
(``experiments/pose_prior.py``). Depth, the height of the person and the camera cannot be told from keypoints: people
are adults of average height, and the camera's focal length is assumed where it is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from interplay.body.geometry import Array
from interplay.body.joints import JOINTS, SIZE, set_pose
from interplay.body.kinematics import Skeleton, exponential
from interplay.body.model import Rest, load_body_model
from interplay.body.pose import Body
from interplay.containers.arrays import read_npz
from interplay.errors import InputError
from interplay.keypoints import KEYPOINT_NAMES
from interplay.ops.backends import to_numpy

from .camera import Intrinsics

FOCAL = 1.2
"""Focal length that is assumed for a photograph, in longer sides of it: 45 degrees across, a telephone's main camera
is 1.0 to 1.1, photographs in data sets are often cut to less."""

SEEN = 0.2
"""Scores of keypoints below this are not used."""
LEAST = 4
"""Keypoints that a fit needs."""

PITCH, PITCH_SPREAD = 0.2, 0.2
"""Radians by which cameras look down: mean and spread of the generated world's."""

_SIGMAS = (
    np.array([0.26, 0.25, 0.25, 0.35, 0.35, 0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 1.07, 1.07, 0.87, 0.87, 0.89, 0.89])
    / 10
)
"""COCO's, of its annotators, in roots of the person's area."""
_SHARE = 0.4  # of these, that a keypoint is usually off; mistakes are bounded
_COARSE = 3.0  # times that, at first, so that no keypoint is given up too early
_HEAD_SIGMA = 0.05  # noses and ears of the model are not where the annotators' are to the pixel
_YAWS = 8
_KEPT = 6
_LIMIT = 0.05  # radians
_POINTS = 160
_ROBUST = 5.0
_TEMPER = 0.3  # of the prior's squared distance: the world's poses are fewer than people's


@dataclass(frozen=True)
class PosePrior:
    """A mixture of K Gaussians over pose vectors (`interplay.body.joints`).

    Attributes:
        weights: (K,) sum 1.
        means: (K, 51).
        factors: (K, 51, 51) lower triangular; a precision is ``factor @ factor.T``.
        low, high: (51,) between which nearly all poses are: the joints' limits.
        resting: (J, 3) rotation vectors of bones that no joint drives.
    """

    weights: Array
    means: Array
    factors: Array
    low: Array
    high: Array
    resting: Array

    @property
    def offsets(self) -> Array:
        """(K,) what each component's squared distance counts besides, so that they can be compared."""
        return -2 * (np.log(self.weights) + np.log(np.diagonal(self.factors, axis1=1, axis2=2)).sum(1))


@lru_cache(maxsize=1)
def pose_prior() -> PosePrior:
    """The prior that comes with interplay."""
    stored = read_npz(Path(str(resources.files("interplay.body") / "pose_prior.npz")))
    return PosePrior(**{name: stored[name].astype(np.float64) for name in PosePrior.__dataclass_fields__})


@dataclass(frozen=True)
class FittedBody:
    """A person's body, in the camera's frame (x right, y down, z forward), metres.

    Attributes:
        vertices: (V, 3).
        faces: (F, 3).
        keypoints: (17, 3) of COCO's.
        pose: (51,) see `interplay.body.joints`.
        pelvis: (3, 3) its rotation.
        up: (3,) unit vector against gravity.
        residuals: "keypoints": their median distance to the given ones in roots of the person's area in the picture;
            "prior": how unlikely the pose is, in standard deviations per number (1 is usual).
        warnings: what speaks against the result, in plain English.
    """

    vertices: Array
    faces: NDArray[np.int64]
    keypoints: Array
    pose: Array
    pelvis: Array
    up: Array
    residuals: Mapping[str, float]
    warnings: tuple[str, ...] = ()

    @property
    def ground(self) -> float:
        """How far along `up` the lowest point is: where the ground is, for somebody who stands on it."""
        return float((self.vertices @ self.up).min())


def assumed_camera(width: int, height: int) -> Intrinsics:
    """The camera of a photograph of which nothing is known; see `FOCAL`."""
    focal = FOCAL * max(width, height)
    return Intrinsics((focal, focal), (width / 2, height / 2))


def fit_body(
    keypoints: Any,
    camera: Intrinsics,
    *,
    box: Any = None,
    mask: Any = None,
    unknown: Any = None,
    size: tuple[int, int] | None = None,
    description: tuple[float, ...] | None = None,
    noise: float = 1.0,
    start: FittedBody | None = None,
) -> FittedBody:
    """Fit the body model to one person's keypoints.

    From every component of the prior and eight directions, Levenberg and Marquardt's method goes down a few steps; the
    best go on to the end. Deterministic.

    Args:
        keypoints: (17, 3) x, y in pixels and score 0..1, as of `interplay.detectors.pose.PoseEstimator`; those below
            `SEEN` are not used.
        camera: of the photograph.
        box: (4,) x1, y1, x2, y2 in pixels around what is seen of the person.
        mask: (height, width) truth values: where the person is seen.
        unknown: (height, width) where something may hide the person.
        size: width and height of the photograph; the box's sides at its edges say nothing then.
        description: six numbers of `interplay.body.model.BodyModel.rest`; an average adult by default.
        noise: of the keypoints, 1 for an estimator's or an annotator's, less for exact ones.
        start: of the frame before: the fit begins there as well, and stays near.

    Raises:
        InputError: other shapes, numbers that are not finite, or fewer than `LEAST` keypoints.
        MissingExtraError: Anny is not installed.
    """
    points = to_numpy(keypoints).astype(np.float64)
    if points.shape != (len(KEYPOINT_NAMES), 3):
        raise InputError(f"keypoints: expected (17, 3) x, y and score, got {points.shape}")
    seen = np.isfinite(points).all(1) & (np.nan_to_num(points[:, 2]) >= SEEN)
    if seen.sum() < LEAST:
        raise InputError(
            f"keypoints: {int(seen.sum())} of 17 have a score of {SEEN} or more, but a body needs {LEAST}; "
            "give the body with --body, or choose another pose estimator with --pose"
        )
    if noise <= 0:
        raise InputError(f"noise: expected a positive number, got {noise}")
    model = load_body_model()
    rest = model.template if description is None else model.rest(description)
    problem = _Problem(points, seen, camera, rest, noise, _checked_box(box))
    problem.look_at(mask, unknown, size)
    x, root, component = problem.starts(start)
    order = torch.argsort(problem.descend(x, root, component, 0, coarse=True)[1])
    x, energy = problem.descend(x[order], root[order], component[order], 8, coarse=True)
    root, component = root[order], component[order]
    best = torch.argsort(energy)[:_KEPT]
    x, root, component = x[best], root[best], component[best]
    x, energy = problem.descend(x, root, component, 30)
    k = int(energy.argmin())
    return problem.result(x[k], root[k], int(component[k]))


def _checked_box(box: Any) -> Array | None:
    if box is None:
        return None
    found = to_numpy(box).astype(np.float64)
    if found.shape != (4,) or not np.isfinite(found).all() or (found[2:] <= found[:2]).any():
        raise InputError(f"box: expected x1, y1, x2, y2 with x1 < x2 and y1 < y2, got {found.tolist()}")
    return found


class _Problem:
    """The residuals of one person's fit. A state has 55 numbers: joints 48, pelvis' turn 3, position 3, pitch 1."""

    def __init__(
        self, points: Array, seen: NDArray[np.bool_], camera: Intrinsics, rest: Rest, noise: float, box: Array | None
    ) -> None:
        self.model, self.prior, self.rest, self.camera = load_body_model(), pose_prior(), rest, camera
        self.skeleton = Skeleton(self.model, rest, self.prior.resting)
        self.keypoints = self.skeleton.regressor(self.model.keypoints)
        self.points, self.seen = points, seen
        within = points[seen, :2]
        extent = np.ptp(within, axis=0) if box is None else box[2:] - box[:2]
        self.size = float(np.sqrt(max(extent[0], extent[1] / 3, 1) * max(extent[1], extent[0] / 3, 1)))
        spread = _SHARE * np.maximum(_SIGMAS, np.where(np.arange(17) < 5, _HEAD_SIGMA, 0)) * self.size * noise
        weight = np.where(seen, np.clip(np.nan_to_num(points[:, 2]), 0, 1), 0)
        self.target = torch.from_numpy(np.nan_to_num(points[:, :2]))
        self.precision = torch.from_numpy(weight**0.5 / spread)
        self.box = box
        self.sides: Tensor | None = None
        self.mask: Tensor | None = None
        self.surface: tuple[Tensor, Tensor] | None = None
        self.means, self.factors, self.offsets, self.low, self.high = (
            torch.from_numpy(np.ascontiguousarray(each))
            for each in (
                self.prior.means,
                self.prior.factors,
                self.prior.offsets,
                self.prior.low[:-3],
                self.prior.high[:-3],
            )
        )
        self.before: Tensor | None = None

    def look_at(self, mask: Any, unknown: Any, size: tuple[int, int] | None) -> None:
        """Take in the box and the silhouette."""
        if self.box is None and mask is None:
            return
        chosen = np.linspace(0, len(self.rest.vertices) - 1, _POINTS).astype(np.int64)
        selection = np.zeros((_POINTS, len(self.rest.vertices)))
        selection[np.arange(_POINTS), chosen] = 1
        self.surface = self.skeleton.regressor(selection)
        if self.box is not None:
            sides = self.box.copy()
            if size is not None:  # the person may go on beyond the picture
                near = 0.01 * max(size)
                sides[:2][sides[:2] <= near] = np.nan
                sides[2:][sides[2:] >= np.array(size) - near] = np.nan
            self.sides = torch.from_numpy(sides)
        if mask is not None:
            found = to_numpy(mask) > 0
            if found.ndim != 2 or not found.any():
                raise InputError("mask: expected (height, width) with at least one pixel of the person")
            allowed = found if unknown is None else found | (to_numpy(unknown) > 0)
            padded = np.pad(allowed, 1, constant_values=True)  # beyond the picture all is allowed
            _, nearest = ndimage.distance_transform_edt(~padded, return_indices=True)
            self.mask = torch.from_numpy(np.stack([nearest[1] - 0.5, nearest[0] - 0.5], -1))
            rows, columns = np.nonzero(found & ~ndimage.binary_erosion(found))
            edge = np.stack([columns, rows], 1)[:: max(len(rows) // 120, 1)] + 0.5
            self.edge = torch.from_numpy(edge)

    def starts(self, before: FittedBody | None) -> tuple[Tensor, Tensor, Tensor]:
        """States (S, 55), the pelvis' rotations that they turn further (S, 3, 3), and components of the prior (S,)."""
        count = len(self.means)
        component = torch.arange(count).repeat_interleave(_YAWS)
        angle = torch.arange(_YAWS).double() * (2 * np.pi / _YAWS)
        turn = exponential(torch.stack([0 * angle, 0 * angle, angle], 1))
        upright = torch.tensor([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]).double()  # from z up to y down
        up = self.means[component, -3:]
        level = torch.stack([_between(each, torch.tensor([0.0, 0, 1.0]).double()) for each in up])
        root = upright @ turn.repeat(count, 1, 1) @ level
        x = torch.zeros(len(component), SIZE + 4, dtype=torch.float64)
        x[:, :48] = self.means[component, :48]
        x[:, 54] = PITCH
        if before is not None:
            self.before = torch.from_numpy(before.pose[:48])
        rotations, positions = self.skeleton.bones(x[:, :48].reshape(-1, 16, 3), root, x[:, 51:54])
        flat = self.skeleton.points(self.keypoints, rotations, positions)
        x[:, 51:54] = self._placed(flat)
        return x, root, component

    def _placed(self, points: Tensor) -> Tensor:
        """(S, 3) where to move keypoints (S, 17, 3) so that, seen from afar, they are nearest to the given ones."""
        weight = self.precision**2 / (self.precision**2).sum()
        focal = torch.tensor(self.camera.focal, dtype=torch.float64)
        target = (self.target - torch.tensor(self.camera.principal, dtype=torch.float64)) / focal
        own, wanted = (weight[:, None] * points[..., :2]).sum(1), (weight[:, None] * target).sum(0)
        apart, goal = points[..., :2] - own[:, None], target - wanted
        spread = (weight[:, None] * goal**2).sum().sqrt()
        scale = spread / (weight[:, None] * apart**2).sum((1, 2)).sqrt()
        depth = 1 / scale.clamp(min=1e-6)
        xy = wanted * depth[:, None] - own
        return torch.cat([xy, depth[:, None]], 1)

    def residuals(self, x: Tensor, root: Tensor, component: Tensor, coarse: bool) -> dict[str, Tensor]:
        """Numbers (B, M) of each kind, in standard deviations."""
        rotation = exponential(x[:, 48:51]) @ root
        rotations, positions = self.skeleton.bones(x[:, :48].reshape(-1, 16, 3), rotation, x[:, 51:54])
        shown = self._project(self.skeleton.points(self.keypoints, rotations, positions))
        pitch = x[:, 54]
        up = torch.stack([0 * pitch, -pitch.cos(), -pitch.sin()], 1)
        seen_up = (rotation.transpose(1, 2) @ up[..., None])[..., 0]
        pose = torch.cat([x[:, :48], seen_up], 1)
        apart = (pose - self.means[component])[:, None]
        out = {
            "keypoints": ((shown - self.target) * self.precision[:, None] / (_COARSE if coarse else 1)).flatten(1),
            "prior": _TEMPER**0.5 * (apart @ self.factors[component])[:, 0],
            "limits": ((self.low - x[:, :48]).clamp(min=0) + (x[:, :48] - self.high).clamp(min=0)) / _LIMIT,
            "pitch": ((pitch - PITCH) / PITCH_SPREAD)[:, None],
            "near": (0.5 - x[:, 53:54]).clamp(min=0) / 0.05,
        }
        if self.before is not None:
            out["before"] = (x[:, :48] - self.before) / 0.2
        if self.surface is not None and not coarse:
            pixels = self._project(self.skeleton.points(self.surface, rotations, positions))
            if self.sides is not None:
                found = torch.cat([pixels.amin(1), pixels.amax(1)], 1)
                known = ~torch.isnan(self.sides)
                out["box"] = torch.where(known, found - torch.nan_to_num(self.sides), 0) / (0.08 * self.size)
            if self.mask is not None:
                out["silhouette"] = self._silhouette(pixels)
        return out

    def _silhouette(self, pixels: Tensor) -> Tensor:
        assert self.mask is not None
        height, width = self.mask.shape[:2]
        limits = pixels.new_tensor([width - 1, height - 1])
        column, row = torch.minimum(pixels.detach() + 0.5, limits).clamp(min=0).long().unbind(-1)
        nearest = self.mask[row, column]
        outside = torch.where((nearest - pixels).abs().amax(-1, keepdim=True) > 1, pixels - nearest, 0)
        gaps = torch.cdist(self.edge.expand(len(pixels), -1, -1), pixels.detach())
        found = torch.gather(pixels, 1, gaps.argmin(2)[..., None].expand(-1, -1, 2)) - self.edge
        size = found.square().sum(-1, keepdim=True).clamp(min=1e-9).sqrt()
        missing = found * (1 - 0.04 * self.size / size).clamp(min=0)  # points leave gaps
        count = (outside.shape[1] / 17) ** 0.5
        return torch.cat([outside, missing], 1).flatten(1) / (0.05 * self.size * count)

    def _project(self, points: Tensor) -> Tensor:
        depth = points[..., 2:].clamp(min=0.1)
        return self.camera.project(torch.cat([points[..., :2], depth], -1))

    def descend(
        self, x: Tensor, root: Tensor, component: Tensor, steps: int, coarse: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Levenberg and Marquardt's steps for every state; returns the states and their energies."""

        def stacked(state: Tensor) -> Tensor:
            return torch.cat(list(self.residuals(state, root, component, coarse).values()), 1)

        def measured(state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            """Energies (B,), residuals (B, M) and weights (B, M)."""
            parts = self.residuals(state, root, component, coarse)
            energy, weights = _TEMPER * self.offsets[component], []
            for name, value in parts.items():
                if name in ("keypoints", "silhouette"):  # in pairs
                    square = value.reshape(len(value), -1, 2).square().sum(2).repeat_interleave(2, 1)
                    energy = energy + _bounded(square)[:, ::2].sum(1)
                    weights.append(1 / (1 + square / _ROBUST**2) ** 2)
                elif name == "box":
                    energy = energy + _bounded(value**2).sum(1)
                    weights.append(1 / (1 + value**2 / _ROBUST**2) ** 2)
                else:
                    energy = energy + value.square().sum(1)
                    weights.append(torch.ones_like(value))
            return energy, torch.cat(list(parts.values()), 1), torch.cat(weights, 1)

        energy, rest, weight = measured(x)
        damping = torch.full_like(energy, 1e-2)
        basis = torch.eye(x.shape[1], dtype=x.dtype)[:, None].expand(-1, len(x), -1)
        changed: Tensor | None = None
        for _ in range(steps):
            if changed is None or bool(changed.any()):
                jacobian = _jacobian(stacked, x, basis)
            weighted = jacobian * weight
            matrix = torch.einsum("pbm,qbm->bpq", weighted, jacobian)
            gradient = torch.einsum("pbm,bm->bp", weighted, rest)
            diagonal = torch.diagonal(matrix, dim1=1, dim2=2)
            step = -torch.linalg.solve(matrix + torch.diag_embed(damping[:, None] * diagonal + 1e-6), gradient)
            step = step * (1.0 / step[:, :51].abs().amax(1, keepdim=True).clamp(min=1.0))
            tried = x + step
            other = measured(tried)
            changed = other[0] < energy
            gain = torch.where(changed, (energy - other[0]) / energy.abs().clamp(min=1), 0)
            x = torch.where(changed[:, None], tried, x)
            energy, rest, weight = (
                torch.where(changed if new.ndim == 1 else changed[:, None], new, old)
                for new, old in zip(other, (energy, rest, weight), strict=True)
            )
            damping = torch.where(changed, damping * 0.3, damping * 6).clamp(1e-6, 1e8)
            if bool((gain < 1e-4).all()) and bool((changed | (damping > 1e3)).all()):
                break
        return x, energy

    def result(self, x: Tensor, root: Tensor, component: int) -> FittedBody:
        """The body of one state."""
        parts = self.residuals(x[None], root[None], torch.tensor([component]), coarse=False)
        body = Body(self.model, self.rest)
        for k, vector in enumerate(self.prior.resting):
            body.local[k] = exponential(torch.from_numpy(vector)).numpy()
        joints = x[:48].numpy()
        rotation = (exponential(x[48:51]) @ root).numpy()
        body.place_root(x[51:54].numpy(), rotation)
        set_pose(body, joints)
        vertices = body.skin()
        pitch = float(x[54])
        up = np.array([0.0, -np.cos(pitch), -np.sin(pitch)])
        keypoints = body.keypoints(vertices)
        shown = self.camera.project(torch.from_numpy(keypoints)).numpy()
        missed = np.linalg.norm(shown - self.target.numpy(), axis=1)[self.seen] / self.size
        residuals = {
            "keypoints": float(np.median(missed)),
            "prior": float((parts["prior"].square().mean() / _TEMPER).sqrt()),
        }
        warnings = []
        if residuals["keypoints"] > 0.1:
            warnings.append("the body does not meet the keypoints; they may be wrong, or the pose unusual")
        elif (missed > 0.25).any():
            names = ", ".join(np.array(KEYPOINT_NAMES)[self.seen][missed > 0.25])
            warnings.append(f"the body is far from some keypoints, which were taken for mistakes: {names}")
        if self.seen[11:].sum() < 2:
            warnings.append("hardly a keypoint below the chest is seen: legs are the prior's, and the depth uncertain")
        return FittedBody(
            vertices,
            self.model.faces,
            keypoints,
            np.concatenate([joints, rotation.T @ up]),
            rotation,
            up,
            residuals,
            tuple(warnings),
        )


def _bounded(square: Tensor) -> Tensor:
    """Geman and McClure's loss of squared residuals."""
    return square / (1 + square / _ROBUST**2)


def _jacobian(function: Callable[[Tensor], Tensor], x: Tensor, basis: Tensor) -> Tensor:
    """(P, B, M) derivatives of a function that treats the B rows of x (B, P) apart."""
    return torch.func.vmap(lambda tangent: torch.func.jvp(function, (x,), (tangent,))[1])(basis)


def _between(a: Tensor, b: Tensor) -> Tensor:
    """The smallest rotation (3, 3) from one direction to another."""
    from interplay.body.geometry import rotation_between

    return torch.from_numpy(rotation_between(a.numpy(), b.numpy()))


assert len(JOINTS) == 16

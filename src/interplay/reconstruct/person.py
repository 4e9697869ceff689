"""A person's body in 3D from keypoints in a photograph: Anny fitted to them, with a prior of poses.

As SMPLify does (Bogo et al., Keep It SMPL, ECCV 2016), the body is moved until its joints' projections meet the
keypoints, while the pose stays likely: here under a mixture of Gaussians learnt from the generated world
(``experiments/pose_prior.py``). Depth, the height of the person and the camera cannot be told from keypoints: people
are adults of average height, and the camera's focal length is assumed where it is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interplay.body.geometry import Array
from interplay.body.joints import set_pose
from interplay.body.kinematics import exponential
from interplay.body.model import load_body_model
from interplay.body.pose import Body
from interplay.errors import InputError
from interplay.keypoints import KEYPOINT_NAMES
from interplay.ops.backends import to_numpy
from interplay.ops.boxes import box_iou

from .camera import Intrinsics
from .person_descent import descend
from .person_terms import TEMPER, BodyTerms

FOCAL = 1.2
"""Focal length that is assumed for a photograph, in longer sides of it: 45 degrees across, a telephone's main camera
is 1.0 to 1.1, photographs in data sets are often cut to less."""

SEEN = 0.2
"""Scores of keypoints below this are not used."""
LEAST = 4
"""Keypoints that a fit needs."""

FILLED = 0.7
"""Overlap with the person's box below which a body is probably wrong, see ``experiments/body_warnings.py``."""
DOUBTFUL = 1 / 3
"""Mean score of the keypoints that are used below which a body is probably wrong, see there."""

_KEPT = 6  # states that go on to the end


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
            "prior": how unlikely the pose is, in standard deviations per number (1 is usual); "energy": what is left of
            all terms, to compare fits to the same keypoints; "box", where one is given: overlap (IoU) with it of the
            box around what is in the picture of the body.
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
    terms = BodyTerms(points, seen, camera, rest, noise, _checked_box(box))
    terms.look_at(mask, unknown, size)
    x, root, component = terms.starts(None if start is None else start.pose)
    order = torch.argsort(descend(terms, x, root, component, 0, coarse=True)[1])
    x, energy = descend(terms, x[order], root[order], component[order], 8, coarse=True)
    root, component = root[order], component[order]
    best = torch.argsort(energy)[:_KEPT]
    x, root, component = x[best], root[best], component[best]
    x, energy = descend(terms, x, root, component, 30)
    k = int(energy.argmin())
    return _result(terms, x[k], root[k], int(component[k]), float(energy[k]), size)


def _checked_box(box: Any) -> Array | None:
    if box is None:
        return None
    found = to_numpy(box).astype(np.float64)
    if found.shape != (4,) or not np.isfinite(found).all() or (found[2:] <= found[:2]).any():
        raise InputError(f"box: expected x1, y1, x2, y2 with x1 < x2 and y1 < y2, got {found.tolist()}")
    return found


def _box_overlap(pixels: Array, box: Array, picture: tuple[int, int] | None) -> float:
    """Overlap of the box around a body's pixels (V, 2), as far as they are in the picture, with the person's."""
    if picture is not None:
        pixels = pixels.clip(0, picture)
    around = np.concatenate([pixels.min(0), pixels.max(0)])
    return float(box_iou(around[None], box[None])[0, 0])


def _result(
    terms: BodyTerms, x: Tensor, root: Tensor, component: int, energy: float, picture: tuple[int, int] | None
) -> FittedBody:
    """The body of one state."""
    parts = terms.residuals(x[None], root[None], torch.tensor([component]), coarse=False)
    body = Body(terms.model, terms.rest)
    for k, vector in enumerate(terms.prior.resting):
        body.local[k] = exponential(torch.from_numpy(vector)).numpy()
    joints = x[:48].numpy()
    rotation = (exponential(x[48:51]) @ root).numpy()
    body.place_root(x[51:54].numpy(), rotation)
    set_pose(body, joints)
    vertices = body.skin()
    pitch = float(x[54])
    up = np.array([0.0, -np.cos(pitch), -np.sin(pitch)])
    keypoints = body.keypoints(vertices)
    shown = terms.camera.project(torch.from_numpy(keypoints)).numpy()
    missed = np.linalg.norm(shown - terms.target.numpy(), axis=1)[terms.seen] / terms.size
    residuals = {
        "keypoints": float(np.median(missed)),
        "prior": float((parts["prior"].square().mean() / TEMPER).sqrt()),
        "energy": energy,
    }
    if terms.box is not None:
        residuals["box"] = _box_overlap(terms.camera.project(torch.from_numpy(vertices)).numpy(), terms.box, picture)
    warnings = []
    if residuals.get("box", 1.0) < FILLED:
        warnings.append(
            f"the body fills the person's box badly (IoU {residuals['box']:.2f}): the keypoints probably are not this "
            "person's, or most of the person is hidden; do not rely on this body"
        )
    score = float(np.mean(terms.points[terms.seen, 2]))
    if score < DOUBTFUL:
        warnings.append(f"the keypoints are doubtful (mean score {score:.2f}); do not rely on this body")
    if residuals["keypoints"] > 0.1:
        warnings.append("the body does not meet the keypoints; they may be wrong, or the pose unusual")
    elif (missed > 0.25).any():
        names = ", ".join(np.array(KEYPOINT_NAMES)[terms.seen][missed > 0.25])
        warnings.append(f"the body is far from some keypoints, which were taken for mistakes: {names}")
    if terms.seen[11:].sum() < 2:
        warnings.append(
            "hardly a keypoint below the chest is seen: the legs and the distance of the person are guessed"
        )
    return FittedBody(
        vertices,
        terms.model.faces,
        keypoints,
        np.concatenate([joints, rotation.T @ up]),
        rotation,
        up,
        residuals,
        tuple(warnings),
    )

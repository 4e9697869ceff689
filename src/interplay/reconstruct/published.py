"""The published fit of InteractVLM, step by step, to compare with; `interplay.reconstruct.fit` is the one to use.

It rarely finds the object: the starting rotation comes from one step to the closest points, contact pulls every point
to the middle of all others, and the silhouette has no gradient where it does not meet the mask. All points are relative
to the mean of the person's vertices, in the camera's frame (x right, y down, z forward), and rows (``x @ R + t``).

Source: Dwivedi et al., InteractVLM, CVPR 2025, section 3.4, and its published code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from interplay.body.alignment import Similarity, align, rotation_from_6d, rotation_to_6d, transformed
from interplay.errors import InputError

from .camera import Intrinsics
from .scene import HUMAN_CONTACT, OBJECT_CONTACT, PICTURE, Inputs
from .silhouette import soft_silhouette

MASK_WEIGHT, CENTROID_WEIGHT, CONTACT_WEIGHT = 5.0, 1e-4, 10.0
ROTATION_RATE, TRANSLATION_RATE, SCALE_RATE = 5e-2, 1e-2, 1e-2
STEPS = 250


class Icp(NamedTuple):
    """Result of `closest_point_start`: the transform, the distance that is left, and how it ended."""

    transform: Similarity
    rmse: float
    iterations: int
    converged: bool


class Terms(NamedTuple):
    """The loss and its weighted parts."""

    total: Tensor
    mask: Tensor
    centroid: Tensor
    contact: Tensor


@dataclass(frozen=True)
class Scene:
    """What the published fit is given.

    Attributes:
        human: (V, 3) vertices less their mean.
        offset: (3,) that mean, in the camera's frame.
        human_contact: (V,) scores.
        object: (W, 3) vertices less their mean, y and z turned round from the file's.
        faces: (F, 3) of the object.
        object_contact: (W,) scores.
        mask: (height, width) of the object in the photograph, 0 or 1.
        camera: the photograph's.
    """

    human: Tensor
    offset: Tensor
    human_contact: Tensor
    object: Tensor
    faces: Tensor
    object_contact: Tensor
    mask: Tensor
    camera: Intrinsics

    def silhouette(self, placed: Tensor) -> Tensor:
        """Soft silhouette (height, width) of the object's vertices where they are placed."""
        points = placed + self.offset
        return soft_silhouette(
            self.camera.project(points), points[:, 2], self.faces, (len(self.mask), self.mask.shape[1])
        )


def centred_object(vertices: Tensor) -> Tensor:
    """An object's vertices (V, 3) as the published fit starts with them: y up becomes y down."""
    return (vertices - vertices.mean(0)) * vertices.new_tensor([1.0, -1.0, -1.0])


def centroid(image: Tensor) -> Tensor:
    """Mean row and column (2,) of an image (H, W), weighted by its values."""
    rows, columns = (torch.arange(n, dtype=image.dtype, device=image.device) for n in image.shape)
    total = image.sum()
    return torch.stack([(image.sum(1) * rows).sum(), (image.sum(0) * columns).sum()]) / total


def first_translation(scene: Scene) -> Tensor:
    """Where the object starts (3,): near the person's middle, for two of the mask's pixels stand for its centroid and
    the depth is relative to the person."""
    pixels = scene.mask.nonzero().to(scene.human.dtype)
    depth = scene.human[scene.human_contact > HUMAN_CONTACT, 2].mean()
    row, column = pixels[0].mean(), pixels[1].mean()
    (fx, fy), (cx, cy) = scene.camera.focal, scene.camera.principal
    return torch.stack([(column - cx) * depth / fx, (row - cy) * depth / fy, depth])


def closest_point_start(
    source: Tensor,
    source_normals: Tensor,
    target: Tensor,
    target_normals: Tensor,
    translation: Tensor,
    scale: bool = False,
    steps: int = 10,
) -> Icp:
    """The start's "iterated closest points", of which only one step takes effect.

    Each of the object's points is paired with the person's point that is nearest in position and opposite normal
    together (6D). The published code looks from the initial place in each step, so nothing changes after the first.

    Args:
        source, source_normals: (N, 3) of the object's points in contact.
        target, target_normals: (M, 3) of the person's.
        translation: (3,) initial.
        scale: also find the object's scale.
        steps: at most.
    """
    query = torch.cat([source + translation, source_normals], 1)
    nearest = torch.cdist(query, torch.cat([target, -target_normals], 1)).argmin(1)
    found = align(source, target[nearest], scale=scale)
    rest = (transformed(source, *found) - target[nearest]).square().sum(1).mean().sqrt()
    return Icp(found, float(rest), min(2, steps), steps >= 2)


def vertex_normals(vertices: Tensor, faces: Tensor) -> Tensor:
    """(V, 3) unit normals, of the adjacent triangles' weighted by area."""
    a, b, c = vertices[faces].unbind(1)
    normals = torch.zeros_like(vertices)
    for corner in range(3):
        normals.index_add_(0, faces[:, corner], torch.linalg.cross(b - a, c - a))
    return torch.nn.functional.normalize(normals, dim=1)


def mask_loss(alpha: Tensor, mask: Tensor) -> Tensor:
    """1 less half of Dice's coefficient: at least 0.5, and 1 without a gradient where the two do not meet."""
    return 1 - (alpha * mask).sum() / (alpha + mask).sum()


def centroid_loss(alpha: Tensor, mask: Tensor) -> Tensor:
    """Squared distance in pixels between the silhouette's centroid and the middle of the mask's box."""
    rows, columns = mask.nonzero(as_tuple=True)
    middle = torch.stack([(each.min() + each.max()) / 2 for each in (rows, columns)]).to(alpha.dtype)
    return (centroid(alpha) - middle).square().sum()


def contact_loss(human: Tensor, human_contact: Tensor, object: Tensor, object_contact: Tensor) -> Tensor:
    """Mean distance of all pairs of points, weighted by the product of their scores."""
    mine, theirs = object_contact > 0, human_contact > 0  # the others count nothing
    weights = object_contact[mine, None] * human_contact[theirs]
    return (
        weights * torch.cdist(object[mine], human[theirs], compute_mode="donot_use_mm_for_euclid_dist")
    ).sum() / weights.sum()


def loss(scene: Scene, placed: Tensor, object_contact: Tensor) -> Terms:
    """The published loss of the object's vertices where they are placed."""
    alpha = scene.silhouette(placed)
    mask = MASK_WEIGHT * mask_loss(alpha, scene.mask)
    middle = CENTROID_WEIGHT * centroid_loss(alpha, scene.mask)
    contact = CONTACT_WEIGHT * contact_loss(scene.human, scene.human_contact, placed, object_contact)
    return Terms(mask + middle + contact, mask, middle, contact)


class Trajectory(NamedTuple):
    """A published fit, before each step and after the last.

    Attributes:
        similarities: the transforms.
        terms: loss and weighted parts before each step.
    """

    similarities: list[Similarity]
    terms: list[tuple[float, ...]]


def descend(scene: Scene, start: Similarity, steps: int = STEPS, scale: bool = False) -> Trajectory:
    """Adam's steps from a start."""
    six = rotation_to_6d(start.R).clone().requires_grad_()
    t = start.t.clone().requires_grad_()
    s = start.s.clone().requires_grad_(scale)
    groups = [{"params": [six], "lr": ROTATION_RATE}, {"params": [t], "lr": TRANSLATION_RATE}]
    optimiser = torch.optim.Adam(groups + ([{"params": [s], "lr": SCALE_RATE}] if scale else []))
    object_contact = torch.where(scene.object_contact > OBJECT_CONTACT, scene.object_contact, 0)
    found, history = [], []
    for _ in range(steps):
        found.append(Similarity(rotation_from_6d(six.detach()), t.detach().clone(), s.detach().clone()))
        terms = loss(scene, transformed(scene.object, rotation_from_6d(six), t, s), object_contact)
        history.append(tuple(float(each.detach()) for each in terms))
        optimiser.zero_grad()
        terms.total.backward()
        optimiser.step()
    found.append(Similarity(rotation_from_6d(six.detach()), t.detach().clone(), s.detach().clone()))
    return Trajectory(found, history)


def start(scene: Scene, human_normals: Tensor, scale: bool = False) -> Icp:
    """Where the published fit begins: one step to the closest points of the contact."""
    mine, theirs = scene.object_contact > OBJECT_CONTACT, scene.human_contact > HUMAN_CONTACT
    normals = vertex_normals(scene.object, scene.faces)
    return closest_point_start(
        scene.object[mine],
        normals[mine],
        scene.human[theirs],
        human_normals[theirs],
        first_translation(scene),
        scale,
    )


def scene_of(given: Inputs) -> Scene:
    """The scene of a whole fit, its silhouettes at most `PICTURE` pixels large."""
    size = given.mask.shape
    factor = min(1.0, PICTURE / max(size))
    height, width = (max(round(each * factor), 1) for each in size)
    rows = ((np.arange(height) + 0.5) / factor).astype(np.int64).clip(0, size[0] - 1)
    columns = ((np.arange(width) + 0.5) / factor).astype(np.int64).clip(0, size[1] - 1)
    mask = given.mask[rows][:, columns]
    if not mask.any():
        raise InputError("object_mask: nothing is left of it at the size of the fit; its parts are too thin")
    human = torch.from_numpy(given.human_vertices).float()
    return Scene(
        human - human.mean(0),
        human.mean(0),
        torch.from_numpy(given.human_contact).float(),
        centred_object(torch.from_numpy(given.object_vertices).float()),
        torch.from_numpy(given.object_faces),
        torch.from_numpy(given.object_contact).float(),
        torch.from_numpy(mask).float(),
        given.camera.cropped(0, 0, factor),
    )


def fit(given: Inputs, steps: int = STEPS) -> tuple[Similarity, list[float]]:
    """The whole published fit, and its loss before each step."""
    scene = scene_of(given)
    begin = start(scene, vertex_normals(scene.human, torch.from_numpy(given.human_faces)))
    found = descend(scene, begin.transform, steps)
    return found.similarities[-1], [terms[0] for terms in found.terms]

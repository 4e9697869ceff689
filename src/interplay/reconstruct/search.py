"""From many starting rotations to the few places of the object that fit best."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interplay.body.geometry import rotation

from .energy import Weights, evaluate
from .residuals import Pose, System
from .scene import Problem
from .tilts import Upright

_SAME_STEPS, _LONGEST_STEP = 20, 0.1  # after how many steps their lengths are chosen anew; radians and metres
_NEARER_FARTHER = (-0.08, -0.04, 0.04, 0.08)  # metres


def spread_rotations(count: int) -> Tensor:
    """(count, 3, 3) rotations evenly spread over all of them; the first is not special.

    Source: Alexa, Super-Fibonacci Spirals: Fast, Low-Discrepancy Sampling of SO(3), CVPR 2022.
    """
    phi, psi = math.sqrt(2), 1.533751168755204288118041
    s = torch.arange(count, dtype=torch.float64) + 0.5
    t, r, big = s / count, (s / count).sqrt(), (1 - s / count).sqrt()
    a, b = 2 * math.pi * s / phi, 2 * math.pi * s / psi
    del t
    return _from_quaternions(torch.stack([r * a.sin(), r * a.cos(), big * b.sin(), big * b.cos()], 1)).float()


def upright_rotations(upright: Upright, count: int) -> Tensor:
    """(count, 3, 3) rotations that bring the object's upward axis up, evenly spread around it."""
    axis, up = np.asarray(upright.axis, np.float64), np.asarray(upright.up, np.float64)
    frames = [np.stack([*_across(each), each], 1) for each in (axis, up)]
    turns = [rotation((0, 0, 1), 2 * math.pi * k / count) for k in range(count)]
    return torch.from_numpy(np.stack([frames[1] @ turn @ frames[0].T for turn in turns])).float()


def _across(axis: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two unit vectors that make a right-handed frame with a third."""
    first = np.cross(axis, np.eye(3)[np.abs(axis).argmin()])
    first /= np.linalg.norm(first)
    return first, np.cross(axis, first)


def _from_quaternions(q: Tensor) -> Tensor:
    x, y, z, w = q.unbind(1)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row, 1) for row in rows], 1)


def first_poses(problem: Problem, rotations: Tensor) -> Pose:
    """The object turned so and moved so that the middles of its contact and of what touches it meet. Where it may be
    touched in more places than it is, the one before the mask's middle then."""
    touches = problem.touches
    own, body = (
        torch.stack([(side.weights[:, None] * side.points).sum(0) for side in sides]).mean(0)
        for sides in ([each.own for each in touches], [each.body for each in touches])
    )
    moved = body - rotations @ own
    if len(touches) == 1 and touches[0].own_share < 1:
        moves = body - touches[0].own.points @ rotations.transpose(1, 2)
        sight = torch.nn.functional.normalize(_before_mask(problem), dim=0)
        away = torch.linalg.cross(moves, sight.expand_as(moves)).norm(dim=-1)
        moved = moves[torch.arange(len(moves)), away.argmin(1)]
    return Pose(rotations, moved, torch.ones(len(rotations)))


def poses_on_mask(problem: Problem, rotations: Tensor) -> Pose:
    """The object turned so, before the mask's middle at the depth of what touches it, or that its size suggests."""
    return Pose(rotations, _before_mask(problem).expand(len(rotations), 3), torch.ones(len(rotations)))


def _before_mask(problem: Problem) -> Tensor:
    middle = problem.pixels.mean(0) - problem.pixels.new_tensor(problem.camera.principal)
    return torch.cat([middle / problem.pixels.new_tensor(problem.camera.focal), torch.ones(1)]) * problem.depth


def descend(
    problem: Problem,
    pose: Pose,
    weights: Weights,
    steps: int,
    spread: float = 0.0,
    fine: bool = False,
    tolerance: float = 1e-4,
) -> tuple[Pose, System, list[Tensor]]:
    """Levenberg and Marquardt's steps for every place; ends early when none gets better by more than `tolerance`.

    Returns:
        The places, their terms, and the energies (B,) after each step.
    """
    system = evaluate(problem, pose, weights, spread, fine)
    damping = torch.full_like(system.energy, 1e-2)
    history = [system.energy]
    for _ in range(steps):
        diagonal = torch.diagonal(system.curvature, dim1=1, dim2=2).clone()
        if not spread:
            diagonal[:, 6] = 1.0
        mean = diagonal[:, :6].mean(1, keepdim=True)
        added = damping[:, None] * (diagonal + 1e-2 * mean) + 1e-9
        matrix = system.curvature + torch.diag_embed(added)
        gradient = system.gradient.clone()
        if not spread:
            matrix[:, 6, :], matrix[:, :, 6], gradient[:, 6] = 0.0, 0.0, 0.0
            matrix[:, 6, 6] = 1.0
        step = -torch.linalg.solve(matrix, gradient)
        # beyond half a radian, the turn is not what the linear terms say
        turn = step[:, :3].norm(dim=1, keepdim=True)
        step = step * (0.5 / turn.clamp(min=1e-9)).clamp(max=1)
        tried = pose.moved(step)
        found = evaluate(problem, tried, weights, spread, fine)
        better = found.energy < system.energy
        gain = torch.where(better, (system.energy - found.energy) / system.energy.clamp(min=1e-12), 0)
        pose = Pose(*(_where(better, new, old) for new, old in zip(tried, pose, strict=True)))
        system = System(
            _where(better, found.energy, system.energy),
            _where(better, found.gradient, system.gradient),
            _where(better, found.curvature, system.curvature),
            {name: _where(better, value, system.parts[name]) for name, value in found.parts.items()},
        )
        damping = torch.where(better, damping * 0.3, damping * 5).clamp(1e-5, 1e6)
        history.append(system.energy)
        if bool((gain < tolerance).all()) and bool((better | (damping > 1e2)).all()):
            break
    return pose, system, history


def wander(
    problem: Problem,
    pose: Pose,
    weights: Weights,
    steps: int,
    spread: float,
    rng: np.random.Generator,
) -> Pose:
    """Random steps from one place, of which those to a better one are kept: they pass what descents end at, as pixels
    that are covered or not have no slope. Steps are long where the terms hardly change, and longer after a success.
    Every pixel is looked at."""
    reach, root, energy = 1.0, np.zeros((7, 7)), math.inf
    for number in range(steps):
        if number % _SAME_STEPS == 0:
            system = evaluate(problem, pose, weights, spread, fine=True)
            root, energy = _lengths(system, spread), float(system.energy)
        step = reach * root @ rng.normal(size=7)
        tried = pose.moved(torch.from_numpy(step).float()[None])
        found = float(evaluate(problem, tried, weights, spread, fine=True, slopes=False).energy)
        if found < energy:
            pose, energy, reach = tried, found, min(2 * reach, 2.0)
        else:
            reach = max(0.9 * reach, 0.02)
    return pose


def _lengths(system: System, spread: float) -> NDArray[np.float64]:
    """(7, 7) by which random numbers become steps that each change the energy by about a part of it."""
    free = 7 if spread else 6
    values, vectors = np.linalg.eigh(system.curvature[0, :free, :free].double().numpy())
    length = np.sqrt(max(float(system.energy), 1e-6) / free / np.maximum(values, 1e-9))
    root = np.zeros((7, 7))
    root[:free, :free] = vectors * np.minimum(length, _LONGEST_STEP)
    return root


def around(pose: Pose, count: int, angle: float, shift: float, deeper: float, rng: np.random.Generator) -> Pose:
    """`count` places near each: turned by up to `angle`, moved by about `shift` metres, and by about `deeper` metres
    along the line of sight, where the picture hardly changes."""
    index = torch.arange(len(pose.t)).repeat_interleave(count)
    axis = rng.normal(size=(len(index), 3))
    step = np.zeros((len(index), 7))
    step[:, :3] = axis / np.linalg.norm(axis, axis=1, keepdims=True) * angle * rng.random((len(index), 1))
    sight = pose.t[index].double().numpy()
    sight /= np.linalg.norm(sight, axis=1, keepdims=True)
    step[:, 3:6] = shift * rng.normal(size=(len(index), 3)) + deeper * rng.normal(size=(len(index), 1)) * sight
    return pose.take(index).moved(torch.from_numpy(step).float())


def look_alikes(problem: Problem, pose: Pose) -> Pose:
    """Ten other places for each that nearly look the same: a little nearer and farther, and, if the object is nearly
    symmetric, half turns around its principal axes, and turns that tilt it away from the camera by as much as it was
    tilted towards it."""
    points = problem.surface.points - problem.surface.points.mean(0)
    _, axes = torch.linalg.eigh(points.T @ points)
    one = torch.eye(3)
    mirrors = one - 2 * axes.T[:, :, None] * axes.T[:, None]  # (3, 3, 3), at the planes across the axes
    sight = torch.nn.functional.normalize(pose.t, dim=1)
    tilted = (one - 2 * sight[:, :, None] * sight[:, None])[:, None] @ pose.R[:, None] @ mirrors
    turned = -pose.R[:, None] @ mirrors
    shifts = pose.t.new_tensor(_NEARER_FARTHER)
    kept = pose.R[:, None].expand(-1, len(shifts), -1, -1)
    moved = pose.t[:, None] + shifts[:, None] * sight[:, None]
    return Pose(
        torch.cat([turned, tilted, kept], 1).flatten(0, 1),
        torch.cat([pose.t[:, None].expand(-1, 6, -1), moved], 1).flatten(0, 1),
        pose.s.repeat_interleave(6 + len(shifts)),
    )


def _where(chosen: Tensor, new: Tensor, old: Tensor) -> Tensor:
    return torch.where(chosen.reshape(-1, *[1] * (new.ndim - 1)), new, old)


def distinct(pose: Pose, energy: Tensor, count: int, radius: float) -> Tensor:
    """Indices of the best `count` places of which no two are within a tenth of the object's radius."""
    kept: list[int] = []
    for index in torch.argsort(energy, stable=True).tolist():
        if all(_apart(pose, index, other, radius) > 0.1 * radius for other in kept):
            kept.append(index)
        if len(kept) == count:
            break
    return torch.tensor(kept, dtype=torch.long)


def new(pose: Pose, known: Pose, radius: float) -> Tensor:
    """Indices of the places that are not within a tenth of the object's radius of known ones."""
    both = Pose(*(torch.cat(each) for each in zip(pose, known, strict=True)))
    count = len(pose.t)
    far = [all(_apart(both, i, j, radius) > 0.1 * radius for j in range(count, len(both.t))) for i in range(count)]
    return torch.nonzero(torch.tensor(far, dtype=torch.bool))[:, 0]


def _apart(pose: Pose, i: int, j: int, radius: float) -> float:
    turned = (pose.R[i] - pose.R[j]).norm() / math.sqrt(2)
    return float(radius * turned + (pose.t[i] - pose.t[j]).norm())

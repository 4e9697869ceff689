"""Silhouettes and depths of projected meshes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from interplay.reconstruct.silhouette import BLUR_RADIUS, SIGMA, depth_buffer, soft_silhouette

SIZE = (17, 24)


def _mesh(seed: int, triangles: int = 8) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.rand((3 * triangles, 2), generator=generator, dtype=torch.float64) * torch.tensor([28.0, 20]) - 2
    depth = 1 + torch.rand(3 * triangles, generator=generator, dtype=torch.float64)
    return pixels, depth, torch.arange(3 * triangles).reshape(-1, 3)


def _reference(pixels: Tensor, faces: Tensor, size: tuple[int, int]) -> Tensor:
    """Pixel by pixel and triangle by triangle, in PyTorch3D's units."""
    half = min(size) / 2
    covered = []
    for row in range(size[0]):
        for column in range(size[1]):
            point = torch.tensor([column + 0.5, row + 0.5], dtype=pixels.dtype)
            clear = torch.ones((), dtype=pixels.dtype)
            for triangle in pixels[faces]:
                sides, distances = [], []
                for k in range(3):
                    a, b = triangle[k], triangle[(k + 1) % 3]
                    share = ((point - a) @ (b - a) / ((b - a) @ (b - a))).clamp(0, 1)
                    distances.append(((point - a - share * (b - a)) ** 2).sum() / half**2)
                    sides.append(bool((b - a)[0] * (point - a)[1] - (b - a)[1] * (point - a)[0] > 0))
                inside = all(sides) or not any(sides)
                distance = torch.stack(distances).min()
                if inside or distance < BLUR_RADIUS:
                    clear = clear * (1 - torch.sigmoid((distance if inside else -distance) / SIGMA))
            covered.append(1 - clear)
    return torch.stack(covered).reshape(size)


def test_value_and_gradient_are_the_definitions() -> None:
    pixels, depth, faces = _mesh(0, 4)
    weights = torch.rand(SIZE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    results = []
    for draw in (lambda p: soft_silhouette(p, depth, faces, SIZE), lambda p: _reference(p, faces, SIZE)):
        leaf = pixels.clone().requires_grad_()
        alpha = draw(leaf)
        (alpha * weights).sum().backward()
        results.append((alpha.detach(), leaf.grad))
    np.testing.assert_allclose(results[0][0], results[1][0], atol=1e-6)
    np.testing.assert_allclose(results[0][1], results[1][1], atol=1e-5)
    assert float(results[0][1].abs().max()) > 0.1


def test_what_is_behind_the_camera_or_has_no_area_is_not_drawn() -> None:
    pixels, depth, faces = _mesh(2, 1)
    assert float(soft_silhouette(pixels, -depth, faces, SIZE).max()) == 0
    assert torch.isinf(depth_buffer(pixels, -depth, faces, SIZE)).all()
    assert float(soft_silhouette(pixels[:1].expand(3, 2), depth, faces, SIZE).max()) == 0


def test_of_many_triangles_the_nearest_count() -> None:
    square = torch.tensor([[4.0, 4], [12, 4], [4, 12]])
    pixels = torch.cat([square + torch.tensor([0.0, 0.4]) * k for k in range(3)])
    depth = torch.tensor([1.0, 2, 3]).repeat_interleave(3)
    faces = torch.arange(9).reshape(3, 3)
    alone = soft_silhouette(pixels[:3], depth[:3], faces[:1], SIZE)
    touched = alone > 0
    one, all_three = (soft_silhouette(pixels, depth, faces, SIZE, faces_per_pixel=most)[touched] for most in (1, 3))
    np.testing.assert_allclose(one, alone[touched], atol=1e-6)
    assert float((all_three - alone[touched]).max()) > 0.1


@pytest.mark.parametrize("seed", range(3))
def test_depth_is_that_of_the_nearest_triangle(seed: int) -> None:
    pixels, depth, faces = _mesh(seed)
    found = depth_buffer(pixels, depth, faces, SIZE)
    rng = np.random.default_rng(seed)
    for row, column in rng.integers([0, 0], SIZE, (60, 2)):
        nearest = math.inf
        for face in faces.tolist():
            a, b, c = (np.append(pixels[k], 1.0) for k in face)
            w = np.linalg.solve(np.stack([a, b, c], 1), [column + 0.5, row + 0.5, 1.0])
            if (w >= 0).all():
                nearest = min(nearest, 1 / float((w / depth[face].numpy()).sum()))
        assert float(found[row, column]) == pytest.approx(nearest)

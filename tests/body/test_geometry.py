"""Cameras, rays and meshes."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("embreex")

from interplay.body.cameras import Camera
from interplay.body.materials import Material
from interplay.body.meshes import Mesh, box, cylinder, ellipsoid, refine
from interplay.body.raycast import RayScene

GREY = Material((0.5, 0.5, 0.5))


def test_rays_and_projection_agree() -> None:
    camera = Camera.looking_at((0, -5, 1), (0, 0, 1), 500, 200, 100)
    points = np.array([[0.0, 0, 1], [0.5, 0.2, 1.3]])
    pixels, depth = camera.project(points)
    np.testing.assert_allclose(pixels[0], [100, 50], atol=1e-6)
    rays = camera.rays(pixels)
    np.testing.assert_allclose(camera.position + rays * depth[:, None], points, atol=1e-6)


def test_first_hits_are_the_nearest_surface() -> None:
    near, far = box((1, 1, 1), GREY), box((4, 1, 4), GREY, (0, 3, 0))
    hits = RayScene([(m.vertices, m.faces) for m in (near, far)]).cast(
        np.array([0.0, -5, 0]), np.array([[0, 1.0, 0], [0.25, 1, 0], [0, -1, 0]])
    )
    assert hits.mesh.tolist() == [0, 1, -1]
    np.testing.assert_allclose(hits.distance[:2], [4.5, 7.5], atol=1e-4)


@pytest.mark.parametrize(
    "mesh", [box((1, 2, 3), GREY), ellipsoid((0, 0, 0), 1.0, GREY), cylinder((0, 0, 0), (0, 0, 2), 0.5, GREY)]
)
def test_shapes_face_outwards_and_refine_without_moving(mesh: Mesh) -> None:
    def volume(m: Mesh) -> float:
        a, b, c = m.vertices[m.faces].transpose(1, 0, 2)
        return float((a * np.cross(b, c)).sum() / 6)

    assert volume(mesh) > 0
    fine = refine(mesh, 0.2)
    assert len(fine.faces) > len(mesh.faces)
    assert volume(fine) == pytest.approx(volume(mesh), rel=1e-6)

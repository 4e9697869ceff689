"""Pictures of meshes from InteractVLM's views."""

from __future__ import annotations

import numpy as np
import pytest

from interplay.body.cameras import View, view_set
from interplay.body.views import draw_views, unit_object, upright_body, vertex_normals

pytest.importorskip("embreex")


def sphere() -> tuple[np.ndarray, np.ndarray]:
    trimesh = pytest.importorskip("trimesh")
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.5)
    return np.asarray(ball.vertices), np.asarray(ball.faces)


def test_normals_of_a_sphere_point_outwards() -> None:
    vertices, faces = sphere()
    np.testing.assert_allclose(vertex_normals(vertices, faces), vertices / 0.5, atol=0.02)


def test_a_body_is_painted_by_its_normals_on_white() -> None:
    shown = draw_views(*sphere(), view_set("4MV-Z_Vitru"), 64)
    assert shown.images.shape == (4, 64, 64, 3)
    assert (shown.images[shown.pix_to_face < 0] == 255).all()
    assert (shown.images[shown.pix_to_face >= 0] < 255).any(-1).all(), "nothing of the body is as white as beside it"
    front = draw_views(*sphere(), {"front": View(2, 0, 0)}, 65).images[0].astype(int)
    left, right, upper, lower = front[32, 24], front[32, 40], front[24, 32], front[40, 32]
    assert right[0] > left[0], "red is to the side of +x"
    assert upper[1] > lower[1], "green is up"
    assert front[32, 32, 2] > front[32, 32, 0], "blue is towards +z"


def test_light_comes_from_the_side_of_the_view() -> None:
    lit = draw_views(*sphere(), {"near": View(2, 0, 0)}, 33, "positions").images[0, 16, 16].astype(int)
    dark = draw_views(*sphere(), {"topback": View(2, 0, 0)}, 33, "positions").images[0, 16, 16].astype(int)
    assert (lit > dark).all()


def test_bodies_and_objects_are_brought_into_view() -> None:
    person = np.array([[0.1, 0, 0], [0.1, -0.2, 1.7], [0.1, 0.2, 1.0]])  # its face at -y
    turned = upright_body(person)
    assert turned[1, 1] == pytest.approx(1.7 / 2 - 0.33)
    assert turned[1, 2] > turned[2, 2], "the face is towards +z"
    thing = unit_object(np.array([[0, 0, 0], [4.0, 1, 0], [4, 0, 2]]))
    assert np.ptp(thing, axis=0).max() == pytest.approx(1)
    np.testing.assert_allclose(thing.mean(0), 0, atol=1e-12)

"""The generated world's parts, through the picture that they make up."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("embreex")
pytest.importorskip("anny")

from interplay.body.camera import Camera
from interplay.body.materials import Material
from interplay.body.meshes import box, cylinder, ellipsoid, refine
from interplay.body.raycast import RayScene
from interplay.world.posing.limbs import solve_arm

GREY = Material((0.5, 0.5, 0.5))


@pytest.fixture(scope="module")
def example() -> dict:
    return runpy.run_path(str(Path(__file__).parents[3] / "examples" / "make_sample.py"))


def test_the_hand_holds_the_racket(example: dict) -> None:
    """The racket's handle lies within a hand's thickness of the palm, and the arm is within its limits."""
    person, pose = example["player"]()
    body = person.body
    vertices = person.vertices()
    hand = vertices[body.model.part == list(_parts()).index("right hand")]
    handle = np.linspace(0, 0.2, 50)[:, None] * pose[:3, 2] + pose[:3, 3]
    distance = np.linalg.norm(hand[:, None] - handle, axis=-1).min()
    assert distance < 0.025
    assert abs(np.linalg.det(pose[:3, :3]) - 1) < 1e-6


def _parts() -> tuple[str, ...]:
    from interplay.body.model import PARTS

    return PARTS


def test_arms_reach_what_is_in_reach_and_say_what_is_not(example: dict) -> None:
    body = example["player"]()[0].body
    shoulder = body.joint("upperarm01.L").copy()
    near = solve_arm(body, "L", shoulder + np.array([0.1, -0.35, -0.1]))
    assert near.reach_error == 0
    np.testing.assert_allclose(body.joint("wrist.L"), shoulder + np.array([0.1, -0.35, -0.1]), atol=0.03)
    assert solve_arm(body, "L", shoulder + np.array([0, -3.0, 0]), apply=False).reach_error > 2


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
def test_shapes_face_outwards_and_refine_without_moving(mesh) -> None:
    def volume(m) -> float:
        a, b, c = m.vertices[m.faces].transpose(1, 0, 2)
        return float((a * np.cross(b, c)).sum() / 6)

    assert volume(mesh) > 0
    fine = refine(mesh, 0.2)
    assert len(fine.faces) > len(mesh.faces)
    assert volume(fine) == pytest.approx(volume(mesh), rel=1e-6)


def test_the_sample_is_what_the_example_makes(example: dict) -> None:
    """Not byte for byte, which other processors may round otherwise, but to the eye."""
    from interplay import read_image
    from interplay.samples import sample_path

    made = example["render"](example["scene"](), np.random.default_rng(0)).image.astype(float)
    shipped = read_image(sample_path()).astype(float)
    assert made.shape == shipped.shape
    assert np.abs(made - shipped).mean() < 3

"""Reconstructions as files and pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from interplay.body.cameras import Camera
from interplay.body.materials import Material
from interplay.body.meshes import box
from interplay.errors import InputError
from interplay.reconstruct import Fit, Intrinsics, Scene

CUBE = box((1.0, 1.0, 1.0), Material((0.5, 0.5, 0.5)))
PERSON = CUBE.at(0.0, 0.0, 5.0)
FIT = Fit(np.eye(3), np.array([1.5, 0.2, 5.0]), 0.5, 1.0)
CAMERA = Intrinsics((100.0, 100.0), (50.0, 40.0))


def _scene(camera: Camera | Intrinsics = CAMERA, human: object = None) -> Scene:
    vertices = PERSON.vertices
    if isinstance(camera, Camera):
        vertices = vertices @ camera.rotation + camera.position
    touched = np.arange(len(CUBE.vertices)) < 4
    return Scene(vertices, CUBE.faces, CUBE.vertices, CUBE.faces, FIT, camera, human, touched)


def test_a_glb_has_the_meshes_their_contact_and_the_camera(tmp_path: Path) -> None:
    trimesh = pytest.importorskip("trimesh")
    _scene().save_glb(tmp_path / "scene.glb", (100, 80))
    read = trimesh.load(tmp_path / "scene.glb")
    assert {"person", "object", "camera"} <= set(read.graph.nodes)
    placed, geometry = read.graph["object"]
    mesh = read.geometry[geometry]
    points = mesh.vertices @ placed[:3, :3].T + placed[:3, 3]
    # the camera's frame has y down and z forward, glTF y up and z backward
    np.testing.assert_allclose(points.mean(0), [1.5, -0.2, -5.0], atol=1e-5)
    np.testing.assert_allclose(np.ptp(points, axis=0), 0.5, atol=1e-5)
    red = (mesh.visual.vertex_attributes["color"][:, 0] == 214).sum()
    assert 0 < red < len(points)


def test_the_picture_shows_both_where_the_photograph_has_them() -> None:
    picture = _scene().picture(np.zeros((80, 100, 3), np.uint8), height=80)
    assert picture.shape == (80, 100 + 100 + 80 + 80, 3)
    assert not picture[:, :100].any()
    overlay = picture[:, 100:200].astype(int)
    assert overlay[40, 50].min() > 60  # the person, grey, in the middle
    rows, columns = np.nonzero(overlay[..., 0] > overlay[..., 2] + 40)  # the object, orange or red, to the right
    assert abs(columns.mean() - (50 + 100 * 1.5 / 5)) < 3
    assert abs(rows.mean() - (40 + 100 * 0.2 / 5)) < 3
    assert (picture[:, 200:] == 255).all(2).mean() > 0.2  # the other views are on white


def test_from_other_sides_only_what_belongs_together_is_seen() -> None:
    photograph = np.zeros((80, 100, 3), np.uint8)
    alone = _scene().picture(photograph, height=80)
    scene = _scene()
    scene.add("person 1", CUBE.at(-12.0, 0.0, 45.0).vertices, PERSON.faces)
    picture = scene.picture(photograph, height=80)
    np.testing.assert_array_equal(picture[:, 200:], alone[:, 200:])
    assert (picture[:, 100:200] != alone[:, 100:200]).any()  # the overlay has everybody
    untouched = Scene.empty(CAMERA)
    for k, (vertices, faces, _) in enumerate(scene.meshes.values()):
        untouched.add(str(k), vertices, faces)
    assert (untouched.picture(photograph, height=80)[:, 200:] != picture[:, 200:]).any()


def test_a_camera_in_a_world_gives_the_same_overlay(tmp_path: Path) -> None:
    camera = Camera.looking_at((0.0, -5.0, 1.0), (0.0, 0.0, 1.0), 100.0, 100, 80)
    picture = _scene(camera).picture(np.zeros((80, 100), np.uint8), height=80)
    np.testing.assert_array_equal(picture[40, 150] > 60, True)
    pytest.importorskip("trimesh")
    _scene(camera).save_glb(tmp_path / "world.glb")
    assert (tmp_path / "world.glb").stat().st_size > 1000


def test_contacts_of_another_mesh_are_refused() -> None:
    with pytest.raises(InputError, match=r"expected 24 scores for the person, got \(3,\)"):
        _scene(human=np.ones(3))

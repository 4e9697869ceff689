"""Scenes: the same ones every time, with people in view and nothing in or above anything else."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("embreex")
pytest.importorskip("anny")

from interplay.body.raycast import RayScene
from interplay.errors import InputError
from interplay.world.acts import ACTS
from interplay.world.objects import make_object
from interplay.world.rendering.image import render
from interplay.world.sampler import sample_scene
from interplay.world.scene import Scene

COUNT = 30


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [sample_scene(7, i, 96) for i in range(COUNT)]


def _same(a: Scene, b: Scene) -> bool:
    meshes = zip(a.posed + [m.vertices for m in a.backdrop], b.posed + [m.vertices for m in b.backdrop], strict=True)
    return (
        all(np.array_equal(u, v) for u, v in meshes)
        and a.relations == b.relations
        and [p.outfit for p in a.people] == [p.outfit for p in b.people]
        and [t.model.mesh.materials for t in a.objects] == [t.model.mesh.materials for t in b.objects]
        and a.light.sun == b.light.sun
        and np.array_equal(a.camera.position, b.camera.position)
    )


def test_a_scene_does_not_depend_on_what_was_made_before(scenes: list[Scene]) -> None:
    np.random.seed(3)  # noqa: NPY002  a global state that must not matter
    for index in (5, 2):
        assert _same(sample_scene(7, index, 96), scenes[index])
    assert not _same(sample_scene(8, 2, 96), scenes[2])


def test_another_process_makes_the_same_picture(scenes: list[Scene]) -> None:
    code = (
        "import hashlib, numpy as np;"
        "from interplay.world.sampler import sample_scene;"
        "from interplay.world.rendering.image import render;"
        "print(hashlib.sha256(render(sample_scene(7, 3, 96), np.random.default_rng(0)).image.tobytes()).hexdigest())"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    image = render(scenes[3], np.random.default_rng(0)).image
    assert hashlib.sha256(image.tobytes()).hexdigest() == there


def test_size_changes_the_resolution_only(scenes: list[Scene]) -> None:
    for index in range(3):
        large, small = sample_scene(7, index, 193), scenes[index]
        assert max(large.camera.width, large.camera.height) == 193
        assert large.camera.focal == pytest.approx(193 / 96 * small.camera.focal)
        np.testing.assert_array_equal(large.camera.position, small.camera.position)
        np.testing.assert_array_equal(large.camera.rotation, small.camera.rotation)
        assert all(np.array_equal(a, b) for a, b in zip(large.posed, small.posed, strict=True))


def test_somebody_is_in_view(scenes: list[Scene]) -> None:
    for scene in scenes:
        rays = scene.camera.rays(np.stack(np.meshgrid(*(np.arange(0.5, s) for s in (96, 96))), -1).reshape(-1, 2))
        inside = _pixels(scene)
        mesh = scene.rays.cast(scene.camera.position, rays).mesh.reshape(96, 96)[inside]
        rows = np.nonzero(((mesh >= 0) & (mesh < len(scene.people))).reshape(scene.camera.height, -1).any(1))[0]
        assert len(rows) > 0.08 * scene.camera.height


def _pixels(scene: Scene) -> tuple[slice, slice]:
    return slice(0, scene.camera.height), slice(0, scene.camera.width)


def test_the_camera_is_outside_of_everything(scenes: list[Scene]) -> None:
    for scene in scenes:
        nearest = min(float(np.linalg.norm(v - scene.camera.position, axis=1).min()) for v in scene.posed)
        assert nearest > 0.3
        ahead = scene.rays.cast(scene.camera.position, scene.camera.rotation[2:3])
        assert ahead.distance[0] > 0.25
        assert 0.2 < scene.camera.position[2] < 6


def test_groups_and_props_keep_apart(scenes: list[Scene]) -> None:
    """What is not related to a person is not in that person."""
    for scene in scenes:
        used = {r.object for r in scene.relations}
        for k, object in enumerate(scene.objects):
            if k in used or object.model.size.max() < 0.5:
                continue
            body = np.concatenate(scene.posed[: len(scene.people)])
            low, high = object.model.mesh.bounds()
            local = (body - object.pose[:3, 3]) @ object.pose[:3, :3]
            inside = local[((local > low) & (local < high)).all(1)]
            if len(inside):
                hits = _crossings(object, inside[:50])
                assert not (hits % 2 == 1).all(), f"{scene.place}: somebody is in a {object.category}"


def _crossings(object, points: np.ndarray) -> np.ndarray:
    """How many times a ray from each point upwards meets the object's surface."""
    rays = RayScene([(object.model.mesh.vertices, object.model.mesh.faces)])
    count, start = np.zeros(len(points), int), points.copy()
    for _ in range(12):
        hits = rays.cast(start, np.broadcast_to((0.013, 0.007, 1.0), start.shape))
        found = hits.mesh >= 0
        count[found] += 1
        start = start + np.where(found, hits.distance + 1e-4, 0.0)[:, None] * np.array([0.013, 0.007, 1.0])
    return count


def test_scenes_differ(scenes: list[Scene]) -> None:
    assert len({s.place for s in scenes}) >= 5
    assert len({s.camera.width for s in scenes}) >= 2
    assert any(len(s.people) > 1 for s in scenes)
    assert len({t.category for s in scenes for t in s.objects}) >= 12
    bystander = [set(range(len(s.people))) - {r.human for r in s.relations if r.object is not None} for s in scenes]
    assert any(bystander)


def test_acts_and_library_are_respected() -> None:
    name = next(n for n, a in ACTS.items() if any(c == "bicycle" for _, c in a.interactions) and not a.negative)
    verbs = set(ACTS[name].interactions)
    own = make_object("bicycle", np.random.default_rng(1))
    scene = sample_scene(0, 0, 96, acts=[name], library={"bicycle": own})
    done = {(r.verb, "" if r.object is None else scene.objects[r.object].category) for r in scene.relations}
    assert done
    assert done <= verbs | {("stand", ""), ("walk", "")}, "others only stand or walk about"
    assert all(len(t.model.mesh.faces) == len(own.mesh.faces) for t in scene.objects if t.category == "bicycle")


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [((-1, 0), {}, "0 or more"), ((0, -1), {}, "0 or more"), ((0, 0, 8), {}, "32"), ((0, 0), {"acts": ["fly"]}, "act")],
)
def test_bad_arguments_are_refused(arguments: tuple[int, ...], options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        sample_scene(*arguments, **options)

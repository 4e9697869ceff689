"""Several people and objects in one scene."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from interplay.body.geometry import Array, rotation
from interplay.body.materials import Material
from interplay.body.meshes import Mesh, box, ellipsoid, join, refine
from interplay.errors import InputError
from interplay.reconstruct import (
    Intrinsics,
    SceneBody,
    SceneFit,
    SceneObject,
    ScenePair,
    fit_scene,
)
from interplay.reconstruct.silhouette import depth_buffer

PAINT = Material((0.5, 0.5, 0.5))
SIZE = (120, 160)
CAMERA = Intrinsics((170.0, 170.0), (80.0, 60.0))
TURN = rotation((0.3, 1.0, -0.4), 2.2)


def _person(x: float, z: float) -> Mesh:
    """Upright, with an arm to the right."""
    parts = [ellipsoid((0, 0, 0), (0.2, 0.5, 0.14), PAINT), ellipsoid((0.3, -0.15, 0), (0.22, 0.06, 0.06), PAINT)]
    return refine(join(parts), 0.08).at(x, 0.0, z)


def _bench() -> Mesh:
    """Two people wide, with a back at one side that tells it from itself turned."""
    parts = [box((1.5, 0.08, 0.35), PAINT), box((0.3, 0.3, 0.06), PAINT, (-0.6, -0.19, 0.14))]
    return refine(join(parts), 0.09)


def _tool() -> Mesh:
    return refine(join([box((0.4, 0.08, 0.08), PAINT), box((0.08, 0.25, 0.08), PAINT, (0.2, 0.12, 0))]), 0.06)


def _shown(things: list[tuple[Array, Any]]) -> list[Any]:
    """(H, W) masks of what is seen of each."""
    depths = []
    for points, faces in things:
        v = torch.from_numpy(np.asarray(points))
        depths.append(depth_buffer(CAMERA.project(v), v[:, 2], torch.from_numpy(faces), SIZE).numpy())
    nearest = np.min(depths, axis=0)
    return [np.isfinite(depth) & (depth <= nearest) for depth in depths]


def _touching(points: Array, other: Array, reach: float = 0.05) -> Array:
    distance = cKDTree(other).query(points)[0]
    return (distance <= max(reach, distance.min() + 0.02)).astype(np.float64)


def _pair(body: int, object: int, person: Array, placed: Array) -> ScenePair:
    return ScenePair(body, object, _touching(person, placed), _touching(placed, person))


def _median(found: SceneFit, index: int, own: Array, truth: Array) -> float:
    return float(np.median(np.linalg.norm(found.objects[index].place(own) - truth, axis=1)))


def _two_on_a_bench() -> tuple[list[Mesh], Mesh, Array, list[Any]]:
    people = [_person(-0.45, 2.6), _person(0.4, 2.6)]
    bench = _bench()
    placed = bench.vertices @ rotation((0, 1, 0), 0.1).T + [0.0, 0.52, 2.62]
    masks = _shown([*((p.vertices, p.faces) for p in people), (placed, bench.faces)])
    return people, bench, placed, masks


def test_two_people_on_one_bench() -> None:
    """One stands too near, small, in the input; the bench that both touch, and the other, put that right."""
    people, bench, placed, masks = _two_on_a_bench()
    nearer = 0.93
    own = bench.vertices @ TURN.T + [1.0, 2.0, 0.5]
    bodies = [
        SceneBody(people[0].vertices, people[0].faces, masks[0]),
        SceneBody(nearer * people[1].vertices, people[1].faces, masks[1]),
    ]
    pairs = [_pair(k, 0, person.vertices, placed) for k, person in enumerate(people)]
    found = fit_scene(bodies, [SceneObject(own, bench.faces, masks[2])], pairs, CAMERA, starts=48)
    ratio = found.body_scales[1] / found.body_scales[0] * nearer
    assert ratio == pytest.approx(1, abs=0.05)  # 0.93 as given
    assert max(found.contact_distances) < 0.06
    truth = placed * found.body_scales[0]
    assert _median(found, 0, own, truth) < 0.1
    assert found.objects[0].iou > 0.75
    moved = found.place_body(1, bodies[1].vertices)
    np.testing.assert_allclose(moved, found.body_scales[1] * nearer * people[1].vertices)


def test_one_person_and_two_objects() -> None:
    """One is held; the other stands on the floor, nobody touches it, and the person hides a part of it."""
    person, tool, crate = _person(0.0, 2.5), _tool(), refine(box((0.5, 0.35, 0.3), PAINT), 0.08)
    held = tool.vertices @ rotation((0, 0, 1), 0.4).T + [0.6, -0.15, 2.5]
    behind = crate.vertices @ rotation((0, 1, 0), 0.5).T + [-0.35, 0.35, 3.2]
    body_mask, *masks = _shown([(person.vertices, person.faces), (held, tool.faces), (behind, crate.faces)])
    objects = [
        SceneObject(tool.vertices @ TURN.T, tool.faces, masks[0]),
        SceneObject(crate.vertices @ TURN.T + [0, 0, 9.0], crate.faces, masks[1]),
    ]
    bodies = [SceneBody(person.vertices, person.faces, body_mask)]
    pairs = [_pair(0, 0, person.vertices, held)]
    found = fit_scene(bodies, objects, pairs, CAMERA, starts=48, body_spread=0.0)
    assert found.body_scales == (1.0,)
    assert _median(found, 0, np.asarray(objects[0].vertices), held) < 0.04
    placed = found.objects[1].place(objects[1].vertices)
    assert np.linalg.norm(placed.mean(0) - behind.mean(0)) < 0.25  # its depth is only as sure as its size in pixels
    assert placed[:, 2].mean() > person.vertices[:, 2].max()
    assert found.objects[1].iou > 0.8


def test_people_are_placed_by_who_hides_whom() -> None:
    front, back = _person(-0.1, 2.5), _person(0.1, 2.7)
    masks = _shown([(front.vertices, front.faces), (back.vertices, back.faces)])
    bodies = [  # as the body's fit might have it: the other way round
        SceneBody(1.06 * front.vertices, front.faces, masks[0]),
        SceneBody(0.94 * back.vertices, back.faces, masks[1]),
    ]
    found = fit_scene(bodies, [], [], CAMERA)
    depths = [found.place_body(k, each.vertices)[:, 2].mean() for k, each in enumerate(bodies)]
    assert depths[0] < depths[1]
    assert found.warnings == ()
    kept = fit_scene(bodies, [], [], CAMERA, body_spread=0.0)
    assert kept.body_scales == (1.0, 1.0)
    assert kept.warnings == ("person 0 is before person 1 in the photograph, and behind in the scene",)


def test_people_are_not_inside_each_other() -> None:
    first, second = _person(0.0, 2.5), _person(0.2, 2.55)
    bodies = [SceneBody(each.vertices, each.faces) for each in (first, second)]
    found = fit_scene(bodies, [], [], CAMERA)
    depths = [found.place_body(k, each.vertices)[:, 2].mean() for k, each in enumerate(bodies)]
    assert abs(depths[1] - depths[0]) > 0.1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pairs": lambda p: [replace(p[0], body=2)]}, r"pairs\[0\].body: expected an index below 2, got 2"),
        ({"pairs": lambda p: [p[0], p[0]]}, "the same person and object are named twice"),
        ({"pairs": lambda p: [replace(p[0], body_contact=np.zeros(3))]}, r"pairs\[0\].body_contact: expected a score"),
        ({"objects": lambda o: [replace(o[0], mask=o[0].mask & False)]}, r"objects\[0\].mask: no pixel"),
        ({"objects": lambda o: [replace(o[0], mask=o[0].mask[1:])]}, "masks: expected all to have"),
        ({"objects": lambda o: [replace(o[0], size="bench", scale_spread=0.1)]}, "give one of them"),
        ({"bodies": lambda b: [b[0], replace(b[1], vertices=b[1].vertices * np.nan)]}, r"bodies\[1\]: vertices"),
        ({"bodies": lambda b: [], "pairs": lambda p: []}, "no person and no other object"),
        ({"body_spread": lambda _: -1.0}, "body_spread"),
        ({"starts": lambda _: 0}, "starts: expected 1 or more"),
    ],
)
def test_what_is_no_scene_is_refused(change: dict[str, Any], message: str) -> None:
    people, bench, placed, masks = _two_on_a_bench()
    given: dict[str, Any] = {
        "bodies": [SceneBody(p.vertices, p.faces, m) for p, m in zip(people, masks, strict=False)],
        "objects": [SceneObject(bench.vertices, bench.faces, masks[2])],
        "pairs": [_pair(k, 0, person.vertices, placed) for k, person in enumerate(people)],
        "camera": CAMERA,
        "body_spread": 0.06,
        "starts": 8,
    }
    with pytest.raises(InputError, match=message):
        fit_scene(**{name: change[name](value) if name in change else value for name, value in given.items()})

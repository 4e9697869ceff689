"""Placing an object beside a person."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from interplay.body.cameras import Camera
from interplay.body.contact import touching
from interplay.body.geometry import Array, rotation, transform
from interplay.body.materials import Material
from interplay.body.meshes import Mesh, box, circle, ellipsoid, join, loft, refine
from interplay.body.proximity import signed_distance
from interplay.errors import InputError
from interplay.reconstruct import Fit, Intrinsics, SizePrior, Upright, fit_object
from interplay.reconstruct.energy import Weights, evaluate
from interplay.reconstruct.residuals import Pose, System
from interplay.reconstruct.scene import Problem, checked, filled_box
from interplay.reconstruct.silhouette import depth_buffer

PAINT = Material((0.5, 0.5, 0.5))
WIDTH, HEIGHT = 160, 120
CAMERA = Intrinsics((170.0, 170.0), (WIDTH / 2, HEIGHT / 2))
TURN = rotation((0.3, 1.0, -0.4), 2.2)


def _person() -> Mesh:
    parts = [ellipsoid((0, 0, 0), (0.22, 0.55, 0.16), PAINT), ellipsoid((0.4, -0.2, -0.02), (0.3, 0.06, 0.06), PAINT)]
    return refine(join(parts), 0.06).at(0.0, 0.0, 2.5)


def _object() -> Mesh:
    """Without symmetry, with its middle not at 0."""
    parts = [box((0.5, 0.1, 0.12), PAINT), box((0.08, 0.3, 0.1), PAINT, (0.22, 0.18, 0)), box((0.1, 0.1, 0.2), PAINT)]
    return refine(join(parts), 0.05)


def _mask(vertices: Array, faces: Any, human: Array, human_faces: Any, camera: Intrinsics = CAMERA) -> Any:
    depths = []
    for points, triangles in ((vertices, faces), (human, human_faces)):
        v = torch.from_numpy(np.asarray(points))
        depths.append(depth_buffer(camera.project(v), v[:, 2], torch.from_numpy(triangles), (HEIGHT, WIDTH)))
    return (torch.isfinite(depths[0]) & (depths[0] <= depths[1])).numpy()


def _contact(points: Array, other: Array, faces: Any) -> Any:
    found = np.zeros(len(points), bool)
    found[touching(signed_distance(points, other, faces, 0.05))] = True
    return found


@pytest.fixture(scope="module")
def scene() -> dict[str, Any]:
    """What `fit_object` takes, and the truth; the object lies across the person's arm."""
    person, own = _person(), _object()
    placed = own.vertices @ rotation((0.2, 0.5, 1.0), 0.8).T + [0.5, -0.33, 2.48]
    return {
        "human_vertices": person.vertices,
        "human_faces": person.faces,
        "human_contact": _contact(person.vertices, placed, own.faces),
        "object_vertices": own.vertices @ TURN.T + [3.0, -1.0, 0.5],
        "object_faces": own.faces,
        "object_contact": _contact(placed, person.vertices, person.faces),
        "object_mask": _mask(placed, own.faces, person.vertices, person.faces),
        "camera": CAMERA,
        "truth": placed,
    }


def _fit(scene: dict[str, Any], **changed: Any) -> Fit:
    return fit_object(**{**{k: v for k, v in scene.items() if k != "truth"}, "starts": 64, **changed})


@pytest.fixture(scope="module")
def fitted(scene: dict[str, Any]) -> Fit:
    return _fit(scene)


def _error(scene: dict[str, Any], fit: Fit, vertices: Any = None) -> float:
    placed = fit.place(scene["object_vertices"] if vertices is None else vertices)
    return float(np.median(np.linalg.norm(placed - scene["truth"], axis=1)))


def test_the_object_is_found(scene: dict[str, Any], fitted: Fit) -> None:
    assert scene["human_contact"].any()
    assert scene["object_mask"].sum() > 200
    assert _error(scene, fitted) < 0.02
    assert fitted.iou > 0.85
    assert fitted.scale == 1
    assert fitted.warnings == ()
    np.testing.assert_allclose(fitted.rotation @ fitted.rotation.T, np.eye(3), atol=1e-5)
    assert np.linalg.det(fitted.rotation) == pytest.approx(1)
    points = scene["object_vertices"]
    np.testing.assert_allclose(points @ fitted.matrix[:3, :3].T + fitted.matrix[:3, 3], fitted.place(points))
    assert list(fitted.history) == sorted(fitted.history, reverse=True)


def test_the_same_seed_gives_the_same_place(scene: dict[str, Any], fitted: Fit) -> None:
    again = _fit(scene)
    np.testing.assert_array_equal(again.matrix, fitted.matrix)
    assert again.history == fitted.history


def test_a_camera_in_a_world(scene: dict[str, Any], fitted: Fit) -> None:
    camera = Camera.looking_at((1.0, -4.0, 1.5), (0.0, 0.0, 1.0), 170.0, WIDTH, HEIGHT, roll=0.2)
    human = scene["human_vertices"] @ camera.rotation + camera.position
    found = _fit(scene, human_vertices=human, camera=camera)
    in_camera = (found.place(scene["object_vertices"]) - camera.position) @ camera.rotation.T
    # rounding decides between places that are as good
    assert np.median(np.linalg.norm(in_camera - fitted.place(scene["object_vertices"]), axis=1)) < 0.02
    with pytest.raises(InputError, match=r"expected \(90, 160\) as the camera says, got \(120, 160\)"):
        _fit(scene, human_vertices=human, camera=replace(camera, height=90))


def test_an_object_of_unknown_size(scene: dict[str, Any]) -> None:
    small = scene["object_vertices"] / 1.25
    found = _fit(scene, object_vertices=small, scale_spread=0.3)
    assert found.scale == pytest.approx(1.25, abs=0.06)
    assert _error(scene, found, small) < 0.03


def test_a_size_in_other_units(scene: dict[str, Any]) -> None:
    longest = float(np.ptp(scene["object_vertices"], axis=0).max())
    small = scene["object_vertices"] / 100  # as if in hundreds of metres
    found = _fit(scene, object_vertices=small, size=SizePrior(1.1 * longest, 0.2, "measured"))
    assert found.scale == pytest.approx(100, rel=0.06)
    assert _error(scene, found, small) < 0.03
    again = _fit(scene, object_vertices=small, size=SizePrior(1.1 * longest, 0.2, "measured"), start=found, starts=0)
    assert _error(scene, again, small) < 0.03


def test_a_person_is_not_inside_an_object(scene: dict[str, Any]) -> None:
    """The end of the arm is in the middle of a large box, whose surface is nowhere in the person but around the arm."""
    crate = refine(box((0.5, 0.5, 0.5), PAINT), 0.1)
    given = {name: value for name, value in scene.items() if name.startswith("human") or name == "camera"}
    given |= {"object_vertices": crate.vertices, "object_faces": crate.faces, "object_mask": scene["object_mask"]}
    problem = Problem(checked(**given, object_contact=np.ones(len(crate.vertices))))

    def found(x: float) -> System:
        pose = Pose(torch.eye(3)[None], torch.tensor([[x, -0.2, 2.48]]), torch.ones(1))
        return evaluate(problem, pose, Weights(0, 0, 0, 0, penetration=1.0, order=0))

    assert float(found(0.75).energy) > 1e-5
    assert float(found(1.2).energy) == 0
    assert float(found(0.8).energy) < float(found(0.75).energy)
    assert float(found(0.75).gradient[0, 3]) < 0


def test_a_large_photograph_is_looked_at_small(scene: dict[str, Any]) -> None:
    mask = np.kron(scene["object_mask"], np.full((6, 6), 255, np.uint8))
    camera = CAMERA.cropped(0, 0, 6.0)
    assert _error(scene, _fit(scene, object_mask=mask, camera=camera)) < 0.02


def test_contacts_that_do_not_fit_the_mask_are_told(scene: dict[str, Any]) -> None:
    human = scene["human_vertices"]
    feet = human[:, 1] > np.quantile(human[:, 1], 0.98)
    found = _fit(scene, human_contact=feet)
    assert any("cm apart" in warning or "covers its mask badly" in warning for warning in found.warnings)
    assert found.iou > 0.5  # the mask wins
    assert any("do not rely on" in warning for warning in found.warnings)


def test_only_so_much_of_an_object_touches_as_the_person_does(scene: dict[str, Any]) -> None:
    """All of it may be touched, but the person's contact is small: the nearest share counts."""
    anywhere = np.ones(len(scene["object_vertices"]))
    problem = Problem(checked(**{k: v for k, v in scene.items() if k != "truth"} | {"object_contact": anywhere}))
    [touch] = problem.touches
    assert touch.own_share < 0.5
    assert touch.body_share == 1
    found = _fit(scene, object_contact=anywhere)
    assert _error(scene, found) < 0.05
    assert found.residuals["contact"] < 0.03


def test_scores_that_fall_with_the_distance(scene: dict[str, Any]) -> None:
    """At the truth distances are as scores say, whatever the Gaussian's width; elsewhere the slope leads back."""
    between = np.linalg.norm(scene["truth"][:, None] - scene["human_vertices"], axis=2)
    for width in (0.1, 0.3):
        touching, touched = (np.exp(-((d**2 - d.min() ** 2) / width**2)) for d in (between.min(0), between.min(1)))
        given = {k: v for k, v in scene.items() if k != "truth"}
        problem = Problem(checked(**given | {"human_contact": touching, "object_contact": touched}))
        own = scene["object_vertices"] - problem.middle
        turn = np.linalg.lstsq(own - own.mean(0), scene["truth"] - scene["truth"].mean(0), rcond=None)[0].T
        middle = scene["truth"].mean(0) - turn @ own.mean(0)

        def energy(x: float, turn: Array = turn, middle: Array = middle, problem: Problem = problem) -> System:
            place = torch.from_numpy(middle + np.array([x, 0, 0])).float()[None]
            pose = Pose(torch.from_numpy(turn).float()[None], place, torch.ones(1))
            return evaluate(problem, pose, Weights(0, 0, 0, 0, penetration=0, order=0, falloff=1.0))

        assert float(energy(0.0).energy) < 1e-6
        for x in (-0.04, 0.04):
            assert float(energy(x).energy) > 1e-5
            assert float(energy(x).gradient[0, 3]) * x > 0


def test_a_start_alone(scene: dict[str, Any], fitted: Fit) -> None:
    near = transform(rotation((0, 1, 0.5), 0.3), (0.02, 0.01, -0.03)) @ fitted.matrix
    near[:3, 3] += fitted.matrix[:3, 3] - near[:3, 3] + [0.02, 0.0, 0.03]
    found = _fit(scene, start=near, starts=0)
    assert _error(scene, found) < 0.03
    assert _error(scene, _fit(scene, start=found, starts=0)) < 0.03
    assert _error(scene, _fit(scene, start=found, search=False)) < 0.03
    with pytest.raises(InputError, match="search: without it a start is needed"):
        _fit(scene, search=False)


def test_contacts_of_a_coarse_mesh(scene: dict[str, Any]) -> None:
    """A person whose long triangles touch where no vertex is: scores fall with the distance of vertices."""
    person = loft([[(x, y, -z) for x, z in circle(0.25, 16)] for y in (-0.6, -0.55, 0.55, 0.6)], PAINT)
    human = person.at(0, 0, 2.5).vertices
    truth = scene["truth"] - scene["truth"].mean(0) + [0.2, 0.05, 2.5]
    while np.linalg.norm((truth - [0, 0, 2.5])[:, [0, 2]], axis=1).min() < 0.255:
        truth[:, 0] += 0.005
    between = np.linalg.norm(truth[:, None] - human, axis=2)
    scores = [np.exp(-((d**2 - d.min() ** 2) / 0.2**2)) for d in (between.min(0), between.min(1))]
    changed = {
        "human_vertices": human,
        "human_faces": person.faces,
        "human_contact": scores[0],
        "object_contact": scores[1],
        "object_mask": _mask(truth, scene["object_faces"], human, person.faces),
    }
    found = _fit(scene, **changed)
    assert np.median(np.linalg.norm(found.place(scene["object_vertices"]) - truth, axis=1)) < 0.05
    assert any("cm apart" in warning for warning in found.warnings)


def test_size_and_distance_that_look_the_same_are_told_apart_by_contact() -> None:
    """Somebody 12 m away is touched on the back, the object beside the person is not; the mesh is too large. Its usual
    size fits the mask 2 m farther away, from where contacts do not pull."""
    far, person, own = 12.0, _person(), _object()
    camera = Intrinsics((170 * far / 2.5,) * 2, CAMERA.principal)
    human = person.vertices + np.array([0, 0, far - 2.5])
    truth = own.vertices + np.array([0.62, 0.1, far + 0.2])
    found = fit_object(
        human,
        person.faces,
        human[:, 2] > np.quantile(human[:, 2], 0.97),
        1.2 * own.vertices,
        own.faces,
        np.ones(len(own.vertices)),
        _mask(truth, own.faces, human, person.faces, camera),
        camera,
        scale_spread=0.1,
        starts=64,
    )
    assert abs(found.place(1.2 * own.vertices)[:, 2].mean() - truth[:, 2].mean()) < 0.25
    assert found.scale == pytest.approx(1 / 1.2, abs=0.06)
    assert found.iou > 0.8
    assert any("cm apart" in warning for warning in found.warnings)


def test_a_box_is_not_an_outline(scene: dict[str, Any]) -> None:
    """The object fills less than a third of its box; taken for an outline, the box leads it far away."""
    mask = scene["object_mask"]
    box = filled_box(mask)
    assert mask.sum() < 0.33 * box.sum()
    found = _fit(scene, object_mask=box, outline=False)
    assert _error(scene, found) < 0.08
    assert found.iou > 0.8  # of the boxes
    assert found.residuals["box"] < 0.02
    assert "cover" not in found.residuals
    assert _error(scene, _fit(scene, object_mask=box)) > 0.3
    np.testing.assert_array_equal(_fit(scene, outline=False).matrix, found.matrix)  # only the mask's box counts


def test_a_box_at_the_border_is_open(scene: dict[str, Any]) -> None:
    """The photograph ends where two thirds of the object are seen."""
    cut = scene["object_mask"][:, :121]
    assert cut.sum() < scene["object_mask"].sum()
    found = _fit(scene, object_mask=cut, outline=False)
    assert _error(scene, found) < 0.1
    reach = CAMERA.project(torch.from_numpy(found.place(scene["object_vertices"])))[:, 0].max()
    assert float(reach) > 125


def test_a_box_that_nothing_reaches_is_told(scene: dict[str, Any]) -> None:
    elsewhere = np.zeros_like(scene["object_mask"])
    elsewhere[100:110, 5:15] = True
    found = _fit(scene, object_mask=elsewhere, outline=False, search=False, start=np.eye(4))
    assert any("the box around the object is not the one given" in warning for warning in found.warnings)


def test_what_usually_stands_upright_does_so(scene: dict[str, Any]) -> None:
    """Of an object that may be touched anywhere and of which only a box is known, much of the turn is free."""
    own, truth = (points - points.mean(0) for points in (scene["object_vertices"], scene["truth"]))
    turn = np.linalg.lstsq(own, truth, rcond=None)[0].T
    up = np.array([0.0, -1.0, 0.0])
    axis = turn.T @ up
    anywhere = {"object_contact": np.ones(len(own)), "outline": False}

    def tilt(**changed: Any) -> float:
        return float(np.degrees(np.arccos(np.clip((_fit(scene, **anywhere, **changed).rotation @ axis) @ up, -1, 1))))

    assert tilt() > 10
    assert tilt(upright=Upright(5 * axis, 3 * up, 0.1)) < 5
    camera = Camera.looking_at((1.0, -4.0, 1.5), (0.0, 0.0, 1.0), 170.0, WIDTH, HEIGHT, roll=0.2)
    human = scene["human_vertices"] @ camera.rotation + camera.position
    there = Upright(axis, up @ camera.rotation, 0.1)
    found = _fit(scene, **anywhere, human_vertices=human, camera=camera, upright=there)
    assert (found.rotation @ axis) @ (up @ camera.rotation) > np.cos(np.radians(5))


def test_energies_alone_are_the_same(scene: dict[str, Any]) -> None:
    given = {name: scene[name] for name in scene if name != "truth"}
    problem = Problem(checked(*given.values()))
    pose = Pose(torch.eye(3)[None], torch.tensor([[0.5, -0.3, 2.5]]), torch.ones(1))
    for fine in (False, True):
        weights = Weights(ranks=1.0, falloff=1.0)
        whole, alone = (evaluate(problem, pose, weights, 0.1, fine, slopes) for slopes in (True, False))
        assert float(whole.energy) == float(alone.energy) > 0
        assert float(whole.gradient.norm()) > 0


def test_published_behaviour_is_worse(scene: dict[str, Any], fitted: Fit) -> None:
    found = _fit(scene, published_behaviour=True)
    assert np.isfinite(found.matrix).all()
    assert len(found.history) == 250
    assert _error(scene, found) > 2 * _error(scene, fitted)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"human_contact": lambda v: v * 0}, "human_contact: no vertex has a score of 0.5 or more"),
        ({"object_contact": lambda v: v * 0.2}, "object_contact: no vertex has a score of 0.3 or more"),
        ({"object_contact": lambda v: v[:-1]}, r"object_contact: expected a score for each of \d+ vertices"),
        ({"human_contact": lambda v: np.where(v, np.nan, 0)}, r"human_contact: expected scores in 0\.\.1"),
        ({"object_mask": lambda v: v & False}, "object_mask: no pixel belongs to it"),
        ({"object_mask": lambda v: v[0]}, r"object_mask: expected \(height, width\)"),
        ({"object_mask": lambda v: v * np.nan}, "object_mask: some values are not finite"),
        ({"human_vertices": lambda v: v * np.nan}, "human: vertices: some coordinates are not finite"),
        ({"human_vertices": lambda v: -v}, "behind the camera"),
        ({"object_vertices": lambda v: v * 0}, "object_vertices: all are in one point"),
        ({"object_faces": lambda v: v + 10**6}, "object: faces: expected indices of"),
        ({"camera": lambda v: Intrinsics((0.0, 1.0), v.principal)}, "focal length"),
        ({"camera": lambda v: Intrinsics(v.focal, (float("nan"), 1.0))}, "principal point"),
        ({"scale_spread": -1.0}, "scale_spread"),
        ({"scale_spread": 0.1, "size": "bench"}, "give one of them"),
        ({"upright": Upright((0, 0, 1), (0, -1, 0), 0.0)}, "upright.spread: expected a positive number"),
        ({"upright": Upright((0, 0, 0), (0, -1, 0), 0.1)}, "upright.axis: expected three finite numbers"),
        ({"starts": 0}, "starts: expected 1 or more"),
        ({"start": np.eye(3)}, r"start: expected a Fit or a finite matrix \(4, 4\), got \(3, 3\)"),
        ({"start": np.diag([1.0, 1.0, -1.0, 1.0])}, "start: expected a turn"),
    ],
)
def test_what_cannot_be_placed_is_refused(scene: dict[str, Any], changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        _fit(scene, **{name: value(scene[name]) if callable(value) else value for name, value in changed.items()})


def test_cameras() -> None:
    matrix = [[1200.0, 0, 300], [0, 1100, 200], [0, 0, 1]]
    camera = Intrinsics.of_matrix(matrix)
    points = torch.tensor([[0.1, -0.2, 2.0]])
    np.testing.assert_allclose(camera.project(points), [[360, 90]], rtol=1e-6)
    np.testing.assert_allclose(camera.cropped(50, 40, 0.5).project(points), [[155, 25]], rtol=1e-6)
    with pytest.raises(InputError, match="without skew"):
        Intrinsics.of_matrix([[1.0, 0.5, 0], [0, 1, 0], [0, 0, 1]])
    with pytest.raises(InputError, match="positive width and height"):
        Intrinsics.of_osx((0, 0, 0, 10))

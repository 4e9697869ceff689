"""People and objects of a photograph in one scene, after each pair."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interplay.body.materials import Material
from interplay.body.meshes import Mesh, box, ellipsoid, refine
from interplay.pipeline.reconstruct.result import Person, PlacedObject, Reconstruction, Touch
from interplay.pipeline.reconstruct.together import put_together
from interplay.reconstruct import Fit, Intrinsics
from interplay.reconstruct.objects import Candidate

PAINT = Material((0.5, 0.5, 0.5))
CAMERA = Intrinsics((170.0, 170.0), (80.0, 60.0))


def _person(x: float, z: float) -> Person:
    mesh = refine(ellipsoid((0, 0, 0), (0.2, 0.5, 0.15), PAINT), 0.1).at(x, 0.0, z)
    return Person(
        mesh.vertices, mesh.faces, {"body": "an ellipsoid", "pelvis": [x, 0.0, z], "ground": -1.0, "warnings": []}
    )


def _held(person: int, vertices: Any, x: float, z: float, mesh: Mesh) -> PlacedObject:
    fit = Fit(np.eye(3), np.array([x, 0.0, z]), 1.0, 0.9, warnings=("of the fit",))
    rows, columns = np.mgrid[:120, :160] + 0.5
    u, v = (columns - 80) / 170 * z - x, (rows - 60) / 170 * z
    mask = (np.abs(u) <= 0.1) & (np.abs(v) <= 0.1)
    own = (mesh.vertices[:, 0] < -0.09).astype(float)
    body = (np.abs(vertices - [x - 0.1, 0, z]).max(1) < 0.15).astype(float)
    report = {"category": "box", "contact": {}, "warnings": ["of the fit", "where they touch is guessed"]}
    return PlacedObject(
        Candidate("a box", mesh.vertices, mesh.faces), fit, (Touch(person, body, own, fit),), mask, report
    )


def test_people_who_are_in_each_other_are_moved_with_what_they_hold() -> None:
    mesh = refine(box((0.2, 0.2, 0.2), PAINT), 0.1)
    result = Reconstruction(CAMERA, "given", (160, 120), [_person(0.0, 2.5), _person(0.1, 2.55)])
    result.objects.append(_held(1, result.people[1].vertices, 0.4, 2.55, mesh))
    before = [each.vertices[:, 2].mean() for each in result.people]
    put_together(result)
    after = [each.vertices[:, 2].mean() for each in result.people]
    assert abs(after[1] - after[0]) > abs(before[1] - before[0]) + 0.03
    placed = result.objects[0]
    assert abs(placed.fit.place(mesh.vertices)[:, 2].mean() - after[1]) < 0.1
    assert placed.report["translation"] == np.round(placed.fit.translation, 5).tolist()
    assert placed.report["warnings"] == [*placed.fit.warnings, "where they touch is guessed"]
    scale = result.people[1].report["scale"]
    assert abs(result.people[1].report["pelvis"][2] - 2.55 * scale) < 1e-3
    assert abs(result.people[1].report["ground"] + scale) < 1e-3


def test_one_pair_stays() -> None:
    mesh = refine(box((0.2, 0.2, 0.2), PAINT), 0.1)
    result = Reconstruction(CAMERA, "given", (160, 120), [_person(0.0, 2.5)])
    result.objects.append(_held(0, result.people[0].vertices, 0.3, 2.5, mesh))
    fit = result.objects[0].fit
    put_together(result)
    assert result.objects[0].fit is fit
    assert "scale" not in result.people[0].report


def test_what_two_hold_is_one_object_and_who_holds_two_things_is_one_body(tmp_path: Path) -> None:
    pytest.importorskip("trimesh", reason="needs the extra body")
    mesh = refine(box((0.2, 0.2, 0.2), PAINT), 0.1)
    left, right = _person(-0.3, 2.5), _person(0.36, 2.4)  # the second, and all it holds, too small and too near
    result = Reconstruction(CAMERA, "given", (160, 120), [left, right])
    held, own = _held(0, left.vertices, 0.0, 2.5, mesh), _held(1, right.vertices, 0.65, 2.4, mesh)
    touch = held.touches[0]
    other = Touch(
        1,
        (np.abs(right.vertices - [0.13, 0, 2.4]).max(1) < 0.15).astype(float),
        (mesh.vertices[:, 0] > 0.09).astype(float),
        replace(held.fit, translation=np.array([0.0, 0.0, 2.4])),
        touch.report,
    )
    result.objects += [replace(held, touches=(touch, other)), own]
    apart = abs(right.vertices[:, 2].mean() - left.vertices[:, 2].mean())
    put_together(result)
    depths = [person.vertices[:, 2].mean() for person in result.people]
    assert abs(depths[1] - depths[0]) < 0.7 * apart
    report = result.report()
    assert len(report["people"]) == 2
    assert [[touch["person"] for touch in each["touches"]] for each in report["objects"]] == [[0, 1], [1]]
    assert all(touch["distance"] < 0.15 for touch in report["objects"][0]["touches"])
    result.scene().save_glb(tmp_path / "scene.glb", (160, 120))
    import trimesh

    names = set(trimesh.load(tmp_path / "scene.glb").graph.nodes_geometry)
    assert {name.split(".")[0] for name in names} == {"person 0", "person 1", "object 0", "object 1"}
    assert (result.objects[0].contact > 0).sum() == ((touch.object_contact > 0) | (other.object_contact > 0)).sum()

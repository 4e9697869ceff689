"""From photographs and clips to scenes in 3D."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from interplay import Interactions, Vocabulary
from interplay.body.materials import Material
from interplay.body.meshes import box
from interplay.errors import InputError
from interplay.pipeline.reconstruct import (
    Person,
    PlacedObject,
    Reconstruction,
    ReconstructOptions,
    Reconstructor,
    Touch,
    smoothed,
    write_reconstruction,
)
from interplay.reconstruct import Fit, Intrinsics
from interplay.reconstruct.objects import Candidate

CUBE = box((1.0, 1.0, 1.0), Material((0.5, 0.5, 0.5)))
BODY = CUBE.at(0.0, 0.0, 5.0)
SIZE = (100, 80)


def _found(x: float = 0.0, turn: float = 0.0) -> Reconstruction:
    c, s = np.cos(turn), np.sin(turn)
    fit = Fit(np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]]), np.array([1.2 + x, 0, 5.0]), 0.5, 0.9)
    touched = (np.arange(len(CUBE.vertices)) < 4).astype(float)
    body = {"body": "given", "warnings": ["far"]}
    person = Person(BODY.vertices + np.array([x, 0, 0]), BODY.faces, body, track=4)
    candidate = Candidate("cube", CUBE.vertices, CUBE.faces)
    touch = Touch(0, touched, touched, fit)
    placed = PlacedObject(candidate, fit, (touch,), np.ones(SIZE[::-1], bool), {"warnings": []}, track=7)
    return Reconstruction(Intrinsics((100.0, 100.0), (50.0, 40.0)), "given", SIZE, [person], [placed])


def test_all_files_are_written_and_say_what_they_are(tmp_path: Path) -> None:
    pytest.importorskip("trimesh", reason="needs the extra body")
    files = write_reconstruction(tmp_path / "out", _found(), np.zeros((80, 100, 3), np.uint8))
    assert {file.name for file in files} == {"scene.glb", "picture.jpg", "turntable.gif", "fit.json"}
    assert all(file.stat().st_size > 100 for file in files)
    report = json.loads((tmp_path / "out/fit.json").read_text(encoding="utf-8"))
    assert report["camera"]["from"] == "given"
    assert report["warnings"] == ["person: far"]
    with Image.open(tmp_path / "out/turntable.gif") as picture:
        assert getattr(picture, "n_frames", 0) == 36


def test_what_moves_evenly_stays_and_what_jumps_is_smoothed() -> None:
    even = [_found(0.1 * k, 0.2 * k) for k in range(7)]
    middle = smoothed(even, 1.0)[3]
    np.testing.assert_allclose(middle.people[0].vertices, even[3].people[0].vertices, atol=1e-9)
    np.testing.assert_allclose(middle.objects[0].fit.rotation, even[3].objects[0].fit.rotation, atol=1e-9)
    jump = [_found(0.3 if k == 3 else 0.0) for k in range(7)]
    moved = smoothed(jump, 1.0)[3].objects[0].fit.translation[0] - 1.2
    assert 0.05 < moved < 0.2
    assert smoothed(jump, 0)[3].objects[0].fit.translation[0] == pytest.approx(1.5)


def test_a_turn_that_only_one_frame_has_is_no_part_of_the_average() -> None:
    frames = [_found(turn=np.pi if k == 3 else 0.05 * k) for k in range(7)]
    turns = [each.objects[0].fit.rotation for each in smoothed(frames, 1.0)]
    for k in (2, 3, 4):
        angle = np.arctan2(turns[k][1, 0], turns[k][0, 0])
        assert abs(angle - 0.05 * k) < 0.05


def test_an_object_that_one_frame_misses_is_put_where_the_frames_around_have_it() -> None:
    frames = [_found(0.1 * k) for k in range(5)]
    frames[2].objects.clear()
    frames[4].objects.clear()  # nothing comes after it
    found = smoothed(frames, 1.0)
    assert [len(each.objects) for each in found] == [1, 1, 1, 1, 0]
    assert found[2].objects[0].fit.translation[0] == pytest.approx(1.4, abs=0.05)
    assert found[2].objects[0].touches[0].person == 0
    assert "not found in this frame" in found[2].report()["warnings"][-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"object": Path("a.obj"), "meshes": Path("b")}, "give one of them"),
        ({"focal": -1.0}, "expected a positive number"),
        ({"heights": (0.2,)}, "expected 0.6 to 2.2 metres"),
        ({"heights": (1.2,), "body": Path("b.npz")}, "give one of them"),
        ({"grounding": "folder", "detector": "other"}, "give one of them"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ReconstructOptions(**options)


def _given_files(tmp_path: Path) -> ReconstructOptions:
    """A body that is a cube, a smaller one beside it, its mask, and where they touch, all from files."""
    np.savez(tmp_path / "body.npz", vertices=BODY.vertices, faces=BODY.faces, K=[[100, 0, 50], [0, 100, 40], [0, 0, 1]])
    small = box((0.5, 0.5, 0.5), Material((0.5, 0.5, 0.5)))
    lines = [f"v {x} {y} {z}" for x, y, z in small.vertices] + [f"f {a} {b} {c}" for a, b, c in small.faces + 1]
    (tmp_path / "cube.obj").write_text("\n".join(lines), encoding="ascii")
    mask = np.zeros((80, 100), np.uint8)
    mask[35:45, 61:71] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    np.save(tmp_path / "contact.npy", (BODY.vertices[:, 0] > 0.4).astype(float))
    return ReconstructOptions(
        body=tmp_path / "body.npz",
        object=tmp_path / "cube.obj",
        mask=tmp_path / "mask.png",
        contact=str(tmp_path / "contact.npy"),
    )


def test_a_given_body_mesh_mask_and_contact_need_no_network(tmp_path: Path) -> None:
    pytest.importorskip("trimesh", reason="needs the extra body")
    found = Reconstructor(_given_files(tmp_path))(np.zeros((80, 100, 3), np.uint8))
    [placed] = found.objects
    assert placed.touches[0].report["body"].startswith("given")
    assert "guessed" in placed.touches[0].report["object"]
    assert placed.fit.iou > 0.5
    assert abs(placed.fit.place(placed.candidate.vertices).mean(0)[0] - 0.75) < 0.25


def test_what_speaks_against_an_object_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("trimesh", reason="needs the extra body")
    pytest.importorskip("cv2", reason="needs the extra offline")
    worker = Reconstructor(replace(_given_files(tmp_path), mask=None))
    hico = Vocabulary.load("hico-det")
    seen = Interactions(
        [(38, 28, 62, 52), (61, 35, 71, 45)],
        [hico.person, hico.objects.index("cup")],
        [0],
        [1],
        [hico.verbs.index("hold")],
        hico,
        score=[0.2],
        box_scores=[0.9, 0.9],
    )
    monkeypatch.setattr(worker.networks, "interactions", lambda image, file: seen)
    [placed] = worker(np.zeros((80, 100, 3), np.uint8)).objects
    assert placed.mask.sum() == 100
    assert any("no outline is found" in text for text in placed.report["warnings"])
    assert any("doubtful: only" in text for text in placed.report["warnings"])
    assert any("times as large as expected" in text for text in placed.report["warnings"])  # half a metre is no cup
    assert placed.report["score"] == pytest.approx(0.2)


@pytest.mark.slow
def test_the_sample_has_its_player_and_racket(tmp_path: Path) -> None:
    pytest.importorskip("anny", reason="needs the extra body")
    pytest.importorskip("cv2", reason="needs the extra offline")
    pytest.importorskip("ai_edge_litert", reason="needs the extra pose")
    from interplay.cli import main

    assert main(["reconstruct", "--sample", "-o", str(tmp_path)]) == 0
    report = json.loads((tmp_path / "fit.json").read_text(encoding="utf-8"))
    assert report["people"][0]["residuals"]["keypoints"] < 0.03
    assert report["objects"][0]["category"] == "tennis racket"

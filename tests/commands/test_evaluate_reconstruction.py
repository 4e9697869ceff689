"""`interplay evaluate reconstruction` end to end: forms, scores, what is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interplay.body.geometry import rotation
from interplay.body.materials import Material
from interplay.body.meshes import Mesh, box, ellipsoid, refine
from interplay.body.reconstructions import (
    find_reconstructions,
    read_reconstruction,
    write_reconstruction,
)
from interplay.cli import main
from interplay.errors import InputError

PAINT = Material((0.5, 0.5, 0.5))
PERSON = refine(ellipsoid((0, 0, 0), (0.2, 0.8, 0.2), PAINT), 0.08)
THING = refine(box((0.3, 0.3, 0.3), PAINT), 0.1)


def save(path: str, at: Sequence[float], thing: Mesh = THING, turn: Any = None) -> None:
    """A scene with the object there, all turned."""
    turn = np.eye(3) if turn is None else turn
    Path(path).parent.mkdir(exist_ok=True)
    write_reconstruction(path, PERSON.vertices @ turn.T, PERSON.faces, (thing.vertices + at) @ turn.T, thing.faces)


def save_obj(path: str, vertices: Any, faces: Any) -> None:
    lines = [f"v {x} {y} {z}" for x, y, z in vertices] + ["f " + " ".join(str(i + 1) for i in face) for face in faces]
    Path(path).write_text("\n".join(lines))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, x in (("a", 0.36), ("b", 0.37)):
        save(f"truth/{name}.npz", (x, 0, 0))
        save(f"same/{name}.npz", (x, 0, 0), turn=rotation((1, 2, 3), 0.7))
        save(f"off/{name}.npz", (x + 0.3, 0, 0))
        save(f"inside/{name}.npz", (0.0, 0, 0))
    return tmp_path


def scores_of(predictions: str, *more: str) -> dict[str, Any]:
    command = ["evaluate", "reconstruction", "--predictions", predictions, "--annotations", "truth", *more]
    assert main([*command, "--json", "scores.json"]) == 0
    return json.loads(Path("scores.json").read_text())


def test_a_turned_scene_is_right(folder: Path) -> None:
    found = scores_of("same")
    means = found["means"]
    assert means["chamfer_human"] < 1e-3
    assert means["chamfer_object"] < 1e-3
    assert means["contact_f1"] == pytest.approx(1)
    assert means["penetration_volume"] < 1e-3
    assert set(found["scenes"]) == {"a", "b"}


def test_what_is_off_scores_less(folder: Path) -> None:
    off = scores_of("off", "--align", "human")["means"]
    assert off["chamfer_human"] == pytest.approx(0, abs=1e-6)
    assert 0.1 < off["chamfer_object"] < 0.3
    assert off["contact_f1"] == 0
    assert scores_of("off")["means"]["chamfer_human"] > 0.01
    inside = scores_of("inside", "--align", "human")["means"]
    assert 0.01 < inside["penetration_volume"] < 0.027  # of the box, 0.027


def test_several_are_compared_in_their_units(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["evaluate", "reconstruction", "--predictions", "same", "off", "--annotations", "truth"]
    assert main([*command, "--table", "table.md"]) == 0
    shown = capsys.readouterr().out
    assert "cm" in shown
    assert " l " in shown
    rows = [line for line in Path("table.md").read_text().splitlines() if line.startswith("| off |")]
    assert float(rows[0].split("|")[3]) > 5  # cm


def test_pairs_of_meshes_are_read(folder: Path) -> None:
    Path("pairs").mkdir()
    for name, x in (("a", 0.36), ("b", 0.37)):
        save_obj(f"pairs/{name}_human.obj", PERSON.vertices, PERSON.faces)
        save_obj(f"pairs/{name}_object.obj", THING.vertices + np.array([x, 0, 0]), THING.faces)
    pytest.importorskip("trimesh")
    assert scores_of("pairs")["means"]["chamfer_object"] < 1e-3
    Path("pairs/b_object.obj").unlink()
    with pytest.raises(InputError, match="one is missing of b"):
        find_reconstructions("pairs")


def test_another_object_needs_the_human_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in "ab":
        save(f"other/{name}.npz", (0.36, 0, 0), refine(box((0.3, 0.3, 0.3), PAINT), 0.2))
    assert scores_of("other", "--align", "human")["means"]["chamfer_object"] < 0.02
    assert main(["evaluate", "reconstruction", "--predictions", "other", "--annotations", "truth"]) != 0
    assert "aligned by the human" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "expected arrays human_vertices"),
        ({"human_vertices": np.zeros((3, 2))}, "human"),
        ({"human_vertices": np.full((3, 3), np.nan)}, "not finite"),
        ({"human_faces": np.zeros((1, 3))}, "whole numbers as faces"),
        ({"object_faces": np.array([[0, 1, 9]])}, "object"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    whole = {"vertices": np.eye(3), "faces": np.array([[0, 1, 2]])}
    stored = {f"{who}_{what}": value for who in ("human", "object") for what, value in whole.items()} | arrays
    np.savez(tmp_path / "a.npz", **(stored if arrays else {"other": np.zeros(1)}))
    with pytest.raises(InputError, match=message):
        read_reconstruction(find_reconstructions(tmp_path)["a"])


def test_folders_that_do_not_fit_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["evaluate", "reconstruction", "--annotations", "truth", "--predictions"]
    Path("empty").mkdir()
    assert main([*command, "empty"]) != 0
    assert "holds no reconstruction" in capsys.readouterr().err
    assert main([*command, "missing"]) != 0
    assert "expected a folder" in capsys.readouterr().err
    save("strange/x.npz", (0.3, 0, 0))
    assert main([*command, "strange"]) != 0
    assert "none of the 1 predicted images is annotated" in capsys.readouterr().err

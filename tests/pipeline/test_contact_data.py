"""`interplay datasets prepare-contact`: what is written of each data set, and going on after a killed run."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.body.synthetic import file_fields

from interplay.body.bodies import load_body
from interplay.body.lifting import lift_human
from interplay.cli import main
from interplay.datasets.damon import read_damon
from interplay.datasets.pico import read_pixel_map
from interplay.errors import InputError
from interplay.pipeline.contact_data import PrepareJob
from interplay.pipeline.contact_data.prepare import SAMPLES

VIEWS = ("topfront", "bottomfront", "topback", "bottomback")


def samples(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / SAMPLES).read_text().splitlines()]


def digest(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".npz"  # archives have time stamps
    }


def mask(path: Path) -> np.ndarray:
    pixels = np.asarray(Image.open(path))
    assert set(np.unique(pixels).tolist()) <= {0, 255}
    return pixels > 0


def points(folder: Path, count: int) -> None:
    """PIAD's files of an object's points."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(count):
        lines = []
        for position in rng.normal(size=(60, 3)):
            scores = np.zeros(17)
            scores[2] = position[1] > 0  # lift
            lines.append(" ".join(["id", "Bag", *map(str, position), *map(str, scores)]))
        (folder / f"Point_Train_Bag_{number}.txt").write_text("\n".join(lines) + "\n")


def test_damon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    smpl = tmp_path / "smplh.npz"
    np.savez(smpl, **file_fields(52)[0])
    body = load_body(smpl)
    hand = body.parts()["right hand"]
    Path("damon").mkdir()
    np.save("damon/imgname.npy", np.array(["images/a.jpg", "images/b.jpg"]))
    labels = [{"cup": hand.tolist()}, {"supporting": body.parts()["left foot"].tolist(), "kite": []}]
    Path("damon/contact_label_objectwise.pkl").write_bytes(pickle.dumps(labels))
    command = ["datasets", "prepare-contact", "damon", "-o", "out", "--size", "96"]
    assert main(command) == 2
    assert "give your own file of SMPL or SMPL-H with --body" in capsys.readouterr().err
    assert main([*command, "--body", str(smpl)]) == 0
    out = Path("out")
    found = samples(out)
    assert [(each["image"], each["object"], each["parts"]) for each in found] == [
        ("images/a.jpg", "cup", ["right hand"]),
        ("images/b.jpg", "supporting", ["left foot"]),
        ("images/b.jpg", "kite", []),
    ]
    assert list(found[0]["masks"]) == list(VIEWS)
    assert found[0]["masks"]["topback"] == "hcontact_vitruvian_mv2/cup/a_topback.png"
    place = out / "hcontact_vitruvian_mv2"
    with np.load(place / "pixel_to_vertex_map_96.npz") as corners, np.load(place / "bary_coords_map_96.npz") as bary:
        shown = np.stack([corners[view] for view in VIEWS])
        weights = np.stack([bary[view] for view in VIEWS])
    masks = np.stack([mask(out / found[0]["masks"][view]) for view in VIEWS])
    inside = np.isin(shown, hand).sum(-1) >= 2
    np.testing.assert_array_equal(masks, inside & (shown[..., 0] >= 0))
    assert masks.any()
    assert not any(mask(out / path).any() for path in found[2]["masks"].values())
    # lifted again, the masks give the labels back
    with np.load(place / "tables.npz") as tables:
        scores = lift_human(
            np.where(masks, 9.0, -9.0), tables["pix_to_face"], weights, tables["faces"], len(body.vertices)
        )
    visible = np.unique(shown[shown >= 0])
    wanted = np.isin(visible, hand)
    assert ((scores[visible] >= 0.5) == wanted).mean() > 0.95
    assert Image.open(place / "body_render_topfront.png").size == (96, 96)
    Path("damon/body_parts_objectwise.json").write_bytes((out / "body_parts_objectwise.json").read_bytes())
    assert [each.parts for each in read_damon("damon")] == [("right hand",), ("left foot",), ()]
    assert main([*command, "--body", str(smpl)]) == 0
    assert "2 of 2 pieces are there already" in capsys.readouterr().err
    assert main([*command, "--body", str(smpl), "--min-vertices", "3"]) == 2
    assert "min_vertices 2 there, 3 wanted" in capsys.readouterr().err
    assert main([*command[:4], "ground", "--size", "96", "--body", str(smpl), "--foot-ground"]) == 0
    assert {each["object"] for each in samples(Path("ground"))} == {"cup", "scene", "kite"}


def test_real_points_and_their_heat_maps(data: Path, tmp_path: Path) -> None:
    source = data / "public" / "piad"
    assert main(["datasets", "prepare-contact", str(source), "-o", str(tmp_path / "out"), "--size", "64"]) == 0
    (found,) = samples(tmp_path / "out")
    assert found["object"] == "Bag"
    assert list(found["heat_maps"]) == ["grasp", "contain", "lift", "open"]
    view = "frontleft"
    heat = np.asarray(Image.open(tmp_path / "out" / found["heat_maps"]["contain"][view]))
    with np.load(tmp_path / "out" / found["tables"][view]) as table:
        shown = table["mapping"]
    assert shown.shape == (64, 64)
    assert heat[shown < 0].max() == 0
    assert heat.max() > 200
    picture = np.asarray(Image.open(tmp_path / "out" / found["views"][view]))
    assert (picture[shown < 0] == 255).all()


def _group_runs(number: int) -> bool:
    try:
        os.killpg(number, signal.SIGCONT)
    except ProcessLookupError:
        return False
    return True


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    points(tmp_path / "piad", 30)
    command = [sys.executable, "-m", "interplay", "datasets", "prepare-contact", "piad", "--size", "256", "-o"]
    process = subprocess.Popen(
        [*command, "out"], cwd=tmp_path, env=os.environ, stderr=subprocess.DEVNULL, start_new_session=True
    )
    parts = tmp_path / "out" / ".parts"
    limit = time.monotonic() + 300
    while (not parts.is_dir() or len(list(parts.glob("p*.json"))) < 3) and time.monotonic() < limit:
        time.sleep(0.02)
    process.kill()
    process.wait()
    before = len(list(parts.glob("p*.json")))
    assert 3 <= before < 30
    limit = time.monotonic() + 30
    while _group_runs(process.pid) and time.monotonic() < limit:  # its workers end a moment later
        time.sleep(0.02)
    assert not (tmp_path / "out" / SAMPLES).exists()
    done = subprocess.run([*command, "out"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "of 30 pieces are there already" in done.stderr
    found = samples(tmp_path / "out")
    assert [each["points"] for each in found] == sorted(each["points"] for each in found)
    assert len(found) == 30
    for each in found:
        for paths in (each["views"], *each["heat_maps"].values()):
            assert all(Image.open(tmp_path / "out" / path).size == (256, 256) for path in paths.values())
    assert not list((tmp_path / "out").rglob(".interplay-*")), "temporary files of the killed run"


def test_what_cannot_be_prepared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x")
    points(tmp_path / "piad", 1)
    for source, output, options, message in (
        ("empty", "out", (), "expected annotated contact"),
        ("nowhere", "out", (), "no folder"),
        ("piad", "full", (), "is not empty"),
        ("piad", "out", ("--only", "objects"), "no objects can be made of it: it gives points"),
        ("piad", "out", ("--only", "masks"), "expected annotated contact"),
        ("piad", "out", ("--only", "hats"), "unknown kind 'hats'"),
        ("piad", "out", ("--size", "9999"), "16 to 4096"),
    ):
        assert (
            main(["datasets", "prepare-contact", str(tmp_path / source), "-o", str(tmp_path / output), *options]) == 2
        )
        assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="1, 2 or 3"):
        PrepareJob(tmp_path, tmp_path, min_vertices=4)


@pytest.mark.slow
def test_generated_scenes(tmp_path: Path) -> None:
    scenes = tmp_path / "scenes"
    assert main(["synthesize", str(scenes), "--scenes", "2", "--seed", "3", "--size", "96"]) == 0
    assert main(["datasets", "prepare-contact", str(scenes), "-o", str(tmp_path / "out"), "--size", "64"]) == 0
    found = samples(tmp_path / "out")
    assert found
    for each in found:
        assert len(each["human_box"]) == 4
        photograph = Image.open(scenes / each["image"])
        assert Image.open(tmp_path / "out" / each["contact2d"]).size == photograph.size
        for path in each.get("object_tables", {}).values():
            table = read_pixel_map(tmp_path / "out" / path)
            assert table.num_vertices == each["num_object_vertices"]
    with_object = [each for each in found if "object_masks" in each]
    assert any(mask(tmp_path / "out" / path).any() for path in with_object[0]["object_masks"].values())

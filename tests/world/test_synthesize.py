"""Generated data sets on disk: the same bytes however they are made, whole after a kill, read back with all labels."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("embreex")
pytest.importorskip("anny")

import trimesh

from interplay.body.contact import CONTACT
from interplay.cli import main
from interplay.datasets import ImageFinder, InteractionDataset, check_folder, load_annotations
from interplay.datasets.generated import BENCHMARKS, GeneratedDataset, Settings
from interplay.errors import InputError, MissingFileError
from interplay.locks import LockedError, locked
from interplay.vocabulary import Vocabulary
from interplay.world import synthesize
from interplay.world.labels import label
from interplay.world.rendering.image import render
from interplay.world.sampler import sample_scene

SETTINGS = Settings(scenes=5, seed=4, size=96)


def digest(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def _processes(session: int) -> list[str]:
    """Numbers of the processes of a session that still run."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, own = status.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(own) == session and state != "Z":
            found.append(status.parent.name)
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generated") / "one"
    synthesize(folder, SETTINGS, workers=1)
    return folder


def test_two_workers_and_growth_give_the_same_bytes(made: Path, tmp_path: Path) -> None:
    synthesize(tmp_path / "two", Settings(scenes=2, seed=4, size=96), workers=1)
    synthesize(tmp_path / "two", SETTINGS, workers=2)
    assert digest(tmp_path / "two") == digest(made)


def test_going_on_after_a_kill(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "killed"
    command = [
        sys.executable,
        "-m",
        "interplay.cli",
        "synthesize",
        str(out),
        "--scenes",
        "5",
        "--seed",
        "4",
        "--size",
        "96",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 120
    while not list(out.glob(".parts/*.json")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    process.kill()
    process.wait()
    while _processes(process.pid) and time.monotonic() < deadline:  # its worker must notice
        time.sleep(0.05)
    assert not _processes(process.pid)
    assert not (out / "annotations.jsonl").exists()
    with pytest.raises(MissingFileError, match="once all scenes are made"):
        GeneratedDataset(out)
    assert main(command[3:]) == 0
    assert digest(out) == digest(made)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_script_needs_nothing_around_its_call(made: Path, tmp_path: Path, workers: int) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from interplay.world import synthesize\nfrom interplay.datasets.generated import Settings\n"
        f"print('begins')\nsynthesize('out', Settings(5, seed=4, size=96), workers={workers})\n"
    )
    done = subprocess.run([sys.executable, script.name], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "begins\n"), done.stderr
    assert digest(tmp_path / "out") == digest(made)


def test_two_processes_do_not_write_one_folder(tmp_path: Path) -> None:
    with locked(tmp_path / "out", folder=True), pytest.raises(LockedError, match="is being written"):
        synthesize(tmp_path / "out", SETTINGS)


def test_what_a_killed_run_left_before_its_first_file_is_no_content(made: Path, tmp_path: Path) -> None:
    code = (
        "import os, sys; from interplay.files import atomic_path\n"
        "with atomic_path(sys.argv[1]) as temporary: temporary.write_text('{'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "generated.json")])
    assert len(list(tmp_path.iterdir())) == 1
    synthesize(tmp_path, SETTINGS)
    assert digest(tmp_path) == digest(made)


def test_a_lost_picture_is_made_again(made: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(made, copy)
    (copy / "images" / "000002.jpg").unlink()
    assert any(f.status == "different" for f in check_folder(copy))
    synthesize(copy, SETTINGS)
    assert digest(copy) == digest(made)
    assert all(f.status in ("ok", "note") for f in check_folder(copy))


def test_a_changed_picture_is_noticed(made: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(made, copy)
    picture = copy / "images" / "000001.jpg"
    picture.write_bytes(picture.read_bytes() + b"\0")
    (wrong,) = [f for f in check_folder(copy) if f.status == "different"]
    assert "images/000001.jpg" in wrong.detail


def test_all_labels_come_back(made: Path) -> None:
    dataset = GeneratedDataset(made)
    assert len(dataset) == 5
    for i in range(5):
        sample = dataset[i]
        scene = sample_scene(4, i, 96)
        expected = label(scene, render(scene, np.random.default_rng([4, i, 1])), Vocabulary.load("generated"))
        assert sample.index == i
        assert sample.place == scene.place
        assert sample.sentences == expected.sentences
        assert np.array_equal(sample.mask, expected.mask)
        near = np.isfinite(expected.depth) & (expected.depth < 65)
        np.testing.assert_allclose(sample.depth[near], expected.depth[near], atol=6e-4)
        assert np.isinf(sample.depth[np.isinf(expected.depth)]).all()
        np.testing.assert_allclose(sample.amodal, expected.amodal, atol=0.051)
        np.testing.assert_allclose(sample.camera.intrinsics, expected.camera.intrinsics, atol=1e-3)
        assert np.array_equal(sample.interactions.boxes, expected.interactions.boxes)
        both = zip(sample.contacts, expected.contacts, strict=True)
        for a, b in both:
            assert (a.human, a.object, a.parts) == (b.human, b.object, b.parts)
            assert np.array_equal(a.body_vertices, b.body_vertices)
            assert np.array_equal(a.object_vertices, b.object_vertices)
            assert a.nearest <= CONTACT


def test_it_reads_like_any_other_data_set(made: Path) -> None:
    table = load_annotations("generated", made)
    assert len(table) == 5
    assert table.vocabulary == Vocabulary.load("generated")
    photograph = InteractionDataset(table, made)[0]
    assert photograph.image.shape[:2] == (table[0].height, table[0].width)


def test_the_card_counts(made: Path) -> None:
    table = load_annotations("generated", made)
    counts = json.loads((made / "statistics.json").read_text())
    assert counts["interactions"] == len(table.verb)
    assert sum(counts["instances"].values()) == len(table.boxes)
    assert sum(counts["settings"].values()) == 5
    card = (made / "README.md").read_text()
    assert "interplay synthesize OUT --scenes 5 --seed 4 --size 96" in card
    assert (made / "contact_sheet.jpg").stat().st_size > 1000


def test_scenes_in_3d_and_pictures_alone(tmp_path: Path) -> None:
    settings = Settings(scenes=1, seed=4, size=64, labels="image", glb=True)
    synthesize(tmp_path / "a", settings)
    scene = sample_scene(4, 0, 64)
    model = trimesh.load(tmp_path / "a" / "scenes" / "000000.glb")
    body = model.geometry["person 0"]
    assert len(body.vertices) == len(scene.posed[0])
    placed = trimesh.transform_points(body.vertices, model.graph["person 0"][0])
    np.testing.assert_allclose(placed[:, 1], scene.posed[0][:, 2], atol=1e-4)  # y is up
    thing, number = scene.objects[0], len(scene.people)
    name = f"thing 0 {thing.category}"
    own = model.geometry[name].vertices
    np.testing.assert_allclose(own, thing.model.mesh.vertices, atol=1e-4)
    placed = trimesh.transform_points(own, model.graph[name][0])
    np.testing.assert_allclose(placed[:, 1], scene.posed[number][:, 2], atol=1e-4)
    assert not (tmp_path / "a" / "masks").exists()
    with pytest.raises(MissingFileError, match="--labels image"):
        GeneratedDataset(tmp_path / "a")[0]


def test_other_settings_are_not_mixed(made: Path) -> None:
    with pytest.raises(InputError, match="seed 4 there, 5 wanted"):
        synthesize(made, Settings(scenes=5, seed=5, size=96))


def test_a_folder_with_other_objects_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        synthesize(tmp_path, SETTINGS)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--size", "8"], "size must be 32 or more"),
        (["--acts", "ride a bycicle"], "ride a bicycle"),
        (["--mesh", "chair"], "CATEGORY=FILE"),
        (["--mesh", "chair=nowhere.glb"], "nowhere.glb"),
        (["--benchmark", "generated-v0"], "generated-v2"),
        (["--benchmark", "generated-v1"], "generated-v1 is retired"),
    ],
)
def test_wrong_options_say_what_is_wanted(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["synthesize", str(tmp_path / "out"), *options]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--scenes", "--workers"])
def test_a_number_of_nothing_is_refused_with_the_option(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["synthesize", "out", option, "0"])
    assert f"argument {option}: expected a whole number above 0, got '0'" in capsys.readouterr().err


def test_an_unknown_act_names_near_ones_and_how_to_list_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in ("ride a bycicle", "bicycle"):
        assert main(["synthesize", str(tmp_path / "out"), "--acts", wrong]) == 2
        message = capsys.readouterr().err
        assert "ride a bicycle" in message
        assert "--acts help" in message
        assert len(message) < 300
    assert main(["synthesize", "--acts", "help"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) > 100
    assert next(line for line in listed if line.startswith("ride a bicycle:")).endswith("(street, park)")
    assert main(["synthesize"]) == 2
    assert "give OUT" in capsys.readouterr().err


def test_a_generated_folder_is_shown_without_further_options(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["datasets", "show", str(made)]) == 0
    assert (tmp_path / "one_sheet.jpg").is_file()


def test_the_benchmark_is_as_announced() -> None:
    splits = BENCHMARKS["generated-v2"].splits
    assert {name: s.scenes for name, s in splits.items()} == {"train": 4000, "val": 500, "test": 1000}
    assert len({s.seed for s in splits.values()}) == 3


def test_editions_are_told_apart(made: Path, tmp_path: Path) -> None:
    import shutil

    from interplay.datasets.generated.benchmark import benchmark_of

    copy = tmp_path / "copy"
    shutil.copytree(made, copy)
    described = json.loads((copy / "generated.json").read_text())
    del described["edition"]  # as the first edition wrote it
    (copy / "generated.json").write_text(json.dumps(described))
    with pytest.raises(InputError, match="edition None there, 2 wanted"):
        synthesize(copy, replace(SETTINGS, scenes=5))
    old = BENCHMARKS["generated-v1"].splits["val"]
    for edition, name in (({}, "generated-v1 val"), ({"edition": 2}, None)):
        content = {**described, "seed": old.seed, "size": old.size, **edition}
        (copy / "generated.json").write_text(json.dumps(content))
        found = benchmark_of(copy)
        assert (None if found is None else found[0]) == name


def test_the_numbering_of_bodies_is_written(made: Path, tmp_path: Path) -> None:
    from interplay.body.model import PARTS, load_body_model

    body, model = GeneratedDataset(made).body, load_body_model()
    assert body.part_names == PARTS
    assert np.array_equal(body.part, model.part)
    assert np.array_equal(body.faces, model.faces)
    assert np.abs(body.vertices - model.template.vertices).max() < 1e-5
    assert len(np.unique(body.anny)) > 0.99 * len(body.anny)  # 12,240 of 12,272
    for sample in GeneratedDataset(made):
        for contact in sample.contacts:
            assert {body.part_names[p] for p in body.part[contact.body_vertices]} == set(contact.parts)


def test_each_split_of_a_benchmark_has_its_own_pictures(made: Path, tmp_path: Path) -> None:
    import shutil

    for split in ("train", "val"):
        shutil.copytree(made, tmp_path / split)
    for split, names in (("train", ["train"]), ("val", ["val"]), ("trainval", ["train", "val"])):
        table = load_annotations("generated", tmp_path, split)
        there = [
            path.relative_to(tmp_path).as_posix() for n in names for path in sorted((tmp_path / n).glob("images/*"))
        ]
        assert sorted(table.files) == there
        found = ImageFinder(tmp_path)
        assert [found.find(file) for file in there] == [tmp_path / file for file in there]
    alone = load_annotations("generated", tmp_path / "val")
    assert np.array_equal(load_annotations("generated", tmp_path, "val").boxes, alone.boxes)


def test_digests_are_recorded_and_verified(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    from interplay.datasets.generated import benchmark
    from interplay.datasets.generated.record_digests import record_digests

    monkeypatch.setitem(BENCHMARKS, "tiny", benchmark.Benchmark("tiny", {"val": SETTINGS}))
    table = tmp_path / "benchmarks.json"
    assert record_digests(made, table) == ["tiny val"]
    monkeypatch.setattr(benchmark, "known_digests", lambda: json.loads(table.read_text()))

    def status(change: str, to: str) -> str:
        copy = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        shutil.copytree(made, copy)
        lines = (copy / "annotations.jsonl").read_text()
        assert change in lines
        (copy / "annotations.jsonl").write_text(lines.replace(change, to, 1))
        verified = benchmark.verify(copy)
        assert verified is not None
        return verified.status

    assert status("boxes", "boxes") == "ok"
    assert status('"visible":[', '"visible":[0.0001,') == "note"
    assert status('"setting":"', '"setting":"not ') == "different"
    with pytest.raises(InputError, match="no finished split"):
        record_digests(tmp_path / "nothing", table)


def test_every_split_has_digests() -> None:
    from interplay.datasets.generated.benchmark import known_digests

    splits = {f"{name} {split}" for name, each in BENCHMARKS.items() for split in each.splits}
    assert set(known_digests()) == splits


def test_reading_does_not_load_the_generator(made: Path) -> None:
    code = (
        "import sys; sys.modules['anny'] = None; from interplay.datasets import check_folder;"
        "from interplay.datasets.generated import GeneratedDataset;"
        f"folder = {str(made)!r}; GeneratedDataset(folder)[0]; check_folder(folder);"
        "print([name for name in sys.modules if name.startswith('interplay.world')])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"

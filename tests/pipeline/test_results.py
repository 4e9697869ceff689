import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import interplay
from interplay import Interactions, Vocabulary
from interplay.errors import InputError
from interplay.pipeline import ResultFile
from interplay.pipeline.results import file_setting

VCOCO = Vocabulary.load("v-coco")
RIDE = Interactions([[2, 2, 20, 30], [4, 12, 30, 38]], [0, 1], [0], [1], [3], VCOCO, score=[0.9])
SETTINGS = {"model": "stub"}


def add(path: Path, *files: str, finish: bool = True) -> None:
    results = ResultFile(path, VCOCO, SETTINGS)
    with results:
        for file in files:
            results.append(replace(RIDE, file=file))
    if finish:
        results.finish()


@pytest.mark.parametrize("remembered", [0, 1, 1000])
def test_what_a_run_returns_is_what_the_file_holds(
    tmp_path: Path, remembered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interplay.pipeline.results._REMEMBERED", remembered)
    path, results = tmp_path / "r.jsonl", ResultFile(tmp_path / "r.jsonl", VCOCO, SETTINGS)
    nobody = Interactions(np.zeros((0, 4)), [], [], [], [], VCOCO, score=[], file="b.jpg", height=48, width=64)
    with results:
        results.append(replace(RIDE, file="a.jpg", score=[np.float32(0.1)], keypoints=np.full((2, 17, 3), np.nan)))
        results.append(nobody)
    assert list(results.finish()) == list(interplay.read(path, VCOCO))


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_a_file_grows_over_several_runs(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "new" / f"r{suffix}"
    add(path, "a.jpg", "b.jpg", finish=False)
    assert path.exists() == (suffix == ".jsonl")
    results = ResultFile(path, VCOCO, SETTINGS)
    assert Path("a.jpg") in results
    assert Path("a.jpg").absolute() in results
    assert Path("c.jpg") not in results
    add(path, "c.jpg")
    add(path, "d.jpg")
    table = interplay.read(path, VCOCO)
    assert table.files == ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    assert table[3] == replace(RIDE, file="d.jpg")
    assert sorted(p.name for p in path.parent.iterdir()) == sorted([path.name, f"{path.name}.run.json"])


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
@pytest.mark.parametrize("torn", [b'{"file": "c.jpg", "bo', b'{"file": "c.jpg"', b"{"])
def test_a_half_written_last_line_is_repaired(tmp_path: Path, suffix: str, torn: bytes) -> None:
    path = tmp_path / f"r{suffix}"
    lines = tmp_path / ("r.jsonl" if suffix == ".jsonl" else "r.parquet.partial.jsonl")
    add(path, "a.jpg", "b.jpg", finish=False)
    lines.write_bytes(lines.read_bytes() + torn)
    assert Path("b.jpg") in ResultFile(path, VCOCO, SETTINGS)
    add(path, "c.jpg")
    assert interplay.read(path, VCOCO).files == ["a.jpg", "b.jpg", "c.jpg"]


def test_a_whole_last_line_without_its_end_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    add(path, "a.jpg", "b.jpg", finish=False)
    path.write_bytes(path.read_bytes().removesuffix(b"\n"))
    add(path, "c.jpg")
    assert interplay.read(path, VCOCO).files == ["a.jpg", "b.jpg", "c.jpg"]


FOREIGN = [
    b"not results\nat all\n",
    b"TODO: my notes",
    b'{"image": "a.jpg", "caption": "the only copy"}',
    b"[1]\n[2]\n",
    b'{"file": "a.jpg", "boxes": [], "labels": [], "interactions": []}\n',
]


@pytest.mark.parametrize("foreign", FOREIGN)
@pytest.mark.parametrize("name", ["r.jsonl", "r.parquet", "r.parquet.partial.jsonl"])
def test_a_file_that_is_somebody_elses_is_not_touched(tmp_path: Path, foreign: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(foreign)
    with pytest.raises(InputError, match=r"no .*run\.json beside it.*left as it is.*--overwrite"):
        ResultFile(path if name != "r.parquet.partial.jsonl" else tmp_path / "r.parquet", VCOCO, SETTINGS)
    assert path.read_bytes() == foreign
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("foreign", FOREIGN)
def test_what_was_put_in_the_place_of_results_is_not_touched(tmp_path: Path, foreign: bytes) -> None:
    path = tmp_path / "r.jsonl"
    add(path, "a.jpg")
    for content in (foreign, path.read_bytes() + foreign):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"line \d: not a result"):
            ResultFile(path, VCOCO, SETTINGS)
        assert path.read_bytes() == content


def test_results_of_one_name_and_two_kinds_have_two_records(tmp_path: Path) -> None:
    add(tmp_path / "r.jsonl", "a.jpg")
    with ResultFile(tmp_path / "r.parquet", VCOCO, {"model": "other"}) as results:
        results.append(replace(RIDE, file="b.jpg"))
    results.finish()
    assert Path("a.jpg") in ResultFile(tmp_path / "r.jsonl", VCOCO, SETTINGS)
    assert Path("b.jpg") in ResultFile(tmp_path / "r.parquet", VCOCO, {"model": "other"})


def test_a_file_that_settings_name_counts_by_its_content(tmp_path: Path) -> None:
    boxes, copy = tmp_path / "boxes.jsonl", tmp_path / "copy.jsonl"
    boxes.write_text("one")
    copy.write_text("one")
    with ResultFile(tmp_path / "r.jsonl", VCOCO, {"boxes": file_setting(boxes)}) as results:
        results.append(replace(RIDE, file="a.jpg"))
    assert Path("a.jpg") in ResultFile(tmp_path / "r.jsonl", VCOCO, {"boxes": file_setting(copy)})
    boxes.write_text("two")
    with pytest.raises(InputError, match="other content in the file of boxes"):
        ResultFile(tmp_path / "r.jsonl", VCOCO, {"boxes": file_setting(boxes)})


def test_overwriting_a_link_keeps_it(tmp_path: Path) -> None:
    real, link = tmp_path / "real.jsonl", tmp_path / "link.jsonl"
    real.write_text("old")
    link.symlink_to(real)
    with ResultFile(link, VCOCO, SETTINGS, overwrite=True) as results:
        results.append(replace(RIDE, file="a.jpg"))
    assert link.is_symlink()
    assert interplay.read(real, VCOCO).files == ["a.jpg"]


def test_results_of_other_settings_are_not_continued(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    add(path, "a.jpg")
    with pytest.raises(InputError, match=r"model 'stub' \(now 'other'\).*--overwrite"):
        ResultFile(path, VCOCO, {"model": "other"})
    fresh = ResultFile(path, VCOCO, {"model": "other"}, overwrite=True)
    assert Path("a.jpg") not in fresh
    with fresh:
        fresh.append(replace(RIDE, file="b.jpg"))
    assert interplay.read(path, VCOCO).files == ["b.jpg"]


def test_the_record_tells_how_the_file_was_made(tmp_path: Path) -> None:
    add(tmp_path / "r.jsonl", "a.jpg", finish=False)
    record = tmp_path / "r.jsonl.run.json"
    assert json.loads(record.read_text()) == {"output": "r.jsonl", "settings": SETTINGS, "finished": False}
    add(tmp_path / "r.jsonl")
    assert json.loads(record.read_text())["finished"] is True


@pytest.mark.parametrize("content", ["[]", '{"settings": [{"model": "stub"}], "finished": false}', '{"settings": {}}'])
def test_what_is_no_record_tells_nothing(content: str, tmp_path: Path) -> None:
    add(tmp_path / "r.jsonl", "a.jpg")
    (tmp_path / "r.jsonl.run.json").write_text(content)
    with pytest.raises(InputError, match="left as it is"):
        ResultFile(tmp_path / "r.jsonl", VCOCO, SETTINGS)


def test_an_empty_run_gives_an_empty_file(tmp_path: Path) -> None:
    add(tmp_path / "r.parquet")
    assert len(interplay.read(tmp_path / "r.parquet")) == 0


def test_a_name_that_no_result_file_can_have(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.jsonl or \.parquet"):
        ResultFile(tmp_path / "r.txt", VCOCO, SETTINGS)
    (tmp_path / "d.jsonl").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        ResultFile(tmp_path / "d.jsonl", VCOCO, SETTINGS)

import json
from dataclasses import replace
from pathlib import Path

import pytest

import interplay
from interplay import Interactions, Vocabulary
from interplay.errors import InputError
from interplay.pipeline import ResultFile

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
    assert sorted(p.name for p in path.parent.iterdir()) == sorted([path.name, "r.run.json"])


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
@pytest.mark.parametrize("torn", [b'{"file": "c.jpg", "bo', b'{"file": "c.jpg"', b"{", b'"c', b"\xc3"])
def test_a_half_written_last_line_is_repaired(tmp_path: Path, suffix: str, torn: bytes) -> None:
    path = tmp_path / f"r{suffix}"
    lines = tmp_path / ("r.jsonl" if suffix == ".jsonl" else "r.partial.jsonl")
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


@pytest.mark.parametrize("foreign", [b"not results\nat all\n", b'{"file": "a.jpg"\n{}\n', b"[1]\n[2]\n"])
def test_a_file_that_is_something_else_is_not_touched(tmp_path: Path, foreign: bytes) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(foreign)
    with pytest.raises(InputError, match="line 1: not a result"):
        ResultFile(path, VCOCO, SETTINGS)
    assert path.read_bytes() == foreign


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
    record = tmp_path / "r.run.json"
    assert json.loads(record.read_text()) == {"settings": SETTINGS, "finished": False}
    add(tmp_path / "r.jsonl")
    assert json.loads(record.read_text())["finished"] is True


def test_without_its_record_a_file_is_continued(tmp_path: Path) -> None:
    add(tmp_path / "r.jsonl", "a.jpg")
    (tmp_path / "r.run.json").unlink()
    assert Path("a.jpg") in ResultFile(tmp_path / "r.jsonl", VCOCO, {"model": "other"})


def test_an_empty_run_gives_an_empty_file(tmp_path: Path) -> None:
    add(tmp_path / "r.parquet")
    assert len(interplay.read(tmp_path / "r.parquet")) == 0


def test_a_name_that_no_result_file_can_have(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.jsonl or \.parquet"):
        ResultFile(tmp_path / "r.csv", VCOCO, SETTINGS)
    (tmp_path / "d.jsonl").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        ResultFile(tmp_path / "d.jsonl", VCOCO, SETTINGS)

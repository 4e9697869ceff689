"""``interplay datasets``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import interplay
from interplay.cli import main


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def test_check(hico_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets", "check", str(hico_folder / "pairs")]) == 1
    output = capsys.readouterr().out
    assert "published: 9,658 images" in output
    assert "umich.edu" in output


def test_check_of_what_is_right(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    assert main(["datasets", "check", str(tmp_path)]) == 0
    assert main(["datasets", "check", str(tmp_path / "absent")]) == 2


def test_stats(hico_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = hico_folder / "counts.json"
    assert main(["datasets", "stats", str(hico_folder / "pairs"), "--most", "2", "--json", str(out)]) == 0
    output = capsys.readouterr().out
    assert "ride bicycle" not in output
    assert "hold bicycle" in output
    assert json.loads(out.read_text())["per_interaction"]["ride bicycle"] == 1


def test_show(hico_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (320, 240)).save(hico_folder / "HICO_test2015_00000001.jpg")
    arguments = ["datasets", "show", str(hico_folder / "mat"), "--images", str(hico_folder)]
    assert main([*arguments, "-o", str(hico_folder / "sheet.jpg")]) == 0
    assert "1 images" in capsys.readouterr().out
    assert (hico_folder / "sheet.jpg").stat().st_size > 1000


def test_validate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = {"file": "a.jpg", "width": 9, "height": 9, "boxes": [[0, 0, 5, 5]], "labels": ["person"], "interactions": []}
    path = tmp_path / "d.jsonl"
    path.write_text(json.dumps(good) + "\n")
    assert main(["datasets", "validate", str(path)]) == 0
    path.write_text("".join(json.dumps({**good, "file": f"{i}", "labels": ["persn"]}) + "\n" for i in range(5)))
    assert main(["datasets", "validate", str(path), "--vocabulary", "coco", "--most", "2"]) == 1
    output = capsys.readouterr().out
    assert f"{path}, line 1, labels[0]: error: unknown object 'persn'" in output
    assert "... and 3 more" in output
    assert "5 errors" in output


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_convert(hico_folder: Path, suffix: str) -> None:
    target = hico_folder / f"train{suffix}"
    arguments = ["datasets", "convert", str(hico_folder / "mat" / "anno_bbox.mat"), str(target), "--split", "train"]
    assert main(arguments) == 0
    table = interplay.read(target)
    assert table.files[0] == "HICO_train2015_00000001.jpg"
    assert len(table.verb) == 7


@pytest.mark.parametrize("spelling", ["hico-det", "hico_det", "HICO-DET", "hicodet"])
def test_the_data_set_goes_by_any_spelling(hico_folder: Path, spelling: str) -> None:
    source, target = hico_folder / "mat" / "anno_bbox.mat", hico_folder / "train.jsonl"
    assert main(["datasets", "convert", str(source), str(target), "--split", "train", "--dataset", spelling]) == 0
    assert len(interplay.read(target).verb) == 7


def test_usage_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets", "stats", str(tmp_path)]) == 2
    assert "holds no annotations" in capsys.readouterr().err
    with pytest.raises(SystemExit) as error:
        main(["datasets"])
    assert error.value.code == 2


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from interplay.cli import main\n"
        "try: main(['datasets', 'check', '--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'torch', 'scipy', 'pyarrow', 'PIL', 'numpy'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"
    assert "example:" in result.stdout

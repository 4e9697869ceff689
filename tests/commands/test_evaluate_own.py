"""Own data is scored by its own names, also where a published data set has the same ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interplay import evaluate, read, write
from interplay.cli import main

BOXES = [[10, 10, 100, 200], [80, 100, 160, 180]]


def record(verb: str, thing: str, scored: bool, more: tuple[str, str] | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {
        "file": "a.jpg", "boxes": list(BOXES), "labels": ["person", thing],
        "interactions": [{"human": 0, "verb": verb, "object": 1}],
    }  # fmt: skip
    if more is not None:
        made["boxes"].append([0, 0, 50, 50])
        made["labels"].append(more[1])
        made["interactions"].append({"human": 0, "verb": more[0], "object": 2})
    if scored:
        made["scores"] = [0.9] * len(made["boxes"])
        for i, item in enumerate(made["interactions"]):
            item["score"] = 0.9 - i / 10
    return made


def lines(path: Path, *records: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in records))
    return path


def scores(tmp_path: Path, predictions: Path, annotations: Path, *options: str) -> dict[str, Any]:
    command = ["evaluate", "own", "--predictions", str(predictions), "--annotations", str(annotations)]
    assert main([*command, "--json", str(tmp_path / "o.json"), *options]) == 0
    return json.loads((tmp_path / "o.json").read_text())


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
@pytest.mark.parametrize(
    ("verb", "thing"),
    [("hold", "cup"), ("skateboard", "skateboard"), ("hit_instr", "tennis racket"), ("operate", "lathe")],
)
@pytest.mark.parametrize("more", [None, ("drink with", "cup"), ("polish", "dog"), ("weld", "girder")])
def test_classes_are_the_annotated_pairs(
    tmp_path: Path, verb: str, thing: str, more: tuple[str, str] | None, suffix: str
) -> None:
    truth = lines(tmp_path / "truth.jsonl", record(verb, thing, False))
    found = lines(tmp_path / "found.jsonl", record(verb, thing, True, more))
    if suffix == ".parquet":
        for path in (truth, found):
            write(read(path), path.with_suffix(suffix))
        truth, found = truth.with_suffix(suffix), found.with_suffix(suffix)
    out = scores(tmp_path, found, truth)
    assert len(out["classes"]) == 1
    assert out["classes"][0].endswith(thing)
    assert out["map"]["full"] == 1
    assert evaluate("own", read(found), read(truth)).map["full"] == 1


def test_a_file_of_names_reads_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = lines(tmp_path / "truth.jsonl", record("hold", "cup", False))
    found = lines(tmp_path / "found.jsonl", record("hold", "cup", True, ("drink from", "dog")))
    names = {"name": "k", "objects": ["person", "cup", "dog"], "verbs": ["hold", "drink from"]}
    for interactions, count in (([], 1), ([["hold", "cup"], ["drink from", "cup"]], 2)):
        (tmp_path / "k.json").write_text(json.dumps({**names, "interactions": interactions}))
        out = scores(tmp_path, found, truth, "--vocabulary", str(tmp_path / "k.json"))
        assert (len(out["classes"]), out["map"]["full"]) == (count, 1)
    other = lines(tmp_path / "other.jsonl", record("hold", "bowl", True))
    command = ["evaluate", "own", "--predictions", str(other), "--annotations", str(truth)]
    assert main([*command, "--vocabulary", str(tmp_path / "k.json")]) == 2
    assert "unknown object 'bowl' in the vocabulary 'k'" in capsys.readouterr().err


def test_numbers_need_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = lines(tmp_path / "truth.jsonl", record("hold", "cup", False))
    boxes = [{"bbox": box, "category_id": k} for k, box in enumerate(BOXES)]
    hoi = {"subject_id": 0, "object_id": 1, "category_id": 1, "score": 0.5}
    found = tmp_path / "found.json"
    found.write_text(json.dumps([{"file_name": "a.jpg", "predictions": boxes, "hoi_prediction": [hoi]}]))
    assert main(["evaluate", "own", "--predictions", str(found), "--annotations", str(truth)]) == 2
    assert "--vocabulary" in capsys.readouterr().err
    names = {"name": "k", "objects": ["person", "cup"], "verbs": ["wash", "hold"]}
    (tmp_path / "k.json").write_text(json.dumps(names))
    assert scores(tmp_path, found, truth, "--vocabulary", str(tmp_path / "k.json"))["map"]["full"] == 1

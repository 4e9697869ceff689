"""Predictions of other images, or of a part of them, are refused, or their scores say which part they are of."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from interplay import Interactions, InteractionTable, Vocabulary, evaluate, write
from interplay.cli import main
from interplay.errors import InputError
from interplay.metrics import PROTOCOLS, VCOCO_PROTOCOLS

BOXES = [[10, 10, 60, 120], [5, 60, 90, 140]]


def table(files: list[str], scored: bool, vocabulary: str = "hico-det", verbs: tuple[str, ...] = ("ride",)):
    names = Vocabulary.load(vocabulary)
    triplets = {"human": [0] * len(verbs), "object": [1] * len(verbs), "verb": [names.verb_index(v) for v in verbs]}
    score = np.linspace(0.9, 0.5, len(verbs)) if scored else None
    labels = [0, names.object_index("bicycle")]
    return InteractionTable.from_list(
        [Interactions(BOXES, labels, **triplets, vocabulary=names, score=score, file=f, scored=scored) for f in files]
    )


def numbered(split: str, numbers: range) -> list[str]:
    return [f"HICO_{split}2015_{n:08d}.jpg" for n in numbers]


EVERY_PROTOCOL = [("hico-det", name) for name in PROTOCOLS] + [("v-coco", name) for name in VCOCO_PROTOCOLS]


@pytest.mark.parametrize(("dataset", "protocol"), EVERY_PROTOCOL)
def test_every_protocol_refuses_other_images_and_parts(dataset: str, protocol: str) -> None:
    truth = table(numbered("test", range(10)), False, dataset)
    with pytest.raises(InputError, match=r"none of the 10 .*(?s:.)*HICO_train2015_(?s:.)*HICO_test2015_(?s:.)*train"):
        evaluate(dataset, table(numbered("train", range(10)), True, dataset), truth, protocol=protocol)
    half = table([*numbered("test", range(5)), *numbered("train", range(5))], True, dataset)
    with pytest.raises(InputError, match=r"5 of 10 \(50.0%\) annotated images(?s:.)*00000005.jpg(?s:.)*allow_partial"):
        evaluate(dataset, half, truth, protocol=protocol)
    scores = evaluate(dataset, half, truth, protocol=protocol, allow_partial=True)
    assert scores.to_dict()["coverage"]["share"] == 0.5
    nearly = evaluate(dataset, table(numbered("test", range(1, 10)), True, dataset), truth, protocol=protocol)
    assert (nearly.coverage.partial, nearly.coverage.share) == (False, 0.9)
    assert any(
        "1 annotated images have no prediction (such as 'HICO_test2015_00000000.jpg')" in n for n in nearly.notes
    )


def test_other_images_are_refused_even_where_a_part_is_allowed() -> None:
    with pytest.raises(InputError, match="none of the 2 predicted images"):
        evaluate("hico-det", table(["c.jpg", "d.jpg"], True), table(["a.jpg", "b.jpg"], False), allow_partial=True)


def test_images_that_nobody_annotated_change_nothing() -> None:
    truth = table(numbered("test", range(3)), False)
    both = table([*numbered("test", range(3)), *numbered("train", range(20))], True)
    scores = evaluate("hico-det", both, truth)
    assert scores.map["full"] == 1
    assert scores.coverage.unknown_images == 20


@pytest.mark.parametrize("prefix", ["val2014\\", "C:\\data\\val2014\\", "..\\", "images/", "./"])
def test_folders_of_either_kind_do_not_matter(prefix: str) -> None:
    files = ["a.jpg", "b.jpg"]
    for predicted, annotated in ((prefix, ""), ("", prefix), (prefix, "other\\x/")):
        found = table([predicted + f for f in files], True)
        assert evaluate("hico-det", found, table([annotated + f for f in files], False)).map["full"] == 1


def command(*arguments: object) -> int:
    return main(["evaluate", *map(str, arguments)])


def test_splits_that_are_mixed_up_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(table(numbered("test", range(8)), False), tmp_path / "truth.jsonl")
    write(table([*numbered("test", range(2)), *numbered("train", range(6))], True), tmp_path / "mixed.jsonl")
    one = ["hico-det", "--annotations", tmp_path / "truth.jsonl", "--predictions", tmp_path / "mixed.jsonl"]
    assert command(*one) == 2
    refused = capsys.readouterr()
    assert "2 of 8 (25.0%) annotated images" in refused.err
    assert "'HICO_train2015_00000000.jpg'" in refused.err
    assert "--allow-partial" in refused.err
    assert "mAP" not in refused.out
    assert command(*one, "--allow-partial") == 0
    assert "covers 2 of 8 (25.0%) images" in " ".join(capsys.readouterr().out.split())


def test_every_output_carries_the_share(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(table(numbered("test", range(8)), False), tmp_path / "truth.jsonl")
    write(table(numbered("test", range(2)), True), tmp_path / "part.jsonl")
    write(table(numbered("test", range(8)), True), tmp_path / "all.jsonl")
    one = ["hico-det", "--annotations", tmp_path / "truth.jsonl", "--predictions", tmp_path / "part.jsonl"]
    assert command(*one, tmp_path / "all.jsonl", "--table", tmp_path / "t.md") == 0
    assert "covers 2 of 8 (25.0%) images" in " ".join(capsys.readouterr().out.split())
    assert "| part.jsonl (covers 2 of 8 (25.0%) images) |" in (tmp_path / "t.md").read_text()
    assert "| all.jsonl |" in (tmp_path / "t.md").read_text()
    outputs = ["--table", tmp_path / "t.tex", "--json", tmp_path / "o.json"]
    assert command(*one, *outputs) == 0
    assert r"part.jsonl (covers 2 of 8 (25.0\%) images)" in (tmp_path / "t.tex").read_text()
    assert json.loads((tmp_path / "o.json").read_text())["coverage"] == {
        "share": 0.25, "partial": True, "images": 2, "annotated_images": 8, "unknown_images": 0,
        "classes": 1, "annotated_classes": 1,
    }  # fmt: skip


def test_a_folder_of_mat_files_must_be_whole(
    tmp_path: Path, hico: Vocabulary, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the file of an object its classes have no predictions, whatever the model found."""
    files = numbered("test", range(1, 3))
    truth = table(files, False, verbs=("ride", "hold"))
    truth.labels[3] = hico.object_index("horse")  # the second image has a horse
    write(truth, tmp_path / "truth.jsonl")
    counts = np.bincount(hico.interactions[:, 1], minlength=80)
    (tmp_path / "mat").mkdir()
    for label in range(80):
        if hico.objects[label] == "horse":
            continue
        cells = np.empty((counts[label], 2), object)
        for place in np.ndindex(cells.shape):
            cells[place] = np.zeros((0, 9))
        if hico.objects[label] == "bicycle":
            for row, pair in enumerate(hico.interactions[hico.interactions[:, 1] == label]):
                if hico.verbs[pair[0]] in ("ride", "hold"):
                    cells[row, 0] = np.array([[*BOXES[0], *BOXES[1], 0.9]])
        savemat(tmp_path / "mat" / f"detections_{label + 1:02d}.mat", {"all_boxes": cells})
    one = ["hico-det", "--annotations", tmp_path / "truth.jsonl", "--predictions", tmp_path / "mat"]
    assert command(*one) == 2
    message = capsys.readouterr().err
    assert "detections_18.mat (horse)" in message
    assert "2 of 4 annotated classes" in message
    assert command(*one, "--allow-partial", "--json", tmp_path / "o.json") == 0
    assert "2 of 4 (50.0%) classes" in " ".join(capsys.readouterr().out.split())
    assert json.loads((tmp_path / "o.json").read_text())["coverage"]["share"] == 0.5
    with pytest.raises(InputError, match=r"1 result file missing: detections_18\.mat"):
        evaluate("hico-det", str(tmp_path / "mat"), truth)
    truth.labels[3] = hico.object_index("bicycle")  # where nothing of it is annotated, the file is not missed
    scores = evaluate("hico-det", str(tmp_path / "mat"), truth)
    assert scores.coverage.share == 1
    assert any("detections_18.mat" in note for note in scores.notes)


def test_converting_a_folder_that_lacks_files_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mat").mkdir()
    savemat(tmp_path / "mat" / "detections_02.mat", {"all_boxes": np.zeros((0, 5), object)})
    assert main(["datasets", "convert", str(tmp_path / "mat"), str(tmp_path / "o.jsonl")]) == 2
    assert "79 result files missing" in capsys.readouterr().err
    assert not (tmp_path / "o.jsonl").exists()


def test_an_image_listed_again_counts_once(hico: Vocabulary) -> None:
    truth = table(["a.jpg", "b.jpg", "c.jpg"], False)
    found = table(["a.jpg", "b.jpg", "c.jpg", "c.jpg", "x/a.jpg"], True)
    scores = evaluate("hico-det", found, truth)
    assert int(scores.hits.detections.sum()) == 3
    assert any("2 predicted images repeat" in note and "(2 left out)" in note for note in scores.notes)
    other = table(["c.jpg"], True, verbs=("ride", "hold"))
    joined = InteractionTable.from_list([*found[:3], *other])
    assert int(evaluate("hico-det", joined, truth).hits.detections.sum()) == 4  # "hold" is new
    twice = table(["a.jpg", "b.jpg", "c.jpg"], True, verbs=("ride", "ride"))
    twice.score[:] = 0.9
    assert int(evaluate("hico-det", twice, truth).hits.detections.sum()) == 6  # the model says it twice


def test_vcoco_counts_an_image_listed_again_once() -> None:
    truth = table(["a.jpg", "b.jpg"], False, "v-coco")
    scores = evaluate("v-coco", table(["a.jpg", "b.jpg", "b.jpg"], True, "v-coco"), truth)
    once = evaluate("v-coco", table(["a.jpg", "b.jpg"], True, "v-coco"), truth)
    assert scores.hits["ap_role_s1"].detections.tolist() == once.hits["ap_role_s1"].detections.tolist()

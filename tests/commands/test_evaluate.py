"""`interplay evaluate` from end to end, on every kind of result file."""

from __future__ import annotations

import csv
import json
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from interplay import Interactions, InteractionTable, Vocabulary, write
from interplay.cli import main
from interplay.datasets.zero_shot import published_splits

BOXES = [[10, 10, 60, 120], [5, 60, 90, 140]]


def images(names: Vocabulary, verbs: list[str], scored: bool, count: int = 3) -> InteractionTable:
    target = names.object_index("bicycle")
    return InteractionTable.from_list(
        [
            Interactions(
                BOXES, [0, target], [0] * len(verbs), [1] * len(verbs), [names.verb_index(v) for v in verbs], names,
                np.linspace(0.9, 0.5, len(verbs)) if scored else None, file=f"HICO_test2015_{i + 1:08d}.jpg",
                width=200, height=200, scored=scored,
            )
            for i in range(count)
        ],
        names,
    )  # fmt: skip


@pytest.fixture
def truth(tmp_path: Path, hico: Vocabulary) -> Path:
    write(images(hico, ["ride", "hold"], False), tmp_path / "truth.jsonl")
    return tmp_path / "truth.jsonl"


def evaluate(dataset: str, predictions: Path, truth: Path, *options: str) -> int:
    return main(["evaluate", dataset, "--predictions", str(predictions), "--annotations", str(truth), *options])


def test_everything_is_written(
    tmp_path: Path, truth: Path, hico: Vocabulary, capsys: pytest.CaptureFixture[str]
) -> None:
    write(images(hico, ["ride", "wash"], True), tmp_path / "p.parquet")
    outputs = ["--json", str(tmp_path / "new" / "o.json"), "--csv", str(tmp_path / "o.csv")]
    assert evaluate("hico-det", tmp_path / "p.parquet", truth, *outputs, "--plots", str(tmp_path / "plots")) == 0
    out = json.loads((tmp_path / "new" / "o.json").read_text())
    ride, hold = (hico.interaction_index(v, "bicycle") for v in ("ride", "hold"))
    assert (out["protocol"], out["setting"]) == ("official", "default")
    assert out["map"] == {"full": 0.5, "rare": None, "non_rare": 0.5}
    assert [out["per_class"]["ap"][i] for i in (ride, hold, 0)] == [1, 0, None]
    assert len(out["per_class"]["max_recall"]) == 600
    with (tmp_path / "o.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [rows[ride][key] for key in ("name", "ap", "annotated")] == ["ride bicycle", "1.0", "3"]
    assert rows[0]["ap"] == ""
    assert [p.name for p in (tmp_path / "plots").iterdir()] == ["precision_recall_ap_01.png"]
    screen = capsys.readouterr().out
    assert "full (600)" in screen
    assert "50.00" in screen
    assert "note: 598 of 600 classes" in screen


def test_zero_shot(tmp_path: Path, truth: Path, hico: Vocabulary, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the two annotated classes, one is found; which of them is unseen decides the metrics."""
    write(images(hico, ["ride", "wash"], True), tmp_path / "p.jsonl")
    ride, hold = (hico.interaction_index(v, "bicycle") for v in ("ride", "hold"))
    for split, unseen in published_splits().items():
        assert (
            evaluate("hico-det", tmp_path / "p.jsonl", truth, "--zero-shot", split, "--json", f"{tmp_path}/o.json") == 0
        )
        out = json.loads((tmp_path / "o.json").read_text())
        found = {1.0 if i == ride else 0.0 for i in (ride, hold) if i in unseen}
        left = {1.0 if i == ride else 0.0 for i in (ride, hold) if i not in unseen}
        expected = {name: sum(v) / len(v) if v else None for name, v in (("unseen", found), ("seen", left))}
        assert (out["zero_shot"], out["map"]) == (split, expected | {"full": 0.5})
        screen = capsys.readouterr().out
        assert f"unseen ({len(unseen)})" in screen
        assert f"seen ({600 - len(unseen)})" in screen
    assert evaluate("hico-det", tmp_path / "p.jsonl", truth, "--zero-shot", "unseen-objects") == 2
    assert "Did you mean 'unseen-object'" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["jsonl", "json", "mat"])
def test_other_result_files(tmp_path: Path, truth: Path, hico: Vocabulary, kind: str) -> None:
    found = images(hico, ["ride", "hold"], True)
    path = tmp_path / f"p.{kind}"
    if kind == "jsonl":
        write(found, path)
    elif kind == "json":
        boxes = [{"bbox": BOXES[0], "category_id": 1}, {"bbox": BOXES[1], "category_id": 2}]
        hois = [
            {"subject_id": 0, "object_id": 1, "category_id": hico.verb_index(v) + 1, "score": 0.5}
            for v in ("ride", "hold")
        ]
        path.write_text(
            json.dumps([{"file_name": f, "predictions": boxes, "hoi_prediction": hois} for f in found.files])
        )
    else:
        path.mkdir()
        cells = np.empty((14, 3), object)
        for place in np.ndindex(cells.shape):
            known = place[0] + 10 in [hico.interaction_index(v, "bicycle") for v in ("ride", "hold")]
            cells[place] = np.array([[*BOXES[0], *BOXES[1], 0.5]]) if known else np.zeros((0, 0))
        savemat(path / "detections_02.mat", {"all_boxes": cells})
    assert evaluate("hico-det", path, truth, "--json", str(tmp_path / "o.json")) == 0
    assert json.loads((tmp_path / "o.json").read_text())["map"]["full"] == 1


def test_steps_and_settings(tmp_path: Path, truth: Path, hico: Vocabulary) -> None:
    found = images(hico, ["ride", "ride", "hold"], True)
    found.score[:] = np.tile([0.9, 0.8, 0.7], 3)
    write(found, tmp_path / "p.jsonl")
    results = {}
    for name, options in {
        "plain": [],
        "nms": ["--nms", "0.7,1.0,0.5"],
        "top": ["--top-k", "2"],
        "both": ["--top-k", "2", "--nms", "0.7,1,0.5"],
        "known": ["--setting", "known-object", "--protocol", "ggnet"],
    }.items():
        assert evaluate("hico-det", tmp_path / "p.jsonl", truth, *options, "--json", str(tmp_path / "o.json")) == 0
        out = json.loads((tmp_path / "o.json").read_text())
        results[name] = (sum(out["num_predicted"]), out["map"]["full"])
    assert results == {"plain": (9, 1), "nms": (6, 1), "top": (6, 0.5), "both": (3, 0.5), "known": (9, 1)}


def test_overlap(tmp_path: Path, truth: Path, hico: Vocabulary) -> None:
    found = images(hico, ["ride"], True)
    found.boxes[:, 2] -= 0.6 * (found.boxes[:, 2] - found.boxes[:, 0])  # an overlap of about 0.4
    write(found, tmp_path / "p.jsonl")
    results = {}
    for overlap in ("0.5", "0.3"):
        options = ["--overlap", overlap, "--json", str(tmp_path / "o.json")]
        assert evaluate("hico-det", tmp_path / "p.jsonl", truth, *options) == 0
        results[overlap] = json.loads((tmp_path / "o.json").read_text())
    ride = hico.interaction_index("ride", "bicycle")
    assert [results[o]["per_class"]["ap"][ride] for o in results] == [0, 1]
    assert "0.3" in " ".join(results["0.3"]["notes"])


def test_vcoco_pickle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = Vocabulary.load("v-coco")
    truth = images(names, ["ride"], False)
    truth = replace(truth, unlabelled=np.zeros(len(truth.boxes), bool))
    write(truth, tmp_path / "truth.jsonl")
    rows = [
        {"image_id": i + 1, "person_box": BOXES[0], "ride_agent": 0.9, "ride_instr": [*BOXES[1], 0.9]} for i in range(3)
    ]
    (tmp_path / "p.pkl").write_bytes(pickle.dumps(rows))
    options = ["--json", str(tmp_path / "o.json"), "--csv", str(tmp_path / "o.csv"), "--plots", str(tmp_path / "d")]
    assert evaluate("vcoco", tmp_path / "p.pkl", tmp_path / "truth.jsonl", *options) == 0
    out = json.loads((tmp_path / "o.json").read_text())
    assert list(out)[:6] == ["protocol", "dataset", "ap_agent", "ap_role_s1", "ap_role_s2", "mean"]
    assert (len(out["ap_agent"]), len(out["ap_role_s1"])) == (26, 25)
    assert (out["ap_agent"]["ride"], out["ap_role_s1"]["ride_instr"], out["ap_role_s2"]["hit_obj"]) == (1, 1, None)
    assert out["mean"] == {"agent": 1, "role_s1": 1, "role_s2": 1, "role_s1_24": 1, "role_s2_24": 1}
    with (tmp_path / "o.csv").open() as stream:
        assert len(list(csv.DictReader(stream))) == 26 + 2 * 25
    assert len(list((tmp_path / "d").iterdir())) == 3
    assert "S1 %" in capsys.readouterr().out


def test_vcoco_in_training_variant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = Vocabulary.load("v-coco")
    write(images(names, ["ride"], False), tmp_path / "truth.jsonl")
    write(images(names, ["ride"], True), tmp_path / "p.parquet")
    options = ["--protocol", "gen-vlkt", "--json", str(tmp_path / "o.json"), "--csv", str(tmp_path / "o.csv")]
    assert evaluate("V-COCO", tmp_path / "p.parquet", tmp_path / "truth.jsonl", *options) == 0
    out = json.loads((tmp_path / "o.json").read_text())
    assert (len(out["ap"]), out["ap"]["ride_instr"], out["ap_role_s1"]) == (29, 1, {})
    assert "role %" in capsys.readouterr().out


def test_pastanet_and_own_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = Vocabulary.from_names(["person", "bicycle"], ["ride", "polish"], "mine")
    write(images(names, ["ride", "polish"], False), tmp_path / "truth.jsonl")
    write(images(names, ["ride"], True), tmp_path / "p.jsonl")
    assert evaluate("own", tmp_path / "p.jsonl", tmp_path / "truth.jsonl") == 0
    screen = capsys.readouterr().out
    assert "polish bicycle" in screen
    assert "50.00" in screen


@pytest.mark.parametrize("name", ["empty.jsonl", "empty.json", "empty.pkl"])
def test_empty_result_files(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    vocabulary = Vocabulary.load("v-coco")
    write(images(vocabulary, ["ride"], False), tmp_path / "truth.jsonl")
    content = {"empty.jsonl": b"", "empty.json": b"[]", "empty.pkl": pickle.dumps([])}[name]
    (tmp_path / name).write_bytes(content)
    options = ["--json", str(tmp_path / "o.json"), "--csv", str(tmp_path / "o.csv"), "--plots", str(tmp_path / "d")]
    assert evaluate("vcoco", tmp_path / name, tmp_path / "truth.jsonl", *options) == 0
    assert json.loads((tmp_path / "o.json").read_text())["mean"]["role_s1"] == 0
    assert "no predictions at all" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--protocol", "offical"], "unknown protocol 'offical'"),
        (["--protocol", "qpic", "--setting", "known-object"], "no known-object setting"),
        (["--nms", "0.7"], "three numbers"),
        (["--nms", "0.7,1,-1"], "0 or more"),
        (["--top-k", "0"], "above 0"),
        (["--overlap", "0"], "above 0 and at most 1, got 0"),
        (["--annotations", "nowhere.jsonl"], "nowhere.jsonl"),
        (["--predictions", "nowhere.jsonl"], "no predictions at nowhere.jsonl"),
        (["--predictions", __file__], "expected .jsonl, .parquet or .csv"),
    ],
)
def test_usage_errors(
    tmp_path: Path,
    truth: Path,
    hico: Vocabulary,
    options: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(images(hico, ["ride"], True), tmp_path / "p.jsonl")
    try:
        code = evaluate("hico-det", tmp_path / "p.jsonl", truth, *options)
    except SystemExit as stop:
        code = int(str(stop.code))
    assert code == 2
    assert message in capsys.readouterr().err


def test_a_pickle_is_for_vcoco_only(tmp_path: Path, truth: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p.pkl").write_bytes(pickle.dumps([]))
    assert evaluate("hico-det", tmp_path / "p.pkl", truth) == 2
    assert "V-COCO pickle" in capsys.readouterr().err


def test_help_needs_no_arrays() -> None:
    code = (
        "import sys; from interplay.cli import main\n"
        "try: main(['evaluate', '--help'])\n"
        "finally: print('numpy' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert "example:" in out
    assert out.splitlines()[-1] == "False"


def test_several_result_files(
    tmp_path: Path, truth: Path, hico: Vocabulary, capsys: pytest.CaptureFixture[str]
) -> None:
    write(images(hico, ["ride", "wash"], True), tmp_path / "one_a.parquet")
    write(images(hico, ["ride", "hold"], True), tmp_path / "two.jsonl")
    both = [str(tmp_path / "one_a.parquet"), str(tmp_path / "two.jsonl")]
    command = ["evaluate", "hico-det", "--annotations", str(truth), "--predictions", *both]
    assert main([*command, "--table", f"{tmp_path}/t.md", "--json", f"{tmp_path}/o.json"]) == 0
    table = (tmp_path / "t.md").read_text()
    assert "| one_a.parquet | 50.00 |" in table
    assert "| two.jsonl | 100.00 |" in table
    scores = json.loads((tmp_path / "o.json").read_text())
    assert {name: content["map"]["full"] for name, content in scores.items()} == {"one_a.parquet": 0.5, "two.jsonl": 1}
    assert main([*command, "--table", f"{tmp_path}/t.tex"]) == 0
    assert r"one\_a.parquet & 50.00" in (tmp_path / "t.tex").read_text()
    capsys.readouterr()
    assert main([*command, "--table", f"{tmp_path}/t.docx"]) == 2
    assert ".md (Markdown) or .tex (LaTeX)" in capsys.readouterr().err
    assert main([*command, "--csv", f"{tmp_path}/t.csv"]) == 2
    assert "one result file" in capsys.readouterr().err


def test_wrong_numbering_is_suspected(
    tmp_path: Path, truth: Path, hico: Vocabulary, capsys: pytest.CaptureFixture[str]
) -> None:
    write(images(hico, ["eat", "drink with", "ride"], True), tmp_path / "p.jsonl")
    assert evaluate("hico-det", tmp_path / "p.jsonl", truth) == 2
    assert "6 of 9 predictions are of no class of hico-det (such as 'drink with bicycle'" in capsys.readouterr().err
    assert evaluate("hico-det", tmp_path / "p.jsonl", truth, "--allow-partial") == 0
    assert "WARNING: most predictions are of no class" in capsys.readouterr().out.replace("\n", " ")

"""`interplay suppress` from end to end, on predictions of any model."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from interplay import Interactions, InteractionTable, Vocabulary, load_model, read, write
from interplay.cli import main
from interplay.detectors import Detections
from interplay.models.interactiveness import InteractivenessScorer
from interplay.ops.boxes import distinct_boxes

# A rider on a motorcycle, a far person, and a kite in the distance.
BOXES = np.array([[200, 100, 300, 320], [170, 200, 340, 390], [560, 150, 600, 260], [20, 10, 60, 40]], np.float32)
NAMES = ("person", "motorcycle", "person", "kite")
SCORES = np.array([0.95, 0.9, 0.8, 0.7], np.float32)


def scene(names: Vocabulary, does: str, **changes: object) -> Interactions:
    """Everybody does it with everything, and the rider alone."""
    pairs = [(0, 1), (0, 3), (2, 1), (2, 3), (0, -1)]
    fields = {
        "boxes": BOXES, "labels": [names.object_index(name) for name in NAMES], "box_scores": SCORES,
        "human": [h for h, _ in pairs], "object": [o for _, o in pairs],
        "verb": [names.verb_index(does)] * len(pairs), "score": [0.5, 0.9, 0.8, 0.7, 0.1], "vocabulary": names,
        "file": "a.jpg", "width": 640, "height": 427,
    }  # fmt: skip
    return Interactions(**{**fields, **changes})


def write_scene(path: Path, does: str = "ride", **changes: object) -> Path:
    names = Vocabulary.load("hico-det")
    first = scene(names, does, **changes)
    nothing = first[:0].without_unused_boxes()
    write(InteractionTable.from_list([first, replace(nothing, file="b.jpg")]), path)
    return path


def suppress(predictions: Path, output: Path, *options: str) -> int:
    return main(["suppress", str(predictions), "-o", str(output), *options])


def interactiveness_by_predicting() -> dict[tuple[int, int], float]:
    """D's scores of the scene when the model predicts it itself."""
    model = load_model("tin-spatial-vcoco", device="cpu")
    labels = np.array([model.vocabulary.object_index(name) for name in NAMES])
    found = model.predict(np.zeros((427, 640, 3), np.uint8), detections=Detections(BOXES, labels, SCORES), min_score=0)
    match = {tuple(box): row for row, box in enumerate(BOXES.tolist())}
    rows = [match[tuple(box)] for box in found.boxes.tolist()]
    assert found.interactiveness is not None
    return {
        (rows[h], rows[o]): float(value)
        for h, o, value in zip(found.human, found.object, found.interactiveness, strict=True)
    }


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_rescored_by_what_the_model_would_say(tmp_path: Path, suffix: str) -> None:
    source = write_scene(tmp_path / f"in{suffix}")
    assert suppress(source, tmp_path / f"out{suffix}", "--rescore") == 0
    before, after = read(source)[0], read(tmp_path / f"out{suffix}")[0]
    assert len(after) == 5
    assert after.interactiveness is not None
    expected = interactiveness_by_predicting()
    given = {(h, o): s for h, o, s in zip(before.human, before.object, before.score, strict=True)}
    for human, object, score, value in zip(after.human, after.object, after.score, after.interactiveness, strict=True):
        if object < 0:
            assert np.isnan(value)
            assert score == given[human, object]
        else:
            if (human, object) in expected:
                assert value == pytest.approx(expected[human, object], abs=1e-4)
            else:
                assert value < load_model("tin-spatial-vcoco").config.decoding.suppress_below
            assert score == pytest.approx(given[human, object] * value, abs=1e-4)
    assert after.score.tolist() == sorted(after.score, reverse=True)
    assert (0, 1) in expected


def test_pairs_below_the_threshold_go(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert suppress(write_scene(tmp_path / "in.jsonl"), tmp_path / "out.parquet", "--remove-below", "0.3") == 0
    table = read(tmp_path / "out.parquet")
    assert {(h, o) for h, o in zip(table[0].human, table[0].object, strict=True)} == {(0, 1), (0, -1)}
    assert table[0].score.tolist() == pytest.approx([0.5, 0.1])
    assert table.files == ["a.jpg", "b.jpg"]
    assert "5 interactions, 4 of pairs that were scored, 3 removed" in capsys.readouterr().out


def test_no_interaction_is_not_removed(tmp_path: Path) -> None:
    assert suppress(write_scene(tmp_path / "in.jsonl", "no interaction"), tmp_path / "o.jsonl", "--remove-below=1") == 0
    assert len(read(tmp_path / "o.jsonl")[0]) == 5


def test_scores_before_and_after(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = {"human": [0], "object": [1], "verb": [Vocabulary.load("hico-det").verb_index("ride")]}
    names = write_scene(tmp_path / "truth.jsonl", **truth, score=None, box_scores=None, scored=False)
    source = write_scene(
        tmp_path / "in.jsonl", human=[2, 0], object=[1, 1], verb=[truth["verb"][0]] * 2, score=[0.9, 0.5]
    )
    options = ["--remove-below", "0.3", "--annotations", str(names), "--dataset", "hico_det"]
    assert suppress(source, tmp_path / "out.jsonl", *options) == 0
    lines = [line.replace("│", " ").split() for line in capsys.readouterr().out.splitlines()]
    full = next(line for line in lines if line and line[0] == "full")
    assert float(full[1]) < float(full[2]) == 100


def test_boxes_of_one_object_count_once(tmp_path: Path) -> None:
    """A query detector gives a box of its own to every pair; copies do not change what D says."""
    once, twice = (tmp_path / f"{name}.jsonl" for name in ("once", "twice"))
    names = Vocabulary.load("hico-det")
    labels = [names.object_index(name) for name in NAMES] * 2
    write_scene(once)
    copies = {
        "boxes": np.tile(BOXES, (2, 1)) + np.repeat([0, 1], 4)[:, None],
        "labels": labels,
        "box_scores": np.concatenate([SCORES, SCORES / 2]),
    }
    write_scene(twice, **copies, human=[0, 4, 6, 2, 4], object=[5, 3, 1, 7, -1])
    for source in (once, twice):
        assert suppress(source, source.with_suffix(".parquet"), "--rescore") == 0
    first, second = (read(source.with_suffix(".parquet"))[0].score for source in (once, twice))
    np.testing.assert_allclose(first, second, rtol=1e-5)


def test_the_most_confident_box_stands_for_its_copies() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 10.5], [50, 50, 60, 60], [0, 0, 10, 10]], np.float32)
    first = distinct_boxes(boxes, np.array([1, 1, 1, 2]), np.array([0.3, 0.9, 0.1, 0.5], np.float32), 0.7)
    assert first.tolist() == [1, 1, 2, 3]


def test_own_vocabulary_is_judged_by_names(tmp_path: Path) -> None:
    names = Vocabulary.from_names(["person", "motorcycle", "unicorn", "kite"], ["tame"])
    image = scene(names, "tame", labels=[0, 1, 0, 2])
    scores = InteractivenessScorer(load_model("tin-spatial-vcoco", device="cpu"), names)(image)
    assert np.isnan(scores).tolist() == [False, True, False, True, True]


def test_other_vocabulary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = Vocabulary.from_names(["person", "unicorn"], ["tame"], "fables")
    image = Interactions(BOXES[:2], [0, 1], [0], [1], [0], names, [0.9], file="a.jpg")
    write(InteractionTable.from_list([image]), tmp_path / "in.parquet")
    assert suppress(tmp_path / "in.parquet", tmp_path / "out.parquet", "--rescore") == 2
    assert "knows no object of the predictions' vocabulary 'fables' (person, unicorn" in capsys.readouterr().err
    assert not (tmp_path / "out.parquet").exists()


def test_bad_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert suppress(tmp_path / "none.jsonl", tmp_path / "out.jsonl", "--rescore") == 2
    assert "no predictions at" in capsys.readouterr().err
    corrupt = tmp_path / "corrupt.parquet"
    corrupt.write_bytes(write_scene(tmp_path / "in.parquet").read_bytes()[:200])
    assert suppress(corrupt, tmp_path / "out.jsonl", "--rescore") == 2
    assert "corrupt.parquet" in capsys.readouterr().err
    (tmp_path / "broken.jsonl").write_text('{"file": "a.jpg", "boxes": [[0, 0')
    assert suppress(tmp_path / "broken.jsonl", tmp_path / "out.jsonl", "--rescore") == 2
    assert "broken.jsonl" in capsys.readouterr().err
    assert not (tmp_path / "out.jsonl").exists()


def test_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_scene(tmp_path / "in.jsonl")
    for options, message in (
        ([], "nothing to do"),
        (["--rescore", "--annotations", str(source)], "both annotations and the data set"),
        (["--rescore", "--model", "tin-spatial"], "tin-spatial"),
    ):
        assert suppress(source, tmp_path / "out.jsonl", *options) == 2
        assert message in capsys.readouterr().err
    with pytest.raises(SystemExit):
        suppress(source, tmp_path / "out.jsonl", "--remove-below", "1.5")
    assert "from 0 to 1" in capsys.readouterr().err


def test_annotations_are_not_predictions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_scene(tmp_path / "in.jsonl", score=None, box_scores=None, scored=False)
    assert suppress(source, tmp_path / "out.jsonl", "--rescore") == 2
    assert "holds annotations" in capsys.readouterr().err


def test_result_files_of_other_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A query detector's numbers are read in the vocabulary that is given, and suppressed like our own files."""
    names = Vocabulary.load("hico-det")
    entry = {
        "file_name": "a.jpg",
        "predictions": [
            {"bbox": [10, 10, 60, 120], "category_id": 0},
            {"bbox": [5, 60, 90, 140], "category_id": names.object_index("bicycle")},
        ],
        "hoi_prediction": [
            {"subject_id": 0, "object_id": 1, "category_id": names.verb_index("ride"), "score": 0.8},
        ],
    }
    (tmp_path / "query.json").write_text(json.dumps([entry]))
    assert suppress(tmp_path / "query.json", tmp_path / "out.jsonl", "--rescore") == 2
    assert "give the vocabulary" in capsys.readouterr().err
    assert suppress(tmp_path / "query.json", tmp_path / "out.jsonl", "--rescore", "--vocabulary", "hico-det") == 0
    image = read(tmp_path / "out.jsonl")[0]
    assert image.interactiveness is not None
    assert image.score[0] == pytest.approx(0.8 * image.interactiveness[0])
    assert (
        main(["datasets", "convert", f"{tmp_path}/query.json", f"{tmp_path}/c.jsonl", "--vocabulary", "hico-det"]) == 0
    )
    assert read(tmp_path / "c.jsonl")[0].score.tolist() == pytest.approx([0.8])


def test_a_pickle_that_names_no_objects(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"image_id": 7, "person_box": [0, 0, 50, 90], "hold_agent": 0.6, "hold_obj": [20, 20, 40, 40, 0.5]}
    (tmp_path / "v.pkl").write_bytes(pickle.dumps([row]))
    assert suppress(tmp_path / "v.pkl", tmp_path / "out.jsonl", "--rescore") == 2
    assert "does not say which objects" in capsys.readouterr().err
    assert not (tmp_path / "out.jsonl").exists()
    assert main(["datasets", "convert", f"{tmp_path}/v.pkl", f"{tmp_path}/c.parquet"]) == 0
    (image,) = read(tmp_path / "c.parquet")
    held = [t for t in image.triplets() if t.object is not None]
    assert [(t.verb, t.object) for t in held] == [("hold", "unknown object")]

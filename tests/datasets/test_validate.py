"""One's own annotations: every problem by line and field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from interplay import Vocabulary
from interplay.datasets import Problem, validate
from interplay.errors import InputError, MissingFileError


def record(**changes: Any) -> dict[str, Any]:
    """A good record, changed."""
    good: dict[str, Any] = {
        "file": "a.jpg",
        "width": 100,
        "height": 80,
        "boxes": [[10, 10, 50, 70], [20, 40, 90, 80]],
        "labels": ["person", "bicycle"],
        "interactions": [{"human": 0, "verb": "ride", "object": 1}],
    }
    return {k: v for k, v in {**good, **changes}.items() if v is not ...}


def write(path: Path, *records: Any) -> Path:
    path.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records))
    return path


def only(path: Path, *arguments: Any) -> Problem:
    report = validate(path, *arguments)
    assert len(report.problems) == 1, [str(p) for p in report.problems]
    return report.problems[0]


def test_good_data_has_no_problems(tmp_path: Path) -> None:
    report = validate(write(tmp_path / "d.jsonl", record(), record(file="b.jpg", interactions=[])), "hico-det")
    assert report.problems == []
    assert (report.images, report.interactions) == (2, 1)


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"file": ...}, "file", "expected the image's name"),
        ({"width": "100"}, "width", "positive whole number"),
        ({"boxes": ...}, "boxes", "expected a list"),
        ({"boxes": [[10, 10, 50], [20, 40, 90, 80]]}, "boxes[0]", "expected four numbers"),
        ({"boxes": [[50, 10, 10, 70], [20, 40, 90, 80]]}, "boxes[0]", "reversed"),
        ({"boxes": [[10, 10, 50, 70], [20, 40, 20, 80]]}, "boxes[1]", "empty"),
        ({"boxes": [[10, 10, 50, 70], [20, 40, 104, 80]]}, "boxes[1]", "reaches 4 px outside the image of 100 x 80"),
        ({"boxes": [[-3, 10, 50, 70], [20, 40, 90, 80]]}, "boxes[0]", "reaches 3 px outside"),
        ({"labels": ["person"]}, "labels", "expected one object name per box (2), got 1"),
        ({"labels": ["person", "bycicle"]}, "labels[1]", "Did you mean 'bicycle'"),
        ({"interactions": ...}, "interactions", "expected a list"),
        ({"interactions": [{"human": 2, "verb": "ride", "object": 1}]}, "interactions[0].human", "2 boxes, got 2"),
        (
            {"interactions": [{"human": 0, "verb": "ride", "object": 5}]},
            "interactions[0].object",
            "2 boxes or null, got 5",
        ),
        ({"interactions": [{"human": 0, "verb": "riding", "object": 1}]}, "interactions[0].verb", "'ride'"),
        (
            {"interactions": [{"human": 0, "verb": "ride", "object": 1}] * 2},
            "interactions[1]",
            "same as interactions[0]",
        ),
    ],
)
def test_errors_are_named(tmp_path: Path, changes: dict, field: str, message: str) -> None:
    path = write(tmp_path / "d.jsonl", record(file="first.jpg"), record(**changes))
    problem = only(path, "hico-det")
    assert (problem.line, problem.field, problem.severity) == (2, field, "error")
    assert message in problem.message
    assert str(problem).startswith(f"{path}, line 2, {field}: error: ")


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"scores": [0.5, 0.5]}, "scores", "annotations have no scores"),
        ({"lables": []}, "lables", "Did you mean 'labels'"),
        ({"boxes": [[10, 10, 50, 70]] * 2, "labels": ["person"] * 2, "interactions": []}, "boxes[1]", "boxes[0]"),
        (
            {"interactions": [{"human": 1, "verb": "ride", "object": None}]},
            "interactions[0].human",
            "labelled 'bicycle'",
        ),
        ({"interactions": [{"human": 0, "verb": "ride", "object": 1, "verbs": 1}]}, "interactions[0].verbs", "'verb'"),
        ({"width": ..., "height": ...}, "width", "not given"),
    ],
)
def test_doubts_are_warnings(tmp_path: Path, changes: dict, field: str, message: str) -> None:
    problem = only(write(tmp_path / "d.jsonl", record(**changes)))
    assert (problem.line, problem.field, problem.severity) == (1, field, "warning")
    assert message in problem.message


def test_an_interaction_that_is_no_class_is_doubted(tmp_path: Path) -> None:
    problem = only(
        write(tmp_path / "d.jsonl", record(interactions=[{"human": 0, "verb": "eat", "object": 1}])), "hico-det"
    )
    assert (problem.field, problem.severity) == ("interactions[0]", "warning")


def test_with_own_names_everything_goes(tmp_path: Path) -> None:
    names = Vocabulary.from_names(["worker", "weld torch"], ["hold", "light"])
    good = record(labels=["worker", "weld_torch"], interactions=[{"human": 0, "verb": "light", "object": 1}])
    assert validate(write(tmp_path / "d.jsonl", good), names).problems == []


def test_every_problem_of_every_line_is_collected(tmp_path: Path) -> None:
    bad = record(boxes=[[5, 5, 1, 1], [0, 0, 500, 5]], interactions=[{"human": 9, "verb": 3, "object": 1}])
    path = write(tmp_path / "d.jsonl", "{broken", bad, "", record(file="b.jpg"), "[1]", record(file="b.jpg"))
    report = validate(path)
    assert [(p.line, p.field) for p in report.problems] == [
        (1, ""),
        (2, "interactions[0].human"),
        (2, "interactions[0].verb"),
        (2, "boxes[0]"),
        (2, "boxes[1]"),
        (5, "line"),
        (6, "file"),
    ]
    assert "already on line 4" in report.problems[-1].message
    assert (report.errors, report.warnings) == (7, 0)


def test_a_slip_of_a_frequent_name_is_doubted(tmp_path: Path) -> None:
    records = [record(file=f"{i}.jpg") for i in range(12)]
    records[7]["labels"] = ["person", "bycicle"]
    records[9]["interactions"][0]["verb"] = "rides"
    problems = validate(write(tmp_path / "d.jsonl", *records)).problems
    assert [(p.line, p.field, p.severity) for p in problems] == [
        (8, "labels[1]", "warning"),
        (10, "interactions[0].verb", "warning"),
    ]


def test_photographs_are_looked_at(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((80, 100, 3), np.uint8)).save(tmp_path / "good.jpg")
    Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(tmp_path / "small.jpg")
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    names = ["good.jpg", "small.jpg", "broken.jpg", "absent.jpg"]
    path = write(tmp_path / "d.jsonl", *(record(file=name) for name in names))
    problems = validate(path, image_root=tmp_path).problems
    assert [(p.line, p.field) for p in problems] == [(2, "width"), (3, "file"), (4, "file")]
    assert "has 50 x 40 pixels" in problems[0].message


def test_an_empty_file_is_a_problem(tmp_path: Path) -> None:
    assert "no annotations" in only(write(tmp_path / "d.jsonl")).message


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no file"):
        validate(tmp_path / "absent.jsonl")
    (tmp_path / "d.parquet").write_bytes(b"PAR1....")
    with pytest.raises(InputError, match="validate reads JSON Lines"):
        validate(tmp_path / "d.parquet")

"""One's own annotations: every problem by line and field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from interplay import Vocabulary, load_annotations
from interplay.datasets import Problem, validate
from interplay.datasets.box_check import usable_boxes
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
    names = Vocabulary.from_names(["weld torch", "person"], ["hold", "light"])
    good = record(labels=["Person", "weld_torch"], interactions=[{"human": 0, "verb": "light", "object": 1}])
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


def agree(path: Path, vocabulary: Vocabulary | None = None) -> str:
    """The message of a file that neither `validate` nor `load_annotations` lets pass."""
    assert validate(path, vocabulary).errors > 0
    with pytest.raises(InputError) as error:
        load_annotations("own", path, vocabulary=vocabulary)
    return str(error.value)


ODD = {
    "a score in some lines only": [
        record(),
        record(file="b.jpg", interactions=[{"human": 0, "verb": "ride", "object": 1, "score": 0.5}]),
    ],
    "a negative index": [record(unlabelled=[-1])],
    "no width": [record(width=0)],
    "a null in image_labels": [record(image_labels=[None])],
    "a label of an image without verb": [record(image_labels=[{"verb": None, "object": "bicycle"}])],
    "a pose beyond float32": [record(keypoints=[[[1e39, 1, 1]] * 17, None])],
    "a box beyond float32": [record(boxes=[[10, 10, 1e39, 70], [20, 40, 90, 80]], width=..., height=...)],
    "a box of a number beyond all": [json.dumps(record()).replace("[10, 10", "[1" + "0" * 400 + ", 10")],
    "an infinite box": [json.dumps(record()).replace("[10, 10", "[Infinity, 10")],
    "a null as label": [record(labels=["person", None])],
    "a key twice": [json.dumps(record())[:-1] + ', "labels": ["person", "horse"]}'],
    "two records on a line": [json.dumps(record()) + " " + json.dumps(record(file="b.jpg"))],
    "NaN in a field that nobody reads": [json.dumps(record(mood=float("nan")))],
    "a number of 30 digits in a field that nobody reads": [json.dumps(record(mood=10**30))],
    "an image without a name": [record(file="")],
    "a size that nothing holds": [record(width=2**31)],
    "half a character": [json.dumps(record(file="\ud800.jpg"))],
}


@pytest.mark.parametrize("lines", ODD.values(), ids=ODD)
def test_what_reading_refuses_is_an_error(tmp_path: Path, lines: list) -> None:
    assert "d.jsonl" in agree(write(tmp_path / "d.jsonl", *lines))


def kitchen(count: int, box: Any) -> list[dict[str, Any]]:
    """Records of images of 200 x 100 with a person and a ladle whose boxes `box` makes of x1, y1, x2, y2."""
    corners = [[(10, 20, 60, 90), (100 + i, 40, 150 + i, 80)] for i in range(count)]
    return [
        record(file=f"{i}.jpg", width=200, height=100, boxes=[list(box(*c)) for c in pair], labels=["person", "ladle"])
        for i, pair in enumerate(corners)
    ]


def test_boxes_as_shares_of_the_image_are_an_error(tmp_path: Path) -> None:
    lines = kitchen(5, lambda x1, y1, x2, y2: (x1 / 200, y1 / 100, x2 / 200, y2 / 100))
    assert "in 5 of 5 images, such as '0.jpg'" in agree(write(tmp_path / "d.jsonl", *lines))
    assert [p.line for p in validate(tmp_path / "d.jsonl").problems] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("sizes", [True, False])
def test_width_and_height_in_place_of_corners_are_an_error(tmp_path: Path, sizes: bool) -> None:
    lines = kitchen(5, lambda x1, y1, x2, y2: (x1, y1, x2 - x1, y2 - y1))
    if not sizes:
        lines = [{key: value for key, value in line.items() if key not in ("width", "height")} for line in lines]
    assert "look like x, y, width, height" in agree(write(tmp_path / "d.jsonl", *lines))
    assert any("look like x, y, width" in p.message and p.line == 0 for p in validate(tmp_path / "d.jsonl").problems)


def test_a_few_odd_boxes_are_counted_and_named(tmp_path: Path) -> None:
    lines = kitchen(20, lambda *corners: corners)
    lines[3]["boxes"][1] = [150, 40, 150, 80]
    lines[5]["boxes"][0] = [10, 20, 230, 90]
    lines[7]["boxes"] = [[0.25, 0.5, 0.75, 1.0], [0, 0, 0.5, 0.5]]
    with pytest.warns(UserWarning, match="whose boxes all lie within 0..1") as caught:
        table = load_annotations("own", write(tmp_path / "d.jsonl", *lines))
    message = str(caught[0].message)
    assert "1 of 40 boxes (first in '3.jpg') are not wider and higher than zero" in message
    assert "1 of 40 boxes (first in '5.jpg') are partly outside" in message
    with pytest.warns(UserWarning, match=r"cut 1 boxes.*left out 1 boxes .* with 1 interactions .first in '3.jpg'."):
        usable = usable_boxes(table)
    assert (len(usable.boxes), len(usable.verb)) == (39, 19)
    assert usable[5].boxes[0].tolist() == [10, 20, 200, 90]


def test_whole_pixels_at_the_corner_are_pixels(tmp_path: Path) -> None:
    lines = [record(boxes=[[0, 0, 1, 1], [0, 0, 1, 1]], labels=["person", "ant"], interactions=[])]
    assert validate(write(tmp_path / "d.jsonl", *lines)).errors == 0


def test_people_must_be_called_person(tmp_path: Path) -> None:
    names = Vocabulary.from_names(["bicycle", "worker"], ["ride"])
    path = write(tmp_path / "d.jsonl", record(labels=["worker", "bicycle"]))
    problems = validate(path, names).problems
    assert [(p.line, p.severity) for p in problems] == [(0, "error"), (1, "warning")]
    assert "'worker', not 'person'" in problems[1].message


def test_a_line_of_another_encoding_is_named_and_the_others_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    lines = [json.dumps(record(file=f"{i}.jpg")).encode() for i in range(3)]
    lines[1] = lines[1].replace(b"bicycle", "b\xefke".encode("latin-1"))
    path.write_bytes(b"\r\n".join(lines))
    (problem,) = validate(path).problems
    assert (problem.line, problem.severity) == (2, "error")
    assert "iconv" in problem.message
    with pytest.raises(InputError, match=r"d\.jsonl: line 2, byte \d+.*iconv"):
        load_annotations("own", path)


def test_many_names_take_no_longer_than_few(tmp_path: Path) -> None:
    lines = [record(file=f"{i}.jpg", labels=[f"person {i}", f"thing {i % 400}"], interactions=[]) for i in range(8000)]
    assert validate(write(tmp_path / "d.jsonl", *lines)).images == 8000


def test_files_without_lines_are_checked_too(tmp_path: Path) -> None:
    pair = {"boxes_h": [[11, 21, 61, 91]], "boxes_o": [[101, 41, 151, 41]], "hoi": [0], "object": [1], "verb": [0]}
    content = {
        "annotation": [pair],
        "filenames": ["shop.jpg"],
        "size": [[200, 100]],
        "objects": ["person", "torch"],
        "verbs": ["hold"],
        "correspondence": [[0, 1, 0]],
    }
    path = tmp_path / "own.json"
    path.write_text(json.dumps(content))
    report = validate(path, image_root=tmp_path)
    assert [(p.field, p.message.split(":")[0]) for p in report.problems if p.severity == "error"] == [
        ("shop.jpg", "empty"),
        ("shop.jpg", f"no image 'shop.jpg' below {tmp_path}"),
    ]


def test_an_image_in_two_places_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "d.jsonl", record(), record())
    with pytest.warns(UserWarning, match=r"1 images are there more than once, such as 'a\.jpg'"):
        load_annotations("own", path)
    assert "already on line 1" in only(path).message


def test_keypoints_with_scores_are_doubted_once(tmp_path: Path) -> None:
    person = [[20, 20, k % 3] for k in range(17)]
    assert validate(write(tmp_path / "d.jsonl", record(keypoints=[person, None]))).problems == []
    scored = [[20, 20, 0.37]] * 17
    lines = [record(file=f"{i}.jpg", keypoints=[scored, None] if i % 2 else [person, None]) for i in range(6)]
    problem = only(write(tmp_path / "d.jsonl", *lines))
    assert (problem.line, problem.field, problem.severity) == (2, "keypoints", "warning")
    assert "on 3 lines the third value is a score and not a visibility" in problem.message

"""The query detectors' result files, in their three numberings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interplay import InteractionTable, Vocabulary
from interplay.errors import InputError
from interplay.formats.query_json import read_query_json

BOXES = ([10, 10, 60, 120], [5, 60, 90, 140])


def entry(person: int, object: int, numbers: list[int], **names: Any) -> dict[str, Any]:
    return {
        **(names or {"file_name": "a.jpg"}),
        "predictions": [{"bbox": BOXES[0], "category_id": person}, {"bbox": BOXES[1], "category_id": object}],
        "hoi_prediction": [
            {"subject_id": 0, "object_id": 1, "category_id": n, "score": 0.9 - 0.1 * i} for i, n in enumerate(numbers)
        ],
    }


def read(tmp_path: Path, content: Any, vocabulary: Vocabulary) -> InteractionTable:
    path = tmp_path / "results.json"
    path.write_text(json.dumps(content))
    return read_query_json(path, vocabulary)


def test_three_numberings(tmp_path: Path, hico: Vocabulary) -> None:
    ride, hold = hico.verb_index("ride"), hico.verb_index("hold")
    classes = [hico.interaction_index(v, "bicycle") for v in (ride, hold)]
    far = hico.interaction_index("ride", "snowboard")  # a number above every verb's
    ppdm = read(tmp_path, [entry(1, 2, [ride + 1, hold + 1])], hico)
    qpic = read(tmp_path, [entry(0, 1, [ride, hold])], hico)
    gen_vlkt = read(tmp_path, {"preds": [entry(0, 5, [*classes, far], filename="a.jpg")]}, hico)
    for table in (ppdm, qpic):
        assert table.verb.tolist() == [ride, hold]
        assert table.object_labels.tolist() == [1, 1]
        assert table.score.tolist() == pytest.approx([0.9, 0.8])
    assert gen_vlkt.verb.tolist() == [ride, hold, ride]
    assert gen_vlkt.object_labels.tolist() == [1, 1, hico.object_index("snowboard")]
    for table in (ppdm, qpic, gen_vlkt):
        assert table.files == ["a.jpg"]
        assert table.human_boxes[0].tolist() == BOXES[0]
        assert table.object_boxes[1].tolist() == BOXES[1]


def test_coco_ids_have_gaps(tmp_path: Path, hico: Vocabulary) -> None:
    table = read(tmp_path, [entry(1, 90, [hico.verb_index("hold") + 1])], hico)
    assert table.object_labels.tolist() == [hico.object_index("toothbrush")]


def test_no_object_and_no_interactions(tmp_path: Path) -> None:
    vcoco = Vocabulary.load("v-coco")
    content = [entry(0, 1, [vcoco.verb_index("walk")]), {"file_name": "b.jpg", "predictions": [], "hoi_prediction": []}]
    content[0]["hoi_prediction"][0]["object_id"] = -1
    table = read(tmp_path, content, vcoco)
    assert table.files == ["a.jpg", "b.jpg"]
    assert (table.object.tolist(), table.verb.tolist()) == ([-1], [vcoco.verb_index("walk")])
    assert len(read(tmp_path, content[1:], vcoco).verb) == 0
    assert len(read(tmp_path, [], vcoco)) == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{'preds': []}", "Python text inside JSON"),
        ({"images": []}, "expected a list"),
        ([{"file_name": "a.jpg", "predictions": []}], "entry 0: expected 'hoi_prediction'"),
        ([entry(2, 3, [5])], "subjects must be persons"),
        ([entry(0, 1, [600])], "interaction numbers go from 600 to 600"),
        ([entry(0, 80, [5])], "which is no object of"),
        ([entry(1, 12, [5])], "which is no object of"),
    ],
)
def test_content_that_does_not_fit(tmp_path: Path, hico: Vocabulary, content: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, content, hico)


def test_index_of_a_box_that_is_not_there(tmp_path: Path, hico: Vocabulary) -> None:
    content = [entry(0, 1, [5])]
    content[0]["hoi_prediction"][0]["object_id"] = 7
    with pytest.raises(InputError, match="entry 0: interaction 0: 'object_id': names box 7, but there are 2 boxes"):
        read(tmp_path, content, hico)


def test_not_json(tmp_path: Path, hico: Vocabulary) -> None:
    (tmp_path / "results.json").write_bytes(b"\x80\x02]")
    with pytest.raises(InputError, match="no text"):
        read_query_json(tmp_path / "results.json", hico)


NAN = float("nan")


@pytest.mark.parametrize("box", [[0, 0, 1, 1], [NAN] * 4])
@pytest.mark.parametrize(
    "change",
    [
        {"object_id": 1},  # of category 80
        {"object_id": -1},
        {"object_id": None},
        {},
    ],
)
def test_no_object_of_vcoco(tmp_path: Path, change: dict[str, Any], box: list[float]) -> None:
    """80 is these detectors' "no object", and so is an interaction that names no box."""
    vcoco = Vocabulary.load("v-coco")
    content = [entry(0, 80, [vcoco.verb_index("look_obj")])]
    content[0]["predictions"][1]["bbox"] = box
    del content[0]["hoi_prediction"][0]["object_id"]
    content[0]["hoi_prediction"][0].update(change)
    table = read(tmp_path, content, vcoco)
    assert (table.object.tolist(), len(table)) == ([-1], 1)


def test_a_category_beyond_no_object_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="category 81, which is no object of v-coco"):
        read(tmp_path, [entry(0, 81, [5])], Vocabulary.load("v-coco"))


def classes_below(hico: Vocabulary, names: list[tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        entry(0, hico.object_index(o), [hico.interaction_index(v, o)], file_name=f"{i}.jpg")
        for i, (v, o) in enumerate(names)
    ]


def test_classes_of_a_small_file_are_told_by_their_objects(tmp_path: Path, hico: Vocabulary) -> None:
    """All class numbers are below the number of verbs."""
    named = [("ride", "bicycle"), ("fly", "airplane"), ("feed", "bird"), ("row", "boat")]
    content = classes_below(hico, named)
    assert max(h["category_id"] for e in content for h in e["hoi_prediction"]) < len(hico.verbs)
    table = read(tmp_path, content, hico)
    assert [hico.verbs[v] for v in table.verb] == [verb for verb, _ in named]
    verbs = [entry(0, hico.object_index(o), [hico.verb_index(v)], file_name="a.jpg") for v, o in named]
    assert [hico.verbs[v] for v in read(tmp_path, verbs, hico).verb] == [verb for verb, _ in named]


def test_numbers_that_may_be_either_need_to_be_told(tmp_path: Path, hico: Vocabulary) -> None:
    both = [
        (number, int(label))
        for number, (_, label) in enumerate(hico.interactions[: len(hico.verbs)])
        if hico.interaction_lookup[number, label] >= 0
    ]
    assert both
    number, label = both[0]
    with pytest.raises(InputError, match=r"may count verbs .*1 as verbs and 1 as classes.*--numbering"):
        read(tmp_path, [entry(0, label, [number])], hico)
    path = tmp_path / "results.json"
    assert read_query_json(path, hico, "verbs").verb.tolist() == [number]
    assert read_query_json(path, hico, "classes").verb.tolist() == [hico.interactions[number, 0]]
    path.write_text(json.dumps([entry(0, 5, [300])]))
    with pytest.raises(InputError, match="verbs numbers go from 300 to 300"):
        read_query_json(path, hico, "verbs")
    with pytest.raises(InputError, match="own has 1 verbs and 0 classes"):
        read_query_json(path, Vocabulary.from_names(hico.objects, ["ride"]), "classes")


@pytest.mark.parametrize("value", [NAN, float("inf"), -float("inf"), 1e39, None, "0.5", True, [], 10**30])
@pytest.mark.parametrize("field", ["score", "bbox", "category_id", "subject_id", "object_id", "box category"])
def test_numbers_that_are_none(tmp_path: Path, hico: Vocabulary, field: str, value: Any) -> None:
    if field == "object_id" and value is None:
        return  # no object
    content = [entry(0, 1, [5])]
    interaction, box = content[0]["hoi_prediction"][0], content[0]["predictions"][1]
    if field == "bbox":
        box["bbox"] = [1, value, 5, 6]
    elif field == "box category":
        box["category_id"] = value
    else:
        interaction[field] = value
    with pytest.raises(InputError, match=r"results.json: (entry 0: (interaction 0|box 1)|.*64 bits)"):
        read(tmp_path, content, hico)


@pytest.mark.parametrize(("field", "value"), [("subject_id", -1), ("object_id", -2), ("object_id", 1.5)])
def test_an_index_must_be_in_range(tmp_path: Path, hico: Vocabulary, field: str, value: float) -> None:
    content = [entry(0, 1, [5])]
    content[0]["hoi_prediction"][0][field] = value
    with pytest.raises(InputError, match=rf"entry 0: interaction 0: '{field}'"):
        read(tmp_path, content, hico)


def test_a_score_nested_deeper_than_an_array_can_be(tmp_path: Path, hico: Vocabulary) -> None:
    content = [entry(0, 1, [5])]
    value: Any = 0.5
    for _ in range(80):
        value = [value, value] if value == 0.5 else [value]
    content[0]["hoi_prediction"][0]["score"] = value
    with pytest.raises(InputError, match="expected a finite number"):
        read(tmp_path, content, hico)

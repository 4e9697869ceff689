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


def entry(person: int, thing: int, numbers: list[int], **names: Any) -> dict[str, Any]:
    return {
        **(names or {"file_name": "a.jpg"}),
        "predictions": [{"bbox": BOXES[0], "category_id": person}, {"bbox": BOXES[1], "category_id": thing}],
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
        ([{"file_name": "a.jpg", "predictions": []}], "entry 0: KeyError: 'hoi_prediction'"),
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
    with pytest.raises(InputError, match="entry 0: an interaction names box 7, but there are 2 boxes"):
        read(tmp_path, content, hico)


def test_not_json(tmp_path: Path, hico: Vocabulary) -> None:
    (tmp_path / "results.json").write_bytes(b"\x80\x02]")
    with pytest.raises(InputError, match="no text"):
        read_query_json(tmp_path / "results.json", hico)

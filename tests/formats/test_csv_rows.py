"""CSV files of interactions: one row per triplet."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from interplay import Interactions, InteractionTable, Vocabulary, read, write
from interplay.errors import InputError

VCOCO = Vocabulary.load("v-coco")
RIDE, STAND = VCOCO.verb_index("ride"), VCOCO.verb_index("stand")
BICYCLE = VCOCO.object_index("bicycle")


def street(**more: object) -> Interactions:
    """A cyclist who also stands, as V-COCO has it: without an object; and a second bicycle that nobody uses."""
    return Interactions(
        [[2, 2, 20.125, 30], [4, 12, 30, 38.1], [40, 2, 50, 9]], [0, BICYCLE, BICYCLE], [0, 0], [1, -1], [RIDE, STAND],
        VCOCO, score=[0.9, 0.3], box_scores=[0.99, 0.8, 0.7], file="a, b.jpg", width=60, height=40, **more,
    )  # fmt: skip


def empty(file: str) -> Interactions:
    return Interactions([], [], [], [], [], VCOCO, score=[], box_scores=[], file=file, width=5, height=7)


def test_one_row_per_triplet_and_one_for_an_image_without(tmp_path: Path) -> None:
    write([street(), empty("c.jpg")], tmp_path / "r.csv")
    with (tmp_path / "r.csv").open(newline="") as stream:
        first, second, third = csv.DictReader(stream)
    assert first == {
        "file": "a, b.jpg", "width": "60", "height": "40", "human": "person", "verb": "ride", "object": "bicycle",
        "score": "0.9", "human_x1": "2.0", "human_y1": "2.0", "human_x2": "20.125", "human_y2": "30.0",
        "human_score": "0.99", "object_x1": "4.0", "object_y1": "12.0", "object_x2": "30.0", "object_y2": "38.1",
        "object_score": "0.8",
    }  # fmt: skip
    assert (second["verb"], second["object"], second["object_x1"]) == ("stand", "", "")
    assert {name for name, value in third.items() if value} == {"file", "width", "height"}


def test_what_a_row_holds_reads_back(tmp_path: Path) -> None:
    image = street(interactiveness=[0.25, np.nan], track=[7, -1, -1], unlabelled=[True, False, False])
    write([image, empty("c.jpg")], tmp_path / "r.csv")
    table = read(tmp_path / "r.csv")
    assert table.files == ["a, b.jpg", "c.jpg"]
    back = table[0]
    assert back.vocabulary.name == "v-coco"
    assert [(t.verb, t.object, t.score) for t in back.triplets()] == [
        (t.verb, t.object, t.score) for t in image.triplets()
    ]
    np.testing.assert_array_equal(back.boxes, image.boxes[:2])  # the bicycle that nobody uses has no row
    np.testing.assert_array_equal(back.box_scores, image.box_scores[:2])
    np.testing.assert_array_equal(back.interactiveness, image.interactiveness)
    assert back.track.tolist() == [7, -1]
    assert back.unlabelled.tolist() == [True, False]
    assert (back.width, back.height, table[1].width, len(table[1])) == (60, 40, 5, 0)
    write(table, tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "r.csv").read_bytes()


def test_annotations_have_no_scores(tmp_path: Path) -> None:
    image = Interactions([[0, 0, 9, 9]], [0], [0], [-1], [STAND], VCOCO, file="a.jpg", scored=False)
    write([image], tmp_path / "a.csv")
    assert "score" not in (tmp_path / "a.csv").read_text()
    assert not read(tmp_path / "a.csv").scored


def test_a_table_without_images(tmp_path: Path) -> None:
    write(InteractionTable.from_list([], VCOCO), tmp_path / "none.csv")
    assert len(read(tmp_path / "none.csv", VCOCO)) == 0


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("file,width", "name,width", "no column 'file'"),
        (",ride,", ",rise,", "line 2|rise"),
        (",38.1,", ",wide,", "line 2, object_y2: expected a number, got 'wide'"),
        (",60,", ",sixty,", "line 2, width: expected a whole number, got 'sixty'"),
        (",person,ride", ",,ride", "line 2, human: expected the name"),
        ("file,width,height", "file,width,width", "the column 'width' comes twice"),
        (",38.1,", ",38.1,1,2,", "line 2: more values than"),
        ("a, b.jpg", "\udce9", "not UTF-8|UTF-8|utf-8"),
    ],
)
def test_what_does_not_fit_is_named(before: str, after: str, message: str, tmp_path: Path) -> None:
    write([street()], tmp_path / "r.csv")
    text = (tmp_path / "r.csv").read_text()
    assert before in text
    (tmp_path / "r.csv").write_bytes(text.replace(before, after, 1).encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=message) as error:
        read(tmp_path / "r.csv", VCOCO)
    assert "r.csv" in str(error.value)


def test_empty_columns_of_a_spreadsheet_do_no_harm(tmp_path: Path) -> None:
    write([street()], tmp_path / "r.csv")
    whole = read(tmp_path / "r.csv", VCOCO)
    header, *rows = (tmp_path / "r.csv").read_text().splitlines()
    (tmp_path / "r.csv").write_text("\n".join([f"{header},,", *(f"{row},,,," for row in rows)]))
    assert read(tmp_path / "r.csv", VCOCO)[0] == whole[0]

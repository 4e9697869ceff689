"""V-COCO's pickles: what a result file holds comes in, everything else is refused unopened."""

from __future__ import annotations

import pickle
from collections import OrderedDict, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interplay import Interactions, InteractionTable, Vocabulary
from interplay.errors import InputError
from interplay.formats.reading import Reading
from interplay.formats.vcoco_pickle import read_vcoco_pickle
from interplay.metrics import VcocoDetections, evaluate_vcoco

NAMES = Vocabulary.load("v-coco")
ROW = {
    "image_id": 42,
    "person_box": [10.0, 10, 60, 120],
    "hit_agent": 0.9,
    "hit_instr": [1, 2, 3, 4, 0.8],
    "hit_obj": [np.nan] * 5,
    "walk_agent": float("nan"),
    "point_instr": None,
}


def read(tmp_path: Path, content: Any, protocol: int = 2) -> VcocoDetections:
    path = tmp_path / "results.pkl"
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return read_vcoco_pickle(path)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_pickle_protocol_and_numpy_numbers(tmp_path: Path, protocol: int) -> None:
    numpy_row = OrderedDict(
        image_id=np.int64(7),
        person_box=np.array([1, 2, 3, 4], np.float32),
        hold_agent=np.float32(0.5),
        hold_obj=np.array([0, 0, 0, 0, 0.25]),
    )
    found = read(tmp_path, [ROW, numpy_row], protocol)
    assert found.images == ["42", "7"]
    assert found.person_box.tolist() == [[10, 10, 60, 120], [1, 2, 3, 4]]
    agents = {NAMES.actions[a]: s for a, s in zip(found.agent_action, found.agent_score.tolist(), strict=True)}
    assert agents == pytest.approx({"hold": 0.5, "hit": 0.9, "walk": np.nan}, nan_ok=True)
    roles = {NAMES.official_verbs[v]: s for v, s in zip(found.role_verb, found.role_score.tolist(), strict=True)}
    assert roles == pytest.approx({"hold_obj": 0.25, "hit_instr": 0.8, "hit_obj": np.nan}, nan_ok=True)
    assert found.role_object is None


def test_values_that_say_nothing_are_dropped_when_images_are_placed(tmp_path: Path) -> None:
    found = read(tmp_path, [ROW]).on_images(np.array([0]), ["a.jpg"])
    assert len(found.agent_score) == 1
    assert [NAMES.official_verbs[v] for v in found.role_verb] == ["hit_instr"]


def test_no_rows(tmp_path: Path) -> None:
    assert len(read(tmp_path, [])) == 0


class CacheTemplate(dict):  # type: ignore[type-arg]
    """Stands for UPT's class of rows."""


def test_upt_rows(tmp_path: Path) -> None:
    found = read(tmp_path, [CacheTemplate(ROW)])
    assert found.images == ["42"]


class Harmful:
    def __init__(self, made: list[str]) -> None:
        self.made = made

    def __reduce__(self) -> Any:
        return Path.write_text, (Path(self.made[0]), "opened")


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_anything_else_is_refused_before_it_runs(tmp_path: Path, protocol: int) -> None:
    trace = tmp_path / "trace"
    with pytest.raises(InputError, match="not plain data"):
        read(tmp_path, [{**ROW, "hold_agent": Harmful([str(trace)])}], protocol)
    assert not trace.exists()


def test_numpy_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"results\.pkl"):
        read(tmp_path, [{**ROW, "hold_agent": np.array([Path("x")], object)}])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"image_id": 1}, "expected a list of dicts"),
        ([1, 2], "expected a list of dicts, one per detected person, but entry 0 is of type int"),
        ([[ROW], [ROW]], "but entry 0 is of type list; join the lists of all images"),
        ({42: [ROW]}, "got the type dict"),
        ([ROW, {"image_id": 1}], "row 1 has no 'person_box'"),
        ([{**ROW, "person_box": [1, 2, 3]}], "row 0: 'person_box': expected 4 numbers, got .1, 2, 3"),
        ([{**ROW, "hit_instr": [1, 2, 3, 4]}], "row 0: 'hit_instr': expected 5 numbers"),
        ([{**ROW, "hit_agent": "high"}], "row 0: 'hit_agent': expected a finite number, got 'high'"),
        ([{**ROW, "image_id": [1, 2]}], "row 0: 'image_id': expected a finite number"),
        ([{**ROW, "image_id": 7.5}], "row 0: 'image_id': expected a whole number"),
        ([{**ROW, "image_id": float("inf")}], "row 0: 'image_id': expected a finite number"),
        ([{**ROW, "image_id": float("nan")}], "row 0: 'image_id': expected a finite number"),
        ([{**ROW, "image_id": -7}], "row 0: 'image_id': expected a number of 0 or more"),
        ([{**ROW, "image_id": True}], "row 0: 'image_id': expected a finite number"),
        ([{**ROW, "image_id": 10**400}], r"row 0: 'image_id': expected a whole number|64 bits|finite"),
        ([ROW, {**ROW, "hit_agent": float("inf")}], "row 1: 'hit_agent': expected (a )?finite number"),
        ([ROW, {**ROW, "hit_instr": [1, 2, 3, 1e39, 0.5]}], "row 1: 'hit_instr': expected (a )?finite number"),
        ([ROW, {**ROW, "person_box": [10**400, 2, 3, 4]}], "row 1: 'person_box': expected (a )?finite number"),
        ([{1: 2, **{k: v for k, v in ROW.items() if k in ("image_id", "person_box")}}], "no row has a score such as"),
        ([{"image_id": 1, "person_box": [1, 2, 3, 4], "dance_agent": 1.0}], "no row has a score such as"),
    ],
)
def test_rows_that_do_not_fit(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, content)


def test_not_a_pickle(tmp_path: Path) -> None:
    path = tmp_path / "results.pkl"
    for content in (b"", b"hello", pickle.dumps([ROW])[:-20]):
        path.write_bytes(content)
        with pytest.raises(InputError, match="not a readable pickle"):
            read_vcoco_pickle(path)


@pytest.mark.parametrize("image", [7, 7.0, np.float32(7), np.array(7), np.array([7]), [7], "7", np.array([7.0])])
def test_ids_of_any_kind(tmp_path: Path, image: Any) -> None:
    assert read(tmp_path, [{**ROW, "image_id": image}]).images == ["7"]


@pytest.mark.parametrize("rows", [tuple, list, lambda rows: [defaultdict(float, row) for row in rows]])
def test_lists_and_dicts_of_any_kind(tmp_path: Path, rows: Any) -> None:
    found = read(tmp_path, rows([ROW, {**ROW, "image_id": 43}]))
    assert found.images == ["42", "43"]
    assert len(found.agent_score) == 4


@pytest.mark.parametrize("nothing", [None, [], np.zeros(0)])
def test_nothing_is_no_score(tmp_path: Path, nothing: Any) -> None:
    found = read(tmp_path, [{**ROW, "hit_instr": nothing, "hit_agent": nothing}])
    assert "hit_instr" not in [NAMES.official_verbs[v] for v in found.role_verb]
    assert "hit" not in [NAMES.actions[a] for a in found.agent_action]


def test_odd_rows_are_told(tmp_path: Path) -> None:
    path = tmp_path / "results.pkl"
    odd = {**ROW, "person_box": [float("nan")] * 4, "fly_agent": 0.3, "hold_instr": [1, 2, 3, 4, 0.5]}
    mute = {k: v for k, v in ROW.items() if not k.endswith("_agent")}
    path.write_bytes(pickle.dumps([ROW, ROW, odd, mute]))
    reading = Reading()
    read_vcoco_pickle(path, reading=reading)
    told = "\n".join(reading.notes)
    assert "keys of no action or role of V-COCO were left out: 'fly_agent', 'hold_instr'" in told
    assert "1 of 4 rows have a person box with NaN" in told
    assert "1 of 4 rows repeat another row" in told
    assert "1 of 4 rows have no agent score" in told
    assert "no row has a score for" in told


def test_a_person_without_box_is_nobody(tmp_path: Path) -> None:
    """The official code takes the first person for it, whom it does not overlap; so it is false, if that one counts."""
    boxes = [[10, 10, 60, 120], [100, 10, 160, 120]]
    truth = Interactions(
        boxes, [0, 0], [0], [-1], [NAMES.verb_index("walk")], NAMES, unlabelled=[False, True], file="1", scored=False
    )  # fmt: skip
    walk = {"image_id": 1, "walk_agent": 0.5}
    rows = [{**walk, "person_box": boxes[0]}, {**walk, "person_box": [np.nan] * 4, "walk_agent": 0.9}]
    found = read(tmp_path, rows)
    assert evaluate_vcoco(found, InteractionTable.from_list([truth])).ap_agent["walk"] == 0.5
    other = replace(truth, human=[1], unlabelled=[True, False])
    assert np.isnan(evaluate_vcoco(found, InteractionTable.from_list([other])).ap_agent["smile"])
    walking = replace(found, person_box=np.array([boxes[1], [np.nan] * 4], np.float32))
    assert evaluate_vcoco(walking, InteractionTable.from_list([other])).ap_agent["walk"] == 1

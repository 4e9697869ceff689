"""V-COCO's pickles: what a result file holds comes in, everything else is refused unopened."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interplay import Vocabulary
from interplay.errors import InputError
from interplay.formats.vcoco_pickle import read_vcoco_pickle
from interplay.metrics import VcocoDetections

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
        ([1, 2], "expected a list of dicts"),
        ([ROW, {"image_id": 1}], "row 1 has no 'person_box'"),
        ([{**ROW, "person_box": [1, 2, 3]}], "'person_box' must hold 4 numbers, got 3"),
        ([{**ROW, "hit_instr": [1, 2, 3, 4]}], "'hit_instr' must hold 5 numbers, got 4"),
        ([{**ROW, "hit_agent": "high"}], "'hit_agent' must hold 1 number in every row"),
        ([{**ROW, "image_id": [1, 2]}], "'image_id' must be a number"),
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

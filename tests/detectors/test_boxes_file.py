from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from interplay import Interactions, Vocabulary, load_detector, write
from interplay.errors import InputError, MissingFileError
from interplay.images import ImageError

RESULTS = [
    {"image_id": 42, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.05},
    {"image_id": 42, "category_id": 90, "bbox": [90, 90, 30, 30], "score": 0.9},
    {"image_id": 7, "category_id": 1, "bbox": [0, 0, 9, 9], "score": 0.8},
    {"file_name": "deep/x.png", "category_id": 37, "bbox": [0, 0, 5, 5]},
]


def blank(width: int = 100, height: int = 100) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    path = tmp_path / "results.json"
    path.write_text(json.dumps(RESULTS))
    return path


def test_coco_results_by_number_and_by_name(results: Path) -> None:
    detector = load_detector(results)
    names = ["photos/COCO_val2014_000000000042.jpg", "x.png", "none.jpg", "7.jpg"]
    numbered, named, unknown, short = detector([blank()] * 4, names)
    assert numbered.labels.tolist() == [79, 0]  # best first
    assert numbered.boxes.tolist() == [[90, 90, 100, 100], [1, 2, 4, 6]]  # cut to the image
    assert (named.labels.tolist(), named.scores.tolist()) == ([32], [1.0])
    assert len(unknown) == 0
    assert len(short) == 1
    assert load_detector(results, min_score=0.6)([blank()], ["42.jpg"])[0].labels.tolist() == [79]


def test_coco_results_may_mix_numbers_and_names(tmp_path: Path) -> None:
    """Rows of one image are all found, whatever each calls it."""
    box = {"category_id": 1, "bbox": [0, 0, 9, 9]}
    name = "COCO_val2014_000000000042.jpg"
    rows = [{"image_id": 42, "score": 0.9}, {"file_name": name, "score": 0.8}, {"image_id": "000000000042"}]
    (tmp_path / "mixed.json").write_text(json.dumps([box | row for row in rows]))
    detector = load_detector(tmp_path / "mixed.json")
    mixed, numbered = detector([blank()] * 2, [f"photos/{name}", "42.jpg"])
    assert mixed.scores.tolist() == pytest.approx([1.0, 0.9, 0.8])
    assert numbered.scores.tolist() == mixed.scores.tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bbox": [1, 2, 3]}, r"\[1\]: 'bbox' must be four numbers"),
        ({"bbox": [1, 2, 3, float("nan")]}, "NaN is not a number"),
        ({"category_id": 12}, r"COCO's ids 1\.\.90, got 12"),
        ({"category_id": "person"}, "'category_id'"),
        ({"score": "high"}, "'score' must be a number"),
        ({"image_id": None}, "'image_id'"),
    ],
)
def test_bad_coco_results_name_the_entry_and_the_field(tmp_path: Path, change: dict, message: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(json.dumps([RESULTS[0], RESULTS[0] | change]))
    with pytest.raises(InputError, match=message):
        load_detector(path)


@pytest.mark.parametrize(("text", "message"), [("{", "not JSON"), ("{}", "a list"), ("[1]", r"\[0\]")])
def test_other_json_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(InputError, match=message):
        load_detector(tmp_path / "bad.json")


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_our_own_files(tmp_path: Path, ride: Interactions, suffix: str) -> None:
    posed = ride.with_columns(keypoints=np.ones((3, 17, 3)), track=[5, 2, 9])
    write([posed, replace(posed, file="b/c.jpg", width=None, height=None)], tmp_path / f"boxes{suffix}")
    detector = load_detector(tmp_path / f"boxes{suffix}", min_score=0.75)
    first, second = detector([blank(200, 150), blank()], ["folder/a.jpg", "b/c.jpg"])
    assert first.labels.tolist() == second.labels.tolist() == [0, 1]
    assert np.array_equal(first.boxes, ride.boxes[:2])
    assert first.keypoints is not None
    assert first.keypoints.shape == (2, 17, 3)
    assert first.track.tolist() == [5, 2]
    with pytest.raises(ImageError, match=r"b\.jpg: not in .*boxes"):
        detector([blank()], ["b.jpg"])
    with pytest.raises(ImageError, match=r"a\.jpg: is 100 x 100 pixels, its boxes are for 200 x 150"):
        detector([blank()], ["a.jpg"])


def test_a_base_name_that_two_images_share_finds_neither(tmp_path: Path, ride: Interactions) -> None:
    both = [replace(ride, file=f"{folder}/a.jpg", width=None, height=None) for folder in ("x", "y")]
    both[1] = replace(both[1], labels=np.array([2, 2, 2]), human=[], object=[], verb=[], score=[])
    write(both, tmp_path / "boxes.jsonl")
    detector = load_detector(tmp_path / "boxes.jsonl")
    assert [d.labels[0] for d in detector([blank()] * 2, ["x/a.jpg", "y/a.jpg"])] == [0, 2]
    with pytest.raises(ImageError, match="not in"):
        detector([blank()], ["z/a.jpg"])


def test_own_objects_keep_their_names(tmp_path: Path) -> None:
    zoo = Vocabulary.from_names(["saddle", "person"], ["ride"])
    write([Interactions([[0, 0, 9, 9]] * 2, [1, 0], [0], [1], [0], zoo, file="a.jpg")], tmp_path / "boxes.parquet")
    detector = load_detector(tmp_path / "boxes.parquet")
    [found] = detector([blank()], ["a.jpg"])
    assert detector.objects == found.objects
    assert [found.objects[label] for label in found.labels] == ["person", "saddle"]
    assert found.people.tolist() == [True, False]


def test_names_are_needed(results: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="pass files"):
        load_detector(results)([blank()])
    with pytest.raises(MissingFileError, match=r"none\.json"):
        load_detector(tmp_path / "none.json")

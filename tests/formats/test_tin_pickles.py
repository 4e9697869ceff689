"""TIN's data files, made here in the layout that its loaders read."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import interplay
from interplay import Vocabulary, load_detector
from interplay.cli import main
from interplay.errors import InputError, MissingFileError
from interplay.formats.tin_pickles import read_tin_pickle

HICO = Vocabulary.load("hico-det")
POSE = [float(v) for v in np.arange(51) / 10]
PERSON, BIKE, DOG = [1.0, 2.0, 30.0, 40.0], [5.0, 20.0, 60.0, 80.0], [50.5, 2.0, 90.0, 30.0]
DETECTIONS = "Test_Faster_RCNN_R-50-PFN_2x_HICO_DET_with_pose.pkl"


def save(path: Path, content: Any, protocol: int = 2) -> Path:
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


def hoi(verb: str, object: str) -> int:
    return HICO.interaction_index(HICO.verb_index(verb), HICO.object_index(object))


def detections() -> dict[int, list[list[Any]]]:
    return {
        7: [
            [7, "Human", np.array(PERSON, np.float32), None, 1, np.float32(0.95), POSE],
            [7, "Object", np.array(BIKE, np.float32), None, 2, np.float32(0.5), None, np.zeros((10, 4))],
            [7, "Human", np.array(DOG, np.float32), None, 1, 0.25, [1.0, 2.0]],
        ],
        12: [],
    }


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_detections_become_boxes_with_poses(tmp_path: Path, protocol: int) -> None:
    table = read_tin_pickle(save(tmp_path / DETECTIONS, detections(), protocol))
    assert table.files == ["HICO_test2015_00000007.jpg", "HICO_test2015_00000012.jpg"]
    first, second = table
    assert [HICO.objects[label] for label in first.labels] == ["person", "bicycle", "person"]
    assert first.box_scores.tolist() == pytest.approx([0.95, 0.5, 0.25])
    assert first.boxes[1].tolist() == BIKE
    assert first.keypoints is not None
    assert first.keypoints[0].ravel().tolist() == pytest.approx(POSE)
    assert np.isnan(first.keypoints[1:]).all()  # none, and a list of another length, which TIN takes as none
    assert (len(first), len(second.boxes)) == (0, 0)
    named = read_tin_pickle(save(tmp_path / "detections.pkl", detections()), "v-coco")
    assert named.files[0] == "COCO_val2014_000000000007.jpg"


def test_the_command_writes_boxes_that_detect_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, output = save(tmp_path / DETECTIONS, detections()), tmp_path / "boxes.jsonl"
    assert main(["import", "tin", str(source), "-o", str(output)]) == 0
    assert "2 images, 3 boxes, 0 interactions" in capsys.readouterr().out
    [found] = load_detector(output)([np.zeros((100, 100, 3), np.uint8)], ["x/HICO_test2015_00000007.jpg"])
    assert found.labels.tolist() == [0, 1, 0]
    assert found.keypoints is not None
    assert np.isfinite(found.keypoints[0]).all()
    assert main(["import", "tin", str(save(tmp_path / "mine.pkl", detections()))]) == 2
    assert "give --vocabulary" in capsys.readouterr().err
    assert main(["import", "tin", str(tmp_path / "mine.pkl"), "--vocabulary", "hico-det"]) == 0
    assert len(interplay.read(tmp_path / "mine.jsonl")) == 2


def test_positive_pairs_of_hico(tmp_path: Path) -> None:
    """Boxes that several pairs share are there once, with their pose."""
    content = [
        [3, [hoi("ride", "bicycle"), hoi("hold", "bicycle")], PERSON, BIKE, None, None],
        [3, [hoi("walk", "dog")], np.array(PERSON), np.array(DOG), None, np.array(POSE)],
        [9, [hoi("no_interaction", "dog")], PERSON, DOG, None, None],
    ]
    table = read_tin_pickle(save(tmp_path / "Trainval_GT_HICO_with_pose.pkl", content))
    assert table.files == ["HICO_train2015_00000003.jpg", "HICO_train2015_00000009.jpg"]
    assert not table.scored
    first, second = table
    assert first.boxes.tolist() == [PERSON, BIKE, DOG]
    assert [(t.verb, t.object) for t in first.triplets()] == [("ride", "bicycle"), ("hold", "bicycle"), ("walk", "dog")]
    assert first.human.tolist() == [0, 0, 0]
    assert first.keypoints is not None
    assert first.keypoints[0, 16].tolist() == pytest.approx([4.8, 4.9, 5.0])
    assert [t.verb for t in second.triplets()] == ["no interaction"]
    assert second.keypoints is not None
    assert np.isnan(second.keypoints).all()


def test_negative_pairs_and_the_extensions(tmp_path: Path) -> None:
    none = hoi("no_interaction", "bicycle")
    negative = {3: [[3, none, PERSON, BIKE, 0, 0, 0, POSE], [3, none, DOG, BIKE, 0, 0, 0, None]]}
    [image] = read_tin_pickle(save(tmp_path / "Trainval_Neg_HICO_with_pose.pkl", negative))
    assert image.keypoints is not None
    assert np.isfinite(image.keypoints).all((1, 2)).tolist() == [True, False, False]
    assert [t.verb for t in image.triplets()] == ["no interaction"] * 2
    parts = np.zeros((10, 5))
    positive = {0: [["HICO_train2015_00000003.jpg", [hoi("ride", "bicycle")], PERSON, BIKE, "hico-train", 0, 0, POSE,
                     parts, {"hp10_list": [6]}]]}  # fmt: skip
    table = read_tin_pickle(save(tmp_path / "Train_GT_10w_new.pkl", positive))
    assert table.files == ["HICO_train2015_00000003.jpg"]
    assert table.keypoints is not None
    assert np.isfinite(table.keypoints[0]).all()
    negative_10w = {"a.jpg": [[None, none, PERSON, BIKE, 0, 0, POSE, parts]]}
    table = read_tin_pickle(save(tmp_path / "Train_Neg_10w_new.pkl", negative_10w))
    assert (table.files, bool(np.isfinite(table.keypoints[0]).all())) == (["a.jpg"], True)


def test_pairs_of_vcoco(tmp_path: Path) -> None:
    """Class numbers are iCAN's; what the person does without an object comes from the motions."""
    walk, carry, smile, hold = 3, 14, 17, 25
    nothing = [np.nan] * 4
    content = [
        [42, [carry, hold], PERSON, BIKE, [carry, hold, walk], POSE],
        [42, [hold], PERSON, nothing, [smile], POSE],
    ]
    path = save(tmp_path / "Trainval_GT_VCOCO_with_pose.pkl", content)
    table = read_tin_pickle(path)
    assert table.files == ["COCO_train2014_000000000042.jpg"]
    triplets = {(t.verb, t.object) for t in table[0].triplets()}
    assert triplets == {("carry", "object"), ("hold", "object"), ("walk", None), ("hold", None), ("smile", None)}
    assert main(["import", "tin", str(path)]) == 0
    again = interplay.read(path.with_suffix(".jsonl"))
    assert {(t.verb, t.object) for t in again[0].triplets()} == triplets
    negative = {42: [[42, 0, PERSON, BIKE, 0, 0, 0, POSE]]}
    with pytest.raises(InputError, match="negative pairs have no interaction"):
        read_tin_pickle(save(tmp_path / "Trainval_Neg_VCOCO_with_pose.pkl", negative))


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("run",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([[3, [600], PERSON, BIKE, None, None]], r"must be 0\.\.599, got 600"),
        ([[3, [1], PERSON[:3], BIKE, None, None]], "image 3: a box must be x1, y1, x2, y2, got 3 numbers"),
        ([[3, [1]]], "not one of TIN's data files"),
        ("text", "expected a list or a dict, got str"),
        ({7: [[7, "Object", PERSON, None, 81, 0.9]]}, r"image 7: classes must be 1\.\.80, got \[81\]"),
        ([Evil()], "not plain data; it was not opened"),
    ],
)
def test_what_does_not_fit_is_said(
    tmp_path: Path, content: Any, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=message):
        read_tin_pickle(save(tmp_path / "HICO.pkl", content))
    assert capsys.readouterr().out == ""


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"HICO\.pkl"):
        read_tin_pickle(tmp_path / "HICO.pkl")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e39, None, "x"])
@pytest.mark.parametrize(("field", "place"), [(2, 1), (4, None), (5, None), (6, 3)])
def test_detections_with_numbers_that_are_none(tmp_path: Path, field: int, place: int | None, value: Any) -> None:
    content = detections()
    record = content[7][0]
    record[field] = value if place is None else [*record[field][:place], value, *record[field][place + 1 :]]
    with pytest.raises(InputError, match=r"image 7: |not one of TIN's data files"):
        read_tin_pickle(save(tmp_path / DETECTIONS, content))


@pytest.mark.parametrize("image", [float("nan"), float("inf"), 1.5, -3, 10**400])
def test_images_are_whole_numbers(tmp_path: Path, image: Any) -> None:
    with pytest.raises(InputError, match="the image "):
        read_tin_pickle(save(tmp_path / DETECTIONS, {image: detections()[7]}))


@pytest.mark.parametrize("change", [{1: [2.5]}, {1: [np.nan]}, {2: [1, 2, float("nan"), 4]}, {3: [1, 2, 3, 1e39]}])
def test_pairs_with_numbers_that_are_none(tmp_path: Path, change: dict[int, Any]) -> None:
    pair = [3, [hoi("ride", "bicycle")], PERSON, BIKE, None, None]
    for field, value in change.items():
        pair[field] = value
    with pytest.raises(InputError, match="image 3: a "):
        read_tin_pickle(save(tmp_path / "Trainval_GT_HICO_with_pose.pkl", [pair]))

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


def listing(path: Path, names: dict[int, str], **more: object) -> Path:
    images = [{"id": number, "file_name": name} for number, name in names.items()]
    path.write_text(json.dumps({"images": images, **more}))
    return path


def test_coco_results_with_a_list_of_images(tmp_path: Path, results: Path) -> None:
    names = {42: "COCO_val2014_000000000042.jpg", 7: "deep/y.png", 8: "none.jpg"}
    images = listing(tmp_path / "images.json", names)
    detector = load_detector(results, annotations=images)
    numbered, named, nothing, other = detector([blank()] * 4, [f"photos/{names[42]}", "x.png", "none.jpg", "y.png"])
    assert numbered.labels.tolist() == [79, 0]  # best first
    assert numbered.boxes.tolist() == [[90, 90, 100, 100], [1, 2, 4, 6]]  # cut to the image
    assert (named.labels.tolist(), named.scores.tolist()) == ([32], [1.0])
    assert (len(nothing), len(other)) == (0, 1)
    high = load_detector(results, min_score=0.6, annotations=images)
    assert high([blank()], [names[42]])[0].labels.tolist() == [79]
    with pytest.raises(ImageError, match=r"7\.jpg: not among the images that .*images\.json lists"):
        detector([blank()], ["7.jpg"])


@pytest.mark.parametrize("first", [0, 1])
def test_frames_of_annotation_tools_do_not_land_on_the_next(tmp_path: Path, first: int) -> None:
    """A tool's number of a frame is another one than that in its name."""
    boxes = [{"image_id": first + k, "category_id": 1, "bbox": [k, 0, 9, 9]} for k in range(4)]
    names = {first + k: f"{k + 5:06}.jpg" for k in range(4)}
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps(boxes))
    with pytest.raises(InputError, match=r"which image has the number \d(?s:.)*--annotations"):
        load_detector(path)
    images = listing(tmp_path / "images.json", names)
    for detector in (
        load_detector(path, annotations=images),
        load_detector(listing(tmp_path / "whole.json", names, annotations=boxes)),
    ):
        found = detector([blank()] * 4, [f"{k + 5:06}.jpg" for k in range(4)])
        assert [f.boxes[0, 0] for f in found] == [0, 1, 2, 3]


@pytest.mark.parametrize("number", [42, 42.0, "42", "000000000042"])
def test_numbers_are_never_looked_up_in_names(tmp_path: Path, number: object) -> None:
    (tmp_path / "r.json").write_text(json.dumps([{"image_id": number, "category_id": 1, "bbox": [0, 0, 9, 9]}]))
    with pytest.raises(InputError, match="which image has the number 42"):
        load_detector(tmp_path / "r.json")
    images = listing(tmp_path / "images.json", {42: "frame_43.jpg"})
    detector = load_detector(tmp_path / "r.json", annotations=images)
    assert len(detector([blank()], ["frame_43.jpg"])[0]) == 1
    with pytest.raises(InputError, match=r"one of the 1 images that .*, got the number 42"):
        load_detector(tmp_path / "r.json", annotations=listing(tmp_path / "other.json", {1: "a.jpg"}))


def test_categories_go_by_the_names_in_the_file(tmp_path: Path) -> None:
    categories = [{"id": 1, "name": "lathe"}, {"id": 5, "name": "person"}]
    boxes = [{"image_id": 1, "category_id": c, "bbox": [0, 0, 9, 9]} for c in (5, 1)]
    boxes.append({"image_id": 1, "category_id": 5, "bbox": [0, 0, 90, 90], "iscrowd": 1})
    path = listing(tmp_path / "whole.json", {1: "a.jpg"}, annotations=boxes, categories=categories)
    detector = load_detector(path)
    [found] = detector([blank()], ["a.jpg"])
    assert [found.objects[label] for label in found.labels] == ["person", "lathe"]
    boxes[0]["category_id"] = 2
    listing(path, {1: "a.jpg"}, annotations=boxes, categories=categories)
    with pytest.raises(InputError, match=r"annotations\[0\]: 'category_id' must be one of the categories"):
        load_detector(path)


def test_a_list_of_images_knows_their_size(tmp_path: Path) -> None:
    images = [{"id": 1, "file_name": "a.jpg", "width": 200, "height": 50}]
    (tmp_path / "w.json").write_text(json.dumps({"images": images, "annotations": []}))
    with pytest.raises(ImageError, match=r"is 100 x 100 pixels, its boxes are for 200 x 50"):
        load_detector(tmp_path / "w.json")([blank()], ["a.jpg"])


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([], "expected a COCO file with a list 'images'"),
        ([{"id": 1}], r"images\[0\]: expected"),
        ([{"id": "x", "file_name": "a"}], r"images\[0\]: 'id'"),
        ([{"id": 1, "file_name": "a"}, {"id": 1, "file_name": "b"}], "the id 1 is 'a' already"),
    ],
)
def test_lists_of_images_that_do_not_fit(tmp_path: Path, results: Path, images: object, message: str) -> None:
    (tmp_path / "i.json").write_text(json.dumps({"images": images}))
    with pytest.raises(InputError, match=message):
        load_detector(results, annotations=tmp_path / "i.json")


def test_a_list_of_images_is_for_numbers_only(tmp_path: Path, ride: Interactions) -> None:
    write([ride], tmp_path / "boxes.jsonl")
    for source in (tmp_path / "boxes.jsonl", "ssd-mobilenet-v2"):
        with pytest.raises(InputError, match=r"a list of images is for|expected a file of boxes"):
            load_detector(source, annotations=tmp_path / "i.json")


@pytest.mark.parametrize(("name", "message"), [("b.csv", r"\.json, got \.csv; .* no boxes but"), ("b.txt", "got .txt")])
def test_other_files_are_no_boxes(tmp_path: Path, ride: Interactions, name: str, message: str) -> None:
    (tmp_path / name).write_text("file\n")
    with pytest.raises(InputError, match=message):
        load_detector(tmp_path / name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bbox": [1, 2, 3]}, r"\[1\]: 'bbox' must be four numbers"),
        ({"bbox": [1, 2, 3, float("nan")]}, "NaN is not a number"),
        ({"category_id": 12}, r"COCO's ids 1\.\.90, got 12"),
        ({"category_id": "person"}, "'category_id'"),
        ({"score": "high"}, "'score': expected a finite number"),
        ({"file_name": None, "image_id": None}, "'image_id'"),
        ({"file_name": 5}, "'file_name' must be a name"),
    ],
)
def test_bad_coco_results_name_the_entry_and_the_field(tmp_path: Path, change: dict, message: str) -> None:
    path = tmp_path / "bad.json"
    named = {"file_name": "a.jpg"} | RESULTS[0]
    path.write_text(json.dumps([named, named | change]))
    with pytest.raises(InputError, match=message):
        load_detector(path)


@pytest.mark.parametrize(
    ("text", "message"), [("{", "not JSON"), ("{}", "expected COCO results, a list"), ("[1]", r"\[0\]")]
)
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
        load_detector(results, annotations=listing(tmp_path / "i.json", {42: "a.jpg", 7: "b.jpg"}))([blank()])
    with pytest.raises(MissingFileError, match=r"none\.json"):
        load_detector(tmp_path / "none.json")

"""V-COCO: official labels with COCO's boxes, and the two converted forms."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from interplay import load_annotations
from interplay.errors import InputError, MissingFileError
from interplay.table import InteractionTable


def named(table: InteractionTable, image: int) -> list[tuple[int, str, int]]:
    found = table[image]
    names = table.vocabulary.verbs
    return [(h, names[v], o) for h, v, o in zip(found.human, found.verb, found.object, strict=True)]


@pytest.fixture
def official(vcoco_folder: Path) -> InteractionTable:
    return load_annotations("vcoco", vcoco_folder / "official")


def test_images_come_in_order_of_their_ids(official: InteractionTable) -> None:
    assert official.files == ["COCO_val2014_000000000007.jpg", "COCO_val2014_000000000042.jpg"]
    np.testing.assert_array_equal(official.sizes, [[300, 200], [200, 100]])


def test_boxes_are_the_official_evaluations(official: InteractionTable) -> None:
    """The last pixel inside, clipped to the image; what is then a pixel thin is no instance."""
    expected = [[10, 10, 59, 89], [120.5, 5, 199, 94], [5, 60, 74, 94], [40, 40, 49, 49]]
    np.testing.assert_array_equal(official[1].boxes, expected)
    assert [official.vocabulary.objects[n] for n in official[1].labels] == ["person", "person", "chair", "fork"]


def test_roles_without_an_object_are_kept(official: InteractionTable) -> None:
    assert named(official, 0) == [(0, "stand", -1), (0, "throw", 1)]
    assert named(official, 1) == [(0, "sit", 2), (0, "eat", -1), (0, "eat with", 3)]


def test_people_without_labels_are_told_from_people_who_do_nothing(official: InteractionTable) -> None:
    assert official[0].unlabelled is not None
    assert official[0].unlabelled.tolist() == [False, False, False]
    assert official[1].unlabelled is not None
    assert official[1].unlabelled.tolist() == [False, True, False, False]


def test_trainval_is_train_and_val(vcoco_folder: Path) -> None:
    both = load_annotations("v-coco", vcoco_folder / "official", split="trainval")
    assert both.files == ["COCO_val2014_000000000007.jpg", "COCO_val2014_000000000042.jpg"]
    assert load_annotations("v-coco", vcoco_folder / "official", split="train").files == both.files[:1]
    assert named(both, 1) == [(0, "sit", 2), (0, "eat", -1), (0, "eat with", 3)]


def test_one_file_finds_cocos_boxes_nearby(vcoco_folder: Path) -> None:
    table = load_annotations("v-coco", vcoco_folder / "official" / "vcoco" / "vcoco_val.json")
    assert table.files == ["COCO_val2014_000000000042.jpg"]


def test_without_cocos_boxes_it_says_which_file_is_needed(vcoco_folder: Path) -> None:
    (vcoco_folder / "official" / "instances_vcoco_all_2014.json").unlink()
    with pytest.raises(InputError, match=r"instances_vcoco_all_2014\.json"):
        load_annotations("v-coco", vcoco_folder / "official" / "vcoco" / "vcoco_test.json")
    with pytest.raises(MissingFileError, match="also needs COCO's instances files"):
        load_annotations("v-coco", vcoco_folder / "official")


def test_cocos_boxes_may_lie_in_two_files(vcoco_folder: Path, write_coco_file) -> None:
    folder = vcoco_folder / "official"
    (folder / "instances_vcoco_all_2014.json").unlink()
    write_coco_file(folder / "annotations" / "instances_train2014.json", (7,))
    write_coco_file(folder / "annotations" / "instances_val2014.json", (42,))
    assert len(load_annotations("v-coco", folder)) == 2


def test_an_annotation_that_coco_does_not_have_is_named(vcoco_folder: Path) -> None:
    path = vcoco_folder / "official" / "vcoco" / "vcoco_test.json"
    path.write_text(path.read_text().replace("107", "999"))
    with pytest.raises(InputError, match="image 7: annotation 999 is not in COCO's file"):
        load_annotations("v-coco", path)


def test_query_detectors_form_keeps_every_instance(vcoco_folder: Path) -> None:
    table = load_annotations("v-coco", vcoco_folder / "hoia")
    assert named(table, 0) == [(0, "stand", -1), (0, "throw", 1)]
    assert named(table, 1) == [(0, "sit", 2), (0, "eat", -1), (0, "eat with", 4)]
    np.testing.assert_array_equal(table[1].boxes[0], [10, 10, 60, 90])
    assert table.unlabelled is not None
    assert table.unlabelled.tolist() == [False, False, True, False, True, False, True, False]


def test_pair_lists_hold_pairs_only(vcoco_folder: Path) -> None:
    table = load_annotations("v-coco", vcoco_folder / "pairs")
    assert named(table, 0) == [(0, "throw", 1)]
    assert named(table, 1) == [(0, "sit", 1), (0, "eat with", 2)]
    assert len(table[1].boxes) == 3
    assert table.unlabelled is None


def test_train_can_be_taken_out_of_trainval(vcoco_folder: Path) -> None:
    folder = vcoco_folder / "pairs"
    (folder / "instances_vcoco_test.json").rename(folder / "instances_vcoco_trainval.json")
    with pytest.raises(MissingFileError, match=r"vcoco_train\.ids"):
        load_annotations("v-coco", folder, split="train")
    (folder / "vcoco_train.ids").write_text("42\n")
    assert load_annotations("v-coco", folder, split="train").files == ["COCO_val2014_000000000042.jpg"]


@pytest.mark.parametrize(
    ("form", "old", "new", "message"),
    [
        ("pairs/instances_vcoco_test.json", '"actions": [3]', '"actions": [4]', "'actions' holds 4"),
        ("pairs/instances_vcoco_test.json", '"objects": [33]', '"objects": [0]', "background"),
        ("pairs/instances_vcoco_test.json", "sit instr", "sit under", "no annotations of v-coco, but data of your own"),
        ("hoia/test_vcoco.json", '"object_id": 1', '"object_id": 9', "'object_id' holds 9"),
        (
            "official/vcoco/vcoco_test.json",
            '"role_name": ["agent", "obj"]',
            '"role_name": ["agent", "tool"]',
            "action 3",
        ),
    ],
)
def test_what_is_wrong_is_named(vcoco_folder: Path, form: str, old: str, new: str, message: str) -> None:
    path = vcoco_folder / form
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(InputError, match=message) as error:
        load_annotations("v-coco", path)
    assert str(path) in str(error.value)


def test_half_a_file_is_named(vcoco_folder: Path) -> None:
    path = vcoco_folder / "hoia" / "test_vcoco.json"
    content = json.dumps(json.loads(path.read_text()))
    path.write_text(content[: len(content) // 2])
    with pytest.raises(InputError, match="not JSON"):
        load_annotations("v-coco", path)


def test_people_and_objects_without_a_usable_box_are_left_out(vcoco_folder: Path) -> None:
    """As in the official evaluation: nobody there for the person, no object there for the role."""
    path = vcoco_folder / "official" / "instances_vcoco_all_2014.json"
    content = json.loads(path.read_text())

    def flatten(category: int) -> None:
        for annotation in content["annotations"]:
            if annotation["image_id"] == 7 and annotation["category_id"] == category:
                annotation["bbox"][2] = 0.0
        path.write_text(json.dumps(content))

    ball = next(a["category_id"] for a in content["annotations"] if a["image_id"] == 7 and a["category_id"] != 1)
    flatten(ball)
    assert named(load_annotations("vcoco", vcoco_folder / "official"), 0) == [(0, "stand", -1), (0, "throw", -1)]
    flatten(1)
    assert named(load_annotations("vcoco", vcoco_folder / "official"), 0) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("category_id", 2**63 - 1), ("category_id", 12), ("category_id", True), ("bbox", [1, 2, True, 4])],
)
def test_odd_numbers_in_coco_s_file_are_named(vcoco_folder: Path, field: str, value: object) -> None:
    path = vcoco_folder / "official" / "instances_vcoco_all_2014.json"
    content = json.loads(path.read_text())
    content["annotations"][0][field] = value
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"instances_vcoco_all_2014\.json: annotation 101"):
        load_annotations("v-coco", vcoco_folder / "official")

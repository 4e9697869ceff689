"""HICO-DET: the same annotations come out of every form."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from interplay import load_annotations
from interplay.errors import InputError
from interplay.table import InteractionTable


def triplets(table: InteractionTable) -> list[tuple]:
    """Everything that is annotated, by name, in order."""
    names = table.vocabulary
    return [
        (
            table.files[i],
            tuple(human.tolist()),
            names.verbs[verb],
            names.objects[label],
            tuple(target.tolist()),
        )
        for i, human, verb, label, target in zip(
            table.image_index,
            table.human_boxes,
            table.verb,
            table.object_labels,
            table.object_boxes,
            strict=True,
        )
    ]


def expected(split: str) -> list[tuple]:
    one, three = f"HICO_{split}2015_00000001.jpg", f"HICO_{split}2015_00000003.jpg"
    rider, other, bicycle, bench = (10, 20, 60, 120), (100, 20, 150, 120), (4, 59, 89, 139), (99, 89, 199, 139)
    return [
        (one, other, "sit on", "bench", bench),
        (one, other, "sit on", "bench", bench),
        (one, rider, "hold", "bicycle", bicycle),
        (one, other, "hold", "bicycle", bicycle),
        (one, rider, "ride", "bicycle", bicycle),
        (three, rider, "hug", "person", other),
        (three, other, "hug", "person", rider),
    ]


FORMS = [("mat", "test"), ("mat", "train"), ("pairs", "test"), ("pairs", "train"), ("hoia", "test"), ("hoia", "train"),
         ("hake", "train")]  # fmt: skip


@pytest.mark.parametrize(("form", "split"), FORMS)
def test_every_form_gives_the_same_interactions(hico_folder: Path, form: str, split: str) -> None:
    table = load_annotations("hico-det", hico_folder / form, split=split)
    assert triplets(table) == sorted(expected(split), key=lambda t: (t[0], _class_order(t)))
    assert not table.scored


def _class_order(triplet: tuple) -> int:
    from interplay import Vocabulary

    return Vocabulary.load("hico-det").interaction_index(triplet[2], triplet[3])


@pytest.mark.parametrize(("form", "split"), FORMS)
def test_a_person_with_two_interactions_is_one_box(hico_folder: Path, form: str, split: str) -> None:
    table = load_annotations("hico-det", hico_folder / form, split=split)
    assert len(table[0].boxes) == 4  # two people, a bicycle, a bench
    last = table[len(table) - 1]
    assert len(last.boxes) == 2
    assert last.human.tolist() == last.object.tolist()[::-1]


@pytest.mark.parametrize("form", ["mat", "pairs"])
def test_images_without_visible_interactions_stay(hico_folder: Path, form: str) -> None:
    table = load_annotations("hico-det", hico_folder / form, split="test")
    assert len(table) == 3
    assert len(table[1]) == 0
    np.testing.assert_array_equal(table.sizes, [[320, 240], [640, 480], [100, 50]])


def test_invisible_interactions_become_image_labels(hico_folder: Path) -> None:
    table = load_annotations("hico-det", hico_folder / "mat", split="test")
    names = table.vocabulary
    labels = [[(names.verbs[v], names.objects[o]) for v, o in image.image_labels] for image in table]
    assert labels == [[("wash", "bicycle")], [("carry", "umbrella")], []]


def test_a_folder_with_several_forms_prefers_the_official_one(hico_folder: Path) -> None:
    assert load_annotations("hico-det", hico_folder, split="train").image_labels is not None


def test_a_file_name_does_not_matter(hico_folder: Path) -> None:
    renamed = hico_folder / "some.data"
    (hico_folder / "mat" / "anno_bbox.mat").rename(renamed)
    assert len(load_annotations("hico-det", renamed)) == 3


def test_objects_numbered_without_gaps_are_recognised(hico_folder: Path) -> None:
    path = hico_folder / "hoia" / "trainval_hico.json"
    records = json.loads(path.read_text())
    to_80 = {15: 14, 2: 2, 1: 1}  # bench, bicycle, person
    for record in records:
        for annotation in record["annotations"]:
            annotation["category_id"] = to_80[annotation["category_id"]]
    path.write_text(json.dumps(records))
    with pytest.warns(UserWarning, match=r"numbered 1\.\.80 without gaps"):
        table = load_annotations("hico-det", path)
    assert triplets(table) == sorted(expected("train"), key=lambda t: (t[0], _class_order(t)))


def test_interactions_of_boxes_that_do_not_exist_are_left_out(hico_folder: Path) -> None:
    path = hico_folder / "hoia" / "trainval_hico.json"
    records = json.loads(path.read_text())
    records[0]["hoi_annotation"][0]["object_id"] = 99
    path.write_text(json.dumps(records))
    with pytest.warns(UserWarning, match="left out 1 interactions"):
        table = load_annotations("hico-det", path)
    assert len(table.verb) == len(expected("train")) - 1


@pytest.mark.parametrize(
    ("form", "change", "message"),
    [
        ("pairs/instances_test2015.json", ("annotation", 0, "verb", 0, 117), "00000001.jpg': 'verb' holds 117"),
        ("pairs/instances_test2015.json", ("annotation", 2, "object", 0, -1), "00000003.jpg': 'object' holds -1"),
        (
            "pairs/instances_test2015.json",
            ("annotation", 0, "boxes_h", 0, [1, 2, 3]),
            "a box needs 4 finite",
        ),
        ("pairs/instances_test2015.json", ("objects", 9, "velocipede"), "unknown object 'velocipede'"),
        ("hoia/test_hico.json", (0, "annotations", 0, "category_id", 12), "'category_id' holds 12"),
        ("hoia/test_hico.json", (0, "hoi_annotation", 0, "category_id", 0), "category_id"),
    ],
)
def test_what_is_wrong_is_named(hico_folder: Path, form: str, change: tuple, message: str) -> None:
    path = hico_folder / form
    content = json.loads(path.read_text())
    place = content
    *keys, last, value = change
    for key in keys:
        place = place[key]
    place[last] = value
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=message) as error:
        load_annotations("hico-det", path)
    assert str(path) in str(error.value)


def test_a_matlab_file_of_something_else_is_refused(tmp_path: Path) -> None:
    from scipy.io import savemat

    savemat(tmp_path / "other.mat", {"x": np.zeros(3)})
    with pytest.raises(InputError, match="bbox_test' is missing"):
        load_annotations("hico-det", tmp_path / "other.mat")


def test_there_is_no_validation_split(hico_folder: Path) -> None:
    with pytest.raises(InputError, match="splits train and test, not 'val'"):
        load_annotations("hico-det", hico_folder, split="val")

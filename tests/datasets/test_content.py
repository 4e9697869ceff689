"""Data of one's own, and other data sets, in the published forms: recognised by what they hold, never by the form."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interplay import Vocabulary, load_annotations
from interplay.datasets import detect_dataset
from interplay.errors import InputError

KITCHEN = Vocabulary.from_names(["person", "pan", "ladle", "stove"], ["stir", "lift", "wipe"], name="kitchen")


def hoia_records(file: str = "kitchen_{:03d}.jpg", images: int = 4, first: int = 1) -> list[dict[str, Any]]:
    """Somebody lifts a pan (1) with a ladle (2) near; numbers from `first`."""
    return [
        {
            "file_name": file.format(i),
            "annotations": [
                {"bbox": [10, 20, 200, 400], "category_id": first},
                {"bbox": [150, 180, 220, 240], "category_id": first + 1},
                {"bbox": [5, 300, 300, 470], "category_id": str(first + 2)},
            ],
            "hoi_annotation": [
                {"subject_id": 0, "object_id": 1, "category_id": first + 1},
                {"subject_id": 0, "object_id": -1, "category_id": first},
            ],
        }
        for i in range(images)
    ]


def pairs_content(files: list[str], **changes: Any) -> dict[str, Any]:
    """Somebody stirs with a ladle; the names stand in the file."""
    annotation = {"boxes_h": [[11, 21, 201, 401]], "boxes_o": [[151, 181, 221, 241]], "object": [2], "verb": [0]}
    return {
        "annotation": [{**annotation, "hoi": [0]} for _ in files],
        "filenames": files,
        "size": [[640, 480] for _ in files],
        "objects": list(KITCHEN.objects),
        "verbs": list(KITCHEN.verbs),
        "correspondence": [[0, 2, 0], [1, 1, 1], [2, 3, 2]],
        "rare": [2],
        "non_rare": [0, 1],
        **changes,
    }


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Any], Path]:
    def written(content: Any) -> Path:
        path = tmp_path / "some.json"
        path.write_text(json.dumps(content))
        return path

    return written


@pytest.mark.parametrize("first", [0, 1])
def test_numbers_mean_the_names_of_the_vocabulary_in_order(write: Callable, first: int) -> None:
    path = write(hoia_records(first=first))
    assert detect_dataset(path) == "own"
    table = load_annotations("own", path, vocabulary=KITCHEN)
    assert [[t.verb, t.object] for t in table[0].triplets()] == [["lift", "pan"], ["stir", None]]
    assert [KITCHEN.objects[n] for n in table[0].labels] == ["person", "pan", "ladle"]
    assert table.boxes[0].tolist() == [10, 20, 200, 400]


def test_objects_may_have_coco_ids_where_they_are_coco_s(write: Callable) -> None:
    own = Vocabulary.from_names(Vocabulary.load("coco").objects, ["dry"], name="mine")
    records = hoia_records()
    for record in records:
        record["annotations"][1]["category_id"] = 89  # COCO's number of the hair drier
        record["hoi_annotation"] = [{"subject_id": 0, "object_id": 1, "category_id": 1}]
    table = load_annotations("own", write(records), vocabulary=own)
    assert table[0].triplets()[0].object == "hair drier"


def test_without_a_vocabulary_numbers_are_not_guessed(write: Callable) -> None:
    with pytest.raises(InputError, match=r"objects up to 3 and verbs up to 2.*--vocabulary FILE"):
        load_annotations("own", write(hoia_records()))


def test_more_numbers_than_names_are_an_error(write: Callable) -> None:
    records = hoia_records()
    records[0]["hoi_annotation"][0]["category_id"] = 4
    with pytest.raises(InputError, match=r"verbs are numbered 1 to 4.*names 3 verbs"):
        load_annotations("own", write(records), vocabulary=KITCHEN)


@pytest.mark.parametrize("dataset", ["hico-det", "v-coco", "hoi-a"])
def test_own_data_are_never_a_published_data_set(write: Callable, dataset: str) -> None:
    with pytest.raises(InputError, match=rf"no annotations of {dataset}, but data of your own.*--dataset own"):
        load_annotations(dataset, write(hoia_records()))
    with pytest.raises(InputError, match=f"no annotations of {dataset}, but data of your own"):
        load_annotations(dataset, write(pairs_content(["k1.jpg", "k2.jpg"])))


@pytest.mark.filterwarnings("ignore:.*left out 4 interactions")
def test_own_classes_on_images_of_hico_are_noticed(write: Callable) -> None:
    path = write(hoia_records("HICO_train2015_{:08d}.jpg"))
    assert len(load_annotations("own", path, vocabulary=KITCHEN)) == 4
    with pytest.raises(InputError, match=r"4 of 4 interactions, such as .* are none of its classes"):
        load_annotations("hico-det", path)  # where -1 is no object: these are left out


def test_a_file_of_which_a_tenth_has_other_names_is_still_the_data_set(hico_folder: Path, write: Callable) -> None:
    path = hico_folder / "pairs" / "instances_test2015.json"
    content = json.loads(path.read_text())
    for name in ("annotation", "filenames", "size"):
        content[name] = content[name] * 7
    content["filenames"] = [f"HICO_test2015_{i:08d}.jpg" for i in range(21)]
    content["filenames"][3] = "copy_of_3.jpg"
    assert len(load_annotations("hico-det", write(content))) == 21
    content["filenames"][4:6] = ["copy_of_4.jpg", "copy_of_5.jpg"]
    with pytest.raises(InputError, match="data of your own"):
        load_annotations("hico-det", write(content))


def hoi_a_records() -> list[dict[str, Any]]:
    records = hoia_records("test_{:06d}.png")
    for record in records:
        for annotation, number in zip(record["annotations"], ("1", "3", "2"), strict=True):
            annotation["category_id"] = number
        record["hoi_annotation"] = [{"subject_id": 0, "object_id": 1, "category_id": n} for n in (1, 7)]
    return records


def test_hoi_a_has_its_own_vocabulary(write: Callable) -> None:
    path = write(hoi_a_records())
    assert detect_dataset(path) == "hoi-a"
    table = load_annotations("hoi-a", path)
    assert [t.phrase for t in table[0].triplets()] == ["smoking a cigarette", "holding a cigarette"]
    with pytest.raises(InputError, match=r"no annotations of hico-det, but hoi-a's: say --dataset hoi-a"):
        load_annotations("hico-det", path)


def test_other_classes_on_images_named_like_hoi_a_s_are_noticed(write: Callable) -> None:
    records = hoi_a_records()
    for record in records:
        record["hoi_annotation"] = [{"subject_id": 0, "object_id": 1, "category_id": 6}]  # ride a cigarette
    with pytest.raises(InputError, match="4 of 4 interactions, such as 'ride cigarette', are none of its classes"):
        load_annotations("hoi-a", write(records))


def test_names_in_the_file_are_the_vocabulary(write: Callable) -> None:
    path = write(pairs_content(["k1.jpg", "k2.jpg"]))
    assert detect_dataset(path) == "own"
    table = load_annotations("own", path)
    assert [(t.verb, t.object) for t in table[1].triplets()] == [("stir", "ladle")]
    assert table.vocabulary.pair_names(table.vocabulary.interactions) == ["stir ladle", "lift pan", "wipe stove"]
    assert dict(table.vocabulary.groups) == {"rare": (2,), "non_rare": (0, 1)}
    assert table.boxes[0].tolist() == [10, 20, 200, 400]  # the form counts pixels from 1


def test_a_box_at_zero_shows_that_pixels_count_from_zero(write: Callable) -> None:
    content = pairs_content(["k1.jpg", "k2.jpg"])
    content["annotation"][1]["boxes_h"] = [[0, 2.5, 100, 200]]
    with pytest.warns(UserWarning, match="a box starts at 0"):
        table = load_annotations("own", write(content))
    assert table.boxes[0].tolist() == [11, 21, 201, 401]


def test_a_given_vocabulary_has_to_know_only_what_is_used(write: Callable) -> None:
    path = write(pairs_content(["k1.jpg"]))
    few = Vocabulary.from_names(["ladle", "person"], ["stir"])
    assert load_annotations("own", path, vocabulary=few)[0].triplets()[0].object == "ladle"
    with pytest.raises(InputError, match=r"k1\.jpg.*unknown object 'ladle'"):
        load_annotations("own", path, vocabulary=Vocabulary.from_names(["pan", "person"], ["stir"]))


def test_a_class_number_that_is_there_twice_keeps_both_classes(write: Callable) -> None:
    path = write(pairs_content(["k1.jpg"], correspondence=[[0, 2, 0], [0, 1, 1], [2, 3, 2]]))
    vocabulary = load_annotations("own", path).vocabulary
    assert len(vocabulary.interactions) == 3
    assert not vocabulary.groups  # they count by number


def test_the_other_pair_form_with_own_names(write: Callable) -> None:
    image = {"boxes_h": [[1, 2, 30, 40]], "boxes_o": [[5, 6, 20, 20]], "actions": [1], "objects": [2]}
    content = {
        "annotations": [{**image, "file_name": "k.jpg"}],
        "classes": ["stir", "lift"],
        "objects": ["background", "person", "pan"],
    }
    path = write(content)
    assert detect_dataset(path) == "own"
    assert [(t.verb, t.object) for t in load_annotations("own", path)[0].triplets()] == [("lift", "pan")]


def test_a_folder_of_own_data_is_chosen_from_by_split(tmp_path: Path) -> None:
    for split, files in (("train", ["a.jpg", "b.jpg"]), ("test", ["c.jpg"])):
        (tmp_path / f"instances_{split}.json").write_text(json.dumps(pairs_content(files)))
    assert load_annotations("own", tmp_path, split="train").files == ["a.jpg", "b.jpg"]
    assert load_annotations("own", tmp_path, split="test").files == ["c.jpg"]
    with pytest.raises(InputError, match="several annotation files"):
        load_annotations("own", tmp_path, split="val")


ODD_NUMBERS = [None, True, 0.5, float("nan"), float("inf"), "one", [1], {}, 10**30, -3]


@pytest.mark.parametrize("value", ODD_NUMBERS, ids=repr)
@pytest.mark.parametrize(
    "place",
    [(0, "annotations", 0, "category_id"), (0, "hoi_annotation", 0, "category_id"), (0, "annotations", 1, "bbox", 2)],
)
def test_numbers_that_are_none_are_named(write: Callable, place: tuple, value: Any) -> None:
    records = hoia_records()
    target: Any = records
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = value
    if place[-1] == 2 and value in (0.5, -3):
        return  # odd places for a box, but numbers
    with pytest.raises(InputError) as error:
        load_annotations("own", write(records), vocabulary=KITCHEN)
    assert "some.json" in str(error.value)
    assert len(str(error.value)) < 600


@pytest.mark.parametrize("value", [5, None, ["a.jpg"], {}, "", "\ud800.jpg", float("inf")], ids=ascii)
def test_a_file_name_is_a_text(write: Callable, value: Any) -> None:
    records = hoia_records()
    records[2]["file_name"] = value
    with pytest.raises(InputError, match=r"some\.json.*(file name|half a character|Infinity)"):
        load_annotations("own", write(records), vocabulary=KITCHEN)
    content = pairs_content(["a.jpg", "b.jpg"])
    content["filenames"][1] = value
    with pytest.raises(InputError, match=r"some\.json.*(file name|half a character|Infinity)"):
        load_annotations("own", write(content))


def test_the_published_file_of_hoi_a(data: Path) -> None:
    path = data / "public" / "hoia" / "test_hoia.json"
    assert detect_dataset(path) == "hoi-a"
    table = load_annotations("hoi-a", path)
    assert len(table) == 8787
    assert np.bincount(table.verb).tolist() == [1904, 4279, 1437, 183, 1498, 1799, 9805, 95, 225, 398]
    assert np.bincount(table.labels).sum() == 23514


@pytest.mark.parametrize(("split", "images", "pairs"), [("train", 945, 1685), ("test", 229, 378)])
@pytest.mark.filterwarnings("ignore:.*a box starts at 0")
def test_a_published_file_with_names_of_its_own(data: Path, split: str, images: int, pairs: int) -> None:
    table = load_annotations("own", data / "public" / "hifo", split=split)
    names = table.vocabulary
    assert (len(table), len(table.verb)) == (images, pairs)
    assert (len(names.objects), len(names.verbs), len(names.interactions)) == (88, 120, 609)
    classes = names.interaction_lookup[table.verb, table.object_labels]
    assert set(np.unique(classes)) - {-1} == set(range(600, 609))

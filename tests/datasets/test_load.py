"""Finding the right file and form, own data, PaStaNet-HOI, and the errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import interplay
from interplay import Interactions, Vocabulary, load_annotations
from interplay.datasets import detect_dataset
from interplay.errors import InputError, MissingFileError


@pytest.fixture
def own_file(ride: Interactions, tmp_path: Path) -> Path:
    from dataclasses import replace

    path = tmp_path / "own" / "mine.jsonl"
    path.parent.mkdir()
    interplay.write([replace(ride, scored=False, score=None, box_scores=None)], path)
    return path


def test_own_data_has_its_own_names_also_where_a_built_in_vocabulary_knows_them(own_file: Path) -> None:
    table = load_annotations("own", own_file)
    assert (table.vocabulary.name, len(table.vocabulary.verbs)) == ("own", 3)
    assert [table.vocabulary.verbs[v] for v in table.verb] == ["ride", "hold", "no interaction"]
    assert load_annotations("own", own_file.parent).files == ["a.jpg"]


def test_own_data_with_an_own_vocabulary(own_file: Path) -> None:
    vocabulary = Vocabulary.from_names(["bench", "bicycle", "person"], ["no interaction", "hold", "ride"])
    table = load_annotations("own", own_file, vocabulary=vocabulary)
    assert [vocabulary.verbs[v] for v in table.verb] == ["ride", "hold", "no interaction"]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_converted_annotations_stay_annotations_of_their_data_set(
    hico_folder: Path, tmp_path: Path, suffix: str
) -> None:
    table = load_annotations("hico-det", hico_folder / "mat")
    interplay.write(table, tmp_path / f"converted{suffix}")
    again = load_annotations("hico-det", tmp_path / f"converted{suffix}")
    assert list(again) == list(table)


def test_a_published_form_goes_before_a_converted_file_in_the_same_folder(hico_folder: Path) -> None:
    table = interplay.load_annotations("hico-det", hico_folder, split="test")
    interplay.write(table.select(np.array([0])), hico_folder / "a_test.jsonl")
    assert interplay.load_annotations("hico-det", hico_folder, split="test").files == table.files


def test_predictions_are_not_annotations(ride: Interactions, tmp_path: Path) -> None:
    interplay.write([ride], tmp_path / "p.jsonl")
    with pytest.raises(InputError, match="holds predictions"):
        load_annotations("own", tmp_path / "p.jsonl")


def test_several_own_files_in_a_folder_are_ambiguous(own_file: Path) -> None:
    (own_file.parent / "second.jsonl").write_bytes(own_file.read_bytes())
    with pytest.raises(InputError, match=r"several annotation files \(mine\.jsonl, second\.jsonl\)"):
        load_annotations("own", own_file.parent)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mat/anno_bbox.mat", "hico-det"),
        ("pairs/instances_test2015.json", "hico-det"),
        ("hoia/trainval_hico.json", "hico-det"),
        ("hoia/test_hico.json", "hico-det"),
        ("hake", "hico-det"),
    ],
)
def test_hico_is_recognised(hico_folder: Path, name: str, expected: str) -> None:
    assert detect_dataset(hico_folder / name) == expected


@pytest.mark.parametrize(
    "name", ["official/vcoco/vcoco_test.json", "official", "hoia/test_vcoco.json", "pairs/instances_vcoco_test.json"]
)
def test_vcoco_is_recognised(vcoco_folder: Path, name: str) -> None:
    assert detect_dataset(vcoco_folder / name) == "v-coco"


def test_own_data_is_recognised(own_file: Path) -> None:
    assert detect_dataset(own_file) == "own"


def test_a_folder_of_several_data_sets_asks_which(hico_folder: Path, own_file: Path) -> None:
    with pytest.raises(InputError, match="hico-det, own"):
        detect_dataset(hico_folder.parent)


@pytest.mark.parametrize("content", [b"", b"hello\n", b'{"a": 1}', b"[]", b"\x89PNG\r\n\x1a\n\0\0", b"[1, 2"])
def test_other_files_are_refused_with_the_accepted_forms(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "anno.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"anno_bbox\.mat, official"):
        load_annotations("hico-det", path)
    with pytest.raises(InputError, match=r"vcoco_\{train,val,trainval,test\}\.json"):
        detect_dataset(path)


def test_the_annotations_of_another_data_set_are_refused(vcoco_folder: Path) -> None:
    with pytest.raises(InputError, match="no annotations of hico-det"):
        load_annotations("hico-det", vcoco_folder / "pairs" / "instances_vcoco_test.json")


def test_a_folder_without_the_split_says_what_is_there(hico_folder: Path) -> None:
    with pytest.raises(MissingFileError, match=r"split 'test'\. There are: hico-det-training"):
        load_annotations("hico-det", hico_folder / "hake")


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no file"):
        load_annotations("hico-det", tmp_path / "absent.json")
    with pytest.raises(MissingFileError, match="no annotations in a form"):
        detect_dataset(tmp_path)


def test_arguments_are_checked(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"unknown data set 'hico-dett'.*Did you mean 'hico-det'"):
        load_annotations("hico-dett", tmp_path)
    with pytest.raises(InputError, match="split must be one of"):
        load_annotations("hico-det", tmp_path, split="validation")


@pytest.fixture
def pastanet_folder(tmp_path: Path) -> Path:
    def label(hoi: int) -> dict:
        return {"hoi_id": hoi, "human_bbox": [1, 2, 30, 40], "object_bbox": [5, 6, 70, 80], "width": 100, "height": 90}

    vocabulary = Vocabulary.load("hico-det")
    ride, nothing = (vocabulary.interaction_index(v, "bicycle") + 1 for v in ("ride", "no interaction"))
    content = {
        "0a1b.jpg": {"dataset": "openimage", "labels": [label(ride), label(nothing)]},
        "HICO_train2015_00000009.jpg": {"dataset": "hico-det", "labels": [label(ride)]},
        "c.jpg": {"dataset": "pic", "labels": []},
    }
    (tmp_path / "hake_large_annotation.json").write_text(json.dumps(content))
    (tmp_path / "split_train.txt").write_text("HICO_train2015_00000009.jpg\n0a1b.jpg\n")
    (tmp_path / "split_val.txt").write_text("c.jpg\nabsent.jpg\n")
    return tmp_path


@pytest.mark.parametrize("name", ["", "hake_large_annotation.json"])
def test_pastanet_has_no_missing_interactions(pastanet_folder: Path, name: str) -> None:
    table = load_annotations("pastanet-hoi", pastanet_folder / name, split="train")
    assert table.files == ["0a1b.jpg", "HICO_train2015_00000009.jpg"]
    assert [table.vocabulary.verbs[v] for v in table.verb] == ["ride", "ride"]
    # HICO-DET's boxes count from 1, those of the other sources are taken as they are
    np.testing.assert_array_equal(table.human_boxes, [[1, 2, 30, 40], [0, 1, 29, 39]])


def test_images_of_the_list_without_annotations_are_reported(pastanet_folder: Path) -> None:
    with pytest.warns(UserWarning, match="1 of the 2 images"):
        table = load_annotations("pastanet-hoi", pastanet_folder, split="val")
    assert table.files == ["c.jpg"]


def test_pastanet_needs_the_list_of_the_split(pastanet_folder: Path) -> None:
    with pytest.raises(MissingFileError, match=r"split_test\.txt"):
        load_annotations("pastanet-hoi", pastanet_folder, split="test")

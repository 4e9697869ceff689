"""Which annotations are trained and validated on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interplay import Interactions, InteractionTable, write
from interplay.errors import InputError, MissingFileError
from interplay.training.sections import DataConfig
from interplay.training.tables import Tables, fingerprint, held_out_images, load_tables


def load(**fields: Any) -> Tables:
    return load_tables(DataConfig.model_validate({"dataset": "own", **fields}))


def test_held_out_images_are_chosen_by_name(riders: InteractionTable, riders_file: Path) -> None:
    tables = load(root=riders_file, holdout=0.25)
    training, validation = set(tables.training.files), set(tables.validation.files)
    assert not training & validation
    assert len(training | validation) == len(riders)
    assert 0.15 < len(validation) / len(riders) < 0.35
    shuffled = list(reversed(riders.files))
    chosen = {name for name, out in zip(shuffled, held_out_images(shuffled, 0.25), strict=True) if out}
    assert chosen == validation


def test_validation_of_its_own(riders: InteractionTable, riders_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "validation.jsonl"
    write(riders[:5], other)
    tables = load(root=riders_file, validation_root=other)
    assert (len(tables.training), len(tables.validation)) == (len(riders), 5)
    assert (tables.images, tables.validation_images) == (riders_file.parent, other.parent)
    assert load(root=riders_file, validation_root=other, images=tmp_path).validation_images == tmp_path


def test_without_holdout_the_training_images_are_validated_on(riders_file: Path) -> None:
    tables = load(root=riders_file, holdout=0)
    assert tables.validation is tables.training


def test_too_few_images_to_hold_out(riders: InteractionTable, tmp_path: Path) -> None:
    write(riders[:1], tmp_path / "one.jsonl")
    with pytest.raises(InputError, match=r"of 1 images leaves .*--data.validation_root FILE"):
        load(root=tmp_path / "one.jsonl")


def test_a_missing_split_says_what_to_do_instead(data: Path) -> None:
    folder = data / "vcoco"
    with pytest.raises(MissingFileError, match=r"pastanet-hoi"):
        load(dataset="pastanet-hoi", root=folder, validation="test")
    tables = load(dataset="v-coco", root=folder, train="trainval", validation="test")
    assert (len(tables.training), len(tables.validation)) == (5400, 4946)


def test_a_root_is_needed() -> None:
    with pytest.raises(InputError, match=r"--data\.root DIR"):
        load()


@pytest.mark.parametrize("field", ["root", "images", "validation_root"])
def test_a_place_that_is_not_there_is_named_with_its_field(field: str, riders_file: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=rf"data\.{field}: there is no .*nowhere; give --data\.{field}"):
        load(**{"root": riders_file, field: tmp_path / "nowhere"})


def test_a_fingerprint_tells_annotations_apart(riders: InteractionTable) -> None:
    one = fingerprint(riders)
    assert one == fingerprint(riders)
    changed = riders.select(np.arange(len(riders)))
    changed.boxes[0, 0] += 1
    assert fingerprint(changed)["sha256"] != one["sha256"]
    assert one["images"] == len(riders)


@pytest.mark.parametrize(
    ("fields", "remark"),
    [
        (
            {},
            "validates on 0.1 of the training images, chosen by their names, and does not train on them (data.holdout)",
        ),
        ({"holdout": 0}, "validates on the training images (data.holdout: 0)"),
        ({"validation": "test"}, "validates on test"),
        ({"validation_root": "other.jsonl", "validation": "val"}, "validates on other.jsonl"),
    ],
)
def test_what_is_validated_on_is_said(fields: dict[str, Any], remark: str) -> None:
    assert DataConfig.model_validate({"dataset": "own", **fields}).validation_remark() == remark


def without_interactions(table: InteractionTable, emptied: np.ndarray) -> list[Interactions]:
    return [image[:0] if empty else image for image, empty in zip(table, emptied, strict=True)]


def test_a_holdout_without_interactions_is_said_with_the_cure(riders: InteractionTable, tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    held_out = held_out_images(riders.files, 0.25)
    write(without_interactions(riders, held_out), path)
    with pytest.warns(UserWarning, match=rf"the {held_out.sum()} images to validate on hold no .*--data\.holdout 0"):
        load(root=path, holdout=0.25)


def test_nothing_to_learn_from_is_an_error(riders: InteractionTable, tmp_path: Path) -> None:
    write(without_interactions(riders, np.ones(len(riders), bool)), tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="hold no interaction, so there is nothing to learn"):
        load(root=tmp_path / "none.jsonl")


def test_people_must_be_called_person(tmp_path: Path) -> None:
    line = {"boxes": [[1, 2, 30, 40], [5, 6, 20, 30]], "interactions": [{"human": 0, "verb": "hold", "object": 1}]}
    path = tmp_path / "d.jsonl"
    for labels, message in ((["worker", "cup"], "no object 'person'"), (["cup", "person"], "20 of 20 .*mostly 'cup'")):
        path.write_text("".join(json.dumps({**line, "file": f"{i}.jpg", "labels": labels}) + "\n" for i in range(20)))
        with pytest.raises(InputError, match=message):
            load(root=path)


def test_people_may_be_called_as_the_vocabulary_says(tmp_path: Path) -> None:
    line = {"boxes": [[1, 2, 30, 40], [5, 6, 20, 30]], "interactions": [{"human": 0, "verb": "hold", "object": 1}]}
    lines = [json.dumps({**line, "file": f"{i}.jpg", "labels": ["worker", "cup"]}) for i in range(20)]
    (tmp_path / "d.jsonl").write_text("\n".join(lines))
    content = {"name": "w", "objects": ["cup", "worker"], "verbs": ["hold"], "human": "worker"}
    (tmp_path / "v.json").write_text(json.dumps(content))
    tables = load(root=tmp_path / "d.jsonl", vocabulary=str(tmp_path / "v.json"), holdout=0)
    assert tables.training.vocabulary.person == 1


def test_photographs_must_be_there(riders: InteractionTable, riders_file: Path, tmp_path: Path) -> None:
    images = tmp_path / "photos"
    images.mkdir()
    for file in riders.files:
        (images / file).write_bytes(b"only whether it is there matters")
    tables = load(root=riders_file, images=images, holdout=0)
    tables.check_images()
    for file in riders.files[: len(riders) // 20]:
        (images / file).unlink()
    with pytest.warns(UserWarning, match="annotated images are not below .* they are left out"):
        tables.check_images()
    for file in riders.files[: len(riders) // 5]:
        (images / file).unlink(missing_ok=True)
    with pytest.raises(InputError, match=r"at most 10% may be missing. Give --data\.images DIR"):
        tables.check_images()

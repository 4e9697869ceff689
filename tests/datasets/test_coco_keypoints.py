"""COCO's keypoints for annotated people: by id, by overlap, what is counted, and what is refused."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interplay import InteractionTable, load_annotations
from interplay.cli import main
from interplay.datasets import check_folder, validate, with_keypoints
from interplay.datasets.coco_keypoints import people_table, read_coco_people
from interplay.errors import InputError, MissingFileError

IMAGES = {7: "COCO_val2014_000000000007.jpg", 42: "COCO_val2014_000000000042.jpg"}


def pose(number: int, visibility: int = 2) -> list[int]:
    """51 numbers of somebody whose nose is at (number, number) and of whom one eye is not labelled."""
    values = [v for k in range(17) for v in (number + k, number + 2 * k, visibility)]
    values[3:6] = [0, 0, 0]
    return values


@pytest.fixture
def people(vcoco_folder: Path) -> list[dict[str, Any]]:
    """COCO's records of the people in the tiny V-COCO, whose ids and boxes are its own."""
    instances = json.loads((vcoco_folder / "official" / "instances_vcoco_all_2014.json").read_text())
    found = [record for record in instances["annotations"] if record["category_id"] == 1]
    for record in found:
        extra = {"keypoints": pose(record["id"]), "num_keypoints": 16, "area": 123.5, "iscrowd": 0}
        record.update(extra)
    return found


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, people: list[dict[str, Any]]) -> Write:
    """Writes them, as COCO does."""

    def written(records: Any = people, name: str = "person_keypoints_val2014.json", **content: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        images = [{"id": i, "file_name": file, "width": 640, "height": 480} for i, file in IMAGES.items()]
        full = {"images": images, "annotations": records, "categories": [{"id": 1, "name": "person"}], **content}
        path.write_text(json.dumps(full))
        return path

    return written


def nose(table: Any) -> list[list[float]]:
    return [image.keypoints[:, 0, :2].tolist() for image in table]


def test_people_are_found_by_the_annotations_id(vcoco_folder: Path, people: list, write: Write) -> None:
    for record in people:
        record["bbox"] = [0, 0, 1, 1]  # where nobody overlaps
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = load_annotations("v-coco", vcoco_folder / "official", keypoints=write(people))
    persons = table.labels == table.vocabulary.person
    np.testing.assert_array_equal(table.keypoints[persons, 0, 0], table.coco_id[persons])
    assert np.isnan(table.keypoints[~persons]).all()
    assert set(np.unique(table.keypoints[persons, :, 2])) == {0, 2}
    np.testing.assert_array_equal(table.area[persons], 123.5)


@pytest.mark.parametrize("form", ["hoia", "pairs"])
def test_forms_without_ids_go_by_overlap(vcoco_folder: Path, people: list, write: Write, form: str) -> None:
    plain = load_annotations("v-coco", vcoco_folder / form)
    assert plain.keypoints is None
    table, match = with_keypoints(plain, write())
    assert match.complete
    assert (match.by_id, match.by_overlap) == (0, match.people)
    by_corner = {tuple(record["bbox"][:2]): float(record["id"]) for record in people}
    persons = table.labels == table.vocabulary.person
    expected = [by_corner[tuple(box[:2])] for box in table.boxes[persons].tolist()]
    assert table.keypoints[persons, 0, 0].tolist() == expected


def test_who_is_not_found_is_counted_and_said(vcoco_folder: Path, people: list, write: Write) -> None:
    last = people.pop()
    people[0]["keypoints"], people[0]["num_keypoints"] = [0] * 51, 0
    stranger = {**people[0], "id": 999, "bbox": [600, 400, 30, 60], "keypoints": pose(5)}
    path = write([*people, stranger])
    with pytest.warns(UserWarning, match="1 whom nobody in the file overlaps enough"):
        table = load_annotations("v-coco", vcoco_folder / "official", keypoints=path)
    assert np.isnan(table.keypoints[table.coco_id == last["id"]]).all()
    assert (table.keypoints[table.coco_id == people[0]["id"]] == 0).all()  # COCO has nothing of them
    _, match = with_keypoints(table, path)
    # COCO has one person more, a pixel thin, who is no instance of V-COCO's
    assert (match.people, match.by_id, match.without_labels, match.left_over) == (len(people), len(people) - 1, 1, 2)
    assert "people have an entry" in str(match)


def test_images_that_the_file_lacks_are_counted(vcoco_folder: Path, people: list, write: Write) -> None:
    only = write([r for r in people if r["image_id"] == 42], images=[{"id": 42, "file_name": IMAGES[42]}])
    with pytest.warns(UserWarning, match="in images that the file does not list"):
        table = load_annotations("v-coco", vcoco_folder / "official", keypoints=only)
    assert np.isnan(table[0].keypoints).all()
    assert np.isfinite(table[1].keypoints).any()


def test_files_of_a_folder_are_read_together(vcoco_folder: Path, people: list, write: Write, tmp_path: Path) -> None:
    for split, number in (("train", 7), ("val", 42)):
        mine = [r for r in people if r["image_id"] == number]
        write(mine, f"both/person_keypoints_{split}2014.json", images=[{"id": number, "file_name": IMAGES[number]}])
    one = load_annotations("v-coco", vcoco_folder / "official", keypoints=write())
    both = load_annotations("v-coco", vcoco_folder / "official", keypoints=tmp_path / "both")
    np.testing.assert_array_equal(one.keypoints, both.keypoints)


def test_the_years_names_of_an_image_are_the_same(vcoco_folder: Path, write: Write) -> None:
    renamed = write(images=[{"id": i, "file_name": f"{i:012d}.jpg"} for i in IMAGES])
    table = load_annotations("v-coco", vcoco_folder / "official", keypoints=renamed)
    assert all(np.isfinite(image.keypoints).any() for image in table)


def test_copies_of_a_persons_box_share_the_keypoints(hico_folder: Path, tmp_path: Path) -> None:
    """HICO-DET has a box for each interaction of a person; here from the same corners, a pixel apart."""
    table = load_annotations("hico-det", hico_folder / "hoia")
    person = table.vocabulary.person
    first = int(np.flatnonzero(table[0].labels == person)[0])
    box = table[0].boxes[first]
    image = table[0]
    boxes = np.concatenate([image.boxes, box[None] + 1])
    twice = InteractionTable.from_list(
        [replace(image, boxes=boxes, labels=np.append(image.labels, person), box_scores=np.ones(len(boxes)))]
    )
    x1, y1, x2, y2 = box.tolist()
    record = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [x1, y1, x2 - x1, y2 - y1], "keypoints": pose(3)}
    path = tmp_path / "person_keypoints.json"
    path.write_text(json.dumps({"images": [{"id": 1, "file_name": image.file}], "annotations": [record]}))
    posed, match = with_keypoints(twice, path)
    np.testing.assert_array_equal(posed.keypoints[first], posed.keypoints[len(boxes) - 1])
    assert match.left_over == 0


def test_the_file_alone_is_annotations_of_poses(people: list, write: Write) -> None:
    people[0]["iscrowd"] = 1
    table = people_table(read_coco_people(write(people)))
    assert table.files == list(IMAGES.values())
    assert not table.scored
    assert table.crowd.tolist().count(True) == 1
    np.testing.assert_array_equal(np.sort(table.coco_id), sorted(r["id"] for r in people))


def changed(field: str, value: Any) -> Callable[[list], None]:
    return lambda records: records[1].update({field: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (changed("keypoints", [1, 2, 3]), r"annotations\[1\]: expected 51 numbers"),
        (changed("keypoints", [*pose(3)[:-1], 0.7]), r"visibility of the right ankle must be 0, 1 or 2, got 0.7"),
        (changed("keypoints", ["a"] * 51), r"annotations\[1\]"),
        (changed("bbox", [1, 2, 3]), r"annotations\[1\]: 'bbox': expected 4 numbers"),
        (changed("bbox", [1, 2, -3, 4]), r"annotations\[1\]: 'bbox' has a negative width"),
        (changed("bbox", [1e30, 2, 3, 4]), r"annotations\[1\]: a box needs 4 finite numbers"),
        (changed("image_id", 5), "'image_id' is 5, which is none of 'images'"),
        (changed("image_id", None), r"annotations\[1\]: 'image_id'"),
        (changed("area", "large"), "'area': expected a finite number"),
        (changed("area", -1), "'area' must be 0 or more"),
        (changed("id", 1.5), "'id': expected a whole number"),
    ],
)
def test_broken_records_are_named(people: list, write: Write, change: Callable, message: str) -> None:
    change(people)
    with pytest.raises(InputError, match=message):
        read_coco_people(write(people))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "expected COCO's person_keypoints"),
        ("{", "person_keypoints.json"),
        ('{"images": [], "annotations": []}', "nobody in it has keypoints"),
        ('{"images": [{"id": 1}], "annotations": [{"image_id": 1, "keypoints": []}]}', "file_name"),
        ('{"images": 3, "annotations": []}', "expected COCO's person_keypoints"),
        ('{"images": [], "annotations": [], "categories": [{"id": 1, "name": "dog"}]}', "expected one class 'person'"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "person_keypoints.json"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_coco_people(path)


def test_other_images_are_refused(vcoco_folder: Path, write: Write) -> None:
    others = write(images=[{"id": i, "file_name": f"street_{i}.jpg"} for i in IMAGES])
    with pytest.raises(InputError, match="none of the 2 annotated images is in it"):
        load_annotations("v-coco", vcoco_folder / "official", keypoints=others)


def test_nothing_there(tmp_path: Path, vcoco_folder: Path) -> None:
    with pytest.raises(MissingFileError, match="no file"):
        load_annotations("v-coco", vcoco_folder / "official", keypoints=tmp_path / "none.json")
    with pytest.raises(MissingFileError, match="expected COCO's person_keypoints"):
        load_annotations("v-coco", vcoco_folder / "official", keypoints=vcoco_folder / "hoia")


def test_the_commands_say_who_was_found(
    vcoco_folder: Path, write: Write, capsys: pytest.CaptureFixture, tmp_path: Path
) -> None:
    file, path = vcoco_folder / "official" / "vcoco" / "vcoco_test.json", write()
    assert main(["datasets", "validate", str(file), "--keypoints", str(path)]) == 0
    assert "keypoints: 4 of 4 people have an entry (4 by id, 0 by an overlap" in " ".join(
        capsys.readouterr().out.split()
    )
    output = tmp_path / "posed.parquet"
    command = ["datasets", "convert", str(vcoco_folder / "official"), str(output), "--dataset", "v-coco"]
    assert main([*command, "--keypoints", str(path)]) == 0
    written = load_annotations("v-coco", output)
    again, match = with_keypoints(written.with_columns(keypoints=None), path)
    assert match.by_id == match.people  # the ids are in the file
    np.testing.assert_array_equal(again.keypoints, written.keypoints)


def test_validate_names_what_is_missing(vcoco_folder: Path, people: list, write: Write) -> None:
    file = vcoco_folder / "official" / "vcoco" / "vcoco_test.json"
    report = validate(file, keypoints=write(people[:1]))
    assert report.keypoints is not None
    assert not report.keypoints.complete
    assert [(p.field, p.severity) for p in report.problems] == [("keypoints", "warning")]
    broken = validate(file, keypoints=write(people, images=[{"id": i, "file_name": f"x{i}.jpg"} for i in IMAGES]))
    assert broken.errors == 1
    assert "none of the 2 annotated images is in it" in str(broken.problems[0])


def test_check_finds_them_beside_v_coco(vcoco_folder: Path, people: list, write: Write) -> None:
    def found() -> dict[str, str]:
        findings = check_folder(vcoco_folder / "official")
        return {f.what: f.status for f in findings if "keypoints" in f.what}

    assert found() == {}
    path = vcoco_folder / "official" / "annotations" / "person_keypoints_val2014.json"
    path.parent.mkdir()
    path.write_text(write().read_text())
    assert found() == {f"keypoints for vcoco/vcoco_{split}.json": "ok" for split in ("test", "train", "val")}
    path.write_text(write(people[:-1]).read_text())
    assert "note" in found().values()
    changed("keypoints", [1])(people)
    path.write_text(write(people).read_text())
    assert found() == {"COCO's keypoints": "broken"}

"""What a check finds in a folder."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import interplay
from interplay import Interactions, Vocabulary
from interplay.datasets import Finding, catalogue, check_folder
from interplay.datasets.sources import walk_files
from interplay.errors import MissingFileError


def found(findings: list[Finding], what: str) -> Finding:
    (finding,) = [f for f in findings if what in f.what]
    return finding


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the tiny data sets were what was published."""
    monkeypatch.setattr(
        catalogue,
        "EXPECTED",
        {
            ("hico-mat", "train"): catalogue.Expected(3, 7),
            ("hico-mat", "test"): catalogue.Expected(3, 7),
            ("vcoco-actions", "test"): catalogue.Expected(2, None, 3),
        },
    )


@pytest.mark.usefixtures("published")
def test_a_complete_data_set(hico_folder: Path) -> None:
    for split in ("train", "test"):
        folder = hico_folder / "mat" / "images" / f"{split}2015"
        folder.mkdir(parents=True)
        for number, size in ((1, (320, 240)), (2, (640, 480)), (3, (100, 50))):
            Image.new("RGB", size).save(folder / f"HICO_{split}2015_{number:08d}.jpg")
    findings = check_folder(hico_folder / "mat")
    assert {f.dataset for f in findings} == {"hico-det"}
    assert [f.status for f in findings] == ["ok", "ok", "ok"]
    assert "3 images, 7 interactions, as published (hico-mat, train)" in findings[0].detail
    assert "all 6 annotated images" in findings[2].detail


@pytest.mark.usefixtures("published")
def test_labelled_people_are_counted(vcoco_folder: Path) -> None:
    finding = found(check_folder(vcoco_folder / "official"), "vcoco_test.json")
    assert finding.status == "ok"
    assert "3 labelled people, as published" in finding.detail


def test_counts_that_differ_from_the_published_ones(hico_folder: Path) -> None:
    finding = found(check_folder(hico_folder / "pairs"), "instances_test2015.json")
    assert finding.status == "different"
    assert "3 images, 7 interactions; published: 9,658 images, 33,405 interactions" in finding.detail


def test_missing_parts_and_where_they_come_from(hico_folder: Path) -> None:
    findings = check_folder(hico_folder / "hake")
    annotations = found(findings, "test annotations")
    assert annotations.status == "missing"
    assert "umich.edu" in annotations.detail
    images = found(findings, "images")
    assert images.status == "missing"
    assert "0 of 3 annotated images are there; missing: HICO_train2015_00000001.jpg, ..." in images.detail


def test_labels_without_boxes(vcoco_folder: Path) -> None:
    (vcoco_folder / "official" / "instances_vcoco_all_2014.json").unlink()
    finding = found(check_folder(vcoco_folder / "official"), "vcoco_test.json")
    assert finding.status == "missing"
    assert "cocodataset.org" in finding.detail


def test_broken_files_do_not_stop_the_check(hico_folder: Path) -> None:
    path = hico_folder / "pairs" / "instances_test2015.json"
    path.write_text(path.read_text()[:-40])
    findings = check_folder(hico_folder / "pairs")
    assert found(findings, "instances_test2015.json").status == "broken"
    assert found(findings, "instances_train2015.json").status == "different"


def test_photographs_that_are_others_than_were_annotated(hico_folder: Path, vcoco_folder: Path) -> None:
    Image.new("RGB", (1200, 800)).save(vcoco_folder / "pairs" / "COCO_val2014_000000000007.jpg")
    Image.new("RGB", (50, 50)).save(vcoco_folder / "pairs" / "COCO_val2014_000000000042.jpg")
    finding = found(check_folder(vcoco_folder / "pairs"), "images")
    assert finding.status == "different"
    assert "1200 x 800 pixels, but no image of COCO is larger than 640" in finding.detail
    assert "50 x 50 pixels, boxes reach to 75, 95" in finding.detail
    Image.new("RGB", (64, 48)).save(hico_folder / "pairs" / "HICO_test2015_00000002.jpg")
    statuses = [f.status for f in check_folder(hico_folder / "pairs") if f.what == "images"]
    assert statuses == ["missing", "different"]


def test_lists_and_tables(tmp_path: Path) -> None:
    (tmp_path / "split_test.txt").write_text("a.jpg\nb.jpg\n")
    table = (Vocabulary.load("hico-det").interaction_lookup[:, :-1] >= 0).astype(float)
    np.save(tmp_path / "corre_hico.npy", table)
    findings = check_folder(tmp_path)
    assert found(findings, "corre_hico.npy").status == "ok"
    lists = found(findings, "split_test.txt")
    assert (lists.status, lists.detail) == ("different", "2 images, published: 11,298")
    assert "22,156" in found(findings, "split sizes").detail
    np.save(tmp_path / "corre_hico.npy", table.T)
    assert found(check_folder(tmp_path), "corre_hico.npy").status == "different"


def test_own_data_is_validated(tmp_path: Path) -> None:
    record = {
        "file": "a.jpg",
        "boxes": [[5, 5, 1, 9]],
        "labels": ["person"],
        "interactions": [],
    }
    (tmp_path / "mine.jsonl").write_text(json.dumps(record) + "\n")
    findings = check_folder(tmp_path)
    assert [f.status for f in findings] == ["ok", "different", "missing"]
    assert "1 errors" in findings[1].detail


def test_images_alone(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    (finding,) = check_folder(tmp_path)
    assert (finding.status, finding.dataset) == ("note", "images")
    assert finding.detail.startswith("1 images")


def test_nothing_there(tmp_path: Path) -> None:
    (finding,) = check_folder(tmp_path)
    assert finding.status == "missing"
    with pytest.raises(MissingFileError):
        check_folder(tmp_path / "absent")


def odd_files(folder: Path) -> dict[str, str]:
    """Files that are not what they seem, and what is said of each."""
    (folder / "corre_hico.npy").write_bytes(b"\x93NUMPY")
    (folder / "vcoco_val.ids").write_bytes("1\n2\ncaf\xe9\n".encode("latin-1"))
    (folder / "loop.jsonl").symlink_to("loop.jsonl")
    (folder / "deep.json").write_text("[" * 100_000)
    os.mkfifo(folder / "pipe.json")
    return {
        "corre_hico.npy": "not an .npy file",
        "vcoco_val.ids": "line 3, byte 4",
        "loop.jsonl": "symbolic links",
    }


def test_odd_files_are_reported_and_the_rest_is_checked(ride: Interactions, tmp_path: Path) -> None:
    expected = odd_files(tmp_path)
    (tmp_path / "below").mkdir()
    interplay.write([replace(ride, scored=False)], tmp_path / "below" / "good.jsonl")
    findings = check_folder(tmp_path)
    for name, detail in expected.items():
        assert any(f.what == name and f.status == "broken" and detail in f.detail for f in findings), name
    assert any(f.what == "below/good.jsonl" and f.status == "ok" for f in findings)


def test_links_in_a_circle_end(ride: Interactions, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).symlink_to(tmp_path, target_is_directory=True)
    interplay.write([replace(ride, scored=False)], tmp_path / "good.jsonl")
    assert any(f.status == "missing" and f.what == "images" for f in check_folder(tmp_path))


def test_links_in_a_circle_are_followed_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    for name in ("one", "other"):
        (tmp_path / name).symlink_to(".")
    assert list(walk_files(tmp_path, frozenset({".txt"}))) == [tmp_path / "a.txt"]

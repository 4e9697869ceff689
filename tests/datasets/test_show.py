"""Contact sheets of annotated images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from interplay import load_annotations
from interplay.datasets.show import show
from interplay.errors import InputError, MissingFileError
from interplay.table import InteractionTable


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, size in ((1, (320, 240)), (3, (100, 50))):
        Image.new("RGB", size, (90, 120, 90)).save(folder / f"HICO_test2015_{number:08d}.jpg")
    return folder


@pytest.fixture
def table(hico_folder: Path) -> InteractionTable:
    return load_annotations("hico-det", hico_folder / "mat")


def test_the_images_that_are_there_are_shown(table: InteractionTable, photos: Path, tmp_path: Path) -> None:
    shown = show(table, photos, tmp_path / "sheet.png", width=600)
    assert shown.files == ["HICO_test2015_00000001.jpg", "HICO_test2015_00000003.jpg"]
    assert shown.missing == ["HICO_test2015_00000002.jpg"]
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width == 600


def test_the_same_seed_chooses_the_same(table: InteractionTable, photos: Path, tmp_path: Path) -> None:
    chosen = {seed: show(table, photos, tmp_path / f"{seed}.png", count=1, seed=seed).files[0] for seed in range(6)}
    assert len(set(chosen.values())) == 2
    assert show(table, photos, tmp_path / "again.png", count=1, seed=3).files == [chosen[3]]
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "3.png").read_bytes()


def test_only_some_interactions(table: InteractionTable, photos: Path, tmp_path: Path) -> None:
    assert show(table, photos, tmp_path / "a.png", verbs=["hug"]).files == ["HICO_test2015_00000003.jpg"]
    everything = np.asarray(Image.open(tmp_path / "a.png"))
    assert show(table, photos, tmp_path / "b.png", objects=["bench"]).files == ["HICO_test2015_00000001.jpg"]
    assert not np.array_equal(everything, np.asarray(Image.open(tmp_path / "b.png")))
    with pytest.raises(InputError, match="no image has an interaction with fly"):
        show(table, photos, tmp_path / "c.png", verbs=["fly"])


def test_broken_images_are_named_and_the_rest_shown(table: InteractionTable, photos: Path, tmp_path: Path) -> None:
    (photos / "HICO_test2015_00000001.jpg").write_bytes(b"no image")
    shown = show(table, photos, tmp_path / "sheet.png")
    assert shown.files == ["HICO_test2015_00000003.jpg"]
    assert list(shown.broken) == ["HICO_test2015_00000001.jpg"]


def test_no_images_or_no_format(table: InteractionTable, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.png or \.jpg"):
        show(table, photos, tmp_path / "sheet.txt")
    with pytest.raises(InputError, match="at least 1, got 0"):
        show(table, photos, tmp_path / "sheet.png", count=0)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(MissingFileError, match="none of the 3 annotated images"):
        show(table, empty, tmp_path / "sheet.png")
    assert not (tmp_path / "sheet.png").exists()


def test_names_that_lead_out_of_the_folder_are_not_followed_unasked(
    table: InteractionTable, photos: Path, tmp_path: Path
) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    Image.new("RGB", (320, 240)).save(inside / "a.jpg")
    names = ["a.jpg", "../photos/HICO_test2015_00000001.jpg", str(photos / "HICO_test2015_00000001.jpg")]
    images = [replace(table[0], file=name) for name in names]
    led = InteractionTable.from_list(images, table.vocabulary)
    shown = show(led, inside, tmp_path / "sheet.png")
    assert shown.files == names[:1]
    assert sorted(shown.outside) == sorted(names[1:])
    assert show(led, inside, tmp_path / "sheet.png", outside=True).files == names
    with pytest.raises(MissingFileError, match=r"2 names lead out of that folder, such as .*--outside"):
        show(led.select(np.array([1, 2])), inside, tmp_path / "sheet.png")

"""Which names mean the same image."""

from __future__ import annotations

import pytest

from interplay.ops.image_names import ImageNames, image_number, match_images, same_names

LISTED = [
    "train/a.jpg", "val/a.jpg", "val/b.jpg", "COCO_val2014_000000000042.jpg", "000000000007.jpg", "IMG_9.jpg",
    "HICO_test2015_00000042.jpg", "HICO_test2015_00000008.jpg", "win\\c.png",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("val/a.jpg", "val/a.jpg"),
        ("val\\a.jpg", "val/a.jpg"),
        ("a.jpg", None),  # two have this name
        ("else/a.jpg", None),
        ("/data/photos/val/a.jpg", "val/a.jpg"),
        ("C:\\photos\\train\\a.jpg", "train/a.jpg"),
        ("/data/xval/a.jpg", None),
        ("else/b.jpg", "val/b.jpg"),
        ("C:\\photos\\b.jpg", "val/b.jpg"),
        ("win/c.png", "win\\c.png"),
        ("b.png", None),
        ("7", "000000000007.jpg"),
        ("x/7.png", "000000000007.jpg"),
        ("COCO_train2014_000000000007.jpg", "000000000007.jpg"),
        ("HICO_test2015_00000007.jpg", None),  # HICO-DET's 7 is not COCO's
        ("8", "HICO_test2015_00000008.jpg"),
        ("42", None),  # COCO's or HICO-DET's
        ("000000000042.jpg", "COCO_val2014_000000000042.jpg"),
        ("00000042.jpg", "HICO_test2015_00000042.jpg"),
        ("COCO_train2014_000000000042.jpg", None),  # neither name is nothing but a number
        ("9", None),  # the 9 of IMG_9.jpg is no data set's
        ("img_7.jpg", None),
        ("", None),
    ],
)
def test_one_set_of_rules(name: str, found: str | None) -> None:
    position = ImageNames(LISTED).find(name)
    assert (LISTED[position] if position >= 0 else None) == found


def test_the_first_of_two_equal_names_counts() -> None:
    assert ImageNames(["x/a.jpg", "x/a.jpg"]).find("x/a.jpg") == ImageNames(["x/a.jpg", "x/a.jpg"]).find("a.jpg") == 0


def test_numbers_of_data_sets() -> None:
    names = ["x/COCO_val2014_000000000042.jpg", "HICO_test2015_00000003.jpg", "007", "12.jpg", "IMG_4.jpg", "a.5", ""]
    assert [image_number(name) for name in names] == [42, 3, 7, 12, None, None, None]


def test_rows_of_one_image_get_one_name() -> None:
    full = "COCO_val2014_000000000042.jpg"
    assert same_names([42, full, "000000000042", 7, "007", "a.jpg"]) == [full, full, full, "7", "7", "a.jpg"]


def test_a_name_that_fits_images_of_two_folders_is_told() -> None:
    match = match_images(["a.jpg", "c.jpg"], ["one/a.jpg", "two/a.jpg", "one/b.jpg"])
    assert match.position.tolist() == [-1, -1]
    assert match.ambiguous == ["a.jpg"]
    assert any("'a.jpg'" in note and "more than one annotated image" in note for note in match.notes())

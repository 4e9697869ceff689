"""Finding and reading annotated photographs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from interplay import Interactions, Vocabulary
from interplay.datasets import ImageFinder, InteractionDataset, Sample
from interplay.errors import InputError, MissingFileError
from interplay.table import InteractionTable


def save(path: Path, size: tuple[int, int] = (6, 4), **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    gradient = np.arange(size[0] * size[1] * 3, dtype=np.uint8).reshape(size[1], size[0], 3)
    Image.fromarray(gradient).save(path, **options)
    return path


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("HICO_test2015_00000001.jpg", "images/test2015/HICO_test2015_00000001.jpg"),
        ("HICO_train2015_00000001.jpg", "hico_20160224_det/images/train2015/HICO_train2015_00000001.jpg"),
        ("COCO_train2014_000000000009.jpg", "train2014/COCO_train2014_000000000009.jpg"),
        ("COCO_val2014_000000000042.jpg", "images/val2014/COCO_val2014_000000000042.jpg"),
        ("COCO_val2014_000000000042.jpg", "val2017/000000000042.jpg"),
        ("COCO_val2014_000000000042.jpg", "coco/train2017/000000000042.jpg"),
        ("mine.png", "mine.png"),
        ("sub/mine.png", "sub/mine.png"),
        ("sub/mine.png", "elsewhere/mine.png"),
        ("mine.png", "deep/down/below/mine.png"),
    ],
)
def test_images_are_found_where_they_were_unpacked(tmp_path: Path, name: str, place: str) -> None:
    path = save(tmp_path / place)
    assert ImageFinder(tmp_path).find(name) == path


def test_a_name_that_several_images_have_is_none(tmp_path: Path) -> None:
    first, second = save(tmp_path / "a" / "deep" / "mine.png"), save(tmp_path / "b" / "mine.png")
    finder = ImageFinder(tmp_path)
    assert finder.find("b/mine.png") == finder.find("b\\mine.png") == second
    assert finder.find("a/deep/mine.png") == first
    assert finder.find("mine.png") is None
    assert finder.all_names() == ["mine.png"]


def test_missing_images_are_listed_in_order(tmp_path: Path) -> None:
    save(tmp_path / "b.png")
    assert ImageFinder(tmp_path).missing(["c.png", "b.png", "a.png"]) == ["c.png", "a.png"]


@pytest.fixture
def table() -> InteractionTable:
    vocabulary = Vocabulary.load("hico-det")
    one = Interactions([[0, 0, 2, 2], [1, 1, 4, 3]], [0, 1], [0], [1], [86], vocabulary, file="one.png", scored=False)
    return InteractionTable.from_list([one, replace(one, file="two.png", width=6, height=4)])


def test_a_sample_has_pixels_and_annotations(table: InteractionTable, tmp_path: Path) -> None:
    save(tmp_path / "one.png")
    dataset = InteractionDataset(table, tmp_path)
    sample = dataset[0]
    assert len(dataset) == 2
    assert sample.image.shape == (4, 6, 3)
    assert (sample.interactions.width, sample.interactions.height) == (6, 4)
    assert sample.interactions.triplets()[0].object == "bicycle"
    assert sample.path == tmp_path / "one.png"


def test_a_transform_is_applied(table: InteractionTable, tmp_path: Path) -> None:
    save(tmp_path / "one.png")

    def halve(sample: Sample) -> Sample:
        boxes = sample.interactions.boxes / 2
        return replace(sample, image=sample.image[::2, ::2], interactions=replace(sample.interactions, boxes=boxes))

    sample = InteractionDataset(table, tmp_path, halve)[0]
    assert sample.image.shape == (2, 3, 3)
    assert sample.interactions.boxes[1].tolist() == [0.5, 0.5, 2, 1.5]


def test_torch_loads_batches(table: InteractionTable, tmp_path: Path) -> None:
    from torch.utils.data import DataLoader

    save(tmp_path / "one.png"), save(tmp_path / "two.png")
    batches = list(DataLoader(InteractionDataset(table, tmp_path), batch_size=2, collate_fn=list))  # type: ignore[arg-type]
    assert [[s.interactions.file for s in batch] for batch in batches] == [["one.png", "two.png"]]


def test_a_missing_image_is_named(table: InteractionTable, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"no image 'one\.png'"):
        InteractionDataset(table, tmp_path)[0]
    with pytest.raises(MissingFileError, match="no folder of images"):
        InteractionDataset(table, tmp_path / "absent")


def test_a_resized_copy_is_refused(table: InteractionTable, tmp_path: Path) -> None:
    save(tmp_path / "two.png", (12, 8))
    with pytest.raises(InputError, match="12 x 8 pixels, annotated with 6 x 4"):
        InteractionDataset(table, tmp_path)[1]


def test_an_image_smaller_than_its_boxes_reach_is_refused(tmp_path: Path) -> None:
    """V-COCO's pair form has no sizes; the boxes still tell that the image is a small copy."""
    names = Vocabulary.load("v-coco")
    annotated = Interactions([[0, 0, 30, 20]], [0], [], [], [], names, file="a.png", scored=False)
    save(tmp_path / "a.png", (12, 8))
    with pytest.raises(InputError, match="12 x 8 pixels, boxes reach to 30, 20"):
        InteractionDataset([annotated], tmp_path)[0]


def test_an_image_larger_than_any_of_coco_is_refused(tmp_path: Path) -> None:
    name = "COCO_val2014_000000000042.jpg"
    annotated = Interactions([[0, 0, 3, 2]], [0], [], [], [], Vocabulary.load("v-coco"), file=name, scored=False)
    save(tmp_path / name, (960, 720))
    with pytest.raises(InputError, match="no image of COCO is larger than 640"):
        InteractionDataset([annotated], tmp_path)[0]


def test_annotations_of_the_stored_pixels_win_over_the_cameras_orientation(
    table: InteractionTable, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    save(tmp_path / "two.png", (6, 4), exif=exif)
    assert InteractionDataset(table, tmp_path)[1].image.shape == (4, 6, 3)

"""Finding images of a table."""

from __future__ import annotations

import numpy as np
import pytest

from interplay import Interactions, InteractionTable, Vocabulary
from interplay.errors import InputError

NAMES = Vocabulary.load("hico-det")


def image(file: str, *pairs: tuple[str, str | None]) -> Interactions:
    """An image with a person and one object per pair."""
    labels = [0, *(0 if name is None else NAMES.object_index(name) for _, name in pairs)]
    return Interactions(
        boxes=[[10 * i, 10, 10 * i + 20, 60] for i in range(len(labels))],
        labels=labels,
        human=[0] * len(pairs),
        object=[-1 if name is None else i + 1 for i, (_, name) in enumerate(pairs)],
        verb=[NAMES.verb_index(verb) for verb, _ in pairs],
        vocabulary=NAMES,
        file=file,
    )


@pytest.fixture
def table() -> InteractionTable:
    return InteractionTable.from_list(
        [
            image("train/a.jpg", ("ride", "horse"), ("hold", "cup")),
            image("train/b.jpg", ("ride", "bicycle")),
            image("val/a.jpg", ("wave", None)),
            image("HICO_test2015_00000007.jpg"),
        ]
    )


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("train/a.jpg", "train/a.jpg"),
        ("train\\a.jpg", "train/a.jpg"),
        ("b.jpg", "train/b.jpg"),
        ("7", "HICO_test2015_00000007.jpg"),
    ],
)
def test_an_image_is_found_by_its_name(table: InteractionTable, name: str, file: str) -> None:
    assert table[name].file == file


def test_unknown_and_ambiguous_names_are_errors(table: InteractionTable) -> None:
    with pytest.raises(InputError, match=r"no image 'train/c\.jpg' among the 4.*Did you mean 'train/"):
        table["train/c.jpg"]
    with pytest.raises(InputError, match=r"no image 'a\.jpg'"):
        table["a.jpg"]


@pytest.mark.parametrize(
    ("verbs", "objects", "files"),
    [
        ("ride", "horse", ["train/a.jpg"]),
        ("ride", None, ["train/a.jpg", "train/b.jpg"]),
        (None, ["cup", "bicycle"], ["train/a.jpg", "train/b.jpg"]),
        (["hold", "wave"], None, ["train/a.jpg", "val/a.jpg"]),
        ("hold", "horse", []),
        (None, None, ["train/a.jpg", "train/b.jpg", "val/a.jpg"]),
    ],
)
def test_images_are_found_by_interaction(table: InteractionTable, verbs: object, objects: object, files: list) -> None:
    found = table.with_interactions(verbs, objects)  # type: ignore[arg-type]
    assert found.files == files
    assert all(np.array_equal(image.boxes, table[image.file or ""].boxes) for image in found)


def test_an_unknown_name_is_an_error(table: InteractionTable) -> None:
    with pytest.raises(InputError, match="Did you mean 'horse'"):
        table.with_interactions(objects="hrse")

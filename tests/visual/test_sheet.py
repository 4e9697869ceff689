import numpy as np
import pytest

from interplay import Interactions, Vocabulary
from interplay.errors import InputError
from interplay.visual import contact_sheet, shrink

VCOCO = Vocabulary.load("v-coco")
RIDE = Interactions([[20, 10, 80, 120], [10, 60, 110, 140]], [0, 1], [0], [1], [3], VCOCO, file="a/ride.jpg")


def images(count: int) -> list[np.ndarray]:
    return [np.full((150, 200 + 10 * i, 3), 40 * i, np.uint8) for i in range(count)]


def test_a_page_has_the_width_asked_for_and_a_place_for_every_image() -> None:
    page = contact_sheet(images(5), [RIDE] * 5, width=600, row_height=150)
    assert page.dtype == np.uint8
    assert page.shape[1:] == (600, 3)
    assert page.shape[0] > 2 * 150
    for i in range(5):
        assert (page == 40 * i).all(axis=2).sum() > 3_000


def test_captions_take_room_and_default_to_file_names() -> None:
    named = contact_sheet(images(1), [RIDE], width=300, row_height=150)
    assert np.array_equal(named, contact_sheet(images(1), [RIDE], ["a/ride.jpg"], width=300, row_height=150))
    assert contact_sheet(images(1), [RIDE], [""], width=300, row_height=150).shape[0] < named.shape[0]
    contact_sheet(images(1), [RIDE], ["a very long name " * 20], width=300, row_height=150)


def test_interactions_are_filtered() -> None:
    bare = contact_sheet(images(1), [Interactions.empty(VCOCO)], [""], width=300)
    assert np.array_equal(contact_sheet(images(1), [RIDE], [""], width=300, min_score=2, show="interactions"), bare)
    assert not np.array_equal(contact_sheet(images(1), [RIDE], [""], width=300), bare)


def test_lists_must_fit() -> None:
    with pytest.raises(InputError, match="one Interactions per image"):
        contact_sheet(images(2), [RIDE])
    with pytest.raises(InputError, match="at least one"):
        contact_sheet([], [])
    with pytest.raises(InputError, match="captions"):
        contact_sheet(images(1), [RIDE], ["a", "b"])
    with pytest.raises(InputError, match="width"):
        contact_sheet(images(1), [RIDE], width=5)


def test_shrink_takes_the_boxes_along() -> None:
    image = np.zeros((400, 800, 3), np.uint8)
    small, found = shrink(image, RIDE, 200)
    assert small.shape == (100, 200, 3)
    np.testing.assert_allclose(found.boxes, RIDE.boxes / 4)
    assert (found.width, found.height) == (200, 100)
    same, untouched = shrink(image, RIDE, 800)
    assert same is image
    assert untouched is RIDE

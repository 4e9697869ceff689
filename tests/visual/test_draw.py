from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from interplay import Interactions, Vocabulary, draw_interactions
from interplay.errors import InputError, MissingFileError
from interplay.visual.palette import PEOPLE, load_font, oklab, person_colour

VCOCO = Vocabulary.load("v-coco")
GREY = np.full((240, 320, 3), 128, np.uint8)


def people(count: int, columns: int, side: float) -> Interactions:
    """A crowd: every person holds and looks at the phone in their hand."""
    boxes, labels, human, target, verb = [], [], [], [], []
    for i in range(count):
        x, y = (i % columns) * side, (i // columns) * 2 * side
        boxes += [[x, y, x + 0.8 * side, y + 1.9 * side], [x + 0.3 * side, y + side, x + 0.5 * side, y + 1.2 * side]]
        labels += [0, VCOCO.object_index("cell phone")]
        human += [2 * i, 2 * i]
        target += [2 * i + 1, 2 * i + 1]
        verb += [VCOCO.verb_index("hold"), VCOCO.verb_index("look")]
    return Interactions(boxes, labels, human, target, verb, VCOCO, score=np.linspace(1, 0.5, 2 * count))


def has_colour(picture: np.ndarray, colour: tuple[int, int, int], tolerance: int = 24) -> bool:
    return bool((np.abs(picture.astype(int) - colour).max(axis=2) <= tolerance).any())


def test_the_image_itself_is_left_alone_and_its_shape_kept() -> None:
    image = GREY.copy()
    picture = draw_interactions(image, people(1, 1, 100))
    assert picture.shape == image.shape
    assert picture.dtype == np.uint8
    assert (image == 128).all()
    assert (picture != 128).any()


def test_nothing_to_draw_gives_an_equal_copy() -> None:
    picture = draw_interactions(GREY, Interactions.empty(VCOCO))
    assert np.array_equal(picture, GREY)
    assert not np.shares_memory(picture, GREY)
    assert np.array_equal(draw_interactions(GREY, people(1, 1, 100), min_score=2, show="interactions"), GREY)


def test_what_takes_part_in_nothing_is_drawn_in_grey_if_wanted() -> None:
    """A couple of which the left one acts; the right one, whose phone is a bad guess, does nothing."""
    crowd = people(2, 2, 150)
    scores = np.array([0.9, 0.9, 0.9, 0.05])
    left = replace(crowd[[0, 1]], box_scores=scores)
    alone, both = (draw_interactions(GREY, left, show=show) for show in ("interactions", "all"))  # type: ignore[arg-type]
    changed = (alone != both).any(axis=2)
    assert not changed[:, :140].any()
    assert changed[:, 150:].any()
    assert not changed[145:185, 190:230].any()
    added = both[changed].astype(int)
    assert np.median(added.max(axis=1) - added.min(axis=1)) < 10
    nothing = draw_interactions(GREY, left, min_score=2)
    assert (nothing != GREY).any(axis=2)[:, :140].any()
    with pytest.raises(InputError, match="interactions, all"):
        draw_interactions(GREY, left, show="some")  # type: ignore[arg-type]


def test_near_copies_are_drawn_once() -> None:
    boxes = [[20, 20, 120, 200], [21, 20, 120, 201], [200, 20, 300, 200]]
    found = Interactions(boxes, [0, 0, 0], [0], [-1], [4], VCOCO, box_scores=[0.8, 0.9, 0.9])
    assert np.array_equal(draw_interactions(GREY, found), draw_interactions(GREY, found.select_boxes([0, 2])))


def test_people_have_colours_that_differ() -> None:
    colours = [person_colour(number) for number in range(1, 31)]
    lab = oklab(np.array(colours))
    apart = np.linalg.norm(lab[:, None] - lab, axis=2) + np.eye(30)
    assert apart.min() > 0.09
    assert apart[:15, :15].min() > 0.11


@pytest.mark.parametrize("posed", [False, True])
def test_labels_keep_off_faces_where_there_is_room(posed: bool) -> None:
    """A person who fills most of the picture; without a pose the face is the upper part of the box."""
    image = np.full((400, 400, 3), 128, np.uint8)
    face = (170, 240, 230, 290) if posed else (150, 25, 250, 120)
    keypoints = np.full((2, 17, 3), np.nan, np.float32)
    keypoints[0] = 0
    keypoints[0, :5] = [[200, 270, 1], [190, 255, 1], [210, 255, 1], [175, 265, 1], [225, 265, 1]]
    boxes = [[20, 20, 380, 380], [150, 200, 250, 300] if posed else [150, 40, 250, 120]]
    verbs = [VCOCO.verb_index(name) for name in ("hold", "look", "carry", "sit", "lay", "work on computer")]
    found = Interactions(boxes, [0, 62], [0] * 6, [1] * 6, verbs, VCOCO, keypoints=keypoints if posed else None)
    plate = PEOPLE[0]
    picture = draw_interactions(image, found, text_scale=1.5)
    x1, y1, x2, y2 = face
    near = np.abs(picture[y1:y2, x1:x2].astype(int) - plate).max(axis=2) < 40
    assert near.mean() < 0.35  # lines and joints, no plate


def test_one_label_for_what_is_done_alike() -> None:
    """Two chairs under one person have one label: with the text of two there is more of the label's colour."""
    boxes = [[100, 20, 200, 220], [90, 120, 140, 230], [150, 120, 210, 230]]
    chair, sit = VCOCO.object_index("chair"), VCOCO.verb_index("sit")
    alike = Interactions(boxes, [0, chair, chair], [0, 0], [1, 2], [sit, sit], VCOCO, score=[0.9, 0.8])
    other = replace(alike, labels=np.array([0, chair, VCOCO.object_index("couch")]))
    plates = [
        (np.abs(draw_interactions(GREY, found).astype(int) - PEOPLE[0]).max(axis=2) < 30).sum()
        for found in (alike, other)
    ]
    assert plates[0] < 0.8 * plates[1]


def test_people_have_different_colours() -> None:
    picture = draw_interactions(GREY, people(3, 3, 100))
    assert [has_colour(picture, colour) for colour in PEOPLE[:4]] == [True, True, True, False]


def test_filters_decide_what_is_drawn() -> None:
    crowd = people(3, 3, 100)
    best = draw_interactions(GREY, crowd, top_k=2)
    assert has_colour(best, PEOPLE[0])
    assert not has_colour(best, PEOPLE[1])
    assert np.array_equal(best, draw_interactions(GREY, crowd, min_score=float(crowd.score[1])))


def test_options_change_the_picture() -> None:
    plain = draw_interactions(GREY, people(1, 1, 100))
    assert not np.array_equal(plain, draw_interactions(GREY, people(1, 1, 100), show_scores=True))
    assert not np.array_equal(plain, draw_interactions(GREY, people(1, 1, 100), text_scale=1.6))


def test_everything_grows_with_the_image() -> None:
    small = draw_interactions(np.full((600, 600, 3), 128, np.uint8), people(1, 1, 300))
    large = draw_interactions(np.full((1800, 1800, 3), 128, np.uint8), people(1, 1, 900))
    share = [float((p != 128).any(axis=2).mean()) for p in (small, large)]
    assert share[1] == pytest.approx(share[0], rel=0.15)


@pytest.mark.parametrize("count", [15, 60])
def test_a_crowd_is_drawn_in_all_colours(count: int) -> None:
    image = np.full((480, 640, 3), 128, np.uint8)
    picture = draw_interactions(image, people(count, 15, 42))
    assert all(has_colour(picture, colour) for colour in PEOPLE)


@pytest.mark.parametrize("shape", [(1, 1, 3), (8, 300, 3), (300, 8, 3), (32, 32, 3)])
def test_tiny_images_and_boxes_outside_the_image_do_no_harm(shape: tuple[int, int, int]) -> None:
    odd = Interactions([[-50, -50, 500, 500], [1000, 1000, 1010, 1010]], [0, 1], [0, 0], [1, -1], [3, 4], VCOCO)
    assert draw_interactions(np.zeros(shape, np.uint8), odd).shape == shape


def test_a_picture_is_given_as_predict_takes_it(tmp_path: Path) -> None:
    """A Pillow image, a file and an array are the same."""
    pixels = np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    picture.save(tmp_path / "a.png")
    drawn = draw_interactions(pixels, people(1, 1, 100))
    for image in (picture, tmp_path / "a.png", str(tmp_path / "a.png")):
        np.testing.assert_array_equal(draw_interactions(image, people(1, 1, 100)), drawn)


def test_a_wrong_image_is_refused() -> None:
    for wrong, message in ((GREY[0, 0], r"\(H, W, 3\)"), (GREY / 128.0 - 2, "normalisation"), ("gone.jpg", "no image")):
        with pytest.raises((InputError, MissingFileError), match=message):
            draw_interactions(wrong, people(1, 1, 100))
    with pytest.raises(InputError, match="text_scale"):
        draw_interactions(GREY, people(1, 1, 100), text_scale=0)


def test_another_font(tmp_path: Path) -> None:
    bundled = load_font(12).path
    assert np.array_equal(
        draw_interactions(GREY, people(1, 1, 100), font=str(bundled)), draw_interactions(GREY, people(1, 1, 100))
    )
    (tmp_path / "font.ttf").write_text("not a font")
    with pytest.raises(InputError, match="not a TrueType"):
        draw_interactions(GREY, people(1, 1, 100), font=tmp_path / "font.ttf")


def test_skeletons_as_far_as_they_were_seen() -> None:
    """A thigh from hip to knee that leaves the box; a shin whose end was not seen; a second person without pose."""
    crowd = people(2, 2, 60)
    pose = np.zeros((17, 3), np.float32)
    pose[[11, 13, 15]] = [[200, 60, 0.9], [200, 180, 0.9], [300, 220, 0.1]]
    keypoints = np.full((4, 17, 3), np.nan, np.float32)
    keypoints[0] = pose
    plain, posed = (draw_interactions(GREY, replace(crowd, keypoints=k)) for k in (None, keypoints))
    changed = (plain != posed).any(2)
    assert changed[70:170, 198:203].mean() > 0.5
    assert not changed[190:].any()
    assert not changed[:, :150].any()


def test_links_end_on_their_object_and_not_on_what_lies_before_it() -> None:
    """A book lies on the bed where the link would end; without the book it ends there."""
    bed, book = VCOCO.object_index("bed"), VCOCO.object_index("book")
    boxes = [[10, 60, 70, 200], [60, 20, 310, 230], [70, 90, 160, 170]]
    lie = Interactions(boxes, [0, bed, book], [0], [1], [VCOCO.verb_index("lay")], VCOCO)
    alone = draw_interactions(GREY, lie.select_boxes([0, 1]), show="interactions")
    before = draw_interactions(GREY, lie, show="interactions")
    beyond = (slice(95, 165), slice(158, 200))
    assert not has_colour(alone[beyond], PEOPLE[0])
    assert has_colour(before[beyond], PEOPLE[0])


def test_ends_of_links_are_not_under_labels() -> None:
    """Everyone holds a phone: at the end of each link is a dot with its dark rim, and no plate."""
    image = np.full((480, 640, 3), 128, np.uint8)
    found = Interactions([[100, 60, 300, 460], [400, 200, 420, 220]], [0, 67], [0], [1], [0], VCOCO)
    picture = draw_interactions(image, found, text_scale=2).astype(int)
    plain = (np.abs(picture - 128).max(axis=2) < 5) | (np.abs(picture - PEOPLE[0]).max(axis=2) > 60)
    assert plain[195:225, 395:425].mean() > 0.3


def test_box_link_and_bone_differ_in_thickness_and_joints_are_marked() -> None:
    """A person at the left with one upright bone, who holds something at the right."""
    image = np.full((600, 900, 3), 128, np.uint8)
    keypoints = np.full((2, 17, 3), np.nan, np.float32)
    keypoints[0] = 0
    keypoints[0, [13, 15]] = [[150, 400, 1], [150, 540, 1]]
    boxes = [[50, 20, 350, 580], [700, 200, 880, 400]]
    found = Interactions(boxes, [0, 1], [0], [1], [0], VCOCO, keypoints=keypoints)
    own = np.abs(draw_interactions(image, found, show="interactions").astype(int) - PEOPLE[0]).max(axis=2) < 60
    bone, joint, box = own[470, 120:180].sum(), own[540, 120:180].sum(), own[500, 40:70].sum()
    link = int(np.median(own[200:400, 620:640].sum(axis=0)))
    assert 0 < bone < box < link
    assert joint > bone

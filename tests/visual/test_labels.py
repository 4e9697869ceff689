import numpy as np

from interplay.visual.labels import Label, LabelLayout

FRAME = (320, 240)


def labels(count: int, text: str = "holding a cell phone", needed: bool = False) -> list[Label]:
    spots = np.random.default_rng(0).uniform(0, FRAME, (count, 2))
    return [Label(f"{i} {text}", spot, (255, 255, 255), needed) for i, spot in enumerate(spots)]


def test_with_room_every_label_is_shown_in_large_text() -> None:
    layout = LabelLayout(labels(2), FRAME, [])
    assert [label.text for label in layout.labels] == ["0 holding a cell phone", "1 holding a cell phone"]
    assert layout.plates.shape == (2, 4)
    assert LabelLayout(labels(12), FRAME, []).size <= layout.size


def test_text_shrinks_before_labels_are_left_out() -> None:
    frame = (1200, 900)
    few, many = LabelLayout(labels(4), frame, []), LabelLayout(labels(26), frame, [])
    assert len(many.labels) == 26
    assert many.size < few.size


def test_where_it_is_too_full_the_last_labels_go_but_not_the_needed_ones() -> None:
    layout = LabelLayout([*labels(40), *labels(6, "", needed=True)], FRAME, [])
    texts = [label.text for label in layout.labels]
    ordinary = [text for text in texts if "phone" in text]
    assert texts[-6:] == [f"{i} " for i in range(6)]
    assert 3 < len(ordinary) < 40
    assert ordinary == [f"{i} holding a cell phone" for i in range(len(ordinary))]
    sides = layout.plates[:, 2:] - layout.plates[:, :2]
    assert sides.prod(axis=1).sum() < 0.3 * FRAME[0] * FRAME[1]


def test_long_texts_are_wrapped_in_even_lines() -> None:
    (lines,) = LabelLayout(
        labels(1, "looking at, jumping with and skateboarding on a skateboard"), (300, 900), []
    ).lines
    assert len(lines) > 1
    assert " ".join(lines) == "0 looking at, jumping with and skateboarding on a skateboard"
    assert max(map(len, lines)) < 2 * min(map(len, lines))


def test_a_word_wider_than_the_picture_has_no_place() -> None:
    assert LabelLayout(labels(1, "w" * 200), FRAME, []).labels == []


def test_text_scale() -> None:
    assert LabelLayout(labels(1), FRAME, [], text_scale=3).size > 2 * LabelLayout(labels(1), FRAME, []).size

"""Tracks: who stays who."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interplay.errors import InputError
from interplay.video import Tracker, TrackerOptions

PERSON, BALL = 0, 32


def box(x: float, y: float = 100.0, width: float = 40.0, height: float = 100.0) -> list[float]:
    return [x, y, x + width, y + height]


def follow(frames: list[list[tuple[list[float], int, float]]], rate: float = 10.0, **options: float) -> list[list[int]]:
    tracker = Tracker(TrackerOptions(**options))
    found = []
    for number, frame in enumerate(frames):
        boxes, labels, scores = (list(column) for column in zip(*frame, strict=True)) if frame else ([], [], [])
        numbers = tracker.follow(
            np.array(boxes, float).reshape(-1, 4), np.array(labels, int), np.array(scores, float), number / rate
        )
        found.append(numbers.tolist())
    return found


def test_two_people_who_pass_each_other_keep_their_numbers() -> None:
    frames = [[(box(10 + 8 * t), PERSON, 0.9), (box(250 - 8 * t, 130), PERSON, 0.9)] for t in range(31)]
    numbers = follow(frames)
    assert numbers[0] == [0, 1]
    assert all(frame == [0, 1] for frame in numbers)


def test_a_doubtful_box_continues_a_track_but_begins_none() -> None:
    frames = [
        [(box(10), PERSON, 0.9)],
        [(box(12), PERSON, 0.2), (box(300), PERSON, 0.2)],
        [(box(14), PERSON, 0.9), (box(300), PERSON, 0.9)],
    ]
    assert follow(frames) == [[0], [0, -1], [0, 1]]


def test_somebody_who_is_hidden_for_a_while_is_the_same() -> None:
    hidden = [[] if 5 <= t < 12 else [(box(10 + 5 * t), PERSON, 0.9)] for t in range(20)]
    assert {n for frame in follow(hidden) for n in frame} == {0}
    assert {n for frame in follow(hidden, patience=0.3) for n in frame} == {0, 1}


def test_different_objects_are_never_the_same() -> None:
    assert follow([[(box(10), PERSON, 0.9)], [(box(10), BALL, 0.9)]]) == [[0], [1]]


@given(st.integers(0, 2**31), st.integers(1, 9))
def test_going_on_gives_the_same_numbers(seed: int, stop: int) -> None:
    rng = np.random.default_rng(seed)
    start = rng.uniform(0, 400, (4, 2))
    speed = rng.uniform(-10, 10, (4, 2))
    frames = []
    for t in range(10):
        seen = np.flatnonzero(rng.random(4) < 0.8)
        corner = (start + t * speed)[seen]
        boxes = np.concatenate([corner, corner + np.array([40, 90])], axis=1)
        frames.append((boxes, np.zeros(len(seen), int), rng.uniform(0.2, 1, len(seen)), t / 5))
    whole = Tracker()
    numbers = [whole.follow(*frame) for frame in frames]
    again = Tracker()
    for frame, given_numbers in zip(frames[:stop], numbers, strict=False):
        again.follow(*frame, given=given_numbers)
    for frame, expected in zip(frames[stop:], numbers[stop:], strict=True):
        np.testing.assert_array_equal(again.follow(*frame), expected)


def test_frames_must_be_in_order() -> None:
    tracker = Tracker()
    one = np.array([box(0)]), np.zeros(1, int), np.ones(1)
    tracker.follow(*one, 1.0)
    with pytest.raises(InputError, match="in order"):
        tracker.follow(*one, 1.0)
    with pytest.raises(InputError, match=r"within 0\.\.1"):
        TrackerOptions(overlap=2)

"""Tracks: who stays who."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from interplay import Interactions, Vocabulary
from interplay.detectors.tracking import Tracker, TrackerOptions
from interplay.errors import InputError

PERSON, BALL = 0, 32


def box(x: float, y: float = 100.0, width: float = 40.0, height: float = 100.0) -> list[float]:
    return [x, y, x + width, y + height]


def follow(frames: list[list[tuple[list[float], int, float]]], rate: float = 10.0, **options: float) -> list[list[int]]:
    """The numbers of each frame as they are when the next one is known."""
    tracker = Tracker(TrackerOptions(**options))
    found, now = [], np.zeros(0, int)
    for number, frame in enumerate(frames):
        boxes, labels, scores = (list(column) for column in zip(*frame, strict=True)) if frame else ([], [], [])
        now = tracker.follow(
            np.array(boxes, float).reshape(-1, 4), np.array(labels, int), np.array(scores, float), number / rate
        )
        found.append(tracker.before.tolist())
    return [*found[1:], now.tolist()]


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
        [(box(16), PERSON, 0.9), (box(300), PERSON, 0.3)],
    ]
    assert follow(frames) == [[0], [0, -1], [0, 1], [0, 1]]


def test_a_track_counts_once_the_next_frame_has_it() -> None:
    tracker = Tracker()
    here, there = box(10), box(300)
    seen = [[here], [here, there], [here, box(150)], [here, there], [here, there]]
    online = [
        tracker.follow(np.array(boxes), np.zeros(len(boxes), int), np.ones(len(boxes)), t / 10).tolist()
        for t, boxes in enumerate(seen)
    ]
    assert online == [[0], [0, -1], [0, -1], [0, -1], [0, 1]]
    late = follow([[(place, PERSON, 1.0) for place in boxes] for boxes in seen])
    assert late == [[0], [0, -1], [0, -1], [0, 1], [0, 1]]


def test_a_small_fast_thing_keeps_its_number() -> None:
    frames = [[([20.0 + 12 * t, 40, 30 + 12 * t, 50], BALL, 0.9)] for t in range(6)]
    assert follow(frames) == [[0]] * 6
    assert follow(frames, grown=0.0)[:2] == [[0], [-1]]


def test_images_come_back_one_later() -> None:
    tracker = Tracker()
    vocabulary = Vocabulary.load("v-coco")

    def image(*boxes: list[float]) -> Interactions:
        return Interactions(boxes, [0] * len(boxes), human=[], object=[], verb=[], score=[], vocabulary=vocabulary)

    assert tracker.last() is None
    assert tracker.track(image(box(10)), 0.0) is None
    for time, new, expected in ((0.1, (box(12), box(300)), [0]), (0.2, (box(14), box(300)), [0, 1])):
        before = tracker.track(image(*new), time)
        assert before is not None
        assert before.track is not None
        assert before.track.tolist() == expected
    last = tracker.last()
    assert last is not None
    assert last.track is not None
    assert last.track.tolist() == [0, 1]
    assert tracker.last() is None


def test_somebody_who_is_hidden_for_a_while_is_the_same() -> None:
    hidden = [[] if 5 <= t < 12 else [(box(10 + 5 * t), PERSON, 0.9)] for t in range(20)]
    assert {n for frame in follow(hidden) for n in frame} == {0}
    assert {n for frame in follow(hidden, patience=0.3) for n in frame} == {0, 1}
    assert follow(hidden)[12] == [0]


def test_different_objects_are_never_the_same() -> None:
    person, ball = (box(10), PERSON, 0.9), (box(10), BALL, 0.9)
    assert follow([[person], [ball], [ball]]) == [[0], [1], [1]]


def follow_all(frames: list[tuple], tracker: Tracker | None = None) -> list[NDArray[np.int64]]:
    tracker = tracker or Tracker()
    found = []
    for frame in frames:
        now = tracker.follow(*frame)
        found.append(tracker.before)
    return [*found[1:], now]


@settings(deadline=None)
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
    numbers = follow_all(frames)
    again = Tracker()
    for frame, given_numbers in zip(frames[:stop], numbers, strict=False):
        again.follow(*frame, given=given_numbers)
    for frame, expected in zip(follow_all(frames[stop:], again), numbers[stop:], strict=True):
        np.testing.assert_array_equal(frame, expected)


def test_frames_must_be_in_order() -> None:
    tracker = Tracker()
    one = np.array([box(0)]), np.zeros(1, int), np.ones(1)
    tracker.follow(*one, 1.0)
    with pytest.raises(InputError, match="in order"):
        tracker.follow(*one, 1.0)
    with pytest.raises(InputError, match=r"within 0\.\.1"):
        TrackerOptions(overlap=2)
    with pytest.raises(InputError, match="grown must be 0 or more"):
        TrackerOptions(grown=-1)

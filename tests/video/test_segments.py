"""Segments: from scores over time to who does what from when to when."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from interplay import Interactions, InteractionTable, Vocabulary
from interplay.datasets.exchange import export
from interplay.errors import InputError
from interplay.video import SegmentOptions, find_segments, read_segments, write_segments
from interplay.video.relations import read_clip_results, relations_of_segments
from interplay.video.segments import smoothed

RATE = 5.0
VCOCO = Vocabulary.load("v-coco")


def clip(scores: Sequence[float | None], seen: Sequence[bool] | None = None) -> InteractionTable:
    """A person with a ball in each frame, kicking it with these scores; without `seen` the ball is always there."""
    images = []
    kick = VCOCO.verb_index("kick")
    for number, score in enumerate(scores):
        there = seen is None or seen[number]
        boxes = [[10, 10, 50, 90], [60, 70, 80, 90]][: 2 if there else 1]
        does = score is not None and there
        images.append(
            Interactions(
                boxes=boxes,
                labels=[0, VCOCO.find_object("sports ball")][: len(boxes)],
                human=[0] * does,
                object=[1] * does,
                verb=[kick] * does,
                score=[score] * does,
                vocabulary=VCOCO,
                file=f"a.mp4#t={number / RATE:.3f}",
                track=[3, 7][: len(boxes)],
                time=number / RATE,
            )
        )
    return InteractionTable.from_list(images)


def times(table: InteractionTable, **options: float) -> list[tuple[float, float]]:
    return [(s.start, s.end) for s in find_segments(table, SegmentOptions(**options))]


def test_what_lasts_is_one_segment() -> None:
    table = clip([None] * 5 + [0.9] * 10 + [None] * 5)
    (segment,) = find_segments(table, SegmentOptions(smoothing=0))
    assert (segment.verb, segment.person, segment.object, segment.object_track) == ("kick", 3, "sports ball", 7)
    assert (segment.start, segment.end) == (pytest.approx(1.0), pytest.approx(2.8))
    assert segment.score == pytest.approx(0.9)


def test_a_flicker_neither_breaks_nor_makes_a_segment() -> None:
    broken = [0.8] * 6 + [None] + [0.8] * 6
    assert len(times(clip(broken))) == 1
    assert len(times(clip(broken), smoothing=0)) == 2
    flash = [None] * 8 + [0.3] + [None] * 8
    assert times(clip(flash)) == []


def test_a_weaker_score_keeps_a_segment_but_does_not_begin_one() -> None:
    weak = [0.3] * 6
    options = {"begin": 0.4, "keep": 0.5, "smoothing": 0.0}
    assert times(clip(weak), **options) == []
    (one,) = times(clip([0.8] * 6 + weak), **options)
    assert one == (0.0, pytest.approx(2.2))


def test_out_of_sight_for_long_is_another_segment() -> None:
    scores = [0.9] * 20
    assert len(times(clip(scores, [i not in range(8, 10) for i in range(20)]))) == 1
    assert len(times(clip(scores, [i not in range(6, 14) for i in range(20)]))) == 2


def test_frames_show_the_segments_only() -> None:
    table = clip([None] * 8 + [0.3] + [None] * 8 + [0.9] * 6)
    shown = smoothed(table)
    assert shown.image_index.min() >= 14  # smoothing reaches a little beyond
    assert len(shown) == len(table)
    assert (shown.score > 0.1).all()


def test_segments_are_read_again(tmp_path: Path) -> None:
    found = find_segments(clip([0.9] * 10))
    write_segments(found, tmp_path / "a.json", "a.mp4")
    assert read_segments(tmp_path / "a.json") == found
    write_segments(found, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()[0].startswith("verb,person,object")
    (tmp_path / "bad.json").write_text('{"segments": [{"verb": 3}]}')
    with pytest.raises(InputError, match=r"bad\.json"):
        read_segments(tmp_path / "bad.json")


def test_images_without_tracks_are_no_clip() -> None:
    table = clip([0.9] * 3)
    table.columns.pop("track")
    with pytest.raises(InputError, match="'time' and 'track'"):
        find_segments(table)
    shuffled = clip([0.9] * 3).select(np.array([2, 0, 1]))
    with pytest.raises(InputError, match="in order"):
        find_segments(shuffled)


def test_segments_become_relations_with_boxes_in_every_frame(tmp_path: Path) -> None:
    table = clip([0.9] * 10)
    moved = table.boxes.copy()
    image = np.repeat(np.arange(10), 2)
    moved[:, [0, 2]] += 10 * image[:, None]
    table.boxes = moved
    (found,) = relations_of_segments(table, find_segments(table), rate=25)
    assert (found.begin, found.end) == (0, 46)
    assert found.triplet == ("person", "kick", "sports ball")
    np.testing.assert_allclose(found.subject[:, 0], 10 + np.arange(46) * 2)
    export(table, tmp_path / "a.json", "vidvrd")
    assert read_clip_results(tmp_path / "a.json")["a"][0].score == pytest.approx(0.9)


@pytest.mark.parametrize("every", [1, 2])
def test_durations_in_a_folder_of_frames_count_its_frames(tmp_path: Path, every: int) -> None:
    table = clip([0.9] * 10)
    folder = tmp_path / "wave"
    folder.mkdir()
    for number in range(10 * every):
        (folder / f"{number:02d}.png").touch()
    table.files = [f"{folder.as_posix()}#t={time:.3f}" for time in table.time]
    export(table, tmp_path / "a.json", "vidvrd")
    (found,) = read_clip_results(tmp_path / "a.json")["wave"]
    assert (found.begin, found.end) == (0, 9 * every + 1)

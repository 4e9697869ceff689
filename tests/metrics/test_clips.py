"""VidVRD's protocol on cases whose answer is known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interplay.cli import main
from interplay.errors import InputError
from interplay.metrics.clips import evaluate_clips, volume_iou
from interplay.video.relations import ClipRelation, read_clip_annotations, read_clip_results, write_clip_results


def relation(begin: int = 0, end: int = 10, verb: str = "ride", x: float = 0.0, score: float = 1.0) -> ClipRelation:
    """A person who moves to the right, on a bicycle below."""
    steps = np.arange(begin, end)[:, None] * [1.0, 0, 1, 0] + [x, 0, x, 0]
    subject, other = steps + np.array([0, 0, 19, 39]), steps + np.array([0, 30, 29, 49])
    return ClipRelation(("person", verb, "bicycle"), begin, end, subject, other, score)


def test_the_same_relation_is_right_and_another_is_not() -> None:
    truth = {"a": [relation(), relation(20, 40)], "b": [relation(verb="push")]}
    scores = evaluate_clips({"a": truth["a"], "b": [relation(verb="pull")]}, truth)
    assert scores.ap == {"a": 1.0, "b": 0.0}
    assert scores.recall == {50: pytest.approx(2 / 3), 100: pytest.approx(2 / 3)}
    assert scores.tagging == {1: 0.5, 5: pytest.approx(0.1), 10: pytest.approx(0.05)}
    assert scores.means["map"] == 0.5


def test_each_annotation_is_taken_once_by_the_surest() -> None:
    truth = {"a": [relation()]}
    twice = [relation(score=0.5), relation(x=1, score=0.9)]
    assert evaluate_clips({"a": twice}, truth).ap["a"] == 1.0
    wrong_first = [relation(x=300, score=0.9), relation(score=0.5)]
    assert evaluate_clips({"a": wrong_first}, truth).ap["a"] == 0.5


@pytest.mark.parametrize(("begin", "end", "right"), [(0, 20, True), (0, 21, False), (5, 10, True), (6, 10, False)])
def test_a_prediction_must_last_about_as_long(begin: int, end: int, right: bool) -> None:
    assert evaluate_clips({"a": [relation(begin, end)]}, {"a": [relation()]}).ap["a"] == float(right)


@given(st.integers(0, 8), st.integers(1, 8), st.integers(0, 8), st.integers(1, 8), st.integers(0, 2**31))
def test_volumes_are_counted_pixel_by_pixel(b1: int, n1: int, b2: int, n2: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    tracks = []
    for begin, count in ((b1, n1), (b2, n2)):
        corner = rng.integers(0, 8, (count, 2))
        boxes = np.concatenate([corner, corner + rng.integers(0, 8, (count, 2))], axis=1)
        grid = np.zeros((20, 20, 20), bool)
        for frame, (x1, y1, x2, y2) in enumerate(boxes, start=begin):
            grid[frame, y1 : y2 + 1, x1 : x2 + 1] = True
        tracks.append((boxes.astype(float), begin, grid))
    (first, fb, fg), (second, sb, sg) = tracks
    assert volume_iou(first, fb, second, sb) == pytest.approx((fg & sg).sum() / (fg | sg).sum())


def annotate(path: Path, relations: list[ClipRelation], name: str = "clip") -> None:
    frames: list[list[dict]] = [[] for _ in range(max(one.end for one in relations))]
    for number, one in enumerate(relations):
        for frame in range(one.begin, one.end):
            for tid, boxes in ((2 * number, one.subject), (2 * number + 1, one.object)):
                sides = dict(zip(("xmin", "ymin", "xmax", "ymax"), boxes[frame - one.begin].tolist(), strict=True))
                frames[frame].append({"tid": tid, "bbox": sides})
    content = {
        "video_id": name,
        "subject/objects": [
            {"tid": 2 * i + j, "category": one.triplet[2 * j]} for i, one in enumerate(relations) for j in (0, 1)
        ],
        "trajectories": frames,
        "relation_instances": [
            {
                "subject_tid": 2 * i,
                "predicate": one.triplet[1],
                "object_tid": 2 * i + 1,
                "begin_fid": one.begin,
                "end_fid": one.end,
            }
            for i, one in enumerate(relations)
        ],
    }
    path.write_text(json.dumps(content), encoding="utf-8")


def test_files_there_and_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = [relation(), relation(12, 30, "push", 50)]
    (tmp_path / "truth").mkdir()
    annotate(tmp_path / "truth" / "clip.json", truth)
    read = read_clip_annotations(tmp_path / "truth")
    assert [one.triplet for one in read["clip"]] == [one.triplet for one in truth]
    np.testing.assert_array_equal(read["clip"][1].object, truth[1].object)
    write_clip_results({"clip": [replace(one, score=0.5) for one in truth]}, tmp_path / "found.json")
    assert read_clip_results(tmp_path / "found.json")["clip"][0].score == 0.5
    given = ["--predictions", str(tmp_path / "found.json"), "--annotations", str(tmp_path / "truth")]
    assert main(["evaluate", "clips", *given, "--json", str(tmp_path / "s.json")]) == 0
    assert json.loads((tmp_path / "s.json").read_text())["means"]["map"] == 1.0
    assert "100.00" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"duration": [0, 10]', '"duration": [0, 12]', "'sub_traj' must be 12 boxes"),
        ('"duration": [0, 10]', '"duration": [10, 0]', "'duration' holds"),
        ('"score": 1.0', '"score": null', "found.json"),
        ('"score": 1.0, ', "", "'score' is missing"),
    ],
)
def test_bad_results_are_named(tmp_path: Path, old: str, new: str, problem: str) -> None:
    path = tmp_path / "found.json"
    write_clip_results({"clip": [relation()]}, path)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=problem.replace("(", r"\(")):
        read_clip_results(path)


def test_clips_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="none of the 1 predicted clips is annotated"):
        evaluate_clips({"x": [relation()]}, {"a": [relation()]})
    with pytest.raises(InputError, match="no relation is annotated"):
        evaluate_clips({}, {"a": []})

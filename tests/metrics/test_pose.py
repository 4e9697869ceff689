"""Pose AP: the numbers of COCO's own code, what the similarity must obey, and what is refused."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from interplay import Interactions, InteractionTable, Vocabulary
from interplay.errors import InputError
from interplay.metrics import PoseAveragePrecision, evaluate_poses, object_keypoint_similarity
from interplay.metrics.keypoint_similarity import SIGMAS
from interplay.metrics.pose import AREAS

NAMES = Vocabulary.load("v-coco")
COCO_ORDER = ("ap", "ap50", "ap75", "ap_medium", "ap_large", "ar", "ar50", "ar75", "ar_medium", "ar_large")


def scene(boxes: Any, keypoints: Any, scores: Any = None, file: str = "1.jpg", **columns: Any) -> Interactions:
    """People; annotated ones without `scores`."""
    found = {"scored": False} if scores is None else {"box_scores": scores}
    return Interactions(
        boxes=np.asarray(boxes, np.float32).reshape(-1, 4), labels=[0] * len(boxes), human=[], object=[], verb=[],
        vocabulary=NAMES, file=file, keypoints=np.asarray(keypoints, np.float32).reshape(-1, 17, 3), **found, **columns,
    )  # fmt: skip


def random_images(seed: int, count: int = 30) -> list[tuple[Interactions, Interactions]]:
    """Predicted and annotated people of every kind: crowds, unlabelled people, small ones, near misses, false ones."""
    random = np.random.default_rng(seed)
    images = []
    for number in range(1, count + 1):
        people = int(random.integers(0, 5))
        side = random.choice([20, 50, 90, 200, 400], people)
        corner = random.uniform(0, 400, (people, 2))
        boxes = np.concatenate([corner, corner + side[:, None] * random.uniform(0.5, 1, (people, 2))], 1)
        boxes = np.round(boxes, 1).astype(np.float32)
        places = boxes[:, None, :2] + random.random((people, 17, 2)) * (boxes[:, None, 2:] - boxes[:, None, :2])
        seen = random.choice([0, 1, 2], (people, 17), p=[0.2, 0.2, 0.6]) * (random.random((people, 1)) > 0.2)
        truth = np.where(seen[..., None] > 0, np.dstack([np.round(places), seen]), 0)
        areas = (boxes[:, 2:] - boxes[:, :2]).prod(1).astype(np.float64) * random.uniform(0.3, 0.9, people)
        crowd = random.random(people) < 0.1
        found = []
        for place, size in zip(places, side, strict=True):
            for _ in range(int(random.integers(0, 3))):
                error = random.choice([0, 0.02, 0.05, 0.1]) * size
                found.append(place + random.normal(0, 1, (17, 2)) * error)
        found += [random.uniform(0, 500, (17, 2)) for _ in range(int(random.choice([0, 1, 25], p=[0.5, 0.4, 0.1])))]
        poses = np.array([np.column_stack([pose, random.random(17)]) for pose in found]).reshape(-1, 17, 3)
        around = np.concatenate([poses[..., :2].min(1), poses[..., :2].max(1)], 1)
        file = f"{number:012d}.jpg"
        predicted = scene(around, poses, random.random(len(poses)), file)
        images.append((predicted, scene(boxes, truth, None, file, area=areas, crowd=crowd)))
    return images


def coco_scores(images: list[tuple[Interactions, Interactions]], folder: Path) -> dict[str, float]:
    """What pycocotools says of the same people, which it reads from files."""
    pytest.importorskip("pycocotools")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    results, annotations = [], []
    for number, (found, truth) in enumerate(images, 1):
        for pose, score in zip(found.keypoints, found.box_scores, strict=True):
            fields = {"image_id": number, "category_id": 1, "keypoints": pose.reshape(-1).astype(float).tolist()}
            results.append({**fields, "score": float(score)})
        for row, box in enumerate(truth.boxes.astype(float)):
            person = truth.keypoints[row]
            annotations.append(
                {
                    "id": len(annotations) + 1, "image_id": number, "category_id": 1, "iscrowd": int(truth.crowd[row]),
                    "keypoints": person.reshape(-1).astype(float).tolist(), "area": float(truth.area[row]),
                    "num_keypoints": int((person[:, 2] > 0).sum()),
                    "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]],
                }
            )  # fmt: skip
    content = {"images": [{"id": i} for i in range(1, len(images) + 1)], "annotations": annotations}
    (folder / "truth.json").write_text(json.dumps({**content, "categories": [{"id": 1, "name": "person"}]}))
    (folder / "found.json").write_text(json.dumps(results))
    with contextlib.redirect_stdout(io.StringIO()):
        truth_api = COCO(str(folder / "truth.json"))
        evaluation = COCOeval(truth_api, truth_api.loadRes(str(folder / "found.json")), "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return dict(zip(COCO_ORDER, evaluation.stats.tolist(), strict=True))


def tables(images: list[tuple[Interactions, Interactions]]) -> tuple[InteractionTable, InteractionTable]:
    return InteractionTable.from_list([a for a, _ in images]), InteractionTable.from_list([b for _, b in images])


@pytest.mark.parametrize("seed", range(4))
def test_the_numbers_are_those_of_pycocotools(seed: int, tmp_path: Path) -> None:
    images = random_images(seed)
    scores = evaluate_poses(*tables(images))
    expected = coco_scores(images, tmp_path)
    assert 0.1 < expected["ap"] < 0.9  # neither everything nor nothing is right
    assert scores.means == pytest.approx(expected, abs=1e-6)


def test_the_metric_for_training_loops_gives_the_same() -> None:
    images = random_images(7)
    metric = PoseAveragePrecision()
    for start in range(0, len(images), 4):
        part = images[start : start + 4]
        metric.update([a for a, _ in part], [b for _, b in part])
    found = {name: float(value) for name, value in metric.compute().items()}
    assert found == pytest.approx(evaluate_poses(*tables(images)).means, abs=1e-12)


def test_images_are_matched_by_name_and_may_be_in_any_order() -> None:
    images = random_images(5)
    found, truth = tables(images)
    backwards = found.select(np.arange(len(found))[::-1])
    assert evaluate_poses(backwards, truth).means == pytest.approx(evaluate_poses(found, truth).means)


def test_what_is_no_person_has_no_pose() -> None:
    images = random_images(3)
    found, truth = tables(images)
    dog = NAMES.objects.index("dog")
    with pytest.raises(InputError, match="the predictions hold no poses: expected people with keypoints"):
        evaluate_poses(_relabelled(found, dog), truth)
    mixed = _relabelled(found, dog)
    mixed.labels[:3] = 0
    assert evaluate_poses(mixed, truth).poses == 3


def _relabelled(table: InteractionTable, label: int) -> InteractionTable:
    changed = table.select(np.arange(len(table)))
    changed.labels = np.full_like(table.labels, label)
    return changed


def test_a_person_without_segment_has_53_percent_of_the_box() -> None:
    grid = np.dstack([np.arange(17) * 10.0, np.arange(17) * 10.0, np.full(17, 2)])
    moved = grid + np.array([4.0, 0, 0])
    found = scene([[0, 0, 160, 160]], moved, [0.9])
    box, segment = scene([[0, 0, 160, 160]], grid), scene([[0, 0, 160, 160]], grid, area=[0.53 * 160 * 160])
    by_box = evaluate_poses(*tables([(found, box)]))
    assert by_box.to_dict()["means"] == evaluate_poses(*tables([(found, segment)])).to_dict()["means"]
    assert "0.53" in by_box.notes[0]
    assert not np.isnan(by_box.means["ap_large"])


def test_boxes_without_scores_are_ranked_by_the_keypoints() -> None:
    grid = np.dstack([np.arange(17) * 10.0, np.arange(17) * 10.0, np.full(17, 2)])
    wrong, right = np.copy(grid), np.copy(grid)
    wrong[..., :2] += 500
    wrong[..., 2], right[..., 2] = 0.3, 0.9
    found = scene([[0, 0, 160, 160]] * 2, np.concatenate([wrong, right]), [1, 1])
    both = tables([(found, scene([[0, 0, 160, 160]], grid))])
    assert evaluate_poses(*both, rank_by="box").means["ap"] == pytest.approx(0.5, abs=0.01)
    assert evaluate_poses(*both, rank_by="pose").means["ap"] == pytest.approx(1)


def test_poses_in_an_order_that_means_nothing_are_noted() -> None:
    images = random_images(2)
    found, truth = tables(images)
    assert not [note for note in evaluate_poses(found, truth).notes if "same score" in note]
    found.box_scores = np.ones_like(found.box_scores)
    assert "all poses have the same score" in evaluate_poses(found, truth).notes[-1]


def test_images_without_annotated_poses_need_no_predictions() -> None:
    """COCO's results list only images with a pose; a part is one of the images that have something to find."""
    grid = np.dstack([np.arange(17) * 10.0, np.arange(17) * 10.0, np.full(17, 2)])
    found = [scene([[0, 0, 160, 160]], grid, [0.5 + i / 10], f"{i}.jpg") for i in range(2)]
    truth = [scene([[0, 0, 160, 160]], grid, None, f"{i}.jpg") for i in range(2)]
    empty = [scene([[0, 0, 160, 160]], np.zeros((17, 3)), None, f"{i}.jpg") for i in range(2, 12)]
    both = InteractionTable.from_list(found), InteractionTable.from_list([*truth, *empty])
    assert not evaluate_poses(*both).coverage.partial
    part = evaluate_poses(both[0].select(np.array([0])), both[1])
    assert part.coverage.partial
    assert (part.coverage.images, part.coverage.annotated_images) == (1, 2)


def test_nobody_annotated_of_a_size_has_no_number() -> None:
    grid = np.dstack([np.arange(17) * 10.0, np.arange(17) * 10.0, np.full(17, 2)])
    scores = evaluate_poses(*tables([(scene([[0, 0, 160, 160]], grid, [1]), scene([[0, 0, 160, 160]], grid))]))
    assert scores.means["ap"] == pytest.approx(1)
    assert np.isnan(scores.means["ap_medium"])
    assert scores.to_dict()["means"]["ap_medium"] is None
    assert list(scores.people) == list(AREAS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda found, truth: (found.with_columns(keypoints=None), truth), "the predictions hold no poses"),
        (lambda found, truth: (found, truth.with_columns(keypoints=None)), "no keypoint is annotated"),
        (lambda found, truth: (found, truth.with_columns(keypoints=found_like(truth))), "visibility 0, 1 or 2"),
        (lambda found, truth: (_renamed(found), truth), "none of the 30 predicted images is annotated"),
    ],
)
def test_what_cannot_be_scored_is_refused(change: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        evaluate_poses(*change(*tables(random_images(1))))


def found_like(truth: InteractionTable) -> np.ndarray:
    return np.where(truth.keypoints > 0, truth.keypoints, 0.37)


def _renamed(table: InteractionTable) -> InteractionTable:
    changed = table.select(np.arange(len(table)))
    changed.files = [f"other_{file}" for file in table.files]
    return changed


def test_an_unknown_ranking_is_refused() -> None:
    with pytest.raises(InputError, match="rank_by must be one of box, pose"):
        evaluate_poses(*tables(random_images(1)), rank_by="size")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="rank_by"):
        PoseAveragePrecision(rank_by="size")  # type: ignore[arg-type]


def test_the_metric_wants_as_many_images_of_both() -> None:
    [(found, truth), *_] = random_images(1)
    with pytest.raises(InputError, match="predictions for 2 images and annotations for 1"):
        PoseAveragePrecision().update([found, found], [truth])


@pytest.mark.parametrize(
    ("poses", "people", "areas"),
    [((2, 16, 3), (1, 17, 3), 1), ((2, 17, 3), (1, 17, 2), 1), ((2, 17, 3), (3, 17, 3), 2)],
)
def test_shapes_are_checked(poses: tuple, people: tuple, areas: int) -> None:
    with pytest.raises(InputError, match="must have shape"):
        object_keypoint_similarity(np.ones(poses), np.ones(people), np.ones(areas))


PLACES = arrays(np.float64, (3, 17, 2), elements=st.floats(-1000, 1000, width=32))
SEEN = arrays(np.float64, (3, 17, 1), elements=st.sampled_from([0.0, 1.0, 2.0]))
AREA = arrays(np.float64, (3,), elements=st.floats(1, 1e6))


@settings(max_examples=60, deadline=None)
@given(PLACES, PLACES, SEEN, AREA)
def test_similarities_are_between_0_and_1_and_the_same_pose_is_1(
    poses: np.ndarray, places: np.ndarray, seen: np.ndarray, areas: np.ndarray
) -> None:
    people = np.dstack([places, seen])
    boxes = np.array([[0, 0, 100, 100]] * 3)
    similar = object_keypoint_similarity(poses, people, areas, boxes)
    assert ((similar >= 0) & (similar <= 1 + 1e-12)).all()
    labelled = seen[..., 0].any(1)
    assert np.diag(object_keypoint_similarity(people, people, areas))[labelled] == pytest.approx(1)


@settings(max_examples=60, deadline=None)
@given(PLACES, PLACES, SEEN, AREA, st.floats(-500, 500), st.floats(0.1, 10))
def test_moving_or_scaling_the_picture_changes_no_similarity(
    poses: np.ndarray, places: np.ndarray, seen: np.ndarray, areas: np.ndarray, shift: float, scale: float
) -> None:
    before = object_keypoint_similarity(poses, np.dstack([places, seen]), areas)
    after = object_keypoint_similarity(
        (poses + shift) * scale, np.dstack([(places + shift) * scale, seen]), areas * scale**2
    )
    assert after == pytest.approx(before, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(PLACES, SEEN, AREA, arrays(np.float64, (3, 17, 2), elements=st.floats(-1, 1)), st.floats(1, 4))
def test_a_pose_that_is_further_off_is_less_similar(
    places: np.ndarray, seen: np.ndarray, areas: np.ndarray, direction: np.ndarray, further: float
) -> None:
    people = np.dstack([places, seen])
    near = np.diag(object_keypoint_similarity(places + direction, people, areas))
    far = np.diag(object_keypoint_similarity(places + further * direction, people, areas))
    assert (far <= near + 1e-12).all()


@settings(max_examples=40, deadline=None)
@given(PLACES, PLACES, SEEN, AREA)
def test_keypoints_that_nobody_labelled_do_not_count(
    poses: np.ndarray, places: np.ndarray, seen: np.ndarray, areas: np.ndarray
) -> None:
    people = np.dstack([places, seen])
    changed = np.where(seen[0] > 0, poses[0], poses[0] + 300)[None]
    before = object_keypoint_similarity(poses[:1], people[:1], areas[:1])
    assert object_keypoint_similarity(changed, people[:1], areas[:1]) == pytest.approx(before)


def test_a_larger_person_forgives_more_and_hips_more_than_eyes() -> None:
    person = np.zeros((1, 17, 3))
    person[..., 2] = 2
    moved = person + np.array([5.0, 0, 0])
    small, large = (object_keypoint_similarity(moved, person, [area])[0, 0] for area in (1000.0, 10000.0))
    assert small < large
    alone = [object_keypoint_similarity(moved, person * _only(k), [1000.0])[0, 0] for k in range(17)]
    assert np.argsort(alone, kind="stable").tolist() == np.argsort(SIGMAS, kind="stable").tolist()


def _only(keypoint: int) -> np.ndarray:
    mask = np.zeros((1, 17, 1))
    mask[0, keypoint] = 1
    return mask

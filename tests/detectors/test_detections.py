from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import supervision

from interplay.detectors import Detections
from interplay.errors import InputError
from interplay.ops.object_names import COCO_OBJECTS, match_objects


@pytest.fixture
def some() -> Detections:
    keypoints = np.arange(2 * 17 * 3, dtype=np.float32).reshape(2, 17, 3)
    return Detections([[0, 0, 10, 10], [5, 5, 50, 60]], [0, 38], [0.4, 0.9], keypoints)  # type: ignore[arg-type]


def test_choosing_rows_keeps_arrays_aligned(some: Detections) -> None:
    assert some.filter(0.5).labels.tolist() == [38]
    assert some[[1, 0]].scores.tolist() == pytest.approx([0.9, 0.4])
    assert some[np.array([False, True])].keypoints[0, 0, 0] == 51  # type: ignore[index]
    assert len(some[:1]) == len(some[0]) == 1
    assert len(some[[]]) == len(Detections.empty()) == 0


@pytest.mark.parametrize(
    ("boxes", "labels", "scores", "keypoints", "message"),
    [
        ([[0, 0, 1, 1]], [0, 1], [1.0], None, r"labels must have shape \(1,\) like boxes, got \(2,\)"),
        ([[0, 0, 1, 1]], [0], [], None, r"scores must have shape \(1,\)"),
        ([[0, 0, 1, 1]], [80], [1.0], None, r"0\.\.79"),
        ([[0, 0, 1, 1]], [-1], [1.0], None, r"0\.\.79"),
        ([[0, 0, 1, 1]], [0.5], [1.0], None, "indices"),
        ([[0, 0, 1]], [0], [1.0], None, r"\(N, 4\)"),
        ([[0, 0, 1, 1]], [0], [1.0], np.zeros((1, 16, 3)), r"\(1, 17, 3\)"),
    ],
)
def test_what_does_not_fit_is_refused(boxes, labels, scores, keypoints, message) -> None:
    with pytest.raises(InputError, match=message):
        Detections(boxes, labels, scores, keypoints)


def test_raw_output_is_cut_to_the_image_and_sorted() -> None:
    boxes = [[-5, -5, 5, 5], [30, 0, 40, 9], [1, 1, 19, 90], [3, 3, 3, 8]]
    found = Detections.within(boxes, [0, 1, 2, 3], [0.2, 0.9, 0.7, 0.8], width=20, height=10)
    assert found.labels.tolist() == [2, 0]  # one lay outside, one has no width
    assert found.boxes.tolist() == [[1, 1, 19, 10], [0, 0, 5, 5]]


def test_supervision_round_trip(some: Detections) -> None:
    converted = some.to_supervision()
    assert converted.data["class_name"].tolist() == ["person", "tennis racket"]
    back = Detections.from_supervision(converted)
    for name in ("boxes", "labels", "scores", "keypoints"):
        assert np.array_equal(getattr(back, name), getattr(some, name)), name
    assert back.objects == some.objects
    assert len(Detections.from_supervision(Detections.empty().to_supervision())) == 0


def test_tracker_ids_survive(some: Detections) -> None:
    tracked = replace(some, track=[4, -1])
    converted = tracked.to_supervision()
    assert converted.tracker_id.tolist() == [4, -1]
    assert Detections.from_supervision(converted).track.tolist() == [4, -1]
    assert tracked[[1, 0]].track.tolist() == [-1, 4]
    assert some.to_supervision().tracker_id is None
    with pytest.raises(InputError, match=r"track must have shape \(2,\), one row per box, got \(1,\)"):
        replace(some, track=[4])


def test_own_objects_keep_their_names() -> None:
    zoo = ("saddle", "person", "sofa")
    found = Detections([[0, 0, 10, 10], [5, 5, 50, 60]], [2, 1], [0.4, 0.9], objects=zoo)  # type: ignore[arg-type]
    assert found.people.tolist() == [False, True]
    assert found[1:].objects == found.filter(0.5).objects == zoo
    converted = found.to_supervision()
    assert converted.data["class_name"].tolist() == ["sofa", "person"]
    assert Detections.from_supervision(converted, zoo).labels.tolist() == [2, 1]
    with pytest.raises(InputError, match=r"0\.\.2 of the objects saddle, person, sofa"):
        Detections([[0, 0, 10, 10]], [3], [1.0], objects=zoo)  # type: ignore[arg-type]


def test_objects_are_matched_by_name() -> None:
    found = Detections([[0, 0, 9, 9]] * 4, [0, 1, 2, 3], [1, 1, 1, 1], objects=("hat", "Person", "sofa", "cell_phone"))  # type: ignore[arg-type]
    named = found.named(("cell phone", "couch", "person"))
    assert named.labels.tolist() == [2, 1, 0]
    assert named.people.tolist() == [True, False, False]
    assert found.named(COCO_OBJECTS).labels.tolist() == [0, 57, 67]
    assert found.named(found.objects) is found


def test_supervision_of_another_origin() -> None:
    xyxy = np.array([[0.0, 0, 5, 5]])
    named = supervision.Detections(xyxy, class_id=np.array([57]), data={"class_name": np.array(["sofa"])})
    assert Detections.from_supervision(named).labels.tolist() == [57]
    numbered = Detections.from_supervision(supervision.Detections(xyxy, class_id=np.array([3])))
    assert (numbered.labels.tolist(), numbered.scores.tolist()) == ([3], [1.0])
    hat = supervision.Detections(xyxy, data={"class_name": np.array(["hat"])})
    assert Detections.from_supervision(hat).objects == ("hat",)
    with pytest.raises(InputError, match="hat"):
        Detections.from_supervision(hat, ("person", "dog"))
    with pytest.raises(InputError, match="class_id"):
        Detections.from_supervision(supervision.Detections(xyxy))


def test_names_of_other_code_bases() -> None:
    names = ["person", "Motorbike", "diningtable", "TVmonitor", "hair_dryer", "cell phone", "N/A", "hat"]
    assert match_objects(names, COCO_OBJECTS).tolist() == [0, 3, 60, 62, 78, 67, -1, -1]


def crowd() -> Detections:
    """Two people of which one is there twice, a book that is also a stop sign, and a cup."""
    boxes = [[0, 0, 10, 40], [0, 0, 10, 30], [50, 0, 60, 40], [20, 20, 30, 30], [20, 20, 30, 31], [0, 0, 10, 40]]
    return Detections(boxes, [0, 0, 0, 73, 11, 41], [0.6, 0.7, 0.5, 0.4, 0.3, 0.2])


def test_smallest_scores_by_object() -> None:
    found = crowd()
    assert len(found.filter(0.4)) == 4
    assert found.filter({"person": 0.65}).scores.tolist() == pytest.approx([0.7, 0.4, 0.3, 0.2])
    assert found.filter({"Book": 0.1, "*": 0.6}).scores.tolist() == pytest.approx([0.6, 0.7, 0.4])
    assert len(found.filter({})) == 6
    with pytest.raises(InputError, match=r"no object 'persn'.*Did you mean 'person'"):
        found.filter({"persn": 0.5})


def test_one_box_for_each_object() -> None:
    found = crowd()
    assert found.distinct() is found
    assert found.distinct(same_box=0.9).labels.tolist() == [0, 0, 0, 73, 41]
    assert found.distinct(same_person=0.7).scores.tolist() == pytest.approx([0.7, 0.5, 0.4, 0.3, 0.2])
    assert found.distinct(same_box=0.95) is found
    assert len(found.distinct(0.5, 0.5)) == 4  # a cup never stands for a person
    assert len(Detections.empty().distinct(0.5, 0.5)) == 0

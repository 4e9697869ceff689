from __future__ import annotations

import inspect

import numpy as np
import pytest

from interplay import Interactions, InteractionTable, Vocabulary
from interplay.errors import InputError


def test_triplets_are_named_and_sorted(ride: Interactions) -> None:
    first, second, third = ride.triplets()
    assert (first.verb, first.object, first.phrase) == ("ride", "bicycle", "riding a bicycle")
    assert first.score == pytest.approx(0.83)
    assert first.human_box.tolist() == [10, 10, 60, 120]
    assert second.verb == "hold"
    assert third.object is None
    assert third.object_box is None
    assert len(ride.triplets(min_score=0.3)) == 2


def test_filter_by_score_count_and_names(ride: Interactions) -> None:
    assert len(ride.filter(min_score=0.4)) == 2
    assert ride.filter(top_k=1).verb.tolist() == ride.verb[:1].tolist()
    assert len(ride.filter(top_k=0)) == 0
    assert len(ride.filter(verbs=["hold", "no_interaction"])) == 2
    assert len(ride.filter(objects=["Bicycle"])) == 2
    assert len(ride.filter(objects=["bench"])) == 0
    with pytest.raises(InputError, match=r"unknown verb 'rde'.*ride"):
        ride.filter(verbs=["rde"])


def test_top_k_prefers_earlier_among_equals(hico: Vocabulary) -> None:
    same = Interactions([[0, 0, 1, 1]], [0], [0, 0, 0], [-1, -1, -1], [3, 4, 5], hico, score=[0.5, 0.5, 0.5])
    assert same.filter(top_k=2).verb.tolist() == [3, 4]


def test_indexing_keeps_boxes(ride: Interactions) -> None:
    for part in (ride[1], ride[-2], ride[1:2], ride[np.array([False, True, False])], ride[[1]]):
        assert part.verb.tolist() == ride.verb[1:2].tolist()
        assert len(part.boxes) == 3
    assert len(ride[[]]) == 0
    with pytest.raises(IndexError, match="triplet 3 of 3"):
        ride[3]


def test_unused_boxes_can_be_dropped(ride: Interactions) -> None:
    assert len(ride.select_boxes([]).boxes) == 0
    small = ride.without_unused_boxes()
    assert len(small.boxes) == 2
    assert small.object.tolist() == [1, 1, -1]
    assert [t.phrase for t in small.triplets()] == [t.phrase for t in ride.triplets()]


def test_concat_shifts_indices(ride: Interactions, hico: Vocabulary) -> None:
    both = Interactions.concat([ride, ride[:1]])
    assert both.human.tolist() == [0, 0, 0, 3]
    assert both.object.tolist() == [1, 1, -1, 4]
    assert Interactions.concat([ride]) == ride
    assert len(Interactions.concat([Interactions.empty(hico), ride])) == 3
    with pytest.raises(InputError, match="vocabularies differ"):
        Interactions.concat([ride, Interactions.empty(Vocabulary.load("v-coco"))])
    with pytest.raises(InputError, match="at least one"):
        Interactions.concat([])


def test_equality_sees_every_field(ride: Interactions, hico: Vocabulary) -> None:
    assert ride == ride[:]
    assert ride != ride[:1]
    moved = ride[:]
    moved.boxes = ride.boxes + 1
    assert ride != moved
    assert ride != "ride"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"boxes": np.zeros((3, 5))}, r"boxes must have shape \(N, 4\).*got \(3, 5\)"),
        ({"labels": [0, 1]}, r"labels must have shape \(3,\) like boxes, got \(2,\)"),
        ({"labels": [0, 1, 80]}, r"labels holds 80, expected 0..79"),
        ({"labels": [0.5, 1, 2]}, "labels must be whole numbers"),
        ({"human": [0, 0, 3]}, r"human holds 3, expected 0..2 for boxes"),
        ({"object": [1, 1, -2]}, r"object holds -2, expected -1..2"),
        ({"verb": [0, 0, 117]}, "verb holds 117"),
        ({"score": [0.1]}, r"score must have shape \(3,\), got \(1,\)"),
        ({"keypoints": np.zeros((3, 16, 3))}, r"keypoints must have shape \(3, 17, 3\)"),
        ({"unlabelled": [True]}, "unlabelled must have shape"),
    ],
)
def test_construction_errors_state_expected_and_actual(ride: Interactions, change: dict, message: str) -> None:
    fields = {n: getattr(ride, n) for n in ("boxes", "labels", "human", "object", "verb", "vocabulary")}
    with pytest.raises(InputError, match=message):
        Interactions(**{**fields, **change})


def test_supervision_round_trip(ride: Interactions) -> None:
    detections = ride.to_supervision()
    assert detections.data["class_name"].tolist() == ["person", "bicycle", "bench"]
    assert Interactions.from_supervision(detections) == ride
    without_bicycle = Interactions.from_supervision(detections[[2, 0]])
    assert without_bicycle.object.tolist() == [-1]
    assert without_bicycle.human.tolist() == [1]
    bare = ride.to_supervision()
    bare.metadata = {}
    assert len(Interactions.from_supervision(bare)) == 0


def test_supervision_in_another_vocabulary_keeps_the_names(ride: Interactions) -> None:
    vocabulary = ride.vocabulary
    other = Vocabulary.from_names(reversed(vocabulary.objects), reversed(vocabulary.verbs), "reversed")
    there = Interactions.from_supervision(ride.to_supervision(), other)
    assert [(t.verb, t.object, t.score) for t in there.triplets()] == [
        (t.verb, t.object, t.score) for t in ride.triplets()
    ]
    unnamed = ride.to_supervision()
    del unnamed.data["class_name"]
    assert Interactions.from_supervision(unnamed, other) == there
    few = Vocabulary.from_names(vocabulary.objects, ["paint"], "few")
    with pytest.raises(InputError, match="verb"):
        Interactions.from_supervision(ride.to_supervision(), few)


def test_table_gives_images_back(ride: Interactions, hico: Vocabulary) -> None:
    empty = Interactions.empty(hico, file="b.jpg", width=3, height=4)
    table = InteractionTable.from_list([ride, empty, ride])
    assert len(table) == 3
    assert list(table) == [ride, empty, ride]
    assert table[-1] == ride
    assert list(table[1:]) == [empty, ride]
    assert list(table[[2, 1]]) == [ride, empty]
    assert table.object_labels.tolist() == [1, 1, -1] * 2
    assert np.isnan(table.object_boxes[2]).all()
    assert table.human_boxes[3].tolist() == ride.boxes[0].tolist()
    assert table.image_index.tolist() == [0, 0, 0, 2, 2, 2]
    with pytest.raises(IndexError):
        table[3]


def test_both_types_have_the_same_kinds_of_attributes() -> None:
    shared = [n for n in dir(Interactions) if hasattr(InteractionTable, n) and not n.startswith("_")]
    assert {"human_boxes", "object_boxes", "object_labels", "keypoints", "track"} <= set(shared)
    for name in shared:
        kinds = [type(inspect.getattr_static(owner, name)) for owner in (Interactions, InteractionTable)]
        assert kinds[0] is kinds[1], name


def test_table_refuses_mixtures(ride: Interactions) -> None:
    annotation = ride[:]
    annotation.scored = False
    with pytest.raises(InputError, match="cannot share a table"):
        InteractionTable.from_list([ride, annotation])
    with pytest.raises(InputError, match="empty table needs its vocabulary"):
        InteractionTable.from_list([])

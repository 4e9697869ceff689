"""Scoring tables: what counts, what is dropped, and saying so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from interplay import Interactions, InteractionTable, Vocabulary, evaluate
from interplay.errors import InputError
from interplay.metrics import PairNms, evaluate_hoi, get_protocol
from interplay.ops.image_names import match_images

BOXES = [[10, 10, 60, 120], [5, 60, 90, 140], [100, 50, 180, 90]]


def image(names: Vocabulary, verbs: list[str], score: list[float] | None = None, file: str = "a.jpg") -> Interactions:
    """One person and one bicycle."""
    count = len(verbs)
    return Interactions(
        boxes=BOXES[:2], labels=[0, names.object_index("bicycle")], human=[0] * count, object=[1] * count,
        verb=[names.verb_index(v) for v in verbs], score=score, vocabulary=names, file=file, scored=score is not None,
    )  # fmt: skip


def tables(*images: Interactions) -> InteractionTable:
    return InteractionTable.from_list(images)


def test_perfect_and_wrong(hico: Vocabulary) -> None:
    truth = tables(image(hico, ["ride", "hold"]))
    scores = evaluate_hoi(tables(image(hico, ["ride", "hold"], [0.9, 0.8])), truth)
    assert scores.map["full"] == 1
    ride, hold = (hico.interaction_index(v, "bicycle") for v in ("ride", "hold"))
    half = evaluate_hoi(tables(image(hico, ["ride", "wash"], [0.9, 0.8])), truth)
    assert (half.ap[ride], half.ap[hold]) == (1, 0)
    assert np.isnan(half.ap).sum() == 598
    assert half.to_dict()["per_class"]["ap"][0] is None
    assert any("598 of 600 classes" in note for note in half.notes)


def test_what_is_no_class_is_dropped_and_counted(hico: Vocabulary) -> None:
    truth = tables(image(hico, ["ride"]))
    found = image(hico, ["ride", "eat", "eat"], [0.5, 0.9, 0.8])
    scores = evaluate_hoi(tables(found), truth)
    assert scores.map["full"] == 1
    assert "2 of 3 predicted triplets are of no class of the data set (dropped)" in scores.notes


def test_unknown_and_missing_images(hico: Vocabulary) -> None:
    truth = tables(image(hico, ["ride"]), image(hico, ["ride"], file="b.jpg"))
    found = tables(image(hico, ["ride"], [0.9], "folder/a.jpg"), image(hico, ["ride"], [0.95], "elsewhere.jpg"))
    with pytest.raises(InputError, match="1 of 2"):
        evaluate_hoi(found, truth)
    scores = evaluate_hoi(found, truth, allow_partial=True)
    assert scores.map["full"] == pytest.approx(6 / 11)
    assert "1 of 2 predicted images are not among the annotated ones" in scores.notes[0]
    assert "1 annotated images have no prediction" in scores.notes[1]


def test_missing_scores_are_dropped(hico: Vocabulary) -> None:
    scores = evaluate_hoi(tables(image(hico, ["ride", "ride"], [np.nan, 0.5])), tables(image(hico, ["ride"])))
    assert scores.map["full"] == 1
    assert any("no score" in note for note in scores.notes)


@pytest.mark.parametrize("protocol", ["official", "gen-vlkt", "qpic", "tin-pami", "ggnet", "pocket-int"])
def test_empty_inputs(hico: Vocabulary, protocol: str) -> None:
    nothing = InteractionTable.from_list([], hico)
    truth = tables(image(hico, ["ride"]))
    scores = evaluate_hoi(nothing, truth, protocol)
    assert scores.map["full"] == 0
    assert "there are no predictions at all" in scores.notes
    assert np.isnan(evaluate_hoi(tables(image(hico, ["ride"], [0.5])), nothing, protocol).map["full"])
    blank = tables(Interactions.empty(hico, "a.jpg"))
    assert evaluate_hoi(replace(blank, scored=True), truth, protocol).map["full"] == 0
    assert np.isnan(evaluate_hoi(nothing, nothing, protocol).map["full"])


def test_known_object_uses_labels_without_boxes(hico: Vocabulary) -> None:
    truth = [image(hico, ["ride"]), Interactions.empty(hico, "b.jpg"), Interactions.empty(hico, "c.jpg")]
    for item in truth:
        item.scored = False
    truth[1].image_labels = np.array([[hico.verb_index("hold"), hico.object_index("bicycle")]])
    found = [image(hico, ["ride"], [score], file) for score, file in ((0.5, "a.jpg"), (0.6, "b.jpg"), (0.7, "c.jpg"))]
    ride = hico.interaction_index("ride", "bicycle")
    ap = {s: evaluate_hoi(tables(*found), tables(*truth), setting=s).ap[ride] for s in ("default", "known-object")}
    assert ap == pytest.approx({"default": 1 / 3, "known-object": 1 / 2})


def test_images_without_pairs(hico: Vocabulary) -> None:
    empty = replace(Interactions.empty(hico, "b.jpg"), scored=False)
    truth = tables(image(hico, ["ride"]), empty)
    found = tables(image(hico, ["ride"], [0.5]), image(hico, ["ride"], [0.9], "b.jpg"))
    assert evaluate_hoi(found, truth, "official").map["full"] == 0.5
    assert evaluate_hoi(found, truth, "qpic").map["full"] == 1


@pytest.mark.parametrize("protocol", ["official", "tin-pami", "ggnet"])
def test_order_of_images_in_the_result_file_does_not_decide_ties(hico: Vocabulary, protocol: str) -> None:
    truth = tables(*(image(hico, ["ride"], file=f"{i}.jpg") for i in range(6)))
    found = [image(hico, ["ride"], [0.5], f"{i}.jpg") for i in range(6)]
    for i in (0, 2, 3):
        found[i].boxes[1] += 100  # wrong
    expected = evaluate_hoi(tables(*found), truth, protocol).ap
    shuffled = evaluate_hoi(tables(*(found[i] for i in (3, 1, 5, 0, 4, 2))), truth, protocol).ap
    np.testing.assert_array_equal(shuffled, expected)


def test_bad_requests(hico: Vocabulary) -> None:
    table = tables(image(hico, ["ride"], [0.9]))
    with pytest.raises(InputError, match="Did you mean 'official'"):
        evaluate_hoi(table, table, "offical")
    with pytest.raises(InputError, match="no known-object setting"):
        evaluate_hoi(table, table, "qpic", "known-object")
    with pytest.raises(InputError, match="unknown setting"):
        get_protocol("official", "both")
    with pytest.raises(InputError, match="read both with the same"):
        evaluate_hoi(InteractionTable.from_list([], Vocabulary.load("pastanet-hoi")), table)


def test_own_vocabulary_scores_the_annotated_pairs() -> None:
    names = Vocabulary.from_names(["person", "kite"], ["fly", "wave"])
    person, kite = BOXES[:2]

    def own(verbs: list[int], target: list[int], score: list[float] | None = None) -> InteractionTable:
        return tables(
            Interactions([person, kite], [0, 1], [0] * len(verbs), target, verbs, names, score, file="a.jpg",
                         scored=score is not None)
        )  # fmt: skip

    scores = evaluate_hoi(own([0, 1], [1, -1], [0.9, 0.8]), own([0, 1], [1, -1]))
    assert scores.classes == ["fly kite", "wave"]
    assert scores.map["full"] == 1
    assert np.isnan(scores.map["rare"])


def test_pastanet_says_that_its_rules_are_inferred() -> None:
    names = Vocabulary.load("pastanet-hoi")
    truth, found = tables(image(names, ["ride"])), tables(image(names, ["ride"], [0.9]))
    scores = evaluate("pastanet-hoi", found, truth)
    assert (scores.protocol, len(scores.ap)) == ("pastanet-hoi", 520)
    assert any("inferred" in note for note in scores.notes)


def test_steps_before_the_evaluation(hico: Vocabulary) -> None:
    truth = tables(image(hico, ["ride"]))
    found = tables(image(hico, ["ride", "ride", "hold"], [0.5, 0.4, 0.9]))
    assert evaluate("hico-det", found, truth, nms=PairNms()).hits.detections.sum() == 2
    assert evaluate("hico-det", found, truth, top_k=1).hits.detections.sum() == 1


def test_image_names() -> None:
    match = match_images(["x/b.jpg", "42", "c.jpg", "b.jpg", "000000000007.jpg"], ["a/b.jpg", "COCO_42.jpg", "7.png"])
    assert match.position.tolist() == [0, 1, -1, 0, 2]
    assert (match.unknown, match.missing, match.repeated) == (["c.jpg"], 0, 1)
    assert match_images(["HICO_train2015_00000001.jpg"], ["HICO_test2015_00000001.jpg"]).unknown

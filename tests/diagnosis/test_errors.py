"""Every kind of error on hand-made images, where the answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from interplay import Interactions, InteractionTable, Vocabulary
from interplay.diagnosis import KINDS, MISSED, Diagnosis, diagnose
from interplay.errors import InputError

PERSON, FAR_PERSON = [10, 10, 109, 209], [300, 10, 399, 209]
BICYCLE, FAR_BICYCLE = [20, 120, 119, 219], [310, 120, 409, 219]
NOTHING = [500, 300, 560, 360]

Triplet = tuple[list[int], str, list[int], str, float]


def image(vocabulary: Vocabulary, triplets: list[Triplet], file: str = "a.jpg", scored: bool = True) -> Interactions:
    """Each triplet is a person's box, a verb, an object's box and name, and a score."""
    boxes, labels, scores = [], [], []
    for human, _, other, name, score in triplets:
        boxes += [human, other]
        labels += [vocabulary.person, vocabulary.find_object(name)]
        scores.append(score)
    number = np.arange(len(triplets)) * 2
    verb = [vocabulary.verb_index(verb) for _, verb, _, _, _ in triplets]
    given: dict[str, Any] = {"score": scores} if scored else {"scored": False}
    return Interactions(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        labels=np.array(labels, np.int64),
        human=number,
        object=number + 1,
        verb=verb,
        vocabulary=vocabulary,
        file=file,
        **given,
    )


TRUE: list[Triplet] = [(PERSON, "ride", BICYCLE, "bicycle", 1.0), (FAR_PERSON, "hold", FAR_BICYCLE, "bicycle", 1.0)]


def diagnosed(hico: Vocabulary, found: list[Triplet], truth: list[Triplet] = TRUE, **options: Any) -> Diagnosis:
    return diagnose(
        InteractionTable.from_list([image(hico, found)]),
        InteractionTable.from_list([image(hico, truth, scored=False)]),
        **options,
    )


def count(found: Diagnosis, kind: str) -> int:
    return next(cost.count for cost in found.costs if cost.kind == kind)


def gain(found: Diagnosis, kind: str) -> float:
    return next(cost.gain for cost in found.costs if cost.kind == kind)


RIGHT = (FAR_PERSON, "hold", FAR_BICYCLE, "bicycle", 0.9)
WRONG: dict[str, Triplet] = {
    "verb": (PERSON, "wash", BICYCLE, "bicycle", 0.95),
    "object class": (PERSON, "ride", BICYCLE, "motorcycle", 0.95),
    "pairing": (PERSON, "ride", FAR_BICYCLE, "bicycle", 0.95),
    "human box": ([10, 10, 109, 80], "ride", BICYCLE, "bicycle", 0.95),
    "object box": (PERSON, "ride", [20, 120, 119, 150], "bicycle", 0.95),
    "both boxes": ([10, 10, 109, 80], "ride", [20, 120, 119, 150], "bicycle", 0.95),
}


@pytest.mark.parametrize("kind", WRONG)
def test_one_thing_wrong_and_mending_it_gives_everything(hico: Vocabulary, kind: str) -> None:
    found = diagnosed(hico, [RIGHT, WRONG[kind]])
    assert {name: count(found, name) for name in KINDS} == {name: int(name == kind) for name in KINDS}
    assert found.scores.map["full"] == 0.5  # of two classes, "hold bicycle" is perfect
    assert gain(found, kind) == pytest.approx(0.5)
    assert all(gain(found, name) == 0 for name in KINDS if name != kind)
    assert count(found, MISSED) == 0  # the wrong prediction stands for the pair


def test_a_duplicate_goes_without_harm_to_the_one_that_counts(hico: Vocabulary) -> None:
    ride = (PERSON, "ride", BICYCLE, "bicycle")
    second = [(FAR_PERSON, "ride", FAR_BICYCLE, "bicycle", 1.0), (*ride, 1.0)]
    found = diagnosed(hico, [(*ride, 0.9), (*ride, 0.8), (FAR_PERSON, "ride", FAR_BICYCLE, "bicycle", 0.7)], second)
    assert count(found, "duplicate") == 1
    assert found.scores.map["full"] < 1
    assert found.scores.map["full"] + gain(found, "duplicate") == pytest.approx(1)


def test_what_is_nowhere_is_other_and_only_taken_away(hico: Vocabulary) -> None:
    found = diagnosed(hico, [(NOTHING, "hold", NOTHING, "bicycle", 0.95), RIGHT])
    assert count(found, "other") == 1
    assert count(found, MISSED) == 1
    assert gain(found, "other") == pytest.approx(0.25)  # "hold bicycle" rises from one half to one
    assert gain(found, "all false") == pytest.approx(0.25)
    assert gain(found, MISSED) == pytest.approx(0.5)  # nothing is left of "ride bicycle"


def test_an_error_whose_pair_is_found_anyway_is_taken_away(hico: Vocabulary) -> None:
    ride = (PERSON, "ride", BICYCLE, "bicycle", 0.9)
    found = diagnosed(hico, [ride, RIGHT, WRONG["object box"]])
    assert count(found, "object box") == 1
    assert found.scores.map["full"] + gain(found, "object box") == pytest.approx(1)


def test_confused_verbs_pairs_and_sizes(hico: Vocabulary) -> None:
    found = diagnosed(hico, [RIGHT, WRONG["verb"], (NOTHING, "hold", NOTHING, "bicycle", 0.1)], min_score=0.5)
    assert found.confusion.most() == [("ride", "wash", 1)]
    assert found.pairs.pairs == 2
    assert found.pairs.recall[0] == 1.0
    assert found.pairs.precision[0] == pytest.approx(2 / 3)
    (small, medium, large) = found.slices["object's size"]
    assert (small.count, medium.count, large.count) == (0, 0, 2)
    assert (large.recall, large.recall_above) == (0.5, 0.5)
    crowd = {part.name: part.count for part in found.slices["people in the image"]}
    assert crowd == {"1 person": 0, "2 or 3 people": 2, "4 people or more": 0}


def test_scores_that_mean_what_they_say_have_no_calibration_error(hico: Vocabulary) -> None:
    truth = [image(hico, TRUE, f"{i}.jpg", scored=False) for i in range(10)]
    wrong = [image(hico, [(NOTHING, "hold", NOTHING, "bicycle", 0.8)], f"{i}.jpg") for i in (8, 9)]
    said = [image(hico, [(*RIGHT[:4], 0.8)], f"{i}.jpg") for i in range(8)]
    calibrated = diagnose(InteractionTable.from_list(said + wrong), InteractionTable.from_list(truth))
    assert calibrated.calibration.error == pytest.approx(0, abs=1e-6)
    shy = [image(hico, [(*RIGHT[:4], 0.5)], f"{i}.jpg") for i in range(8)]
    doubtful = diagnose(InteractionTable.from_list(shy + wrong), InteractionTable.from_list(truth))
    assert doubtful.calibration.error == pytest.approx((8 * 0.5 + 2 * 0.8) / 10)


def test_the_worst_image_comes_first(hico: Vocabulary) -> None:
    good, bad = [RIGHT, (*TRUE[0][:4], 0.9)], [(NOTHING, "hold", NOTHING, "bicycle", 0.95)]
    truth = [image(hico, TRUE, name, scored=False) for name in ("good.jpg", "bad.jpg")]
    found = diagnose(
        InteractionTable.from_list([image(hico, good, "good.jpg"), image(hico, bad, "bad.jpg")]),
        InteractionTable.from_list(truth),
    )
    assert [(one.file, one.right, one.missed, one.wrong) for one in found.images] == [("bad.jpg", 0, 2, {"other": 1})]


def test_without_annotated_interactions_there_is_nothing_to_diagnose(hico: Vocabulary) -> None:
    with pytest.raises(InputError, match="no interaction is annotated"):
        diagnosed(hico, [RIGHT], [])

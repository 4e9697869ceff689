"""D on another data set's pairs, and annotations that give a person several boxes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from interplay import Interactions, InteractionTable, Vocabulary, load_model
from interplay.datasets.pairs import merge_duplicate_boxes
from interplay.models.interactiveness import InteractivenessScorer
from interplay.models.tin_spatial.data import PairSet
from interplay.models.tin_spatial.model import TinSpatial
from interplay.models.tin_spatial.task import score_interactiveness, score_pairs, trained_verbs

RIDER, BICYCLE, STRANGER, DOG = [100, 50, 180, 300], [80, 180, 230, 380], [400, 60, 470, 290], [500, 250, 600, 350]
BOXES = np.array([BICYCLE, RIDER, STRANGER, DOG], np.float32)
NAMES = ("bicycle", "person", "person", "dog")


@pytest.fixture(scope="module")
def model() -> TinSpatial:
    loaded = load_model("tin-spatial-vcoco", device="cpu")
    assert isinstance(loaded, TinSpatial)
    return loaded


def annotated(names: Vocabulary, triplets: list[tuple[int, int, str]], **changes: object) -> Interactions:
    human, object, verbs = zip(*triplets, strict=True)
    labels = [names.object_index(name) for name in NAMES if name in names.objects]
    fields = {
        "boxes": BOXES, "labels": labels, "human": human, "object": object, "vocabulary": names, "scored": False,
        "verb": [names.verb_index(v) for v in verbs], "file": "a.jpg", "width": 640, "height": 480,
    }  # fmt: skip
    return Interactions(**{**fields, **changes})


def test_the_judge_says_of_annotated_pairs_what_the_model_says(model: TinSpatial) -> None:
    names = model.vocabulary
    two = [(1, 0, "ride"), (2, 3, "look")]
    table = InteractionTable.from_list([annotated(names, two), annotated(names, two[:1], width=1280, height=960)])
    data = PairSet(table, model.config.network.verbs)
    said = score_interactiveness(InteractivenessScorer(model, names), data)
    np.testing.assert_allclose(said, score_pairs(model, data).interactiveness, atol=1e-5)
    assert said.shape == (2 * 3 + 3,)


def test_objects_go_by_name_and_unknown_ones_are_left(model: TinSpatial) -> None:
    own = Vocabulary.from_names(["dog", "unicorn", "person", "bicycle"], ["tame"])
    places = [own.object_index(name) for name in ("bicycle", "person", "person", "unicorn")]
    table = InteractionTable.from_list([annotated(own, [(1, 0, "tame")], labels=places)])
    said = score_interactiveness(InteractivenessScorer(model, own), PairSet(table, (0,)))
    same = InteractionTable.from_list([annotated(model.vocabulary, [(1, 0, "ride")])])
    with_dog = score_interactiveness(
        InteractivenessScorer(model, model.vocabulary), PairSet(same, model.config.network.verbs)
    )
    # People come first: the pairs of the rider are with the stranger, the bicycle and the unicorn or dog.
    assert said[2] == 1
    assert (said[:2] < 1).all()
    assert with_dog[2] < 1


def test_no_interaction_is_no_verb_and_its_pairs_are_negative() -> None:
    names = Vocabulary.load("hico-det")
    images = [
        annotated(names, [(1, 0, "ride"), (2, 0, "no interaction")]),
        annotated(names, [(2, 3, "no interaction")], file="b.jpg"),
    ]
    table = InteractionTable.from_list([*images, annotated(names, [(1, 0, "ride")], file="c.jpg")])
    verbs = trained_verbs(table)
    assert [names.verbs[v] for v in verbs] == ["ride"]
    data = PairSet(table, verbs)
    assert data.rows.tolist() == [0, 1, 2]
    batch = data.batch(torch.arange(3))
    assert batch.labelled[:, :2].tolist() == [[True, True], [False, True], [True, False]]
    assert batch.verbs.sum((1, 2, 3)).tolist() == [1, 0, 1]


def test_of_whom_it_is_known_what_they_do() -> None:
    names = Vocabulary.load("generated")
    ride, idle = annotated(names, [(1, 0, "ride")]), annotated(names, [(1, 0, "ride")], file="b.jpg")[:0]
    told = [replace(image, unlabelled=[False, False, True, False]) for image in (ride, idle)]
    untold = PairSet(InteractionTable.from_list([ride, idle]), (names.verb_index("ride"),))
    known = PairSet(InteractionTable.from_list(told), (names.verb_index("ride"),))
    assert untold.rows.tolist() == [0]
    assert known.rows.tolist() == [0, 1]
    assert untold.labelled.tolist() == [[True, False, False, False]]
    assert known.labelled.tolist() == [[True, False, False, False]] * 2
    assert known.batch(torch.arange(2)).verbs.sum((1, 2, 3)).tolist() == [1, 0]


def test_another_discriminator_changes_only_the_factor(model: TinSpatial) -> None:
    data = PairSet(
        InteractionTable.from_list([annotated(model.vocabulary, [(1, 0, "ride")])]), model.config.network.verbs
    )
    scored = score_pairs(model, data)
    other = scored.with_interactiveness(np.array([0.5, 1.0, 0.25], np.float32))
    np.testing.assert_allclose(other.classifier, scored.classifier, rtol=1e-4)
    np.testing.assert_allclose(other.verbs, scored.classifier * np.array([[0.5], [1.0], [0.25]]), rtol=1e-5)


def test_boxes_of_one_person_become_one() -> None:
    names = Vocabulary.load("hico-det")
    again = BOXES + np.float32(3)
    image = annotated(
        names,
        [(1, 0, "ride"), (5, 4, "ride"), (5, 4, "hold"), (2, 7, "feed"), (1, 5, "hug"), (6, -1, "run")],
        boxes=np.concatenate([BOXES, again]),
        labels=[names.object_index(name) for name in NAMES] * 2,
        keypoints=np.arange(8 * 51, dtype=np.float32).reshape(8, 17, 3),
    )
    merged = merge_duplicate_boxes(image)
    np.testing.assert_array_equal(merged.boxes, BOXES)
    found = list(zip(merged.human, merged.object, (names.verbs[v] for v in merged.verb), strict=True))
    assert found == [(1, 0, "ride"), (1, 0, "hold"), (2, 3, "feed"), (2, -1, "run")]
    assert merged.keypoints is not None
    assert image.keypoints is not None
    np.testing.assert_array_equal(merged.keypoints, image.keypoints[:4])
    assert len(merge_duplicate_boxes(image, overlap=0.999).boxes) == 8

"""Suppression by TIN networks that look at the photograph."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from interplay import Interactions, Vocabulary
from interplay.errors import InputError
from interplay.models.ggnet import GGNet, GGNetConfig
from interplay.models.interactiveness import InteractivenessScorer, SuppressionRule, Suppressor
from interplay.models.tin.config import TinConfig
from interplay.models.tin.model import TinModel
from interplay.models.tin_spatial.config import SpatialConfig, TinSpatialNetworkOptions
from interplay.models.tin_spatial.model import TinSpatial


@pytest.fixture(scope="module")
def model() -> TinModel:
    torch.manual_seed(0)
    return TinModel(Vocabulary.load("hico-det"), TinConfig()).eval()


@pytest.fixture
def image() -> Interactions:
    names = Vocabulary.from_names(["person", "unicorn"], ["tame", "feed"], "fables")
    boxes = [[5, 5, 60, 120], [40, 30, 150, 110], [100, 5, 140, 90]]
    return Interactions(boxes, [0, 1, 0], [0, 2, 0, 0], [1, 1, -1, 1], [0, 0, 1, 1], names, [0.2, 0.9, 0.8, 0.7],
                        file="a.jpg", width=160, height=128)  # fmt: skip


def test_pixels_are_judged_whatever_the_vocabulary(model: TinModel, image: Interactions) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (128, 160, 3), dtype=np.uint8)
    suppressor = Suppressor(
        InteractivenessScorer(model, image.vocabulary), SuppressionRule(rescore=True), lambda _: pixels
    )
    found = suppressor(image)
    boxes = image.boxes
    expected = model.score_pairs(pixels, boxes[[0, 2]], boxes[[1, 1]]).interactiveness.numpy()
    given = {(0, 1): expected[0], (2, 1): expected[1]}
    assert found.interactiveness is not None
    for human, object, value in zip(found.human, found.object, found.interactiveness, strict=True):
        assert np.isnan(value) if object < 0 else value == pytest.approx(given[human, object], abs=1e-5)
    assert (suppressor.counts.triplets, suppressor.counts.scored, suppressor.counts.removed) == (4, 3, 0)


def test_photographs_are_needed(model: TinModel, image: Interactions) -> None:
    scorer = InteractivenessScorer(model, image.vocabulary)
    with pytest.raises(InputError, match="say where they are"):
        Suppressor(scorer, SuppressionRule(rescore=True))
    with pytest.raises(InputError, match=r"there is none of a\.jpg"):
        scorer(image)


def test_other_models_cannot_judge(image: Interactions) -> None:
    other = GGNet(image.vocabulary, GGNetConfig.model_validate({"network": {"backbone": "dla-nano", "head_width": 8}}))
    with pytest.raises(InputError, match="GGNet does not tell whether a pair interacts"):
        InteractivenessScorer(other, image.vocabulary)


def test_a_vocabulary_without_people_is_refused() -> None:
    words = Vocabulary.from_names(["cup", "dog"], ["hold"], "objects")
    with pytest.raises(InputError, match="'objects' has no object 'person'"):
        TinModel(words, TinConfig())
    with pytest.raises(InputError, match="'objects' has no object 'person'"):
        TinSpatial(words, SpatialConfig(network=TinSpatialNetworkOptions(verbs=(0,))))

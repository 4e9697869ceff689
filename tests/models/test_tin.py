"""TIN as a model: from published weights to a file and to interactions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from interplay import Vocabulary, load_model
from interplay.detectors import Detections
from interplay.errors import InputError
from interplay.importers import load_published
from interplay.models.tin.model import TinConfig, TinModel
from interplay.models.weights import save_weights


@pytest.fixture(scope="module")
def hico_model() -> TinModel:
    torch.manual_seed(0)
    return TinModel(TinConfig(suppress=False), Vocabulary.load("hico-det")).eval()


@pytest.fixture(scope="module")
def vcoco_model() -> TinModel:
    torch.manual_seed(0)
    vocabulary = Vocabulary.load("v-coco")
    order = tuple(reversed(range(len(vocabulary.verbs))))
    return TinModel(TinConfig(layout="vcoco", suppress=False), vocabulary, order).eval()


PHOTO = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)


def found() -> Detections:
    boxes = np.array([[10, 10, 60, 110], [70, 20, 120, 115], [30, 60, 100, 100], [5, 5, 40, 30]], np.float32)
    return Detections(boxes, np.array([0, 0, 1, 41]), np.array([0.9, 0.8, 0.7, 0.1], np.float32))


def test_hico_pairs_get_the_interactions_of_their_object(hico_model: TinModel) -> None:
    result = hico_model.predict(PHOTO, detections=found())
    vocabulary = hico_model.vocabulary
    of_person = int((vocabulary.interactions[:, 1] == 0).sum())
    of_bicycle = int((vocabulary.interactions[:, 1] == 1).sum())
    assert len(result) == 2 * of_person + 2 * of_bicycle  # the cup is below the threshold
    assert (vocabulary.interaction_lookup[result.verb, result.labels[result.object]] >= 0).all()
    assert (np.diff(result.score) <= 0).all()
    assert ((result.score >= 0) & (result.score <= 1)).all()
    assert result.interactiveness is not None


def test_vcoco_motions_have_no_object(vcoco_model: TinModel) -> None:
    result = vcoco_model.predict(PHOTO, detections=found())
    records = vcoco_model.vocabulary.verb_records
    alone = np.array([records[v].role is None for v in result.verb])
    assert np.array_equal(alone, result.object == -1)
    assert alone.sum() == 2 * sum(r.role is None for r in records)  # once for each person
    assert len(result) == alone.sum() + 4 * sum(r.role is not None for r in records)


def test_classes_go_to_their_verbs(vcoco_model: TinModel) -> None:
    """The network's order is turned into the vocabulary's."""
    outputs = vcoco_model.score_pairs(PHOTO, found().boxes[:1], found().boxes[2:3])
    result = vcoco_model._triplets(outputs, found(), np.array([0]), np.array([2]))
    hold = vcoco_model.vocabulary.verb_index("hold")
    column = vcoco_model.verbs.index(hold)
    expected = float(outputs["cls_prob_HO_final"][0, column]) / 2 * 0.9 * 0.7
    assert result.score[result.verb == hold] == pytest.approx(expected, rel=1e-5)


def test_non_interactive_pairs_are_removed(hico_model: TinModel) -> None:
    bias = hico_model.network.interactive.bias
    before = bias.detach().clone()
    suppressing = TinModel(TinConfig(suppress=True), hico_model.vocabulary)
    suppressing.network = hico_model.network
    with torch.no_grad():
        bias.copy_(torch.tensor([-9.0, 9.0]))
    try:
        assert len(suppressing.predict(PHOTO, detections=found())) == 0
        assert len(hico_model.predict(PHOTO, detections=found())) > 0
    finally:
        with torch.no_grad():
            bias.copy_(before)


def test_nobody_gives_nothing(hico_model: TinModel) -> None:
    nobody = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, np.float32))
    assert len(hico_model.predict(PHOTO, detections=nobody)) == 0


def test_poses_matter_where_they_are_given(vcoco_model: TinModel) -> None:
    boxes = found()
    poses = np.random.default_rng(1).uniform(10, 60, (1, 17, 3)).astype(np.float32)
    without = vcoco_model.score_pairs(PHOTO, boxes.boxes[:1], boxes.boxes[2:3])
    with_pose = vcoco_model.score_pairs(PHOTO, boxes.boxes[:1], boxes.boxes[2:3], poses)
    assert torch.equal(without["cls_prob_HO_final"], with_pose["cls_prob_HO_final"])
    assert not torch.equal(without["cls_prob_binary"], with_pose["cls_prob_binary"])


def test_the_part_network_scores_pairs_and_nothing_else() -> None:
    model = TinModel(TinConfig("part"), Vocabulary.load("hico-det")).eval()
    with torch.inference_mode():
        outputs = model.score_pairs(PHOTO, found().boxes[:2], found().boxes[2:])
    assert outputs.interactiveness.shape == (2,)
    with pytest.raises(InputError, match="interplay suppress"):
        model.predict(PHOTO, detections=found())


def test_weights_files_bring_the_model_back(vcoco_model: TinModel, tmp_path) -> None:
    path = tmp_path / "tin.safetensors"
    save_weights(vcoco_model, vcoco_model.description(), path)
    again = load_model(path)
    expected, actual = (m.predict(PHOTO, detections=found()) for m in (vcoco_model, again))
    assert expected == actual


def test_folding_keeps_the_scores(vcoco_model: TinModel, tmp_path) -> None:
    path = tmp_path / "tin.safetensors"
    save_weights(vcoco_model, vcoco_model.description(), path)
    folded = load_model(path).prepare_inference()
    expected, actual = (m.predict(PHOTO, detections=found()) for m in (vcoco_model, folded))
    np.testing.assert_allclose(np.sort(expected.score), np.sort(actual.score), atol=1e-4)


def test_unknown_numbers_of_classes_need_a_vocabulary(vcoco_model: TinModel) -> None:
    with pytest.raises(InputError, match="not a checkpoint of TIN"):
        load_published("tin", vcoco_model.state_dict())

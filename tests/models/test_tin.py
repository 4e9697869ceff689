"""TIN as a model: from published weights to a file and to interactions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from interplay import Vocabulary, load_model
from interplay.detectors import Detections
from interplay.errors import InputError, MissingFileError
from interplay.importers import load_published
from interplay.models.tin.config import TinConfig, TinDecodingOptions, TinNetworkOptions
from interplay.models.tin.model import TinModel
from interplay.models.tin.network import TinOutputs
from interplay.models.two_stage import PairIndex

PLAIN = TinDecodingOptions(suppress=False)


@pytest.fixture(scope="module")
def hico_model() -> TinModel:
    torch.manual_seed(0)
    return TinModel(Vocabulary.load("hico-det"), TinConfig(decoding=PLAIN)).eval()


@pytest.fixture(scope="module")
def vcoco_model() -> TinModel:
    torch.manual_seed(0)
    vocabulary = Vocabulary.load("v-coco")
    order = tuple(reversed(range(len(vocabulary.verbs))))
    network = TinNetworkOptions(classes="verb", verbs=order)
    return TinModel(vocabulary, TinConfig(network=network, decoding=PLAIN)).eval()


PHOTO = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)


def found() -> Detections:
    boxes = np.array([[10, 10, 60, 110], [70, 20, 120, 115], [30, 60, 100, 100], [5, 5, 40, 30]], np.float32)
    return Detections(boxes, np.array([0, 0, 1, 41]), np.array([0.9, 0.8, 0.7, 0.1], np.float32))


def test_hico_pairs_get_the_interactions_of_their_object(hico_model: TinModel) -> None:
    result = hico_model.predict(PHOTO, detections=found(), min_score=0)
    vocabulary = hico_model.vocabulary
    of_person = int((vocabulary.interactions[:, 1] == 0).sum())
    of_bicycle = int((vocabulary.interactions[:, 1] == 1).sum())
    assert len(result) == 2 * of_person + 2 * of_bicycle  # the cup is below the threshold
    assert (vocabulary.interaction_lookup[result.verb, result.labels[result.object]] >= 0).all()
    assert (np.diff(result.score) <= 0).all()
    assert ((result.score >= 0) & (result.score <= 1)).all()
    assert result.interactiveness is not None


def test_vcoco_motions_have_no_object(vcoco_model: TinModel) -> None:
    result = vcoco_model.predict(PHOTO, detections=found(), min_score=0)
    records = vcoco_model.vocabulary.verb_records
    alone = np.array([records[v].role is None for v in result.verb])
    assert np.array_equal(alone, result.object == -1)
    assert alone.sum() == 2 * sum(r.role is None for r in records)  # once for each person
    assert len(result) == alone.sum() + 4 * sum(r.role is not None for r in records)


def test_classes_go_to_their_verbs(vcoco_model: TinModel) -> None:
    """The network's order is turned into the vocabulary's."""
    outputs = vcoco_model.score_pairs(PHOTO, found().boxes[:1], found().boxes[2:3])
    outputs = TinOutputs(outputs.scores, PairIndex.of_image(np.array([[0, 2]])))
    (result,) = vcoco_model.decode(outputs, torch.tensor([PHOTO.shape[:2]]), [found()])
    hold = vcoco_model.vocabulary.verb_index("hold")
    column = vcoco_model.verbs.tolist().index(hold)
    expected = float(outputs["cls_prob_HO_final"][0, column]) / 2 * 0.9 * 0.7
    assert result.score[result.verb == hold] == pytest.approx(expected, rel=1e-5)


def test_non_interactive_pairs_are_removed(hico_model: TinModel) -> None:
    bias = hico_model.network.interactive.bias
    before = bias.detach().clone()
    suppressing = TinModel(hico_model.vocabulary, TinConfig())
    suppressing.network = hico_model.network
    with torch.no_grad():
        bias.copy_(torch.tensor([-9.0, 9.0]))
    try:
        assert len(suppressing.predict(PHOTO, detections=found(), min_score=0)) == 0
        assert len(hico_model.predict(PHOTO, detections=found(), min_score=0)) > 0
    finally:
        with torch.no_grad():
            bias.copy_(before)


def test_nobody_gives_nothing(hico_model: TinModel) -> None:
    nobody = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, np.float32))
    assert len(hico_model.predict(PHOTO, detections=nobody, min_score=0)) == 0


def test_poses_matter_where_they_are_given(vcoco_model: TinModel) -> None:
    boxes = found()
    poses = np.random.default_rng(1).uniform(10, 60, (1, 17, 3)).astype(np.float32)
    without = vcoco_model.score_pairs(PHOTO, boxes.boxes[:1], boxes.boxes[2:3])
    with_pose = vcoco_model.score_pairs(PHOTO, boxes.boxes[:1], boxes.boxes[2:3], poses)
    assert torch.equal(without["cls_prob_HO_final"], with_pose["cls_prob_HO_final"])
    assert not torch.equal(without["cls_prob_binary"], with_pose["cls_prob_binary"])


def test_the_part_network_scores_pairs_and_nothing_else() -> None:
    model = TinModel(Vocabulary.load("hico-det"), TinConfig(network=TinNetworkOptions(level="part"))).eval()
    with torch.inference_mode():
        outputs = model.score_pairs(PHOTO, found().boxes[:2], found().boxes[2:])
    assert outputs.interactiveness.shape == (2,)
    with pytest.raises(InputError, match="interplay suppress"):
        model.predict(PHOTO, detections=found(), min_score=0)


def test_weights_files_bring_the_model_back(vcoco_model: TinModel, tmp_path) -> None:
    path = tmp_path / "tin.safetensors"
    vcoco_model.save(path)
    again = load_model(path)
    expected, actual = (m.predict(PHOTO, detections=found(), min_score=0) for m in (vcoco_model, again))
    assert expected == actual


def test_folding_keeps_the_scores(vcoco_model: TinModel, tmp_path) -> None:
    path = tmp_path / "tin.safetensors"
    vcoco_model.save(path)
    folded = load_model(path).prepare_inference()
    expected, actual = (m.predict(PHOTO, detections=found(), min_score=0) for m in (vcoco_model, folded))
    np.testing.assert_allclose(np.sort(expected.score), np.sort(actual.score), atol=1e-4)


def test_unknown_numbers_of_classes_need_a_vocabulary(vcoco_model: TinModel) -> None:
    with pytest.raises(InputError, match="not a checkpoint of TIN"):
        load_published("tin", vcoco_model.state_dict())


def test_published_rules_are_options_of_decoding(hico_model: TinModel, vcoco_model: TinModel, tmp_path) -> None:
    path = tmp_path / "tin.safetensors"
    hico_model.save(path)
    plain, published = load_model(path), load_model(path, decoding={"rule": "published-hico"})
    sure = found()
    sure.scores[:] = 0.95, 0.85, 0.35, 0.25
    before, after = (model.predict(PHOTO, detections=sure, min_score=0) for model in (plain, published))
    assert len(before)
    # the published rule takes people above 0.8 and objects above 0.3 and has its own weights of detection scores
    assert set(zip(after.human.tolist(), after.object.tolist(), strict=True)) == {(0, 1), (0, 2), (1, 0), (1, 2)}
    assert not np.array_equal(np.sort(before.score), np.sort(after.score))
    assert ((after.score >= 0) & (after.score <= 1)).all()


@pytest.mark.parametrize("rule", ["published-hico", "published-tpami", "published-vcoco"])
def test_rules_are_for_their_classes(hico_model: TinModel, vcoco_model: TinModel, rule: str) -> None:
    right, wrong = (vcoco_model, hico_model) if rule == "published-vcoco" else (hico_model, vcoco_model)
    before = wrong.config
    with pytest.raises(InputError, match=f"rule={rule} is for a network whose classes are"):
        wrong.set_decoding(rule=rule)
    assert wrong.config == before
    right.set_decoding(rule=rule)
    try:
        assert len(right.predict(PHOTO, detections=found(), min_score=0)) or rule == "published-tpami"
    finally:
        right.set_decoding(rule="plain")


def test_vcocos_rule_gives_one_object_per_role(vcoco_model: TinModel) -> None:
    boxes = np.array([[10, 10, 60, 110], [30, 60, 100, 100], [40, 60, 90, 100]], np.float32)
    several = Detections(boxes, np.array([0, 1, 3]), np.array([0.9, 0.8, 0.7], np.float32))
    vcoco_model.set_decoding(rule="published-vcoco")
    try:
        result = vcoco_model.predict(PHOTO, detections=several, min_score=0)
    finally:
        vcoco_model.set_decoding(rule="plain")
    with_object = result[result.object >= 0]
    assert len(with_object)
    assert len(np.unique(with_object.verb)) == len(with_object)
    board = vcoco_model.vocabulary.verb_index("skateboard")
    assert (result[result.verb == board].object == -1).all()  # nobody skates on a bicycle or a motorcycle


def test_another_networks_interactiveness(hico_model: TinModel, tmp_path) -> None:
    """Published figures combine two networks: one for the interactions, one that tells which pairs interact."""
    path = tmp_path / "d.safetensors"
    scorer = TinModel(hico_model.vocabulary, TinConfig(network=TinNetworkOptions(level="part"))).eval()
    with torch.no_grad():
        scorer.network.interactive.bias.copy_(torch.tensor([-9.0, 9.0]))
    scorer.save(path)
    boxes = found()
    before = hico_model.predict(PHOTO, detections=boxes, min_score=0)
    hico_model.set_decoding(discriminator=str(path))
    try:
        judged = hico_model.predict(PHOTO, detections=boxes, min_score=0)
        assert str(tmp_path) not in str(hico_model.description())
        hico_model.set_decoding(suppress=True)
        suppressed = hico_model.predict(PHOTO, detections=boxes, min_score=0)
    finally:
        hico_model.set_decoding(discriminator=None, suppress=False)
    np.testing.assert_array_equal(judged.score, before.score)
    assert judged.interactiveness is not None
    assert before.interactiveness is not None
    assert judged.interactiveness.max() < 0.01 < before.interactiveness.min()
    assert len(suppressed) == 0
    with pytest.raises(InputError, match="as --decoding discriminator=FILE"):
        scorer.predict(PHOTO, detections=boxes, min_score=0)


def test_descriptions_of_earlier_files_are_understood(vcoco_model: TinModel) -> None:
    earlier = {
        "system": "tin",
        "config": {
            "network": "instance", "layout": "vcoco", "backbone": "resnet50", "classifies": True, "min_person": 0.3,
            "min_object": 0.2, "suppress": False, "not_interactive_above": 0.9, "interactive_below": 0.1,
        },
        "vocabulary": vcoco_model.vocabulary.to_dict(),
        "verbs": vcoco_model.verbs.tolist(),
    }  # fmt: skip
    with torch.device("meta"):
        (migrate,) = TinModel.migrations
        assert TinModel.from_description(migrate(earlier, {})[0]).config == vcoco_model.config
        assert TinModel.from_description(vcoco_model.description()).config == vcoco_model.config


def test_files_of_decoding_that_do_not_fit(vcoco_model: TinModel, tmp_path) -> None:
    before = vcoco_model.config
    with pytest.raises(InputError, match="prior_mask belongs to rule=published-vcoco, and the rule is plain"):
        vcoco_model.set_decoding(prior_mask=tmp_path / "mask.npy")
    np.save(tmp_path / "small.npy", np.ones((3, 81)))
    with pytest.raises(MissingFileError, match="no prior mask"):
        vcoco_model.set_decoding(rule="published-vcoco", prior_mask=str(tmp_path / "none.pkl"))
    with pytest.raises(InputError, match=r"shape \(29, 81 or more\)"):
        vcoco_model.set_decoding(rule="published-vcoco", prior_mask=str(tmp_path / "small.npy"))
    with pytest.raises(MissingFileError, match="no weights"):
        vcoco_model.set_decoding(discriminator=tmp_path / "none.safetensors")
    spatial = load_model("tin-spatial-vcoco", device="cpu")
    spatial.save(tmp_path / "spatial.safetensors")
    with pytest.raises(InputError, match="must be a TIN network that looks at the image"):
        vcoco_model.set_decoding(discriminator=tmp_path / "spatial.safetensors")
    assert vcoco_model.config == before

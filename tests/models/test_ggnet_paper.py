"""GGNet's options that follow the paper where the published code does something else."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch

from interplay import Interactions, Vocabulary
from interplay.models.ggnet import GGNet, GGNetConfig, GGNetTargets, View
from interplay.models.ggnet.losses import focal_loss
from interplay.training import load_config

ROOT = Path(__file__).parents[2]
VCOCO = Vocabulary.load("v-coco")


def build(**sections: dict) -> GGNet:
    network = {"backbone": "dla-nano", "head_width": 8, **sections.pop("network", {})}
    return GGNet(VCOCO, GGNetConfig.model_validate({"network": network, **sections}))


def scene(verbs: list[str], object: str) -> Interactions:
    """A person and a object beside each other, with some verbs."""
    n = len(verbs)
    return Interactions(
        boxes=[[10, 20, 60, 140], [90, 40, 150, 120]], labels=[0, VCOCO.object_index(object)], human=[0] * n,
        object=[1] * n, verb=[VCOCO.verb_index(v) for v in verbs], vocabulary=VCOCO, width=160, height=160,
        scored=False,
    )  # fmt: skip


def encoded(model: GGNet, annotation: Interactions) -> GGNetTargets:
    return model.encode([annotation], [View.whole(160, 160)], 128, 128)


def test_every_hard_negative_is_marked_in_any_order() -> None:
    model = build(targets={"hard_negative_rule": "all"})
    verbs = ["ride", "hold", "sit"]
    maps = [encoded(model, scene(list(order), "bicycle")).hm_rel[0] for order in permutations(verbs)]
    for heatmap in maps[1:]:
        assert torch.equal(heatmap, maps[0])
    bicycle = VCOCO.object_index("bicycle")
    meaningful = {name for name, row in zip(model.channels.names, model.pairs, strict=True) if row[bicycle]}
    point = tuple(np.unravel_index(int(maps[0][model.channels.names.index("ride")].argmax()), (32, 32)))
    at_point = dict(zip(model.channels.names, maps[0][:, point[0], point[1]].tolist(), strict=True))
    assert meaningful > set(verbs)
    assert all(value == (1 if name in verbs else -1 if name in meaningful else 0) for name, value in at_point.items())


def test_a_near_positive_does_not_hide_a_hard_negative() -> None:
    """Two people hold a ball each, side by side; only one of them also throws it."""
    ball = VCOCO.object_index("sports ball")
    both = Interactions(
        boxes=[[10, 20, 40, 140], [50, 40, 60, 50], [18, 20, 48, 140], [58, 40, 68, 50]], labels=[0, ball, 0, ball],
        human=[0, 0, 2], object=[1, 1, 3], verb=[VCOCO.verb_index(v) for v in ("hold", "throw", "hold")],
        vocabulary=VCOCO, width=160, height=160, scored=False,
    )  # fmt: skip
    found = {}
    for rule in ("free", "all"):
        model = build(targets={"hard_negative_rule": rule, "soft_gaussian": False})
        targets = encoded(model, both)
        first, _, second = targets.rel_ind[0, :3].tolist()
        throws = targets.hm_rel[0, model.channels.names.index("throw")].flatten()
        assert throws[first] == 1
        found[rule] = float(throws[second])
    assert found["free"] > 0
    assert found["all"] == -1


def test_an_image_is_divided_by_its_interaction_points() -> None:
    predicted, target = torch.rand(2, 3, 4, 4).clamp(0.1, 0.9), torch.zeros(2, 3, 4, 4)
    target[0, 0, 1, 1] = 1
    points = torch.tensor([2, 0])  # two interactions of one verb at one pixel; none
    alone = [focal_loss(predicted[i : i + 1], target[i : i + 1]) for i in range(2)]
    torch.testing.assert_close(focal_loss(predicted, target, points=points), (alone[0] / 2 + alone[1]) / 2)


def test_actions_have_one_channel_for_both_roles() -> None:
    model = build(network={"verbs": "actions"})
    assert len(model.channels.names) == 26
    assert model(torch.zeros(1, 3, 128, 128)).heads["hm_rel_refine"].shape[1] == 26
    alone = {name for name, row in zip(model.channels.names, model.pairs, strict=True) if not row.any()}
    assert alone == {"stand", "walk", "run", "smile"}
    for verb, object in (("hit", "sports ball"), ("hit with", "tennis racket"), ("cut with", "knife"), ("eat", "cake")):
        annotation = scene([verb], object)
        targets = encoded(model, annotation)
        action = VCOCO.actions.index(verb.split()[0])
        assert (targets.hm_rel[0] == 1).nonzero()[:, 0].tolist() == [action]
        assert model.channels.verb[action, VCOCO.object_index(object)] == VCOCO.verb_index(verb)


def test_the_papers_recipe_chooses_its_rules() -> None:
    config = load_config(ROOT / "src/interplay/configs/ggnet/vcoco_hourglass_paper.yaml").model
    assert config.network.verbs == "actions"
    assert config.targets.hard_negative_rule == "all"
    assert (config.targets.soft_gaussian, config.targets.whole_pixels) == (False, False)
    assert (config.loss.normaliser, config.loss.matching_over_stacks) == ("image", "mean")
    assert config.decoding.matching == "distance"


def test_a_model_of_actions_is_built_again() -> None:
    model = build(network={"verbs": "actions"})
    again = GGNet.from_description(model.description())
    assert again.channels.names == model.channels.names
    assert np.array_equal(again.channels.verb, model.channels.verb)
    again.load_state_dict(model.state_dict())


@pytest.mark.parametrize("kind", ["roles", "actions"])
def test_meaningful_pairs_are_the_vocabularys(kind: str) -> None:
    model = build(network={"verbs": kind})
    with_object = VCOCO.interactions[VCOCO.interactions[:, 1] >= 0]
    assert int(model.pairs.sum()) == len({(v, o) for v, o in with_object.tolist()})
    assert {(int(model.channels.verb[c, o]), o) for c, o in model.pairs.nonzero().tolist()} == {
        (v, o) for v, o in with_object.tolist()
    }

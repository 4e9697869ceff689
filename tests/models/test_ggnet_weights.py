"""Names of published GGNet, PPDM and CenterNet parameters, and files that are none of theirs."""

from __future__ import annotations

import pytest
import torch

from interplay import InterplayError, Vocabulary
from interplay.importers import load_published
from interplay.models.ggnet import GGNet, GGNetConfig, GGNetNetworkOptions
from interplay.models.ggnet.convert import VCOCO_VERBS, initialise_from_centernet, load, our_name


@pytest.mark.parametrize(
    ("published", "ours"),
    [
        ("pre.0.bn.running_var", "backbone.stem.0.1.running_var"),
        ("kps.1.low2.low2.up1.0.conv2.weight", "backbone.hourglasses.1.inner.inner.skip.0.body.3.weight"),
        ("kps.0.low3.1.skip.1.bias", "backbone.hourglasses.0.up.1.shortcut.1.bias"),
        ("inters_.0.0.weight", "backbone.from_input.0.0.weight"),
        ("cnvs_.0.1.weight", "backbone.from_output.0.1.weight"),
        ("hm_rel.1.0.conv.bias", "heads.1.glance.0.bias"),
        ("hm_rel.1.1.bias", "heads.1.glance_heatmap.bias"),
        ("refine_dcn.0.conv_offset_mask.weight", "heads.0.gaze.0.points.predict.weight"),
        ("refine_dcn2.1.weight", "heads.1.gaze.1.aggregate.weight"),
        ("refine_head1.0.0.weight", "heads.0.gaze_heatmaps.0.weight"),
        ("refine_head2.1.1.weight", "heads.1.gaze_heatmaps.1.2.weight"),
        ("base.level3.tree2.root.bn.bias", "backbone.levels.3.second.root.1.bias"),
        ("dla_up.ida_2.proj_3.conv.weight", "backbone.up.2.project.2.0.convolution.weight"),
        ("ida_up.node_1.actf.0.weight", "backbone.final.merge.0.1.weight"),
        ("ida_up.up_2.weight", "backbone.final.enlarge.1.weight"),
        ("wh.2.bias", "heads.0.wh.2.bias"),
    ],
)
def test_names(published: str, ours: str) -> None:
    assert our_name(published) == ours


def test_every_verb_channel_of_vcoco_has_an_object() -> None:
    vocabulary = Vocabulary.load("v-coco")
    verbs = [vocabulary.verb_index(name) for name in VCOCO_VERBS]
    assert len(set(verbs)) == 25
    assert {vocabulary.verbs[v] for v in set(range(29)) - set(verbs)} == {"stand", "walk", "run", "smile"}


def test_other_networks_are_refused() -> None:
    with pytest.raises(InterplayError, match=r"not a checkpoint of GGNet or PPDM: .* got conv1\.weight"):
        load_published("ggnet", {"conv1.weight": torch.zeros(1)})
    with pytest.raises(InterplayError, match=r"unknown parameter .transformer\.weight."):
        our_name("transformer.weight")
    model = GGNet(Vocabulary.load("v-coco"), GGNetConfig(network=GGNetNetworkOptions(backbone="dla-nano")))
    with pytest.raises(InterplayError, match="no CenterNet checkpoint for the backbone 'dla-nano'"):
        initialise_from_centernet(model, {"hm.0.weight": torch.zeros(256, 64, 3, 3)})


def test_an_unknown_number_of_classes_asks_for_a_vocabulary() -> None:
    state = {
        "dla_up.ida_0.up_1.weight": torch.zeros(256, 1, 4, 4),
        "hm.2.weight": torch.zeros(80, 256, 1, 1),
        "hm_rel.0.weight": torch.zeros(256, 64, 3, 3),
        "hm_rel.2.weight": torch.zeros(7, 256, 1, 1),
        "sub_offset.2.weight": torch.zeros(2, 256, 1, 1),
    }
    with pytest.raises(InterplayError, match=r"80 objects and 7 verbs .* give the vocabulary"):
        load(state)
    with pytest.raises(InterplayError, match=r"the vocabulary 'own' 1 and 1"):
        load(state, Vocabulary.from_names(["person"], ["see"]))
    verbs = [f"verb {i}" for i in range(8)]
    objects = list(Vocabulary.load("coco").objects)
    with pytest.raises(InterplayError, match=r"80 objects and 7 verbs, the vocabulary 'own' 80 and 8"):
        load(state, Vocabulary.from_names(objects, verbs))
    del state["hm_rel.0.weight"]
    with pytest.raises(InterplayError, match=r"not whole: .* are missing"):
        load(state, Vocabulary.from_names(objects, verbs[:7]))

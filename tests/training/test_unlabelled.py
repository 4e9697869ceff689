"""People of whom not everything they do is annotated: every system learns what is, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from interplay import Interactions, InteractionTable, Vocabulary, write
from interplay.datasets.pairs import PairReader
from interplay.metrics import evaluate_hoi
from interplay.models.gen_vlkt.config import GenVlktConfig
from interplay.models.gen_vlkt.model import GenVlkt
from interplay.models.gen_vlkt.outputs import GenVlktOutputs
from interplay.models.gen_vlkt.targets import pair_targets
from interplay.models.ggnet.config import GGNetConfig, GGNetNetworkOptions
from interplay.models.ggnet.model import GGNet
from interplay.models.ggnet.network import GGNetOutputs
from interplay.models.ggnet.transforms import View
from interplay.models.tin.losses import LossWeights, TinTargets, verb_losses, verb_targets
from interplay.models.tin_spatial.config import SpatialConfig
from interplay.models.tin_spatial.data import PairSet
from interplay.models.tin_spatial.model import TinSpatial
from interplay.training.sections import DataConfig
from interplay.training.tables import load_tables

WORLD = Vocabulary.from_dict(
    {
        "name": "stable",
        "objects": ["person", "horse", "cup"],
        "verbs": ["ride", "hold"],
        "interactions": [["ride", "horse"], ["hold", "horse"], ["hold", "cup"]],
    }
)


def scene(unlabelled: bool | None, **changes: Any) -> Interactions:
    """A rider, who may hold something that nobody sees, an idle person far away, and a cup."""
    fields: dict[str, Any] = {
        "boxes": [[10, 10, 60, 120], [200, 10, 250, 120], [5, 60, 90, 140], [150, 60, 170, 80]],
        "labels": [0, 0, 1, 2],
        "human": [0],
        "object": [2],
        "verb": [0],
        "vocabulary": WORLD,
        "file": "a.jpg",
        "width": 256,
        "height": 160,
        "scored": False,
        "unlabelled": None if unlabelled is None else [unlabelled, False, False, False],
    }
    return Interactions(**{**fields, **changes})


def test_the_spatial_stream_learns_their_interactions_alone() -> None:
    content = {"network": {"verbs": (0, 1), "width": 8, "layers": 1, "heads": 1, "embedding": 2}}
    torch.manual_seed(0)
    model = TinSpatial(WORLD, SpatialConfig.model_validate(content)).eval()
    for unlabelled, learnt in ((False, 6), (True, 4)):  # of 2 x 3 pairs; of the rider only the horse
        pairs = PairSet(InteractionTable.from_list([scene(unlabelled)]), (0, 1))
        batch = pairs.batch(torch.tensor([0]))
        assert int(model.learnt_pairs(batch.labels, batch.targets).sum()) == learnt
        outputs = model(batch.boxes, batch.labels, batch.detected, batch.scores)
        verbs, logits = (given.detach().requires_grad_() for given in outputs.members)
        sum(model.loss(replace(outputs, members=(verbs, logits)), batch.targets).values()).backward()
        assert int((logits.grad != 0).sum()) == learnt


def test_tin_makes_no_negatives_of_them() -> None:
    reader = PairReader(WORLD, WORLD, verbs=(0, 1))
    detected = scene(None, human=[], object=[], verb=[])
    for unlabelled, negatives in ((False, 5), (True, 3)):
        image = scene(unlabelled)
        assert len(reader.positives(image)) == 1
        assert len(reader.negatives(image)) == negatives
        assert len(reader.negatives(image, detected)) == 2 * negatives  # a detector finds the same people
        motions = reader.positives(image).motions
        assert motions[0, 0] == 1
        assert np.isnan(motions[0, 1]) == unlabelled


def test_what_tin_does_not_know_of_a_person_does_not_count() -> None:
    classes = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    logits = {name: torch.randn(2, 2) for name in ("cls_score_H", "cls_score_O", "cls_score_sp", "cls_score_binary")}
    changed = {**logits, "cls_score_H": logits["cls_score_H"] + torch.tensor([0.0, 5.0])}
    for unknown in (False, True):
        motions = torch.tensor([[1.0, float("nan") if unknown else 0.0]])
        targets = verb_targets(TinTargets(classes, motions, torch.eye(2)), torch.ones(2))
        losses = [verb_losses(o, targets, LossWeights())["human"] for o in (logits, changed)]  # type: ignore[arg-type]
        assert torch.equal(*losses) == unknown
        assert torch.isfinite(losses[0])


def test_gen_vlkt_asks_nothing_of_queries_that_point_at_them() -> None:
    network = {"backbone": "resnet-nano", "frozen_stages": 0, "width": 16, "heads": 2, "feed_forward": 16,
               "encoder_layers": 1, "decoder_layers": 1, "queries": 3, "embedding": 8}  # fmt: skip
    model = GenVlkt(WORLD, GenVlktConfig.model_validate({"network": network, "loss": {"mimic": "none"}}))
    for unlabelled in (False, True):
        target = pair_targets(scene(unlabelled))
        rider, idle = target.human_boxes, torch.tensor([[0.88, 0.4, 0.2, 0.7]])
        outputs = GenVlktOutputs(  # the first finds the pair, the second the rider again, the third the idle person
            human_boxes=torch.cat([rider, rider, idle])[None],
            object_boxes=torch.cat([target.object_boxes, idle, idle])[None],
            object_logits=torch.zeros(1, 3, 3),
            interaction_logits=torch.zeros(1, 3, 3, requires_grad=True),
            features=torch.zeros(1, 3, 8),
        )
        losses = model.loss(outputs, [target])
        losses["interaction"].backward()
        assert (outputs.interaction_logits.grad[0] != 0).any(-1).tolist() == [True, not unlabelled, True]


def test_ggnet_learns_positives_alone_where_they_are() -> None:
    torch.manual_seed(0)
    model = GGNet(WORLD, GGNetConfig(network=GGNetNetworkOptions(backbone="hourglass-nano", head_width=8)))
    outputs = model(torch.randn(1, 3, 128, 128))
    for unlabelled in (False, True):
        targets = model.encode([scene(unlabelled)], [View.whole(256, 160)], 128, 128)
        name = model.config.network.final_heatmap
        heatmap = outputs.heads[name].detach().requires_grad_()
        changed = GGNetOutputs([{**outputs.heads, name: heatmap}])
        sum(model.loss(changed, targets).values()).backward(retain_graph=True)
        learnt = heatmap.grad[0] != 0  # (verbs, 32, 32); the rider is at x 1..7, below y 6 + 1
        positive = targets.heatmap(name)[0] == 1
        assert learnt[positive].all()
        assert learnt[:, 10:18, 2:5].all() != unlabelled
        assert learnt[:, 10:18, 20:].all()


def test_predictions_on_them_count_where_they_are_annotated() -> None:
    found = scene(None, human=[0, 0], object=[2, 3], verb=[0, 1], score=[0.5, 0.9], scored=True)
    with_cup = scene(False, human=[0, 1], object=[2, 3], verb=[0, 1])
    truth = InteractionTable.from_list([with_cup])
    predictions = InteractionTable.from_list([found])
    hold = 2
    for unlabelled in (False, True):
        truth.unlabelled = [unlabelled, False, False, False]
        scores = evaluate_hoi(predictions, truth)
        assert scores.ap[0] == 1
        assert scores.ap[hold] == 0  # the idle person's cup was missed
        assert scores.hits.detections[hold] == (0 if unlabelled else 1)


@pytest.mark.parametrize(("rule", "expected"), [("ignored", 1), ("negative", None)])
def test_a_training_may_take_them_as_published(rule: str, expected: int | None, tmp_path: Path) -> None:
    write([scene(True)], tmp_path / "own.jsonl")
    section = DataConfig(dataset="own", root=tmp_path / "own.jsonl", holdout=0, unlabelled=rule)  # type: ignore[arg-type]
    column = load_tables(section).training.unlabelled
    assert (None if column is None else int(column.sum())) == expected

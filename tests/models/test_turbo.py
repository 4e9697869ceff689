"""Turbo learning: equations, what goes from stage to stage, losses, decoding, training."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

import interplay
from interplay import Interactions, InteractionTable, InterplayError, Vocabulary, load_model, write
from interplay.cli import main
from interplay.detectors import Detections
from interplay.models.start import copy_model
from interplay.models.turbo.config import TurboConfig
from interplay.models.turbo.data import keypoint_cells
from interplay.models.turbo.decode import keypoints_of, target_density
from interplay.models.turbo.losses import TurboTargets
from interplay.models.turbo.model import Turbo
from interplay.models.turbo.network import SIDE, TurboNetwork
from interplay.models.turbo.places import placed_boxes, relative_places
from interplay.models.turbo.start import initialise
from interplay.training import train, validate_config

WORLD = Vocabulary.from_dict(
    {
        "name": "world",
        "objects": ["person", "cup", "knife"],
        "verbs": [
            {"name": "cut", "action": "cut", "role": "obj"},
            {"name": "cut with", "action": "cut", "role": "instr"},
            {"name": "walk"},
        ],
        "interactions": [["cut", "cup"], ["cut with", "knife"], ["walk", None], ["cut", None]],
    }
)
PLAIN = Vocabulary.from_dict(
    {
        "name": "plain",
        "objects": ["person", "cup"],
        "verbs": ["cut", "push"],
        "interactions": [["cut", "cup"], ["push", "cup"]],
    }
)
SMALL = {"backbone": "resnet-nano", "width": 16, "pose_width": 8, "pose_layers": 2, "dropout": 0.0}
IMAGE = np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8)
FOUND = Detections(
    np.array([[10, 10, 50, 90], [60, 12, 100, 88], [40, 30, 60, 50], [90, 40, 120, 60]], np.float32),
    np.array([0, 0, 1, 2]), np.array([0.9, 0.8, 0.7, 0.6], np.float32), objects=WORLD.objects,
)  # fmt: skip


def config(**network: Any) -> TurboConfig:
    decoding = {"short_side": 96, "long_side": 160}
    return TurboConfig.model_validate({"network": {**SMALL, **network}, "decoding": decoding})


def network(**options: Any) -> TurboNetwork:
    torch.manual_seed(0)
    return TurboNetwork(config(**options).network, len(WORLD.verbs), len(WORLD.objects)).eval()


def seen(of: TurboNetwork) -> torch.Tensor:
    return torch.randn(2, of.stem.channels, 7, 7, generator=torch.Generator().manual_seed(1))


def test_places_are_those_of_equation_2() -> None:
    human, target = torch.tensor([10.0, 20, 50, 100]), torch.tensor([40.0, 50, 60, 90])
    expected = [(50 - 30) / 40, (70 - 60) / 80, np.log(20 / 40), np.log(40 / 80)]
    assert relative_places(target, human).tolist() == pytest.approx(expected)
    assert placed_boxes(relative_places(target, human), human).tolist() == pytest.approx(target.tolist(), abs=1e-4)


def test_the_density_is_that_of_equation_3() -> None:
    human, target = torch.tensor([[10.0, 20, 50, 100]]), torch.tensor([[40.0, 50, 60, 90]])
    off = torch.tensor([0.3, 0.0, -0.1, 0.2])
    found = target_density((relative_places(target, human) + off)[None], target, human, sigma=0.3)
    assert found.item() == pytest.approx(np.exp(-(0.09 + 0.01 + 0.04) / (2 * 0.09)), rel=1e-5)


def test_a_first_layer_reads_the_concatenation_of_equation_1() -> None:
    module = network(stages=2).hoi[1]
    parts = {name: torch.randn(2, layer.in_features) for name, layer in module.first.items()}
    assert list(parts) == ["appearance", "pose_mid", "pose_out", "hoi"]
    joined = torch.cat(list(parts.values()), 1)
    weight = torch.cat([layer.weight for layer in module.first.values()], 1)
    first = F.relu(F.linear(joined, weight) / len(parts) ** 0.5)
    expected = F.relu(module.second(first))
    assert torch.allclose(module(parts).mid, expected, atol=1e-5)


def test_later_stages_do_not_change_earlier_ones() -> None:
    three, one = network(stages=3), network(stages=1)
    one.load_state_dict({name: value for name, value in three.state_dict().items() if name in one.state_dict()})
    stages, first = three.stages(seen(three))
    [only], also_first = one.stages(seen(one))
    assert torch.equal(first, also_first)
    for name in ("logits", "places", "pose", "attention"):
        assert torch.equal(getattr(stages[0], name), getattr(only, name))
    assert not torch.allclose(stages[2].pose, stages[0].pose)
    assert stages[2].attention.shape == (2, 1, 7, 7)
    assert ((stages[2].attention > 0) & (stages[2].attention < 1)).all()


@pytest.mark.parametrize(
    ("options", "reached"),
    [
        ({"stages": 1}, True),
        ({"stages": 1, "explicit_pose": False}, False),
        ({"stages": 2, "first_pose": "zeros"}, True),
        ({"stages": 3, "shared": True}, True),
    ],
)
def test_interactions_teach_the_pose_features_they_read(options: dict[str, Any], reached: bool) -> None:
    """Pre-training relies on it: without a loss of keypoints their layers learn from interactions."""
    net = network(**options)
    stages, _ = net.stages(seen(net))
    stages[-1].logits.sum().backward()
    block = net.first_pose if net.first_pose is not None else net.pose[0].block
    gradient = block.convolutions[0].weight.grad
    assert (gradient is not None and bool(gradient.abs().sum() > 0)) == reached


def test_poses_learn_from_interactions_through_the_mask() -> None:
    net = network(stages=1)
    stages, _ = net.stages(seen(net))
    stages[0].pose.square().sum().backward()
    assert net.hoi[0].act.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("options", "has"),
    [
        ({"stages": 1, "pose": False}, (True, False, False)),
        ({"stages": 1, "hoi": False}, (False, True, True)),
        ({"stages": 1, "explicit_pose": False}, (True, True, True)),
        ({"stages": 1, "first_pose": "zeros"}, (True, True, False)),
        ({"stages": 2, "shared": True, "first_pose": "zeros"}, (True, True, False)),
        ({"stages": 2, "residual": True, "channel_attention": True}, (True, True, True)),
        ({"stages": 2, "appearance_to_pose": True}, (True, True, True)),
        ({"stages": 2, "appearance_to_pose": True, "first_pose": "zeros"}, (True, True, False)),
    ],
)
def test_every_variant_gives_what_it_looks_for(options: dict[str, Any], has: tuple[bool, bool, bool]) -> None:
    net = network(**options)
    stages, first = net.stages(seen(net))
    last = stages[-1]
    assert (last.logits is not None, last.pose is not None, first is not None) == has
    assert len(stages) == options["stages"]


def test_stages_need_what_goes_from_stage_to_stage() -> None:
    for options in ({"pose": False}, {"hoi": False}, {"explicit_pose": False}):
        with pytest.raises(ValueError, match="further stages need"):
            config(stages=2, **options)
    with pytest.raises(ValueError, match="one for each of 3 stages"):
        TurboConfig.model_validate({"network": SMALL, "loss": {"pose": [1.0, 2.0]}})


def targets(**changes: Any) -> TurboTargets:
    values = {
        "actions": torch.tensor([[1.0, 0, 1], [0, 0, 1]]),
        "labelled": torch.tensor([True, True]),
        "places": torch.full((2, 3, 4), torch.nan),
        "cells": torch.full((2, 17), -1),
        "classes": torch.tensor([0, 3]),
        "moves": torch.tensor([[0.1, 0, 0, 0], [torch.nan] * 4]),
    }
    values["places"][0, 0] = torch.tensor([0.5, 0, 0, 0])
    values["cells"][0, 3] = 5 * SIDE + 7
    return TurboTargets(**{**values, **changes})


def gradients(what: TurboTargets) -> dict[str, torch.Tensor]:
    """Of the loss, with respect to logits, places and poses."""
    model = Turbo(WORLD, config(stages=1, detection=False))
    outputs = model.network.stages(seen(model.network))[0][0]
    parts = {name: getattr(outputs, name).detach().requires_grad_() for name in ("logits", "places", "pose")}
    from interplay.models.turbo.network import TurboOutputs

    sum(model.loss(TurboOutputs((replace(outputs, **parts),)), what).values()).backward()
    return {name: part.grad for name, part in parts.items()}


def test_only_what_is_annotated_makes_a_loss() -> None:
    found = gradients(targets())
    moved = found["places"].abs().sum(2) > 0
    assert moved.tolist() == [[True, False, False], [False, False, False]]  # nobody walks with an object
    seen_keypoints = found["pose"].abs().sum((2, 3)) > 0
    assert seen_keypoints.nonzero().tolist() == [[0, 3]]
    assert found["pose"][0, 3].argmin() == 5 * SIDE + 7
    unknown = gradients(targets(labelled=torch.tensor([False, True])))
    assert unknown["logits"][0].abs().sum() == 0 < unknown["logits"][1].abs().sum()
    assert unknown["places"].abs().sum() == 0


def test_boxes_keep_their_pixels_with_16_bit_numbers() -> None:
    net = network(stages=1, detection=False)
    maps, people = [torch.arange(128.0).expand(1, 144, 16, 128)[0].bfloat16()], torch.tensor([[0.0, 901, 10, 957, 66]])
    left, right = (net.crops(maps, people + torch.tensor([0.0, x, 0, x, 0])) for x in (0, 1))
    assert (right - left).mean().item() == pytest.approx(1 / 8, abs=1e-3)


def test_a_step_is_the_same_however_it_is_divided() -> None:
    model = Turbo(WORLD, config(stages=2))
    given = [torch.randn(3, 96, 128)], torch.tensor([[0.0, 10, 10, 50, 90], [0, 60, 12, 100, 88]])
    outputs = model(*given, given[1])
    whole = model.loss(outputs, targets())
    assert set(whole) == {"action_1", "target_1", "pose_1", "action_2", "target_2", "pose_2", "pose_0", "detection"}
    counts = targets().counts()
    assert counts.tolist() == [2, 1, 1, 2, 1]
    from interplay.layers.normalisers import LossNormaliser

    halved = model.loss(outputs, targets(), LossNormaliser(counts / 2, 2))
    assert all(torch.allclose(halved[name], 2 * whole[name]) for name in whole)


def test_keypoints_go_to_cells_and_back() -> None:
    box = np.array([[10, 20, 66, 132]], np.float32)
    keypoints = np.zeros((1, 17, 3), np.float32)
    keypoints[0, :, 0], keypoints[0, :, 1] = np.linspace(11, 65, 17), np.linspace(21, 131, 17)
    keypoints[0, :, 2] = 2
    keypoints[0, 1] = 0, 0, 0  # not labelled
    keypoints[0, 2, 0] = 70  # out of the box
    cells = keypoint_cells(keypoints, box)
    assert (cells[0] < 0).nonzero()[0].tolist() == [1, 2]
    logits = torch.zeros(1, 17, SIDE, SIDE)
    logits.view(17, -1)[torch.arange(17), torch.from_numpy(cells[0]).clamp(min=0)] = 20
    found = keypoints_of(logits, box)
    kept = np.flatnonzero(cells[0] >= 0)
    assert np.abs(found[0, kept, 0] - keypoints[0, kept, 0]).max() <= 56 / SIDE / 2 + 1e-3
    assert np.abs(found[0, kept, 1] - keypoints[0, kept, 1]).max() <= 112 / SIDE / 2 + 1e-3
    assert found[0, kept, 2].min() > 0.99


def certain(model: Turbo, act: int, target: int) -> None:
    """Make everybody do one action, with the target where a detection is relative to the first person."""
    with torch.no_grad():
        for module in model.network.hoi:
            for layer in (module.act, module.place):
                layer.weight.zero_()
                layer.bias.fill_(-4.0 if layer is module.act else 0.0)
            module.act.bias[act] = 4.0
            boxes = torch.from_numpy(FOUND.boxes)
            module.place.bias.view(-1, 4)[act] = relative_places(boxes[target], boxes[0])


def test_the_target_is_the_detection_that_fits_best() -> None:
    model = Turbo(WORLD, config(stages=2)).eval()
    certain(model, act=WORLD.verb_index("cut with"), target=3)
    found = model.predict(IMAGE, detections=FOUND, min_score=0)
    best = found.triplets()[0]
    assert (best.verb, best.object) == ("cut with", "knife")
    sure = torch.tensor(4.0).sigmoid().item()
    assert best.score == pytest.approx(0.9 * 0.6 * sure, rel=1e-4)
    assert (found.human != found.object).all()
    assert {(t.verb, t.object) for t in found.triplets()} == {("cut", "cup"), ("cut with", "knife"), ("walk", None)}
    model.set_decoding(agents="all", place_counts="false", targets="all")
    every = model.predict(IMAGE, detections=FOUND, min_score=0)
    assert {(t.verb, t.object) for t in every.triplets()} >= {("cut", None), ("cut", "cup")}
    model.set_decoding(known_pairs="false")
    assert ("cut with", "cup") in {(t.verb, t.object) for t in model.predict(IMAGE, detections=FOUND).triplets()}


def test_people_get_poses_and_objects_none() -> None:
    model = Turbo(WORLD, config(stages=2)).eval()
    found = model.predict(IMAGE, detections=FOUND, min_score=0)
    assert np.isfinite(found.keypoints[:2]).all()
    assert np.isnan(found.keypoints[2:]).all()
    low, high = found.boxes[:2, None, :2], found.boxes[:2, None, 2:]
    assert ((found.keypoints[:2, :, :2] >= low - 2) & (found.keypoints[:2, :, :2] <= high + 2)).all()
    assert ((found.keypoints[:2, :, 2] >= 0) & (found.keypoints[:2, :, 2] <= 1)).all()
    nobody = model.predict(IMAGE, detections=FOUND[[2, 3]], min_score=0)
    assert len(nobody) == 0
    only_poses = Turbo(WORLD, config(stages=1, hoi=False)).eval().predict(IMAGE, detections=FOUND, min_score=0)
    assert len(only_poses) == 0
    assert np.isfinite(only_poses.keypoints[:2]).all()


def test_options_that_do_not_suit_the_network_are_refused() -> None:
    model = Turbo(WORLD, config(stages=2, detection=False))
    with pytest.raises(InterplayError, match="the network has 2 stages, got 3"):
        model.set_decoding(stage=3)
    with pytest.raises(InterplayError, match="without detection branch"):
        model.set_decoding(rescore="true")
    assert model.config == config(stages=2, detection=False)


def test_a_file_brings_the_model_back(tmp_path: Path) -> None:
    model = Turbo(WORLD, config(stages=2)).eval()
    model.set_decoding(rescore=True, stage=1)
    model.save(tmp_path / "turbo.safetensors")
    again = load_model(str(tmp_path / "turbo.safetensors"))
    assert again.config == model.config
    assert again.predict(IMAGE, detections=FOUND, min_score=0) == model.predict(IMAGE, detections=FOUND, min_score=0)
    folded = load_model(str(tmp_path / "turbo.safetensors")).prepare_inference()
    expected = model.predict(IMAGE, detections=FOUND, min_score=0)
    assert folded.predict(IMAGE, detections=FOUND, min_score=0).score == pytest.approx(expected.score, abs=1e-5)


@pytest.mark.parametrize("options", [{"stages": 3}, {"stages": 2, "shared": True, "first_pose": "zeros"}])
def test_preparing_changes_the_time_and_no_result(options: dict[str, Any]) -> None:
    model = Turbo(WORLD, config(**options)).eval()
    people = torch.tensor([[0.0, 10, 10, 50, 90], [0, 60, 12, 100, 88]])
    given = [torch.randn(3, 96, 128, generator=torch.Generator().manual_seed(2))], people, people
    with torch.inference_mode():
        before = model(*given)
        after = model.prepare_inference().prepare_inference()(*given)
    for one, other in zip((*before.stages, before), (*after.stages, after), strict=True):
        for name, value in vars(one).items():
            if isinstance(value, torch.Tensor):
                assert torch.allclose(value, getattr(other, name), rtol=1e-4, atol=1e-5), name


def test_explanations_show_every_stage() -> None:
    model = Turbo(WORLD, config(stages=2)).eval()
    certain(model, act=WORLD.verb_index("cut with"), target=3)
    found, [first] = model.explain(IMAGE, detections=FOUND, top_k=1)
    assert found.triplets()[0].verb == "cut with"
    assert [[panel.title for panel in row] for row in first.rows()] == [
        ["stage 1: attention mask, pose", "stage 2: attention mask, pose", "interaction"],
        ["stage 1: target of 'cut with'", "stage 2: target of 'cut with'"],
    ]
    density = first.panels[3].heat.values
    row, column = np.unravel_index(density.argmax(), density.shape)
    x, y = (column + 0.5) * 128 / density.shape[1], (row + 0.5) * 96 / density.shape[0]
    assert 90 <= x <= 120
    assert 40 <= y <= 60


def test_a_start_from_other_classes_copies_the_shared_ones() -> None:
    """Pre-training on V-COCO: HICO-DET's network gets all that does not depend on classes, and what both know."""
    torch.manual_seed(0)
    trained, other = Turbo(WORLD, config(stages=2)), Turbo(PLAIN, config(stages=2))
    fresh = {name: value.clone() for name, value in other.state_dict().items()}
    new = copy_model(other, trained, "the other")
    before, after = trained.state_dict(), other.state_dict()
    assert torch.equal(after["network.pose.1.block.out.weight"], before["network.pose.1.block.out.weight"])
    cut = WORLD.verb_index("cut"), PLAIN.verb_index("cut")
    for name in ("network.hoi.1.act.weight", "network.hoi.1.act.bias"):
        assert torch.equal(after[name][cut[1]], before[name][cut[0]])
        assert torch.equal(after[name][1 - cut[1]], fresh[name][1 - cut[1]])
    place = "network.hoi.0.place.weight"
    assert torch.equal(after[place].view(2, 4, -1)[cut[1]], before[place].view(3, 4, -1)[cut[0]])
    for name in ("network.pose.0.attention.weight", "network.hoi.1.first.hoi.weight"):
        assert torch.equal(after[name][:, :16], before[name][:, :16])  # what H_mid brings
        assert torch.equal(after[name][:, 16 + cut[1]], before[name][:, 16 + cut[0]])
        assert torch.equal(after[name][:, 16 + 1 - cut[1]], fresh[name][:, 16 + 1 - cut[1]])
    assert not [name for name in new if ".stem." in name or ".block." in name]


def pictures(folder: Path, count: int = 6) -> Path:
    """People of two colours, who cut a cup at the right or push one."""
    rng = np.random.default_rng(0)
    found = []
    for number in range(count):
        pixels = rng.integers(0, 60, (96, 128, 3)).astype(np.uint8)
        pixels[10:90, 10:50] = (200, 40, 40) if number % 2 else (40, 40, 200)
        pixels[30:50, 60:80] = (40, 200, 40)
        keypoints = np.full((2, 17, 3), np.nan, np.float32)
        keypoints[0] = np.stack([np.linspace(12, 48, 17), np.linspace(12, 88, 17), np.full(17, 2)], 1)
        verb = "cut" if number % 2 else "push"
        found.append(
            Interactions(
                np.array([[10, 10, 50, 90], [60, 30, 80, 50]], np.float32), [0, 1], [0], [1],
                [PLAIN.verb_index(verb)], PLAIN, file=f"{number}.png", width=128, height=96, keypoints=keypoints,
                scored=False,
            )
        )  # fmt: skip
        Image.fromarray(pixels).save(folder / f"{number}.png")
    (folder / "plain.json").write_text(json.dumps(PLAIN.to_dict()))
    write(InteractionTable.from_list(found), folder / "annotations.jsonl")
    return folder / "annotations.jsonl"


def recipe(root: Path, output: Path, **changes: Any) -> Any:
    data = {
        "dataset": "own",
        "root": str(root),
        "vocabulary": str(root.parent / "plain.json"),
        "holdout": 0,
        "workers": 0,
    }
    content = {
        "name": "turbo", "system": "turbo", "output": str(output), "start": "scratch", "epochs": 30, "batch_size": 6,
        "accelerator": "cpu", "validate_every": 30,
        "data": data,
        "model": config(stages=2, detection=False).model_dump(mode="json"),
        "proposals": {"jittered": 1, "mirror": 0},
        "optimiser": {"algorithm": "adamw", "learning_rate": 3e-3, "reference_batch": 6},
        "schedule": {"kind": "constant"},
    }  # fmt: skip
    return validate_config({**content, **changes})


def test_it_learns_and_goes_on_with_frozen_features(tmp_path: Path) -> None:
    root = pictures(tmp_path)
    weights = train(recipe(root, tmp_path))
    rows = (weights.parent / "log.csv").read_text().splitlines()
    last = dict(zip(rows[0].split(","), rows[-1].split(","), strict=True))
    assert float(last["score"]) == 1
    first = dict(zip(rows[0].split(","), rows[1].split(","), strict=True))
    assert float(last["pose_2"]) < float(first["pose_2"])
    best = interplay.load_model(str(weights)).predict(tmp_path / "1.png", detections=_given())
    assert best.triplets()[0].phrase == "cutting a cup"
    changes = {"start": "weights", "start_file": str(weights), "features": "frozen", "name": "frozen", "epochs": 2}
    again = train(recipe(root, tmp_path, **changes, validate_every=2))
    before, after = (interplay.load_model(str(path)).state_dict() for path in (weights, again))
    same = {name: torch.equal(value, after[name]) for name, value in before.items()}
    assert all(same[name] for name in same if ".stem." in name)
    assert not same["network.hoi.0.act.weight"]


def _given() -> Detections:
    boxes = np.array([[10, 10, 50, 90], [60, 30, 80, 50]], np.float32)
    return Detections(boxes, np.array([0, 1]), np.ones(2, np.float32), objects=PLAIN.objects)


def test_commands_give_poses_and_explain_them(tmp_path: Path) -> None:
    root = pictures(tmp_path, count=2)
    Turbo(PLAIN, config(stages=2)).save(tmp_path / "turbo.safetensors")
    model, image = ["--model", str(tmp_path / "turbo.safetensors")], str(tmp_path / "1.png")
    found = tmp_path / "found.jsonl"
    assert main(["detect", image, *model, "--boxes", str(root), "--output", str(found), "--min-score", "0"]) == 0
    [result] = interplay.read(found, PLAIN)
    assert np.isfinite(result.keypoints[0]).all()
    drawn = tmp_path / "why.png"
    arguments = ["explain", image, *model, "--detector", str(root), "--output", str(drawn), "--top-k", "1"]
    assert main([*arguments, "--min-score", "0"]) == 0
    assert Image.open(drawn).width > 5 * 100  # two panels a stage, and the interaction


def test_a_faster_rcnn_of_torchvision_begins_stem_and_detection_branch(tmp_path: Path) -> None:
    from torchvision.models import resnet50

    torch.manual_seed(1)
    given = {f"backbone.body.{name}": value for name, value in resnet50().state_dict().items() if "fc." not in name}
    given["rpn.head.cls_logits.weight"] = torch.zeros(3, 256, 1, 1)
    torch.save({"model": given}, tmp_path / "detector.pth")
    small = TurboConfig.model_validate({"network": {**SMALL, "backbone": "resnet50", "stages": 1}})
    model = Turbo(WORLD, small)
    asked = recipe(
        pictures(tmp_path, count=1),
        tmp_path,
        model=small.model_dump(mode="json"),
        start="backbone",
        start_file=str(tmp_path / "detector.pth"),
    )
    new = initialise(model, asked)
    for ours, theirs in (("stem.resnet.layer3.5", "layer3.5"), ("detection.block.2", "layer4.2")):
        found = model.state_dict()[f"network.{ours}.conv2.weight"]
        assert torch.equal(found, given[f"backbone.body.{theirs}.conv2.weight"])
    assert not [name for name in new if ".stem." in name or ".detection.block." in name]
    assert "network.detection.classify.weight" in new


def test_recipes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    root = pictures(tmp_path)
    for changes, problem in (
        ({"start": "backbone"}, "needs a start_file"),
        ({"start": "published"}, "nobody published"),
        ({"features": "frozen"}, "features that were learnt"),
    ):
        with pytest.raises(InterplayError, match=problem):
            recipe(root, tmp_path, **changes)

"""TIN's losses, sampling and schedules against outputs of the published code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from interplay.models.tin.losses import (
    LossWeights,
    TrainModule,
    VcocoTargets,
    chosen_terms,
    hico_losses,
    part_losses,
    vcoco_losses,
)
from interplay.models.tin.network import TinOutputs


@pytest.fixture(scope="module")
def folder(goldens: Path) -> Path:
    return goldens / "tin"


def _json(path: Path) -> Any:
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def losses(folder: Path) -> dict[str, torch.Tensor]:
    with np.load(folder / "losses.npz") as stored:
        return {name: torch.from_numpy(np.asarray(stored[name])) for name in stored.files}


def _scores(losses: dict[str, torch.Tensor], case: str) -> TinOutputs:
    prefix = f"{case}/in/"
    names = [name.removeprefix(prefix) for name in losses if name.startswith(f"{prefix}cls_score")]
    return TinOutputs({name: losses[prefix + name].clone().requires_grad_() for name in names})


def _compare(
    losses: dict[str, torch.Tensor],
    case: str,
    scores: TinOutputs,
    terms: dict[str, torch.Tensor],
    names: dict[str, str],
) -> None:
    for ours, published in names.items():
        torch.testing.assert_close(terms[ours], losses[f"{case}/loss/{published}"], rtol=0, atol=1e-5)
    summed = torch.stack(list(terms.values())).sum()
    torch.testing.assert_close(summed, losses[f"{case}/loss/total_loss"], rtol=0, atol=1e-5)
    summed.backward()
    for name, logits in scores.scores.items():
        torch.testing.assert_close(logits.grad, losses[f"{case}/grad_total/{name}"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("case", ["hico0", "hico1"])
def test_losses_of_hico(losses: dict[str, torch.Tensor], case: str) -> None:
    scores = _scores(losses, case)
    given = {name: losses[f"{case}/in/{name}"] for name in ("gt_class_HO", "binary_label", "H_num")}
    terms = hico_losses(
        scores, given["gt_class_HO"], given["binary_label"], int(given["H_num"]), LossWeights.published("hico")
    )
    names = {"human": "H", "object": "O", "spatial": "sp", "interactiveness": "binary"}
    _compare(losses, case, scores, terms, {ours: f"{name}_cross_entropy" for ours, name in names.items()})


@pytest.mark.parametrize("case", ["vcoco0", "vcoco1"])
def test_losses_of_vcoco(losses: dict[str, torch.Tensor], case: str) -> None:
    scores = _scores(losses, case)
    targets = VcocoTargets(*(losses[f"{case}/in/{name}"] for name in (
        "gt_class_H", "gt_class_HO", "gt_class_sp", "Mask_HO", "Mask_sp", "binary_label")))  # fmt: skip
    terms = vcoco_losses(scores, targets, LossWeights.published("v-coco"))
    torch.testing.assert_close(terms["human"], 2 * losses[f"{case}/loss/H_cross_entropy"], rtol=0, atol=1e-5)
    names = {"object": "HO", "spatial": "sp", "interactiveness": "binary"}
    _compare(losses, case, scores, terms, {ours: f"{name}_cross_entropy" for ours, name in names.items()})


@pytest.mark.parametrize("case", ["part0", "part1"])
def test_losses_of_parts(losses: dict[str, torch.Tensor], case: str) -> None:
    scores = _scores(losses, case)
    terms = part_losses(scores, losses[f"{case}/in/binary_label"], LossWeights.published("hico").binary)
    names = {"interactiveness": "binary_cross_entropy", "parts": "binary_all_cross_entropy", "agreement": "mse"}
    _compare(losses, case, scores, terms, names)


def test_class_weights(folder: Path) -> None:
    published = _json(folder / "loss_weights.json")
    hico, vcoco = LossWeights.published("hico"), LossWeights.published("v-coco")
    assert vcoco.human is not None
    pairs = [
        (hico.interactions, published["hico"]["HO_weight"]), (hico.binary, published["part"]["binary_weight"]),
        (vcoco.interactions, published["vcoco"]["HO_weight"]), (vcoco.human, published["vcoco"]["H_weight"]),
        (vcoco.binary, published["vcoco"]["binary_weight"]),
    ]  # fmt: skip
    for ours, expected in pairs:
        np.testing.assert_allclose(ours.numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize(("module", "kept"), [("interactiveness", 1), ("instances", 2), ("streams", 3), ("all", 4)])
def test_what_is_minimised(losses: dict[str, torch.Tensor], module: TrainModule, kept: int) -> None:
    scores = _scores(losses, "hico1")
    target, binary = losses["hico1/in/gt_class_HO"], losses["hico1/in/binary_label"]
    terms = chosen_terms(hico_losses(scores, target, binary, 5, LossWeights.published("hico")), module)
    torch.stack(list(terms.values())).sum().backward()
    reached = {name for name, logits in scores.scores.items() if logits.grad is not None}
    assert len(reached) == kept
    assert ("cls_score_binary" in reached) == (module in ("interactiveness", "all"))

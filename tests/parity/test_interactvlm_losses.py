"""InteractVLM's losses against values and gradients of the published code."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from interplay.body.lifting import lift_human, lift_object, lift_points
from interplay.models.interactvlm.losses import RELEASED, ContactSample, affordance_loss, contact_losses

TERMS = ("mask_bce", "mask_dice", "mask_l2", "hC", "oC", "oA", "total")
Case = tuple[list[ContactSample], dict[str, Any]]


@pytest.fixture(scope="module")
def published(goldens: Path) -> dict[str, Any]:
    return json.loads((goldens / "interactvlm" / "losses.json").read_text())


@pytest.fixture(scope="module")
def arrays(goldens: Path) -> dict[str, Tensor]:
    stored = np.load(goldens / "interactvlm" / "losses.npz")
    return {name: torch.from_numpy(stored[name]) for name in stored.files}


@pytest.fixture(scope="module")
def samples(goldens: Path, arrays: dict[str, Tensor]) -> Callable[[str], list[ContactSample]]:
    sphere = np.load(goldens / "interactvlm" / "lift_icosphere_human.npz")
    table = [torch.from_numpy(sphere[name]) for name in ("pix_to_face", "bary", "faces")]
    count = len(sphere["vertices"])

    def lift(function: Callable, logits: Tensor) -> Tensor:
        return function(logits, *table, count)

    body, thing = partial(lift, lift_human), partial(lift, lift_object)

    def points(logits: Tensor) -> Tensor:
        return lift_points(logits.sigmoid(), arrays["pixel_to_point"], len(arrays["gt_afford"]))

    everywhere = torch.from_numpy(sphere["mask_min2"]).to(torch.int8)
    everywhere[table[0] < 0] = -1  # the stored masks have one view without contact
    some, contact = arrays["gt_masks_h"], arrays["gt_contact_3d"]

    def logits(index: int) -> Tensor:
        return arrays[f"logits{index}"].float().requires_grad_()

    def make(case: str) -> list[ContactSample]:
        first = ContactSample("damon_hcontact", logits(0), some, body, contact)
        second = ContactSample("lemon_hcontact", logits(1), everywhere, body, 1 - contact)
        touched = ContactSample("pico_ocontact", logits(2), everywhere, thing, contact)
        afforded = ContactSample("piad_oafford", logits(3), arrays["heat"].float(), points, arrays["gt_afford"])
        return {
            "hcontact": [first],
            "hcontact_full": [replace(second, target=contact)],
            "hcontact_scale1000": [first],
            "batch_two_hcontact": [first, second],
            "ocontact": [touched],
            "oafford": [afforded],
            "mixed": [first, touched, afforded],
        }[case]

    return make


CASES = ["hcontact", "hcontact_full", "hcontact_scale1000", "batch_two_hcontact", "ocontact", "oafford", "mixed"]


@pytest.mark.parametrize("case", CASES)
def test_terms_and_gradients_are_the_published_ones(
    samples: Callable, published: dict[str, Any], arrays: dict[str, Tensor], case: str
) -> None:
    wanted = published[case]
    weights = replace(RELEASED, dice_scale=wanted["dice_loss_scale"])
    batch = samples(case)
    losses = contact_losses(batch, weights, published_behaviour=True)
    for term in TERMS:
        assert losses[term].item() == pytest.approx(wanted[term], rel=1e-5, abs=1e-7), term
    gradients = torch.autograd.grad(losses["total"], [sample.logits for sample in batch])
    for gradient, norm in zip(gradients, wanted["grad_norm_per_sample"]["total"], strict=True):
        assert gradient.norm().item() == pytest.approx(norm, rel=1e-4)
    torch.testing.assert_close(gradients[0], arrays[f"{case}_grad_total_sample0"], rtol=1e-4, atol=1e-8)


def test_generic_data_have_one_dice_over_all_views(samples: Callable, published: dict[str, Any]) -> None:
    (sample,) = samples("hcontact")
    losses = contact_losses([ContactSample("damon_h2dcontact", sample.logits, sample.masks.clamp(min=0))])
    for term in ("mask_bce", "mask_dice", "total"):
        assert losses[term].item() == pytest.approx(published["generic"][term], rel=1e-5)


def test_affordance_learns_unless_told_to_do_as_published(samples: Callable, published: dict[str, Any]) -> None:
    (sample,) = samples("oafford")
    scores = sample.lift(sample.logits)
    loss = affordance_loss(scores[None], sample.target[None])
    intended = published["oafford_3d_intended"]
    assert loss.item() == pytest.approx(intended["loss"], rel=1e-5)
    (gradient,) = torch.autograd.grad(loss, sample.logits, retain_graph=True)
    assert gradient.norm().item() == pytest.approx(intended["grad_norm"], rel=1e-4)
    assert contact_losses([sample])["oA"].item() == pytest.approx(3 * intended["loss"], rel=1e-5)

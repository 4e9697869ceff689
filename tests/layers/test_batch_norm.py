"""Batch normalisation over a handful of values: gradients stay small where images are small and batches too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from interplay.layers.dla import DLABackbone
from interplay.layers.hourglass import HOURGLASS_104_REPEATS, HourglassBackbone
from interplay.layers.residual import FEWEST_VALUES, BatchNorm


def narrow_hourglass() -> HourglassBackbone:
    """As deep as hourglass-104."""
    return HourglassBackbone(widths=(64,) * 6, repeats=HOURGLASS_104_REPEATS, stem=16)


def narrow_dla() -> DLABackbone:
    return DLABackbone(widths=(8, 16, 64, 64, 64, 64))


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize(("build", "side"), [(narrow_hourglass, 128), (narrow_dla, 32)])
def test_fresh_backbones_learn_from_maps_of_one_pixel(build: Callable[[], nn.Module], side: int, batch: int) -> None:
    torch.manual_seed(0)
    backbone = build()
    stacks = backbone(torch.randn(batch, 3, side, side))
    sum((maps[-1] * torch.randn_like(maps[-1])).mean() for maps in stacks).backward()
    norms = [p.grad.double().norm() for p in backbone.parameters() if p.grad is not None]
    assert torch.stack(norms).norm() < 200  # up to 1e12 with the statistics of two values


def test_few_values_are_normalised_as_in_evaluation() -> None:
    torch.manual_seed(0)
    norm = BatchNorm(3)
    for _ in range(5):
        norm(torch.randn(4, 3, 5, 5) * 2 + 1)
    few, kept = torch.randn(FEWEST_VALUES - 1, 3, 1, 1), norm.running_mean.clone()
    found = norm(few)
    assert torch.equal(norm.running_mean, kept)
    assert torch.equal(found, norm.eval()(few))
    found.sum().backward()
    assert (norm.weight.grad != 0).all()


def test_enough_values_are_normalised_as_ever() -> None:
    torch.manual_seed(0)
    ours, theirs = BatchNorm(3), nn.BatchNorm2d(3)
    values = torch.randn(2, 3, 2, FEWEST_VALUES // 4)
    assert torch.equal(ours(values), theirs(values))
    torch.testing.assert_close(ours.state_dict(), theirs.state_dict())

"""Folded batch normalisation changes nothing but the cost."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from interplay.layers.dla import DLABackbone
from interplay.layers.folding import fold_batch_norms
from interplay.layers.hourglass import HourglassBackbone


@pytest.mark.parametrize(
    "backbone",
    [
        lambda: HourglassBackbone(widths=(8, 12, 16), repeats=(2, 1, 2), stacks=2, stem=4),
        lambda: DLABackbone(widths=(4, 4, 8, 8, 12, 16)),
    ],
)
def test_same_result_without_normalisations(backbone: type[nn.Module]) -> None:
    torch.manual_seed(0)
    model = backbone()
    images = torch.randn(2, 3, 64, 96)
    for _ in range(3):
        model(images)  # running statistics that are not trivial
    model.eval()
    with torch.no_grad():
        expected = model(images)
        actual = fold_batch_norms(model)(images)
    for stack, folded in zip(expected, actual, strict=True):
        for maps, same in zip(stack, folded, strict=True):
            torch.testing.assert_close(same, maps, rtol=1e-3, atol=1e-4)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in model.modules())

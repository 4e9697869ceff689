"""Deformable convolution: the fast way gives what torchvision gives."""

from __future__ import annotations

import pytest
import torch
from torchvision.ops import deform_conv2d

from interplay.layers import deformable
from interplay.layers.deformable import SelfDeformConv2d, modulated_deform_conv2d, sample_and_multiply


@pytest.mark.parametrize("spread", [0.0, 2.0, 50.0, 1e12])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_gathered_rows_give_the_same(kernel: int, spread: float) -> None:
    torch.manual_seed(0)
    points = kernel * kernel
    x, mask = torch.randn(2, 4, 7, 9), torch.rand(2, points, 7, 9)
    offset = torch.randn(2, 2 * points, 7, 9) * spread
    weight, bias = torch.randn(6, 4, kernel, kernel), torch.randn(6)
    expected = deform_conv2d(x, offset.clamp(-1e6, 1e6), weight, bias, padding=kernel // 2, mask=mask)
    torch.testing.assert_close(sample_and_multiply(x, offset, mask, weight, bias), expected, rtol=1e-4, atol=1e-4)


def test_more_pixels_than_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deformable, "PIXELS_PER_BLOCK", 100)
    torch.manual_seed(0)
    x, offset, mask = torch.randn(3, 2, 21, 33), torch.randn(3, 18, 21, 33), torch.rand(3, 9, 21, 33)
    weight = torch.randn(2, 2, 3, 3)
    expected = deform_conv2d(x, offset, weight, None, padding=1, mask=mask)
    with torch.no_grad():
        actual = sample_and_multiply(x, offset, mask, weight, None)
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)


def test_whole_positions_at_the_border_keep_their_value() -> None:
    x = torch.arange(6.0).view(1, 1, 2, 3)
    identity, one = torch.ones(1, 1, 1, 1), torch.ones(1, 1, 2, 3)
    right = torch.tensor([0.0, 1.0]).view(1, 2, 1, 1).expand(1, 2, 2, 3)  # dy, dx
    shifted = modulated_deform_conv2d(x, right.contiguous(), one, identity, None)
    assert shifted.flatten().tolist() == [1, 2, 0, 4, 5, 0]


@pytest.mark.parametrize("spread", [0.0, 2.0])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_gradients_are_the_same(kernel: int, spread: float) -> None:
    """Also for whole positions, where interpolation has a kink: training starts there."""
    torch.manual_seed(0)
    points = kernel * kernel
    inputs = [
        torch.randn(2, 3, 6, 7), torch.randn(2, 2 * points, 6, 7) * spread, torch.rand(2, points, 6, 7),
        torch.randn(4, 3, kernel, kernel), torch.randn(4),
    ]  # fmt: skip
    for tensor in inputs:
        tensor.requires_grad_()
    x, offset, mask, weight, bias = inputs
    expected = deform_conv2d(x, offset, weight, bias, padding=kernel // 2, mask=mask)
    ours = modulated_deform_conv2d(*inputs)
    upstream = torch.randn_like(expected)
    for a, b in zip(
        torch.autograd.grad(ours, inputs, upstream), torch.autograd.grad(expected, inputs, upstream), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def test_starts_as_half_a_plain_convolution() -> None:
    """Before training the points form the regular grid and count half."""
    torch.manual_seed(0)
    layer, x = SelfDeformConv2d(3, 5, 3), torch.randn(1, 3, 8, 8)
    plain = torch.nn.functional.conv2d(x, layer.convolution.weight, padding=1) / 2
    torch.testing.assert_close(layer(x), plain, rtol=1e-4, atol=1e-5)


def test_gradients_reach_points_and_weights() -> None:
    layer = SelfDeformConv2d(2, 2, 3)
    layer(torch.randn(1, 2, 6, 6)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in layer.parameters())

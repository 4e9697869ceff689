"""Folding batch normalisation into the convolution before it, for inference."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

from interplay.layers.deformable import ModulatedDeformConv2d, SelfDeformConv2d

Module = TypeVar("Module", bound=nn.Module)


@torch.no_grad()
def fold_batch_norms(module: Module) -> Module:
    """Fold every `nn.BatchNorm2d` that follows a convolution in an `nn.Sequential` into that convolution.

    Changes the module in place, puts it into evaluation mode and returns it. The result computes the same with fewer
    passes over memory; it cannot be trained or saved as a checkpoint any more.
    """
    module.eval()
    for sequence in [m for m in module.modules() if isinstance(m, nn.Sequential)]:
        layers = list(sequence)
        for i, norm in enumerate(layers[1:], 1):
            before = layers[i - 1]
            if isinstance(before, SelfDeformConv2d):
                before = before.convolution
            if isinstance(norm, nn.BatchNorm2d) and isinstance(before, (nn.Conv2d, ModulatedDeformConv2d)):
                _fold(before, norm)
                sequence[i] = nn.Identity()
    return module


def _fold(convolution: nn.Conv2d | ModulatedDeformConv2d, norm: nn.BatchNorm2d) -> None:
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    gain = (variance + norm.eps).rsqrt() * norm.weight
    bias = torch.zeros_like(mean) if convolution.bias is None else convolution.bias
    convolution.weight.mul_(gain[:, None, None, None])
    convolution.bias = nn.Parameter((bias - mean) * gain + norm.bias, requires_grad=False)

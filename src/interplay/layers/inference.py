"""Making a network as fast as it can be where it only predicts."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

from interplay.layers.folding import fold_batch_norms
from interplay.layers.resnet import fold_frozen_batch_norm

Module = TypeVar("Module", bound=nn.Module)


def prepare_for_inference(module: Module) -> Module:
    """Evaluation mode, no gradients, normalisations folded into convolutions, channels-last convolutions; in place.

    The network computes the same afterwards (up to rounding), and can no longer be trained, saved or loaded.
    """
    module.eval().requires_grad_(False)
    fold_batch_norms(module)
    fold_frozen_batch_norm(module)
    for convolution in module.modules():
        if isinstance(convolution, nn.Conv2d):
            convolution.to(memory_format=torch.channels_last)
    return module

"""TensorFlow's layout of weights -> torch's.

TensorFlow stores a convolution's kernel as (height, width, in, out) and a dense layer's as (in, out); torch has (out,
in, height, width) and (out, in). All else is the same.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_KERNELS = ("weights", "kernel")  # TF-slim's and Keras' last part of a name
_SLOTS = ("Momentum", "Adam", "Adam_1", "RMSProp", "ExponentialMovingAverage")
_LARGEST_WINDOW = 16


def is_weight(name: str) -> bool:
    """Whether a variable belongs to the network rather than to the optimiser, by its name."""
    return name.rpartition("/")[2] not in _SLOTS


def to_torch(variables: Mapping[str, NDArray]) -> dict[str, Tensor]:
    """TensorFlow's variables as torch tensors of the same names in torch's layout."""
    return {name: torch.from_numpy(np.array(_turned(name, value), order="C")) for name, value in variables.items()}


def has_tensorflow_layout(state: Mapping[str, NDArray]) -> bool:
    """Whether arrays under TensorFlow's names have its layout: their kernels' square windows come first."""
    kernels = [value.shape for name, value in state.items() if _is_kernel(name) and value.ndim == 4]
    return (
        bool(kernels)
        and all(a == b <= _LARGEST_WINDOW for a, b, _, _ in kernels)
        and any(c != d for _, _, c, d in kernels)
    )


def _turned(name: str, value: NDArray) -> NDArray:
    if not _is_kernel(name):
        return value
    return value.transpose(3, 2, 0, 1) if value.ndim == 4 else value.T if value.ndim == 2 else value


def _is_kernel(name: str) -> bool:
    return name.rpartition("/")[2] in _KERNELS and "/" in name

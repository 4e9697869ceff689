"""A network as a function of plain tensors, which is what other runtimes take; see `HoiModel.export_forward`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

PlainForward: TypeAlias = Callable[..., tuple[Tensor, ...]]
"""From the tensors that `HoiModel.plain_inputs` lists to those that `HoiModel.plain_outputs` names."""


@dataclass(frozen=True)
class PlainTensor:
    """An input of a plain network.

    Attributes:
        name: what it is called.
        shape: of each axis its length, or what it counts: ``batch``, ``height`` and ``width`` of images, which an
            exported file may fix, and others, such as ``pairs``, which always may have any length.
        dtype: of its numbers; `torch.float32` stands for the type of the network's parameters.
        divisor: of height and width.
    """

    name: str
    shape: tuple[int | str, ...]
    dtype: torch.dtype = torch.float32
    divisor: int = 1

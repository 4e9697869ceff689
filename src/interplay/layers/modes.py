"""How a network runs: evaluation mode, and the number of threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; the previous mode comes back afterwards."""
    training = model.training
    if _any_in_training(model):
        model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        if training:
            model.train()


def _any_in_training(model: nn.Module) -> bool:
    """Whether a part is in training mode; asking takes a small part of the time of setting the mode of all parts."""
    parts = [model]
    while parts:
        part = parts.pop()
        if part.training:
            return True
        parts.extend(part.children())
    return False


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch on one CPU thread, for a network so small that threads cost more than they bring.

    On a machine with other work, waiting for them takes a hundred times as long as the network itself.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)

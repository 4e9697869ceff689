"""What the sums of a loss are divided by when a training step is computed in several parts.

A step may be divided over processes and, in each, over batches whose gradients are accumulated. Dividing each part by
its own counts would weigh a pair (a box, a point) in a part with few of them more than one in a part with many.
Dividing by the mean count of all parts makes the mean of the parts' losses the loss of the whole.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, distributed


@dataclass(frozen=True)
class LossNormaliser:
    """Counts of a training step.

    Attributes:
        mean: (..., K) mean over the parts of each of K counts.
        parts: how many parts there are.
    """

    mean: Tensor
    parts: int = 1

    def floor(self, value: float) -> float:
        """A constant that is added to, or stands for, a count of the whole step, as it is for the mean."""
        return value / self.parts


def process_count() -> int:
    """Processes of a distributed training; 1 if it is not distributed."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def over_processes(counts: Tensor, parts: int = 1) -> LossNormaliser:
    """The counts of a step from those of this process.

    Args:
        counts: sums over this process's parts.
        parts: how many these are.
    """
    processes = process_count()
    if processes > 1:
        counts = counts.clone()
        distributed.all_reduce(counts)
    return LossNormaliser(counts / (processes * parts), processes * parts)

"""One change of the weights: the parts of a batch, their counts, the loss of each, and whether all of it is finite."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from interplay.layers.normalisers import LossNormaliser, over_processes
from interplay.training.loading import LoadedPart
from interplay.training.optimisers import clip_each_gradient
from interplay.training.sections import OptimiserConfig
from interplay.training.task import TrainingTask


@dataclass(frozen=True)
class StepResult:
    """What a step found, the same in every process.

    Attributes:
        terms: of the loss of the whole batch.
        gradient_norm: before clipping.
    """

    terms: dict[str, float]
    gradient_norm: float

    def broken(self, allow_overflow: bool) -> list[str]:
        """What is not a finite number: terms of the loss, or ``gradient``.

        Args:
            allow_overflow: gradients may overflow, as with 16-bit floats, whose scale then falls.
        """
        names = [name for name, value in self.terms.items() if not math.isfinite(value)]
        if not names and not math.isfinite(self.gradient_norm) and not allow_overflow:
            names = ["gradient"]
        return names


class StepPart:
    """A batch with the counts of its step; not a dataclass, so that nobody looks for tensors in it."""

    def __init__(self, batch: Any, counts: LossNormaliser) -> None:
        self.batch, self.counts = batch, counts


class LossModule(nn.Module):
    """Network and loss as one module, as `DistributedDataParallel` wants it: tensors come out.

    The network runs in the training's precision, the loss in float32.

    Args:
        task: whose loss.
        network: the task's model, maybe compiled.
        autocast: the training's precision.
        device_type: ``cpu`` or ``cuda``.
    """

    def __init__(
        self,
        task: TrainingTask,
        network: nn.Module,
        autocast: Callable[[], AbstractContextManager[Any]],
        device_type: str,
    ) -> None:
        super().__init__()
        self.network = network
        self._task, self._autocast, self._device_type = task, autocast, device_type

    def forward(self, part: StepPart) -> dict[str, Tensor]:
        """The terms of the loss."""
        with torch.autocast(self._device_type, enabled=False):
            return self._task.loss(self._mixed, part.batch, part.counts)

    def _mixed(self, *inputs: Any) -> Any:
        with self._autocast():
            return self.network(*inputs)


def training_step(
    fabric: Fabric,
    task: TrainingTask,
    module: Any,
    optimiser: Any,
    parts: Sequence[LoadedPart],
    options: OptimiserConfig,
    allow_overflow: bool,
) -> StepResult:
    """Compute the gradients of a step and, if everything is finite, change the weights.

    Args:
        fabric: the processes.
        task: whose loss.
        module: a `LossModule`, wrapped by `fabric`.
        optimiser: wrapped by `fabric`.
        parts: this process's.
        options: how gradients are cut.
        allow_overflow: see `StepResult.broken`.
    """
    own = torch.stack([task.counts(part.batch) for part in parts]).sum(0).to(fabric.device)
    counts = over_processes(own, len(parts))
    optimiser.zero_grad()
    names: list[str] = []
    total: Tensor | None = None
    for i, part in enumerate(parts):
        batch = part.batch.to(fabric.device)
        with fabric.no_backward_sync(module, enabled=i + 1 < len(parts)):
            terms = module(StepPart(batch, counts))
            values = torch.stack(list(terms.values())) / len(parts)
            fabric.backward(values.sum())
        names = list(terms)
        total = values.detach() if total is None else total + values.detach()
    assert total is not None
    if fabric.world_size > 1:
        torch.distributed.all_reduce(total)
        total = total / fabric.world_size
    # infinity as a limit changes nothing, and tells the norm
    limit = options.clip_norm if options.clip_norm is not None else math.inf
    norm = fabric.clip_gradients(module, optimiser, max_norm=limit, error_if_nonfinite=False)
    assert norm is not None
    if options.clip_each is not None:
        clip_each_gradient(task.model.parameters(), options.clip_each)
    *values_now, norm_now = torch.cat([total, norm.detach().to(total).reshape(1)]).tolist()  # one wait for the device
    result = StepResult(dict(zip(names, values_now, strict=True)), norm_now)
    if not result.broken(allow_overflow):
        optimiser.step()
    return result

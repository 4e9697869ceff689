"""`TrainingTask`: what the loop needs to know of a system, and which systems there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from torch import Tensor, nn

from interplay.training.config import TrainConfig


class TrainingTask(Protocol):
    """A model with its data. The loop knows nothing else of a system.

    Attributes:
        model: the network to train, with its first weights.
        monitor: the validation figure by which the best weights are chosen; the higher, the better.
    """

    model: Any
    monitor: str

    @property
    def steps_per_epoch(self) -> int:
        """Number of batches in an epoch."""
        ...

    def batches(self, epoch: int) -> Iterator[Any]:
        """The batches of an epoch: dataclasses of tensors, the same for the same seed and epoch."""
        ...

    def loss(self, model: nn.Module, batch: Any) -> dict[str, Tensor]:
        """The terms of the loss, whose sum is minimised; `model` is the network as Fabric wraps it."""
        ...

    def validate(self, model: Any) -> dict[str, float]:
        """Figures on the validation images, `monitor` among them."""
        ...

    def finish(self, model: Any) -> dict[str, Any]:
        """What a weights file says about the model; may first choose what is chosen on validation images."""
        ...


def build_task(config: TrainConfig) -> TrainingTask:
    """The task of the configuration's system.

    Raises:
        InputError: its data are missing or hold nothing to learn.
    """
    from interplay.training.spatial import SpatialTask

    return {"tin-spatial": SpatialTask}[config.system](config)

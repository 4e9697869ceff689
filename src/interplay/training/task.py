"""What the loop needs to know of a system: `TrainingTask`, and its data, `TrainingData`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from interplay.layers.normalisers import LossNormaliser
from interplay.training.tables import Tables

if TYPE_CHECKING:
    from interplay.models.base import HoiModel

ExampleKey = tuple[int, int]
"""An example: (epoch, index of the image)."""

Example = TypeVar("Example")


class Batch(Protocol):
    """A dataclass of tensors, or of dataclasses of tensors."""

    def to(self, device: Any) -> Any:
        """The same on another device."""
        ...


class TrainingData(Protocol):
    """Examples by place: the same place gives the same example, in every process and after a restart."""

    def __len__(self) -> int:
        """Number of images."""
        ...

    def __getitem__(self, place: ExampleKey) -> Any:
        """One example.

        Raises:
            ImageError, MissingFileError: the image is broken or not there; it is left out, and counted.
        """
        ...

    def name(self, index: int) -> str:
        """What an image is called."""
        ...

    def order(self, epoch: int, batch_size: int) -> NDArray[np.int64]:
        """Indices of all images in the order of an epoch; each `batch_size` of them make a batch."""
        ...

    def collate(self, examples: Sequence[Any]) -> Any:
        """Examples as one batch; called in a worker process."""
        ...


class TrainingTask(Protocol):
    """A model with its data. The loop knows nothing else of a system.

    Attributes:
        model: the network to train, with its first weights.
        data: what it learns from.
        tables: the annotations that these come from, and those to validate on.
        monitor: the validation metric by which the best weights are chosen; the higher, the better.
        newly_initialised: names of the parameters that do not come from the file that training starts from.
    """

    newly_initialised: Sequence[str]
    model: HoiModel
    data: TrainingData
    tables: Tables
    monitor: str

    def parameter_groups(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """Trainable parameters by the names of ``config.optimiser.groups()``."""
        ...

    def counts(self, batch: Any) -> Tensor:
        """(K,) float: what the loss's sums are divided by, as far as a batch's targets tell (on any device).

        The loop adds these up over the parts of a step (processes and accumulated batches), so that a step is the
        same however it is divided.
        """
        ...

    def loss(self, network: Callable[..., Any], batch: Any, counts: LossNormaliser) -> dict[str, Tensor]:
        """The terms of the loss, whose sum is minimised.

        Args:
            network: `model`, maybe compiled, in the training's precision.
            batch: of `data`, on the network's device.
            counts: `counts` averaged over the parts of the step; with it, the mean of the parts' losses is the loss
                of the whole.
        """
        ...

    def validate(self, model: Any) -> dict[str, float]:
        """Figures on the validation images, `monitor` among them; called in every process, the same in all."""
        ...

    def finish(self, model: Any) -> dict[str, Any]:
        """What a weights file says beside the model's description, which may first choose on validation images."""
        ...


def shuffled(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """The usual `TrainingData.order`: a random one by seed and epoch."""
    return np.random.default_rng([seed, epoch]).permutation(count)

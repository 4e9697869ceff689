"""Processes, devices and precision: a configured Lightning Fabric."""

from __future__ import annotations

import os

from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy
from lightning_fabric.utilities.exceptions import MisconfigurationException

from interplay.errors import InputError
from interplay.training.sections import TrainConfig


def launch(config: TrainConfig) -> Fabric:
    """Start the processes that a configuration asks for; returns in each of them.

    Where ``torchrun`` has started them already, this process becomes one of these.

    Raises:
        InputError: such devices are not there.
    """
    several = config.nodes > 1 or config.devices not in (1, "auto") or int(os.environ.get("WORLD_SIZE", "1")) > 1
    # parts of a network may have no share in a loss, such as DLA's unused projections
    parallel = several or config.strategy == "ddp" or (config.devices == "auto" and _gpus(config) > 1)
    strategy = DDPStrategy(find_unused_parameters=True) if parallel else "auto"
    try:
        fabric = Fabric(
            accelerator=config.accelerator,
            devices=config.devices,
            num_nodes=config.nodes,
            strategy=strategy,
            precision=config.precision,
        )
    except (MisconfigurationException, RuntimeError, ValueError) as error:
        raise InputError(
            f"accelerator={config.accelerator}, devices={config.devices} cannot be used: {str(error).splitlines()[0]}"
        ) from None
    if parallel:
        fabric.launch()
    return fabric


def _gpus(config: TrainConfig) -> int:
    import torch

    return torch.cuda.device_count() if config.accelerator in ("auto", "cuda") else 0

"""Training: configurations, the loop, checkpoints.

The names load on first use: reading a weights file, for which `interplay.models.weights` suffices, must not import
the whole of Lightning Fabric.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interplay.training.config import load_config, validate_config
    from interplay.training.loop import train
    from interplay.training.sections import TrainConfig

__all__ = ["TrainConfig", "load_config", "train", "validate_config"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'interplay.training' has no attribute {name!r}")
    return getattr(import_module(f"interplay.training.{'loop' if name == 'train' else 'config'}"), name)

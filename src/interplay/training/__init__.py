"""Training: configurations, the loop, checkpoints.

The names load on first use: reading a weights file, for which `interplay.models.weights` suffices, must not import
the whole of Lightning Fabric.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interplay.lazy import lazy_names

if TYPE_CHECKING:
    from interplay.training.config import load_config, validate_config
    from interplay.training.loop import train
    from interplay.training.sections import TrainConfig

__all__ = ["TrainConfig", "load_config", "train", "validate_config"]

__getattr__ = lazy_names(
    __name__, {"TrainConfig": "sections", "load_config": "config", "train": "loop", "validate_config": "config"}
)

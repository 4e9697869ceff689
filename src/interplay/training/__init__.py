"""Training: configurations, the loop, checkpoints."""

from interplay.training.config import TrainConfig, load_config, validate_config
from interplay.training.loop import train

__all__ = ["TrainConfig", "load_config", "train", "validate_config"]

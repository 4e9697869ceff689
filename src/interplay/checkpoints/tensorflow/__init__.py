"""TensorFlow's checkpoint files, read without TensorFlow."""

from interplay.checkpoints.tensorflow.checkpoint import find_checkpoint, read_checkpoint

__all__ = ["find_checkpoint", "read_checkpoint"]

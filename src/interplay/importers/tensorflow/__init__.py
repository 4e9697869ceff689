"""TensorFlow's checkpoint files, read without TensorFlow."""

from interplay.importers.tensorflow.checkpoint import find_checkpoint, read_checkpoint

__all__ = ["find_checkpoint", "read_checkpoint"]

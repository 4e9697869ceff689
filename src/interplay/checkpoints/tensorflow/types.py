"""TensorFlow's number types and shapes in its protocol buffers (``types.proto``, ``tensor_shape.proto``)."""

from __future__ import annotations

from collections.abc import Mapping

from interplay.checkpoints.tensorflow.table import DamagedError, fields

DTYPES: Mapping[int, str] = {
    1: "f4", 2: "f8", 3: "i4", 4: "u1", 5: "i2", 6: "i1", 9: "i8", 10: "?", 17: "u2", 19: "f2", 22: "u4", 23: "u8",
}  # fmt: skip
"""Number of a type -> numpy's name; text, complex and quantised numbers are no weights and left out."""

_MOST_AXES = 32  # numpy's limit


def read_shape(message: memoryview) -> tuple[int, ...]:
    """The shape of a tensor.

    Raises:
        DamagedError: unknown or impossible.
    """
    shape = []
    for number, value in fields(message):
        if number == 2 and isinstance(value, memoryview):
            sizes = [size for field, size in fields(value) if field == 1 and isinstance(size, int)]
            shape.append(sizes[0] if sizes else 0)
    if len(shape) > _MOST_AXES or any(size >= 1 << 40 for size in shape):
        raise DamagedError(f"a tensor has the shape {shape[:8]}")
    return tuple(shape)

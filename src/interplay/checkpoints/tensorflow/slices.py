"""Version 1 of TensorFlow's checkpoints: one table whose values are messages with the numbers inside.

The first value, under the empty key, says name, shape and type of every variable; each of the others holds one slice of
one variable (``saved_tensor_slice.proto``). Variables that were not partitioned have one slice, the whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from interplay.checkpoints.tensorflow.table import DamagedError, fields, varint
from interplay.checkpoints.tensorflow.types import DTYPES, read_shape
from interplay.errors import InputError

_REPEATED = {1: (5, "<f4"), 2: (6, "<f8"), 9: (10, None), 3: (7, None)}
"""Type -> the field of a TensorProto with its numbers, and their form in bytes (None: of variable length)."""


def read_slices(entries: Iterable[tuple[bytes, memoryview]], keep: Callable[[str], bool]) -> dict[str, NDArray]:
    """The variables of such a table.

    Raises:
        DamagedError: it holds something else.
        InputError: a variable in several slices.
    """
    declared: dict[str, tuple[int, tuple[int, ...]]] = {}
    found: dict[str, NDArray] = {}
    for key, value in entries:
        for number, message in fields(value):
            if not key and number == 1:
                declared = dict(_declared(_message(message)))
            elif key and number == 2:
                name, data = _slice(_message(message))
                if name not in declared:
                    raise DamagedError(f"holds numbers of {name!r}, which it does not declare")
                dtype, shape = declared[name]
                if dtype in _REPEATED and keep(name):
                    if name in found or math.prod(shape) != len(numbers := _numbers(data, dtype)):
                        raise InputError(f"{name} is stored in slices; save it from TensorFlow without a partitioner")
                    found[name] = numbers.reshape(shape)
    if not declared:
        raise DamagedError("declares no variables")
    return found


def _declared(message: memoryview) -> Iterable[tuple[str, tuple[int, tuple[int, ...]]]]:
    for number, value in fields(message):
        if number == 1:
            name, dtype = "", 0
            shape: tuple[int, ...] = ()
            for inner, content in fields(_message(value)):
                if inner == 1:
                    name = bytes(_message(content)).decode("utf-8", "replace")
                elif inner == 2:
                    shape = read_shape(_message(content))
                elif inner == 3 and isinstance(content, int):
                    dtype = content
            yield name, (dtype, shape)


def _slice(message: memoryview) -> tuple[str, memoryview]:
    """Name and TensorProto of a slice."""
    parts = dict(fields(message))
    return bytes(_message(parts.get(1, b""))).decode("utf-8", "replace"), _message(parts.get(3, memoryview(b"")))


def _numbers(tensor: memoryview, dtype: int) -> NDArray:
    """The numbers of a TensorProto, raw or as a repeated field."""
    wanted, form = _REPEATED[dtype]
    parts = []
    for number, value in fields(tensor):
        if number == 4 and isinstance(value, memoryview) and len(value):
            parts.append(np.frombuffer(value, "<" + DTYPES[dtype]))
        elif number == wanted and isinstance(value, memoryview):
            parts.append(np.frombuffer(value, form) if form else _integers(value, dtype))
        elif number == wanted and isinstance(value, int):  # one number alone, not packed
            raw = value.to_bytes(8, "little")
            parts.append(np.frombuffer(raw, form, 1) if form else np.array([value], "u8").astype(DTYPES[dtype]))
    return np.concatenate([np.zeros(0, DTYPES[dtype]), *parts]).astype(DTYPES[dtype], copy=False)


def _integers(packed: memoryview, dtype: int) -> NDArray:
    values, at = [], 0
    while at < len(packed):
        value, at = varint(packed, at)
        values.append(value & 0xFFFFFFFFFFFFFFFF)
    return np.array(values, np.uint64).astype(np.int64).astype(DTYPES[dtype])


def _message(value: int | memoryview | bytes) -> memoryview:
    if isinstance(value, int):
        raise DamagedError("holds a number in place of a message")
    return memoryview(value)

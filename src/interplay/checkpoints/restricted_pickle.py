"""Pickles of plain data, read without running anything.

A pickle can run code when it is opened. This reader makes nothing but numbers, text, lists, dicts and numpy arrays,
also those that Python 2 wrote, and refuses all else before it is imported.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError


def load_plain_pickle(path: Path) -> Any:
    """What a pickle holds.

    Raises:
        InputError: not a pickle, damaged, or holding more than plain data; says what.
    """
    try:
        return _PlainUnpickler(io.BytesIO(path.read_bytes()), encoding="latin1").load()
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise InputError(f"{path}: not a readable pickle: {error}") from None


def _scalar(dtype: np.dtype, data: Any = b"") -> float | int | bool:
    """A pickled numpy number; numpy's own function would also make objects."""
    return _from_buffer(_bytes(data), dtype, (1,))[0].item()


def _from_buffer(data: bytes, dtype: np.dtype, shape: tuple[int, ...], order: str = "C", axes: Any = None) -> NDArray:
    """An array as protocol 5 writes it."""
    if dtype.kind not in "biuf":
        raise InputError(f"holds values of type {dtype}, expected only numbers")
    array = np.frombuffer(data, dtype).reshape(shape, order="F" if order == "F" else "C")
    return array if axes is None else array.transpose(axes)


def _bytes(data: Any, encoding: str = "latin1") -> bytes:
    """Python 2 wrote bytes as text, and newer protocols write them as a call of ``codecs.encode``."""
    return data if isinstance(data, bytes) else data.encode("latin1")


def _array_maker(subtype: type, shape: tuple[int, ...], code: Any) -> NDArray:
    """An empty array for ``__setstate__`` to fill; numpy's own function would also make other types."""
    return np.ndarray.__new__(np.ndarray, (0,), "b")


_PLAIN: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _bytes,
    ("collections", "OrderedDict"): OrderedDict,
    ("collections", "defaultdict"): defaultdict,
}
for _core in ("numpy.core", "numpy._core"):  # before and since numpy 2
    _PLAIN[f"{_core}.multiarray", "_reconstruct"] = _array_maker
    _PLAIN[f"{_core}.multiarray", "scalar"] = _scalar
    _PLAIN[f"{_core}.numeric", "_frombuffer"] = _from_buffer


class _PlainUnpickler(pickle.Unpickler):
    """Makes plain data and numpy numbers only; anything else is refused before it is imported."""

    def find_class(self, module: str, name: str) -> Any:
        if name == "CacheTemplate":  # UPT's rows, a dict by another name
            return dict
        made = _PLAIN.get((module, name))
        if made is None:
            raise InputError(f"holds a {module}.{name}, which is not plain data; it was not opened")
        return made

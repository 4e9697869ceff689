"""Numbers in files of predictions, by one rule for every form.

A number must be finite, also as the float32 that it becomes: NaN, infinities and what is beyond 3.4e38 are refused. An
index or a class must be a whole number within its range; counting from the end is refused. Text, true, false and null
are no numbers. Where a form gives NaN or null a meaning ("no score", "no object"), its reader says so and takes these
out before. ``-0`` is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.containers.guard import brief
from interplay.errors import InputError

Rows = Sequence[Any] | NDArray[Any]
Where = Callable[[int], str]
"""Says which row of a file is meant, such as ``"entry 3: the score of interaction 0"``."""

_LARGEST = float(np.finfo(np.float32).max)


def finite_number(value: Any, where: str, nan: bool = False) -> float:
    """A finite number, also as float32; an array or list of one number counts as the number.

    Args:
        nan: whether NaN passes, and None as NaN.

    Raises:
        InputError: it is none; says `where`.
    """
    while isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    value = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
    try:
        number = float("nan") if isinstance(value, (str, bytes, bool, np.bool_)) or value is None else float(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    allowed = nan and (value is None or (isinstance(value, (float, np.floating)) and value != value))
    if not abs(number) <= _LARGEST and not allowed:
        raise InputError(f"{where}: expected a finite number, got {brief(value)}")
    return number + 0.0


def whole_number(value: Any, where: str, count: int | None = None) -> int:
    """A whole number, from 0 up to but without `count` where one is given; 5.0 is 5.

    Raises:
        InputError: it is none; says `where`.
    """
    exact = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    number = value if exact else finite_number(value, where)
    if number != int(number) or not -(2**63) <= number < 2**63:
        raise InputError(f"{where}: expected a whole number of 64 bits, got {brief(value)}")
    if count is not None and not 0 <= number < count:
        raise InputError(f"{where}: expected {_range(count)}, got {int(number)}")
    return int(number)


def finite_rows(
    values: Rows,
    width: int,
    where: Where,
    nan: bool = False,
    dtype: type[np.floating] = np.float32,
) -> NDArray[Any]:
    """Rows of numbers as an array, each checked as by `finite_number`.

    Args:
        values: N rows of `width` numbers each, or N numbers for a width of 1.
        where: says which row is meant.
        nan: whether NaN passes, and None as NaN.
        dtype: of the result.

    Returns:
        (N, width) of `dtype`.

    Raises:
        InputError: names the first row that does not fit.
    """
    if not len(values):
        return np.zeros((0, width), dtype)
    array = _array(values)
    if array.dtype.kind not in "iuf" or array.size != len(values) * width or _holds_truths(values):
        array = np.array([_row(value, width, where(i), nan) for i, value in enumerate(values)], np.float64)
    array = array.reshape(len(values), width).astype(np.float64)
    bad = np.flatnonzero(~((np.abs(array) <= _LARGEST) | (np.isnan(array) & nan)).all(axis=1))
    if len(bad):
        first = array[bad[0]].tolist()
        wanted, got = ("finite numbers", first) if width > 1 else ("a finite number", first[0])
        raise InputError(f"{where(int(bad[0]))}: expected {wanted}, got {brief(got)}")
    return (array + 0.0).astype(dtype)


def whole_rows(values: Rows, where: Where, count: int | None = None) -> NDArray[np.int64]:
    """Whole numbers as an array, each checked as by `whole_number`.

    Returns:
        (N,) int64.

    Raises:
        InputError: names the first one that does not fit.
    """
    array = _array(values)
    if isinstance(values, np.ndarray) and array.dtype.kind == "f" and array.ndim == 1:
        exact = np.abs(array) < 2**53
        array = array.astype(np.int64) if bool((exact & (array == np.rint(array))).all()) else array
    plain = array.dtype.kind == "i" and array.ndim == 1 and bool not in set(map(type, values))
    if plain and (count is None or bool(((array >= 0) & (array < count)).all())):
        return array.astype(np.int64)
    return np.array([whole_number(value, where(i), count) for i, value in enumerate(values)], np.int64)


def _array(values: Rows) -> NDArray[Any]:
    """Values as an array of whatever type; of objects where they differ in length."""
    try:
        return np.asarray(values)
    except (ValueError, TypeError, OverflowError):
        return np.zeros(0, object)


def _holds_truths(values: Rows) -> bool:
    """Whether true or false is among numbers, or among rows of numbers, where numpy would make 1 or 0 of it."""
    if isinstance(values[0], (list, tuple)):
        return bool in set(map(type, chain.from_iterable(values)))
    return bool in set(map(type, values))


def _row(value: Any, width: int, where: str, nan: bool) -> list[float]:
    if width == 1:
        return [finite_number(value, where, nan)]
    value = value.reshape(-1) if isinstance(value, np.ndarray) else value
    if not isinstance(value, (list, tuple, np.ndarray)) or len(value) != width:
        raise InputError(f"{where}: expected {width} numbers, got {brief(value)}")
    return [finite_number(number, where, nan) for number in value]


def _range(count: int) -> str:
    return f"0 to {count - 1}" if count else "none, for there are none"

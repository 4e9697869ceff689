"""numpy's ``.npy`` and ``.npz`` files: numbers only, never pickled objects, never more than the file can hold."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from interplay.containers.guard import check_unpacked, in_words, reading, regular_file
from interplay.errors import InputError

_LAST_CHARACTER = 0x10FFFF


def read_npy(path: str | os.PathLike[str]) -> NDArray:
    """The array in a ``.npy`` file.

    Raises:
        MissingFileError: there is none.
        InputError: not such a file, it holds objects, or its size is not the one that its header promises.
    """
    size = regular_file(path, "an .npy file")
    with reading(path, "an .npy file"), Path(path).open("rb") as stream:
        return _array(stream, size, str(path))


def read_npz(path: str | os.PathLike[str], wanted: Callable[[str], bool] | None = None) -> dict[str, NDArray]:
    """The arrays in an ``.npz`` file by name.

    Args:
        wanted: which names to read, by default all.

    Raises:
        MissingFileError: there is none.
        InputError: not such a file, it holds objects, or it would unpack to far more than its own size.
    """
    size = regular_file(path, "an .npz file")
    with reading(path, "an .npz file"), zipfile.ZipFile(path) as archive:
        members = [one for one in archive.infolist() if wanted is None or wanted(one.filename.removesuffix(".npy"))]
        check_unpacked(path, size, sum(one.file_size for one in members))
        found = {}
        for one in members:
            name = one.filename.removesuffix(".npy")
            with archive.open(one) as stream:
                found[name] = _array(stream, one.file_size, f"{path}: {name}")
        return found


def read_npy_bytes(data: bytes, where: str) -> NDArray | None:
    """The array in the bytes of a ``.npy`` file; None if it is one of objects.

    Raises:
        InputError: no such bytes.
    """
    try:
        return _array(io.BytesIO(data), len(data), where)
    except _ObjectsError:
        return None


class _ObjectsError(InputError):
    """An array of Python objects."""


def _array(stream: IO[bytes], size: int, where: str) -> NDArray:
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise InputError(f"{where}: an array in a format that this numpy does not know")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    if dtype.hasobject:
        raise _ObjectsError(f"{where}: holds Python objects, expected only numbers; it was not opened")
    expected = prod(shape) * dtype.itemsize
    if any(length < 0 for length in shape) or expected > size:
        raise InputError(f"{where}: an array {shape} of {dtype} has {in_words(expected)}, the file {in_words(size)}")
    data = bytearray(stream.read(expected))  # an array over it can be written to
    if len(data) != expected:
        raise InputError(f"{where}: ends early: {in_words(len(data))} of {in_words(expected)}")
    array = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
    array = array.astype(dtype.newbyteorder("="), copy=False)
    if array.dtype.kind == "U" and array.size and array.reshape(-1).view(np.uint32).max() > _LAST_CHARACTER:
        raise InputError(f"{where}: damaged: holds characters that do not exist")
    return array

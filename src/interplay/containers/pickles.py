"""Pickles of plain data, read without running anything that they bring along.

A pickle names functions and classes and has them called. Here every name is looked up in a short table of stand-ins
of our own, which make numbers, text, lists, dicts and numpy arrays, also those that Python 2 wrote, and tensors as
arrays. None of numpy's or torch's own constructors is in the table: a pickle may also call the ``__setstate__`` of
whatever it made, and that of ``numpy.dtype`` lets an array of objects be made of bytes, which is to say of addresses.
A file is read in a process of its own, with limits on memory and time.
"""

from __future__ import annotations

import io
import os
import pickle
import re
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.containers.arrays import read_npy_bytes
from interplay.containers.guard import brief, check_unpacked, count_values, is_flat, reason, regular_file
from interplay.containers.isolated import ReaderProcess, allow_import_of_torch, read_isolated
from interplay.errors import InputError

_KINDS = "biufSU"
_EXPANSION = 64
_SMALL = 1_000_000


def load_plain_pickle(path: str | os.PathLike[str], of_bodies: bool = False) -> Any:
    """What a pickle holds; dicts of any kind come as plain dicts, tensors as numpy arrays.

    An ``.npy`` file of objects is a pickle with a header before it, and gives lists.

    Args:
        of_bodies: as files of SMPL, which also hold sparse matrices of scipy and arrays of chumpy: these come as dicts
            of their fields (``data``, ``indices``, ``indptr``; ``x``).

    Raises:
        MissingFileError: there is no such file.
        InputError: not a pickle, damaged, or holding more than plain data; says what.
    """
    regular_file(path, "a pickle")
    return read_isolated("interplay.containers.pickles:_load", path, of_bodies, what="a pickle")


def load_plain_pickles(paths: Iterable[str | os.PathLike[str]]) -> Iterator[Any]:
    """What each of many pickles holds; see `load_plain_pickle`. One process reads them all."""
    with ReaderProcess("a pickle") as reader:
        for path in paths:
            regular_file(path, "a pickle")
            yield reader.read("interplay.containers.pickles:_load", path)


def _load(path: str, of_bodies: bool = False) -> Any:
    """Run in the process of its own."""
    try:
        return parse_plain_pickle(_without_npy_header(Path(path).read_bytes()), of_bodies)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def load_plain_npz(path: str | os.PathLike[str], wanted: Collection[str]) -> dict[str, Any]:
    """Some of the arrays in an ``.npz`` file by name; those of objects are pickles, and come as lists.

    Raises:
        MissingFileError: there is no such file.
        InputError: no such file, or holding more than plain data; says what.
    """
    regular_file(path, "an .npz file")
    return read_isolated("interplay.containers.pickles:_load_npz", path, sorted(wanted), what="an .npz file")


def _load_npz(path: str, wanted: list[str]) -> dict[str, Any]:
    """Run in the process of its own."""
    found = {}
    with zipfile.ZipFile(path) as archive:
        members = {one.filename.removesuffix(".npy"): one for one in archive.infolist()}
        members = {name: members[name] for name in wanted if name in members}
        check_unpacked(path, Path(path).stat().st_size, sum(one.file_size for one in members.values()))
        for name, one in members.items():
            data = archive.read(one)
            plain = read_npy_bytes(data, f"{path}: {name}")
            try:
                found[name] = parse_plain_pickle(_without_npy_header(data)) if plain is None else plain
            except InputError as error:
                raise InputError(f"{path}: {name}: {error}") from None
    return found


def _without_npy_header(data: bytes) -> bytes:
    """The pickle in an ``.npy`` file of objects; other content as it is."""
    if not data.startswith(b"\x93NUMPY") or len(data) < 12:
        return data
    wide = data[6] > 1  # format 1 has the header's length in two bytes, later ones in four
    return data[(12 if wide else 10) + int.from_bytes(data[8 : 12 if wide else 10], "little") :]


def parse_plain_pickle(data: bytes, of_bodies: bool = False) -> Any:
    """The value of a pickle's bytes, as `load_plain_pickle`, but in this process.

    Raises:
        InputError: as for `load_plain_pickle`, without a file's name.
    """
    try:
        value = _tidy(_unpickle(data, of_bodies), {})
        count_values(value, max(_SMALL, _EXPANSION * len(data)))
        return value
    except InputError:
        raise
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise InputError(reason(error, "a readable pickle")) from None


def parse_answer(data: bytes) -> Any:
    """What a reader process sends: as `parse_plain_pickle`, for content that was checked there already.

    Raises:
        InputError: it holds more than plain data.
    """
    return _unpickle(data)


def _tidy(value: Any, done: dict[int, Any]) -> Any:
    """The same with ordinary arrays for the stand-ins, and lists for arrays of objects; what is shared stays shared."""
    if isinstance(value, (_Type, _Maker)) or value is _Type:
        raise InputError("holds a type, which is not plain data")
    if isinstance(value, _Array) and value.dtype != object:
        return np.asarray(value)
    if not isinstance(value, (list, dict, tuple, _Array)):
        return value
    if id(value) not in done:
        if type(value) in (list, dict, tuple) and is_flat(value):  # most lists are: nothing to change
            return value
        if isinstance(value, dict):
            made: Any = {key: _tidy(entry, done) for key, entry in value.items()}
        elif isinstance(value, _Array):
            made = np.empty(value.size, object)
            made[:] = [_tidy(entry, done) for entry in value.ravel().tolist()]
            made = made.reshape(value.shape).tolist()
        else:
            made = type(value)([_tidy(entry, done) for entry in value])
        done[id(value)] = made
    return done[id(value)]


class _Type:
    """Stands for ``numpy.dtype``; its state is checked before numpy sees it."""

    def __init__(self, code: Any, align: Any = False, copy: Any = False) -> None:
        if not isinstance(code, (str, bytes)) or len(code) > 12:
            raise InputError(f"holds values of the type {brief(code)}, expected only numbers and text")
        self.dtype = np.dtype(code.decode("latin1") if isinstance(code, bytes) else code)
        if self.dtype.kind not in _KINDS + "O" or self.dtype.names or self.dtype.subdtype:
            raise InputError(f"holds values of type {self.dtype}, expected only numbers and text")

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) < 5 or any(part is not None for part in state[2:5]):
            raise InputError(f"holds values of the type {brief(state)}, expected only numbers and text")
        order = state[1].decode("latin1") if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "=", "|"):
            raise InputError(f"holds values in the byte order {brief(order)}")
        if self.dtype.kind in "SU" and len(state) > 5 and state[5] != self.dtype.itemsize and self.dtype.itemsize == 0:
            self.dtype = np.dtype((self.dtype.type, _length(state[5]) // (4 if self.dtype.kind == "U" else 1)))
        self.dtype = self.dtype if order == "|" else self.dtype.newbyteorder(order)  # type: ignore[arg-type]


class _Array(np.ndarray):
    """Stands for an array that is still to be filled; its state is checked before numpy sees it."""

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) not in (4, 5):
            raise InputError("holds an array whose content is not readable")
        shape, kind, fortran, data = state[-4:]
        shape = _shape(shape)
        if not isinstance(kind, _Type):
            raise InputError(f"holds an array of {brief(kind)}, expected numbers")
        if kind.dtype.kind == "O":
            if not isinstance(data, list) or len(data) != prod(shape):
                raise InputError("holds an array of objects whose content is no list of them")
        else:
            data = _bytes(data)
            if len(data) != prod(shape) * kind.dtype.itemsize:
                raise InputError(f"holds an array {shape} of {kind.dtype} with {len(data)} bytes")
        super().__setstate__((1, shape, kind.dtype, bool(fortran), data))  # type: ignore[arg-type]


class _Maker:
    """A function that a pickle may call. Its attributes cannot be set, as those of a plain function could."""

    __slots__ = ("_make",)
    _make: Callable[..., Any]

    def __init__(self, make: Callable[..., Any]) -> None:
        object.__setattr__(self, "_make", make)

    def __call__(self, *arguments: Any) -> Any:
        return self._make(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise InputError("sets attributes of a function, which plain data does not; it was not opened")

    def __setattr__(self, name: str, value: Any) -> None:
        raise InputError("sets attributes of a function, which plain data does not; it was not opened")


class _Mapping(dict[Any, Any]):
    """Stands for ``OrderedDict``, ``defaultdict`` with its factory, and their kin; ends as an ordinary dict."""

    __slots__ = ()

    def __init__(self, *arguments: Any) -> None:
        given = [one for one in arguments if not isinstance(one, _Maker) and one is not None]
        super().__init__(*given[:1])

    def __setstate__(self, state: Any) -> None:
        if state:
            raise InputError("holds a dict with attributes of its own, which is not plain data; it was not opened")


class _Fields(dict[str, Any]):
    """Stands for an object of a class that only holds arrays: its fields; ends as an ordinary dict."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
            raise InputError("holds an object whose fields have no names")
        self.update(state)


_OF_BODIES = re.compile(r"(scipy\.sparse(\.\w+)?|chumpy(\.\w+)?)$")
"""Modules whose classes `_Fields` stands for in files of bodies; none of them is imported."""


def _length(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value < 2**40:
        raise InputError(f"holds an array with a length of {brief(value)}")
    return value


def _shape(shape: Any) -> tuple[int, ...]:
    if not isinstance(shape, tuple) or len(shape) > 32:
        raise InputError(f"holds an array of the shape {brief(shape)}")
    return tuple(_length(length) for length in shape)


def _bytes(data: Any, encoding: Any = "latin1") -> bytes:
    """Python 2 wrote bytes as text, and newer protocols write them as a call of ``codecs.encode``."""
    if isinstance(data, str):
        return data.encode("latin1")
    if not isinstance(data, (bytes, bytearray)):
        raise InputError(f"holds {brief(data)} where bytes are expected")
    return bytes(data)


def _empty_array(subtype: Any, shape: Any, code: Any) -> NDArray:
    return _Array.__new__(_Array, (0,), "b")


def _from_buffer(data: Any, kind: Any, shape: Any, order: Any = "C", axes: Any = None) -> NDArray:
    """An array as protocol 5 writes it."""
    if not isinstance(kind, _Type) or kind.dtype.kind not in _KINDS:
        raise InputError("holds an array of objects, expected only numbers")
    array = np.frombuffer(_bytes(data), kind.dtype).reshape(_shape(shape), order="F" if order == "F" else "C")
    return array.copy() if axes is None else array.transpose(axes).copy()


def _scalar(kind: Any, data: Any = b"") -> Any:
    return _from_buffer(_bytes(data)[: kind.dtype.itemsize], kind, (1,))[0].item()


def _reconstructed(kind: Any, base: Any, state: Any = None) -> Any:
    """A dict or list of a class of its own, as the oldest protocols write it."""
    if kind is _Fields and state is None:
        return _Fields()
    if state is None or not isinstance(state, (dict, list)):
        raise InputError("holds an object of a class, which is not plain data; it was not opened")
    return state


def _path(*parts: Any) -> str:
    return "/".join(str(part) for part in parts)


def _storage(data: Any) -> Any:
    """The numbers of a torch tensor, stored as a torch file inside the pickle."""
    allow_import_of_torch()
    import torch

    stored = torch.load(io.BytesIO(_bytes(data)), map_location="cpu", weights_only=True)
    if not isinstance(stored, torch.TypedStorage):
        raise InputError("holds a tensor without numbers")
    numbers = torch.tensor([], dtype=stored.dtype).set_(stored)
    return (numbers.float() if numbers.dtype == torch.bfloat16 else numbers).numpy()  # numpy has no bfloat16


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *rest: Any) -> NDArray:
    """A torch tensor as an array."""
    if not isinstance(storage, np.ndarray):
        raise InputError("holds a tensor without numbers")
    size, stride, offset = _shape(tuple(size)), _shape(tuple(stride)), _length(offset)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if prod(size) and (last >= len(storage) or prod(size) > len(storage)):
        raise InputError(f"holds a tensor {size} that is larger than its numbers")
    steps = [step * storage.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], size, steps).copy()


def _parameter(tensor: Any, *rest: Any) -> NDArray:
    if not isinstance(tensor, np.ndarray):
        raise InputError("holds a parameter without numbers")
    return tensor


def _only_empty(make: Callable[[], Any]) -> Callable[..., Any]:
    """A type that is named as a ``defaultdict``'s factory, or called for an empty value."""

    def made(*arguments: Any) -> Any:
        if arguments and not (make is set and isinstance(arguments[0], (list, tuple))):
            raise InputError("calls a type, which plain data does not; it was not opened")
        return set(arguments[0]) if arguments else make()

    return made


_PLAIN: dict[tuple[str, str], Any] = {
    ("numpy", "dtype"): _Type,
    ("numpy", "ndarray"): _Maker(_empty_array),
    ("_codecs", "encode"): _Maker(_bytes),
    ("collections", "OrderedDict"): _Mapping,
    ("collections", "defaultdict"): _Mapping,
    ("collections", "Counter"): _Mapping,
    ("copyreg", "_reconstructor"): _Maker(_reconstructed),
    ("torch.storage", "_load_from_bytes"): _Maker(_storage),
    ("torch._utils", "_rebuild_tensor_v2"): _Maker(_tensor),
    ("torch._utils", "_rebuild_tensor"): _Maker(_tensor),
    ("torch._utils", "_rebuild_parameter"): _Maker(_parameter),
}
for _core in ("numpy.core", "numpy._core"):  # before and since numpy 2
    _PLAIN[f"{_core}.multiarray", "_reconstruct"] = _Maker(_empty_array)
    _PLAIN[f"{_core}.multiarray", "scalar"] = _Maker(_scalar)
    _PLAIN[f"{_core}.numeric", "_frombuffer"] = _Maker(_from_buffer)
for _builtin in (list, dict, set, int, float, str, bool, bytes, tuple):
    _PLAIN["builtins", _builtin.__name__] = _Maker(_only_empty(_builtin))
for _name in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath", "Path"):
    for _module in ("pathlib", "pathlib._local"):  # the latter since Python 3.13
        _PLAIN[_module, _name] = _Maker(_path)
_RENAMED = {"__builtin__": "builtins", "copy_reg": "copyreg"}
"""Modules by their names in Python 2, which protocols before 3 write."""
PLAIN: Mapping[tuple[str, str], Any] = _PLAIN


def _unpickle(data: bytes, of_bodies: bool = False) -> Any:
    kind = _BodyUnpickler if of_bodies else _PlainUnpickler
    return kind(io.BytesIO(data), encoding="latin1").load()


def stand_ins() -> list[tuple[Any, str]]:
    """For torch's restricted reader: what takes the place of numpy's numbers and arrays, of paths and dicts."""
    found = [(made, f"{module}.{name}") for (module, name), made in PLAIN.items() if not module.startswith("torch")]
    return [*found, (_Array, "interplay._Array")]  # the class of what is being filled must be among them


class _PlainUnpickler(pickle.Unpickler):
    """Makes plain data only; any other name is refused before it is imported."""

    def find_class(self, module: str, name: str) -> Any:
        if name == "CacheTemplate":  # UPT's rows, a dict by another name
            return PLAIN["collections", "defaultdict"]
        made = PLAIN.get((_RENAMED.get(module, module), name))
        if made is None:
            raise InputError(
                f"holds a {brief(f'{module}.{name}').strip(chr(39))}, which is not plain data; it was not opened"
            )
        return made

    def persistent_load(self, key: Any) -> Any:
        raise InputError("refers to data outside the file, which plain data does not; it was not opened")


class _BodyUnpickler(_PlainUnpickler):
    """Makes dicts of the objects that hold arrays in files of bodies."""

    def find_class(self, module: str, name: str) -> Any:
        if _OF_BODIES.match(module):
            return _Fields
        if (_RENAMED.get(module, module), name) == ("builtins", "object"):  # what the oldest protocols make one of
            return PLAIN["builtins", "dict"]
        return super().find_class(module, name)

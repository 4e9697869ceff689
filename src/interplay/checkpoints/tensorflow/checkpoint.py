"""TensorFlow's checkpoints: tensors by name from ``NAME.index`` and ``NAME.data-00000-of-00001``, or one ``.ckpt``.

Version 2 (``tensor_bundle.proto``, since TensorFlow 0.12): a table of name -> type, shape, place and checksum, and
files of raw numbers. Version 1 (``saved_tensor_slice.proto``): one table that holds the numbers too.
"""

from __future__ import annotations

import math
import mmap
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interplay.checkpoints.tensorflow.crc32c import masked_crc32c
from interplay.checkpoints.tensorflow.slices import read_slices
from interplay.checkpoints.tensorflow.table import MAGIC, DamagedError, fields, read_table
from interplay.checkpoints.tensorflow.types import DTYPES, read_shape
from interplay.containers.guard import reading
from interplay.errors import InputError, MissingFileError

Keep = Callable[[str], bool]
"""Whether a tensor of this name is wanted."""


def find_checkpoint(path: str | os.PathLike[str]) -> Path | None:
    """The checkpoint that a path means: what `read_checkpoint` takes, or None if it is none of TensorFlow's.

    Args:
        path: the common beginning of a checkpoint's names (``HOI_iter_1800000.ckpt``), one of its files, a folder with
            one, or a file of version 1.

    Raises:
        InputError: a folder with several checkpoints, of which none is named as the latest.
    """
    source = Path(path)
    if source.is_dir():
        return _in_folder(source)
    beginning = Path(re.sub(r"\.(index|meta|data-\d{5}-of-\d{5})$", "", str(source)))
    if beginning != source or beginning.with_name(beginning.name + ".index").is_file():
        return beginning
    return source if _ends_like_a_table(source) else None


def read_checkpoint(path: str | os.PathLike[str], keep: Keep = lambda name: True) -> dict[str, NDArray]:
    """The tensors of a checkpoint in TensorFlow's layout; anything but numbers is left out.

    Args:
        path: see `find_checkpoint`.
        keep: which tensors to read, by name.

    Raises:
        MissingFileError: a file of the checkpoint is missing.
        InputError: not a checkpoint, damaged (truncated, or a checksum does not fit), or a variable in several slices.
    """
    source = find_checkpoint(path)
    if source is None:
        raise MissingFileError(f"no TensorFlow checkpoint {path}: expected {path}.index and {path}.data-00000-of-00001")
    index = source.with_name(source.name + ".index")
    if not index.is_file() and not source.is_file():
        raise MissingFileError(f"no {index}: it lies beside the .data file of a checkpoint")
    table = index if index.is_file() else source
    with reading(table, "a TensorFlow checkpoint"):  # also what damaged shapes and numbers do to numpy
        try:
            entries = read_table(_map(table))
            if table is source:
                return read_slices(entries, keep)
            header, wanted = _read_index(entries, keep)
        except DamagedError as error:
            raise InputError(f"{table}: not a TensorFlow checkpoint, or damaged: {error}") from None
        return dict(_read_data(source, header, wanted))


@dataclass
class _Header:
    shards: int = 1
    big_endian: bool = False


@dataclass
class _Entry:
    """Where a tensor lies."""

    dtype: int = 0
    shape: tuple[int, ...] = ()
    shard: int = 0
    offset: int = 0
    size: int = 0
    checksum: int | None = None
    slices: list[memoryview] = field(default_factory=list)


def _read_index(entries: Iterator[tuple[bytes, memoryview]], keep: Keep) -> tuple[_Header, dict[str, _Entry]]:
    header = _Header()
    wanted: dict[str, _Entry] = {}
    for key, value in entries:
        if not key:
            header = _read_header(value)
            continue
        name = key.decode("utf-8", "replace")
        entry = _read_entry(value)
        if entry.dtype in DTYPES and keep(name):
            wanted[name] = entry
    return header, wanted


def _read_header(message: memoryview) -> _Header:
    header = _Header()
    for number, value in fields(message):
        if number == 1 and isinstance(value, int):
            header.shards = value
        elif number == 2:
            header.big_endian = value == 1
    return header


def _read_entry(message: memoryview) -> _Entry:
    entry = _Entry()
    for number, value in fields(message):
        if isinstance(value, int):
            if number == 1:
                entry.dtype = value
            elif number == 3:
                entry.shard = value
            elif number == 4:
                entry.offset = value
            elif number == 5:
                entry.size = value
            elif number == 6:
                entry.checksum = value
        elif number == 2:
            entry.shape = read_shape(value)
        elif number == 7:
            entry.slices.append(value)
    return entry


def _read_data(beginning: Path, header: _Header, entries: Mapping[str, _Entry]) -> Iterator[tuple[str, NDArray]]:
    shards: dict[int, tuple[Path, memoryview]] = {}
    for name, entry in entries.items():
        if entry.slices:
            raise InputError(
                f"{beginning}: {name} is stored in {len(entry.slices)} slices; save it from TensorFlow without a "
                "partitioner"
            )
        if entry.shard not in shards:
            path = beginning.with_name(f"{beginning.name}.data-{entry.shard:05d}-of-{header.shards:05d}")
            if not path.is_file():
                raise MissingFileError(f"no {path}: it holds the numbers of the checkpoint")
            shards[entry.shard] = path, _map(path)
        path, data = shards[entry.shard]
        dtype = np.dtype(DTYPES[entry.dtype]).newbyteorder(">" if header.big_endian else "<")
        if entry.size != math.prod(entry.shape) * dtype.itemsize:
            raise InputError(f"{path}: {name} has {entry.size:,} bytes, which do not fit its shape {entry.shape}")
        if entry.offset + entry.size > len(data):
            raise InputError(
                f"{path}: truncated: {name} ends at byte {entry.offset + entry.size:,} of {len(data):,}; copy it again"
            )
        content = data[entry.offset : entry.offset + entry.size]
        if entry.checksum is not None and masked_crc32c(content) != entry.checksum:
            raise InputError(f"{path}: damaged: the checksum of {name} does not fit; copy it again")
        yield name, np.frombuffer(content, dtype).astype(dtype.newbyteorder("=")).reshape(entry.shape)


def _in_folder(folder: Path) -> Path | None:
    found = sorted(path.with_suffix("") for path in folder.glob("*.index"))
    note = folder / "checkpoint"  # TensorFlow's own note of what it saved last
    if note.is_file():
        named = re.search(r'^model_checkpoint_path: "(.+)"', note.read_text("utf-8", "replace"), re.MULTILINE)
        latest = folder / Path(named[1]).name if named else None
        if latest in found:
            return latest
    if len(found) > 1:
        names = ", ".join(path.name for path in found[:5])
        raise InputError(f"{folder} holds {len(found)} checkpoints ({names}); name one of them")
    return found[0] if found else None


def _ends_like_a_table(path: Path) -> bool:
    if not path.is_file() or path.stat().st_size < len(MAGIC):
        return False
    with path.open("rb") as file:
        file.seek(-len(MAGIC), os.SEEK_END)
        return file.read() == MAGIC


def _map(path: Path) -> memoryview:
    """A file's bytes, read as they are needed."""
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            return memoryview(b"")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

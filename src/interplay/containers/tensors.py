"""Files of tensors: torch's, whose pickle names only what is listed here, and safetensors.

torch's own restricted reader admits tensors and plain containers. Training scripts also store their options and
counters, so that an `argparse.Namespace`, paths and numpy's numbers are admitted too, the latter as stand-ins with
checked state (`interplay.containers.pickles`).
"""

from __future__ import annotations

import argparse
import io
import os
import pickle
import pickletools
import re
import tarfile
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interplay.containers.guard import MEGABYTE, check_unpacked, count_values, in_words, reading, regular_file
from interplay.containers.pickles import stand_ins
from interplay.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

_VALUES = 5_000_000
_PICKLE_LIMIT = 64 * MEGABYTE
_SMALL = MEGABYTE
_LONGEST_NAME = 1000


def read_torch(path: str | os.PathLike[str]) -> Any:
    """What ``torch.save`` wrote, on the CPU.

    Raises:
        MissingFileError: there is no such file.
        InputError: not a torch file, damaged, made of classes that would have to be run, or holding tensors that are
            larger than their numbers.
    """
    import torch

    what = "a torch file"
    size = regular_file(path, what)
    with reading(path, what):
        _check_archive(path, size)
        try:
            with torch.serialization.safe_globals([argparse.Namespace, *stand_ins()]), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about the pickle's version, which the error says better
                content = torch.load(path, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            named = re.search(r"GLOBAL ([\w.]+)", str(error))
            holds = f"it would run {named[1]}" if named else "it is no torch file, is damaged, or would run code"
            raise InputError(
                f"{path}: not read, because {holds}. Let the program that made it save only the weights: "
                "torch.save(model.state_dict(), FILE)"
            ) from None
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        try:
            count_values(content, _VALUES)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        for name, tensor in _tensors(content):
            _check_tensor(tensor, f"{path}: {name or 'a tensor'}")
        return content


def read_safetensors(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The tensors of a safetensors file by name.

    Raises:
        MissingFileError: there is no such file.
        InputError: not a safetensors file, or damaged.
    """
    from safetensors.torch import load_file

    regular_file(path, "a safetensors file")
    with reading(path, "a safetensors file"):
        return load_file(path)


def _check_archive(path: str | os.PathLike[str], size: int) -> None:
    """Refuse what unpacks to far more than its size, and archives that torch cannot read without running them."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            check_unpacked(path, size, sum(one.file_size for one in members))
            for one in members:
                if one.filename.endswith("data.pkl"):
                    if one.file_size > _PICKLE_LIMIT:
                        raise InputError(f"{path}: {in_words(one.file_size)} of pickled names; expected mostly tensors")
                    _check_names(path, archive.read(one))
    elif tarfile.is_tarfile(path):
        raise InputError(
            f"{path}: in the tar form of torch before version 0.2, which can only be read by running what is in it. "
            "It was not read. Ask its maker for the weights in today's form: torch.save(model.state_dict(), FILE)"
        )
    else:
        with Path(path).open("rb") as stream:
            _check_names(path, stream.read(_PICKLE_LIMIT))


_LONG_LINE = re.compile(rb"[^\n]{4096}")  # names are lines
_PICKLES = 5  # of torch's older form, before the numbers


def _check_names(path: str | os.PathLike[str], data: bytes) -> None:
    """Refuse names of functions that are too long to be any: torch's own message for them takes their length squared.

    Raises:
        InputError: there is one.
    """
    if not _LONG_LINE.search(data):
        return
    longest, unfinished = 0, False
    stream = io.BytesIO(data)
    try:
        for _ in range(_PICKLES):
            for operation, argument, _ in pickletools.genops(stream):
                longest = max(longest, len(str(argument)) if operation.name == "GLOBAL" else 0)
    except (ValueError, IndexError, UnicodeError) as error:  # the numbers after the pickles, or a name without end
        unfinished = "newline" in str(error)
    if longest > _LONGEST_NAME or unfinished:
        raise InputError(f"{path}: not a torch file, or damaged (a name of more than {_LONGEST_NAME:,} letters)")


def _tensors(content: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    import torch

    if isinstance(content, torch.Tensor):
        yield name, content
    elif isinstance(content, Mapping):
        for key, value in content.items():
            yield from _tensors(value, f"{name}.{key}" if name else str(key)[:200])
    elif isinstance(content, (list, tuple)):
        for value in content:
            yield from _tensors(value, name)


def _check_tensor(tensor: Tensor, where: str) -> None:
    import torch

    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_nested or tensor.device.type != "cpu":
        raise InputError(f"{where}: a sparse, quantised, nested or empty tensor, expected ordinary numbers")
    # a length of 0 must not hide the others, which a network's sizes are read from
    needed = prod(max(length, 1) for length in tensor.shape) * tensor.element_size()
    if needed > max(_SMALL, tensor.untyped_storage().nbytes()):
        raise InputError(f"{where}: a tensor of {in_words(needed)} that repeats far fewer numbers; it was not read")

"""Files that may hold annotations: what kind they are is told by their first bytes, never by their names."""

from __future__ import annotations

import codecs
import mmap
import os
import stat
from collections.abc import Callable, Collection, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from interplay.containers.guard import reading, regular_file
from interplay.containers.json_files import parse_json, read_json
from interplay.errors import InputError, InterplayError
from interplay.image_files import walk

Kind = Literal["mat", "parquet", "json", "text", "empty", "other"]

HEAD_BYTES = 512 * 1024
"""How much of a file is looked at to recognise it: enough to pass the id lists at the start of V-COCO's form."""

SUFFIXES = frozenset({".json", ".jsonl", ".ndjson", ".odgt", ".mat", ".parquet", ".xml"})
"""Suffixes of files that a folder is searched for; inside one, content alone decides."""

MAX_DEPTH = 5
"""How many folders deep a data set is searched for annotation files."""


class Source:
    """One file, read as far as needed and at most once.

    Args:
        path: an existing file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    @cached_property
    def head(self) -> bytes:
        """The first bytes, without a byte order mark.

        Raises:
            InputError: it cannot be read, or is a pipe or device.
        """
        regular_file(self.path)
        with reading(self.path, "a file"), self.path.open("rb") as file:
            return file.read(HEAD_BYTES).removeprefix(codecs.BOM_UTF8)

    @cached_property
    def kind(self) -> Kind:
        """What the file is, as far as the first bytes tell."""
        start = self.head.lstrip()[:1]
        if self.head.startswith((b"MATLAB 5.0", b"\x89HDF\r\n")):
            return "mat"
        if self.head.startswith(b"PAR1"):
            return "parquet"
        if not start:
            return "empty"
        if start in b"[{":
            return "json"
        return "other" if b"\0" in self.head[:4096] else "text"

    def mentions(self, *names: str) -> bool:
        """Whether every one of `names` is a key near the start of this JSON file."""
        return self.kind == "json" and all(f'"{name}"'.encode() in self.head for name in names)

    def holds(self, text: bytes) -> bool:
        """Whether some bytes occur anywhere in the file, which is not kept in memory."""
        if text in self.head or len(self.head) < HEAD_BYTES - len(codecs.BOM_UTF8):
            return text in self.head
        with (
            reading(self.path, "a file"),
            self.path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            return content.find(text) >= 0

    @cached_property
    def first_line(self) -> Any:
        """The first line as a JSON value, None when it is not one."""
        line, _, _ = self.head.lstrip().partition(b"\n")
        try:  # whoever reads it says what is not UTF-8
            return parse_json(line.decode(errors="replace"), str(self.path), finite=False)
        except InputError:
            return None

    @cached_property
    def content(self) -> Any:
        """The whole file as a JSON value.

        Raises:
            InputError: it is not JSON, or not UTF-8; says where.
        """
        return read_json(self.path)


def open_source(path: str | os.PathLike[str]) -> Source:
    """The file as a `Source`.

    Raises:
        MissingFileError: there is none.
        InputError: a pipe or a device, which would be waited for.
    """
    regular_file(path, "a file of annotations")
    return Source(path)


def walk_files(
    folder: Path,
    suffixes: frozenset[str] = SUFFIXES,
    depth: int = MAX_DEPTH,
    on_problem: Callable[[Path, str], None] | None = None,
) -> Iterator[Path]:
    """Files below `folder` with one of `suffixes`, in order of their names, folders after files.

    A folder that links lead to again is looked into once.

    Args:
        on_problem: called with a file or folder that cannot be looked at, such as a link to itself, and the reason; by
            default these are passed over.

    Raises:
        InputError: `folder` itself cannot be looked into.
    """

    def failed(error: OSError) -> None:
        place = Path(error.filename)
        if place == folder:
            raise InputError(f"cannot look into {folder}: {error.strerror}") from None
        if on_problem is not None:
            on_problem(place, f"cannot look into it: {error.strerror}")

    for base, folders, files in walk(folder, failed):
        if len(Path(base).parts) - len(folder.parts) >= depth:
            folders.clear()
        for name in files:
            if os.path.splitext(name)[1].lower() not in suffixes:  # noqa: PTH122 - many files
                continue
            path = Path(base, name)
            try:
                if stat.S_ISREG(path.stat().st_mode):
                    yield path
            except OSError as error:
                if on_problem is not None:
                    on_problem(path, str(error.strerror))


def sources_in(
    folder: Path,
    suffixes: Collection[str] = SUFFIXES,
    depth: int = MAX_DEPTH,
    on_problem: Callable[[Path, str], None] | None = None,
) -> Iterator[Source]:
    """The readable files of `walk_files`, whose arguments these are; others are passed over or named like there."""
    for path in walk_files(folder, frozenset(suffixes), depth, on_problem):
        source = Source(path)
        try:
            _ = source.head
        except InterplayError as error:
            if on_problem is not None:
                on_problem(path, str(error))
            continue
        yield source

"""Files that may hold annotations: what kind they are is told by their first bytes, never by their names."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from interplay.errors import InputError, MissingFileError

Kind = Literal["mat", "parquet", "json", "text", "empty", "other"]

HEAD_BYTES = 512 * 1024
"""How much of a file is looked at to recognise it: enough to pass the id lists at the start of V-COCO's form."""

SUFFIXES = frozenset({".json", ".jsonl", ".ndjson", ".mat", ".parquet"})
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
        """The first bytes."""
        with self.path.open("rb") as file:
            return file.read(HEAD_BYTES)

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

    @cached_property
    def first_line(self) -> Any:
        """The first line as a JSON value, None when it is not one."""
        line, _, _ = self.head.lstrip().partition(b"\n")
        try:
            return json.loads(line)
        except ValueError:
            return None

    @cached_property
    def content(self) -> Any:
        """The whole file as a JSON value.

        Raises:
            InputError: it is not JSON; says where.
        """
        try:
            return json.loads(self.path.read_bytes())
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise InputError(f"{self.path}: not a whole JSON file: {error}") from None


def open_source(path: str | os.PathLike[str]) -> Source:
    """The file as a `Source`.

    Raises:
        MissingFileError: there is none.
    """
    if not Path(path).is_file():
        raise MissingFileError(f"no file {path}")
    return Source(path)


def walk_files(folder: Path, suffixes: frozenset[str] = SUFFIXES, depth: int = MAX_DEPTH) -> Iterator[Path]:
    """Files below `folder` with one of `suffixes`, in order of their names, folders after files."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(f"cannot look into {folder}: {error.strerror}") from None
    for entry in entries:
        if entry.is_file() and os.path.splitext(entry.name)[1].lower() in suffixes:  # noqa: PTH122 - many files
            yield Path(entry.path)
    for entry in entries:
        if depth > 0 and entry.is_dir() and not entry.name.startswith("."):
            yield from walk_files(Path(entry.path), suffixes, depth - 1)

"""What is to be done: images by name, and rows of Parquet files that hold images or their names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.batch.storage import is_address, open_store, read_bytes
from interplay.containers.guard import reading
from interplay.errors import InputError, near_matches, some_of
from interplay.image_files import IMAGE_SUFFIXES, find_images, is_drawn, text_name
from interplay.images import ImageError, read_image

IMAGE_COLUMNS = ("image", "img", "bytes", "jpg", "content", "path", "file", "file_name", "filename", "uri", "url")
"""Where images are looked for in a Parquet file whose user names no column; content before names."""

NAME_COLUMNS = ("file_name", "filename", "file", "path", "name", "image_id", "id", "key", "__key__", "uri", "url")
"""Where an image's name is looked for, for rows with its content."""

_ROWS_AT_ONCE = 32
"""Rows with images that are in memory at one time."""


@dataclass(frozen=True)
class Images:
    """Images by name: paths or addresses."""

    files: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.files)


@dataclass(frozen=True)
class Rows:
    """Whole row groups of a Parquet file.

    Attributes:
        file: path or address.
        groups: numbers of the row groups, consecutive.
        first: number of their first row in the file.
        count: of their rows.
    """

    file: str
    groups: tuple[int, ...]
    first: int
    count: int

    def __len__(self) -> int:
        return self.count


@dataclass(frozen=True)
class Item:
    """One image to do: what it is called in results, and how to read it.

    Attributes:
        name: in results.
        content: the image file's bytes; None for a file that is read by its name.
        problem: why there is no image, where that is known before reading.
    """

    name: str
    content: bytes | None = None
    problem: str | None = None

    def read(self) -> NDArray[np.uint8]:
        """The image as (H, W, 3) RGB.

        Raises:
            InterplayError: it cannot be read; says why.
        """
        if self.problem is not None:
            raise ImageError(self.name, self.problem)
        if self.content is not None:
            return read_image(self.content)
        if not is_address(self.name):
            return read_image(self.name)
        try:
            return read_image(read_bytes(self.name))
        except FileNotFoundError:
            raise ImageError(self.name, "no such image") from None
        except OSError as error:
            raise ImageError(self.name, f"cannot be read: {error}") from None


def find_work(specs: Iterable[str], column: str | None = None) -> Iterator[str | Rows]:
    """Images and row groups that the arguments of a command name, in order, each as often as it is named.

    A folder here is searched as `find_images` does, one in a store folder by folder, so that a listing of any length
    takes the memory of one folder.

    Args:
        specs: images, folders, patterns, Parquet files; paths or addresses.
        column: of a Parquet file's images.

    Returns:
        A stream of names of images, and of the single row groups of Parquet files.

    Raises:
        InputError: something named is not there or holds no image; names it.
    """
    for spec in specs:
        found: Iterable[str] = _listed(spec) if is_address(spec) else map(text_name, _here(spec))
        nothing = True
        for name in found:
            nothing = False
            if name.lower().endswith(".parquet"):
                yield from _groups(name, column)
            else:
                yield name
        if nothing:
            raise InputError(f"{spec}: no image and no Parquet file is there, besides what interplay drew")


def _here(spec: str) -> Iterator[str]:
    path = os.path.expanduser(spec)  # noqa: PTH111  # text all the way
    if os.path.isdir(path):  # noqa: PTH112
        tables = [os.path.join(path, name) for name in sorted(os.listdir(path)) if name.lower().endswith(".parquet")]  # noqa: PTH118, PTH208
        if tables:
            yield from map(os.path.abspath, tables)
            return
    for found in find_images([spec]):
        if not is_drawn(found):
            yield os.path.abspath(found)  # noqa: PTH100  # other processes have another working folder


def _listed(spec: str) -> Iterator[str]:
    """Names in a store: a file, a pattern's matches, or all images or Parquet files below a folder."""
    store, path = open_store(spec)
    try:
        if any(mark in path for mark in "*?["):
            yield from (store.unstrip_protocol(name) for name in sorted(store.glob(path)) if _wanted(name))
        elif store.isfile(path):
            yield store.unstrip_protocol(path)
        else:
            for base, folders, files in store.walk(path):
                folders_in_order = sorted(name for name in folders if not name.startswith("."))
                if isinstance(folders, list):
                    folders[:] = folders_in_order
                for name in sorted(files):
                    if _wanted(name) and not name.startswith("."):
                        yield store.unstrip_protocol(f"{base.rstrip('/')}/{name}")
    except OSError as error:
        raise InputError(f"{spec} cannot be listed: {error}") from None


def _wanted(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES | {".parquet"}


def _groups(file: str, column: str | None) -> Iterator[Rows]:
    with _open(file) as table:
        _image_column(file, table.schema_arrow, column)
        first = 0
        for number in range(table.num_row_groups):
            count = table.metadata.row_group(number).num_rows
            if count:
                yield Rows(file, (number,), first, count)
            first += count


def _open(file: str) -> Any:
    import pyarrow.parquet as pq

    store, path = open_store(file)
    try:
        stream = store.open(path, "rb")
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error}") from None
    with reading(file, "a Parquet file"):
        return pq.ParquetFile(stream)


def _image_column(file: str, schema: Any, wanted: str | None) -> str:
    """The column with images: the one that is wanted, else the first usual name there is."""
    import pyarrow as pa

    names = schema.names
    if wanted is not None and wanted not in names:
        raise InputError(f"{file} has no column {wanted!r}.{near_matches(wanted, names)}")
    for name in [wanted] if wanted is not None else [name for name in IMAGE_COLUMNS if name in names]:
        kind = schema.field(name).type
        if pa.types.is_struct(kind):
            if kind.get_field_index("bytes") >= 0 or kind.get_field_index("path") >= 0:
                return name
        elif _is_bytes(kind) or _is_text(kind):
            return name
    what = "no column of images" if wanted is None else f"column {wanted!r} holds no images"
    raise InputError(
        f"{file}: {what}; expected images' bytes, their names, or a struct of both (bytes, path), in a column that "
        f"--column names; there are {some_of(names, 10)}"
    )


def _is_bytes(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def items(work: Images | Rows, column: str | None = None) -> Iterator[Item]:
    """The single images of some work, in order; of a Parquet file a few rows are in memory at a time.

    A row's image is called as its ``path`` says, or a column of `NAME_COLUMNS`, or else ``FILE#ROW``.

    Raises:
        InputError: a Parquet file is not as it was when it was listed.
    """
    if isinstance(work, Images):
        yield from map(Item, work.files)
        return
    with _open(work.file) as table:
        schema = table.schema_arrow
        chosen = _image_column(work.file, schema, column)
        named = next((n for n in NAME_COLUMNS if n in schema.names and n != chosen and not _nested(schema, n)), None)
        row = work.first
        with reading(work.file, "a Parquet file"):
            for batch in table.iter_batches(
                _ROWS_AT_ONCE, row_groups=list(work.groups), columns=[chosen, *([named] if named else [])]
            ):
                names = batch.column(named).to_pylist() if named else [None] * batch.num_rows
                for value, name in zip(batch.column(chosen).to_pylist(), names, strict=True):
                    yield _item(value, name, work.file, row)
                    row += 1
    if row != work.first + work.count:
        raise InputError(f"{work.file} has changed since it was listed: {row - work.first} rows, not {work.count}")


def _nested(schema: Any, name: str) -> bool:
    return bool(schema.field(name).type.num_fields)


def _item(value: Any, name: Any, file: str, row: int) -> Item:
    fallback = f"{file}#{row}"
    given = None if name is None else str(name)
    if isinstance(value, dict):
        content, path = value.get("bytes"), value.get("path")
        if content is None and path:
            return Item(_beside(str(path), file))
        value, given = content, str(path) if path else given
    if isinstance(value, str) and value:
        return Item(_beside(value, file))
    if isinstance(value, bytes):
        return Item(given or fallback, value)
    return Item(given or fallback, problem="the row holds no image")


def _beside(name: str, file: str) -> str:
    """An image's name in a Parquet file: absolute, an address, or from the folder that holds the file."""
    if is_address(name) or os.path.isabs(name):  # noqa: PTH117  # addresses are no paths
        return name
    if is_address(file):
        return f"{file.rsplit('/', 1)[0]}/{name}"
    return os.path.join(os.path.dirname(file), name)  # noqa: PTH118, PTH120

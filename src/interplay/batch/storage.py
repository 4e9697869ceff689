"""`Folder`: a folder here or in an object store, with files that are there whole or not at all."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from interplay.errors import InputError
from interplay.files import atomic_path

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://|[a-z0-9]{2,}::")
"""How fsspec's addresses begin; a letter and a colon is a drive of Windows."""


def is_address(name: str) -> bool:
    """Whether a name is an address such as ``s3://bucket/folder``, rather than a path."""
    return _ADDRESS.match(name) is not None


def open_store(address: str) -> tuple[Any, str]:
    """The file system that an address or path is on, and its path there.

    Raises:
        InputError: an unknown protocol, or one whose package is not installed; says which.
    """
    try:
        return fsspec.core.url_to_fs(address)
    except ImportError as error:
        raise InputError(f"{address}: {error}") from None
    except (ValueError, OSError) as error:
        raise InputError(f"{address} cannot be opened: {error}") from None


def read_bytes(address: str) -> bytes:
    """A file's content.

    Raises:
        OSError: it is not there, or cannot be read.
    """
    store, path = open_store(address)
    return store.cat_file(path)


class Folder:
    """A folder of results; every process that works on it opens its own.

    Args:
        address: a path, or an address that fsspec knows; nothing is made yet.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.store, self.path = open_store(address)
        self.local = isinstance(self.store, LocalFileSystem)

    def place(self, name: str) -> str:
        """The path of a file of this folder, for `store`."""
        return str(PurePosixPath(self.path, name))

    def exists(self, name: str) -> bool:
        """Whether there is a file of this name."""
        return bool(self.store.exists(self.place(name)))

    def names(self, inside: str = "") -> list[str]:
        """Names of the files in the folder, or in a folder of it; sorted; none where it does not exist."""
        self.store.invalidate_cache()
        try:
            found = self.store.ls(self.place(inside) if inside else self.path, detail=False)
        except FileNotFoundError:
            return []
        return sorted(PurePosixPath(path.replace("\\", "/")).name for path in found)

    def read(self, name: str) -> bytes:
        """A file's content."""
        return self.store.cat_file(self.place(name))

    def remove(self, name: str) -> None:
        """Remove a file that is there."""
        self.store.rm_file(self.place(name))

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """A temporary path to write a file to; it is in the folder, whole, when the block is left without an error.

        An object store shows an object only when all of it has arrived, so uploading in one go is enough there.
        """
        if self.local:
            with atomic_path(self.place(name)) as temporary:
                yield temporary
            return
        with tempfile.TemporaryDirectory(prefix="interplay-") as folder:
            temporary = Path(folder, PurePosixPath(name).name)
            yield temporary
            self.store.makedirs(str(PurePosixPath(self.place(name)).parent), exist_ok=True)
            self.store.put_file(str(temporary), self.place(name))

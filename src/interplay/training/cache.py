"""Decoded images, kept in memory or in a folder, shared by the worker processes of a training."""

from __future__ import annotations

import hashlib
import mmap
import multiprocessing
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from interplay.containers.arrays import read_npy
from interplay.errors import InputError, MissingFileError
from interplay.files import atomic_path

if TYPE_CHECKING:
    from interplay.training.sections import DataConfig

Image = NDArray[np.uint8]
_GIB = 1 << 30


class ImageCache(Protocol):
    """Images by their number in the data set and their file."""

    def __call__(self, index: int, path: Path, read: Callable[[], Image]) -> Image:
        """The image, decoded by `read` unless it is in the cache."""
        ...


class MemoryCache:
    """Images in memory that forked processes share; what does not fit any more is decoded every time.

    Nothing is left behind when the processes end, however they end.

    Args:
        count: images in the data set.
        limit: bytes.

    Raises:
        InputError: this system cannot fork.
    """

    def __init__(self, count: int, limit: int) -> None:
        if "fork" not in multiprocessing.get_all_start_methods():
            raise InputError("data.cache=ram needs a system that can fork; use data.cache=disk")
        self._pixels = mmap.mmap(-1, limit)  # takes memory only where it is written
        self._limit = limit
        # offset, height, width of each image; a height of 0: not there
        self._places = np.frombuffer(mmap.mmap(-1, max(count, 1) * 24), np.int64).reshape(-1, 3)
        self._used = multiprocessing.get_context("fork").Value("q", 0)

    def __call__(self, index: int, path: Path, read: Callable[[], Image]) -> Image:
        """See `ImageCache`."""
        offset, height, width = self._places[index].tolist()
        if height:
            stored = np.frombuffer(self._pixels, np.uint8, height * width * 3, offset)
            return stored.reshape(height, width, 3).copy()
        image = read()
        with self._used.get_lock():
            offset = self._used.value
            fits = offset + image.nbytes <= self._limit and not self._places[index, 1]
            if fits:
                self._used.value = offset + image.nbytes
        if fits:
            np.frombuffer(self._pixels, np.uint8, image.nbytes, offset)[:] = image.ravel()
            self._places[index, [0, 2]] = offset, image.shape[1]
            self._places[index, 1] = image.shape[0]  # last: from here on others read it
        return image


class DiskCache:
    """Images as ``.npy`` files, which later trainings find again; changed images are decoded anew.

    Args:
        folder: made if needed.
        limit: bytes, counting what is there already.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._limit = folder, limit
        context = multiprocessing.get_context("fork" if "fork" in multiprocessing.get_all_start_methods() else None)
        self._used = context.Value("q", sum(entry.stat().st_size for entry in os.scandir(folder)))

    def __call__(self, index: int, path: Path, read: Callable[[], Image]) -> Image:
        """See `ImageCache`."""
        state = path.stat()
        key = f"{path.resolve()} {state.st_mtime_ns} {state.st_size}"
        file = self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npy"
        try:
            return read_npy(file)
        except (InputError, MissingFileError):
            image = read()
        with self._used.get_lock():
            fits = self._used.value + image.nbytes <= self._limit
            self._used.value += image.nbytes * fits
        if fits:
            try:
                with atomic_path(file) as temporary:
                    np.save(temporary, image, allow_pickle=False)
            except OSError as error:  # costs time, and nothing else
                warnings.warn(f"images are not kept, {self._folder} cannot be written: {error.strerror}", stacklevel=2)
        return image


def build_cache(data: DataConfig, count: int, run: Path) -> ImageCache | None:
    """The cache that a configuration asks for.

    Args:
        data: says which.
        count: images.
        run: the run's folder, where a disk cache is if the configuration does not say otherwise.
    """
    limit = int(data.cache_gib * _GIB)
    if data.cache == "ram":
        return MemoryCache(count, limit)
    return DiskCache(data.cache_folder or run / "cache", limit) if data.cache == "disk" else None

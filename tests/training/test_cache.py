"""Decoded photographs are kept, shared by processes, within a limit, and forgotten when they change."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from interplay.training.cache import DiskCache, ImageCache, MemoryCache, build_cache
from interplay.training.sections import DataConfig

HAS_FORK = "fork" in multiprocessing.get_all_start_methods()


class Reader:
    """Counts how often it is asked."""

    def __init__(self, height: int = 3) -> None:
        self.asked = 0
        self.height = height

    def __call__(self) -> NDArray[np.uint8]:
        self.asked += 1
        return np.arange(self.height * 4 * 3, dtype=np.uint8).reshape(self.height, 4, 3)


@pytest.fixture(params=["ram", "disk"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> ImageCache:
    if request.param == "ram" and not HAS_FORK:
        pytest.skip("this system cannot fork")
    return MemoryCache(4, 100) if request.param == "ram" else DiskCache(tmp_path / "cache", 100)


def photograph(folder: Path, name: str = "a.jpg") -> Path:
    path = folder / name
    path.write_bytes(b"x")
    return path


def test_a_photograph_is_decoded_once(cache: ImageCache, tmp_path: Path) -> None:
    path, read = photograph(tmp_path), Reader()
    first, second = cache(1, path, read), cache(1, path, read)
    assert read.asked == 1
    np.testing.assert_array_equal(first, second)
    second[:] = 0  # belongs to the caller
    np.testing.assert_array_equal(cache(1, path, read), first)


def test_what_does_not_fit_is_decoded_every_time(cache: ImageCache, tmp_path: Path) -> None:
    small, large = photograph(tmp_path, "small.jpg"), photograph(tmp_path, "large.jpg")
    cache(0, small, Reader(7))
    read = Reader(2)
    for _ in range(2):
        assert cache(1, large, read).shape == (2, 4, 3)
    assert read.asked == 2


@pytest.mark.skipif(not HAS_FORK, reason="this system cannot fork")
def test_processes_share_the_memory(tmp_path: Path) -> None:
    cache, path = MemoryCache(2, 1000), photograph(tmp_path)
    worker = multiprocessing.get_context("fork").Process(target=cache, args=(1, path, Reader()))
    worker.start()
    worker.join()
    read = Reader()
    np.testing.assert_array_equal(cache(1, path, read), Reader()())
    assert read.asked == 0


def test_the_folder_serves_later_trainings_until_a_photograph_changes(tmp_path: Path) -> None:
    path, read = photograph(tmp_path), Reader()
    for _ in range(2):
        DiskCache(tmp_path / "cache", 1000)(0, path, read)
    assert read.asked == 1
    os.utime(path, ns=(1, 1))
    DiskCache(tmp_path / "cache", 1000)(0, path, read)
    assert read.asked == 2


def test_a_damaged_file_is_decoded_anew(tmp_path: Path) -> None:
    path, read = photograph(tmp_path), Reader()
    cache = DiskCache(tmp_path / "cache", 1000)
    cache(0, path, read)
    (stored,) = (tmp_path / "cache").iterdir()
    stored.write_bytes(stored.read_bytes()[:20])
    np.testing.assert_array_equal(cache(0, path, read), Reader()())
    assert read.asked == 2


def test_the_configuration_chooses(tmp_path: Path) -> None:
    def options(**fields: object) -> DataConfig:
        return DataConfig.model_validate({"dataset": "own", "cache_gib": 0.001, **fields})

    assert build_cache(options(), 3, tmp_path) is None
    assert isinstance(build_cache(options(cache="disk"), 3, tmp_path), DiskCache)
    assert (tmp_path / "cache").is_dir()
    if HAS_FORK:
        assert isinstance(build_cache(options(cache="ram"), 3, tmp_path), MemoryCache)

"""Files that other programs read too."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from interplay.files import atomic_path


@pytest.fixture(params=[0o022, 0o007, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask for groups and others")
def test_who_may_read_a_file_follows_from_the_umask(tmp_path: Path, umask: int) -> None:
    weights, text = tmp_path / "model.safetensors", tmp_path / "a.txt"
    with atomic_path(weights) as temporary:
        save_file({"weight": torch.zeros(2)}, temporary)  # it writes for the owner alone
    with atomic_path(text) as temporary:
        temporary.write_text("whole")
    for file in (weights, text):
        assert stat.S_IMODE(file.stat().st_mode) == 0o666 & ~umask


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with atomic_path(tmp_path / "a.txt") as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not list(tmp_path.iterdir())

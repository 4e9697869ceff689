"""One process at a time for an output."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from interplay.locks import LockedError, locked

HOLD = """
import sys
from interplay.locks import locked
with locked(sys.argv[1], folder=sys.argv[2] == "folder"):
    print("held", flush=True)
    sys.stdin.read()
"""

WAIT = """
import sys
from interplay.locks import locked
print("waiting", flush=True)
with locked(sys.argv[1], folder=True, wait=60):
    print("held", flush=True)
"""


def hold(output: Path, kind: str = "file") -> subprocess.Popen[str]:
    """A process that writes an output until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(output), kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_second_process_is_refused_and_told_which_is_the_first(tmp_path: Path, kind: str) -> None:
    first = hold(tmp_path / "out", kind)
    try:
        with (
            pytest.raises(LockedError, match=f"process {first.pid} "),
            locked(tmp_path / "out", folder=kind == "folder"),
        ):
            pytest.fail("both hold it")
        with locked(tmp_path / "other"):
            pass  # other outputs are free
    finally:
        first.communicate("")
    with locked(tmp_path / "out", folder=kind == "folder"):
        pass  # free again


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    first = hold(tmp_path / "out.jsonl")
    first.kill()
    first.wait()
    assert list(tmp_path.iterdir())  # what it left
    with locked(tmp_path / "out.jsonl"):
        pass
    assert not list(tmp_path.iterdir())


def test_one_process_has_it_once_and_links_share_it(tmp_path: Path) -> None:
    (tmp_path / "real.jsonl").touch()
    (tmp_path / "link.jsonl").symlink_to("real.jsonl")
    with locked(tmp_path / "real.jsonl"):
        for name in ("real.jsonl", "link.jsonl"):
            with pytest.raises(LockedError, match="this process"), locked(tmp_path / name):
                pytest.fail("twice")
    with locked(tmp_path / "link.jsonl"):
        pass


def test_a_name_of_any_length_can_be_locked(tmp_path: Path) -> None:
    with locked(tmp_path / ("ä" * 125 + ".csv")):
        pass
    assert not list(tmp_path.iterdir())


def test_a_process_that_waits_comes_after_the_first(tmp_path: Path) -> None:
    first = hold(tmp_path / "out", "folder")
    waiting = subprocess.Popen([sys.executable, "-c", WAIT, str(tmp_path / "out")], stdout=subprocess.PIPE, text=True)
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == "waiting\n"
    assert waiting.poll() is None
    first.communicate("")
    assert waiting.communicate(timeout=60)[0] == "held\n"
    assert waiting.returncode == 0


def test_patience_ends(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "out"),
        pytest.raises(LockedError, match="by this process already"),
        locked(tmp_path / "out", wait=0.01),
    ):
        pytest.fail("both hold it")


def test_a_folder_that_was_made_and_stayed_empty_is_removed(tmp_path: Path) -> None:
    kept, filled, new = tmp_path / "kept", tmp_path / "filled", tmp_path / "new"
    kept.mkdir()
    for folder in (kept, new):
        with suppress(KeyboardInterrupt), locked(folder, folder=True):
            assert folder.is_dir()
            raise KeyboardInterrupt
    with locked(filled, folder=True):
        (filled / "result").touch()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["filled", "kept"]

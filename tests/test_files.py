"""Files that other programs read too."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from interplay.errors import InputError
from interplay.files import atomic_path, check_folder_target, check_target, process_runs


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


def write(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text)


@pytest.mark.skipif(os.name == "nt", reason="needs links and modes")
def test_a_link_stays_a_link_and_a_file_keeps_its_mode(tmp_path: Path) -> None:
    real, link = tmp_path / "store" / "real.txt", tmp_path / "link.txt"
    write(real, "old")
    real.chmod(0o640)
    link.symlink_to("store/real.txt")
    write(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_name_as_long_as_the_system_takes_can_be_written(tmp_path: Path) -> None:
    target = tmp_path / ("a" * 251 + ".txt")
    write(target, "whole")
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    with pytest.raises(InputError, match="long"):
        check_target(tmp_path / ("a" * 252 + ".txt"))


def test_what_killed_processes_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".interplay-notes.txt").write_text("the user's")
    code = (
        "import os, sys, pathlib; from interplay.files import atomic_path\n"
        "with atomic_path(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half'); print(temporary, flush=True); {end}"
    )
    target = tmp_path / "a.txt"
    killed = [sys.executable, "-c", code.format(end="os._exit(1)"), str(target)]
    left = Path(subprocess.run(killed, capture_output=True, text=True).stdout.strip())
    assert left.is_file()
    working = [sys.executable, "-c", code.format(end="sys.stdin.read()"), str(target)]
    with subprocess.Popen(working, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        used = Path(other.stdout.readline().strip())
        assert not left.exists()
        write(target, "whole")
        assert used.is_file()  # of a process that runs
    assert sorted(path.name for path in tmp_path.iterdir()) == [".interplay-notes.txt", "a.txt"]


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="needs devices")
def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True)
    write(pipe, "through")
    assert reader.communicate()[0] == "through"
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_an_error_names_the_file_that_was_wanted(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for target in (tmp_path / "file" / "a.txt", tmp_path / "file" / "below" / "a.txt"):
        with pytest.raises(InputError, match=r"file is a file, expected a folder"):
            write(target, "")
    with pytest.raises(InputError, match="is a folder"):
        write(tmp_path, "")
    with pytest.raises(OSError) as caught, atomic_path(tmp_path / "b.txt"):
        raise OSError(28, "No space left on device")  # as a stream says it
    assert caught.value.filename == str(tmp_path / "b.txt")


def test_targets_are_checked_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file.txt").touch()
    assert check_target(tmp_path / "new" / "A.PNG", (".png",)) == tmp_path / "new" / "A.PNG"
    for target, message in (
        (tmp_path / "a.gif", r"\.png or \.jpg"),
        (tmp_path, "is a folder"),
        (tmp_path / "file.txt" / "a.png", "is a file, expected a folder"),
        (tmp_path / "file.txt" / "below" / "a.png", "is a file, expected a folder"),
    ):
        with pytest.raises(InputError, match=message):
            check_target(target, (".png", ".jpg") if target.suffix == ".gif" else ())
    assert check_folder_target(tmp_path / "new" / "er") == tmp_path / "new" / "er"
    with pytest.raises(InputError, match="is a file"):
        check_folder_target(tmp_path / "file.txt")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_process_that_has_ended_does_not_run() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process_runs(process.pid)
        process.stdin.write(b"\n")
        process.stdin.close()
        limit = time.monotonic() + 60
        while process_runs(process.pid) and time.monotonic() < limit:
            time.sleep(0.01)
        assert not process_runs(process.pid)  # although nobody has asked for its status
        assert process.returncode is None

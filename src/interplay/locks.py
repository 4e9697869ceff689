"""`locked`: one process at a time for an output."""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from interplay.errors import InputError
from interplay.files import beside, naming

_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL}
"""How file systems say that they know no locks."""

_AGAIN = 0.2
"""Seconds until one who waits asks again."""
LOCK_FILE = ".interplay.lock"
"""Name of the lock's file in a folder that is locked."""

_held: set[str] = set()
_guard = threading.Lock()


class LockedError(InputError):
    """Another process writes the same output."""


@contextmanager
def locked(output: str | os.PathLike[str], *, folder: bool = False, wait: float = 0.0) -> Iterator[None]:
    """Keep other processes from writing an output meanwhile.

    The lock is the operating system's, on a small file beside the output or in it, so that a process that was killed
    holds none. Links to one output share its lock. Where the file system knows no locks there is none.

    Args:
        output: a file, or a folder.
        folder: it is a folder, which is made if needed, and removed at the end if it was made and nothing is in it, as
            after an interruption.
        wait: seconds to wait for another process or thread.

    Raises:
        LockedError: another process, or another place in this one, writes it; names the process.
    """
    makes = folder and not Path(output).exists()
    end = time.monotonic() + wait
    while True:
        try:
            lock, handle = _take(output, folder)
            break
        except (LockedError, FileNotFoundError):  # or whoever held it has just removed the folder
            if time.monotonic() >= end:
                raise
            time.sleep(min(_AGAIN, wait))
    try:
        yield
    finally:
        _release(lock, handle)
        if makes:
            with suppress(OSError):  # something is in it
                lock.parent.rmdir()
        with _guard:
            _held.discard(str(lock))


def _take(output: str | os.PathLike[str], folder: bool) -> tuple[Path, int]:
    """The lock's file and its handle."""
    real = Path(os.path.realpath(output))
    lock = real / LOCK_FILE if folder else beside(real.with_name(f".{real.name}"), ".lock")
    with _guard:
        if str(lock) in _held:
            raise LockedError(f"{output} is being written by this process already")
        _held.add(str(lock))
    try:
        with naming(output):
            lock.parent.mkdir(parents=True, exist_ok=True)
        return lock, _acquire(lock, output)
    except BaseException:
        with _guard:
            _held.discard(str(lock))
        raise


def _acquire(lock: Path, output: str | os.PathLike[str]) -> int:
    while True:
        with naming(output, lock):
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
        try:
            _lock(handle)
        except OSError as error:
            holder = os.read(handle, 500).decode("utf-8", "replace").strip()
            os.close(handle)
            if error.errno in _NO_LOCKS:
                return -1
            raise LockedError(
                f"{output} is being written by {holder or 'another process'}; wait until it is done, or give "
                "another name"
            ) from None
        try:
            current = os.stat(lock)  # noqa: PTH116
        except OSError:
            current = None
        if current is not None and os.path.samestat(current, os.fstat(handle)):
            break
        os.close(handle)  # whoever held it removed the file meanwhile
    os.ftruncate(handle, 0)
    os.write(handle, f"process {os.getpid()} ({_command()})\n".encode(errors="backslashreplace"))
    return handle


def _release(lock: Path, handle: int) -> None:
    if handle < 0:
        return
    with suppress(OSError):
        lock.unlink()  # before it is free: nobody else can hold it yet
    os.close(handle)
    if os.name == "nt":  # where an open file cannot be removed
        with suppress(OSError):
            lock.unlink()


def _command() -> str:
    return " ".join([Path(sys.argv[0]).name if sys.argv else "python", *sys.argv[1:]])[:200]


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        """Lock a byte far behind the text, which can be read by others then."""
        os.lseek(handle, 1 << 30, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(handle, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(handle: int) -> None:
        """A lock of the process, not of the open file: workers that outlive a killed parent do not inherit it."""
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

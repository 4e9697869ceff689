"""Reading a file in a process of its own, with limits on memory and time.

Some parsers end the whole process at a damaged byte (scipy's of MATLAB files) or can be kept busy without end by a
small file (pickles). In a child process that is an error like any other. What comes back is read as plain data.
"""

from __future__ import annotations

import importlib
import json
import os
import pickle
import struct
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from interplay.containers.guard import MEGABYTE, in_words, reason
from interplay.errors import InputError, InterplayError, MissingFileError

_SECONDS, _SECONDS_PER_MEGABYTE = 4, 4
_MEMORY, _MEMORY_PER_BYTE = 700 * MEGABYTE, 64
_SECONDS_OF_TORCH, _MEMORY_OF_TORCH = 30, 1500 * MEGABYTE
_PATIENCE = 20
"""A busy machine may take this many times the allowed processor time before a child is given up."""
_CHILD = "import sys; del sys.path[0]; from interplay.containers.isolated import serve; serve()"
"""The first entry is the current folder, whose files must not be imported for Python's own."""
_LENGTH = struct.Struct("<Q")


def read_isolated(function: str, path: str | os.PathLike[str], *arguments: Any, what: str) -> Any:
    """One file, read by ``"module:function"`` in a child process; see `ReaderProcess`."""
    with ReaderProcess(what) as reader:
        return reader.read(function, path, *arguments)


class ReaderProcess:
    """A child process that reads files one after the other.

    For every file it may use 4 s of processor time and 4 s for each megabyte, and 700 MB of memory and 64 times the
    file's size (where the system can limit a process's memory).

    Args:
        what: the kind of file, with its article, for errors.

    Example:
        >>> with ReaderProcess("a MATLAB file") as reader:
        ...     pass  # boxes = reader.read("interplay.formats.hico_mat:_shape", "detections_01.mat")
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ReaderProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def read(self, function: str, path: str | os.PathLike[str], *arguments: Any) -> Any:
        """What ``function(path, *arguments)`` returns: plain data and numpy arrays.

        Args:
            function: ``"module:name"``.
            arguments: numbers, text, and lists and dicts of them.

        Raises:
            MissingFileError, InputError: what the function raises; also where the child process ends, takes too long
                or needs too much memory.
        """
        from interplay.containers.pickles import parse_answer

        size = Path(path).stat().st_size if Path(path).exists() else 0
        seconds = _SECONDS + _SECONDS_PER_MEGABYTE * size / MEGABYTE
        memory = _MEMORY + _MEMORY_PER_BYTE * size
        process = self._process = self._process or _start()
        given_up = threading.Event()

        def give_up() -> None:
            given_up.set()
            process.kill()

        patience = threading.Timer(_PATIENCE * seconds, give_up)
        patience.daemon = True
        patience.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            request = [function, os.fsdecode(path), arguments, self._what, seconds, memory]
            _send(process.stdin, json.dumps(request).encode())  # half characters of odd names become escapes
            answer = _receive(process.stdout)
        except (OSError, EOFError):
            code = process.wait()
            self._process = None
            raise InputError(f"{path}: {self._failure(code, given_up.is_set(), seconds)}") from None
        finally:
            patience.cancel()
        kind, value = parse_answer(answer)
        if kind == "value":
            return value
        raise (MissingFileError if kind == "missing" else InputError)(str(value))

    def _failure(self, code: int, given_up: bool, seconds: float) -> str:
        import signal

        if given_up or code == -getattr(signal, "SIGXCPU", 0):
            return f"not read as {self._what}: that took longer than {seconds:.0f} s; it is damaged or made to do so"
        return f"not {self._what}, or damaged: its reader ended with code {code}"


def _start() -> subprocess.Popen[bytes]:
    """A child that imports this very package; one thread, so that memory is used for the file alone."""
    own = str(Path(__file__).parents[2])
    paths = os.pathsep.join(filter(None, [own, os.environ.get("PYTHONPATH")]))
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    return subprocess.Popen(
        [sys.executable, "-c", _CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **threads, "PYTHONPATH": paths},
    )


def serve() -> None:
    """Answer requests on standard input until it ends; run in the child process."""
    import signal

    global _serving
    _serving = True
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C ends
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a parser prints must not get between the answers
    while True:
        try:
            function, path, arguments, what, seconds, memory = json.loads(_receive(requests))
        except EOFError:
            return
        _limit(seconds, memory)
        _send(answers, pickle.dumps(_answer(function, path, arguments, what), protocol=5))


def _answer(function: str, path: str, arguments: list[Any], what: str) -> tuple[str, Any]:
    module, _, name = function.partition(":")
    try:
        return "value", getattr(importlib.import_module(module), name)(path, *arguments)
    except MissingFileError as error:
        return "missing", str(error)
    except InterplayError as error:
        return "input", str(error)
    except Exception as error:
        return "input", f"{path}: {reason(error, what)}"


def _limit(seconds: float, memory: int) -> None:
    """Allow this process so much more processor time and memory than it has used."""
    try:
        import resource
    except ImportError:  # Windows: only the parent's patience limits it
        return
    times = resource.getrusage(resource.RUSAGE_SELF)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    allowed = int(times.ru_utime + times.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (allowed if most < 0 else min(allowed, most), most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    used = _memory_in_use()
    if used is not None:
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        allowed = used + memory
        resource.setrlimit(resource.RLIMIT_DATA, (allowed if most < 0 else min(allowed, most), most))


_serving = False


def allow_import_of_torch() -> None:
    """Allow a child process what the import of torch needs, once; does nothing elsewhere."""
    if _serving and "torch" not in sys.modules:
        _limit(_SECONDS_OF_TORCH, _MEMORY_OF_TORCH)


def _memory_in_use() -> int | None:
    """Bytes of data of this process, where the system says so."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("VmData:")]
    return int(found[0]) * 1024 if found else None


def _send(stream: IO[bytes], data: bytes) -> None:
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def _receive(stream: IO[bytes]) -> bytes:
    header = stream.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(header)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data


def check_mat_version(path: str | os.PathLike[str]) -> None:
    """Refuse MATLAB files of version 7.3, which are of another kind, before a parser sees them.

    Raises:
        InputError: it is one; says how to save it again.
    """
    with Path(path).open("rb") as stream:
        head = stream.read(128)
    if head[:19] == b"MATLAB 7.3 MAT-file" or head[:8] == b"\x89HDF\r\n\x1a\n":
        raise InputError(f"{path}: saved in MATLAB's version 7.3; save it again with save(..., '-v7')")
    if len(head) < 128:
        raise InputError(f"{path}: not a MATLAB file: {in_words(len(head))}")

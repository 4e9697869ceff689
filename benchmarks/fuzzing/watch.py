"""A process that reads damaged files one after the other, and what is measured of it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Outcome = Literal["accepted", "refused", "traceback", "crash", "hang", "memory", "different"]
FINDINGS: tuple[Outcome, ...] = ("traceback", "crash", "hang", "memory", "different")

MOST_SECONDS = 5
_KILLED_AFTER = 20
_PATIENCE = 200
"""A busy machine may take this many seconds for what needs few of processor time."""
_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Answer:
    """What became of one file."""

    outcome: Outcome
    detail: str = ""


class Worker:
    """A process with the table of readers; started when needed, again after a crash."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def read(self, reader: str, path: Path) -> Answer:
        """Read one file by the reader of this name."""
        process = self._process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps([reader, str(path)]) + "\n")
            process.stdin.flush()
            ready, _, _ = select.select([process.stdout], [], [], _PATIENCE)
            line = process.stdout.readline() if ready else None
        except BrokenPipeError:
            line = ""
        if line:
            return Answer(*json.loads(line))
        if line is None:
            self.close()
            return Answer("hang", f"no answer within {_PATIENCE} s")
        code = process.wait()
        self._process = None
        if code == -signal.SIGXCPU:
            return Answer("hang", f"more than {_KILLED_AFTER} s of processor time")
        return Answer("crash", f"exit {code}")

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _start(self) -> subprocess.Popen[str]:
        paths = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
        return subprocess.Popen(
            [sys.executable, "-m", "fuzzing.watch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip


def serve() -> None:
    """Answer the lines on standard input; run in the process of its own."""
    import warnings

    import matplotlib as mpl
    import torchvision  # noqa: F401  # more than half a gigabyte that no reader is to blame for

    from .readers import READERS

    mpl.use("Agg")
    warnings.simplefilter("ignore")
    _keep_children()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a parser prints must not get between the answers
    for line in sys.stdin:
        name, path = json.loads(line)
        answers.write(json.dumps(_watched(READERS[name], Path(path))) + "\n")
        answers.flush()


def _watched(reader: Any, path: Path) -> tuple[Outcome, str]:
    import resource

    before = _Use.now()
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(_own_seconds()) + _KILLED_AFTER + 1, most))
    outcome, detail = outcome_of(reader, path)
    used, grown = _Use.now().since(before)
    if outcome in ("accepted", "refused") and used > MOST_SECONDS:
        return "hang", f"{used:.1f} s of processor time; {detail}"
    if outcome in ("accepted", "refused") and grown > reader.most_bytes:
        return "memory", f"{grown / 2**30:.1f} GB; {detail}"
    return outcome, detail


def outcome_of(reader: Any, path: Path) -> tuple[Outcome, str]:
    """Read a file by a reader, in this process."""
    from interplay.errors import InterplayError

    from .results import Different

    try:
        reader.check(reader.read(path), path.parent)
    except InterplayError as error:
        message = str(error)
        if len(message) > 1500:
            return "different", f"a message of {len(message)} characters: {message[:200]}"
        return "refused", message[:300]
    except Different as error:
        return "different", str(error)[:500]
    except Exception as error:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if "interplay" in f.filename]
        place = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames[-3:]))
        return "traceback", f"{type(error).__name__}: {str(error)[:200]} ({place})"
    return "accepted", ""


@dataclass(frozen=True)
class _Use:
    """What this process and the children that read files for it have used.

    Attributes:
        seconds: of processor time, with those of children that ended.
        memory: bytes in use by process; the most since `now` was called the last time, but for the first call.
        ended: bytes that a child which ended had in use at most.
    """

    seconds: float
    memory: dict[int, int]
    ended: int

    @classmethod
    def now(cls) -> _Use:
        """Since now the peak is counted anew."""
        import resource

        children = _children()
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = _own_seconds() + ended.ru_utime + ended.ru_stime + sum(map(_seconds, children))
        memory = {process: _peak(process) for process in (os.getpid(), *children)}
        for process in memory:
            with suppress(OSError):  # another system, or it ended: the peak since the start counts
                Path(f"/proc/{process}/clear_refs").write_text("5")
        return cls(seconds, memory, ended.ru_maxrss * 1024)

    def since(self, before: _Use) -> tuple[float, int]:
        """Seconds, and bytes by which memory grew."""
        grown = sum(max(peak - before.memory.get(process, 0), 0) for process, peak in self.memory.items())
        return self.seconds - before.seconds, grown + (self.ended if self.ended > before.ended else 0)


def _own_seconds() -> float:
    times = os.times()
    return times.user + times.system


def _children() -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    except OSError:  # another system: limits of their own end them with an error
        return []


def _seconds(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak(process: int) -> int:
    import resource

    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 if process == os.getpid() else 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def _keep_children() -> None:
    """Let the children that read files one by one stay for the next file: starting takes longer than reading."""
    from interplay.containers import isolated

    starting = isolated.ReaderProcess
    kept = starting("a file")

    class Kept(starting):  # type: ignore[misc, valid-type]
        def __new__(cls, what: str) -> Any:
            kept._what = what
            return kept

    starting.__exit__ = lambda self, *error: None  # type: ignore[method-assign]
    isolated.ReaderProcess = Kept  # type: ignore[misc]


if __name__ == "__main__":
    serve()

"""`ResultFile`: results appended image by image, such that a run that was stopped, or killed, can be continued."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from interplay.errors import InputError
from interplay.files import atomic_path
from interplay.formats import SUFFIXES, read, write
from interplay.formats.jsonl import append_jsonl
from interplay.interactions import Interactions
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary


class ResultFile:
    """A ``.jsonl`` or ``.parquet`` file of interactions that grows by one image at a time.

    Beside it lies ``NAME.run.json`` with the settings that made it and whether the run finished. A Parquet file is
    written when the run finishes, from ``NAME.partial.jsonl``.

    Args:
        path: the file.
        vocabulary: the model's.
        settings: what determines the results (model, weights, detector, ...). Results of other settings are not
            continued.
        overwrite: start over.

    Attributes:
        done: the images in the file when it was opened, by absolute path.

    Raises:
        InputError: another suffix, a file that is not one of results, or one that other settings made.
    """

    def __init__(
        self, path: Path, vocabulary: Vocabulary, settings: Mapping[str, Any], overwrite: bool = False
    ) -> None:
        check_output(path)
        self.path = path
        self.vocabulary = vocabulary
        self.settings = dict(settings)
        self.lines = path if path.suffix == ".jsonl" else path.with_suffix(".partial.jsonl")
        self._record = record_path(path)
        self._stream: TextIO | None = None
        path.parent.mkdir(parents=True, exist_ok=True)
        if overwrite:
            for old in (self.lines, path, self._record):
                old.unlink(missing_ok=True)
        else:
            check_settings(path, self.settings)
            if self.lines != path and path.is_file() and not self.lines.is_file():
                write(read(path, vocabulary), self.lines, vocabulary)
        self.done = frozenset(identity(file) for file in repair_lines(self.lines))

    def __enter__(self) -> ResultFile:
        self._note(finished=False)
        self._stream = self.lines.open("a", encoding="utf-8", newline="\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._stream is not None
        self._stream.close()
        self._stream = None

    def __contains__(self, path: Path) -> bool:
        """Whether the image was in the file when it was opened."""
        return identity(path) in self.done

    def append(self, interactions: Interactions) -> None:
        """Add one image; it is in the file, whole, when this returns."""
        if self._stream is None:
            raise RuntimeError("a ResultFile is written inside a 'with' block")
        append_jsonl(interactions, self._stream)

    def finish(self) -> InteractionTable:
        """Mark the run as finished, after its `with` block; returns everything in the file."""
        table = read(self.lines, self.vocabulary)
        if self.lines != self.path:
            write(table, self.path, self.vocabulary)
            self.lines.unlink()
        self._note(finished=True)
        return table

    def _note(self, finished: bool) -> None:
        with atomic_path(self._record) as temporary:
            temporary.write_text(json.dumps({"settings": self.settings, "finished": finished}, indent=1) + "\n")


def check_output(path: Path) -> None:
    """Raise InputError unless a result file can have this name."""
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: expected a name ending in {' or '.join(SUFFIXES)}, got {path.suffix!r}")
    if path.is_dir():
        raise InputError(f"{path} is a folder, expected a file")


def record_path(path: Path) -> Path:
    """The file beside a result file that says how it was made."""
    return path.with_suffix(".run.json")


def read_record(path: Path) -> tuple[dict[str, Any], bool] | None:
    """The settings that made a result file, and whether its run finished; None where nothing tells."""
    try:
        record = json.loads(record_path(path).read_text(encoding="utf-8"))
        return dict(record["settings"]), bool(record["finished"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def check_settings(path: Path, settings: Mapping[str, Any]) -> None:
    """Raise InputError where a result file was made with other settings."""
    record = read_record(path)
    if record is None:
        return
    before = record[0]
    differing = [key for key in {**before, **settings} if before.get(key) != settings.get(key)]
    if differing:
        changes = ", ".join(f"{key} {before.get(key)!r} (now {settings.get(key)!r})" for key in differing)
        raise InputError(
            f"{path} holds results made with {changes}. Give --overwrite to start over, or another --output"
        )


def repair_lines(path: Path) -> list[str]:
    """The images in a JSON Lines file; a last line that was only half written is cut off.

    Raises:
        InputError: another line is not a result.
    """
    files: list[str] = []
    if not path.is_file():
        return files
    good = 0
    ends_line = True
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            ends_line = line.endswith(b"\n")
            if line.strip():
                try:
                    record = json.loads(line)
                    files.append(record["file"])
                except (ValueError, KeyError, TypeError) as error:
                    if not ends_line:
                        break
                    raise InputError(f"{path}, line {number}: not a result, so it cannot be continued") from error
            good += len(line)
    if good < path.stat().st_size:
        os.truncate(path, good)
    elif not ends_line:
        with path.open("ab") as stream:
            stream.write(b"\n")
    return files


def identity(file: str | Path) -> str:
    """What makes two names the same image: their absolute path, links not followed."""
    return os.path.abspath(file)  # noqa: PTH100  # resolve() follows links

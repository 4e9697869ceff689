"""`ResultFile`: results appended image by image, such that a run that was stopped, or killed, can be continued."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from interplay.containers.guard import brief
from interplay.containers.json_files import parse_json, read_json
from interplay.errors import InputError, MissingFileError
from interplay.files import atomic_path, beside, check_target, content_digest, naming
from interplay.formats import SUFFIXES, read, write
from interplay.formats.jsonl import append_jsonl
from interplay.image_files import text_name
from interplay.interactions import Interactions
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary

_REMEMBERED = 1000
"""Images of a new file that are not read again from it when the run finishes: Arrow's reader takes time to load."""


class ResultFile:
    """A ``.jsonl``, ``.parquet`` or ``.csv`` file of interactions that grows by one image at a time.

    Beside it lies ``NAME.run.json`` with the settings that made it and whether the run finished. Without that record a
    file is somebody else's, and is left as it is. A Parquet or CSV file is written when the run finishes, from
    ``NAME.partial.jsonl``. Whoever has several processes takes `interplay.locks.locked` first.

    Args:
        path: the file.
        vocabulary: the model's.
        settings: what determines the results (model, weights, detector, ...). Results of other settings are not
            continued.
        overwrite: start over, whatever the file holds.
        scored: False for a file of annotations.

    Attributes:
        done: the images in the file when it was opened, by absolute path.

    Raises:
        InputError: another suffix, a file that is not one of results, or one that other settings made.
    """

    def __init__(
        self,
        path: Path,
        vocabulary: Vocabulary,
        settings: Mapping[str, Any],
        overwrite: bool = False,
        scored: bool = True,
    ) -> None:
        check_output(path)
        self.path = path
        self.vocabulary = vocabulary
        self.settings = dict(settings)
        self.lines = lines_path(path)
        self._stream: TextIO | None = None
        with naming(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if overwrite:
                _start_over(path)
        check_settings(path, self.settings)
        if self.lines != path and _has_content(path) and not self.lines.is_file():
            write(_read_results(path, vocabulary, scored), self.lines, vocabulary)
        with naming(self.lines):
            self.done = frozenset(identity(file) for file in repair_lines(self.lines, scored))
        self._appended: list[Interactions] | None = None if self.done else []  # None: too many to be remembered

    def __enter__(self) -> ResultFile:
        self._note(finished=False)
        with naming(self.lines):
            self._stream = self.lines.open("a", encoding="utf-8", newline="\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._stream is not None
        stream, self._stream = self._stream, None
        try:
            with naming(self.lines):
                stream.close()
        except OSError:
            if error is None:
                raise

    def __contains__(self, path: Path) -> bool:
        """Whether the image was in the file when it was opened."""
        return identity(path) in self.done

    def append(self, interactions: Interactions) -> None:
        """Add one image; it is in the file, whole, when this returns.

        Raises:
            InputError: the file was removed or replaced meanwhile.
            OSError: it cannot be written; names it.
        """
        if self._stream is None:
            raise RuntimeError("a ResultFile is written inside a 'with' block")
        with naming(self.lines):
            try:
                there = os.path.samestat(self.lines.stat(), os.fstat(self._stream.fileno()))
            except FileNotFoundError:
                there = False
            if not there:
                raise InputError(f"{self.lines} was removed or replaced while it was written; run the command again")
            append_jsonl(interactions, self._stream)
        if self._appended is not None:
            self._appended.append(interactions)
            if len(self._appended) > _REMEMBERED:
                self._appended = None

    def finish(self) -> InteractionTable:
        """Mark the run as finished, after its `with` block; returns everything in the file."""
        if self._appended is None:
            table = read(self.lines, self.vocabulary)
        else:
            table = InteractionTable.from_list(self._appended, self.vocabulary)
        if self.lines != self.path:
            write(table, self.path, self.vocabulary)
            self.lines.unlink()
        self._note(finished=True)
        return table

    def _note(self, finished: bool) -> None:
        write_record(self.path, self.settings, finished)


def check_output(path: Path) -> None:
    """Raise InputError unless a result file can have this name and place."""
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: expected a name ending in {' or '.join(SUFFIXES)}, got {path.suffix!r}")
    check_target(path)
    if path.exists() and not path.is_file():
        raise InputError(f"{path} is no file that could be continued; give a file")


def record_path(path: Path) -> Path:
    """The file beside a result file that says how it was made."""
    return beside(path, ".run.json")


def lines_path(path: Path) -> Path:
    """The file to which a run adds lines: the result file itself, or one beside it."""
    return path if path.suffix == ".jsonl" else beside(path, ".partial.jsonl")


def write_record(path: Path, settings: Mapping[str, Any], finished: bool) -> None:
    """Say beside a result file how it is made, and whether that is done."""
    content = {"output": path.name, "settings": dict(settings), "finished": finished}
    with atomic_path(record_path(path)) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_record(path: Path) -> tuple[dict[str, Any], bool] | None:
    """The settings that made a result file, and whether its run finished; None where nothing tells."""
    try:
        record = read_json(record_path(path), "the record of a run")
    except (InputError, MissingFileError):
        return None
    settings, finished = (record.get(key) for key in ("settings", "finished")) if isinstance(record, dict) else (0, 0)
    return (settings, finished) if isinstance(settings, dict) and isinstance(finished, bool) else None


def check_settings(path: Path, settings: Mapping[str, Any], whole: bool = True) -> None:
    """Raise InputError where a file is not a result of ours, or was made with other settings.

    Args:
        settings: by name.
        whole: whether these are all; where only some are known, the others are not compared.
    """
    if not any(_has_content(file) for file in (path, lines_path(path))):
        return
    record = read_record(path)
    if record is None:
        raise InputError(
            f"{path} is not empty, and no {record_path(path).name} beside it says that a run of interplay's wrote it, "
            "so it is left as it is. Give another --output, or --overwrite to replace it"
        )
    before = record[0] if whole else {key: value for key, value in record[0].items() if key in settings}
    changes = changed_settings(before, settings)
    if changes:
        raise InputError(
            f"{path} holds results made with {', '.join(changes)}. Give --overwrite to start over, or another --output"
        )


def changed_settings(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """In words, which settings are others than before."""
    return [_change(key, before.get(key), now.get(key)) for key in {**before, **now} if before.get(key) != now.get(key)]


CONTENT = "sha256:"
"""How a setting begins that stands for a file's content."""


def file_setting(path: str | os.PathLike[str] | None) -> str | None:
    """A setting that names a file, as its record has it: by content, so that a file that changed is another one."""
    if path is None or not Path(path).is_file():
        return None if path is None else str(path)
    return f"{CONTENT}{content_digest(path)}"


def _change(key: str, before: Any, now: Any) -> str:
    if all(isinstance(value, str) and value.startswith(CONTENT) for value in (before, now)):
        return f"other content in the file of {key}"
    return f"{key} {brief(before)} (now {brief(now)})"


def _start_over(path: Path) -> None:
    """Empty a result file; a link to one stays."""
    for old in (lines_path(path), path):
        if old.is_file():
            os.truncate(old, 0)
    record_path(path).unlink(missing_ok=True)
    if lines_path(path) != path:
        lines_path(path).unlink(missing_ok=True)


def _has_content(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _read_results(path: Path, vocabulary: Vocabulary, scored: bool) -> InteractionTable:
    table = read(path, vocabulary)
    if len(table) and table.scored != scored:
        kinds = ("annotations", "results") if scored else ("results", "annotations")
        raise InputError(f"{path} holds {kinds[0]}, not {kinds[1]}, so it cannot be continued")
    return table


def repair_lines(path: Path, scored: bool = True) -> list[str]:
    """The images in a JSON Lines file; a last line that was only half written is cut off.

    Args:
        scored: False for a file of annotations.

    Raises:
        InputError: another line is not a result.
    """
    files, good, ends_line = whole_lines(path, scored)
    if path.is_file() and good < path.stat().st_size:
        os.truncate(path, good)
    elif not ends_line:
        with path.open("ab") as stream:
            stream.write(b"\n")
    return files


def whole_lines(path: Path, scored: bool = True) -> tuple[list[str], int, bool]:
    """The images in a JSON Lines file, the bytes up to a half-written line, and whether the last line has its end.

    Raises:
        InputError: another line is not a result.
    """
    files: list[str] = []
    if not path.is_file():
        return files, 0, True
    good = 0
    ends_line = True
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            ends_line = line.endswith(b"\n")
            if line.strip():
                file = _file_of_result(line, scored)
                if file is None:
                    if not ends_line and _is_beginning(line):
                        break
                    what = "a result" if scored else "an annotation"
                    raise InputError(f"{path}, line {number}: not {what}, so it cannot be continued")
                files.append(file)
            good += len(line)
    return files, good, ends_line


_BEGINNING = b'{"file": "'


def _is_beginning(line: bytes) -> bool:
    """Whether a line can be the first part of one that `append_jsonl` writes."""
    return line.startswith(_BEGINNING) or _BEGINNING.startswith(line)


def _file_of_result(line: bytes, scored: bool) -> str | None:
    try:
        record = parse_json(line, "a line")
        file, boxes, interactions = record["file"], record["boxes"], record["interactions"]
        has_scores = "scores" in record and all("score" in one for one in interactions)
        results = isinstance(boxes, list) and (has_scores if scored else "scores" not in record)
    except (InputError, LookupError, TypeError):
        return None
    return file if isinstance(file, str) and results else None


def identity(file: str | Path) -> str:
    """What makes two names the same image: their absolute path, links not followed."""
    return os.path.abspath(text_name(file))  # noqa: PTH100  # resolve() follows links

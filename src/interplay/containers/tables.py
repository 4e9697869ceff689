"""Tables as CSV."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Iterator

from interplay.containers.guard import brief, reading
from interplay.containers.text import read_text
from interplay.errors import InputError


def read_csv(path: str | os.PathLike[str]) -> list[dict[str, str]]:
    """The rows of a CSV file by the names in its first line; a value that a row lacks is empty.

    Raises:
        MissingFileError: there is none.
        InputError: not text, a column comes twice, or a row has more values than there are columns (spreadsheets add
            empty columns and values, which do no harm).
    """
    return [row for _, row in open_csv(path)[1]]


def open_csv(
    path: str | os.PathLike[str], what: str = "a CSV file"
) -> tuple[list[str], Iterator[tuple[int, dict[str, str]]]]:
    """The columns' names, and a stream of the rows as in `read_csv`, each with the line on which it ends, from 1.

    Args:
        what: the kind of file, for the error.

    Raises:
        MissingFileError, InputError: as for `read_csv`; about a row when it is asked for.
    """
    with reading(path, what):
        rows = csv.DictReader(io.StringIO(read_text(path, what), newline=""), restval="")
        names = list(rows.fieldnames or [])
    twice = [name for name, count in Counter(names).items() if name and count > 1]
    if twice:
        raise InputError(f"{path}: the column {brief(twice[0])} comes twice")
    return names, _rows(rows, path, what)


def _rows(rows: csv.DictReader[str], path: str | os.PathLike[str], what: str) -> Iterator[tuple[int, dict[str, str]]]:
    while True:
        with reading(path, what):
            row = next(rows, None)
        if row is None:
            return
        if any(row.pop(None, ())):
            raise InputError(f"{path}: line {rows.line_num}: more values than the {len(rows.fieldnames or ())} columns")
        yield rows.line_num, row

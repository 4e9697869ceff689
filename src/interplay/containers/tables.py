"""Tables as CSV."""

from __future__ import annotations

import csv
import io
import os

from interplay.containers.guard import MEGABYTE, reading
from interplay.containers.text import read_text
from interplay.errors import InputError

_SIZE_LIMIT = 256 * MEGABYTE


def read_csv(path: str | os.PathLike[str]) -> list[dict[str, str]]:
    """The rows of a CSV file by the names in its first line; a value that a row lacks is empty.

    Raises:
        MissingFileError: there is none.
        InputError: not text, a column comes twice, or a row has more values than there are columns.
    """
    with reading(path, "a CSV file"):
        stream = csv.DictReader(io.StringIO(read_text(path, "a CSV file", _SIZE_LIMIT), newline=""), restval="")
        names = stream.fieldnames or []
        if len(set(names)) != len(names):
            raise InputError(f"{path}: a column comes twice: {', '.join(names)[:200]}")
        rows = []
        for row in stream:
            if None in row:
                raise InputError(f"{path}: line {stream.line_num}: more values than the {len(names)} columns")
            rows.append(row)
        return rows

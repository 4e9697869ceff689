"""Parquet files: rows only as many as their bytes can hold."""

from __future__ import annotations

import os
from typing import Any

from interplay.containers.guard import check_unpacked, in_words, reading, regular_file
from interplay.errors import InputError

_FEW_ROWS = 100_000


def read_rows(path: str | os.PathLike[str]) -> Any:
    """The rows of a Parquet file as a `pyarrow.Table`.

    Raises:
        MissingFileError: there is none.
        InputError: not a Parquet file, damaged, or small and made to unfold into far more rows than it can hold.
    """
    import pyarrow.parquet as pq

    size = regular_file(path, "a Parquet file")
    with reading(path, "a Parquet file"):
        found = pq.read_metadata(path)
        if found.num_rows > max(_FEW_ROWS, size):  # a row has an image's name, which takes more than one byte
            raise InputError(f"{path}: {in_words(size)} that claim to hold {found.num_rows:,} rows; not read")
        groups = [found.row_group(i).total_byte_size for i in range(found.num_row_groups)]
        check_unpacked(path, size, sum(groups))
        rows = pq.read_table(path)
        rows.validate(full=True)
        return rows

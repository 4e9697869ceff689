"""Parquet files of interactions: one row per image, the fields of the JSON Lines form, zstd-compressed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from interplay.containers.guard import reading
from interplay.containers.json_files import parse_json
from interplay.containers.parquet import read_rows
from interplay.errors import InputError
from interplay.files import atomic_path
from interplay.formats.arrow import from_arrow, to_arrow
from interplay.formats.reading import OwnNames, own_names
from interplay.table import InteractionTable
from interplay.vocabulary import BUILT_IN, Vocabulary

_VOCABULARY_KEY = b"interplay.vocabulary"
_ROWS_PER_GROUP = 2_000


def write_parquet(table: InteractionTable, path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write a table with its vocabulary in the file's metadata.

    Args:
        metadata: more of it, by name.
    """
    rows = to_arrow(table)
    more = {name.encode(): text.encode() for name, text in (metadata or {}).items()}
    rows = rows.replace_schema_metadata({**more, _VOCABULARY_KEY: json.dumps(table.vocabulary.to_dict()).encode()})
    with atomic_path(path) as temporary:
        pq.write_table(rows, temporary, compression="zstd", row_group_size=_ROWS_PER_GROUP)


def read_parquet(path: Path, vocabulary: Vocabulary | OwnNames | None = None) -> InteractionTable:
    """Read a table, from one file or a folder of shards; the vocabulary is the file's own unless one is given.

    Raises:
        InputError: not a Parquet file of interactions.
    """
    rows = _joined(path) if path.is_dir() else read_rows(path)
    stored = (rows.schema.metadata or {}).get(_VOCABULARY_KEY)
    if not isinstance(vocabulary, Vocabulary) and stored is not None:
        own = Vocabulary.from_dict(parse_json(stored, f"{path}: its vocabulary"), source=str(path))
        # a built-in vocabulary is shared, so that comparing two tables' vocabularies costs nothing
        built_in = Vocabulary.load(own.name) if own.name in BUILT_IN else own
        carried = built_in if built_in == own else own
        vocabulary = carried if vocabulary is None else own_names(carried)
    with reading(path, "a Parquet file of interactions"):
        try:
            return from_arrow(rows, vocabulary)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None


def _joined(folder: Path) -> Any:
    import pyarrow as pa

    files = sorted(folder.glob("part-*.parquet"))
    tables = [read_rows(file) for file in files]
    meanings = [(table.schema.metadata or {}).get(_VOCABULARY_KEY) for table in tables]
    for file, meaning in zip(files, meanings, strict=True):
        if meaning != meanings[0]:
            raise InputError(f"{file} has another vocabulary than {files[0].name}: they are not of one run")
    with reading(folder, "Parquet files of interactions"):
        return pa.concat_tables(tables, promote_options="default")

"""Interactions on disk: JSON Lines for people, Parquet for scale, CSV for spreadsheets, and adapters to others."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from interplay.errors import InputError, MissingFileError
from interplay.formats.reading import OWN_NAMES, OwnNames
from interplay.interactions import Interactions
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary

SUFFIXES = (".jsonl", ".parquet", ".csv")


def read(path: str | os.PathLike[str], vocabulary: Vocabulary | str | None = None) -> InteractionTable:
    """Interactions of many images from a ``.jsonl``, ``.parquet`` or ``.csv`` file, or another code base's result file.

    Args:
        path: a file, or a folder that ``interplay batch`` wrote; for others' results see
            `interplay.formats.results.ACCEPTED`.
        vocabulary: what the names mean (a `Vocabulary`, a built-in name or a JSON file; ``"own"``: the names in the
            file and no more, where it carries no vocabulary of its own). By default the one that
            a Parquet file carries, else the first built-in one that knows every name in the file, else a new one
            made of the names in the file. Others' ``.json`` results hold numbers only and need it.

    Raises:
        MissingFileError: no such file.
        InputError: another suffix, or content that does not fit; names file, line and field.
    """
    source = Path(path)
    if not source.exists():
        raise MissingFileError(f"no file {source}: expected a {' or '.join(SUFFIXES)} file of interactions")
    sharded = is_sharded(source)
    by_name = sharded or source.suffix in SUFFIXES
    meaning: Vocabulary | OwnNames | None
    if isinstance(vocabulary, str):
        meaning = OWN_NAMES if vocabulary == OWN_NAMES and by_name else Vocabulary.load(vocabulary)
    else:
        meaning = vocabulary
    if not by_name:
        if (source / "plan").is_dir():
            raise InputError(
                f"{source}: this batch has no finished part yet (part-*.parquet); run interplay batch again"
            )
        from interplay.formats.results import read_result_table

        return read_result_table(source, meaning if isinstance(meaning, Vocabulary) else None)
    if sharded or source.suffix == ".parquet":
        from interplay.formats.parquet import read_parquet

        return read_parquet(source, meaning)
    if source.suffix == ".csv":
        from interplay.formats.csv_rows import read_csv

        return read_csv(source, meaning)
    from interplay.formats.jsonl import read_jsonl

    return read_jsonl(source, meaning)


def write(
    images: InteractionTable | Iterable[Interactions],
    path: str | os.PathLike[str],
    vocabulary: Vocabulary | None = None,
) -> None:
    """Write interactions of many images to a ``.jsonl``, ``.parquet`` or ``.csv`` file, whole or not at all.

    A CSV file holds what has a place in a row per triplet; see `interplay.formats.csv_rows`.

    Args:
        vocabulary: needed only when `images` is an empty list.

    Raises:
        InputError: another suffix.
    """
    target = Path(path)
    _check_suffix(target)
    table = images if isinstance(images, InteractionTable) else InteractionTable.from_list(images, vocabulary)
    if target.suffix == ".parquet":
        from interplay.formats.parquet import write_parquet

        return write_parquet(table, target)
    if target.suffix == ".csv":
        from interplay.formats.csv_rows import write_csv

        return write_csv(table, target)
    from interplay.formats.jsonl import write_jsonl

    return write_jsonl(table, target)


def is_sharded(path: Path) -> bool:
    """Whether a path is a folder of Parquet files that ``interplay batch`` wrote."""
    return path.is_dir() and any(path.glob("part-*.parquet"))


def _check_suffix(path: Path) -> None:
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: expected a name ending in {' or '.join(SUFFIXES)}, got {path.suffix!r}")

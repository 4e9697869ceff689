"""A shard's result: one Parquet file with its interactions and, in its metadata, the images that could not be done."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from interplay.batch.storage import Folder
from interplay.containers.guard import reading
from interplay.containers.json_files import parse_json
from interplay.errors import InputError
from interplay.formats.parquet import write_parquet
from interplay.interactions import Interactions
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary

_NAME = re.compile(r"part-(\d{8})\.parquet")
_FAILURES = "interplay.failures"


@dataclass(frozen=True)
class Broken:
    """An image that could not be done."""

    file: str
    reason: str


def part_name(shard: int) -> str:
    """The file of a shard's result."""
    return f"part-{shard:08d}.parquet"


def done_shards(folder: Folder) -> set[int]:
    """The shards whose results are there."""
    return {int(found[1]) for name in folder.names() if (found := _NAME.fullmatch(name))}


def write_shard(
    folder: Folder, shard: int, images: Sequence[Interactions], broken: Sequence[Broken], vocabulary: Vocabulary
) -> None:
    """Write a shard's result; it is there whole or not at all, whatever happens meanwhile."""
    notes = json.dumps([vars(one) for one in broken])
    with folder.writing(part_name(shard)) as temporary:
        write_parquet(InteractionTable.from_list(images, vocabulary), temporary, {_FAILURES: notes})


def read_broken(folder: Folder, shard: int) -> list[Broken]:
    """The images of a shard that is done that could not be done; only the end of its file is read.

    Raises:
        InputError: the file is not a shard's result.
    """
    import pyarrow.parquet as pq

    name = f"{folder.address}/{part_name(shard)}"
    with folder.store.open(folder.place(part_name(shard)), "rb") as stream, reading(name, "a shard's result"):
        notes = (pq.read_schema(stream).metadata or {}).get(_FAILURES.encode())
    if notes is None:
        raise InputError(f"{name} is not a shard's result: it does not say which images could not be done")
    return [Broken(**one) for one in parse_json(notes, name)]

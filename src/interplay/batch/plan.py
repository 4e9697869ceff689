"""`Plan`: which images make which shard, written down once, so that every later run agrees about it."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

from interplay.batch.sources import Images, Rows
from interplay.batch.storage import Folder
from interplay.containers.guard import reading

PLAN = "plan"
"""Folder of the files that hold it."""

SHARDS_PER_FILE = 100

_NAME = re.compile(r"\d{8}\.parquet")


class Plan:
    """The shards of a folder of results.

    It is kept in files ``plan/00000000.parquet``, ... named by their first shard, with a row per shard. What is found
    later makes more shards; a shard never changes.

    Args:
        folder: of the results.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._read = lru_cache(maxsize=2)(self._read_file)  # a worker's shards lie side by side
        self._starts = self._list()

    def __len__(self) -> int:
        """Number of shards."""
        return self._starts[-1] + len(self._read(self._starts[-1])) if self._starts else 0

    def __getitem__(self, shard: int) -> Images | Rows:
        start = self._starts[bisect_right(self._starts, shard) - 1]
        return self._read(start)[shard - start]

    def __iter__(self) -> Iterator[Images | Rows]:
        for start in self._starts:
            yield from self._read(start)

    def extend(self, found: Iterable[str | Rows], size: int, on_image: Callable[[int], object] = lambda n: None) -> int:
        """Make shards of what no shard has yet; returns their number.

        Args:
            found: what `find_work` says.
            size: images in a shard; of a Parquet file whole row groups, as few as hold so many.
            on_image: called with the number of images after each addition.
        """
        known = {_digest(one) for shard in self for one in _parts(shard)}
        start = len(self)
        made: list[Images | Rows] = []
        added = 0
        for shard in _shards(_new(found, known), size):
            made.append(shard)
            on_image(len(shard))
            if len(made) == SHARDS_PER_FILE:
                self._write(start + added, made)
                added, made = added + len(made), []
        if made:
            self._write(start + added, made)
        self._starts = self._list()
        return added + len(made)

    def images(self, shards: Iterable[int]) -> int:
        """Number of images in some shards."""
        return sum(len(self[shard]) for shard in shards)

    def _list(self) -> list[int]:
        return [int(name.partition(".")[0]) for name in self._folder.names(PLAN) if _NAME.fullmatch(name)]

    def _write(self, start: int, shards: list[Images | Rows]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = [_to_row(shard) for shard in shards]
        with self._folder.writing(f"{PLAN}/{start:08d}.parquet") as temporary:
            pq.write_table(pa.Table.from_pylist(rows, _form()), temporary, compression="zstd")

    def _read_file(self, start: int) -> list[Images | Rows]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        name = f"{PLAN}/{start:08d}.parquet"
        content = self._folder.read(name)
        with reading(f"{self._folder.address}/{name}", "the plan of a run"):
            rows = pq.read_table(pa.BufferReader(content), schema=_form()).to_pylist()
            return [_from_row(row) for row in rows]


def _form() -> Any:
    import pyarrow as pa

    return pa.schema(
        [
            ("images", pa.list_(pa.string())),
            ("table", pa.string()),
            ("groups", pa.list_(pa.int32())),
            ("first", pa.int64()),
            ("count", pa.int64()),
        ]
    )


def _to_row(shard: Images | Rows) -> dict[str, Any]:
    if isinstance(shard, Images):
        return {"images": list(shard.files), "table": None, "groups": [], "first": 0, "count": len(shard)}
    return {
        "images": [],
        "table": shard.file,
        "groups": list(shard.groups),
        "first": shard.first,
        "count": shard.count,
    }


def _from_row(row: dict[str, Any]) -> Images | Rows:
    if row["table"] is None:
        return Images(tuple(row["images"]))
    return Rows(row["table"], tuple(row["groups"]), row["first"], row["count"])


def _parts(shard: Images | Rows) -> Iterator[str]:
    if isinstance(shard, Images):
        yield from shard.files
    else:
        yield from (f"{shard.file}#{group}" for group in shard.groups)


def _digest(name: str) -> bytes:
    """What stands for a name where a hundred million of them are compared: long enough that no two are alike."""
    return hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=16).digest()


def _new(found: Iterable[str | Rows], known: set[bytes]) -> Iterator[str | Rows]:
    for one in found:
        mark = _digest(one if isinstance(one, str) else f"{one.file}#{one.groups[0]}")
        if mark not in known:
            known.add(mark)
            yield one


def _shards(found: Iterable[str | Rows], size: int) -> Iterator[Images | Rows]:
    files: list[str] = []
    rows: Rows | None = None
    for one in found:
        if isinstance(one, str):
            files.append(one)
            if len(files) == size:
                yield Images(tuple(files))
                files = []
            continue
        joins = rows is not None and rows.file == one.file and rows.groups[-1] + 1 == one.groups[0]
        if rows is not None and not (joins and rows.count + one.count <= size):
            yield rows
            rows = None
        rows = one if rows is None else Rows(rows.file, rows.groups + one.groups, rows.first, rows.count + one.count)
    if rows is not None:
        yield rows
    if files:
        yield Images(tuple(files))

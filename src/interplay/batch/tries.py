"""`Tries`: how often a shard was begun, so that an image that ends its process does not end the run.

A process can die in the middle of a shard for reasons outside: a machine is taken away, memory is short. It is begun
again elsewhere. Where that happened several times, the images are done one by one, and each is noted before it is
begun: the one that is noted when a process dies again is the one that is left out.
"""

from __future__ import annotations

import json
from typing import Any

from interplay.batch.storage import Folder
from interplay.containers.json_files import parse_json
from interplay.errors import InputError

TRIES = "tries"
"""Folder of the notes about shards that were begun and not finished."""

_ENOUGH = 3
"""Tries after which images are done one by one."""


class Tries:
    """The tries of one shard, of which this is one more.

    Args:
        folder: of the results.
        shard: its number.

    Attributes:
        one_by_one: whether `before` is to be called with each image alone.
        fatal: images whose process ended while they were done.
    """

    def __init__(self, folder: Folder, shard: int) -> None:
        self._folder = folder
        self._name = f"{TRIES}/{shard:08d}.json"
        note = self._read()
        self._count = note.get("count", 0) + 1
        self.fatal: list[str] = list(note.get("fatal", []))
        if note.get("image") is not None:
            self.fatal.append(note["image"])
        self.one_by_one = self._count > _ENOUGH
        self._write(None)

    def before(self, image: str) -> None:
        """Note which image is begun."""
        self._write(image)

    def finished(self) -> None:
        """The shard is done: forget about its tries."""
        self._folder.remove(self._name)

    def _read(self) -> dict[str, Any]:
        if not self._folder.exists(self._name):
            return {}
        try:
            note = parse_json(self._folder.read(self._name), self._name)
        except InputError:
            return {}
        return note if isinstance(note, dict) else {}

    def _write(self, image: str | None) -> None:
        with self._folder.writing(self._name) as temporary:
            temporary.write_text(json.dumps({"count": self._count, "fatal": self.fatal, "image": image}) + "\n")

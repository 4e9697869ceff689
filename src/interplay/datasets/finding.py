"""What a check of a data set finds out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from interplay.errors import InterplayError

Status = Literal["ok", "note", "missing", "different", "broken"]


@dataclass(frozen=True)
class Finding:
    """One thing that a check found out.

    Attributes:
        dataset: whose part it is.
        status: ``ok``; ``note``: worth knowing; ``missing``: a part is not there; ``different``: not what was
            published; ``broken``: cannot be read.
        what: the file or part.
        detail: counts, what is wrong, or where to get it.
    """

    dataset: str
    status: Status
    what: str
    detail: str


def try_reading(dataset: str, path: Path, folder: Path, describe: Callable[[], str]) -> Finding:
    """``ok`` with what `describe` says of a file that it reads, ``broken`` with the error if it cannot be read."""
    name = str(path.relative_to(folder))
    try:
        return Finding(dataset, "ok", name, describe())
    except InterplayError as error:
        return Finding(dataset, "broken", name, str(error).removeprefix(f"{path}: "))

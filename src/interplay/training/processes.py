"""Several processes that train one model: who this one is, and what all of them found."""

from __future__ import annotations

from typing import TypeVar

from torch import distributed

from interplay.layers.normalisers import process_count

__all__ = ["gather", "process_count", "process_rank"]

Item = TypeVar("Item")


def process_rank() -> int:
    """This process's number, from 0."""
    return distributed.get_rank() if process_count() > 1 else 0


def gather(items: list[Item]) -> list[Item]:
    """The items of all processes, in the order in which ``everything[rank::count]`` dealt them out."""
    count = process_count()
    if count == 1:
        return items
    parts: list[list[Item]] = [[] for _ in range(count)]
    distributed.all_gather_object(parts, items)
    longest = max(map(len, parts))
    return [part[i] for i in range(longest) for part in parts if i < len(part)]

"""What `interplay detect` shows: a progress bar, messages, tables, and where the files are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from interplay.image_files import text_name
from interplay.table import InteractionTable
from interplay.visual import image_table, summary_table
from interplay.visual.tables import count

if TYPE_CHECKING:
    from rich.console import Console

_FEW = 5  # images: each has a table of its own; of more of them, the most frequent interactions are shown


def say(console: Console, text: str) -> None:
    """One line, as it is: file names may hold brackets, and must not be broken."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def progress(console: Console, what: str, total: int) -> Iterator[Callable[[], None]]:
    """How far the work on several images is; yields what to call after each.

    On a terminal a progress bar, elsewhere a line every half minute.
    """
    if total < 2:
        yield lambda: None
        return
    if not console.is_terminal:
        yield _Lines(console, what, total)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speed]}"))
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task(what, total=total, speed="")

        def advance() -> None:
            rate = bar.tasks[0].speed
            bar.update(task, advance=1, speed=f"{rate:.1f} images/s" if rate else "")

        yield advance


class _Lines:
    """Progress where there is no terminal: a line when `EVERY` seconds have passed since the last one."""

    EVERY = 30.0

    def __init__(self, console: Console, what: str, total: int) -> None:
        self.console, self.what, self.total = console, what, total
        self.done, self.start = 0, time.monotonic()
        self.last = self.start

    def __call__(self) -> None:
        self.done += 1
        now = time.monotonic()
        if now - self.last >= self.EVERY and self.done < self.total:
            rate = self.done / (now - self.start)
            say(self.console, f"{self.what}: {self.done:,} of {self.total:,} images, {rate:.1f} images/s")
            self.last = now


def show_results(console: Console, table: InteractionTable, written: Sequence[Path]) -> None:
    """A table per image where there are few, else a summary, and the files that were written."""
    if len(table) > _FEW:
        console.print(summary_table(table))
    else:
        for image in table:
            say(console, image.file or "")
            console.print(image_table(image))
    for path in written:
        say(console, f"wrote {text_name(path)}")


__all__ = ["count", "progress", "say", "show_results"]

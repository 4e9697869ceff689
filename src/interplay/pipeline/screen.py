"""What `interplay detect` shows: a progress bar, messages, tables, and where the files are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from interplay.image_files import text_name
from interplay.table import InteractionTable
from interplay.visual import image_table, summary_table
from interplay.visual.scene import count
from interplay.visual.seen import describe_seen

if TYPE_CHECKING:
    from rich.console import Console

DEFAULT_ROWS = 15
"""Rows in the table of many images, and images without interactions that are named below it."""

_FEW = 5  # images: each has a table of its own; of more of them, the best interactions are shown


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


@contextmanager
def stoppable(console: Console, what: str, total: int, how: str = "") -> Iterator[Callable[[], None]]:
    """`progress` of work that Ctrl-C may stop, which then says how much is done, and how to go on.

    Args:
        how: to go on; by default the same command again.

    Raises:
        KeyboardInterrupt: after saying so.
    """
    done = 0
    try:
        with progress(console, what, total) as tell:

            def advance() -> None:
                nonlocal done
                done += 1
                tell()

            yield advance
    except KeyboardInterrupt:
        how = how or "run the same command again to continue"
        say(console, f"stopped after {done:,} of {count(total, 'image')}; {how}")
        raise


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


def show_results(
    console: Console,
    table: InteractionTable,
    written: Sequence[Path],
    min_score: float | None = None,
    rows: int | None = DEFAULT_ROWS,
) -> None:
    """A table per image where there are few, else a summary, and the files that were written.

    Args:
        min_score: smallest score that is shown.
        rows: most rows of the summary, and images without interactions that are named below it; None for all.
    """
    if len(table) > _FEW:
        summary = summary_table(table, rows, min_score)
        console.print(summary)
        cut = _say_what_was_seen(console, table, min_score, rows)
        if cut or summary.caption:
            say(console, "--rows all lists the rest")
    else:
        for image in table:
            say(console, image.file or "")
            console.print(image_table(image, min_score))
    for path in written:
        say(console, f"wrote {text_name(path)}")


def _say_what_was_seen(console: Console, table: InteractionTable, min_score: float | None, rows: int | None) -> bool:
    """What was seen in images without an interaction that is shown; whether some are left out."""
    shown = table.score >= (-np.inf if min_score is None else min_score)
    none = np.flatnonzero(np.bincount(table.image_index[shown], minlength=len(table)) == 0)
    for i in none[:rows].tolist():
        say(console, f"{table.files[i]}: {describe_seen(table[i], min_score)}")
    left_out = len(none[len(none) if rows is None else rows :])
    if left_out:
        say(console, f"and {count(left_out, 'more image')} without interactions")
    return left_out > 0


__all__ = ["DEFAULT_ROWS", "count", "progress", "say", "show_results", "stoppable"]

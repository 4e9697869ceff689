"""Bring a model's weights here, where its authors publish them without a login; otherwise say how to get them.

The file is verified, converted and kept in the cache, where every command finds it by the model's name.
"""

from __future__ import annotations

import argparse

EXAMPLE = "interplay models get gen-vlkt-s-hico"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("name", metavar="NAME", help="a model that 'interplay models' lists, or owner/name on the hub")


def run(arguments: argparse.Namespace) -> int:
    """Get one model's weights, and say where they are."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    from interplay.zoo.published import get_weights

    console = Console(stderr=True)
    columns = "[progress.description]{task.description}", BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(arguments.name, total=None)
        path = get_weights(arguments.name, lambda done, total: bars.update(task, completed=done, total=total))
    print(path)
    return 0

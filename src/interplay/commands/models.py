"""List the models, or show one model's card: what it is, what it was trained on, published and measured figures."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

EXAMPLE = "interplay models gen-vlkt-s-hico"

_SHOWN = ("name", "summary", "system", "vocabulary", "paper", "source", "licence", "trained_on", "command", "limits")
_LEGEND = """weights: those that are 'yours' are imported or trained.
figures: how many its authors published, and how many this project measured.
'interplay models NAME' shows them, and how to get the weights."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="show this model's card")


def run(arguments: argparse.Namespace) -> int:
    """Print the table, or a card."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from interplay.zoo.cards import get_card, list_models

    console = Console()
    if arguments.name is None:
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        table.add_column("model", overflow="fold")
        table.add_column("weights")
        for kind in ("published", "measured"):
            table.add_column(f"figures\n{kind}", justify="right")
        for card in list_models():
            weights = "embedded" if card.weights else "yours"
            counts = [str(len(figures) or "") for figures in (card.published, card.measured)]
            table.add_row(f"[bold]{card.name}[/]\n{card.summary}", weights, *counts)
        console.print(table)
        console.print(_LEGEND, markup=False, highlight=False)
        return 0
    card = get_card(arguments.name)
    grid = Table.grid(padding=(0, 2))
    for label in _SHOWN:
        if getattr(card, label):
            grid.add_row(f"[bold]{label.replace('_', ' ')}[/]", str(getattr(card, label)))
    console.print(grid)
    published = ((what, _percent(value)) for what, value in card.published.items())
    measured = ((what, _percent(entry["value"]), entry["command"]) for what, entry in card.measured.items())
    console.print(_figures("published by the authors", ("figure", "%"), published))
    console.print(_figures("measured by this project", ("figure", "%", "command"), measured))
    if not card.weights:
        console.print(card.how_to_get_weights(), markup=False, highlight=False, soft_wrap=True)
    return 0


def _figures(title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table | str:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="right" if column == "%" else "left")
    for row in rows:
        table.add_row(*row)
    return table if table.row_count else f"{title}: none\n"


def _percent(value: float) -> str:
    return f"{100 * value:.2f}"

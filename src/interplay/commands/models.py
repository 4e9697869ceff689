"""List the models, or show one model's card: what it is, what it was trained on, published and measured metrics.

'interplay models get NAME' brings a model's weights here.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from textwrap import fill
from typing import TYPE_CHECKING

from interplay.commands._types import dataset
from interplay.errors import InputError
from interplay.systems import CONTACT_SYSTEMS, SYSTEMS

if TYPE_CHECKING:
    from rich.table import Table

    from interplay.zoo.cards import ModelCard

EXAMPLE = "interplay models gen-vlkt --dataset v-coco"

VARIANTS = {"get": "models_get"}

_SHOWN = ("name", "summary", "system", "vocabulary", "paper", "source", "licence", "trained_on", "command", "limits")
_LEGEND = """Metrics are in percent: the first that the authors published and the first that this project measured.
'interplay models NAME' shows all metrics of a model, and how to get its weights if they are not included."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "name", nargs="?", default="", metavar="NAME", help="show this model's card; a part of names lists those models"
    )
    parser.add_argument(
        "--system", metavar="S", help=f"list the models of this system: {', '.join((*SYSTEMS, *CONTACT_SYSTEMS))}"
    )
    parser.add_argument(
        "--dataset", type=dataset, metavar="D", help="list the models for this data set: hico-det, v-coco"
    )
    parser.add_argument("--included", action="store_true", help="list the models that work right after installation")


def run(arguments: argparse.Namespace) -> int:
    """Print the table, or a card."""
    from rich.console import Console
    from rich.table import Table

    from interplay.metrics.scores import percent
    from interplay.zoo.cards import get_card, list_models

    console = Console()
    name, system, vocabulary = arguments.name, arguments.system, arguments.dataset
    if name not in {card.name for card in list_models()}:
        found = list_models(name, system=system, vocabulary=vocabulary, with_weights=arguments.included)
        if found:
            text = f"{_overview(found, console.width)}\n\n{_LEGEND}"
            console.print(text, markup=False, highlight=False, soft_wrap=True)
            return 0
        if list_models(name):
            raise InputError("no model meets all of these conditions; 'interplay models' lists all models")
    card = get_card(name)
    grid = Table.grid(padding=(0, 2))
    for label in _SHOWN:
        if getattr(card, label):
            grid.add_row(f"[bold]{label.replace('_', ' ')}[/]", str(getattr(card, label)))
    console.print(grid)
    published = ((what, percent(value)) for what, value in card.published.items())
    measured = ((what, percent(entry["value"]), entry["command"]) for what, entry in card.measured.items())
    console.print(_metric_table("published by the authors", ("metric", "%"), published))
    console.print(_metric_table("measured by this project", ("metric", "%", "command"), measured))
    if not card.weights:
        console.print(card.how_to_get_weights(), markup=False, highlight=False, soft_wrap=True)
    return 0


def _overview(cards: Iterable[ModelCard], width: int) -> str:
    """A paragraph for each model: name, summary, and the first metric of each kind."""
    from interplay.metrics.scores import percent

    paragraphs = []
    for card in cards:
        lines = [card.summary]
        lines += [f"{percent(value)} published: {what}" for what, value in [*card.published.items()][:1]]
        lines += [f"{percent(entry['value'])} measured: {what}" for what, entry in [*card.measured.items()][:1]]
        indented = [
            fill(line, width, initial_indent=" " * 4, subsequent_indent=" " * 10, break_on_hyphens=False)
            for line in lines
        ]
        paragraphs.append("\n".join([f"{card.name}{' (weights included)' if card.weights else ''}", *indented]))
    return "\n".join(paragraphs)


def _metric_table(title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table | str:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="right" if column == "%" else "left")
    for row in rows:
        table.add_row(*row)
    return table if table.row_count else f"{title}: none\n"

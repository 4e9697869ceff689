"""List the models, or show one model's card: what it is, what it was trained on, published and measured figures."""

from __future__ import annotations

import argparse

EXAMPLE = "interplay models tin-spatial-vcoco"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="show this model's card")


def run(arguments: argparse.Namespace) -> int:
    """Print the table, or a card."""
    from rich.console import Console
    from rich.table import Table

    from interplay.zoo import get_card, list_models

    console = Console()
    if arguments.name is None:
        table = Table("model", "vocabulary", "what it is", "weights")
        for card in list_models():
            table.add_row(card.name, card.vocabulary, card.summary, "embedded" if card.weights else "yours")
        console.print(table)
        return 0
    card = get_card(arguments.name)
    grid = Table.grid(padding=(0, 2))
    for label in ("name", "summary", "system", "vocabulary", "paper", "licence", "trained_on", "command", "limits"):
        grid.add_row(f"[bold]{label.replace('_', ' ')}[/]", str(getattr(card, label)))
    console.print(grid)
    figures = Table("figure", "value", "where it comes from")
    for what, value in card.published.items():
        figures.add_row(what, str(value), "published")
    for what, entry in card.measured.items():
        figures.add_row(what, str(entry["value"]), f"measured: {entry['command']}")
    console.print(figures)
    return 0

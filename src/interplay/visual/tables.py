"""Tables of interactions for the screen, as `rich` renders them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from interplay.interactions import Interactions
from interplay.table import InteractionTable
from interplay.visual.palette import person_colour
from interplay.visual.scene import count, number_people
from interplay.visual.seen import describe_seen

if TYPE_CHECKING:
    from rich.table import Table


def image_table(interactions: Interactions, min_score: float | None = None, top_k: int | None = None) -> Table:
    """One image's interactions, person by person, the best scores first.

    People have the numbers and colours of the picture that `draw_interactions` makes with the same arguments.
    """
    from rich.text import Text

    shown = interactions.filter(min_score, top_k)
    numbers = number_people(shown)
    table = _table(None, "person", "interaction", "object", *(["score"] if shown.scored else []))
    by_person = sorted(range(len(shown)), key=lambda t: (numbers[int(shown.human[t])], -float(shown.score[t])))
    previous = 0
    for t in by_person:
        number, label = numbers[int(shown.human[t])], int(shown.object_labels[t])
        if previous and number != previous:
            table.add_section()
        colour = "rgb({},{},{})".format(*person_colour(number))
        table.add_row(
            Text(f"■ {number}", style=colour) if number != previous else "",
            Text(shown.vocabulary.phrase(int(shown.verb[t]), label)),
            Text(shown.vocabulary.objects[label] if label >= 0 else "–"),
            *([f"{shown.score[t]:.2f}"] if shown.scored else []),
        )
        previous = number
    if not len(shown):
        table.add_row("–", Text(describe_seen(interactions, min_score)))
    return table


def summary_table(
    images: InteractionTable | Iterable[Interactions], most: int | None = 15, min_score: float | None = None
) -> Table:
    """The interactions of many images: how many, in how many images, with the best score, by which they are sorted.

    Args:
        images: what was found.
        most: kinds of interactions to list; None lists all.
        min_score: count only triplets from this score on.
    """
    from rich.text import Text

    table = images if isinstance(images, InteractionTable) else InteractionTable.from_list(images)
    names = table.vocabulary
    kept = table.score >= (-np.inf if min_score is None else min_score)
    verbs, scores = table.verb[kept], table.score[kept]
    keys = verbs * (len(names.objects) + 1) + table.object_labels[kept] + 1
    kinds, first, counts = np.unique(keys, return_index=True, return_counts=True)
    best = np.zeros(len(kinds), np.float32)
    np.maximum.at(best, np.searchsorted(kinds, keys), scores)
    with_image = np.unique(np.stack([keys, table.image_index[kept]]), axis=1)[0]
    order = np.lexsort((-counts, -best) if table.scored else (-counts,))[:most]
    title = f"{count(len(verbs), 'interaction')} of {count(len(kinds), 'kind')} in {count(len(table), 'image')}"
    screen = _table(title, "interaction", "count", "images", *(["best score"] if table.scored else []))
    for k in order:
        verb, label = int(verbs[first[k]]), int(kinds[k] % (len(names.objects) + 1)) - 1
        in_images = int((with_image == kinds[k]).sum())
        score = [f"{best[k]:.2f}"] if table.scored else []
        screen.add_row(Text(names.phrase(verb, label)), f"{counts[k]:,}", f"{in_images:,}", *score)
    if len(kinds) > len(order):
        screen.caption = f"and {count(len(kinds) - len(order), 'more kind')}"
    return screen


def _table(title: str | None, *columns: str) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    heading = Text(title) if title else None  # Text: brackets in a file name are not markup
    table = Table(title=heading, box=box.ROUNDED, title_justify="left", header_style="bold")
    for name in columns:
        table.add_column(name, justify="right" if name in ("score", "best score", "count", "images") else "left")
    return table

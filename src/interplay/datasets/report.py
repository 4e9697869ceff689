"""What the data set commands print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from interplay.datasets.check import Finding
from interplay.datasets.statistics import Statistics
from interplay.datasets.validate import ValidationReport

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {"ok": "green", "note": "cyan", "missing": "yellow", "different": "red", "broken": "bold red"}


def print_findings(findings: Sequence[Finding], console: Console) -> None:
    """Print what a check found, one data set after the other."""
    from rich.table import Table
    from rich.text import Text

    for dataset in dict.fromkeys(finding.dataset for finding in findings):
        table = Table(title=dataset, title_justify="left", show_header=False)
        for finding in findings:
            if finding.dataset == dataset:
                status = Text(finding.status, style=_STYLES[finding.status])
                table.add_row(status, Text(finding.what, overflow="fold"), Text(finding.detail, overflow="fold"))
        console.print(table)


def print_problems(report: ValidationReport, console: Console, limit: int | None = None) -> None:
    """Print a file's problems, at most `limit` of them, and a summary."""
    shown = report.problems if limit is None else report.problems[:limit]
    for problem in shown:
        console.print(str(problem), highlight=False, markup=False, soft_wrap=True)
    if len(shown) < len(report.problems):
        console.print(f"... and {len(report.problems) - len(shown):,} more", highlight=False)
    if report.keypoints is not None and report.keypoints.complete:
        console.print(f"keypoints: {report.keypoints}", highlight=False, markup=False, soft_wrap=True)
    console.print(
        f"{report.path}: {report.images:,} images, {report.interactions:,} interactions, "
        f"{report.errors:,} errors, {report.warnings:,} warnings",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def print_statistics(counts: Statistics, console: Console, most: int = 15) -> None:
    """Print totals, people per image, and the `most` frequent verbs, objects and interactions."""
    from rich.table import Table

    totals = Table(title=f"annotations ({counts.vocabulary})", title_justify="left", show_header=False)
    totals.add_column()
    totals.add_column(justify="right")
    for name, value in _totals(counts).items():
        totals.add_row(name, f"{value:,}")
    console.print(totals)
    histogram = Table("people in an image", "images", title_justify="left")
    for number, images in _folded(counts.people_per_image):
        histogram.add_row(number, f"{images:,}")
    console.print(histogram)
    columns = {
        "boxes of": counts.boxes_per_object,
        "interactions: verb": counts.per_verb,
        "with object": counts.per_object,
        "interaction": counts.per_interaction,
    }
    ranking = Table(title=f"most frequent {most}", title_justify="left")
    ranked = []
    for name, numbers in columns.items():
        used = sum(count > 0 for count in numbers.values())
        ranking.add_column(f"{name} ({used} of {len(numbers)} occur)")
        ranking.add_column("", justify="right")
        ranked.append(sorted(numbers.items(), key=lambda item: -item[1])[:most])
    for i in range(max((len(rows) for rows in ranked), default=0)):
        cells: list[str] = []
        for rows in ranked:
            cells += [rows[i][0], f"{rows[i][1]:,}"] if i < len(rows) and rows[i][1] else ["", ""]
        ranking.add_row(*cells)
    console.print(ranking)


def _totals(counts: Statistics) -> dict[str, int]:
    totals = {
        "images": counts.images,
        "  without any interaction": counts.images_without_interactions,
        "boxes": counts.boxes,
        "  people": counts.people,
        "  people who act": counts.acting_people,
    }
    if counts.unlabelled_people is not None:
        totals["  people without labels"] = counts.unlabelled_people
    totals["interactions"] = counts.interactions
    totals["  without object"] = counts.without_object
    totals["  of no listed class"] = counts.not_listed
    totals["pairs of boxes that interact"] = counts.pairs
    totals["interactions known without boxes"] = counts.image_labels
    for name, (classes, triplets) in counts.groups.items():
        totals[f"{name.replace('_', ' ')} ({classes} classes)"] = triplets
    return totals


def _folded(people_per_image: tuple[int, ...], longest: int = 10) -> list[tuple[str, int]]:
    """The histogram with its tail in one row."""
    rows = [(str(i), n) for i, n in enumerate(people_per_image[:longest])]
    tail = sum(people_per_image[longest:])
    return [*rows, (f"{longest} or more", tail)] if tail else rows

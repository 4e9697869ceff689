"""The means of several result files side by side, on the screen, in Markdown or in LaTeX."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from interplay.errors import InputError
from interplay.files import atomic_path
from interplay.metrics.scores import Scores, in_unit, unit

if TYPE_CHECKING:
    from rich.console import Console

TABLE_SUFFIXES = (".md", ".tex")


@dataclass(frozen=True)
class Comparison:
    """Means of several evaluations, in percent; distances in cm, volumes in litres.

    Attributes:
        title: data set, protocol and setting, which all rows share.
        metrics: names of the columns; `interplay.metrics.scores.unit` says in what they are.
        rows: name of the result file, with the share it covers where that is a part -> one value for each column, NaN
            where it does not exist.
    """

    title: str
    metrics: Sequence[str]
    rows: Mapping[str, Sequence[float]]

    def print(self, console: Console) -> None:
        """Print the table on the screen."""
        from rich.table import Table

        table = Table("predictions", title=self.title)
        for name in self.metrics:
            table.add_column(f"{name} {unit(name)}", justify="right")
        for name, values in self.rows.items():
            table.add_row(name, *map(_cell, values))
        console.print(table)

    @property
    def _heading(self) -> str:
        """The title, with the unit of those columns that do not say theirs."""
        percent = [unit(name) == "%" for name in self.metrics]
        return f"{self.title}, in percent{'' if all(percent) else ' or as said'}" if any(percent) else self.title

    @property
    def _columns(self) -> list[str]:
        """Names of the columns; those that are not in percent with their unit."""
        return [name if unit(name) == "%" else f"{name} ({unit(name)})" for name in self.metrics]

    def markdown(self) -> str:
        """The table in Markdown, with the title above it."""
        lines = [
            self._heading,
            "",
            "| predictions | " + " | ".join(self._columns) + " |",
            "| --- |" + " ---: |" * len(self.metrics),
        ]
        lines += [f"| {_markdown(name)} | " + " | ".join(map(_cell, row)) + " |" for name, row in self.rows.items()]
        return "\n".join(lines) + "\n"

    def latex(self) -> str:
        """The table in LaTeX; it needs the package ``booktabs``."""
        lines = [
            f"% {self._heading}",
            r"\begin{tabular}{l" + "r" * len(self.metrics) + "}",
            r"\toprule",
            " & ".join(["predictions", *map(_latex, self._columns)]) + r" \\",
            r"\midrule",
        ]
        lines += [" & ".join([_latex(name), *map(_cell, row)]) + r" \\" for name, row in self.rows.items()]
        return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a Markdown (``.md``) or LaTeX (``.tex``) file.

        Raises:
            InputError: another suffix.
        """
        check_table_path(path)
        text = self.latex() if Path(path).suffix == ".tex" else self.markdown()
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def compare(scores: Mapping[str, Scores]) -> Comparison:
    """Put the means of evaluations with the same annotations and rules side by side.

    Args:
        scores: name of each result file -> its scores. There must be one at least.
    """
    first = next(iter(scores.values()))
    means = {name: value.means for name, value in scores.items()}
    metrics = [key for key in first.means if any(not math.isnan(row[key]) for row in means.values())]
    named = {
        name: f"{name} ({value.coverage.label})" if value.coverage.partial else name for name, value in scores.items()
    }
    rows = {named[name]: [in_unit(key, row[key]) for key in metrics] for name, row in means.items()}
    return Comparison(first.title, [key.replace("_", " ") for key in metrics], rows)


def check_table_path(path: str | os.PathLike[str]) -> None:
    """Whether a table can be written to a file of this name.

    Raises:
        InputError: another suffix than ``.md`` or ``.tex``.
    """
    if Path(path).suffix not in TABLE_SUFFIXES:
        raise InputError(f"{path}: expected a name ending in .md (Markdown) or .tex (LaTeX)")


def _cell(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def _markdown(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|")


def _latex(text: str) -> str:
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(special.get(c, f"\\{c}" if c in "&%$#_{}" else c) for c in text)

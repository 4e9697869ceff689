"""Curves of one or several trainings from their ``log.csv`` and ``steps.csv``."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from interplay.errors import InputError, MissingFileError
from interplay.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = ("png", "pdf", "svg")
Column = dict[str, list[tuple[float, float]]]
"""Curve's name -> (epoch, value) where there is a value."""

_NOT_CURVES = frozenset({"epoch", "seconds", "skipped_photographs", "gradient_norm"})
_MOST_TERMS = 8
"""More terms of a loss than this cannot be told apart in one picture; those of the last layer come first."""

_DECADES = 4
"""A schedule ends at almost nothing; what lies further below the highest learning rate is left out of the picture."""


@dataclass(frozen=True)
class RunLog:
    """A training's figures.

    Attributes:
        name: of its folder.
        losses: the loss and its terms.
        figures: of the validation.
        rates: learning rates.
    """

    name: str
    losses: Column
    figures: Column
    rates: Column


def read_run(folder: str | Path) -> RunLog:
    """The figures in a run's folder.

    Raises:
        MissingFileError: no such folder, or no ``log.csv`` in it.
        InputError: ``log.csv`` is not one of a training, or has no epoch yet.
    """
    path = Path(folder) / "log.csv"
    if not path.is_file():
        raise MissingFileError(
            f"no log.csv in {folder}: expected the folder of a run, such as runs/NAME, after its first epoch"
        )
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    if not rows or "epoch" not in rows[0]:
        raise InputError(f"{path}: expected a row per epoch with a column 'epoch', got columns {list(rows[:1])}")
    columns: Column = {name: [] for name in rows[0] if name not in _NOT_CURVES}
    for number, row in enumerate(rows, 2):
        for name, points in columns.items():
            try:
                if row[name]:
                    points.append((float(row["epoch"]), float(row[name])))
            except (TypeError, ValueError):
                raise InputError(f"{path}: line {number}: {name} is not a number: {row[name]!r}") from None
    rates = {name: points for name, points in columns.items() if name.startswith("learning_rate")}
    names = list(columns)
    # a row is: losses, then learning rates, then what validation found
    last_rate = max((i for i, name in enumerate(names) if name in rates), default=-1)
    losses = {name: columns[name] for name in names[:last_rate] if name not in rates and columns[name]}
    figures = {name: columns[name] for name in names[last_rate + 1 :] if columns[name]}
    return RunLog(Path(folder).resolve().name, losses, figures, rates)


def plot_runs(folders: Sequence[str | Path], output: str | Path) -> Path:
    """Draw loss, validation and learning rate over epochs; several runs share each picture.

    One run shows the terms of its loss and every validation figure, several show the sum and the first figure that
    they have in common.

    Args:
        folders: of the runs.
        output: ``.png``, ``.pdf`` or ``.svg``.

    Returns:
        `output`.

    Raises:
        InputError: another suffix, no run, or a broken log.
        MissingFileError: a folder is no run's.
    """
    path = Path(output)
    if path.suffix.lower().lstrip(".") not in FORMATS:
        raise InputError(f"{path}: expected a name that ends in .{', .'.join(FORMATS)}")
    if not folders:
        raise InputError("expected the folder of at least one run")
    runs = [read_run(folder) for folder in folders]

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 4), layout="constrained")
    FigureCanvasAgg(figure)
    loss, score, rate = figure.subplots(1, 3)
    if len(runs) == 1:
        (run,) = runs
        _draw(loss, _few(run.losses))
        _draw(score, run.figures, marker="o")
        _draw(rate, run.rates)
        score.set_title("validation")
    else:
        figures = [list(run.figures) for run in runs if run.figures]
        common = [name for name in figures[0] if all(name in names for names in figures)] if figures else []
        labels = _labels(runs, folders)
        _draw(loss, {label: total(run.losses) for label, run in zip(labels, runs, strict=True)})
        shown = {label: run.figures.get(common[0], []) for label, run in zip(labels, runs, strict=True)}
        _draw(score, shown if common else {}, marker="o")
        _draw(rate, {label: run.rates.get("learning_rate", []) for label, run in zip(labels, runs, strict=True)})
        score.set_title(f"validation: {common[0]}" if common else "validation")
    loss.set_title("training loss")
    rate.set_title("learning rate")
    for axes, values in ((loss, "losses"), (rate, "rates")):
        if all(v > 0 for run in runs for points in getattr(run, values).values() for _, v in points):
            axes.set_yscale("log")
            if values == "rates" and axes.has_data():
                bottom, top = axes.get_ylim()
                axes.set_ylim(bottom=max(bottom, top / 10**_DECADES))
    for axes in (loss, score, rate):
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.3)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=path.suffix.lower().lstrip("."), dpi=120)
    return path


def total(losses: Column) -> list[tuple[float, float]]:
    """The whole loss: its own column, or else the sum of the terms."""
    if "loss" in losses:
        return losses["loss"]
    sums: dict[float, float] = {}
    for points in losses.values():
        for epoch, value in points:
            sums[epoch] = sums.get(epoch, 0.0) + value
    return sorted(sums.items())


def _few(losses: Column) -> Column:
    """The loss, and its largest terms at first among those that are not of an auxiliary layer."""
    terms = [name for name in losses if name != "loss" and not name.rpartition("_")[2].isdigit()]
    terms.sort(key=lambda name: -losses[name][0][1])
    return {"loss": total(losses), **{name: losses[name] for name in terms[:_MOST_TERMS]}}


def _labels(runs: Sequence[RunLog], folders: Sequence[str | Path]) -> list[str]:
    """The folders' names; the whole paths where names repeat."""
    names = [run.name for run in runs]
    return names if len(set(names)) == len(names) else [str(folder) for folder in folders]


def _draw(axes: Axes, curves: Column, marker: str | None = None) -> None:
    """One line for each curve; curves that coincide share a line, which names them all."""
    names: dict[tuple[tuple[float, float], ...], list[str]] = {}
    for name, points in curves.items():
        names.setdefault(tuple(point for point in points if math.isfinite(point[1])), []).append(name)
    for known, same in names.items():
        if known:
            alone = len(known) == 1
            axes.plot(*zip(*known, strict=True), label=", ".join(same), marker="o" if alone else marker, markersize=3)
    if axes.has_data():
        axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(0, -0.18), borderaxespad=0, ncols=3)
    else:
        axes.text(0.5, 0.5, "nothing yet", ha="center", va="center", transform=axes.transAxes, color="grey")

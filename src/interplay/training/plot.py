"""Curves of one or several trainings from their ``log.csv`` and ``steps.csv``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interplay.containers.guard import brief
from interplay.containers.json_files import parse_json
from interplay.containers.tables import read_csv
from interplay.containers.text import read_text
from interplay.errors import InputError, MissingFileError
from interplay.files import atomic_path, check_target
from interplay.training.folder import LOG

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = ("png", "pdf", "svg")
Column = dict[str, list[tuple[float, float]]]
"""Curve's name -> (epoch, value) where there is a value."""

_LOSS, _VALIDATION, _RATE = "training loss", "validation", "learning rate"
_SHARES = "nis_removed_"
"""Figures that are shares of pairs, which have nothing to do with precision."""

_MOST_EPOCHS = 1e9
_NOT_CURVES = frozenset({"epoch", "seconds", "skipped_photographs", "gradient_norm"})
_MOST_TERMS = 8
"""More terms of a loss than this cannot be told apart in one picture; those of the last layer come first."""

_DECADES = 4
"""A schedule ends at almost nothing; what lies further below the highest learning rate is left out of the picture."""


@dataclass(frozen=True)
class RunLog:
    """A training's metrics.

    Attributes:
        name: of its folder.
        losses: the loss and its terms.
        metrics: of the validation.
        rates: learning rates.
    """

    name: str
    losses: Column
    metrics: Column
    rates: Column


def read_run(folder: str | Path) -> RunLog:
    """The metrics in a run's folder, or in the log of a training with DETR's code or one that was made of it.

    Args:
        folder: of a run; or a file with an object of JSON per epoch, as DETR, QPIC, CDN and GEN-VLKT write it.

    Raises:
        MissingFileError: no such folder, or no ``log.csv`` in it.
        InputError: ``log.csv`` is not one of a training, or has no epoch yet.
    """
    if Path(folder).is_file():
        return _read_json_log(Path(folder))
    path = Path(folder) / LOG
    if not path.is_file():
        raise MissingFileError(
            f"no {LOG} in {folder}: expected the folder of a run, such as runs/NAME, after its first epoch"
        )
    rows = read_csv(path)
    if not rows or "epoch" not in rows[0]:
        got = brief(list(rows[0]) if rows else [])
        raise InputError(f"{path}: expected a row per epoch with a column 'epoch', got columns {got}")
    columns: Column = {name: [] for name in rows[0] if name not in _NOT_CURVES}
    for number, row in enumerate(rows, 2):
        if not _is_epoch(row["epoch"]):
            raise InputError(f"{path}: line {number}: epoch is not a number of an epoch: {brief(row['epoch'])}")
        for name, points in columns.items():
            try:
                if row[name]:
                    points.append((float(row["epoch"]), float(row[name])))
            except (TypeError, ValueError):
                raise InputError(
                    f"{path}: line {number}: {brief(name).strip(chr(39))} is not a number: {brief(row[name])}"
                ) from None
    rates = {name: points for name, points in columns.items() if name.startswith("learning_rate")}
    names = list(columns)
    # a row is: losses, then learning rates, then what validation found
    last_rate = max((i for i, name in enumerate(names) if name in rates), default=-1)
    losses = {name: columns[name] for name in names[:last_rate] if name not in rates and columns[name]}
    metrics = {name: columns[name] for name in names[last_rate + 1 :] if columns[name]}
    return RunLog(Path(folder).resolve().name, losses, metrics, rates)


def _read_json_log(path: Path) -> RunLog:
    """``train_loss``, its terms, ``train_lr`` and ``test_*``; lines that are no epoch's are passed over."""
    losses: Column = {"loss": []}
    metrics: Column = {}
    rates: Column = {"learning_rate": []}
    for number, line in enumerate(read_text(path, "the log of a training").splitlines(), 1):
        record = parse_json(line, f"{path}: line {number}", finite=False) if line.startswith("{") else {}
        epoch = record.get("epoch")
        if not isinstance(epoch, (int, float)) or not 0 <= epoch <= _MOST_EPOCHS:
            continue
        for name, value in record.items():
            kind, _, rest = name.partition("_")
            if not isinstance(value, (int, float)) or not math.isfinite(value) or name.endswith("_unscaled"):
                continue  # means of nothing, and COCO's lists of twelve
            if name == "train_lr":
                rates["learning_rate"].append((epoch, value))
            elif kind == "train" and rest.startswith("loss"):
                losses.setdefault(rest.removeprefix("loss_"), []).append((epoch, value))
            elif kind == "test":
                metrics.setdefault(rest, []).append((epoch, value))
    if not losses["loss"]:
        raise InputError(
            f"{path}: expected the folder of a run, or a log with an object of JSON per epoch that has 'epoch' and "
            "'train_loss'"
        )
    return RunLog(path.stem, losses, metrics, {name: points for name, points in rates.items() if points})


def _is_epoch(text: str) -> bool:
    try:
        return 0 <= float(text) <= _MOST_EPOCHS
    except ValueError:
        return False


def plot_runs(folders: Sequence[str | Path], output: str | Path) -> Path:
    """Draw loss, validation and learning rate over epochs; several runs share each picture.

    One run shows the terms of its loss and every validation metric, several show the sum and the first metric that
    they have in common. Where they have none, the first metric of each is shown.

    Args:
        folders: of the runs; see `read_run`.
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
    check_target(path)
    if not folders:
        raise InputError("expected the folder of at least one run")
    runs = [read_run(folder) for folder in folders]

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    curves = _one_run(runs[0]) if len(runs) == 1 else _several_runs(runs, _labels(runs, folders))
    figure = Figure(figsize=(1 + 4 * len(curves), 4), layout="constrained")
    FigureCanvasAgg(figure)
    if len(runs) == 1:
        figure.suptitle(_literal(runs[0].name))
    for axes, (title, lines) in zip(figure.subplots(1, len(curves)), curves.items(), strict=True):
        _draw(axes, lines, marker="o" if title.startswith(_VALIDATION) else None)
        axes.set_title(_literal(title))
        _scale(axes, title, lines)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=path.suffix.lower().lstrip("."), dpi=120)
    return path


def _one_run(run: RunLog) -> dict[str, Column]:
    """Title of each picture -> its curves."""
    shares = {name: points for name, points in run.metrics.items() if name.startswith(_SHARES)}
    others = {name: points for name, points in run.metrics.items() if name not in shares}
    return {
        _LOSS: _few(run.losses),
        _VALIDATION: others,
        **({f"{_VALIDATION}: share of pairs": shares} if shares else {}),
        _RATE: run.rates,
    }


def _several_runs(runs: Sequence[RunLog], labels: Sequence[str]) -> dict[str, Column]:
    """The same with a curve per run: the first metric that all have, or else the first of each, which it names."""
    validated = {label: run.metrics for label, run in zip(labels, runs, strict=True) if run.metrics}
    first = {label: next(iter(metrics)) for label, metrics in validated.items()}
    common = [name for name in next(iter(validated.values()), {}) if all(name in own for own in validated.values())]
    if common:
        title, scores = f"{_VALIDATION}: {common[0]}", {label: own[common[0]] for label, own in validated.items()}
    elif validated:
        title = f"{_VALIDATION}: no metric in common"
        scores = {f"{label}: {first[label]}": own[first[label]] for label, own in validated.items()}
    else:
        title, scores = _VALIDATION, {}
    return {
        _LOSS: {label: total(run.losses) for label, run in zip(labels, runs, strict=True)},
        title: scores,
        _RATE: {label: run.rates.get("learning_rate", []) for label, run in zip(labels, runs, strict=True)},
    }


def _scale(axes: Axes, title: str, lines: Column) -> None:
    """Whole epochs; losses and rates in decades, metrics from 0."""
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("epoch")
    axes.grid(alpha=0.3)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    epochs = [epoch for points in lines.values() for epoch, _ in points]
    if not epochs:
        axes.set_xticks([])
        axes.set_yticks([])
        return
    margin = max(0.5, 0.04 * (max(epochs) - min(epochs)))
    axes.set_xlim(min(epochs) - margin, max(epochs) + margin)
    values = [value for points in lines.values() for _, value in points if math.isfinite(value)]
    if title.startswith(_VALIDATION):
        if values and min(values) >= 0:
            axes.set_ylim(0, 1.05 * max(values) or 1)
    elif values and min(values) > 0:
        axes.set_yscale("log")
        bottom, top = axes.get_ylim()
        if title == _RATE:
            bottom = max(bottom, top / 10**_DECADES)
        if len(values) == 1:
            bottom, top = bottom / 2, 2 * top
        axes.set_ylim(bottom, top)


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


def _literal(text: str) -> str:
    """A name for matplotlib, which would read what stands between two dollar signs as a formula."""
    return text.replace("$", r"\$")


def _draw(axes: Axes, curves: Column, marker: str | None = None) -> None:
    """One line for each curve; curves that coincide share a line, which names them all."""
    names: dict[tuple[tuple[float, float], ...], list[str]] = {}
    for name, points in curves.items():
        names.setdefault(tuple(point for point in points if math.isfinite(point[1])), []).append(name)
    for known, same in names.items():
        if known:
            alone = len(known) == 1
            look: dict[str, Any] = {"marker": "o" if alone else marker, "markersize": 3, "clip_on": marker is None}
            axes.plot(*zip(*known, strict=True), label=_literal(", ".join(same)), **look)
    if axes.has_data():
        axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(0, -0.18), borderaxespad=0, ncols=3)
    else:
        axes.text(0.5, 0.5, "nothing yet", ha="center", va="center", transform=axes.transAxes, color="grey")

"""Precision-recall curves of every class, many small plots to a page."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from interplay.files import atomic_path
from interplay.metrics.average_precision import RankedHits
from interplay.metrics.scores import HoiScores, VcocoScores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS, _ROWS = 8, 6
_LINE, _FILL, _GREY = "#1f5fa8", "#cfe0f3", "#6b6b6b"


def write_plots(
    scores: HoiScores | VcocoScores, folder: str | os.PathLike[str], progress: bool | Callable[[int, int], None] = False
) -> list[Path]:
    """Write pages of curves (``precision_recall_ap_01.png``, best classes first) into `folder`; returns their paths.

    A curve is drawn through the points after each true positive. Classes without annotations are left out.

    Args:
        progress: show a progress bar; or what is called after each page, with the number of those done and of all.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from rich.progress import track

    pages = [
        (name, number, part)
        for name, curves in _curves(scores).items()
        for number, part in enumerate(_split(curves), start=1)
    ]
    written = []
    for name, number, part in track(pages, description="drawing curves", disable=progress is not True):
        rows = -(-len(part) // _COLUMNS)
        figure = Figure(figsize=(2 * _COLUMNS, 2 * rows + 0.4), dpi=100)
        FigureCanvasAgg(figure)
        _draw_page(figure, part, rows)
        path = Path(folder) / f"precision_recall_{name}_{number:02d}.png"
        with atomic_path(path) as temporary:
            figure.savefig(temporary)
        written.append(path)
        if callable(progress):
            progress(len(written), len(pages))
    return written


_Curve = tuple[str, float, RankedHits, int]
"""Title, AP, the hits, and the class in them."""


def _curves(scores: HoiScores | VcocoScores) -> dict[str, list[_Curve]]:
    if isinstance(scores, HoiScores):
        return {"ap": [(name, float(scores.ap[i]), scores.hits, i) for i, name in enumerate(scores.classes)]}
    return {
        kind: [
            (name, getattr(scores, kind)[name], hits, i)
            for i, name in enumerate(scores.labels[kind])
            if name in getattr(scores, kind)
        ]
        for kind, hits in scores.hits.items()
    }


def _split(curves: list[_Curve]) -> list[list[_Curve]]:
    known = sorted((c for c in curves if not np.isnan(c[1])), key=lambda c: -c[1])
    size = _COLUMNS * _ROWS
    return [known[i : i + size] for i in range(0, len(known), size)]


def _draw_page(figure: Figure, curves: list[_Curve], rows: int) -> None:
    height = 2 * rows + 0.4  # inches; margins by hand, as an automatic layout takes four times as long
    figure.subplots_adjust(0.04, 0.5 / height, 0.995, 1 - 0.3 / height, wspace=0.12, hspace=0.25)
    axes = figure.subplots(rows, _COLUMNS, squeeze=False)
    ticks = np.linspace(0, 1, 6)
    for place, axis in enumerate(axes.flat):
        if place >= len(curves):
            axis.axis("off")
            continue
        title, ap, hits, label = curves[place]
        recall, precision = hits.curve(label)
        if len(recall):
            recall, precision = np.append(0, recall), np.append(precision[0], precision)
        axis.fill_between(recall, precision, color=_FILL, linewidth=0)
        axis.plot(recall, precision, color=_LINE, linewidth=1.2)
        axis.set_xlim(0, 1)
        axis.set_ylim(0, 1.02)
        axis.set_title(title.replace("_", " "), fontsize=8, y=1.0)
        axis.text(0.96, 0.9, f"AP {100 * ap:.1f}", transform=axis.transAxes, ha="right", fontsize=7, color=_GREY)
        axis.set_xticks(ticks, [f"{t:.1f}" for t in ticks] if place + _COLUMNS >= len(curves) else [])
        axis.set_yticks(ticks, [f"{t:.1f}" for t in ticks] if place % _COLUMNS == 0 else [])
        axis.tick_params(labelsize=6, length=2)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    figure.supxlabel("recall", fontsize=9, y=0.02)
    figure.supylabel("precision", fontsize=9, x=0.008)

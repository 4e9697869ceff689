"""A diagnosis as one HTML file, and on the screen."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from interplay.datasets.images import ImageFinder
from interplay.diagnosis import Diagnosis
from interplay.diagnosis.errors import KINDS, MISSED
from interplay.errors import InterplayError
from interplay.files import atomic_path
from interplay.images import read_image
from interplay.interactions import Interactions
from interplay.metrics.scores import percent
from interplay.ops.image_names import match_images
from interplay.table import InteractionTable
from interplay.visual.draw import draw_interactions
from interplay.visual.pages import page_template, picture_address
from interplay.visual.report import report_path
from interplay.visual.sheet import shrink

if TYPE_CHECKING:
    from rich.console import Console

EXPLAINED = {
    **KINDS,
    "all false": "all false predictions at once",
    MISSED: "no prediction stands for the pair, not even one with a single thing wrong",
}
"""Each kind in a few words."""

_SIDE = 520


def print_diagnosis(found: Diagnosis, console: Console) -> None:
    """Print what each kind of error costs, and how well pairs are found."""
    from rich.table import Table

    means = ", ".join(f"{name} {percent(value)}" for name, value in found.scores.means.items() if not math.isnan(value))
    console.print(f"mAP in percent: {means}", highlight=False)
    table = Table("kind of error", title="what an oracle that mends one kind would gain")
    for name in ("count", "mAP %", "gain"):
        table.add_column(name, justify="right")
    for cost in found.costs:
        gain = f"{'+' if cost.gain >= 0 else ''}{percent(cost.gain)}"
        table.add_row(cost.kind, f"{cost.count:,}", percent(cost.mean_ap), gain)
    console.print(table)
    pairs = found.pairs
    for k, recall in zip(pairs.per_image, pairs.recall, strict=True):
        if k == pairs.per_image[-1]:
            console.print(
                f"{percent(recall)} percent of the {pairs.pairs:,} annotated pairs are among the best {k} of an image",
                highlight=False,
            )
    if not math.isnan(found.calibration.error):
        console.print(f"expected calibration error: {found.calibration.error:.3f}", highlight=False)
    for note in found.notes:
        console.print(f"note: {note}", highlight=False, markup=False)


def write_diagnosis(
    found: Diagnosis,
    path: str | os.PathLike[str],
    *,
    predictions: InteractionTable | None = None,
    annotations: InteractionTable | None = None,
    images: str | os.PathLike[str] | None = None,
    title: str = "Diagnosis",
    on_image: Callable[[], object] | None = None,
) -> Path:
    """Write a diagnosis as one HTML file that needs no network and no other file.

    Args:
        path: the ``.html`` file, or a folder in which ``report.html`` is written.
        predictions, annotations, images: what was diagnosed, and the folder of the images: the worst ones are then
            shown, predicted and annotated side by side.
        on_image: called after each image, to show progress.

    Returns:
        The file that was written.

    Raises:
        InputError: the report's name has another suffix.
        MissingFileError: no such folder of images.
    """
    target = report_path(path)
    finder = ImageFinder(images, outside=False) if images is not None else None

    def pictures() -> Iterator[_Pictures]:
        rows = {} if annotations is None else {file: i for i, file in enumerate(annotations.files)}
        said = {} if predictions is None else _matching(predictions, rows)
        for image in found.images:
            wrong = ", ".join(f"{count} {kind}" for kind, count in image.wrong.items())
            row = rows.get(image.file)
            shown: dict[str, str] = {}
            problem = ""
            if finder is not None and annotations is not None and row is not None:
                truth = annotations[row]
                guess = said.get(row)
                sides = {"predicted": None if guess is None else guess.filter(found.min_score), "annotated": truth}
                try:
                    shown = _draw(finder, image.file, sides)
                except (InterplayError, MemoryError) as error:
                    problem = str(error) or "not enough memory for it"
            yield _Pictures(image.file, image.right, wrong, image.missed, f"{image.cost:.1f}", shown, problem)
            if on_image is not None:
                on_image()

    values = _values(found, title)
    with atomic_path(target) as temporary, temporary.open("w", encoding="utf-8") as stream:
        for text in page_template("interplay.diagnosis", "report.html").generate(images=pictures(), **values):
            stream.write(text)
    return target


@dataclass(frozen=True)
class _Pictures:
    file: str
    right: int
    wrong: str
    missed: int
    cost: str
    shown: dict[str, str]
    problem: str


def _matching(predictions: InteractionTable, rows: dict[str, int]) -> dict[int, Interactions]:
    """Predictions by the annotated image's row; names are matched as in the scores."""
    position = match_images(predictions.files, list(rows)).position
    wanted = [i for i, place in enumerate(position.tolist()) if place >= 0]
    return {int(position[i]): predictions[i] for i in wanted}


def _draw(finder: ImageFinder, file: str, sides: dict[str, Interactions | None]) -> dict[str, str]:
    path = finder.find(file)
    if path is None:
        return {}
    pixels = read_image(path)
    shown = {}
    for name, image in sides.items():
        if image is not None:
            small, scaled = shrink(pixels, image, _SIDE)
            shown[name] = picture_address(draw_interactions(small, scaled, show="interactions"))
    return shown


def _values(found: Diagnosis, title: str) -> dict[str, Any]:
    scores, calibration = found.scores, found.calibration
    most = max((abs(cost.gain) for cost in found.costs), default=0.0) or 1.0
    order = np.argsort(np.nan_to_num(scores.ap, nan=2.0), kind="stable")
    return {
        "title": title,
        "means": [(name, percent(value)) for name, value in scores.means.items() if not math.isnan(value)],
        "protocol": f"{scores.dataset}, protocol {scores.protocol}, setting {scores.setting}",
        "min_score": f"{found.min_score:.3g}",
        "notes": found.notes,
        "costs": [
            {
                "kind": cost.kind,
                "what": EXPLAINED[cost.kind],
                "count": f"{cost.count:,}",
                "mean_ap": percent(cost.mean_ap),
                "gain": percent(cost.gain),
                "width": f"{max(0.0, 100 * cost.gain / most):.1f}",
            }
            for cost in found.costs
        ],
        "pairs": [
            (k, percent(r), percent(p))
            for k, r, p in zip(found.pairs.per_image, found.pairs.recall, found.pairs.precision, strict=True)
        ],
        "num_pairs": f"{found.pairs.pairs:,}",
        "confusion": found.confusion.most(30),
        "reliability": [
            (f"{100 * score:.1f}", f"{100 * precision:.1f}", f"{count:,}")
            for score, precision, count in zip(
                calibration.score, calibration.precision, calibration.count.tolist(), strict=True
            )
            if count
        ],
        "calibration_error": "" if math.isnan(calibration.error) else f"{calibration.error:.3f}",
        "slices": {
            group: [
                (part.name, f"{part.count:,}", percent(part.recall), percent(part.recall_above), percent(part.mean_ap))
                for part in parts
            ]
            for group, parts in found.slices.items()
        },
        "kinds": list(KINDS),
        "classes": [
            (
                scores.classes[c],
                percent(float(scores.ap[c])),
                int(scores.hits.positives[c]),
                int(scores.hits.detections[c]),
                [found.errors_per_class[kind][c] for kind in KINDS],
            )
            for c in order.tolist()
            if scores.hits.positives[c] or scores.hits.detections[c]
        ],
    }

"""`interplay suppress`: a prediction file in, one with interactiveness and without suppressed pairs out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from interplay.datasets.images import ImageFinder
from interplay.defaults import DEFAULT_MODEL
from interplay.errors import InputError, MissingFileError
from interplay.formats import write
from interplay.formats.reading import Numbering, Reading
from interplay.formats.results import read_result_table
from interplay.formats.vcoco_detections import UNKNOWN_OBJECT
from interplay.images import read_image
from interplay.interactions import Interactions
from interplay.metrics import evaluate_tables
from interplay.metrics.scores import HoiScores, VcocoScores
from interplay.models.interactiveness import (
    InteractivenessScorer,
    SuppressionCounts,
    SuppressionRule,
    Suppressor,
)
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary
from interplay.zoo import load_model

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class SuppressJob:
    """What `suppress_file` is asked for.

    Attributes:
        predictions: a file of any model's predictions; see `interplay.formats.results.ACCEPTED`.
        output: the file to write, of either kind.
        rule: what to do with pairs.
        model: name or weights file of a model that tells whether a pair interacts.
        weights: weights of your own for a named model.
        images: folder of the images, for models that look at them.
        annotations: file or folder of annotations to score with, before and after.
        dataset: whose annotations they are.
        split: to read from a folder of annotations.
        allow_partial: score predictions of a part of the annotated images or classes too.
        numbering: what interaction numbers of a ``.json`` count, where it does not tell.
        vocabulary: what names and numbers in the predictions mean; by default the annotations', else what the file
            or its form says.
    """

    predictions: str
    output: str
    rule: SuppressionRule
    model: str = DEFAULT_MODEL
    weights: str | None = None
    images: str | None = None
    annotations: str | None = None
    dataset: str | None = None
    split: str = "test"
    allow_partial: bool = False
    numbering: Numbering | None = None
    vocabulary: Vocabulary | None = None


@dataclass(frozen=True)
class SuppressReport:
    """What `suppress_file` did.

    Attributes:
        counts: triplets before, judged and removed.
        before, after: mean metrics by name in 0..1, empty without annotations.
        part: which part of the annotations they are of, "" for all.
    """

    counts: SuppressionCounts
    before: dict[str, float]
    after: dict[str, float]
    part: str = ""


def suppress_file(job: SuppressJob, progress: bool = False) -> SuppressReport:
    """Do it. The output is written whole or not at all, and before anything is scored.

    Raises:
        MissingFileError, InputError: predictions, model, images or annotations do not fit; says what.
    """
    if (job.annotations is None) != (job.dataset is None):
        raise InputError("scores need both annotations and the data set that they are of")
    truth = None
    if job.annotations is not None and job.dataset is not None:
        from interplay.datasets import load_annotations

        truth = load_annotations(job.dataset, job.annotations, job.split)
    vocabulary = job.vocabulary or (None if truth is None else truth.vocabulary)
    reading = None if truth is None else Reading()
    files = None if truth is None else truth.files
    table = read_result_table(job.predictions, vocabulary, files, progress, reading, job.numbering)
    if not table.scored:
        raise InputError(f"{job.predictions} holds annotations: its interactions have no scores to suppress")
    before = None if truth is None else evaluate_tables(table, truth, allow_partial=job.allow_partial, reading=reading)
    model = load_model(job.model, weights=job.weights)
    scorer = InteractivenessScorer(model, table.vocabulary)
    suppressor = Suppressor(scorer, job.rule, None if job.images is None else _Images(job.images))
    kept = suppress_table(table, suppressor, progress)
    if suppressor.counts.scored == 0 and UNKNOWN_OBJECT in table.vocabulary.objects:
        raise InputError(
            f"{job.predictions} does not say which objects its boxes are, and {job.model} judges by that: give a file "
            "that does, or a TIN model that looks at images (--model tin-vcoco --weights FILE --images DIR)"
        )
    write(kept, job.output)
    if truth is None or before is None:
        return SuppressReport(suppressor.counts, {}, {})
    after = evaluate_tables(kept, truth, allow_partial=job.allow_partial, reading=reading)
    return SuppressReport(suppressor.counts, defined_means(before), defined_means(after), before.coverage.label)


def suppress_table(table: InteractionTable, suppressor: Suppressor, progress: bool = False) -> InteractionTable:
    """Predictions of many images after suppression."""
    from rich.progress import track

    images = track(table, description="scoring pairs", total=len(table), disable=not progress)
    return InteractionTable.from_list([suppressor(image) for image in images], table.vocabulary)


def print_report(report: SuppressReport, console: Console) -> None:
    """Counts, and where there are annotations, metrics in percent before and after."""
    counts = report.counts
    console.print(
        f"{counts.triplets:,} interactions, {counts.scored:,} of pairs that were scored, {counts.removed:,} removed",
        highlight=False,
    )
    if not report.before:
        return
    from rich.table import Table

    table = Table("metric", title="; ".join(filter(None, ["before and after", report.part])))
    for name in ("before %", "after %", "change"):
        table.add_column(name, justify="right")
    for name, before in report.before.items():
        after = report.after[name]
        table.add_row(name, f"{100 * before:.2f}", f"{100 * after:.2f}", f"{100 * (after - before):+.2f}")
    console.print(table)


class _Images:
    """The pixels of predictions, by their file names."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = ImageFinder(folder)

    def __call__(self, image: Interactions) -> NDArray[np.uint8]:
        name = image.file or ""
        path = self.folder.find(name) if name else None
        if path is None and Path(name).is_file():
            path = Path(name)
        if path is None:
            raise MissingFileError(f"no image {name!r} below {self.folder.root}")
        return read_image(path)


def defined_means(scores: HoiScores | VcocoScores) -> dict[str, float]:
    """The means of an evaluation that exist, by name, in 0..1."""
    return {name.replace("_", " "): value for name, value in scores.means.items() if value == value}

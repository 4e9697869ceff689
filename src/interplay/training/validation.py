"""Validation on photographs with the official protocols."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from interplay.datasets import InteractionDataset
from interplay.errors import MissingFileError
from interplay.images import ImageError
from interplay.interactions import Interactions
from interplay.layers.modes import evaluating
from interplay.metrics import HoiScores, evaluate_tables
from interplay.prefetch import prefetch
from interplay.table import InteractionTable
from interplay.training.processes import gather, process_count, process_rank

if TYPE_CHECKING:
    from interplay.models.base import HoiModel


def predict_photographs(
    model: HoiModel, annotations: InteractionTable, images: Path, batch_size: int = 1, workers: int = 2
) -> InteractionTable:
    """A model's interactions in annotated photographs, computed by all processes of the training together.

    Photographs that cannot be read have none.

    Args:
        model: one-stage.
        annotations: which photographs, and in which orientation they were annotated.
        images: their folder.
        batch_size: photographs in a batch.
        workers: threads that read ahead.
    """
    rank, count = process_rank(), process_count()
    photographs = InteractionDataset(annotations, images)

    def read(index: int) -> NDArray[np.uint8] | None:
        try:
            return photographs[index].image
        except (ImageError, MissingFileError):
            return None

    mine = list(range(rank, len(photographs), count))
    found: list[Interactions] = []
    with evaluating(model):
        pixels = prefetch(read, mine, max(workers, 1), 2 * batch_size)
        for start in range(0, len(mine), batch_size):
            indices = mine[start : start + batch_size]
            found += _predict(model, [next(pixels) for _ in indices], [annotations.files[i] for i in indices])
    return InteractionTable.from_list(gather(found), model.vocabulary)


def score_table(
    predictions: InteractionTable, annotations: InteractionTable, unseen: NDArray[np.int64] | None = None
) -> dict[str, float]:
    """Figures by the data set's official protocol.

    Args:
        predictions: one image per annotated image.
        annotations: the truth.
        unseen: interactions that training did not show.

    Returns:
        ``score``: mAP, or role AP (scenario 1) where verbs have roles; the protocol's other means; with `unseen` the
        mAP of these and of the others. What is not defined (a group without annotations) is left out.
    """
    scores = evaluate_tables(predictions, annotations)
    if isinstance(scores, HoiScores):
        figures = {"score": scores.map["full"], **scores.map}
        if unseen is not None:
            hidden = np.isin(np.arange(len(scores.ap)), unseen)
            figures["unseen"], figures["seen"] = _mean(scores.ap[hidden]), _mean(scores.ap[~hidden])
    else:
        figures = {"score": scores.mean["role_s1_24"], **scores.mean}
    return {name: float(value) for name, value in figures.items() if not np.isnan(value)}


def _predict(model: HoiModel, pixels: Sequence[NDArray[np.uint8] | None], files: list[str]) -> list[Interactions]:
    readable = [image for image in pixels if image is not None]
    answers = iter(model.predict_batch(readable, None) if readable else [])
    results = []
    for image, file in zip(pixels, files, strict=True):
        result = Interactions.empty(model.vocabulary) if image is None else next(answers)
        result.file = file
        results.append(result)
    return results


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")

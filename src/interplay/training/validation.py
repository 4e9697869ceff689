"""Validation on images with the official protocols."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from interplay.datasets import InteractionDataset
from interplay.detectors import Detector, load_detector
from interplay.errors import InputError, MissingFileError
from interplay.images import ImageError
from interplay.interactions import Interactions
from interplay.metrics import HoiScores, evaluate_poses, evaluate_tables
from interplay.metrics.pose import has_annotated_poses, has_poses
from interplay.prefetch import prefetch
from interplay.table import InteractionTable
from interplay.training.processes import gather, process_count, process_rank
from interplay.training.tables import Tables
from interplay.vocabulary import Vocabulary

if TYPE_CHECKING:
    from interplay.models.base import HoiModel


def predict_images(
    model: HoiModel,
    annotations: InteractionTable,
    images: Path,
    batch_size: int = 1,
    workers: int = 2,
    detector: Detector | None = None,
    pose: str | None = None,
) -> InteractionTable:
    """A model's interactions in annotated images, computed by all processes of the training together.

    Images that cannot be read have none.

    Args:
        model: any.
        annotations: which images, and in which orientation they were annotated.
        images: their folder.
        batch_size: images in a batch.
        workers: threads that read ahead.
        detector: people and objects, for a two-stage model.
        pose: what finds people's keypoints, as for `HoiModel.predict`.

    Raises:
        MissingFileError: none of the images can be read.
    """
    rank, count = process_rank(), process_count()
    dataset = InteractionDataset(annotations, images)

    def read(index: int) -> NDArray[np.uint8] | None:
        try:
            return dataset[index].image
        except (ImageError, MissingFileError):
            return None

    mine = list(range(rank, len(dataset), count))
    found: list[Interactions] = []
    inference = model.inference(detector=detector, pose=pose)
    pixels = prefetch(read, mine, max(workers, 1), 2 * batch_size)
    for start in range(0, len(mine), batch_size):
        files = [annotations.files[i] for i in mine[start : start + batch_size]]
        batch = [next(pixels) for _ in files]
        names = [file for file, image in zip(files, batch, strict=True) if image is not None]
        there = [image for image in batch if image is not None]
        answers = iter(inference(there, names) if there else [])
        for file, image in zip(files, batch, strict=True):
            found.append(Interactions.empty(model.vocabulary, file) if image is None else next(answers))
    for note in inference.notes():
        warnings.warn(note, stacklevel=2)
    table = InteractionTable.from_list(gather(found), model.vocabulary)
    if len(table) and not table.sizes.any():
        raise MissingFileError(f"none of the {len(table)} images to validate on can be read below {images}")
    return table


class DetectedValidation:
    """Validates a two-stage model on a detector's boxes by the data set's official protocol.

    Args:
        tables: what is validated on.
        vocabulary: the model's.
        detections: a detector, a file of boxes, or what else `load_detector` takes; None to validate nothing.
        pose: what finds people's keypoints, as for `HoiModel.predict`.
        workers: threads that read ahead.

    Raises:
        InputError: the protocol needs the annotations' vocabulary and the model has another.
        InterplayError: see `load_detector`.
    """

    def __init__(
        self,
        tables: Tables,
        vocabulary: Vocabulary,
        detections: Detector | str | None,
        pose: str | None = None,
        workers: int = 2,
    ) -> None:
        self.tables, self.pose, self.workers = tables, pose, workers
        self.detector = load_detector(detections) if isinstance(detections, str) else detections
        annotated = tables.validation.vocabulary
        if self.detector is not None and vocabulary != annotated:
            raise InputError(
                f"data.validation_detections: the annotations are in the vocabulary {annotated.name!r} and the model's "
                f"classes in {vocabulary.name!r}, which the official protocol cannot compare"
            )

    def __call__(self, model: HoiModel) -> dict[str, float]:
        """Metrics by name, with ``score``; see `score_table`. Nothing without detections."""
        if self.detector is None:
            return {}
        truth, folder = self.tables.validation, self.tables.validation_images
        found = predict_images(model, truth, folder, workers=self.workers, detector=self.detector, pose=self.pose)
        return score_table(found, truth)


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
        mAP of these and of the others; where keypoints are annotated and predicted, ``pose_ap`` and ``pose_ap50`` by
        COCO's protocol. What is not defined (a group without annotations) is left out.
    """
    scores = evaluate_tables(predictions, annotations)
    if isinstance(scores, HoiScores):
        metrics = {"score": scores.map["full"], **scores.map}
        if unseen is not None:
            hidden = np.isin(np.arange(len(scores.ap)), unseen)
            metrics["unseen"], metrics["seen"] = _mean(scores.ap[hidden]), _mean(scores.ap[~hidden])
    else:
        metrics = {"score": scores.mean["role_s1_24"], **scores.mean}
    metrics |= _pose_scores(predictions, annotations)
    return {name: float(value) for name, value in metrics.items() if not np.isnan(value)}


def _pose_scores(predictions: InteractionTable, annotations: InteractionTable) -> dict[str, float]:
    """Pose AP, where the truth is annotated and not estimated, and the model tells poses."""
    if not has_annotated_poses(annotations) or predictions.keypoints is None:
        return {}
    if not has_poses(predictions):  # nobody found yet
        return {"pose_ap": 0.0, "pose_ap50": 0.0}
    means = evaluate_poses(predictions, annotations).means
    return {"pose_ap": means["ap"], "pose_ap50": means["ap50"]}


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")

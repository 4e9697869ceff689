"""`annotate_poses`: an estimator's poses as annotations of the annotated people, for training where there are none.

Turbo learning (Feng et al., AAAI 2019) calls this semi-automatic: V-COCO has annotated poses, HICO-DET an estimator's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interplay.datasets import InteractionDataset
from interplay.datasets.image_check import require_images
from interplay.detectors.pose import PoseEstimator, as_annotated, people_poses
from interplay.detectors.pose.estimator import no_poses
from interplay.errors import InputError, InterplayError
from interplay.interactions import Interactions
from interplay.locks import locked
from interplay.metrics.pose import SEEN, check_visibility
from interplay.pipeline.results import ResultFile
from interplay.pipeline.screen import count, say, stoppable
from interplay.prefetch import prefetch
from interplay.table import InteractionTable

if TYPE_CHECKING:
    from rich.console import Console

SUFFIXES = (".jsonl", ".parquet")
"""The forms that hold keypoints."""


@dataclass(frozen=True)
class PoseJob:
    """What `annotate_poses` is asked for.

    Attributes:
        table: annotations.
        images: folder of the images.
        output: the ``.jsonl`` or ``.parquet`` file to write; images that it has already are not done again.
        min_score: smallest score of a keypoint that counts as seen, 0..1.
        replace: also replace keypoints that are annotated; by default these stay.
        settings: what else determines the result; a file of other settings is not continued.
        overwrite: start over instead of continuing.
    """

    table: InteractionTable
    images: str | os.PathLike[str]
    output: Path
    min_score: float = SEEN
    replace: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    overwrite: bool = False


@dataclass
class PoseCounts:
    """What became of the people, in this run.

    Attributes:
        kept: those who had annotated keypoints, which stayed.
        posed: those whom the estimator gave a pose.
        without: those who have none.
        failed: images that could not be read, and are not in the output.
    """

    kept: int = 0
    posed: int = 0
    without: int = 0
    failed: int = 0


def annotate_poses(job: PoseJob, estimator: PoseEstimator, messages: Console) -> PoseCounts:
    """Write the annotations with poses, image by image, so that a run that was stopped can be continued.

    Raises:
        InputError: the annotations hold another thing than visibilities beside their keypoints, too many images are
            not there, or the output is another run's.
        KeyboardInterrupt: after saying how to continue.
        LockedError: another process writes the output.
    """
    table = job.table
    if table.scored:
        raise InputError("these are predictions (they have scores); expected annotations")
    if job.output.suffix not in SUFFIXES:
        raise InputError(f"{job.output}: expected a name ending in {' or '.join(SUFFIXES)}, which hold keypoints")
    if table.keypoints is not None and not job.replace:
        check_visibility(table.keypoints)
    repeated = len(table) - len(set(table.files))
    if repeated:
        raise InputError(f"{count(repeated, 'image')} are listed twice; run 'interplay datasets validate' on it")
    require_images(table, Path(job.images), "images")
    settings = {**job.settings, "min_score": job.min_score, "replace": job.replace}
    with locked(job.output):
        results = ResultFile(job.output, table.vocabulary, settings, job.overwrite, scored=False)
        todo = [i for i, file in enumerate(table.files) if Path(file) not in results]
        if len(todo) < len(table):
            say(messages, f"{count(len(table) - len(todo), 'image')} of {len(table):,} already done")
        with results:
            counts = _work(job, todo, estimator, results, messages)
        results.finish()
    return counts


def _work(
    job: PoseJob, todo: list[int], estimator: PoseEstimator, results: ResultFile, messages: Console
) -> PoseCounts:
    dataset = InteractionDataset(job.table, job.images)
    counts = PoseCounts()

    def read(index: int) -> NDArray[np.uint8] | str:
        try:
            return dataset[index].image
        except InterplayError as error:
            return str(error)

    stream = prefetch(read, todo)
    with stoppable(messages, "estimating poses", len(todo)) as advance, closing(stream):
        for index, pixels in zip(todo, stream, strict=True):
            if isinstance(pixels, str):
                counts.failed += 1
                say(messages, f"skipped {job.table.files[index]}: {pixels}")
            else:
                results.append(_posed(job, job.table[index], pixels, estimator, counts))
            advance()
    return counts


def _posed(
    job: PoseJob, image: Interactions, pixels: NDArray[np.uint8], estimator: PoseEstimator, counts: PoseCounts
) -> Interactions:
    """The annotations of an image with poses; `counts` goes up by its people."""
    height, width = pixels.shape[:2]
    people = image.labels == image.vocabulary.person
    if image.crowd is not None:
        people = people & ~image.crowd  # a group has no pose
    found, known = no_poses(len(people)), np.zeros(len(people), bool)
    if image.keypoints is not None and not job.replace:
        known = people & (image.keypoints[..., 2] > 0).any(1)
        found[known] = image.keypoints[known]
    wanted = people & ~known
    if wanted.any():
        estimated = as_annotated(people_poses(image, pixels, estimator), width, height, job.min_score)
        found[wanted] = estimated[wanted]
    posed = wanted & np.isfinite(found).all((1, 2))
    counts.kept += int(known.sum())
    counts.posed += int(posed.sum())
    counts.without += int((wanted & ~posed).sum())
    return replace(image.with_columns(keypoints=found), width=width, height=height)

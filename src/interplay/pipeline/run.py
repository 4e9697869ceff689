"""`detect_images`: a model over a stream of image files, with reading and drawing in the background."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from interplay.defaults import DEFAULT_BATCH_SIZE
from interplay.errors import InterplayError
from interplay.images import ImageError, read_image
from interplay.interactions import Interactions
from interplay.pipeline.pictures import save_picture
from interplay.prefetch import prefetch
from interplay.visual import draw_interactions

VIDEO_SUFFIXES = frozenset((".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".flv", ".3gp"))

Predict: TypeAlias = Callable[[Sequence[NDArray[np.uint8]], Sequence[str]], Sequence[Interactions]]
"""What a model does here: RGB images (H, W, 3) and their file names -> one `Interactions` per image."""


@dataclass(frozen=True)
class Detected:
    """One image that was done.

    Attributes:
        path: the image.
        interactions: what was found; its `file` is `path` with forward slashes.
        picture: where the drawn picture was written, or None.
    """

    path: Path
    interactions: Interactions
    picture: Path | None = None


@dataclass(frozen=True)
class Failure:
    """One image that was skipped, and why."""

    path: Path
    reason: str


def detect_images(
    paths: Iterable[Path],
    predict: Predict,
    *,
    min_score: float | None = None,
    top_k: int | None = None,
    pictures: Mapping[Path, Path] | None = None,
    batch_size: int = DEFAULT_BATCH_SIZE,
    workers: int = 2,
) -> Generator[Detected | Failure, None, None]:
    """Find the interactions in every image, in order; an image that cannot be done does not stop the others.

    Images are read, and pictures drawn and saved, in background threads while the model works.

    Args:
        paths: image files.
        predict: the model.
        min_score, top_k: keep only the triplets that `Interactions.filter` keeps.
        pictures: image -> file to draw it to; an image without an entry is not drawn.
        batch_size: number of images that the model sees at once.
        workers: threads for reading, and as many for drawing.

    Returns:
        A stream with one item per image. Close it, or leave its loop, to stop early.
    """
    targets = pictures or {}

    def finish(item: tuple[NDArray[np.uint8], Detected] | Failure) -> Detected | Failure:
        if isinstance(item, Failure):
            return item
        image, detected = item
        target = targets.get(detected.path)
        if target is None:
            return detected
        save_picture(draw_interactions(image, detected.interactions), target)
        return replace(detected, picture=target)

    images = prefetch(_read, paths, workers, ahead=2 * batch_size)
    found = _predict_all(images, predict, batch_size, min_score, top_k)
    return prefetch(finish, found, workers, ahead=2 * workers)


def _read(path: Path) -> tuple[Path, NDArray[np.uint8]] | Failure:
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return Failure(path, "it is a video, and only images are read; take frames out of it and give their folder")
    try:
        return path, read_image(path)
    except ImageError as error:
        return Failure(path, error.reason)
    except InterplayError as error:  # gone since it was found
        return Failure(path, str(error))


def _predict_all(
    images: Iterator[tuple[Path, NDArray[np.uint8]] | Failure],
    predict: Predict,
    batch_size: int,
    min_score: float | None,
    top_k: int | None,
) -> Iterator[tuple[NDArray[np.uint8], Detected] | Failure]:
    while batch := list(islice(images, batch_size)):
        readable = [item for item in batch if not isinstance(item, Failure)]
        answers = iter(_predict_batch(readable, predict))
        for item in batch:
            answer = item if isinstance(item, Failure) else next(answers)
            if isinstance(answer, Failure):
                yield answer
                continue
            path, image = item  # type: ignore[misc]  # a Failure has been dealt with
            height, width = image.shape[:2]
            kept = answer.filter(min_score, top_k)
            yield image, Detected(path, replace(kept, file=path.as_posix(), width=width, height=height))


def _predict_batch(
    batch: Sequence[tuple[Path, NDArray[np.uint8]]], predict: Predict
) -> Sequence[Interactions | Failure]:
    """The model's answers; where it refuses the batch, each image is tried alone."""
    if not batch:
        return []
    paths, images = zip(*batch, strict=True)
    try:
        return predict(images, [path.as_posix() for path in paths])
    except InterplayError as error:
        if len(batch) == 1:
            return [Failure(paths[0], error.reason if isinstance(error, ImageError) else str(error))]
        return [answer for item in batch for answer in _predict_batch([item], predict)]

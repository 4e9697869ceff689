"""`detect_images`: a model over a stream of image files, with reading and drawing in the background."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from interplay.defaults import DEFAULT_BATCH_SIZE
from interplay.errors import InterplayError, ModelError
from interplay.image_files import text_name
from interplay.images import ImageError, image_size, read_image
from interplay.interactions import Interactions
from interplay.pipeline.pictures import save_picture
from interplay.prefetch import prefetch
from interplay.video.reader import VIDEO_SUFFIXES
from interplay.visual import Show, draw_interactions

MOST_PIXELS = 100_000_000
"""Pixels of the images that wait at one time for the model, are with it, or wait to be drawn: 0.3 GB of RGB each."""

MOST_ASPECT = 8
"""An image with a longer side of more than so many shorter ones does not share a batch with others."""

Predict: TypeAlias = Callable[[Sequence[NDArray[np.uint8]], Sequence[str]], Sequence[Interactions]]
"""What a model does here: RGB images (H, W, 3) and their file names -> one `Interactions` per image."""


@dataclass(frozen=True)
class Detected:
    """One image that was done.

    Attributes:
        path: the image.
        interactions: what was found; its `file` is the `result_name` of `path`.
        picture: where the drawn picture was written, or None.
        problem: why there is no picture where there should be one.
    """

    path: Path
    interactions: Interactions
    picture: Path | None = None
    problem: str | None = None


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
    show: Show = "all",
    show_from: float | None = None,
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
        show, show_from: what pictures show, and from which score on; see `draw_interactions`.
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
        try:
            save_picture(draw_interactions(image, detected.interactions, show_from, show=show), target)
        except Exception as error:
            reason = image_problem(error)
            if reason is None:
                raise
            return replace(detected, problem=reason)
        return replace(detected, picture=target)

    images = prefetch(_read, paths, workers, ahead=2 * batch_size, weight=_pixels_of_file, most=MOST_PIXELS)
    found = predict_all(images, predict, batch_size, min_score, top_k)
    return prefetch(finish, found, workers, ahead=2 * workers, weight=_pixels_held, most=MOST_PIXELS)


def _read(path: Path) -> tuple[Path, NDArray[np.uint8]] | Failure:
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return Failure(path, "it is a clip among images: give a clip alone")
    try:
        return path, read_image(path)
    except Exception as error:
        reason = image_problem(error)
        if reason is None:
            raise
        return Failure(path, reason)


def image_problem(error: Exception) -> str | None:
    """What an error says about one image, whose loss does not stop the others; None where it is about more."""
    if isinstance(error, ModelError):
        return None
    if isinstance(error, ImageError):
        return error.reason
    if isinstance(error, InterplayError):
        return str(error)
    if isinstance(error, OSError) and error.errno in _ERRORS_OF_NAMES:
        return error.strerror
    kind, text = type(error).__name__, str(error)
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and _NO_MEMORY.search(text)):
        return "not enough memory for it"
    if type(error).__module__.partition(".")[0] == "cv2":
        return "not enough memory for it" if _NO_MEMORY.search(text) else f"{kind}: {' '.join(text.split())[:200]}"
    return None


_ERRORS_OF_NAMES = {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.EISDIR, errno.ENOTDIR, errno.ELOOP}
"""Errors of the operating system that another image need not have."""

_NO_MEMORY = re.compile("out of memory|allocate memory|insufficient memory|not enough memory|alloc", re.IGNORECASE)


def _pixels_of_file(path: Path) -> int:
    """Pixels of an image, as its first bytes say; 0 where it is none."""
    try:
        width, height = image_size(path)
    except InterplayError:  # whoever reads it says why
        return 0
    return width * height


def _pixels_held(item: tuple[NDArray[np.uint8], Detected] | Failure) -> int:
    return 0 if isinstance(item, Failure) else item[0].shape[0] * item[0].shape[1]


def _batches(
    images: Iterator[tuple[Path, NDArray[np.uint8]] | Failure], batch_size: int
) -> Iterator[list[tuple[Path, NDArray[np.uint8]] | Failure]]:
    """Batches of at most so many images, and of as many pixels as memory is meant for.

    A model that pads its images to a common size would need much memory for a very wide and a very high one together:
    such an image is a batch of its own.
    """
    batch: list[tuple[Path, NDArray[np.uint8]] | Failure] = []
    held = 0
    for item in images:
        pixels, alone = 0, False
        if not isinstance(item, Failure):
            height, width = item[1].shape[:2]
            pixels, alone = height * width, max(height, width) > MOST_ASPECT * min(height, width)
        if batch and (alone or held + pixels > MOST_PIXELS):
            yield batch
            batch, held = [], 0
        batch.append(item)
        held += pixels
        if alone or len(batch) == batch_size:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def predict_all(
    images: Iterator[tuple[Path, NDArray[np.uint8]] | Failure],
    predict: Predict,
    batch_size: int,
    min_score: float | None,
    top_k: int | None,
) -> Iterator[tuple[NDArray[np.uint8], Detected] | Failure]:
    """Each image with what was found in it, in order; an image that the model cannot do is a `Failure`.

    Args:
        images: names and RGB images, or those that could not be read.
        predict, batch_size, min_score, top_k: as for `detect_images`.
    """
    for batch in _batches(images, batch_size):
        readable = [item for item in batch if not isinstance(item, Failure)]
        answers = iter(predict_batch(readable, predict))
        for item in batch:
            answer = item if isinstance(item, Failure) else next(answers)
            if isinstance(answer, Failure):
                yield answer
                continue
            path, image = item  # type: ignore[misc]  # a Failure has been dealt with
            height, width = image.shape[:2]
            kept = answer.filter(min_score, top_k, note_best=True)
            yield image, Detected(path, replace(kept, file=result_name(path), width=width, height=height))


def result_name(path: Path) -> str:
    """What an image is called in results: its path with forward slashes, see `text_name`."""
    return text_name(path.as_posix())


def predict_batch(
    batch: Sequence[tuple[Path, NDArray[np.uint8]]], predict: Predict
) -> Sequence[Interactions | Failure]:
    """The model's answers; where it refuses the batch, each image is tried alone."""
    if not batch:
        return []
    paths, images = zip(*batch, strict=True)
    try:
        return predict(images, [result_name(path) for path in paths])
    except Exception as error:
        reason = image_problem(error)
        if reason is None:
            raise
        if len(batch) == 1:
            return [Failure(paths[0], reason)]
        return [answer for item in batch for answer in predict_batch([item], predict)]

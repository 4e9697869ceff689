"""How much of the annotations a prediction file covers.

A score over a part of the images or classes is another number than one over all of them: it carries the share that it
covers. Images of other names, and result files that are missing, mean that the files are not what they seem: these are
refused, unless a part is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError, some_of
from interplay.formats.reading import Reading
from interplay.ops.image_names import ImageMatch, match_images

LEAST_SHARE = 0.8
"""Smaller shares of the annotated images are a part. Detectors that leave images without detections out have about nine
of ten. The same share of a part's own images must be annotated, or names are probably mixed up."""

_SPLIT = re.compile(r"(?<![a-z])(trainval|train|val|test)(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True)
class Coverage:
    """Which part of the annotations a prediction file speaks of.

    Attributes:
        images: annotated images that the file has.
        annotated_images: all of them.
        unknown_images: images of the file that are not annotated.
        classes: annotated interaction classes that the file could hold; fewer than annotated where result files of
            some objects are missing.
        annotated_classes: all of them.
    """

    images: int
    annotated_images: int
    unknown_images: int = 0
    classes: int = 0
    annotated_classes: int = 0

    @property
    def share(self) -> float:
        """Covered share of annotated images times that of annotated classes, 0..1."""
        return _share(self.images, self.annotated_images) * _share(self.classes, self.annotated_classes)

    @property
    def partial(self) -> bool:
        """Whether the scores are of a part only: classes are missing, or more images than detectors leave out."""
        return self.classes < self.annotated_classes or self.few_images

    @property
    def doubtful(self) -> bool:
        """Whether the files seem to be wrong: classes are missing, or images, and others are there instead."""
        strange = _share(self.images, self.images + self.unknown_images) < LEAST_SHARE
        return self.classes < self.annotated_classes or (self.few_images and strange)

    @property
    def few_images(self) -> bool:
        """Whether more images are missing than detectors leave out."""
        return 0 < _share(self.images, self.annotated_images) < LEAST_SHARE

    @property
    def label(self) -> str:
        """``"covers 50 of 9,658 images (0.5%)"`` for a part, "" for the whole."""
        if not self.partial:
            return ""
        parts = [f"{_of(self.images, self.annotated_images)} images"]
        if self.classes < self.annotated_classes:
            parts.append(f"{_of(self.classes, self.annotated_classes)} classes")
        return f"covers {', '.join(parts)}"

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "share": self.share,
            "partial": self.partial,
            "images": self.images,
            "annotated_images": self.annotated_images,
            "unknown_images": self.unknown_images,
            "classes": self.classes,
            "annotated_classes": self.annotated_classes,
        }


def cover(
    predicted: Sequence[str],
    annotated: Sequence[str],
    annotated_classes: NDArray[np.integer] | None = None,
    reading: Reading | None = None,
    allow_partial: bool = False,
) -> tuple[ImageMatch, Coverage]:
    """Find predicted images among the annotated ones, and make sure that they are the same images.

    A file without any images is an empty result, and passes.

    Args:
        predicted, annotated: names of the images.
        annotated_classes: numbers of the classes that are annotated.
        reading: says which files are missing that should hold classes.
        allow_partial: let a part pass where files are missing or images have other names.

    Raises:
        InputError: no predicted image is annotated; or only a part of both fits or files are missing, and that is not
            allowed.
    """
    match = match_images(predicted, annotated)
    wanted = np.zeros(0, np.int64) if annotated_classes is None else np.unique(annotated_classes)
    reading = reading or Reading()
    absent = np.intersect1d(wanted, reading.absent_classes)
    coverage = Coverage(
        images=len(annotated) - match.missing,
        annotated_images=len(annotated),
        unknown_images=len(match.unknown),
        classes=len(wanted) - len(absent),
        annotated_classes=len(wanted),
    )
    if predicted and annotated and not coverage.images:
        raise InputError(
            f"none of the {len(predicted):,} predicted images is annotated.\n{_both(predicted, annotated)}\n"
            f"{_cause(predicted, annotated)}"
        )
    if coverage.doubtful and not allow_partial:
        raise InputError(_refusal(coverage, match, predicted, annotated, reading))
    return match, coverage


def _refusal(
    coverage: Coverage, match: ImageMatch, predicted: Sequence[str], annotated: Sequence[str], reading: Reading
) -> str:
    lines = []
    if coverage.classes < coverage.annotated_classes:
        missing = coverage.annotated_classes - coverage.classes
        lines.append(
            f"{reading.absence} With them {missing} of {coverage.annotated_classes} annotated classes are missing; "
            "expected a file for every object."
        )
    if coverage.few_images and match.unknown:
        share, own = (
            _of(coverage.images, coverage.annotated_images),
            _of(coverage.images, coverage.images + coverage.unknown_images),
        )
        lines.append(
            f"only {share} annotated images have predictions, and only {own} predicted images are annotated; "
            f"expected at least {LEAST_SHARE:.0%} of one of them."
        )
        lines.append(
            _both(match.unknown, match.missing_names, "predicted and not annotated", "annotated and not predicted")
        )
        lines.append(_cause(match.unknown, annotated))
    lines.append("To score this part all the same, give --allow-partial (in Python: allow_partial=True).")
    return "\n".join(lines)


def _both(
    predicted: Sequence[str], annotated: Sequence[str], first: str = "predicted", second: str = "annotated"
) -> str:
    groups = ((first, predicted), (second, annotated))
    return "\n".join(f"{what}: {some_of([*map(repr, names)], 3)}" for what, names in groups if len(names))


def _cause(predicted: Sequence[str], annotated: Sequence[str]) -> str:
    """What probably went wrong, as far as the names tell."""
    ours, theirs = _splits(predicted), _splits(annotated)
    if ours and theirs and not ours & theirs:
        return f"The predictions are of the split {' and '.join(sorted(ours))}: give the annotations of that split."
    return (
        "The files are probably of different splits or data sets. Images are matched by name, without folders; see the "
        "docs, Evaluate your results."
    )


def _splits(names: Sequence[str]) -> set[str]:
    """The splits that names speak of: ``{"train"}`` for ``COCO_train2014_000000000042.jpg``."""
    found = (_SPLIT.search(re.sub(r"[_\d]+", " ", name)) for name in names[:1000])
    return {match[1].lower() for match in found if match}


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def _of(part: int, whole: int) -> str:
    share = 100 * _share(part, whole)
    return f"{part:,} of {whole:,} ({share:.1f}%)" if share < 99.95 or part == whole else f"{part:,} of {whole:,}"

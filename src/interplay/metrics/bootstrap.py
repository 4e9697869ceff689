"""Whether one result is better than another beyond chance: the paired bootstrap over images.

Both results are of the same images. Images are drawn anew with replacement, many times, and both are scored on each
drawing; how the difference varies tells how much of it hangs on which images happen to be in the data set (Efron and
Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError
from interplay.metrics.hoi import resampled_hoi
from interplay.metrics.scores import HoiScores, VcocoScores, plain
from interplay.metrics.vcoco import resampled_vcoco

Scores = HoiScores | VcocoScores

_LIMITS = (0.025, 0.975)


@dataclass(frozen=True)
class Difference:
    """A mean of two results.

    Attributes:
        metric: its name, as in the scores' `means`.
        first, second: its values, 0..1.
        difference: second minus first.
        low, high: limits of the difference's 95 % confidence interval (percentiles of the drawings).
        p: two-sided p-value of no difference: twice the share of drawings on the smaller side of 0.
    """

    metric: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float

    def to_dict(self) -> dict[str, Any]:
        """The JSON form; numbers that do not exist are None."""
        content: dict[str, Any] = plain(vars(self))
        return content


def compare_scores(
    first: Scores,
    second: Scores,
    samples: int = 1000,
    seed: int = 0,
    on_sample: Callable[[], object] | None = None,
) -> list[Difference]:
    """Each mean of two results of the same annotations, with how sure their difference is.

    Args:
        first, second: what `evaluate` gave, by the same protocol, setting and annotations.
        samples: drawings of images.
        seed: of the drawings; the same seed gives the same intervals.
        on_sample: called after each drawing, to show progress.

    Raises:
        InputError: the results were not scored in the same way, or `samples` are too few.
    """
    if samples < 10:
        raise InputError(f"expected 10 drawings or more, got {samples}")
    images = _images(first)
    if _kind(first) != _kind(second) or images != _images(second):
        raise InputError(
            f"expected two results scored in the same way on the same annotations, got {_kind(first)} of {images:,} "
            f"images and {_kind(second)} of {_images(second):,} images"
        )
    names = [name for name, value in first.means.items() if not math.isnan(value)]
    rng = np.random.default_rng(seed)
    drawn = np.full((samples, len(names)), np.nan)
    for row in drawn:
        times = np.bincount(rng.integers(0, images, images), minlength=images)
        before, after = _resampled(first, times), _resampled(second, times)
        row[:] = [after[name] - before[name] for name in names]
        if on_sample is not None:
            on_sample()
    return [
        _difference(name, first.means[name], second.means[name], drawn[:, column]) for column, name in enumerate(names)
    ]


def _difference(name: str, first: float, second: float, drawn: NDArray[np.float64]) -> Difference:
    drawn = drawn[~np.isnan(drawn)]
    if not len(drawn):
        return Difference(name, first, second, second - first, math.nan, math.nan, math.nan)
    low, high = np.quantile(drawn, _LIMITS)
    smaller = min((drawn <= 0).sum(), (drawn >= 0).sum())
    p = min(1.0, 2 * (int(smaller) + 1) / (len(drawn) + 1))
    return Difference(name, first, second, second - first, float(low), float(high), p)


def _kind(scores: Scores) -> tuple[str, ...]:
    if isinstance(scores, HoiScores):
        return (scores.dataset, scores.protocol, scores.setting, scores.zero_shot or "all classes")
    return ("v-coco", scores.protocol)


def _images(scores: Scores) -> int:
    verdicts = scores.verdicts if isinstance(scores, HoiScores) else next(iter(scores.verdicts.values()), None)
    if verdicts is None:
        raise InputError("these scores hold no verdicts; compare what interplay.evaluate returns")
    return verdicts.images


def _resampled(scores: Scores, times: NDArray[np.int64]) -> dict[str, float]:
    return resampled_hoi(scores, times) if isinstance(scores, HoiScores) else resampled_vcoco(scores, times)

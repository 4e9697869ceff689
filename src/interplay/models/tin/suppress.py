"""Non-interaction suppression of any model's predictions: pairs that do not interact are removed or reduced.

TIN's NIS (CVPR 2019, section 3.4) with one threshold, on triplets instead of TIN's own pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError
from interplay.interactions import Interactions

from .interactiveness import PairJudge
from .pairs import no_interaction_verbs

Pixels = Callable[[Interactions], NDArray[np.uint8]]


@dataclass(frozen=True)
class SuppressionRule:
    """What to do with a pair that D scores.

    Attributes:
        remove_below: remove triplets whose interactiveness is below this, 0..1; None removes none.
        rescore: multiply triplets' scores by the interactiveness.
    """

    remove_below: float | None = None
    rescore: bool = False

    def __post_init__(self) -> None:
        if self.remove_below is None and not self.rescore:
            raise InputError("nothing to do: give a threshold below which pairs are removed, or rescore, or both")
        if self.remove_below is not None and not 0 <= self.remove_below <= 1:
            raise InputError(f"the threshold on interactiveness must be in 0..1, got {self.remove_below}")


@dataclass
class SuppressionCounts:
    """What happened: triplets before, how many D judged, and how many were removed."""

    triplets: int = 0
    judged: int = 0
    removed: int = 0


class Suppressor:
    """Applies D to predictions, image by image; `counts` add up.

    Triplets of "no interaction" are left as they are: a low interactiveness does not make them wrong.

    Args:
        judge: D, and the vocabulary of the predictions.
        rule: what to do.
        pixels: gives the RGB image of a prediction, where the judge needs it.
    """

    def __init__(self, judge: PairJudge, rule: SuppressionRule, pixels: Pixels | None = None) -> None:
        if judge.needs_pixels and pixels is None:
            raise InputError(f"{type(judge.model).__name__} looks at the photographs: say where they are")
        self.judge, self.rule, self.pixels = judge, rule, pixels
        self.counts = SuppressionCounts()
        self._spared = no_interaction_verbs(judge.vocabulary)

    def __call__(self, image: Interactions) -> Interactions:
        """Predictions of one image, with interactiveness, without what the rule removes; falling scores."""
        pixels = self.pixels(image) if self.pixels is not None and self.judge.needs_pixels and len(image) else None
        interactive = self.judge(image, pixels)
        interactive[np.isin(image.verb, self._spared)] = np.nan
        judged = image.with_columns(interactiveness=interactive)
        kept = apply_rule(judged, self.rule)
        self.counts.triplets += len(image)
        self.counts.judged += int((~np.isnan(interactive)).sum())
        self.counts.removed += len(image) - len(kept)
        return kept


def apply_rule(image: Interactions, rule: SuppressionRule) -> Interactions:
    """Predictions of one image that were judged, after suppression; falling scores.

    Args:
        image: with interactiveness, NaN for triplets that are left as they are.
        rule: what to do.
    """
    assert image.interactiveness is not None
    judged = ~np.isnan(image.interactiveness)
    score = np.where(judged, image.score * image.interactiveness, image.score) if rule.rescore else image.score
    removed = np.zeros(len(image), bool)
    if rule.remove_below is not None:
        removed = judged & (image.interactiveness < rule.remove_below)
    kept = np.flatnonzero(~removed)
    return replace(image, score=score)[kept[np.argsort(-score[kept], kind="stable")]]

"""Non-interaction suppression of any model's predictions: pairs that do not interact are removed or reduced.

TIN's NIS (CVPR 2019, section 3.4) with one threshold, on the triplets of any model instead of TIN's own pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError, some_of
from interplay.interactions import Interactions
from interplay.models.base import HoiModel
from interplay.models.two_stage import InteractivenessModel
from interplay.ops.correspondences import no_interaction_verbs, object_table
from interplay.vocabulary import Vocabulary


@dataclass(frozen=True)
class InteractivenessScorer:
    """Interactiveness of predictions in a vocabulary, which need not be the model's.

    Args:
        model: an `InteractivenessModel`. One that does not look at pixels knows objects by name; it does not score
            pairs with others.
        vocabulary: of the predictions.

    Raises:
        InputError: a model that cannot tell, or one that knows none of the vocabulary's objects.
    """

    model: HoiModel
    vocabulary: Vocabulary

    def __post_init__(self) -> None:
        if not isinstance(self.model, InteractivenessModel):
            raise InputError(
                f"{type(self.model).__name__} does not tell whether a pair interacts; a TIN model, such as "
                "tin-spatial-vcoco, does"
            )
        known = (self.labels >= 0) & (np.arange(len(self.labels)) != self.vocabulary.person)
        if not self.needs_pixels and not known.any():
            raise InputError(
                f"the model knows no object of the predictions' vocabulary {self.vocabulary.name!r} "
                f"({some_of(self.vocabulary.objects)}), only those of {self.model.vocabulary.name!r} "
                f"({some_of(self.model.vocabulary.objects)})"
            )

    @property
    def needs_pixels(self) -> bool:
        """Whether `__call__` needs the image."""
        return isinstance(self.model, InteractivenessModel) and self.model.uses_pixels

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """(O,) the model's index of every object of the vocabulary, -1 where it has none."""
        return object_table(self.vocabulary, self.model.vocabulary)

    def __call__(self, image: Interactions, pixels: NDArray[np.uint8] | None = None) -> NDArray[np.float32]:
        """(T,) probability that the pair of each triplet interacts.

        NaN where there is no object, one that the model does not know, or one that is the person's own box.

        Args:
            image: predictions of one image.
            pixels: the RGB image (H, W, 3), for a model that looks at it.
        """
        assert isinstance(self.model, InteractivenessModel)
        scores = np.full(len(image), np.nan, np.float32)
        chosen = np.flatnonzero((image.object >= 0) & (image.object != image.human))
        if len(chosen):
            pairs = np.column_stack([image.human[chosen], image.object[chosen]])
            distinct, inverse = np.unique(pairs, axis=0, return_inverse=True)
            found = self.model.interactiveness(image, self.labels[image.labels], distinct, pixels)
            scores[chosen] = found[inverse.reshape(-1)]
        return scores


Pixels = Callable[[Interactions], NDArray[np.uint8]]


@dataclass(frozen=True)
class SuppressionRule:
    """What to do with a pair by its interactiveness.

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
    """What happened: triplets before, how many of them were scored, and how many were removed."""

    triplets: int = 0
    scored: int = 0
    removed: int = 0


class Suppressor:
    """Suppresses predictions, image by image; `counts` add up.

    "No interaction" is left as it is: a low interactiveness agrees with it.

    Args:
        scorer: the model, and the vocabulary of the predictions.
        rule: what to do.
        pixels: gives the RGB image of a prediction, where the scorer needs it.
    """

    def __init__(self, scorer: InteractivenessScorer, rule: SuppressionRule, pixels: Pixels | None = None) -> None:
        if scorer.needs_pixels and pixels is None:
            raise InputError(f"{type(scorer.model).__name__} looks at the images: say where they are (--images)")
        self.scorer, self.rule, self.pixels = scorer, rule, pixels
        self.counts = SuppressionCounts()
        self._spared = no_interaction_verbs(scorer.vocabulary)

    def __call__(self, image: Interactions) -> Interactions:
        """Predictions of one image, with interactiveness, without what the rule removes; falling scores."""
        pixels = self.pixels(image) if self.pixels is not None and self.scorer.needs_pixels and len(image) else None
        interactive = self.scorer(image, pixels)
        interactive[np.isin(image.verb, self._spared)] = np.nan
        scored = image.with_columns(interactiveness=interactive)
        kept = apply_rule(scored, self.rule)
        self.counts.triplets += len(image)
        self.counts.scored += int((~np.isnan(interactive)).sum())
        self.counts.removed += len(image) - len(kept)
        return kept


def apply_rule(image: Interactions, rule: SuppressionRule) -> Interactions:
    """Predictions of one image that were scored, after suppression; falling scores.

    Args:
        image: with interactiveness, NaN for triplets that are left as they are.
        rule: what to do.
    """
    assert image.interactiveness is not None
    scored = ~np.isnan(image.interactiveness)
    score = np.where(scored, image.score * image.interactiveness, image.score) if rule.rescore else image.score
    removed = np.zeros(len(image), bool)
    if rule.remove_below is not None:
        removed = scored & (image.interactiveness < rule.remove_below)
    kept = np.flatnonzero(~removed)
    return replace(image, score=score)[kept[np.argsort(-score[kept], kind="stable")]]

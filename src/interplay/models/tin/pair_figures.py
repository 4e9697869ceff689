"""C of one training with D of others: TIN's tables are made of such combinations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from interplay.datasets import InteractionDataset
from interplay.errors import InputError
from interplay.table import InteractionTable

from .annotated_pairs import PairReader
from .model import TinModel
from .pair_scores import score_pairs
from .pair_source import PairSource
from .training_pairs import ValidationPairs


def combined_figures(
    classifier: TinModel,
    discriminators: Mapping[str, TinModel],
    table: InteractionTable,
    images: Path,
    longer_side: int | None = None,
) -> dict[str, dict[str, float]]:
    """Figures on all pairs of annotated boxes, of C alone and with every D, by its name.

    Args:
        classifier: gives the interactions' scores.
        discriminators: each with the limits of NIS that it was saved with, chosen on its validation images.
        table: annotations, such as a test split's.
        images: folder of the photographs.
        longer_side: photographs are made smaller until no side is longer, as in training.

    Returns:
        ``C alone`` and each name -> the figures of `PairScores.classification` and `PairScores.suppression`.

    Raises:
        InputError: the classifier has no classes.
        MissingFileError: no photographs.
    """
    if not classifier.classifies:
        raise InputError("the classifier must know interactions, this network only tells whether a pair interacts")
    reader = PairReader(table.vocabulary, classifier.vocabulary, tuple(classifier.verbs.tolist()))

    def pairs(parts: bool) -> ValidationPairs:
        return ValidationPairs(PairSource(InteractionDataset(table, images), reader, {}, longer_side, parts))

    scores = score_pairs(classifier, pairs(False))
    figures = {"C alone": scores.classification()}
    for name, model in discriminators.items():
        judged = scores.judged_by(score_pairs(model, pairs(model.is_part)))
        limits = model.config.decoding.interactive_below, model.config.decoding.not_interactive_above
        figures[name] = {**judged.classification(), **judged.suppression(limits)}
    return figures

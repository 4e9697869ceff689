"""What was seen in an image: people and objects that were detected, whether or not they interact."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from interplay.interactions import Interactions
from interplay.ops.boxes import distinct_boxes
from interplay.visual.scene import count

_LEAST_SCORE = 0.2  # detectors give boxes to guesses, too, which the model of interactions may confirm
_SAME = 0.7  # IoU from which two boxes of a class show one thing


def seen_boxes(interactions: Interactions) -> NDArray[np.int64]:
    """(M,) the boxes that show something: those of triplets, and the others with a score of 0.2 or more.

    Of several boxes of a class that nearly coincide, those of triplets or the one with the best score.
    """
    acting = np.zeros(len(interactions.boxes), bool)
    acting[interactions.human] = True
    acting[interactions.object[interactions.object >= 0]] = True
    plain = acting | (interactions.box_scores >= (_LEAST_SCORE if interactions.scored else 0))
    rows = np.flatnonzero(plain)
    order = interactions.box_scores[rows] + 10 * acting[rows].astype(np.float32)  # whatever acts stands for its copies
    first = distinct_boxes(interactions.boxes[rows], interactions.labels[rows], order, _SAME)
    return rows[acting[rows] | (first == np.arange(len(rows)))]


def describe_seen(interactions: Interactions, min_score: float | None = None) -> str:
    """What was seen in an image without an interaction: ``"3 people, 2 objects, no interaction above 0.2; best: ..."``.

    Args:
        interactions: with all of its triplets, or with the column `left_out`, to tell which one was best.
        min_score: what no triplet reaches.
    """
    shown = seen_boxes(interactions[[]])
    people = int((interactions.labels[shown] == interactions.vocabulary.person).sum())
    limit = f" above {min_score:g}" if min_score else ""
    text = f"{count(people, 'person', 'people')}, {count(len(shown) - people, 'object')}, no interaction{limit}"
    if len(interactions):
        best = interactions.triplets()[0]
        return f"{text}; best: {best.phrase} {_below(best.score, min_score)}"
    if interactions.left_out is not None and str(interactions.left_out):
        score = interactions.left_out_score
        known = f" {_below(float(score), min_score)}" if score is not None and not np.isnan(score) else ""
        return f"{text}; best: {interactions.left_out}{known}"
    return text


def _below(score: float, limit: float | None) -> str:
    """A score with two digits that is not rounded up to a limit which it does not reach."""
    if limit is not None and score < limit <= round(score, 2):
        return f"{math.floor(100 * score) / 100:.2f}"
    return f"{score:.2f}"

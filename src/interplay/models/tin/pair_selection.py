"""Which detections TIN pairs at test time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError


@dataclass(frozen=True)
class PairRule:
    """Pairs are confident people with every other confident detection, people included.

    Attributes:
        human_above: lowest score of a person, itself excluded.
        object_above: of a partner.
        fallback: where this gives no pair at all, so many of the best people and other detections are paired,
            whatever their scores; 0 for none.
    """

    human_above: float
    object_above: float
    fallback: int = 0


HICO_PAIRS = PairRule(0.8, 0.3, fallback=4)
VCOCO_PAIRS = PairRule(0.6, 0.4)


def select_pairs(
    boxes: NDArray[np.floating],
    scores: NDArray[np.floating],
    is_human: NDArray[np.bool_],
    rule: PairRule,
    published_behaviour: bool = False,
) -> NDArray[np.int64]:
    """Pairs (P, 2) of a person's row and a partner's row.

    Args:
        boxes: (N, 4). Detections with the very same box are not paired.
        scores: (N,) in 0..1.
        is_human: (N,).
        rule: `HICO_PAIRS` or `VCOCO_PAIRS`.
        published_behaviour: in the fallback, let the last detection take the place of people or others that are
            missing, whatever it is, as the published HICO-DET test loop does; its pairs then occur several times,
            also with itself. Needed to match result files of that loop pair by pair.
    """
    if not len(boxes) == len(scores) == len(is_human):
        raise InputError(f"expected as many boxes, scores and kinds, got {len(boxes)}, {len(scores)}, {len(is_human)}")
    same = (boxes[:, None] == boxes[None]).all(-1)
    people = is_human & (scores > rule.human_above)
    pairs = np.argwhere(people[:, None] & (scores > rule.object_above)[None] & ~same)
    if len(pairs) or not rule.fallback or not len(boxes):
        return pairs
    order = np.argsort(-scores, kind="stable")
    humans, others = (order[is_human[order] == kind][: rule.fallback] for kind in (True, False))
    if published_behaviour:
        rounds = max(len(humans), len(others))
        humans, others = (
            np.concatenate([found, np.full(rounds - len(found), len(boxes) - 1)]) for found in (humans, others)
        )
    return np.stack(np.meshgrid(humans, others, indexing="ij"), -1).reshape(-1, 2)

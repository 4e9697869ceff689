"""A discriminator on pairs of another data set, in that one's vocabulary (TIN, CVPR 2019, section 3.1: transfer)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from interplay.interactions import Interactions

from .interactiveness import PairJudge
from .pairs import PairSet


def judge_pairs(judge: PairJudge, data: PairSet) -> NDArray[np.float32]:
    """(P,) probability that each pair interacts, in the order of `score_pairs`.

    It is 1 where D does not judge, so that such pairs stay as they are; see `PairJudge`.

    Args:
        judge: D, with the vocabulary of the data.
        data: annotated boxes; a D that looks at photographs cannot judge them.
    """
    scores = [np.zeros(0, np.float32)]
    for k, size in enumerate(data.sizes.tolist()):
        labels = data.labels[k, :size].numpy()
        people = data.labelled[k, :size].numpy() & (labels == judge.vocabulary.person)
        human, thing = np.nonzero(people[:, None] & ~np.eye(size, dtype=bool))
        image = Interactions(
            boxes=data.boxes[k, :size].numpy(),
            labels=labels,
            human=human,
            object=thing,
            verb=np.zeros(len(human), np.int64),
            vocabulary=judge.vocabulary,
            scored=False,
        )
        scores.append(judge(image))
    return np.nan_to_num(np.concatenate(scores), nan=1.0)

"""From one human box and one object box per triplet, as most result files have them, to an `InteractionTable`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from interplay.table import InteractionTable, offsets
from interplay.vocabulary import Vocabulary


def pair_table(
    vocabulary: Vocabulary,
    files: Sequence[str],
    image: NDArray[np.integer],
    human: NDArray[np.floating],
    object: NDArray[np.floating],
    verb: NDArray[np.integer],
    object_label: NDArray[np.integer],
    score: NDArray[np.floating],
) -> InteractionTable:
    """Predictions with two boxes of their own per triplet.

    Args:
        image: (T,) index into `files`, in any order; the order inside an image is kept.
        human, object: (T, 4) x1, y1, x2, y2 in pixels counted from 0.
        verb, object_label: (T,) indices into the vocabulary.
        score: (T,).
    """
    order = np.argsort(image, kind="stable")
    count = len(order)
    starts = offsets(np.bincount(image, minlength=len(files)))
    boxes = np.stack([human[order], object[order]], axis=1).reshape(-1, 4).astype(np.float32)
    labels = np.stack([np.full(count, vocabulary.person), object_label[order]], axis=1).reshape(-1)
    inside = np.arange(count) - starts[:-1][image[order]]
    return InteractionTable(
        vocabulary=vocabulary,
        files=list(files),
        sizes=np.zeros((len(files), 2), np.int32),
        box_offsets=2 * starts,
        boxes=boxes,
        labels=labels.astype(np.int64),
        box_scores=np.repeat(score[order], 2).astype(np.float32),
        triplet_offsets=starts,
        human=2 * inside,
        object=2 * inside + 1,
        verb=verb[order].astype(np.int64),
        score=score[order].astype(np.float32),
    )

"""Optional steps between a model's triplets and an evaluation: the best k per image, and pair suppression."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from interplay.columns import take_rows
from interplay.ops.pair_nms import pair_nms
from interplay.ops.top_k import top_k_rows
from interplay.table import InteractionTable, offsets


@dataclass(frozen=True)
class PairNms:
    """Settings of `pair_nms`; the defaults are CDN's published ones."""

    threshold: float = 0.7
    alpha: float = 1.0
    beta: float = 0.5


def keep_top_k(table: InteractionTable, k: int) -> InteractionTable:
    """The `k` best triplets of every image, in their order; of equal scores the earlier ones."""
    return with_triplets(table, top_k_rows(table.image_index, table.score, k))


def suppress_pairs(table: InteractionTable, settings: PairNms | None = None) -> InteractionTable:
    """`pair_nms` on every image; (verb, object category) is the class. Triplets come out in its order."""
    settings = settings or PairNms()
    label = table.verb * (len(table.vocabulary.objects) + 1) + table.object_labels + 1
    rows = pair_nms(
        table.image_index,
        label,
        table.human_boxes,
        table.object_boxes,
        table.score,
        settings.threshold,
        settings.alpha,
        settings.beta,
    )
    return with_triplets(table, rows)


def without_repeats(table: InteractionTable, position: NDArray[np.int64]) -> tuple[InteractionTable, int]:
    """Drop what an image that a file lists again only says again: a sampler that fills up batches makes such files.

    Copies are triplets with the same boxes, verb, object category and score. Inside one listing nothing is dropped:
    published protocols count what a model says twice as two predictions.

    Args:
        position: (I,) which image each listing is of; negative where it is unknown.

    Returns:
        The table without the copies, and how many there were.
    """
    listings = np.bincount(position[position >= 0], minlength=1)
    again = (position >= 0) & (listings[position] > 1)
    rows = np.flatnonzero(again[table.image_index])
    if not len(rows):
        return table, 0
    listing = table.image_index[rows]
    numbers = (position[listing], table.verb[rows], table.object_labels[rows], table.score[rows])
    said = np.column_stack([*numbers, table.human_boxes[rows], np.nan_to_num(table.object_boxes[rows], nan=-1)])
    _, first, inverse = np.unique(said.astype(np.float64), axis=0, return_index=True, return_inverse=True)
    copies = rows[listing != listing[first[inverse.reshape(-1)]]]
    kept = np.setdiff1d(np.arange(len(table.verb)), copies)
    return with_triplets(table, kept), len(copies)


def with_triplets(table: InteractionTable, rows: NDArray[np.int64]) -> InteractionTable:
    """The table with only the given triplet rows, which must come image by image in the table's order."""
    counts = np.bincount(table.image_index[rows], minlength=len(table))
    return replace(
        table,
        triplet_offsets=offsets(counts),
        human=table.human[rows],
        object=table.object[rows],
        verb=table.verb[rows],
        score=table.score[rows],
        columns=take_rows(table.columns, triplet=rows),
    )

"""Boxes that show one person or thing: query detectors give a box to every pair, some annotators draw one for each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interplay.columns import take_rows
from interplay.interactions import Interactions
from interplay.ops.boxes import distinct_boxes

SAME_THING = 0.7
"""Boxes of one class that overlap by more than this are one person or object."""


def merge_same_things(image: Interactions, overlap: float = SAME_THING) -> Interactions:
    """Annotations of an image in which every person and thing has one box; see `distinct_boxes`.

    HICO-DET's annotators drew the boxes of a person anew for each class of interaction: without merging, somebody who
    rides one box of a bicycle would not interact with the next box of it.

    What becomes the same interaction is one; two people who become one have no interaction with each other.
    """
    first = distinct_boxes(image.boxes, image.labels, image.box_scores, overlap)
    kept, place = np.unique(first, return_inverse=True)
    human, thing = place[image.human], np.append(place, -1)[image.object]
    rows = np.sort(np.unique(np.stack([human, thing, image.verb]), axis=1, return_index=True)[1])
    rows = rows[human[rows] != thing[rows]]
    merged = image[rows]
    return replace(
        merged,
        boxes=image.boxes[kept],
        labels=image.labels[kept],
        box_scores=image.box_scores[kept],
        human=human[rows],
        object=thing[rows],
        columns=take_rows(merged.columns, box=kept),
    )

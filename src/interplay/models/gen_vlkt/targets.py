"""From annotations to what GEN-VLKT learns."""

from __future__ import annotations

import numpy as np
import torch
from torchvision.ops import box_convert

from interplay.interactions import Interactions
from interplay.models.gen_vlkt.outputs import PairTargets


def first_boxes(interactions: Interactions, count: int) -> Interactions:
    """Only the first `count` boxes: the published training looks at no more than it has queries."""
    return interactions.select_boxes(slice(count))


def pair_targets(interactions: Interactions) -> PairTargets:
    """The pairs of an image, each with all its interactions, in order of first appearance.

    Interactions that the vocabulary does not list are left out. Interactions without object belong to one pair per
    person, whose object box is all zeros.

    Args:
        interactions: annotations with image size, boxes inside the image.
    """
    vocabulary = interactions.vocabulary
    index = vocabulary.interaction_lookup[interactions.verb, interactions.object_labels]
    listed = interactions[index >= 0]
    index = index[index >= 0]
    key = listed.human * (len(listed.boxes) + 1) + listed.object + 1
    _, first, row = np.unique(key, return_index=True, return_inverse=True)
    order = np.argsort(first)
    first, row = first[order], np.argsort(order)[row]

    classes = torch.zeros(len(first), len(vocabulary.interactions))
    classes[row, index] = 1
    verbs = torch.zeros(len(first), len(vocabulary.verbs))
    verbs[row, listed.verb] = 1
    size = torch.tensor([interactions.width or 0, interactions.height or 0] * 2, dtype=torch.float32)
    corners = torch.from_numpy(np.concatenate([listed.boxes, np.zeros((1, 4), np.float32)]))
    boxes = box_convert(corners, "xyxy", "cxcywh") / size
    labels = np.append(listed.labels, len(vocabulary.objects))
    pairs = listed[first]
    unknown = None if interactions.unlabelled is None else np.flatnonzero(interactions.unlabelled)
    return PairTargets(
        human_boxes=boxes[pairs.human],
        object_boxes=boxes[pairs.object],
        object_labels=torch.from_numpy(labels[pairs.object]),
        interactions=classes,
        verbs=verbs,
        unknown_people=None if unknown is None else boxes[unknown],
    )

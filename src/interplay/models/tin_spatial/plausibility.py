"""What is plausible as a whole, counted from annotations: which objects a verb takes, and how many at once.

Nobody drinks from a horse or rides two of them. A verb with an object that it never has in the training annotations is
never listed, and of the objects of one person a verb that takes one at a time keeps the best.

A detector also finds parts of things: half of a person, the pillow end of a bed. Where one of two boxes of a class lies
mostly inside the other and both do the same with the same partner, only the better pair is listed. In V-COCO's trainval
annotations this would lose 0.5 % of the interactions, all of them of people in front of each other.

Data sets differ in what they can tell: V-COCO gives every person one object per verb, by its form. For its verbs
``objects_at_once.json`` therefore has the share of people with several objects in HICO-DET's annotations, under the
verb's name there; ``experiments/objects_at_once.py`` made it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from interplay.ops.boxes import box_iou, covered_share
from interplay.table import InteractionTable

ONE_AT_A_TIME = 0.01
"""A verb takes one object at a time where at most this share of the people who do it have several."""

COPY = 0.8
"""Of two boxes of a class one may be a part of the other where this share of it is inside."""

_FEWEST = 20
_SAME = 0.5


def seen_pairs(table: InteractionTable, verbs: tuple[int, ...]) -> NDArray[np.bool_]:
    """(O, K) whether each of `verbs` occurs with each object of the table's vocabulary."""
    seen = np.zeros((len(table.vocabulary.objects), len(table.vocabulary.verbs)), bool)
    there = table.object >= 0
    image_boxes = np.repeat(table.box_offsets[:-1], np.diff(table.triplet_offsets))
    seen[table.labels[(image_boxes + table.object)[there]], table.verb[there]] = True
    return seen[:, list(verbs)]


def one_at_a_time(table: InteractionTable, verbs: tuple[int, ...]) -> NDArray[np.bool_]:
    """(K,) whether each of `verbs` takes one object at a time, as far as the annotations, or HICO-DET's, tell."""
    names = table.vocabulary.verbs
    shares = objects_at_once(table)
    single = []
    for verb in verbs:
        people, share = shares.get(names[verb], (0, 1.0))
        share = max(share, known_shares().get(names[verb], 0.0))
        single.append(people >= _FEWEST and share <= ONE_AT_A_TIME)
    return np.array(single, bool)


def objects_at_once(table: InteractionTable) -> dict[str, tuple[int, float]]:
    """Verb -> number of people who do it, and the share of them who do it with several objects.

    Boxes that overlap much are one object.
    """
    several: dict[int, list[bool]] = defaultdict(list)
    for image in table:
        objects: dict[tuple[int, int], list[int]] = defaultdict(list)
        for human, other, verb in zip(image.human.tolist(), image.object.tolist(), image.verb.tolist(), strict=True):
            if other >= 0:
                objects[human, verb].append(other)
        for (_, verb), rows in objects.items():
            boxes = image.boxes[rows]
            several[verb].append(bool((box_iou(boxes, boxes) < _SAME).any()))
    names = table.vocabulary.verbs
    return {names[verb]: (len(found), float(np.mean(found))) for verb, found in several.items()}


@cache
def known_shares() -> dict[str, float]:
    """V-COCO's verb -> share of people with several objects at once in HICO-DET."""
    text = files("interplay.models.tin_spatial").joinpath("objects_at_once.json").read_text(encoding="utf-8")
    return {name: float(entry["share"]) for name, entry in json.loads(text)["verbs"].items()}


def better_than_copies(
    score: NDArray[np.float32],
    human: NDArray[np.int64],
    other: NDArray[np.int64],
    boxes: NDArray[np.float32],
    labels: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """(P, K) whether no copy of the person, or of the object, does the same with a better score.

    Args:
        score: (P, K) of every verb; negative where it is not listed.
        human, other: (P,) rows of boxes.
        boxes, labels: (N, 4) and (N,).
    """
    kept = np.ones(score.shape, bool)
    copies = (labels[:, None] == labels) & (covered_share(boxes, boxes) >= COPY)
    copies = (copies | copies.T) & ~np.eye(len(labels), dtype=bool)
    row = np.full((len(labels), len(labels)), -1)
    row[human, other] = np.arange(len(human))
    for a, b in np.argwhere(copies).tolist():
        for mine, theirs in ((row[a], row[b]), (row[:, a], row[:, b])):
            both = (mine >= 0) & (theirs >= 0)
            kept[mine[both]] &= score[mine[both]] >= score[theirs[both]]
    return kept

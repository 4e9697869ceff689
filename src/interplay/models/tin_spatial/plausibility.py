"""What is plausible as a whole, counted from annotations: which objects a verb takes, and how many at once.

Nobody drinks from a horse or rides two of them. A verb with an object that it never has in the training annotations is
never listed, and of the objects of one person a verb that takes one at a time keeps the best.

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

from interplay.ops.boxes import box_iou
from interplay.table import InteractionTable

ONE_AT_A_TIME = 0.01
"""A verb takes one object at a time where at most this share of the people who do it have several."""

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

"""What a picture or a table of interactions says, before anything is drawn: numbered people, pairs and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interplay.interactions import Interactions
from interplay.vocabulary import Vocabulary, with_article

_OBJECT = "{object}"


@dataclass(frozen=True)
class VerbsOfPair:
    """A person with one object (or none) and everything the person does with it.

    Attributes:
        human: index into the image's boxes.
        object: index into the image's boxes, -1 where no object takes part.
        verbs: indices into the vocabulary's verbs, best score first.
        scores: confidence of each verb, 0..1.
    """

    human: int
    object: int
    verbs: tuple[int, ...]
    scores: tuple[float, ...]


def number_people(interactions: Interactions) -> dict[int, int]:
    """Box index -> number from 1, from left to right, of every person who does something.

    A picture and a table of the same interactions use the same numbers. In a frame of a clip, people have the number of
    their track, from 1, so that it and their colour stay the same.
    """
    acting = np.unique(interactions.human)
    track = interactions.track
    if track is not None and (track[acting] >= 0).all():
        return {int(box): int(track[box]) + 1 for box in acting}
    centres = interactions.boxes[acting][:, [0, 2]].sum(axis=1)
    return {int(box): i + 1 for i, box in enumerate(acting[np.argsort(centres, kind="stable")])}


def group_pairs(interactions: Interactions) -> list[VerbsOfPair]:
    """The triplets gathered by person and object, the pair with the best score first.

    A verb that is there twice for the same pair counts once, with its best score.
    """
    found: dict[tuple[int, int], dict[int, float]] = {}
    for t in np.argsort(-interactions.score, kind="stable").tolist():
        key = (int(interactions.human[t]), int(interactions.object[t]))
        found.setdefault(key, {}).setdefault(int(interactions.verb[t]), float(interactions.score[t]))
    return [VerbsOfPair(h, o, tuple(verbs), tuple(verbs.values())) for (h, o), verbs in found.items()]


def join_phrases(
    vocabulary: Vocabulary, verbs: Sequence[int], noun: str | None = None, scores: Sequence[float] | None = None
) -> str:
    """Several verbs on one object as one piece of plain English: ``"riding and holding a bicycle"``.

    Args:
        verbs: indices into the vocabulary's verbs.
        noun: what stands for the object, with its article; None where no object takes part.
        scores: where given, each verb is followed by its score: ``"riding 0.92 and holding 0.81 a bicycle"``.
    """
    marks = [""] * len(verbs) if scores is None else [f" {score:.2f}" for score in scores]
    sharing: list[str] = []  # "riding", to be followed by one noun
    whole: list[str] = []
    for verb, mark in zip(verbs, marks, strict=True):
        template = vocabulary.phrase_template(verb)
        if noun is None or _OBJECT not in template:
            whole.append(vocabulary.phrase(verb, None) + mark)
        elif template.endswith(f" {_OBJECT}"):
            sharing.append(template.removesuffix(f" {_OBJECT}") + mark)
        else:
            whole.append(template.replace(_OBJECT, noun) + mark)
    if sharing:
        whole.insert(0, f"{_enumerate(sharing)} {noun}")
    return _enumerate(whole)


def object_noun(interactions: Interactions, box: int, numbers: dict[int, int]) -> str | None:
    """``"a bicycle"``, ``"person 2"`` for one of several numbered people, None for box -1."""
    if box < 0:
        return None
    if box in numbers and len(numbers) > 1:
        return f"person {numbers[box]}"
    return with_article(interactions.vocabulary.objects[interactions.labels[box]])


def scene_box(interactions: Interactions, box: int, width: int, height: int) -> NDArray[np.float64]:
    """Corners (4,) of a box cut to the picture, at least one pixel wide and high."""
    x1, y1, x2, y2 = interactions.boxes[box].astype(np.float64)
    x1, y1 = np.clip([x1, y1], 0, [width - 1, height - 1])
    return np.array([x1, y1, max(min(x2, width), x1 + 1), max(min(y2, height), y1 + 1)])


def _enumerate(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def count(number: int, singular: str, plural: str | None = None) -> str:
    """``"1 image"``, ``"1,200 images"``."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"

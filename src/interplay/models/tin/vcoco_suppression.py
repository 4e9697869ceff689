"""TIN's rules at test time on V-COCO: an object for every role of a person, then LIS and NIS.

Published with the networks of CVPR 2019. In contrast to HICO-DET, each person gets at most one object per role, chosen
before NIS: where NIS rejects it, the role stays empty instead of going to the next object.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError
from interplay.vocabulary import Vocabulary

from .suppression import VCOCO_LIS, rejected, tables

PriorFlag = Literal[0, 1, 2, 3]
"""Which actions an object's class allows: 0 all, 1 those of the table, 2 weighed by the prior mask, 3 both."""

WITHOUT_OBJECT = ("walk", "smile", "run", "stand")
"""Actions that have no role to fill."""

_TWO_ROLES = (("cut", ("cut with", "cut")), ("eat", ("eat", "eat with")), ("hit", ("hit with", "hit")))


@dataclass(frozen=True)
class PersonPairs:
    """One person and L objects around, in the order of the published 29 actions (`actions`).

    Attributes:
        human_score: detection score of the person.
        human_actions: (29,) probabilities of the person-only stream.
        object_boxes: (L, 4).
        objects: (L,) index of the class among COCO's 80.
        object_scores: (L,) detection scores.
        scores: (L, 29) fused scores.
        binary: (L, 2) of D: interactive, not interactive.
    """

    human_score: float
    human_actions: NDArray[np.floating]
    object_boxes: NDArray[np.floating]
    objects: NDArray[np.int64]
    object_scores: NDArray[np.floating]
    scores: NDArray[np.floating]
    binary: NDArray[np.floating]

    def __post_init__(self) -> None:
        count, many = len(self.objects), len(actions())
        expected = {
            "human_actions": (many,), "object_boxes": (count, 4), "objects": (count,), "object_scores": (count,),
            "scores": (count, many), "binary": (count, 2),
        }  # fmt: skip
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise InputError(f"{name} must have shape {shape}, got {getattr(self, name).shape}")
        if not count:
            raise InputError("a person without any object has no pairs to score; leave the person out")


@dataclass(frozen=True)
class PersonActions:
    """What one person does.

    Attributes:
        agents: action -> score of the person doing it, with anything.
        boxes: (29, 4) the object of every role, nan where there is none.
        scores: (29,) of the roles; 0 where the role is impossible or NIS rejects its object.
        objects: (29,) row of the chosen object, -1 where there is none.
    """

    agents: dict[str, float]
    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    objects: NDArray[np.int64]


@cache
def actions() -> tuple[str, ...]:
    """The 29 actions in the order of TIN's networks, by the names of the library's V-COCO vocabulary.

    "carry", "look", "point" and "hold" are at the places that iCAN's index file gives them (inferred).
    """
    return tuple(tables()["v-coco"]["actions"])


@cache
def allowed_actions() -> NDArray[np.bool_]:
    """(80, 29) whether the table allows an action with a class of object."""
    content, objects = tables()["v-coco"], Vocabulary.load("coco").objects
    allowed = np.ones((len(objects), len(actions())), bool)
    for name, things in content["allowed"].items():
        allowed[:, actions().index(name)] = np.isin(objects, things)
    for name, things in content["forbidden"].items():
        allowed[:, actions().index(name)] = ~np.isin(objects, things)
    return allowed


@cache
def vcoco_thresholds() -> NDArray[np.float64]:
    """(80, 2) thresholds of NIS by class of object: interactive, not interactive."""
    content = tables()["v-coco"]["objects"]
    return np.array([content[name] for name in Vocabulary.load("coco").objects])


def suppress_vcoco(
    pairs: PersonPairs, prior_mask: NDArray[np.floating] | None = None, prior: PriorFlag = 3
) -> PersonActions:
    """The best object of every role of one person, weighed by LIS, and removed by NIS where D rejects the pair.

    Args:
        prior_mask: (29, >= 81) how often an action comes with an object, column 0 unused; needed for `prior` 2 and 3.

    Raises:
        InputError: `prior` needs a mask and there is none.
    """
    scores = pairs.scores.astype(np.float64)
    if prior in (1, 3):
        scores = scores * allowed_actions()[pairs.objects]
    if prior in (2, 3):
        if prior_mask is None or prior_mask.ndim != 2 or len(prior_mask) != len(actions()):
            got = "none" if prior_mask is None else f"one of shape {prior_mask.shape}"
            raise InputError(f"prior {prior} needs a prior mask of shape ({len(actions())}, 81), got {got}")
        scores = scores * prior_mask[:, pairs.objects + 1].T
    scores = scores * VCOCO_LIS(pairs.object_scores)[:, None]
    best = scores.argmax(0)
    agent = VCOCO_LIS(pairs.human_score)
    role = agent * scores.max(0)
    alone = np.isin(actions(), WITHOUT_OBJECT)
    agents = dict(zip(actions(), np.where(alone, agent * pairs.human_actions, role).tolist(), strict=True))
    for name, roles in _TWO_ROLES:
        highest = max(agents.pop(part) for part in roles)
        agents[name] = highest
    chosen = pairs.objects[best]
    person = Vocabulary.load("coco").person
    removed = rejected(pairs.binary[best].astype(np.float64), vcoco_thresholds()[chosen]) | (chosen == person)
    empty = alone | removed | (role == 0)
    return PersonActions(
        agents=agents,
        boxes=np.where(empty[:, None], np.nan, pairs.object_boxes[best].astype(np.float64)),
        scores=np.where(alone, agent * pairs.human_actions, np.where(removed, 0.0, role)),
        objects=np.where(empty, -1, best),
    )

"""TIN's rules at test time: low-grade instance suppression (LIS) and non-interaction suppression (NIS).

CVPR 2019, sections 3.3 and 3.4. LIS weighs an interaction by how sure the detector is of its two boxes, and NIS
removes pairs that the discriminator D rejects. D's scores may come from another network than the interactions' scores:
which one is all that TIN's transfer modes differ in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interplay.errors import InputError
from interplay.vocabulary import Vocabulary

INTERACTIVE, NOT_INTERACTIVE = 0, 1
"""Columns of D's scores: two sigmoids that need not add up to 1."""

MAX_PER_INTERACTION = 19_999

_E = 2.718281828459  # as the published code writes it


@dataclass(frozen=True)
class InstanceSuppression:
    """LIS: ``height / (1 + exp(shift - slope * score)) + floor`` for a detection score in 0..1."""

    height: float
    shift: float
    slope: float
    floor: float = 0.0

    def __call__(self, scores: ArrayLike) -> NDArray[np.float64]:
        x = np.asarray(scores, np.float64)
        return self.height / (1 + _E ** (self.shift - self.slope * x)) + self.floor


VCOCO_LIS = InstanceSuppression(6, 6, 7)
HICO_LIS = InstanceSuppression(6, 10, 1.4)
"""Nearly ``exp(1.4 x)`` times a constant; only the ranking matters."""
PAPER_LIS = InstanceSuppression(8.4, 12, 10)
"""As remembered from the paper, not in the published code (inferred)."""
TPAMI_LIS = InstanceSuppression(9, 1, 3)
"""The four numbers of the extension's HICO-DET evaluation in the order of the other evaluations (inferred)."""


def tpami_lis(scores: ArrayLike, published_behaviour: bool = True) -> NDArray[np.float64]:
    """LIS of the extension's HICO-DET evaluation.

    Args:
        scores: detection scores in 0..1.
        published_behaviour: pass the numbers in the published order, which makes the curve
            ``score / (1 + exp(9)) + 3``, in effect the constant 3; otherwise `TPAMI_LIS`. The published mAP of the
            extension was computed with the former.
    """
    if not published_behaviour:
        return TPAMI_LIS(scores)
    x = np.asarray(scores, np.float64)
    return x / (1 + _E**9.0) + 3


@cache
def tables() -> dict[str, Any]:
    """The published thresholds; pairs are [interactive, not interactive], objects and actions go by name."""
    text = files("interplay.models.tin").joinpath("suppression_tables.json").read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


@dataclass(frozen=True)
class ScoredPairs:
    """P pairs of one or many images, of a HICO-DET network.

    Attributes:
        objects: (P,) index of the object's class in the vocabulary.
        human_scores: (P,) detection scores.
        object_scores: (P,).
        scores: (P, I) fused score of every interaction of the vocabulary.
        binary: (P, 2) of D: interactive, not interactive. Ignored where `exempt`.
        exempt: (P,) bool: pairs that NIS leaves alone, those of images in which nothing was found with confidence.
    """

    objects: NDArray[np.int64]
    human_scores: NDArray[np.floating]
    object_scores: NDArray[np.floating]
    scores: NDArray[np.floating]
    binary: NDArray[np.floating]
    exempt: NDArray[np.bool_]

    def __post_init__(self) -> None:
        lengths = {name: len(value) for name, value in vars(self).items()}
        if len(set(lengths.values())) > 1:
            raise InputError(f"the arrays of pairs must have one length, got {lengths}")
        if self.binary.shape != (len(self.objects), 2):
            raise InputError(f"binary must have shape ({len(self.objects)}, 2), got {self.binary.shape}")


@dataclass(frozen=True)
class RankedPairs:
    """The pairs left for one interaction, best first: row of the pair (K,) and score (K,)."""

    interaction: int
    pair: NDArray[np.int64]
    score: NDArray[np.float64]


def hico_thresholds(vocabulary: Vocabulary) -> NDArray[np.float64]:
    """(O, 2) thresholds of NIS: pairs below the first (interactive) and above the other (not interactive) go."""
    content = tables()["hico"]
    limits = np.tile(np.asarray(content["default"]), (len(vocabulary.objects), 1))
    for name, pair in content["objects"].items():
        limits[vocabulary.object_index(name)] = pair
    return limits


def rejected(binary: NDArray[np.floating], limits: NDArray[np.floating]) -> NDArray[np.bool_]:
    """(P,) whether D rejects a pair: (P, 2) scores against (P, 2) or (2,) limits, both strictly."""
    interactive = binary[:, INTERACTIVE] < limits[..., INTERACTIVE]
    return interactive & (binary[:, NOT_INTERACTIVE] > limits[..., NOT_INTERACTIVE])


def suppress_hico(pairs: ScoredPairs, vocabulary: Vocabulary, most: int = MAX_PER_INTERACTION) -> Iterator[RankedPairs]:
    """HICO-DET's detections of every interaction, after LIS and NIS.

    A pair has a score for the interactions of its object only. NIS never removes a pair from its object's
    "no interaction".

    Yields:
        for every interaction, in the vocabulary's order, at most `most` pairs.
    """
    weight = HICO_LIS(pairs.human_scores) * HICO_LIS(pairs.object_scores)
    limits = hico_thresholds(vocabulary)[pairs.objects]
    removed = rejected(np.asarray(pairs.binary, np.float64), limits) & ~pairs.exempt
    spared = set(vocabulary.groups["no_interaction"])
    for interaction, (_, thing) in enumerate(vocabulary.interactions.tolist()):
        kept = pairs.objects == thing
        rows = np.flatnonzero(kept if interaction in spared else kept & ~removed)
        yield _ranked(interaction, rows, pairs, weight, most)


def tpami_thresholds() -> NDArray[np.float64]:
    """(600, 3) by interaction of HICO-DET: least score of the person, of the object, least interactive probability.

    The first two are stored as one number n: ``floor(n / 10) / 10`` and ``(n mod 10) / 10``. Presumably they were tuned
    on the test set (inferred).
    """
    content = tables()["tpami"]
    both = np.asarray(content["detection"])
    return np.column_stack([both // 10 / 10, both % 10 / 10, content["interactiveness"]])


def suppress_tpami(
    pairs: ScoredPairs, vocabulary: Vocabulary, published_behaviour: bool = True, most: int = MAX_PER_INTERACTION
) -> Iterator[RankedPairs]:
    """HICO-DET's detections of every interaction as in the extension, whose protocol is ``tin-pami``.

    A pair is kept for an interaction only above all three of `tpami_thresholds`; `exempt` is not used.

    Args:
        published_behaviour: see `tpami_lis`.
    """
    lis = partial(tpami_lis, published_behaviour=published_behaviour)
    weight = lis(pairs.human_scores) * lis(pairs.object_scores)
    measured = np.column_stack([pairs.human_scores, pairs.object_scores, pairs.binary[:, INTERACTIVE]])
    for interaction, limits in enumerate(tpami_thresholds()):
        sure = (measured > limits).all(1) & (pairs.objects == vocabulary.interactions[interaction, 1])
        yield _ranked(interaction, np.flatnonzero(sure), pairs, weight, most)


def _ranked(
    interaction: int, rows: NDArray[np.int64], pairs: ScoredPairs, weight: NDArray[np.float64], most: int
) -> RankedPairs:
    score = pairs.scores[rows, interaction].astype(np.float64) * weight[rows]
    order = np.argsort(-score, kind="stable")[:most]
    return RankedPairs(interaction, rows[order], score[order])

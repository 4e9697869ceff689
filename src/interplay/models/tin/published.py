"""TIN's published rules at test time: which detections are paired, and how pairs are weighed and suppressed.

CVPR 2019, sections 3.3 and 3.4, and the extension's evaluation (TPAMI 2021). Low-grade instance suppression (LIS)
weighs an interaction by how sure the detector is of its two boxes. Non-interaction suppression (NIS) removes pairs that
the discriminator rejects. The numbers are the published ones, fitted to Faster R-CNN's boxes on HICO-DET and V-COCO.

Scores are the published ones divided by the largest that they can be, so that they are in 0..1. No ranking changes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interplay.containers.arrays import read_npy
from interplay.containers.guard import reading
from interplay.containers.pickles import load_plain_pickle
from interplay.errors import InputError, MissingFileError
from interplay.formats.tin_pairs import VCOCO_ACTIONS
from interplay.vocabulary import Vocabulary

INTERACTIVE, NOT_INTERACTIVE = 0, 1
"""Columns of the discriminator's scores: two sigmoids that need not add up to 1."""

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


def tpami_lis(scores: ArrayLike) -> NDArray[np.float64]:
    """LIS of the extension's HICO-DET evaluation.

    The published code passes its four numbers in another order than the other evaluations. The curve becomes
    ``score / (1 + exp(9)) + 3``, in effect the constant 3. The published mAP of the extension was computed with it.
    """
    return np.asarray(scores, np.float64) / (1 + _E**9.0) + 3


@dataclass(frozen=True)
class PairRule:
    """Pairs are confident people with every other confident detection, people included.

    Attributes:
        human_above: a person's score must be above this.
        object_above: the other detection's.
        fallback: where this gives no pair at all, so many of the best people and other detections are paired,
            whatever their scores; 0 for none. As in the published HICO-DET test loop, the last detection takes the
            place of people or others that are missing, whatever it is. Such pairs occur several times.
    """

    human_above: float
    object_above: float
    fallback: int = 0


HICO_PAIRS = PairRule(0.8, 0.3, fallback=4)
VCOCO_PAIRS = PairRule(0.6, 0.4)
TPAMI_PAIRS = PairRule(0.0, 0.0)
"""All, since the extension has limits of its own for each interaction, some of which are 0 (inferred)."""


def select_pairs(
    boxes: NDArray[np.floating], scores: NDArray[np.floating], is_human: NDArray[np.bool_], rule: PairRule
) -> tuple[NDArray[np.int64], bool]:
    """Pairs (P, 2) of a person's row and another detection's row, and whether these are confident, not a fallback.

    Args:
        boxes: (N, 4). Detections with the very same box are not paired.
        scores: (N,) in 0..1.
        is_human: (N,).
        rule: such as `HICO_PAIRS`.
    """
    if not len(boxes) == len(scores) == len(is_human):
        raise InputError(f"expected as many boxes, scores and kinds, got {len(boxes)}, {len(scores)}, {len(is_human)}")
    same = (boxes[:, None] == boxes[None]).all(-1)
    humans = is_human & (scores > rule.human_above)
    pairs = np.argwhere(humans[:, None] & (scores > rule.object_above)[None] & ~same)
    if len(pairs) or not rule.fallback or not len(boxes):
        return pairs, True
    order = np.argsort(-scores, kind="stable")
    best, others = (order[is_human[order] == kind][: rule.fallback] for kind in (True, False))
    rounds = max(len(best), len(others))
    best, others = (np.append(found, np.full(rounds - len(found), len(boxes) - 1)) for found in (best, others))
    return np.stack(np.meshgrid(best, others, indexing="ij"), -1).reshape(-1, 2), False


@dataclass(frozen=True)
class ImagePairs:
    """P pairs of one image, and what a network with C classes says of them.

    Attributes:
        humans, objects: (P,) row of each box among the image's detections.
        human_scores, object_scores: (P,) detection scores.
        labels: (P,) class of the object in the vocabulary.
        scores: (P, C) late fusion, 0..2.
        human_actions: (P, C) probabilities of the human stream.
        binary: (P, 2) of the discriminator: interactive, not interactive.
        confident: (P,) bool; others were paired since nothing was found with confidence, see `PairRule`.
    """

    humans: NDArray[np.int64]
    objects: NDArray[np.int64]
    human_scores: NDArray[np.floating]
    object_scores: NDArray[np.floating]
    labels: NDArray[np.int64]
    scores: NDArray[np.floating]
    human_actions: NDArray[np.floating]
    binary: NDArray[np.floating]
    confident: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.humans)


@dataclass(frozen=True)
class PairTriplets:
    """T interactions of pairs: row of the pair, row of the object's box or -1, verb and score, each (T,)."""

    pair: NDArray[np.int64]
    object: NDArray[np.int64]
    verb: NDArray[np.int64]
    score: NDArray[np.floating]


def of_objects(pairs: ImagePairs, interactions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(pair, interaction) of all interactions (I, 2) of verb and object that a pair's object takes part in."""
    return np.nonzero(pairs.labels[:, None] == interactions[:, 1])  # type: ignore[return-value]


def rejected(binary: NDArray[np.floating], limits: NDArray[np.floating]) -> NDArray[np.bool_]:
    """(P,) whether the discriminator rejects a pair: (P, 2) scores against (P, 2) or (2,) limits, both strictly."""
    interactive = binary[:, INTERACTIVE] < limits[..., INTERACTIVE]
    return interactive & (binary[:, NOT_INTERACTIVE] > limits[..., NOT_INTERACTIVE])


def apply_hico(pairs: ImagePairs, vocabulary: Vocabulary) -> PairTriplets:
    """HICO-DET's rule: NIS by the object's limits.

    It spares the object's "no interaction" and pairs that are not confident.
    """
    weight = HICO_LIS(pairs.human_scores) * HICO_LIS(pairs.object_scores) / (2 * HICO_LIS(1.0) ** 2)
    limits = hico_thresholds(vocabulary)[pairs.labels]
    removed = rejected(np.asarray(pairs.binary, np.float64), limits) & pairs.confident
    spared = np.isin(np.arange(len(vocabulary.interactions)), vocabulary.groups.get("no_interaction", ()))
    pair, interaction = of_objects(pairs, vocabulary.interactions)
    kept = spared[interaction] | ~removed[pair]
    return _interactions(pairs, vocabulary, pair[kept], interaction[kept], weight)


def apply_tpami(pairs: ImagePairs, vocabulary: Vocabulary) -> PairTriplets:
    """The extension's rule on HICO-DET, whose protocol is ``tin-pami``: limits for each interaction.

    A pair is kept for an interaction only above all three of `tpami_thresholds`.
    """
    weight = tpami_lis(pairs.human_scores) * tpami_lis(pairs.object_scores) / (2 * tpami_lis(1.0) ** 2)
    measured = np.column_stack([pairs.human_scores, pairs.object_scores, pairs.binary[:, INTERACTIVE]])
    pair, interaction = of_objects(pairs, vocabulary.interactions)
    kept = (measured[pair] > tpami_thresholds()[interaction]).all(1)
    return _interactions(pairs, vocabulary, pair[kept], interaction[kept], weight)


def _interactions(
    pairs: ImagePairs,
    vocabulary: Vocabulary,
    pair: NDArray[np.int64],
    interaction: NDArray[np.int64],
    weight: NDArray[np.float64],
) -> PairTriplets:
    score = pairs.scores[pair, interaction].astype(np.float64) * weight[pair]
    return PairTriplets(pair, pairs.objects[pair], vocabulary.interactions[interaction, 0], score)


def apply_vcoco(
    pairs: ImagePairs, vocabulary: Vocabulary, verbs: NDArray[np.int64], prior: NDArray[np.floating] | None = None
) -> PairTriplets:
    """V-COCO's rule: each person gets at most one object per role, chosen before NIS.

    Where NIS rejects the object, or it is a person, the role stays empty instead of going to the next object, and the
    action keeps its score. An empty role is a triplet without object and with score 0; the action's own score is
    another triplet without object, as `formats.vcoco_detections` reads them.

    Args:
        verbs: (C,) the vocabulary's verb of each class.
        prior: (O, C) how often an action comes with an object; see `read_prior_mask`.
    """
    roles = np.array([vocabulary.verb_records[verb].role is not None for verb in verbs])
    scores = pairs.scores.astype(np.float64) * allowed_actions(vocabulary)[pairs.labels][:, verbs]
    if prior is not None:
        scores = scores * prior[pairs.labels]
    scores = scores * VCOCO_LIS(pairs.object_scores)[:, None]
    limits = vcoco_thresholds(vocabulary)
    most = float(VCOCO_LIS(1.0))
    actions = vocabulary.verb_actions[verbs]
    found: list[tuple[int, int, int, float]] = []  # pair, object, verb, score
    for human in np.unique(pairs.humans):
        rows = np.flatnonzero(pairs.humans == human)
        first, best = rows[0], rows[scores[rows].argmax(0)]  # (C,) the best pair of each class
        agent = VCOCO_LIS(pairs.human_scores[first]) / most
        motion, role = agent * pairs.human_actions[first], agent * scores[rows].max(0) / (2 * most)
        label = pairs.labels[best]
        empty = rejected(pairs.binary[best].astype(np.float64), limits[label]) | (label == vocabulary.person)
        empty = roles & (empty | (role == 0))
        filled = roles & ~empty
        found += [(first, -1, verb, score) for verb, score in zip(verbs[~roles], motion[~roles], strict=True)]
        found += zip(best[filled], pairs.objects[best[filled]], verbs[filled], role[filled], strict=True)
        found += [(first, -1, verb, 0.0) for verb in verbs[empty]]
        for action in np.unique(actions[empty]):
            own = np.flatnonzero(actions == action)
            if role[own].any():
                found.append((first, -1, verbs[own[filled[own].argmax()]], role[own].max()))
    pair, other, verb, score = (np.array(column) for column in zip(*found, strict=True)) if found else [np.zeros(0)] * 4
    return PairTriplets(pair.astype(np.int64), other.astype(np.int64), verb.astype(np.int64), score)


@cache
def _tables() -> dict[str, Any]:
    """The published limits; pairs are [interactive, not interactive], objects and actions go by name."""
    text = files("interplay.models.tin").joinpath("published_tables.json").read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


@cache
def hico_thresholds(vocabulary: Vocabulary) -> NDArray[np.float64]:
    """(O, 2) limits of NIS by object: pairs below the first (interactive) and above the other (not interactive) go."""
    content = _tables()["hico"]
    limits = np.tile(np.asarray(content["default"]), (len(vocabulary.objects), 1))
    for name, pair in content["objects"].items():
        limits[vocabulary.object_index(name)] = pair
    return limits


@cache
def tpami_thresholds() -> NDArray[np.float64]:
    """(600, 3) by interaction of HICO-DET: least score of the person, of the object, least interactive probability.

    The first two are stored as one number n: ``floor(n / 10) / 10`` and ``(n mod 10) / 10``. Presumably they were tuned
    on the test set (inferred).
    """
    content = _tables()["tpami"]
    both = np.asarray(content["detection"])
    return np.column_stack([both // 10 / 10, both % 10 / 10, content["interactiveness"]])


@cache
def allowed_actions(vocabulary: Vocabulary) -> NDArray[np.bool_]:
    """(O, V) whether the table allows a verb with a class of object."""
    content = _tables()["v-coco"]
    allowed = np.ones((len(vocabulary.objects), len(vocabulary.verbs)), bool)
    for name, objects in content["allowed"].items():
        allowed[:, vocabulary.verb_index(name)] = np.isin(vocabulary.objects, objects)
    for name, objects in content["forbidden"].items():
        allowed[:, vocabulary.verb_index(name)] = ~np.isin(vocabulary.objects, objects)
    return allowed


@cache
def vcoco_thresholds(vocabulary: Vocabulary) -> NDArray[np.float64]:
    """(O, 2) limits of NIS by class of object: interactive, not interactive."""
    limits = np.zeros((len(vocabulary.objects), 2))
    for name, pair in _tables()["v-coco"]["objects"].items():
        limits[vocabulary.object_index(name)] = pair
    return limits


def published_actions(vocabulary: Vocabulary) -> tuple[int, ...] | None:
    """The vocabulary's verb of each of the 29 published classes; None where its verbs are not these."""
    try:
        verbs = tuple(vocabulary.verb_index(name) for name in VCOCO_ACTIONS)
    except InputError:
        return None
    return verbs if len(set(verbs)) == len(verbs) == len(vocabulary.verbs) else None


@lru_cache(maxsize=1)
def read_prior_mask(path: Path, vocabulary: Vocabulary, verbs: tuple[int, ...]) -> NDArray[np.float64]:
    """(O, C) how often an action comes with an object, from the authors' ``prior_mask.pkl`` or the array as ``.npy``.

    Args:
        path: (29, >= 81) by published action and by COCO's object, counted from 1.
        vocabulary: with COCO's objects.
        verbs: (C,) the vocabulary's verb of each class.

    Raises:
        MissingFileError: no such file.
        InputError: it holds something else.
    """
    if not path.is_file():
        raise MissingFileError(f"no prior mask {path}")
    with reading(path, "a prior mask"):
        mask = np.asarray(read_npy(path) if path.suffix == ".npy" else load_plain_pickle(path), np.float64)
    if mask.ndim != 2 or mask.shape[0] != len(VCOCO_ACTIONS) or mask.shape[1] < 81:
        raise InputError(f"{path}: a prior mask has shape ({len(VCOCO_ACTIONS)}, 81 or more), got {mask.shape}")
    rows = [vocabulary.verb_index(name) for name in VCOCO_ACTIONS]
    columns = [Vocabulary.load("coco").object_index(name) + 1 for name in vocabulary.objects]
    return mask[[rows.index(verb) for verb in verbs]][:, columns].T

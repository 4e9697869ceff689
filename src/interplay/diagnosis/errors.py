"""What is wrong with each false prediction, which annotated pairs are missed, and what each kind costs in mean AP.

The idea is TIDE's (Bolya et al., ECCV 2020) for object detectors, carried over to pairs as Diag-HOI does (Zhu et al.,
2023): every false prediction gets one kind of error; an oracle then mends one kind at a time, and the gain in mean
AP is what that kind costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interplay.metrics.average_precision import RankedHits, average_precision
from interplay.metrics.hoi import JudgedPairs
from interplay.metrics.scores import mean
from interplay.ops.overlap import aligned_iou
from interplay.table import InteractionTable

KINDS = {
    "duplicate": "right, but a surer prediction stands for the pair already",
    "verb": "both boxes and the object are right, the verb is not",
    "object class": "both boxes and the verb are right, the object's class is not",
    "pairing": "the person and the object are there, but they are not a pair",
    "human box": "right but for the person's box, which overlaps too little",
    "object box": "right but for the object's box, which overlaps too little",
    "both boxes": "right but for both boxes, which overlap too little",
    "other": "nothing of the kind is there, or several things are wrong at once",
}
"""Kinds of false predictions, in the order in which they are looked for: the first that fits counts."""

MISSED = "missed"
"""The kind of annotated pairs for which no prediction stands, not even one with a single thing wrong."""

LEAST_OVERLAP = 0.1
"""A box that overlaps less than this is not a bad box of the same thing, but another thing (TIDE, section 2.2)."""

_NAMES = list(KINDS)
_BLOCK = 500_000


@dataclass(frozen=True)
class Errors:
    """The kind of error of every prediction, in the order of `JudgedPairs.matches`.

    Attributes:
        kind: (D,) index into `KINDS`; -1 for a true positive.
        target: (D,) the annotated pair that a prediction would stand for if its error were mended; -1 for none. For
            a true positive the one that it stands for.
        missed: (N,) bool, annotated pairs that are missed.
    """

    kind: NDArray[np.int64]
    target: NDArray[np.int64]
    missed: NDArray[np.bool_]

    def of(self, name: str) -> NDArray[np.bool_]:
        """(D,) which predictions have that kind of error."""
        return self.kind == _NAMES.index(name)


@dataclass(frozen=True)
class Cost:
    """What a kind of error costs.

    Attributes:
        kind: a name of `KINDS`, `MISSED`, or all false predictions together.
        count: predictions, or annotated pairs, that have it.
        mean_ap: mean AP (0..1) if an oracle mended all of them, and nothing else.
        gain: by how much that is more.
    """

    kind: str
    count: int
    mean_ap: float
    gain: float


def find_errors(judged: JudgedPairs, annotations: InteractionTable) -> Errors:
    """The kind of error of every prediction.

    Args:
        judged: what `judge_pairs` gave for `annotations`.
        annotations: tells, beyond the pairs, which people and objects are there at all.
    """
    matches, found, truth = judged.matches, judged.found, judged.truth
    false = np.flatnonzero(~matches.hit)
    best = np.full((len(_NAMES), len(false)), -1.0)  # overlap of the best target for each kind
    target = np.full((len(_NAMES), len(false)), -1)
    pairs, taken = judged.classes.pairs, np.zeros(len(truth), bool)
    taken[matches.annotation[matches.hit]] = True
    for place, candidate in same_image(matches.image[false], truth.image):
        rows = matches.order[false[place]]
        human, other = overlaps(judged, rows, candidate)
        given, wanted = pairs[found.label[rows]], pairs[truth.label[candidate]]
        same_verb, same_object = (given == wanted).T
        human_there, other_there = judged.rules.reaches(human), judged.rules.reaches(other)
        same, near = same_verb & same_object, np.minimum(human, other) >= LEAST_OVERLAP
        fits = {
            "duplicate": same & human_there & other_there,
            "verb": same_object & ~same_verb & human_there & other_there,
            "object class": same_verb & ~same_object & human_there & other_there,
            "pairing": same & (human_there | other_there),
            "human box": same & other_there & near,
            "object box": same & human_there & near,
            "both boxes": same & near,
        }
        # among targets of a kind first those that nobody has, then by overlap
        worth = human + other + np.where(taken[candidate], 0.0, 2.0)
        for name, fit in fits.items():
            number = _NAMES.index(name)
            chosen = np.flatnonzero(fit)
            chosen = chosen[np.lexsort((-worth[chosen], place[chosen]))]
            first = chosen[np.append(True, np.diff(place[chosen]) > 0)] if len(chosen) else chosen
            better = first[worth[first] > best[number, place[first]]]
            best[number, place[better]], target[number, place[better]] = worth[better], candidate[better]
    usable = best >= 0
    usable[_NAMES.index("pairing")] = _both_there(judged, annotations, matches.order[false])
    usable[_NAMES.index("other")] = True
    number = np.argmax(usable, axis=0)
    kind, stands_for = np.full(len(matches.order), -1), matches.annotation.copy()
    kind[false] = number
    stands_for[false] = target[number, np.arange(len(false))]
    covered = np.zeros(len(truth), bool)
    covered[stands_for[stands_for >= 0]] = True
    return Errors(kind, stands_for, ~covered)


def costs(judged: JudgedPairs, errors: Errors) -> list[Cost]:
    """What each kind costs, then all false predictions together (``"all false"``), then what is missed.

    An oracle mends a prediction by giving it the right class and boxes, if no other stands for its target; of several
    the surest. Otherwise, and where there is no target, it takes the prediction away. What is missed is taken out of
    the annotations; a class of which nothing is left counts as 1.
    """
    now = _mean_ap(judged, np.flatnonzero(_counted(judged)), judged.matches.label, errors.kind < 0, judged.counts)
    found = []
    for name in KINDS:
        wrong = errors.of(name) & _counted(judged)
        found.append((name, wrong, _mended(judged, errors, wrong)))
    wrong = (errors.kind >= 0) & _counted(judged)
    found.append(("all false", wrong, _without(judged, wrong)))
    found.append((MISSED, errors.missed, _without_missed(judged, errors)))
    return [Cost(name, int(which.sum()), value, value - now) for name, which, value in found]


def _counted(judged: JudgedPairs) -> NDArray[np.bool_]:
    return np.ones(len(judged.matches.label), bool) if judged.keep is None else judged.keep


def _mended(judged: JudgedPairs, errors: Errors, wrong: NDArray[np.bool_]) -> float:
    matches, truth = judged.matches, judged.truth
    assert judged.found.score is not None  # predictions have scores
    score = judged.found.score[matches.order]
    taken = np.zeros(len(truth), bool)
    taken[matches.annotation[matches.hit]] = True
    rows = np.flatnonzero(wrong & (errors.target >= 0))
    rows = rows[~taken[errors.target[rows]]]
    rows = rows[np.argsort(-score[rows], kind="stable")]
    _, first = np.unique(errors.target[rows], return_index=True)
    mended = rows[first]
    label, hit = matches.label.copy(), errors.kind < 0
    label[mended], hit[mended] = truth.label[errors.target[mended]], True
    kept = np.flatnonzero((_counted(judged) & ~wrong) | np.isin(np.arange(len(label)), mended))
    kept = kept[np.lexsort((-score[kept], label[kept]))]  # stable: the order of equal scores stays
    return _mean_ap(judged, kept, label, hit, judged.counts)


def _without(judged: JudgedPairs, wrong: NDArray[np.bool_]) -> float:
    kept = np.flatnonzero(_counted(judged) & ~wrong)
    return _mean_ap(judged, kept, judged.matches.label, judged.matches.hit, judged.counts)


def _without_missed(judged: JudgedPairs, errors: Errors) -> float:
    counted = np.flatnonzero(_counted(judged))
    counts = judged.counts
    missed = np.bincount(judged.truth.label[errors.missed], minlength=len(counts))
    left = np.maximum(counts - missed, 0)
    return _mean_ap(judged, counted, judged.matches.label, judged.matches.hit, left, of=counts > 0)


def _mean_ap(
    judged: JudgedPairs,
    rows: NDArray[np.int64],
    label: NDArray[np.integer],
    hit: NDArray[np.bool_],
    counts: NDArray[np.int64],
    of: NDArray[np.bool_] | None = None,
) -> float:
    """Mean AP of the ordered predictions `rows`; over the classes `of`, those without annotations as 1."""
    hits = RankedHits.of(label[rows], hit[rows], counts, judged.rules.detections_per_class)
    value = average_precision(hits, judged.rules.average_precision, judged.rules.recall_thresholds)
    return mean(value if of is None else np.where(counts > 0, value, 1.0)[of])


def same_image(
    image: NDArray[np.integer], annotated: NDArray[np.integer]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Blocks of (place in `image`, row of `annotated`): all that are of the same image."""
    order = np.argsort(annotated, kind="stable")
    last = 1 + max(int(annotated.max(initial=-1)), int(image.max(initial=-1)))
    starts = np.searchsorted(annotated[order], np.arange(last + 1))
    counts = np.diff(starts)[image]
    ends = np.cumsum(counts)
    first = 0
    while first < len(image):
        done = int(ends[first - 1]) if first else 0
        stop = max(int(np.searchsorted(ends, done + _BLOCK)), first + 1)
        count = counts[first:stop]
        shift = starts[:-1][image[first:stop]] - (ends[first:stop] - count - done)
        yield np.repeat(np.arange(first, stop), count), order[np.arange(int(count.sum())) + np.repeat(shift, count)]
        first = stop


def overlaps(
    judged: JudgedPairs, rows: NDArray[np.int64], candidate: NDArray[np.int64]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """IoU of people and of objects; 1 for the object of an annotated pair that has none."""
    found, truth, rules = judged.found, judged.truth, judged.rules
    human = aligned_iou(found.human[rows], truth.human[candidate] + rules.annotation_shift, rules.boxes)
    target = truth.object[candidate]
    other = aligned_iou(found.object[rows], target + rules.annotation_shift, rules.boxes)
    return human, np.where(np.isnan(target[:, 0]), 1.0, np.nan_to_num(other, nan=0.0))


def _both_there(judged: JudgedPairs, annotations: InteractionTable, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(R,) whether a person and an object of the class are annotated where predictions have them."""
    found, rules, person = judged.found, judged.rules, annotations.vocabulary.person
    wanted = judged.classes.pairs[found.label[rows], 1]
    human, other = np.zeros(len(rows), bool), wanted < 0
    for place, box in same_image(found.image[rows], annotations.box_image_index):
        annotated = annotations.boxes[box] + rules.annotation_shift
        overlap = aligned_iou(found.human[rows[place]], annotated, rules.boxes)
        np.logical_or.at(human, place, rules.reaches(overlap) & (annotations.labels[box] == person))
        overlap = aligned_iou(found.object[rows[place]], annotated, rules.boxes)
        np.logical_or.at(other, place, rules.reaches(overlap) & (annotations.labels[box] == wanted[place]))
    return human & other

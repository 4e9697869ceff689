"""Where a result is strong and weak: pairs found at all, confused verbs, calibration, sizes, crowds, single images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interplay.diagnosis.errors import KINDS, Errors, overlaps, same_image
from interplay.metrics.average_precision import RankedHits, average_precision
from interplay.metrics.hoi import JudgedPairs
from interplay.metrics.matching import PairArrays
from interplay.metrics.scores import mean
from interplay.ops.boxes import box_area
from interplay.ops.overlap import aligned_iou
from interplay.table import InteractionTable

BINS = 10
"""Of the reliability curve, equally wide in the score."""


@dataclass(frozen=True)
class PairLocalisation:
    """Whether people and objects that interact are found as pairs, whatever they do.

    Attributes:
        pairs: annotated pairs of a person's box and an object's box.
        per_image: most pairs of an image that count, the surest first; a pair's score is its best verb's.
        recall: (K,) share of annotated pairs that the best `per_image` pairs hold.
        precision: (K,) share of these predicted pairs that are annotated.
    """

    pairs: int
    per_image: tuple[int, ...]
    recall: tuple[float, ...]
    precision: tuple[float, ...]


def pair_localisation(judged: JudgedPairs, per_image: tuple[int, ...] = (5, 10, 25, 50, 100)) -> PairLocalisation:
    """Recall and precision of pairs: both boxes reach the protocol's overlap and the object's class is right."""
    found, truth = judged.found, judged.truth
    assert found.score is not None  # predictions have scores
    objects = judged.classes.pairs[:, 1]
    annotated = _distinct(truth, objects)
    order = np.argsort(-found.score, kind="stable")
    predicted = order[_distinct(found[order], objects)]
    rank = _rank_in_image(found.image[predicted])
    right, seen_at = np.zeros(len(predicted), bool), np.full(len(annotated), np.iinfo(np.int64).max)
    for place, candidate in same_image(found.image[predicted], truth.image[annotated]):
        rows, target = predicted[place], annotated[candidate]
        human, other = overlaps(judged, rows, target)
        good = judged.rules.reaches(np.minimum(human, other))
        good &= objects[found.label[rows]] == objects[truth.label[target]]
        right[place[good]] = True
        np.minimum.at(seen_at, candidate[good], rank[place[good]])
    recall = [float((seen_at < k).mean()) if len(annotated) else np.nan for k in per_image]
    precision = [float(right[rank < k].mean()) if (rank < k).any() else np.nan for k in per_image]
    return PairLocalisation(len(annotated), per_image, tuple(recall), tuple(precision))


def _distinct(pairs: PairArrays, objects: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of the first of equal pairs, ascending."""
    other = np.nan_to_num(pairs.object, nan=-1)
    keys = np.column_stack([pairs.image, objects[pairs.label], pairs.human, other])
    _, first = np.unique(keys, axis=0, return_index=True)
    return np.sort(first)


def _rank_in_image(image: NDArray[np.integer]) -> NDArray[np.int64]:
    """(P,) how many earlier rows are of the same image."""
    order = np.argsort(image, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(image[order]) != 0)) if len(image) else order
    lengths = np.diff(np.append(starts, len(image)))
    rank = np.empty(len(image), np.int64)
    rank[order] = np.arange(len(image)) - np.repeat(starts, lengths)
    return rank


@dataclass(frozen=True)
class Confusion:
    """Verbs that are said of pairs which do something else.

    Attributes:
        counts: (V, V) predictions by the verb that is annotated and the verb that is said.
        verbs: V names.
    """

    counts: NDArray[np.int64]
    verbs: list[str]

    def most(self, count: int = 20) -> list[tuple[str, str, int]]:
        """The most frequent: annotated verb, predicted verb, how often."""
        order = np.argsort(-self.counts, axis=None, kind="stable")[:count]
        rows = zip(*np.unravel_index(order, self.counts.shape), strict=True)
        return [(self.verbs[a], self.verbs[p], int(self.counts[a, p])) for a, p in rows if self.counts[a, p]]


def confusion(judged: JudgedPairs, errors: Errors, min_score: float) -> Confusion:
    """Confused verbs among predictions of at least `min_score`.

    A prediction with a wrong verb counts for one annotated verb of its pair, first for one that nobody found.
    """
    verbs, matches = judged.classes.pairs[:, 0], judged.matches
    rows = np.flatnonzero(errors.of("verb") & (scores_of(judged) >= min_score))
    counts = np.zeros((len(judged.classes.vocabulary.verbs),) * 2, np.int64)
    np.add.at(counts, (verbs[judged.truth.label[errors.target[rows]]], verbs[matches.label[rows]]), 1)
    return Confusion(counts, list(judged.classes.vocabulary.verbs))


@dataclass(frozen=True)
class Calibration:
    """Whether scores mean what they say.

    Attributes:
        count: (B,) predictions in each of the equally wide bins of 0..1.
        score: (B,) their mean score, NaN for an empty bin.
        precision: (B,) share of them that is right.
        error: mean of ``|score - precision|`` over predictions (expected calibration error); NaN without predictions.
        beyond: predictions with scores outside 0..1, which are in no bin.
    """

    count: NDArray[np.int64]
    score: NDArray[np.float64]
    precision: NDArray[np.float64]
    error: float
    beyond: int


def calibration(judged: JudgedPairs, bins: int = BINS) -> Calibration:
    """Reliability of the scores of all predictions (Guo et al., ICML 2017)."""
    score, hit = scores_of(judged).astype(np.float64), judged.matches.hit
    inside = (score >= 0) & (score <= 1)
    score, hit = score[inside], hit[inside]
    place = np.minimum((score * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        means = np.bincount(place, score, minlength=bins) / count
        precision = np.bincount(place, hit, minlength=bins) / count
    gap = np.abs(np.nan_to_num(means - precision)) * count
    error = float(gap.sum() / count.sum()) if count.sum() else float("nan")
    return Calibration(count, means, precision, error, int((~inside).sum()))


@dataclass(frozen=True)
class Slice:
    """A part of the annotated pairs.

    Attributes:
        name: of what it is.
        count: annotated pairs in it.
        recall: share of them that any prediction stands for.
        recall_above: the same of predictions from the operating score.
        mean_ap: mean AP over the part: other annotated pairs, and what stands for them, do not count, and neither do
            false predictions that are of another part themselves. NaN where predictions have no part.
    """

    name: str
    count: int
    recall: float
    recall_above: float
    mean_ap: float


SIZES = ("small (below 32 x 32)", "medium", "large (from 96 x 96)")
OCCLUSIONS = ("free", "overlapped by 0.1 to 0.5", "overlapped by more than 0.5")
_SAME = 0.9
CROWDS = ("1 person", "2 or 3 people", "4 people or more")


def slices(judged: JudgedPairs, annotations: InteractionTable, min_score: float) -> dict[str, list[Slice]]:
    """Recall and AP by the object's and the person's size (COCO's limits), by overlap and by people in the image.

    Overlap is the largest IoU of the pair's boxes with any other annotated box of the image. Boxes of one class that
    overlap by more than 0.9 are the same thing, annotated again.
    """
    found, truth = judged.found, judged.truth
    crowd = _crowd(annotations)
    boxed = ~np.isnan(truth.object[:, 0])
    groups = {
        "person's size": (SIZES, _size(truth.human), _size(found.human)),
        "object's size": (SIZES, np.where(boxed, _size(truth.object), -1), _size(found.object)),
        "overlap with others": (OCCLUSIONS, _occlusion(judged, annotations), None),
        "people in the image": (CROWDS, crowd[truth.image], crowd[found.image]),
    }
    return {
        group: [
            _slice(judged, name, part == number, None if of_found is None else of_found == number, min_score)
            for number, name in enumerate(names)
        ]
        for group, (names, part, of_found) in groups.items()
    }


def _slice(
    judged: JudgedPairs, name: str, part: NDArray[np.bool_], of_found: NDArray[np.bool_] | None, min_score: float
) -> Slice:
    matches, count = judged.matches, int(part.sum())
    hit = np.flatnonzero(matches.hit)
    above = hit[scores_of(judged)[hit] >= min_score]
    inside, inside_above = (int(part[matches.annotation[rows]].sum()) for rows in (hit, above))
    value = float("nan")
    if of_found is not None and count:
        keep = np.where(matches.hit, part[matches.annotation], of_found[matches.order])
        if judged.keep is not None:
            keep &= judged.keep
        rules, positives = judged.rules, np.bincount(judged.truth.label[part], minlength=len(judged.classes.pairs))
        hits = RankedHits.of(matches.label[keep], matches.hit[keep], positives, rules.detections_per_class)
        value = mean(average_precision(hits, rules.average_precision, rules.recall_thresholds))
    share = (inside / count, inside_above / count) if count else (float("nan"), float("nan"))
    return Slice(name, count, *share, value)


def _size(boxes: NDArray[np.floating]) -> NDArray[np.int64]:
    """0 small, 1 medium, 2 large; -1 without a box."""
    area = box_area(boxes)
    return np.where(np.isnan(area), -1, np.digitize(np.nan_to_num(area), (32**2, 96**2)))


def _crowd(annotations: InteractionTable) -> NDArray[np.int64]:
    people = annotations.labels == annotations.vocabulary.person
    count = np.bincount(annotations.box_image_index[people], minlength=len(annotations))
    return np.digitize(count, (2, 4))


def _occlusion(judged: JudgedPairs, annotations: InteractionTable) -> NDArray[np.int64]:
    truth, rows = judged.truth, judged.truth_rows
    human, other = annotations.human_rows[rows], annotations.object_rows[rows]
    most = np.zeros(len(truth))
    for place, box in same_image(truth.image, annotations.box_image_index):
        for own, boxes in ((human, truth.human), (other, truth.object)):
            overlap = aligned_iou(boxes[place], annotations.boxes[box])
            copy = (annotations.labels[own[place]] == annotations.labels[box]) & (overlap > _SAME)
            strange = (box != human[place]) & (box != other[place]) & (own[place] >= 0) & ~copy
            np.maximum.at(most, place[strange], overlap[strange])
    return np.digitize(most, (0.1, 0.5))


@dataclass(frozen=True)
class ImageErrors:
    """What is wrong in one image from the operating score on.

    Attributes:
        file: its name.
        right: predictions that are right.
        wrong: false predictions by kind.
        missed: annotated pairs for which no prediction of that score stands.
        cost: sum of the false predictions' scores, and 1 for each missed pair.
    """

    file: str
    right: int
    wrong: Mapping[str, int]
    missed: int
    cost: float


def worst_images(
    judged: JudgedPairs, errors: Errors, annotations: InteractionTable, min_score: float, count: int
) -> list[ImageErrors]:
    """The images that cost most, the worst first."""
    matches, score = judged.matches, scores_of(judged)
    shown = score >= min_score
    false, right = np.flatnonzero(shown & ~matches.hit), np.flatnonzero(shown & matches.hit)
    unfound = np.ones(len(judged.truth), bool)
    unfound[matches.annotation[right]] = False
    images = len(annotations)
    missed = np.bincount(judged.truth.image[unfound], minlength=images)
    cost = missed + np.bincount(matches.image[false], np.clip(score[false], 0, 1), minlength=images)
    hits = np.bincount(matches.image[right], minlength=images)
    names = list(KINDS)
    found = []
    for image in np.argsort(-cost, kind="stable")[:count].tolist():
        if cost[image] <= 0:
            break
        kinds = Counter(names[k] for k in errors.kind[false[matches.image[false] == image]].tolist())
        ordered = {name: kinds[name] for name in names if kinds[name]}
        file = annotations.files[image]
        found.append(ImageErrors(file, int(hits[image]), ordered, int(missed[image]), float(cost[image])))
    return found


def best_score(judged: JudgedPairs) -> float:
    """The score from which on F1 over all predictions together is best; infinity without a right one."""
    order = np.argsort(-scores_of(judged), kind="stable")
    hits = np.cumsum(judged.matches.hit[order])
    if not len(hits) or not hits[-1]:
        return float("inf")
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + len(judged.truth))
    return float(scores_of(judged)[order[int(np.argmax(f1))]])


def scores_of(judged: JudgedPairs) -> NDArray[np.floating]:
    """(D,) scores in the order of `JudgedPairs.matches`."""
    assert judged.found.score is not None  # predictions have scores
    return judged.found.score[judged.matches.order]

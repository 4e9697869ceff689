"""The engine: which detections are true positives, for any `PairProtocol`, without a loop over detections.

Detections are sorted once (class, then falling score). Each is compared only with the annotated pairs of its own
image and class, as one flat list of (detection, annotation) candidates; who takes which annotation is then settled
for all classes and images together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError
from interplay.metrics.protocols import PairProtocol
from interplay.ops.ordering import falling_order
from interplay.ops.overlap import aligned_iou

_BLOCK = 500_000
"""Candidates compared at a time; bounds the memory to about 100 MB whatever the number of detections."""


@dataclass(frozen=True)
class PairArrays:
    """Human-object pairs of many images as flat aligned arrays.

    Attributes:
        image: (N,) image index.
        label: (N,) class.
        human, object: (N, 4) x1, y1, x2, y2 in pixels counted from 0; rows of NaN in `object` for "no object".
        score: (N,) for detections; None for annotations.
        object_label: (N,) category of the object box where categories must agree beyond the class (V-COCO, whose
            classes do not name the object); None otherwise.
        pair: (N,) for annotations, which pair of boxes each is about, where rules take pairs (`one_verb_a_pair`);
            None otherwise.
    """

    image: NDArray[np.integer]
    label: NDArray[np.integer]
    human: NDArray[np.floating]
    object: NDArray[np.floating]
    score: NDArray[np.floating] | None = None
    object_label: NDArray[np.integer] | None = None
    pair: NDArray[np.integer] | None = None

    def __post_init__(self) -> None:
        n = len(self.image)
        for name, shape in (("label", (n,)), ("human", (n, 4)), ("object", (n, 4)), ("score", (n,)),
                            ("object_label", (n,)), ("pair", (n,))):  # fmt: skip
            value = getattr(self, name)
            if value is not None and value.shape != shape:
                raise InputError(f"{name} must have shape {shape} like image, got {value.shape}")

    def __len__(self) -> int:
        return len(self.image)

    def __getitem__(self, rows: NDArray) -> PairArrays:
        """The chosen rows (a mask or indices)."""
        return PairArrays(
            self.image[rows],
            self.label[rows],
            self.human[rows],
            self.object[rows],
            None if self.score is None else self.score[rows],
            None if self.object_label is None else self.object_label[rows],
            None if self.pair is None else self.pair[rows],
        )


@dataclass(frozen=True)
class Matches:
    """Detections in order of class and falling score, with the verdict on each.

    Attributes:
        order: (D,) row of each detection in the input.
        label, image: (D,) of the ordered detections.
        annotation: (D,) row of the annotated pair that a true positive stands for; -1 for a false one.
    """

    order: NDArray[np.int64]
    label: NDArray[np.integer]
    image: NDArray[np.integer]
    annotation: NDArray[np.int64]

    @property
    def hit(self) -> NDArray[np.bool_]:
        """(D,) True for a true positive."""
        return self.annotation >= 0

    def reordered(self, order: NDArray[np.int64]) -> Matches:
        """The same verdicts with the detections in another order of input rows."""
        place = np.empty(len(order), np.int64)
        place[self.order] = np.arange(len(order))
        moved = place[order]
        return Matches(order, self.label[moved], self.image[moved], self.annotation[moved])


def match_pairs(detections: PairArrays, annotations: PairArrays, protocol: PairProtocol) -> Matches:
    """Decide for every detection whether it is a true positive.

    Args:
        detections: with scores, none NaN.
        annotations: in the order of the annotation file, which decides between equal overlaps.
    """
    if detections.score is None:
        raise InputError("detections need scores")
    order = falling_order(detections.label, detections.score, "last" if protocol.ties == "last" else "first")
    label, image = detections.label[order], detections.image[order]
    grouped, offsets, group = _group(annotations, label, image)
    place, annotation = [], []
    for detection, candidate in _candidates(group, offsets):
        overlap = _pair_overlap(detections, order[detection], annotations, grouped[candidate], protocol)
        good = protocol.reaches(overlap)
        if protocol.assignment == "best":
            good &= _first_best(overlap, detection)
        place.append(detection[good])
        annotation.append(candidate[good])
    none = np.zeros(0, np.int64)
    places, chosen = np.concatenate([none, *place]), grouped[np.concatenate([none, *annotation])]
    stands_for = np.full(len(order), -1, np.int64)
    if protocol.one_verb_a_pair:
        won = _first_of_pairs(detections, order[places], annotations, chosen)
        stands_for[places[won]] = chosen[won]
    else:
        taken, by = claim(places, chosen, len(annotations))
        stands_for[by] = taken
    matches = Matches(order, label, image, stands_for)
    if protocol.ties == "torch":
        return matches.reordered(falling_order(detections.label, detections.score, "torch"))
    return matches


def _first_of_pairs(
    detections: PairArrays, d: NDArray[np.int64], annotations: PairArrays, chosen: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Which of the detections d[i], each of which chose one annotation, come first to the pair that it is about.

    Raises:
        InputError: it is not known which pairs annotations are about.
    """
    if annotations.pair is None:
        raise InputError("rules that take pairs need to know which pair each annotation is about")
    assert detections.score is not None  # checked by the caller
    rank = np.empty(len(detections), np.int64)
    rank[falling_order(np.zeros(len(detections), np.int64), detections.score)] = np.arange(len(detections))
    earliest = np.argsort(rank[d], kind="stable")
    _, first = np.unique(annotations.pair[chosen[earliest]], return_index=True)
    return earliest[first]


def _group(
    annotations: PairArrays, label: NDArray[np.integer], image: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Annotation rows sorted by (class, image), their group offsets, and each detection's group (-1: none)."""
    images = 1 + max(int(annotations.image.max(initial=-1)), int(image.max(initial=-1)))
    key = annotations.label.astype(np.int64) * images + annotations.image
    grouped = np.argsort(key, kind="stable")
    keys, starts = np.unique(key[grouped], return_index=True)
    offsets = np.append(starts, len(key))
    wanted = label.astype(np.int64) * images + image
    group = np.searchsorted(keys, wanted)
    found = np.append(keys, -1)[group] == wanted
    return grouped, offsets, np.where(found, group, -1)


def _candidates(
    group: NDArray[np.int64], offsets: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Blocks of (detection place, annotation position): every member of each detection's group, in order."""
    places = np.flatnonzero(group >= 0)
    counts = np.diff(offsets)[group[places]]
    ends = np.cumsum(counts)
    first = 0
    while first < len(places):
        done = int(ends[first - 1]) if first else 0
        last = max(int(np.searchsorted(ends, done + _BLOCK)), first + 1)
        part, count = places[first:last], counts[first:last]
        shift = offsets[:-1][group[part]] - (ends[first:last] - count - done)
        yield np.repeat(part, count), np.arange(int(count.sum())) + np.repeat(shift, count)
        first = last


def _pair_overlap(
    detections: PairArrays,
    d: NDArray[np.int64],
    annotations: PairArrays,
    a: NDArray[np.int64],
    protocol: PairProtocol,
) -> NDArray[np.float64]:
    """Overlap of detection d[i] with annotation a[i]: the smaller one of person and object."""
    shift = protocol.annotation_shift
    human = aligned_iou(detections.human[d], annotations.human[a] + shift, protocol.boxes)
    target = annotations.object[a]
    object = aligned_iou(detections.object[d], target + shift, protocol.boxes)
    if detections.object_label is not None and annotations.object_label is not None:
        object[detections.object_label[d] != annotations.object_label[a]] = 0.0
    # An annotation without object is met by the person alone.
    return np.minimum(human, np.where(np.isnan(target[:, 0]), human, object))


def _first_best(overlap: NDArray[np.float64], detection: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark each detection's candidate of largest overlap, the first one of equals."""
    if not len(detection):
        return np.zeros(0, bool)
    starts = np.flatnonzero(np.append(True, np.diff(detection) > 0))
    counts = np.diff(np.append(starts, len(detection)))
    best = np.flatnonzero(overlap == np.repeat(np.maximum.reduceat(overlap, starts), counts))
    mark = np.zeros(len(detection), bool)
    mark[best[np.append(True, np.diff(detection[best]) > 0)]] = True
    return mark


def claim(
    place: NDArray[np.int64], annotation: NDArray[np.int64], num_annotations: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which annotations are taken, and the places of their detections, when these choose in order their first free one.

    Choosing in order is the stable matching in which every annotation prefers the earliest detection, so it is found
    by rounds of proposals for all at once: everyone without annotation asks for the next on its list, and an
    annotation keeps the earliest who ever asked. With one choice each (the ``best`` rule) that is a single round.

    Args:
        place: (E,) ascending; a detection's choices are consecutive rows, the preferred one first.
        annotation: (E,) the annotation chosen.

    Returns:
        (H,) annotations that are taken, ascending, and (H,) the place of the detection that has each.
    """
    starts = np.flatnonzero(np.append(True, np.diff(place) > 0)) if len(place) else place
    ends = np.append(starts[1:], len(place))
    holder = np.full(num_annotations, len(starts))  # chooser number; the largest stands for nobody
    choice = starts.copy()
    asking = np.arange(len(starts))
    while len(asking):
        wanted = annotation[choice[asking]]
        previous = holder[np.unique(wanted)]
        np.minimum.at(holder, wanted, asking)
        displaced = previous[holder[np.unique(wanted)] != previous]
        losers = np.concatenate([asking[holder[wanted] != asking], displaced[displaced < len(starts)]])
        choice[losers] += 1
        asking = losers[choice[losers] < ends[losers]]
    taken = np.flatnonzero(holder < len(starts))
    return taken, place[starts[holder[taken]]]

"""The engine against a plain implementation with loops, on small random cases full of ties and duplicates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from interplay.errors import InputError
from interplay.metrics import PROTOCOLS
from interplay.metrics.average_precision import RankedHits, average_precision
from interplay.metrics.matching import PairArrays, claim, match_pairs
from interplay.metrics.protocols import PairProtocol

CLASSES, IMAGES = 3, 4
STABLE = [p for p in PROTOCOLS.values() if p.ties != "torch"]


def plain_iou(a: NDArray, b: NDArray, rule: str) -> float:
    extra = 0 if rule == "continuous" else 1
    if np.isnan(a).any() or np.isnan(b).any():
        return 0.0
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if rule == "inclusive":
        width, height = max(width + 1, 0), max(height + 1, 0)
    else:
        width, height = (width + extra, height + extra) if width > 0 and height > 0 else (0, 0)
    common = width * height
    if common == 0:
        return 0.0
    areas = [(x[2] - x[0] + extra) * (x[3] - x[1] + extra) for x in (a, b)]
    return common / (sum(areas) - common + (1e-6 if rule.endswith("epsilon") else 0))


def plain_ap(flags: list[bool], positives: int, protocol: PairProtocol) -> float:
    if positives == 0:
        return np.nan
    recall = np.cumsum(flags) / positives
    precision = np.cumsum(flags) / np.arange(1, len(flags) + 1)
    if protocol.average_precision == "11-point":
        best = [precision[recall >= t].max() if (recall >= t).any() else 0.0 for t in protocol.recall_thresholds]
        return float(np.mean(best))
    area = 0.0
    for i in range(len(flags)):
        if recall[i] >= recall[-1]:
            break
        if not flags[i]:
            continue
        before = precision[i - 1] if i else None
        height = precision[i]
        if protocol.average_precision == "pocket-int":
            height = precision[i:].max()
            before = None if before is None else max(before, height)
        area += (height if before is None else (height + before) / 2) / positives
    return area


def plain_scores(found: PairArrays, truth: PairArrays, protocol: PairProtocol) -> list[float]:
    assert found.score is not None
    rows = [*range(len(found))]
    if not protocol.empty_images_count:
        rows = [i for i in rows if found.image[i] in truth.image]
    rows.sort(key=lambda i: (-found.score[i], -i if protocol.ties == "last" else i))
    whole = truth.pair if protocol.one_verb_a_pair else None
    taken: set[int] = set()
    flags: list[list[bool]] = [[] for _ in range(CLASSES)]
    for i in rows:
        pairs = [j for j in range(len(truth)) if truth.label[j] == found.label[i] and truth.image[j] == found.image[i]]
        overlaps = []
        for j in pairs:
            shift = protocol.annotation_shift
            human = plain_iou(found.human[i], truth.human[j] + shift, protocol.boxes)
            overlaps.append(min(human, plain_iou(found.object[i], truth.object[j] + shift, protocol.boxes)))
        passing = [o > protocol.threshold if protocol.strict else o >= protocol.threshold for o in overlaps]
        numbers = [j if whole is None else int(whole[j]) for j in pairs]
        chosen = None
        if protocol.assignment == "first":
            free = [j for j, good in zip(numbers, passing, strict=True) if good and j not in taken]
            chosen = free[0] if free else None
        elif pairs and passing[int(np.argmax(overlaps))]:
            best = numbers[int(np.argmax(overlaps))]
            chosen = None if best in taken else best
        flags[found.label[i]].append(chosen is not None)
        if chosen is not None:
            taken.add(chosen)
    return [plain_ap(flags[label], int((truth.label == label).sum()), protocol) for label in range(CLASSES)]


def engine_scores(found: PairArrays, truth: PairArrays, protocol: PairProtocol) -> NDArray[np.float64]:
    if not protocol.empty_images_count:
        found = found[np.isin(found.image, truth.image)]
    positives = np.bincount(truth.label, minlength=CLASSES)
    matches = match_pairs(found, truth, protocol)
    hits = RankedHits.of(matches.label, matches.hit, positives, protocol.detections_per_class)
    return average_precision(hits, protocol.average_precision, protocol.recall_thresholds)


def random_pairs(random: np.random.Generator, count: int, source: PairArrays | None = None) -> PairArrays:
    """Pairs on a coarse grid; given a source, half of them are near-copies of its pairs."""
    corner = random.integers(0, 6, (count, 2, 2)) * 4
    boxes = np.concatenate([corner, corner + random.integers(1, 5, (count, 2, 2)) * 4], axis=2).astype(np.float64)
    image, label = random.integers(0, IMAGES, count), random.integers(0, CLASSES, count)
    if source is not None and len(source):
        copied = random.random(count) < 0.5
        row = random.integers(0, len(source), count)
        near = np.stack([source.human, source.object], axis=1)[row] + random.integers(-1, 2, (count, 2, 4)) * 2.0
        boxes = np.where(copied[:, None, None], near, boxes)
        image, label = np.where(copied, source.image[row], image), np.where(copied, source.label[row], label)
    order = np.argsort(image, kind="stable")
    return PairArrays(image[order], label[order], boxes[order, 0], boxes[order, 1])


def case(seed: int, tied: bool = False) -> tuple[PairArrays, PairArrays]:
    random = np.random.default_rng(seed)
    truth = random_pairs(random, int(random.integers(0, 10)))
    truth = truth[np.sort(random.integers(0, len(truth), len(truth) + 2))] if len(truth) else truth  # duplicates
    truth = replace(truth, pair=3 * truth.image + random.integers(0, 3, len(truth)))
    found = random_pairs(random, int(random.integers(0, 25)), truth)
    score = random.permutation(len(found)) / 32 + 0.1
    return replace(found, score=np.round(score * 4) / 4 if tied else score), truth


seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=150, deadline=None)
@given(seed=seeds, name=st.sampled_from(sorted(PROTOCOLS)))
def test_engine_equals_plain_loops(seed: int, name: str) -> None:
    found, truth = case(seed)
    assert_allclose(engine_scores(found, truth, PROTOCOLS[name]), plain_scores(found, truth, PROTOCOLS[name]))


@settings(max_examples=150, deadline=None)
@given(seed=seeds, protocol=st.sampled_from(STABLE))
def test_engine_equals_plain_loops_with_tied_scores(seed: int, protocol: PairProtocol) -> None:
    found, truth = case(seed, tied=True)
    assert_allclose(engine_scores(found, truth, protocol), plain_scores(found, truth, protocol))


@settings(max_examples=80, deadline=None)
@given(seed=seeds, name=st.sampled_from(sorted(PROTOCOLS)))
def test_order_of_images_does_not_matter(seed: int, name: str) -> None:
    found, truth = case(seed)
    moved = np.random.default_rng(seed).permutation(IMAGES)

    def relabelled(pairs: PairArrays) -> PairArrays:
        image = moved[pairs.image]
        return replace(pairs, image=image)[np.argsort(image, kind="stable")]

    expected = engine_scores(found, truth, PROTOCOLS[name])
    assert_array_equal(engine_scores(relabelled(found), relabelled(truth), PROTOCOLS[name]), expected)


@settings(max_examples=80, deadline=None)
@given(seed=seeds, name=st.sampled_from(sorted(PROTOCOLS)))
def test_a_worse_false_positive_never_helps(seed: int, name: str) -> None:
    found, truth = case(seed)
    assert found.score is not None
    far = np.tile(np.array([1000.0, 1000, 1005, 1005]), (CLASSES, 1))
    image = np.full(CLASSES, IMAGES - 1)
    worse = PairArrays(image, np.arange(CLASSES), far, far, np.full(CLASSES, 0.01))
    names = ("image", "label", "human", "object", "score")
    both = PairArrays(*(np.concatenate([getattr(found, n), getattr(worse, n)]) for n in names))
    before = engine_scores(found, truth, PROTOCOLS[name])
    after = engine_scores(both, truth, PROTOCOLS[name])
    defined = ~np.isnan(before)
    assert (after[defined] <= before[defined]).all()
    assert ((before[defined] >= 0) & (before[defined] <= 1 + 1e-12)).all()


@settings(max_examples=60, deadline=None)
@given(seed=seeds)
def test_perfect_predictions_score_one(seed: int) -> None:
    _, truth = case(seed)
    _, distinct = np.unique(np.column_stack([truth.image, truth.label, truth.human, truth.object]), axis=0,
                            return_index=True)  # fmt: skip
    truth = truth[distinct]
    found = replace(truth, score=np.linspace(1, 0.5, len(truth)))
    for name in ("official", "gen-vlkt", "ppdm"):
        value = engine_scores(found, truth, PROTOCOLS[name])
        assert_allclose(value[~np.isnan(value)], 1)


@settings(max_examples=100, deadline=None)
@given(seed=seeds)
def test_claim_is_choosing_in_turn(seed: int) -> None:
    random = np.random.default_rng(seed)
    lists = [random.permutation(5)[: random.integers(0, 5)] for _ in range(8)]
    taken: set[int] = set()
    lucky = []
    for place, wishes in enumerate(lists):
        free = [w for w in wishes.tolist() if w not in taken]
        if free:
            taken.add(free[0])
            lucky.append(place)
    place = np.repeat(np.arange(8), [len(w) for w in lists])
    assert sorted(claim(place, np.concatenate(lists), 5)[1].tolist()) == lucky


def test_blocks_of_candidates_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import interplay.metrics.matching as matching

    found, truth = case(7)
    expected = engine_scores(found, truth, PROTOCOLS["ggnet"])
    monkeypatch.setattr(matching, "_BLOCK", 2)
    assert_array_equal(engine_scores(found, truth, PROTOCOLS["ggnet"]), expected)


def test_best_detections_of_a_class_only() -> None:
    box = np.array([[0.0, 0, 9, 9]] * 3)
    truth = PairArrays(np.array([0]), np.array([0]), box[:1], box[:1])
    found = PairArrays(np.array([1, 1, 0]), np.zeros(3, int), box, box, np.array([0.9, 0.8, 0.7]))
    protocol = replace(PROTOCOLS["official"], detections_per_class=2)
    positives = np.array([1])
    matches = match_pairs(found, truth, protocol)
    assert RankedHits.of(matches.label, matches.hit, positives).max_recall.tolist() == [1.0]
    cut = RankedHits.of(matches.label, matches.hit, positives, 2)
    assert cut.max_recall.tolist() == [0.0]
    assert cut.detections.tolist() == [2]


@pytest.mark.parametrize("field", ["label", "human", "object", "score", "object_label"])
def test_arrays_must_be_aligned(field: str) -> None:
    arrays: dict[str, Any] = {
        "image": np.zeros(2, int), "label": np.zeros(2, int), "human": np.zeros((2, 4)), "object": np.zeros((2, 4)),
        "score": np.zeros(2), "object_label": np.zeros(2, int),
    }  # fmt: skip
    arrays[field] = arrays[field][:1]
    with pytest.raises(InputError, match=f"{field} must have shape"):
        PairArrays(**arrays)

"""Pair suppression and the top-k cut against plain loops."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from interplay import Interactions, InteractionTable
from interplay.errors import InputError
from interplay.metrics import PairNms, keep_top_k, pair_nms, suppress_pairs, top_k_rows
from interplay.ops.overlap import aligned_iou


def plain_nms(
    image: NDArray, label: NDArray, human: NDArray, target: NDArray, score: NDArray, limit: float
) -> list[int]:
    kept: list[int] = []
    for i in np.unique(image):
        rows = np.flatnonzero(image == i)
        for c in dict.fromkeys(label[rows].tolist()):
            group = sorted(rows[label[rows] == c].tolist(), key=lambda r: (-score[r], -r))
            while group:
                best, *rest = group
                kept.append(best)
                people = aligned_iou(human[[best] * len(rest)], human[rest])
                objects = aligned_iou(target[[best] * len(rest)], target[rest])
                group = [r for r, overlap in zip(rest, people * objects**0.5, strict=True) if overlap <= limit]
    return kept


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), limit=st.sampled_from([0.2, 0.5, 0.7]))
def test_equals_plain_loops(seed: int, limit: float) -> None:
    random = np.random.default_rng(seed)
    count = int(random.integers(0, 40))
    corner = random.integers(0, 3, (2, count, 2)) * 2
    human, target = np.concatenate([corner, corner + random.integers(6, 9, (2, count, 2))], axis=2).astype(float)
    image, label = np.sort(random.integers(0, 3, count)), random.integers(0, 2, count)
    score = random.integers(0, 6, count) / 5  # tied
    assert pair_nms(image, label, human, target, score, limit).tolist() == plain_nms(
        image, label, human, target, score, limit
    )


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["interplay.ops.pair_nms"]  # the package's attribute of this name is the function
    random = np.random.default_rng(3)
    corner = random.uniform(0, 10, (60, 2))
    box = np.concatenate([corner, corner + 20], axis=1)
    arguments = random.integers(0, 2, 60), np.zeros(60, int), box, box, random.random(60)
    expected = pair_nms(*arguments)
    monkeypatch.setattr(module, "_BLOCK", 7)
    assert_array_equal(pair_nms(*arguments), expected)
    assert 0 < len(expected) < 60


def test_zero_exponent_ignores_that_box() -> None:
    human = np.array([[0.0, 0, 9, 9]] * 2)
    apart = np.array([[0.0, 0, 9, 9], [50, 50, 60, 60]])
    image = np.zeros(2, int)
    assert len(pair_nms(image, image, human, apart, np.array([0.9, 0.8]), 0.5, 1.0, 0.0)) == 1
    assert len(pair_nms(image, image, human, apart, np.array([0.9, 0.8]), 0.5, 1.0, 0.5)) == 2


def test_pairs_without_object_compare_people() -> None:
    human = np.array([[0.0, 0, 9, 9]] * 3)
    target = np.array([[np.nan] * 4, [np.nan] * 4, [0, 0, 9, 9]])
    image = np.zeros(3, int)
    assert pair_nms(image, image, human, target, np.array([0.9, 0.8, 0.7])).tolist() == [0, 2]


def test_negative_settings_are_refused() -> None:
    box = np.zeros((1, 4))
    with pytest.raises(InputError, match="0 or more"):
        pair_nms(np.zeros(1, int), np.zeros(1, int), box, box, np.ones(1), -0.1)


@pytest.mark.parametrize("k", [0, 1, 3, 100])
def test_top_k_rows(k: int) -> None:
    random = np.random.default_rng(k)
    image, score = random.integers(0, 5, 60), random.integers(0, 4, 60) / 4
    expected = [
        r for i in range(5) for r in sorted(np.flatnonzero(image == i).tolist(), key=lambda r: (-score[r], r))[:k]
    ]
    assert top_k_rows(image, score, k).tolist() == sorted(expected)


def test_top_k_of_nothing_and_negative() -> None:
    assert len(top_k_rows(np.zeros(0, int), np.zeros(0), 5)) == 0
    with pytest.raises(InputError, match="top-k"):
        top_k_rows(np.zeros(1, int), np.zeros(1), -1)


def test_steps_on_tables(ride: Interactions) -> None:
    table = InteractionTable.from_list([ride, Interactions.empty(ride.vocabulary, "b.jpg"), ride[[0, 0, 1]]])
    best = keep_top_k(table, 1)
    assert np.diff(best.triplet_offsets).tolist() == [1, 0, 1]
    assert best[0] == ride[[0]]
    kept = suppress_pairs(table, PairNms())
    assert np.diff(kept.triplet_offsets).tolist() == [3, 0, 2]  # the copy goes, other verbs on the pair stay

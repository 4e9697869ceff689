"""Curves whose average precision can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from interplay.metrics.average_precision import RankedHits, average_precision
from interplay.metrics.protocols import ACCUMULATED, DECIMAL


def hits(ranks: list[list[int]], positives: list[int]) -> RankedHits:
    label = np.repeat(np.arange(len(ranks)), [len(r) for r in ranks])
    rank = np.array([r for part in ranks for r in part], np.int64)
    return RankedHits(label, rank, np.full(len(ranks), 10), np.array(positives))


def test_all_point_is_the_area_under_the_envelope() -> None:
    # precisions 1, 1/2, 3/5: the envelope lifts the second to 3/5
    value = average_precision(hits([[1, 4, 5]], [4]), "all-point")
    assert_allclose(value, [(1 + 0.6 + 0.6) / 4])


def test_curves_of_neighbouring_classes_do_not_mix() -> None:
    both = hits([[2], [1, 2]], [1, 2])
    assert_allclose(average_precision(both, "all-point"), [0.5, 1])
    assert_allclose(average_precision(both, "11-point", ACCUMULATED), [0.5, 1])


def test_recall_of_exactly_six_tenths_depends_on_how_the_threshold_was_made() -> None:
    curve = hits([[1, 2, 3]], [5])
    assert_allclose(average_precision(curve, "11-point", ACCUMULATED), [6 / 11])
    assert_allclose(average_precision(curve, "11-point", DECIMAL), [7 / 11])


@pytest.mark.parametrize(("rule", "expected"), [("pocket-int", 0.5), ("pocket-auc", 0.5)])
def test_pocket_leaves_out_the_last_step(rule: str, expected: float) -> None:
    assert_allclose(average_precision(hits([[1, 2], [1]], [2, 1]), rule), [expected, 0])  # type: ignore[arg-type]


@pytest.mark.parametrize("rule", ["11-point", "all-point", "pocket-int", "pocket-auc"])
def test_no_hits_is_zero_and_no_positives_is_nothing(rule: str) -> None:
    value = average_precision(hits([[], []], [3, 0]), rule, ACCUMULATED)  # type: ignore[arg-type]
    assert value[0] == 0
    assert np.isnan(value[1])


def test_no_classes() -> None:
    assert len(average_precision(hits([], []), "11-point", ACCUMULATED)) == 0


def test_curve_and_highest_recall() -> None:
    curve = hits([[1, 4], []], [4, 2])
    recall, precision = curve.curve(0)
    assert_allclose(recall, [0.25, 0.5])
    assert_allclose(precision, [1, 0.5])
    assert_allclose(curve.max_recall, [0.5, 0])
    assert len(curve.curve(1)[0]) == 0

"""What the scores of contact mean."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from interplay.errors import InputError
from interplay.metrics.contact import (
    affordance_scores,
    binary_scores,
    contact_scores,
    geodesic_errors,
    segmentation_scores,
    semantic_scores,
)

LINE = np.abs(np.arange(6)[:, None] - np.arange(6)).astype(float)
"""Distances on a line of six points."""


@given(st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_perfect_is_one_and_all_are_fractions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gt = rng.random((4, 9)) > 0.5
    gt[:, 0] = True
    for protocol in ("interactvlm", "deco"):
        np.testing.assert_allclose(contact_scores(gt * 1.0, gt, protocol=protocol), 1)
        for values in contact_scores(rng.random((4, 9)), gt, protocol=protocol):
            assert ((values >= 0) & (values <= 1)).all()
    sim, mae, auc, aiou = affordance_scores(gt * 1.0, gt * 1.0)
    np.testing.assert_allclose(sim, 1)
    np.testing.assert_allclose(mae, 0)
    assert (np.isnan(auc) == gt.all(1)).all()
    assert np.nanmin(np.append(auc, 1)) == 1
    assert np.nanmax(np.append(aiou, 0)) < 1, "everything is predicted at threshold 0"


def test_the_two_protocols_differ_where_there_is_nothing() -> None:
    pred = np.array([[0, 0], [1, 0], [0, 0]])
    gt = np.array([[1, 0], [0, 0], [0, 0]])
    assert np.stack(contact_scores(pred, gt)).tolist() == [[0, 0, 0]] * 3
    f1, precision, recall = contact_scores(pred, gt, protocol="deco")
    assert f1.tolist() == [0, 0, 0]
    assert precision.tolist() == [1, 0, 1]
    assert recall.tolist() == [0, 1, 0]
    with pytest.raises(InputError, match="deco"):
        contact_scores(pred, gt, protocol="other")


def test_geodesic_errors_are_distances_to_the_other_side() -> None:
    pred, gt = np.array([1, 0, 0, 0, 0, 1.0]), np.array([1, 0, 1, 0, 0, 0])
    errors = geodesic_errors(pred, gt, LINE)
    assert errors.fp == pytest.approx((0 + 3) / 2)
    assert errors.fn == pytest.approx((0 + 2) / 2)
    swapped = geodesic_errors(pred, gt, LINE, published_behaviour=True)
    assert (swapped.fp, swapped.fn) == (errors.fn, errors.fp)
    soft = geodesic_errors(pred * 0.9, gt, LINE, published_behaviour=True)
    assert soft.fp == 0, "no score is exactly 1"


def test_tensors_come_back_as_tensors() -> None:
    pred, gt = torch.rand(2, 6), torch.tensor([[1, 0, 0, 1, 1, 0]] * 2)
    for result in (
        contact_scores(pred, gt),
        geodesic_errors(pred, gt, torch.from_numpy(LINE)),
        affordance_scores(pred, gt.float()),
        segmentation_scores(torch.randn(2, 3, 4), torch.ones(2, 3, 4)),
    ):
        assert all(isinstance(each, torch.Tensor) for each in result)
    assert isinstance(contact_scores(pred.bfloat16(), gt).mean.f1, torch.Tensor)


def test_auc_counts_ties_half() -> None:
    scores = affordance_scores([0.5, 0.5, 0.2], [1.0, 0.0, 0.0])
    assert scores.auc == pytest.approx(0.75)


def test_ignored_pixels_and_empty_classes_of_masks() -> None:
    logits = np.array([[[1.0, 1.0, -1.0]], [[-1.0, -1.0, -1.0]]])
    gt = np.array([[[1, -1, 1]], [[0, 0, 0]]])
    scores = segmentation_scores(logits, gt)
    np.testing.assert_allclose(scores.intersection, [1.5, 0.5])
    np.testing.assert_allclose(scores.iou, [0.5, 0.75], atol=1e-4)
    assert scores.giou == pytest.approx(0.75, abs=1e-4)
    assert scores.ciou == pytest.approx(0.5)


def test_objects_categories_and_the_union_over_objects() -> None:
    pred = np.array([[1, 0, 0, 0.0], [0, 1, 0, 0], [0, 0, 0, 0]])
    gt = np.array([[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]])
    table = semantic_scores(pred, gt, ["Bicycle", "cell phone", "bicycle"])
    assert table.objects["bicycle"].samples == 2
    assert table.objects["bicycle"].f1 == pytest.approx(0.5)
    assert set(table.categories) == {"transport", "everyday-objects"}
    assert table.all.f1 == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert table.to_dict()["all"]["geodesic"] is None
    union = binary_scores(pred, gt, ["a", "a", "b"])
    assert union.samples == 2
    assert union.f1 == pytest.approx(0.8 / 2)
    assert union.precision == pytest.approx(1)
    assert union.recall == pytest.approx(2 / 4)
    deco = binary_scores(pred, gt, ["a", "a", "b"], protocol="deco")
    assert deco.recall == pytest.approx((2 / 3 + 0) / 2)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="one shape"):
        contact_scores(np.zeros((2, 3)), np.zeros((2, 4)))
    with pytest.raises(InputError, match="NaN"):
        contact_scores(np.array([np.nan]), np.array([1]))
    with pytest.raises(InputError, match="geodesic"):
        geodesic_errors(np.zeros(3), np.zeros(3), LINE)
    with pytest.raises(InputError, match="N objects"):
        semantic_scores(np.zeros((2, 3)), np.zeros((2, 3)), ["a"])

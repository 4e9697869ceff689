"""Metrics of contact, affordance and masks against the published evaluation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.parity.interactvlm_reference import arrays

from interplay.body.geodesics import geodesic_distances
from interplay.datasets.damon import CATEGORIES
from interplay.metrics.contact import (
    GroupScores,
    affordance_scores,
    binary_scores,
    contact_scores,
    geodesic_errors,
    segmentation_scores,
    semantic_scores,
)


def close(got: Any, wanted: Any) -> None:
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)


def test_contact_and_geodesic_errors(goldens: Path) -> None:
    stored = arrays(goldens, "metrics_hcontact")
    pred, gt, geodesic = (stored[name] for name in ("pred", "gt", "geodesic"))
    scores = contact_scores(pred, gt)
    for field in scores._fields:
        close(getattr(scores, field), stored[f"per_{field}"])
    close(scores.mean, stored["batch_f1_precision_recall"])
    close(contact_scores(pred, gt, threshold=0.3).mean, stored["batch_thr03_f1_precision_recall"])
    errors = geodesic_errors(pred, gt, geodesic)
    swapped = geodesic_errors(pred, gt, geodesic, published_behaviour=True)
    for field in ("fp", "fn"):
        close(getattr(errors, field), stored[f"per_geo_{field}"])
        close(getattr(swapped, field), stored[f"per_geo_swapped_{field}"])
    close(errors.mean, stored["batch_geo_fp_fn"])
    one = geodesic_errors(pred[0], gt[0], geodesic)
    close(one, [stored["per_geo_fp"][0], stored["per_geo_fn"][0]])


def test_geodesics_along_edges(goldens: Path) -> None:
    stored = arrays(goldens, "metrics_hcontact")
    distances = geodesic_distances(stored["vertices"], stored["faces"])
    close(distances, stored["geodesic"])
    close(geodesic_distances(stored["vertices"], stored["faces"], [7, 3]), stored["geodesic"][[7, 3]])


def test_affordance(goldens: Path) -> None:
    stored = arrays(goldens, "metrics_affordance")
    scores = affordance_scores(stored["pred"], stored["gt"])
    wanted = stored["per_sample_sim_mae_auc_aiou_valid"]
    close(np.nan_to_num(np.stack(scores, 1)), wanted[:, :4])
    close(scores.valid, wanted[:, 4])
    close(scores.mean, stored["batch_sim_mae_auc_aiou_valid"][:4])
    close(scores.mean_of_valid, wanted[wanted[:, 4] == 1, :4].mean(0))


def test_segmentation(goldens: Path) -> None:
    stored = arrays(goldens, "metrics_segmentation")
    scores = segmentation_scores(stored["pred_logits"], stored["gt"])
    close(scores.intersection, stored["intersection"])
    close(scores.union, stored["union"])
    close(scores.iou, stored["acc_iou"])


def test_semantic_and_binary_tables(goldens: Path) -> None:
    stored = arrays(goldens, "metrics_damon_aggregate")
    wanted = json.loads((goldens / "interactvlm" / "metrics_damon_aggregate.json").read_text())
    geodesic = arrays(goldens, "metrics_hcontact")["geodesic"]

    def check(got: GroupScores, row: dict[str, float], count: str, f1: str) -> None:
        assert got.samples == row[count]
        close(
            [got.f1, got.precision, got.recall, got.geodesic],
            [row[f1], *(row[k] for k in ("precision", "recall", "geo"))],
        )

    table = semantic_scores(stored["pred"], stored["gt"], stored["object"], geodesic, published_behaviour=True)
    for groups, name in ((table.objects, "semantic_per_object"), (table.categories, "semantic_per_category")):
        assert set(groups) == set(wanted[name])
        for key, row in wanted[name].items():
            check(groups[key], row, "num_samples", "avg_f1")
    close([table.all.f1, table.all.geodesic], [wanted["weighted_f1"], wanted["weighted_geo"]])
    union = binary_scores(stored["pred"], stored["gt"], stored["image"], geodesic, published_behaviour=True)
    check(union, wanted["binary"], "num_images", "f1")


def test_categories_are_the_published_ones(goldens: Path) -> None:
    constants = json.loads((goldens / "interactvlm" / "constants.json").read_text())
    assert {name: list(members) for name, members in CATEGORIES.items()} == constants["damon_categories"]


@pytest.mark.parametrize("published", [False, True])
def test_names_with_blanks_belong_to_their_category_unless_as_published(published: bool) -> None:
    one = np.ones((1, 4))
    table = semantic_scores(one, one, ["hair_drier"], published_behaviour=published)
    assert list(table.categories) == ([] if published else ["everyday-objects"])

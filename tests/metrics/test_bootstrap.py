"""The paired bootstrap, and scores of images that are there several times."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interplay import Interactions, InteractionTable, Vocabulary, evaluate
from interplay.errors import InputError
from interplay.metrics import PROTOCOLS, HoiScores
from interplay.metrics.bootstrap import compare_scores
from interplay.metrics.hoi import resampled_hoi
from interplay.metrics.vcoco import resampled_vcoco


def scenes(
    vocabulary: Vocabulary, seed: int, count: int, right: float
) -> tuple[list[Interactions], list[Interactions]]:
    """Annotated images, and predictions of which a share is right; no two scores are the same."""
    rng = np.random.default_rng(seed)
    truth, found = [], []
    pairs = vocabulary.interactions[vocabulary.interactions[:, 1] >= 0]
    for number in range(count):
        verb, other = pairs[rng.integers(0, 3, 3)].T
        boxes = rng.uniform(0, 300, (6, 2)).repeat(2, axis=0).reshape(6, 4)[:, [0, 2, 1, 3]] + [0, 0, 90, 120]
        shared = {
            "labels": np.array([vocabulary.person] * 3 + other.tolist()),
            "human": np.arange(3),
            "object": np.arange(3, 6),
            "verb": verb,
            "vocabulary": vocabulary,
            "file": f"{number}.jpg",
        }
        truth.append(Interactions(boxes=boxes.astype(np.float32), scored=False, **shared))
        moved = boxes + np.where(rng.random((6, 1)) < right, 0, 200)
        found.append(Interactions(boxes=moved.astype(np.float32), score=rng.random(3), **shared))
    return found, truth


@given(st.integers(0, 2**31), st.sampled_from(sorted(PROTOCOLS)), st.lists(st.integers(0, 3), min_size=6, max_size=6))
def test_copies_of_images_score_as_if_they_were_images(seed: int, protocol: str, times: list[int]) -> None:
    vocabulary = Vocabulary.load("hico-det")
    found, truth = scenes(vocabulary, seed, 6, 0.6)
    scores = evaluate("hico-det", *map(InteractionTable.from_list, (found, truth)), protocol=protocol)
    assert isinstance(scores, HoiScores)
    copies = [(number, i) for number, count in enumerate(times) for i in range(count)]
    if not copies:
        return
    again = [
        InteractionTable.from_list([replace(part[number], file=f"{number}-{i}.jpg") for number, i in copies])
        for part in (found, truth)
    ]
    expected = evaluate("hico-det", *again, protocol=protocol)
    means = resampled_hoi(scores, np.array(times))
    # torch's order of equal scores, which copies have, is no stable one
    exact = not protocol.startswith("pocket")
    assert means == pytest.approx(expected.means, abs=1e-9 if exact else 0.2, nan_ok=True)


def test_unchanged_images_give_unchanged_scores_of_v_coco() -> None:
    vocabulary = Vocabulary.load("v-coco")
    found, truth = scenes(vocabulary, 0, 12, 0.7)
    scores = evaluate("v-coco", *map(InteractionTable.from_list, (found, truth)))
    assert resampled_vcoco(scores, np.ones(12, np.int64)) == pytest.approx(scores.means, nan_ok=True)


def test_a_clear_difference_is_told_from_none(hico: Vocabulary) -> None:
    better, truth = scenes(hico, 1, 80, 0.95)
    worse, _ = scenes(hico, 1, 80, 0.5)
    annotations = InteractionTable.from_list(truth)
    good, bad = (evaluate("hico-det", InteractionTable.from_list(x), annotations) for x in (better, worse))
    full = next(one for one in compare_scores(bad, good, samples=200) if one.metric == "full")
    assert full.low > 0
    assert full.p < 0.05
    assert full.difference == pytest.approx(good.means["full"] - bad.means["full"])
    same = next(one for one in compare_scores(good, good, samples=50) if one.metric == "full")
    assert (same.low, same.high, same.p) == (0.0, 0.0, 1.0)


def test_results_of_different_kinds_are_not_compared(hico: Vocabulary) -> None:
    found, truth = (InteractionTable.from_list(part) for part in scenes(hico, 0, 5, 0.5))
    official, cdn = (evaluate("hico-det", found, truth, protocol=name) for name in ("official", "cdn"))
    with pytest.raises(InputError, match="scored in the same way"):
        compare_scores(official, cdn)
    with pytest.raises(InputError, match="10 drawings"):
        compare_scores(official, official, samples=1)

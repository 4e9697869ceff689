"""Zero-shot splits and metrics against the published lists."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from interplay import Vocabulary
from interplay.datasets.zero_shot import published_splits, unseen_interactions


def test_lists_are_the_published_ones(goldens: Path, hico: Vocabulary) -> None:
    facts = goldens / "gen_vlkt" / "facts"
    lists = json.loads((facts / "zero_shot_unseen.json").read_text())
    summary = json.loads((facts / "zero_shot_summary.json").read_text())
    assert set(published_splits()) == {name.replace("_", "-") for name in lists if name != "default"}
    for name in published_splits():
        official = name.replace("-", "_")
        unseen = unseen_interactions(hico, official)
        np.testing.assert_array_equal(unseen, sorted(lists[official]))
        assert len(unseen) == summary[official]["unseen"]
        seen = np.setdiff1d(np.arange(600), unseen)
        for kind, column in (("verbs", 0), ("objects", 1)):
            never = np.setdiff1d(hico.interactions[:, column], hico.interactions[seen, column])
            assert len(never) == len(summary[official][f"{kind}_without_any_seen_hoi"])


@pytest.mark.parametrize("name", ["rare-first", "rare"])
def test_groups_of_the_vocabulary_are_splits_too(hico: Vocabulary, name: str) -> None:
    assert 0 < len(unseen_interactions(hico, name)) < 600

"""The data set commands on files of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from interplay import Interactions, Vocabulary, read, write
from interplay.cli import main


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_own_predictions_are_converted(tmp_path: Path, suffix: str) -> None:
    """Their names stay, though a built-in vocabulary knows them all."""
    names = Vocabulary.from_names(["person", "bicycle"], ["ride"])
    image = Interactions(
        [[0, 0, 9, 9], [4, 0, 9, 9]], [0, 1], [0], [1], [0], names, file="a.jpg", score=[0.5], box_scores=[0.9, 0.8]
    )
    write([image], tmp_path / f"found{suffix}")
    assert main(["datasets", "convert", str(tmp_path / f"found{suffix}"), str(tmp_path / "found.parquet")]) == 0
    again = read(tmp_path / "found.parquet")
    assert again.score.tolist() == [0.5]
    assert (again.vocabulary.objects, again.vocabulary.verbs) == (("person", "bicycle"), ("ride",))

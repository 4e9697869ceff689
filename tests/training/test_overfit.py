"""The small networks learn eight real photographs by heart, through the same loop as everything else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from interplay import write
from interplay.datasets import load_annotations
from interplay.training import load_config, train

from .pictures import rows

CONFIGS = Path(__file__).parents[2] / "src/interplay/configs"
NOT_AS_ANNOTATED = {428, 531, 2583, 2752, 2867, 4527, 4843, 4876, 5670, 5689, 6327, 8414}
"""Numbers of photographs in the folder that show something else than their annotations say."""


@pytest.fixture(scope="module")
def eight(data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options that name the data."""
    photographs = data / "photos"
    table = load_annotations("v-coco", photographs / "annotations.json")
    fit = [
        i for i, file in enumerate(table.files) if int(Path(file).stem[-12:]) not in NOT_AS_ANNOTATED and len(table[i])
    ]
    path = tmp_path_factory.mktemp("eight") / "eight.jsonl"
    write(table.select(np.array(fit[:8])), path)
    return [
        *("--data.root", str(path), "--data.images", str(photographs), "--data.holdout", "0"),
        *("--data.workers", "0", "--data.cache", "ram", "--accelerator", "cpu", "--batch_size", "8"),
        *("--optimiser.reference_batch", "8", "--output", str(path.parent)),
    ]


def _scores(config: str, options: list[str]) -> list[float]:
    folder = train(load_config(CONFIGS / config, options)).parent
    return [float(row["score"]) for row in rows(folder / "log.csv") if row["score"]]


def test_gen_vlkt_nano_learns_eight_photographs(eight: list[str]) -> None:
    quiet = ["--augmentation.flip", "0", "--augmentation.colour", "0", "--augmentation.short_sides", "[192]"]
    scores = _scores(
        "gen_vlkt/nano.yaml",
        [*eight, *quiet, "--epochs", "150", "--validate_every", "75", "--schedule.milestones", "[120]"],
    )
    assert scores[-1] >= 0.9
    assert scores[-1] > scores[0]


@pytest.mark.slow
def test_ggnet_nano_learns_eight_photographs(eight: list[str]) -> None:
    scores = _scores(
        "ggnet/nano.yaml",
        [*eight, "--augment", "false", "--epochs", "100", "--validate_every", "50", "--schedule.milestones", "[80]"],
    )
    assert scores[-1] >= 0.9

"""The small networks learn four real photographs by heart, through the same loop as everything else."""

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
def four(data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options that name the data, and keep it small and unchanged."""
    photographs = data / "photos"
    table = load_annotations("v-coco", photographs / "annotations.json")
    fit = [
        i for i, file in enumerate(table.files) if int(Path(file).stem[-12:]) not in NOT_AS_ANNOTATED and len(table[i])
    ]
    path = tmp_path_factory.mktemp("four") / "four.jsonl"
    write(table.select(np.array(fit[:4])), path)
    return [
        *("--data.root", str(path), "--data.images", str(photographs), "--data.holdout", "0"),
        *("--data.workers", "0", "--data.cache", "ram", "--accelerator", "cpu", "--batch_size", "4"),
        *("--optimiser.reference_batch", "4", "--output", str(path.parent), "--schedule.kind", "constant"),
    ]


def _learn(config: str, options: list[str], epochs: int) -> list[float]:
    """Scores after 1, 2, ... times so many epochs, until all is learnt: the processor's rounding says how long."""
    whole = ["--epochs", str(10 * epochs), "--validate_every", str(epochs)]
    recipe = load_config(CONFIGS / config, [*options, *whole])
    scores: list[float] = []
    while len(scores) < 10 and max(scores, default=0.0) < 0.9:
        folder = train(recipe, stop_after=epochs * (len(scores) + 1)).parent
        scores = [float(row["score"]) for row in rows(folder / "log.csv") if row["score"]]
    return scores


def test_gen_vlkt_nano_learns_four_photographs(four: list[str]) -> None:
    small = ["--augmentation.short_sides", "[128]", "--model.decoding.short_side", "128"]
    quiet = ["--augmentation.flip", "0", "--augmentation.colour", "0"]
    assert _learn("gen_vlkt/nano.yaml", [*four, *small, *quiet], epochs=60)[-1] >= 0.9


def test_ggnet_nano_learns_four_photographs(four: list[str]) -> None:
    small = ["--model.decoding.input_size", "128", "--augment", "false"]
    assert _learn("ggnet/nano.yaml", [*four, *small], epochs=30)[-1] >= 0.9

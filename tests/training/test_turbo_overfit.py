"""Turbo learning's small network learns eight generated pictures by heart: interactions and poses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from interplay import InteractionTable, load_annotations, write
from interplay.cli import main
from interplay.training import load_config, train
from interplay.training.tables import listing_what_occurs

from .pictures import rows

pytest.importorskip("anny")
COUNT = 8
LEAST = 40
"""Pixels of the shortest person: of smaller ones a keypoint's cell is less than a pixel."""


def _eight(folder: Path) -> InteractionTable:
    """Annotations of pictures in which somebody does something with an object, all of them well seen."""
    assert (
        main(["synthesize", str(folder), "--scenes", "24", "--seed", "2103", "--size", "256", "--labels", "image"]) == 0
    )
    table = load_annotations("generated", folder)
    person = table.vocabulary.person
    fit = [
        i
        for i, image in enumerate(table)
        if (image.object >= 0).any() and np.diff(image.boxes[image.labels == person][:, [1, 3]]).min() >= LEAST
    ]
    chosen = table.select(np.array(fit[:COUNT]))
    assert len(chosen) == COUNT
    words = listing_what_occurs(chosen)
    verbs = tuple(replace(verb, action=verb.name, role="obj") for verb in words.verb_records)
    return replace(chosen, vocabulary=replace(words, verb_records=verbs))  # verbs with roles: V-COCO's role AP


@pytest.mark.slow
def test_the_small_network_learns_eight_pictures(tmp_path: Path) -> None:
    table = _eight(tmp_path / "scenes")
    write(table, tmp_path / "eight.jsonl")
    (tmp_path / "words.json").write_text(json.dumps(table.vocabulary.to_dict()))
    options = {
        "data.dataset": "own", "data.root": tmp_path / "eight.jsonl", "data.images": tmp_path / "scenes",
        "data.vocabulary": tmp_path / "words.json", "data.holdout": 0, "data.workers": 0, "accelerator": "cpu",
        "output": tmp_path, "epochs": 400, "validate_every": 50, "schedule.kind": "constant",
        "optimiser.learning_rate": 2e-3, "model.network.dropout": 0, "proposals.jittered": 1, "proposals.mirror": 0,
    }  # fmt: skip
    recipe = load_config("turbo/generated_nano", [f"--{name}={value}" for name, value in options.items()])
    best = (0.0, 0.0)
    for steps in range(50, 401, 50):  # the processor's rounding says how long it takes
        folder = train(recipe, stop_after=steps).parent
        last = [row for row in rows(folder / "log.csv") if row["role_s1"]][-1]
        best = float(last["role_s1"]), float(last["pose_ap50"])
        if min(best) >= 0.9:
            break
    assert min(best) >= 0.9

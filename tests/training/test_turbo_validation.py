"""Turbo learning is validated by V-COCO's protocol on what a detector finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from interplay import load_annotations, write
from interplay.defaults import DEFAULT_DETECTOR
from interplay.images import image_size
from interplay.training import load_config, train

from .pictures import rows

SMALL = {
    "model.network.width": 8, "model.network.pose_width": 8, "model.network.pose_layers": 1, "model.network.stages": 2,
    "proposals.jittered": 0, "epochs": 1, "validate_every": 1, "accelerator": "cpu", "data.workers": 0,
}  # fmt: skip


def test_validation_with_a_detector(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    table = load_annotations("v-coco", data / "photos" / "annotations.json")
    paths = [data / "photos" / file for file in table.files]
    original = [i for i, path in enumerate(paths) if path.is_file() and max(image_size(path)) <= 640]
    write(table.select(np.array(original[:4])), tmp_path / "four.jsonl")
    fields = {
        "data.dataset": "v-coco", "data.root": tmp_path / "four.jsonl", "data.images": data / "photos",
        "data.holdout": 0, "data.validation_detections": DEFAULT_DETECTOR, "output": tmp_path, **SMALL,
    }  # fmt: skip
    weights = train(load_config("turbo/generated_nano", [f"--{name}={value}" for name, value in fields.items()]))
    [row] = rows(weights.parent / "log.csv")
    assert 0 < float(row["agent"]) <= 1  # every action of everybody who was found is among the results
    assert row["score"] == row["role_s1_24"]

"""Poses on their way from a file into the results, for models with and without a detector of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interplay import Interactions, write
from interplay.errors import InputError
from interplay.models.base import HoiModel
from interplay.options import ModelConfig, Options
from interplay.pipeline import load_predictor

IMAGE = np.zeros((40, 48, 3), np.uint8)


@pytest.fixture
def poses(tmp_path: Path) -> Path:
    """Somebody in x.jpg, nobody elsewhere."""
    path = tmp_path / "poses.json"
    points = [v for k in range(17) for v in (10 + k / 4, 4 + 1.5 * k, 0.8)]
    path.write_text(json.dumps([{"image_id": "x.jpg", "keypoints": points, "box": [2, 2, 18, 28]}]))
    return path


def test_poses_for_a_model_that_needs_boxes(model: Any, poses: Path, tmp_path: Path) -> None:
    [found] = model([IMAGE], ["x.jpg"])
    for name in ("x.jpg", "y.jpg"):
        found.file = name
        write([found], tmp_path / f"{name}.jsonl")
    for name, posed in (("x.jpg", True), ("y.jpg", False)):
        predict = load_predictor("tin-spatial-vcoco", boxes=tmp_path / f"{name}.jsonl", pose=poses, device="cpu")
        [answer] = predict([IMAGE], [name])
        assert answer.keypoints is not None
        assert np.isfinite(answer.keypoints).all((1, 2)).tolist() == [posed, False]


class Alone(HoiModel):
    """Finds people by itself: one who rides a bicycle, and holds it."""

    def __init__(self, answer: Interactions) -> None:
        super().__init__(answer.vocabulary, ModelConfig(network=Options(), loss=Options(), decoding=Options()))
        self.answer = answer

    def predict_batch(self, images: Any, detections: Any) -> list[Interactions]:
        assert detections is None
        return [self.answer for _ in images]

    def forward(self, images: Any) -> Any:
        return images

    def loss(self, outputs: Any, targets: Any, counts: Any) -> dict[str, Any]:
        return {}

    def decode(self, outputs: Any, sizes: Any, detections: Any = None) -> list[Interactions]:
        return [self.answer for _ in sizes]


def test_poses_for_a_model_that_finds_people_by_itself(
    model: Any, poses: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [answer] = model([IMAGE], ["x.jpg"])
    monkeypatch.setattr("interplay.zoo.load_model", lambda *_, **__: Alone(answer))
    predict = load_predictor("any", pose=poses)
    posed, unknown = predict([IMAGE] * 2, ["a/x.jpg", "y.jpg"])
    assert posed.keypoints is not None
    assert posed.keypoints[0, 0].tolist() == pytest.approx([10, 4, 0.8])
    assert np.isnan(posed.keypoints[1]).all()
    assert np.isnan(unknown.keypoints).all()
    assert load_predictor("any")([IMAGE], ["x.jpg"])[0].keypoints is None
    for given in ({"detector": "ssd-mobilenet-v2"}, {"boxes": poses}):
        with pytest.raises(InputError, match="finds people and objects by itself"):
            load_predictor("any", **given)

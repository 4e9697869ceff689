"""Poses on their way from a file into the results, for models with and without a detector of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from interplay import Interactions, write
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
        predict, _ = load_predictor("tin-spatial-vcoco", boxes=tmp_path / f"{name}.jsonl", pose=poses, device="cpu")
        [answer] = predict([IMAGE], [name])
        assert answer.keypoints is not None
        assert np.isfinite(answer.keypoints).all((1, 2)).tolist() == [posed, False]


def test_poses_for_a_model_that_finds_people_by_itself(
    model: Any, poses: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = SimpleNamespace(
        needs_detections=False,
        vocabulary=model.vocabulary,
        prepare_inference=lambda: None,
        predict=lambda images: model(images, [""] * len(images)),
    )
    monkeypatch.setattr("interplay.zoo.load_model", lambda *_, **__: alone)
    predict, _ = load_predictor("any", pose=poses)
    posed, unknown = predict([IMAGE] * 2, ["a/x.jpg", "y.jpg"])
    assert posed.keypoints is not None
    assert posed.keypoints[0, 0].tolist() == pytest.approx([10, 4, 0.8])
    assert np.isnan(posed.keypoints[1]).all()
    assert np.isnan(unknown.keypoints).all()
    plain: Callable[..., list[Interactions]] = load_predictor("any")[0]
    assert plain([IMAGE], ["x.jpg"])[0].keypoints is None

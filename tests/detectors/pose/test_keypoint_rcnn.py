from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from torchvision.models import detection

from interplay import load_pose_estimator
from interplay.errors import InputError, MissingFileError

NAME = "keypointrcnn-resnet50-fpn"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "keypoints.pth"
    torch.save(detection.keypointrcnn_resnet50_fpn(weights=None, weights_backbone=None).state_dict(), path)
    return path


def test_the_keypoints_are_torchvisions(weights: Path) -> None:
    """On the boxes that the whole network finds, the head alone says what the whole network says."""
    estimator = load_pose_estimator(NAME, weights=weights, device="cpu")
    model = estimator.model  # type: ignore[attr-defined]
    model.transform.min_size = (96,)  # the usual 800 would take seconds
    model.roi_heads.score_thresh, model.roi_heads.detections_per_img = 0.0, 5
    image = np.random.default_rng(0).integers(0, 255, (64, 48, 3), dtype=np.uint8)
    with torch.inference_mode():
        [whole] = model([torch.from_numpy(image).permute(2, 0, 1) / 255])
    boxes = whole["boxes"].numpy()
    assert len(boxes) > 1
    poses = estimator.estimate(image, boxes)
    assert np.allclose(poses[..., :2], whole["keypoints"][..., :2].numpy(), atol=0.05)
    assert poses[..., 2].min() >= 0
    assert poses[..., 2].max() <= 1
    more = estimator.estimate(image, [[5, 5, 5, 40], *boxes])
    assert np.isnan(more[0]).all()
    assert np.allclose(more[1:], poses, atol=1e-3)
    assert estimator.estimate(image, np.zeros((0, 4))).shape == (0, 17, 3)


def test_a_sure_heatmap_scores_one(weights: Path) -> None:
    """A bias towards nothing in particular scores the window's share; a single hot cell scores 1."""
    estimator = load_pose_estimator(NAME, weights=weights, device="cpu")
    model = estimator.model  # type: ignore[attr-defined]
    model.transform.min_size = (96,)
    sure = torch.zeros(1, 17, 56, 56)
    sure[:, 0, 14, 28] = 50
    model.roi_heads.keypoint_predictor = torch.nn.Module()
    model.roi_heads.keypoint_predictor.forward = lambda _: sure
    [pose] = estimator.estimate(np.zeros((112, 112, 3), np.uint8), [[0, 0, 112, 112]])
    assert pose[0].tolist() == pytest.approx([57, 29, 1], abs=1.5)
    assert pose[1, 2] == pytest.approx(25 / 56**2, rel=1e-4)


def test_weights_that_are_missing_or_of_another_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    with pytest.raises(MissingFileError, match=r"curl .*keypointrcnn.*load_pose_estimator\('keypointrcnn"):
        load_pose_estimator(NAME)
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match=f"not the weights of {NAME}"):
        load_pose_estimator(NAME, weights=tmp_path / "other.pth")


def test_names(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected one of movenet.*Did you mean 'movenet'"):
        load_pose_estimator("movnet")
    with pytest.raises(InputError, match="weights are for keypointrcnn"):
        load_pose_estimator("movenet", weights=tmp_path / "w.pth")

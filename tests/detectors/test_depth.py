"""Depth Pro, made small and at random, from a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from interplay.detectors.depth import DepthPro
from interplay.errors import InputError, MissingExtraError, MissingFileError

transformers = pytest.importorskip("transformers", reason="needs the extra transformers")

IMAGE = np.random.default_rng(0).integers(0, 255, (48, 80, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def depth_pro(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _saved(tmp_path_factory.mktemp("depth"), True)


def _saved(folder: Path, focal: bool) -> Path:
    vit = {
        "model_type": "dinov2",
        "hidden_size": 8,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 32,
        "patch_size": 8,
        "mlp_ratio": 2,
    }
    config = transformers.DepthProConfig(
        fusion_hidden_size=8,
        patch_size=32,
        intermediate_hook_ids=[1, 0],
        intermediate_feature_dims=[8, 8],
        scaled_images_ratios=[0.5, 1],
        scaled_images_overlap_ratios=[0.0, 0.25],
        scaled_images_feature_dims=[8, 8],
        image_model_config=vit,
        patch_model_config=vit,
        fov_model_config=vit,
        use_fov_model=focal,
        num_fov_head_layers=1,
    )
    transformers.DepthProForDepthEstimation(config).save_pretrained(folder)
    transformers.DepthProImageProcessor(size={"height": 64, "width": 64}).save_pretrained(folder)
    return folder


def test_depth_has_the_images_size_and_a_focal_length_in_its_pixels(depth_pro: Path) -> None:
    network = DepthPro(depth_pro)
    depth, focal = network(IMAGE)
    assert depth.shape == (48, 80)
    assert depth.dtype == np.float32
    assert np.isfinite(depth).all()
    assert (depth > 0).all()
    assert focal is not None
    assert focal > 0
    assert network(IMAGE)[0] is depth  # the last image's answer is kept
    other = 255 - IMAGE
    assert network(other)[0] is not depth
    assert "Depth Pro" in network.name


def test_a_model_without_a_head_for_it_gives_no_focal_length(tmp_path: Path) -> None:
    assert DepthPro(_saved(tmp_path, False))(IMAGE)[1] is None


def test_folders_of_something_else_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="not a complete model: expected a Depth Pro model"):
        DepthPro(tmp_path)
    config = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8], depths=[1])
    transformers.ResNetModel(config).save_pretrained(tmp_path)
    transformers.DepthProImageProcessor(size={"height": 64, "width": 64}).save_pretrained(tmp_path)
    with pytest.raises(InputError, match="not a Depth Pro model"):
        DepthPro(tmp_path)


def test_without_transformers_the_error_says_the_command(without, tmp_path: Path) -> None:
    without("transformers")
    with pytest.raises(MissingExtraError, match=r'pip install "interplay\[transformers\]"'):
        DepthPro(tmp_path)

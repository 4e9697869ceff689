"""Masks by GrabCut, and by Segment Anything, made small and at random."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from interplay.detectors.masks import GrabCut, SegmentAnything
from interplay.errors import InputError, MissingExtraError, MissingFileError

IMAGE = np.random.default_rng(0).integers(90, 110, (120, 160, 3)).astype(np.uint8)
IMAGE[40:80, 60:100] = (220, 40, 40)


def test_grabcut_finds_what_differs_from_its_surroundings() -> None:
    pytest.importorskip("cv2", reason="needs the extra offline")
    mask, outline = GrabCut()(IMAGE, [50, 30, 110, 90])
    assert outline
    truth = np.zeros((120, 160), bool)
    truth[40:80, 60:100] = True
    assert (mask & truth).sum() / (mask | truth).sum() > 0.9
    plain, outline = GrabCut()(np.full((50, 50, 3), 7, np.uint8), [10, 10, 20, 20])
    assert plain[10:20, 10:20].all()  # nothing to tell apart: the whole box
    assert not outline
    whole, outline = GrabCut()(IMAGE, [60, 40, 100, 80])
    assert whole[40:80, 60:100].mean() > 0.97
    assert not outline, "nothing of the box is told apart from the object"
    with pytest.raises(InputError, match="expected one with an area"):
        GrabCut()(IMAGE, [200, 10, 220, 20])


def test_grabcut_finds_a_thin_object_of_few_pixels() -> None:
    """At its own size its 85 pixels are smoothed away, and the whole box would be taken."""
    pytest.importorskip("cv2", reason="needs the extra offline")
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:60, :80]
    truth = (np.abs((columns - 40) / 2 - (rows - 30)) < 2 * np.sqrt(1.25)) & (np.abs(columns - 40) < 10)
    picture = rng.normal(110, 8, (60, 80, 3))
    picture[truth] = rng.normal((135, 115, 95), 8, (truth.sum(), 3))
    y, x = np.nonzero(truth)
    mask, outline = GrabCut()(picture.clip(0, 255).astype(np.uint8), [x.min(), y.min(), x.max() + 1, y.max() + 1])
    assert outline
    assert (mask & truth).sum() / (mask | truth).sum() > 0.8


@pytest.fixture(scope="module")
def sam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    transformers = pytest.importorskip("transformers", reason="needs the extra transformers")
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.SamConfig(
        vision_config={
            **small,
            "image_size": 64,
            "patch_size": 16,
            "output_channels": 16,
            "window_size": 2,
            "global_attn_indexes": [0],
            "num_pos_feats": 8,
            "mlp_dim": 16,
        },
        prompt_encoder_config={"hidden_size": 16, "image_size": 64, "patch_size": 16, "image_embedding_size": 4},
        mask_decoder_config={**small, "mlp_dim": 16, "iou_head_hidden_dim": 16},
    )
    folder = tmp_path_factory.mktemp("sam")
    transformers.SamModel(config).save_pretrained(folder)
    processor = transformers.SamImageProcessor(
        size={"longest_edge": 64},
        mask_size={"longest_edge": 16},
        pad_size={"height": 64, "width": 64},
        mask_pad_size={"height": 16, "width": 16},
    )
    transformers.SamProcessor(processor).save_pretrained(folder)
    return folder


def test_segment_anything_answers_in_the_images_size(sam: Path) -> None:
    segment = SegmentAnything(sam)
    mask, outline = segment(IMAGE, [50, 30, 110, 90])
    assert outline
    assert mask.shape == (120, 160)
    assert mask.dtype == bool
    assert mask.any()
    assert "SAM" in segment.name


def test_segment_anything_may_find_an_object_that_fills_its_box(sam: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen is its box, and that is its outline; where nothing is found, the box is none."""
    segment = SegmentAnything(sam)
    box = np.zeros((120, 160), bool)
    box[30:90, 50:110] = True
    for found, outline in ((box, True), (np.zeros_like(box), False)):
        masks = [torch.from_numpy(np.stack([found] * 3))[None]]
        monkeypatch.setattr(segment.processor, "post_process_masks", lambda *_, masks=masks: masks)
        segmented = segment(IMAGE, [50, 30, 110, 90])
        np.testing.assert_array_equal(segmented.mask, box)
        assert segmented.outline == outline


def test_a_folder_of_something_else_is_refused(sam: Path, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="needs the extra transformers")
    with pytest.raises(MissingFileError, match="expected a Segment Anything model"):
        SegmentAnything(tmp_path)
    transformers.SamProcessor.from_pretrained(sam).save_pretrained(tmp_path)
    config = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8], depths=[1])
    transformers.ResNetModel(config).save_pretrained(tmp_path)
    with pytest.raises(InputError, match="not a Segment Anything model"):
        SegmentAnything(tmp_path)


def test_without_the_extras_the_errors_say_the_commands(without, tmp_path: Path) -> None:
    without("transformers", "cv2")
    with pytest.raises(MissingExtraError, match=r'pip install "interplay\[transformers\]"'):
        SegmentAnything(tmp_path)
    with pytest.raises(MissingExtraError, match=r'pip install "interplay\[offline\]"'):
        GrabCut()

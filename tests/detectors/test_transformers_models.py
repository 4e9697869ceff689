from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from interplay import load_detector
from interplay.errors import InputError, MissingExtraError, MissingFileError

transformers = pytest.importorskip("transformers")

NAMES = {0: "N/A", 1: "person", 2: "motorbike", 3: "hat"}
IMAGES = [np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8) for shape in ((40, 60, 3), (50, 30, 3))]


def tiny(kind: str, names: dict[int, str] = NAMES):
    """A randomly initialised model of a few thousand parameters, and its processor."""
    torch.manual_seed(0)
    if kind == "detr":
        backbone = transformers.ResNetConfig(
            embedding_size=8, hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], out_features=["stage4"]
        )
        config = transformers.DetrConfig(
            use_timm_backbone=False, use_pretrained_backbone=False, backbone_config=backbone, d_model=16,
            encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
            encoder_ffn_dim=16, decoder_ffn_dim=16, num_queries=6, id2label=names,
        )  # fmt: skip
        processor = transformers.DetrImageProcessor(size={"shortest_edge": 64, "longest_edge": 64})
        return transformers.DetrForObjectDetection(config), processor
    backbone = transformers.RTDetrResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = transformers.RTDetrConfig(
        backbone_config=backbone, encoder_hidden_dim=16, encoder_in_channels=[8, 8, 8], encoder_ffn_dim=16,
        d_model=16, decoder_in_channels=[16, 16, 16], decoder_ffn_dim=16, decoder_layers=1, num_queries=8,
        encoder_attention_heads=2, decoder_attention_heads=2, num_denoising=0, id2label=names,
    )  # fmt: skip
    return transformers.RTDetrForObjectDetection(config), transformers.RTDetrImageProcessor(
        size={"height": 64, "width": 64}
    )


def save(folder: Path, *parts) -> Path:
    for part in parts:
        part.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", ["detr", "rt-detr"])
def test_a_local_folder(kind: str, tmp_path: Path) -> None:
    detector = load_detector(save(tmp_path / "model", *tiny(kind)), min_score=0.0, device="cpu")
    found = detector(IMAGES)
    assert len(found) == 2
    assert detector.objects == ("N/A", "person", "motorcycle", "hat")  # COCO's names where there are some
    for detections, image in zip(found, IMAGES, strict=True):
        assert detections.objects == detector.objects
        assert (detections.boxes[:, 2:] <= image.shape[1::-1]).all()
    assert sum(map(len, found)) > 0
    assert detector([]) == []


def test_boxes_and_labels_land_where_the_model_puts_them(tmp_path: Path) -> None:
    """A model told by its biases to see one motorbike in the middle of every image, twice as wide as high."""
    model, processor = tiny("detr")
    with torch.no_grad():
        model.class_labels_classifier.weight.zero_()
        model.class_labels_classifier.bias.copy_(torch.tensor([0.0, 0, 9, 0, 0]))
        last = model.bbox_predictor.layers[-1]
        last.weight.zero_()
        last.bias.copy_(torch.logit(torch.tensor([0.5, 0.5, 0.5, 0.25])))
    found = load_detector(save(tmp_path / "model", model, processor), min_score=0.5, device="cpu")(IMAGES)
    for detections, image in zip(found, IMAGES, strict=True):
        height, width = image.shape[:2]
        assert {detections.objects[label] for label in detections.labels} == {"motorcycle"}
        expected = np.array([width / 4, height * 3 / 8, width * 3 / 4, height * 5 / 8])
        np.testing.assert_allclose(detections.boxes[0], expected, atol=0.01)


def test_a_model_without_people_is_refused(tmp_path: Path) -> None:
    folder = save(tmp_path / "model", *tiny("detr", {0: "cat", 1: "hat"}))
    with pytest.raises(InputError, match="none of its 2 classes is a person"):
        load_detector(folder, device="cpu")


def test_folders_that_are_no_detector(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="not a complete model"):
        load_detector(tmp_path, device="cpu")
    (tmp_path / "odd").mkdir()
    backbone = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8], depths=[1])
    folder = save(tmp_path / "odd", transformers.ResNetModel(backbone), tiny("detr")[1])
    with pytest.raises(InputError, match="not an object detector"):
        load_detector(folder, device="cpu")


def test_without_network_the_error_says_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OSError("We couldn't connect to the hub\nand so on")

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", unreachable)
    with pytest.raises(MissingFileError, match="hf download some/model --local-dir model") as raised:
        load_detector("some/model", device="cpu")
    assert "\n" not in str(raised.value)


def test_without_transformers_the_error_says_the_command(without) -> None:
    without("transformers")
    with pytest.raises(MissingExtraError, match=r'pip install "interplay\[transformers\]"'):
        load_detector("some/model", device="cpu")

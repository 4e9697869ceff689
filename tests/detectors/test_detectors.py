from __future__ import annotations

import builtins
import json
from pathlib import Path

import numpy as np
import pytest

from interplay import Interactions, Vocabulary, load_annotations, load_detector, read_image, write
from interplay.boxes import box_iou
from interplay.detectors import Detections, FileDetections, list_detectors
from interplay.errors import InputError, MissingExtraError, MissingFileError


def _some() -> Detections:
    return Detections([[0, 0, 10, 10], [5, 5, 50, 60]], [0, 36], [0.4, 0.9])  # type: ignore[arg-type]


def test_detections_are_checked() -> None:
    found = _some()
    assert found.select(np.array([1, 0])).labels.tolist() == [36, 0]
    assert len(found.select(found.scores > 0.5)) == 1
    assert len(found.clipped(4, 4)) == 1  # the second box begins outside
    with pytest.raises(InputError, match=r"must have shape \(1,\)"):
        Detections([[0, 0, 1, 1]], [0, 1], [1.0])  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"0\.\.79"):
        Detections([[0, 0, 1, 1]], [80], [1.0])  # type: ignore[arg-type]


def test_supervision_round_trip() -> None:
    found = _some()
    back = Detections.from_supervision(found.to_supervision())
    assert back.labels.tolist() == found.labels.tolist()
    assert back.boxes.tolist() == found.boxes.tolist()


def test_the_offline_detector_finds_people_on_photographs(data: Path) -> None:
    """On the photographs that are COCO's own (COCO has none above 640 pixels)."""
    pytest.importorskip("cv2")
    detector = load_detector("ssd-mobilenet-v2", min_score=0.3)
    hits, people = 0, 0
    rackets = 0
    for annotated in load_annotations("v-coco", data / "photos" / "annotations.json"):
        image = read_image(data / "photos" / str(annotated.file))
        if not len(annotated) or max(image.shape) > 640:
            continue
        found = detector([image])[0]
        truth = annotated.boxes[annotated.labels == 0]
        hits += int((box_iou(truth, found.boxes[found.labels == 0]) >= 0.5).any(1).sum())
        people += len(truth)
        rackets += int((found.labels == Vocabulary.load("coco").object_index("tennis racket")).any())
        assert (found.boxes[:, :2] >= 0).all()
        assert (found.boxes[:, 2:] <= image.shape[1::-1]).all()
    assert hits / people >= 0.9
    assert rackets >= 1


def test_images_in_a_batch_do_not_touch_each_other(data: Path) -> None:
    pytest.importorskip("cv2")
    detector = load_detector()
    images = [read_image(p) for p in sorted((data / "photos").glob("*.jpg"))[:3]]
    together, alone = detector(images), [detector([image])[0] for image in images]
    for a, b in zip(together, alone, strict=True):
        np.testing.assert_allclose(a.boxes, b.boxes, atol=1e-3)


def test_missing_packages_give_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without(name: str, *args: object, **kwargs: object) -> object:
        if name.split(".")[0] in ("cv2", "transformers"):
            raise ImportError(name)
        return original(name, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r'pip install "interplay\[offline\]"'):
        load_detector("ssd-mobilenet-v2")
    with pytest.raises(MissingExtraError, match=r'pip install "interplay\[transformers\]"'):
        load_detector("some/model")


def test_unknown_names_and_options() -> None:
    with pytest.raises(InputError, match=r"unknown detector 'ssd'.*ssd-mobilenet-v2"):
        load_detector("ssd")
    with pytest.raises(InputError, match="take weights from a file"):
        load_detector("ssd-mobilenet-v2", weights="a.pth")
    assert "ssd-mobilenet-v2" in list_detectors()


@pytest.mark.parametrize("name", ["fasterrcnn-resnet50-fpn-v2", "retinanet-resnet50-fpn-v2"])
def test_torchvision_weights_come_from_a_file(name: str, tmp_path: Path) -> None:
    import torch

    with pytest.raises(MissingFileError, match=r"no weights at .*expected .*\.pth, from https"):
        load_detector(name, weights=tmp_path / "none.pth")
    (tmp_path / "bad.pth").write_bytes(b"something else")
    with pytest.raises(InputError, match="not a readable checkpoint"):
        load_detector(name, weights=tmp_path / "bad.pth")
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match="missing or of another shape"):
        load_detector(name, weights=tmp_path / "other.pth")


def test_torchvision_detector_runs(tmp_path: Path) -> None:
    """With random weights: shapes, label numbering and cutting to the image."""
    import torch
    from torchvision.models.detection import retinanet_resnet50_fpn_v2

    torch.manual_seed(0)
    network = retinanet_resnet50_fpn_v2(weights=None, weights_backbone=None, num_classes=91)
    torch.save(network.state_dict(), tmp_path / "w.pth")
    detector = load_detector("retinanet-resnet50-fpn-v2", weights=tmp_path / "w.pth", min_score=0.0)
    found = detector([np.zeros((64, 48, 3), np.uint8)])
    assert len(found) == 1
    assert (found[0].boxes[:, 2] <= 48).all()


def test_transformers_folder(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.DetrConfig(
        use_timm_backbone=False, use_pretrained_backbone=False,
        backbone_config=transformers.ResNetConfig(
            embedding_size=8, hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], out_features=["stage4"]
        ),
        d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=16, decoder_ffn_dim=16, num_queries=6,
        id2label={0: "N/A", 1: "person", 2: "motorbike", 3: "unheard of"},
    )  # fmt: skip
    transformers.DetrForObjectDetection(config).save_pretrained(tmp_path)
    transformers.DetrImageProcessor(size={"shortest_edge": 64, "longest_edge": 64}).save_pretrained(tmp_path)
    detector = load_detector(tmp_path, min_score=0.0)
    found = detector([np.zeros((40, 60, 3), np.uint8), np.full((50, 30, 3), 200, np.uint8)])
    assert len(found) == 2
    assert {int(label) for f in found for label in f.labels} <= {0, 3}
    with pytest.raises(MissingFileError, match="hf download"):
        load_detector(tmp_path / "none" / "there")


def test_boxes_from_our_own_file(tmp_path: Path, ride: Interactions) -> None:
    write([ride], tmp_path / "boxes.jsonl")
    boxes = FileDetections(tmp_path / "boxes.jsonl")
    assert sorted(boxes.for_image("folder/a.jpg").labels.tolist()) == [0, 1, 13]
    with pytest.raises(InputError, match=r"no boxes for the image b\.jpg"):
        boxes.for_image("b.jpg")


def test_boxes_from_coco_results(tmp_path: Path) -> None:
    rows = [
        {"image_id": 42, "category_id": 90, "bbox": [1, 2, 3, 4], "score": 0.5},
        {"image_id": 42, "category_id": 12, "bbox": [1, 2, 3, 4], "score": 0.5},  # an id that COCO never used
        {"file_name": "x.png", "category_id": 1, "bbox": [0, 0, 5, 5]},
    ]
    path = tmp_path / "results.json"
    path.write_text(json.dumps(rows))
    boxes = FileDetections(path)
    assert boxes.for_image("COCO_val2014_000000000042.jpg").boxes.tolist() == [[1, 2, 4, 6]]
    assert boxes.for_image("x.png").labels.tolist() == [0]
    for bad, message in (
        ([{"image_id": 1, "bbox": [1, 2, 3]}], "'bbox' must be"),
        ([{"bbox": [1, 2, 3, 4]}], "expected an object with 'image_id'"),
        ([{"image_id": 1, "bbox": [1, 2, 3, 4]}], "expected 'category_id'"),
        ({}, "expected a list"),
    ):
        path.write_text(json.dumps(bad))
        with pytest.raises(InputError, match=message):
            FileDetections(path)
    with pytest.raises(MissingFileError, match="no file of boxes"):
        FileDetections(tmp_path / "none.json")

"""GGNet from pictures to interactions: batches, the flip test, another detector's boxes, `interplay detect`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import interplay
from interplay import Interactions, Vocabulary
from interplay.cli import main
from interplay.detectors import Detections
from interplay.errors import InputError
from interplay.models.ggnet import GGNet, GGNetConfig

WORLD = Vocabulary.from_names(["person", "horse", "cup"], ["ride", "hold"], "world")


def build(**decoding: Any) -> GGNet:
    torch.manual_seed(0)
    network = {"backbone": "hourglass-nano", "head_width": 16, "gaze_steps": 1, "act_points": 9}
    options = {"network": network, "decoding": {"input_size": 128, "top_k": 20, **decoding}}
    return GGNet(WORLD, GGNetConfig.model_validate(options)).eval()


def picture(width: int, height: int, seed: int = 0) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 8, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def ranked(found: Interactions) -> tuple[NDArray, NDArray]:
    order = np.lexsort((found.human_boxes[:, 0], found.verb, -found.score.round(4)))
    return found.score[order], found.human_boxes[order]


@pytest.mark.parametrize("resize", ["fit", "keep"])
@pytest.mark.parametrize("batch_size", [2, 8])
def test_images_of_different_sizes_in_a_batch(batch_size: int, resize: str) -> None:
    model = build(resize=resize)
    images = [picture(200, 100), picture(90, 160, 1), picture(128, 128, 2), picture(33, 400, 3), picture(640, 90, 4)]
    together = model.predict(images, batch_size=batch_size, min_score=0)
    for image, found in zip(images, together, strict=True):
        alone = model.predict(image, min_score=0)
        assert (found.height, found.width) == image.shape[:2]
        assert len(found) == len(alone) > 0
        for a, b in zip(ranked(found), ranked(alone), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=0.05)
        assert found.boxes[:, :2].min() >= 0
        assert (found.boxes[:, :2] <= [found.width, found.height]).all()


def test_sizes_that_are_kept_are_padded_to_the_largest() -> None:
    model = build(resize="keep")
    images = [picture(100, 60), picture(70, 150, 1)]
    batch, sizes = model.preprocess(images)
    divisor = model.backbone.divisor
    assert batch.shape == (2, 3, (150 // divisor + 1) * divisor, (100 // divisor + 1) * divisor)
    assert sizes.tolist() == [[60, 100], [150, 70]]
    assert [(f.height, f.width) for f in model.predict(images, min_score=0)] == [(60, 100), (150, 70)]


def test_the_flip_test_sees_both_sides_alike() -> None:
    """Averaged over both, a picture and its mirror image have mirrored heatmaps, so the same scores."""
    plain, flipped = build(), build(flip=True)
    image = picture(128, 128)
    mirror = np.ascontiguousarray(image[:, ::-1])
    batch, sizes = flipped.preprocess([image, mirror])
    with torch.inference_mode():
        heat = flipped(batch, sizes).heads["hm"].sigmoid()
        other = plain(batch, sizes).heads["hm"].sigmoid()
    torch.testing.assert_close(heat[0], heat[1].flip(2), rtol=1e-3, atol=1e-4)
    assert (other[0] - other[1].flip(2)).abs().max() > 1e-3
    first, second = flipped.predict([image, mirror], min_score=0)
    assert len(first) > 0
    # everything but where a centre lies inside its pixel is averaged
    np.testing.assert_allclose(np.sort(first.box_scores)[-3:], np.sort(second.box_scores)[-3:], rtol=1e-3)


def test_a_model_can_use_another_detectors_boxes() -> None:
    model = build(top_k=100)
    boxes = np.array([[10, 10, 60, 110], [40, 50, 120, 120]], np.float32)
    detections = Detections(boxes, np.array([0, 17]), np.array([0.9, 0.8]))  # COCO's person and horse
    model.set_decoding(boxes="detector")
    found = model.predict(picture(128, 128), detections=detections, min_score=0)
    assert len(found) > 0
    assert {tuple(box) for box in found.human_boxes} == {tuple(boxes[0])}
    assert {tuple(box) for box in found.object_boxes} <= {tuple(box) for box in boxes}
    assert set(found.box_scores.tolist()) <= set(detections.scores.tolist())
    assert not (found.human_boxes == found.object_boxes).all(1).any()
    for rule in ("product", "distance"):
        model.set_decoding(matching=rule)
        assert (
            len(model.predict(picture(128, 128), detections=detections[:1], min_score=0)) == 0
        )  # nobody to pair the person with
        unsure = Detections(boxes, np.array([0, 17]), np.array([0.9, 0.0]))
        assert len(model.predict(picture(128, 128), detections=unsure, min_score=0)) == 0
    model.set_decoding(boxes="own")
    for given in ({"detections": detections}, {"detector": "ssd-mobilenet-v2"}):
        with pytest.raises(InputError, match=r"finds people and objects by itself.*boxes=detector"):
            model.predict(picture(128, 128), **given, min_score=0)
    assert not {tuple(box) for box in model.predict(picture(128, 128), min_score=0).human_boxes} & {
        tuple(box) for box in boxes
    }


def test_detect_takes_both_as_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    model = build()
    model.save("points.safetensors")
    Image.fromarray(picture(128, 100)).save("x.png")

    def detect(*options: str) -> interplay.InteractionTable:
        command = ["detect", "x.png", "--model", "points.safetensors", "--min-score", "0", "--overwrite"]
        assert main([*command, "--output", "o.parquet", *options]) == 0
        return interplay.read("o.parquet")

    plain, flipped = detect(), detect("--decoding", "flip=true")
    assert min(len(plain.score), len(flipped.score)) > 0
    assert not np.array_equal(np.sort(plain.score), np.sort(flipped.score))
    boxes = [[5, 5, 50, 90], [30, 40, 120, 99]]
    found = Interactions(
        boxes, [0, 1], [0], [1], [0], WORLD, box_scores=[0.9, 0.7], file="x.png", width=128, height=100
    )
    interplay.write([found], "boxes.jsonl")
    own = detect("--decoding", "boxes=detector", "--boxes", "boxes.jsonl")
    assert {tuple(box) for box in own.boxes} <= {tuple(box) for box in np.array(boxes, np.float32)}
    assert len(own.score) > 0
    for option in (["--boxes", "boxes.jsonl"], ["--detector", "ssd-mobilenet-v2"]):
        assert main(["detect", "x.png", "--model", "points.safetensors", *option]) == 2
        assert "--decoding boxes=detector" in capsys.readouterr().err

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from interplay import load_detector
from interplay.detectors import DEFAULT_DETECTOR, list_detectors
from interplay.errors import InputError


def test_the_default_comes_first_and_every_card_is_filled() -> None:
    cards = list_detectors()
    assert cards[0].name == DEFAULT_DETECTOR == "ssd-mobilenet-v2"
    assert cards[0].extra == "offline"
    assert all(card.summary and card.weights and card.licence for card in cards)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("ssd-mobilenet", {}, r"unknown detector 'ssd-mobilenet'.*Did you mean 'ssd-mobilenet-v2'"),
        ("ssd-mobilenet-v2", {"min_score": 1.5}, r"within 0\.\.1, got 1.5"),
        ("ssd-mobilenet-v2", {"weights": "a.pth"}, "weights are for torchvision"),
        ("retinanet-resnet50-fpn-v2", {"device": "warp9"}, "device 'warp9' cannot be used"),
    ],
)
def test_bad_arguments(name: str, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_detector(name, **options)


def record(path: Path) -> str:
    boxes = [[0, 0, 10, 40], [0, 0, 10, 30], [20, 20, 30, 30], [20, 20, 30, 31]]
    line = {"file": "a.jpg", "boxes": boxes, "labels": ["person", "person", "book", "stop sign"]}
    path.write_text(json.dumps({**line, "scores": [0.6, 0.7, 0.4, 0.3], "interactions": []}))
    return str(path)


@pytest.mark.parametrize(
    ("options", "scores"),
    [
        ({}, [0.6, 0.7, 0.4, 0.3]),
        ({"min_score": 0.35}, [0.6, 0.7, 0.4]),
        ({"min_score": {"person": 0.65}}, [0.7, 0.4, 0.3]),
        ({"min_score": {"person": 0.1, "*": 0.35}, "same_person": 0.7}, [0.7, 0.4]),
        ({"same_box": 0.9}, [0.6, 0.7, 0.4]),
    ],
)
def test_which_boxes_are_kept(options: dict, scores: list[float], tmp_path: Path) -> None:
    detector = load_detector(record(tmp_path / "boxes.jsonl"), **options)
    [found] = detector([np.zeros((50, 60, 3), np.uint8)], ["a.jpg"])
    assert found.scores.tolist() == pytest.approx(scores)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_score": {"person": 2}}, r"min_score of 'person' must be within 0\.\.1, got 2"),
        ({"min_score": {"persson": 0.5}}, "no object 'persson'.*Did you mean 'person'"),
        ({"same_box": -0.1}, "same_box must be within"),
        ({"same_person": float("nan")}, "same_person must be within"),
    ],
)
def test_bad_choices_of_boxes(options: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        load_detector(record(tmp_path / "boxes.jsonl"), **options)
    with pytest.raises(InputError, match=message):
        load_detector("ssd-mobilenet-v2", **options)

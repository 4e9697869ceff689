from __future__ import annotations

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

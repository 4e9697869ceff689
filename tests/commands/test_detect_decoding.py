"""`interplay detect --decoding` with TIN's models: published rules, and the default model's suppression."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import interplay
from interplay import Interactions, InteractionTable, Vocabulary
from interplay.cli import main
from interplay.detectors import Detections
from interplay.models.tin.config import TinConfig, TinDecodingOptions, TinNetworkOptions
from interplay.models.tin.model import TinModel

BOXES = np.array([[10, 10, 60, 110], [70, 20, 120, 115], [30, 60, 100, 100], [5, 5, 40, 30]], np.float32)
LABELS, SCORES = np.array([0, 0, 1, 41]), np.array([0.95, 0.85, 0.35, 0.25], np.float32)


@pytest.fixture(autouse=True)
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An image, and a file with people and objects in it."""
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
    Image.fromarray(pixels).save("a.png")
    none = np.zeros(0, np.int64)
    found = Interactions(BOXES, LABELS, none, none, none, Vocabulary.load("v-coco"), box_scores=SCORES,
                         file="a.png", width=160, height=120)  # fmt: skip
    interplay.write(InteractionTable.from_list([found]), "boxes.jsonl")
    return Path("a.png")


def detect(*arguments: str) -> Interactions:
    command = ["detect", "a.png", "--boxes", "boxes.jsonl", "--min-score", "0", "--output", "out.jsonl", "--overwrite"]
    assert main([*command, *arguments]) == 0
    return interplay.read("out.jsonl", "v-coco" if "--model" not in arguments else "hico-det")[0]


def test_a_published_rule(photo: Path) -> None:
    torch.manual_seed(0)
    hico = Vocabulary.load("hico-det")
    network = TinNetworkOptions(backbone="resnet-nano")
    model = TinModel(hico, TinConfig(network=network, decoding=TinDecodingOptions(suppress=False))).eval()
    model.save("tin.safetensors")
    plain = detect("--model", "tin.safetensors")
    published = detect("--model", "tin.safetensors", "--decoding", "rule=published-hico")
    assert {tuple(pair) for pair in zip(published.human.tolist(), published.object.tolist(), strict=True)} == {
        (0, 1), (0, 2), (1, 0), (1, 2)  # people above 0.8 with everything above 0.3
    }  # fmt: skip
    assert not np.array_equal(np.sort(plain.score), np.sort(published.score))
    model.set_decoding(rule="published-hico")
    same = Vocabulary.load("coco").objects
    labels = np.array([hico.object_index(same[label]) for label in LABELS])
    expected = model.predict(interplay.read_image(photo), detections=Detections(BOXES, labels, SCORES), min_score=0)
    np.testing.assert_allclose(published.score, expected.score, atol=1e-5)


def test_a_rule_for_other_classes_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    model = TinModel(Vocabulary.load("hico-det"), TinConfig(network=TinNetworkOptions(backbone="resnet-nano")))
    model.save("tin.safetensors")
    arguments = ["--boxes", "boxes.jsonl", "--decoding", "rule=published-vcoco"]
    assert main(["detect", "a.png", "--model", "tin.safetensors", *arguments]) == 2
    assert "V-COCO's 29 action-roles" in capsys.readouterr().err


def test_suppression_of_the_default_model() -> None:
    loose, strict = detect("--decoding", "suppress_below=0"), detect("--decoding", "suppress_below=0.3")
    assert strict.interactiveness is not None
    assert loose.interactiveness is not None
    assert (strict.interactiveness >= 0.3).all()
    assert len(strict) == (loose.interactiveness >= 0.3).sum() < len(loose)

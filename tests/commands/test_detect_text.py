"""`interplay detect` with verbs and objects that the model was not trained on, given as text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

import interplay
from interplay import Vocabulary
from interplay.cli import main
from interplay.errors import InputError, MissingFileError
from interplay.models.gen_vlkt import GenVlkt, GenVlktConfig
from interplay.models.gen_vlkt.text import start_from_text

CLIP = "openai/clip-vit-base-patch32"
WORLD = Vocabulary.from_dict(
    {
        "name": "world",
        "objects": ["person", "horse", "cup"],
        "verbs": ["ride", "hold", "walk"],
        "interactions": [["ride", "horse"], ["hold", "cup"], ["hold", "horse"]],
    }
)
WIDTH = 24


def embed(encoder: str, text: str) -> Tensor:
    seed = sum(i * ord(letter) for i, letter in enumerate(f"{encoder}: {text}"))
    return torch.nn.functional.normalize(torch.randn(WIDTH, generator=torch.Generator().manual_seed(seed)), dim=0)


@pytest.fixture(autouse=True)
def _encoders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Encoders that are not of a real CLIP's size; any name but "gone" is one."""

    def embeddings(encoder: str, texts: Sequence[str], folder: object = None) -> Tensor:
        if encoder == "gone":
            raise MissingFileError("no CLIP model 'gone'")
        width = 8 if encoder == "narrow" else WIDTH
        return torch.stack([embed(Path(encoder).name, text)[:width] for text in texts])

    monkeypatch.setattr("interplay.models.gen_vlkt.text.cached_embeddings", embeddings)
    monkeypatch.chdir(tmp_path)


def make(
    path: str, vocabulary: Vocabulary = WORLD, encoder: str = CLIP, freeze: bool = True, **network: object
) -> Path:
    size = {
        "backbone": "resnet-nano", "frozen_stages": 0, "width": 16, "heads": 2, "feed_forward": 16,
        "encoder_layers": 1, "decoder_layers": 1, "queries": 3, "embedding": WIDTH,
    }  # fmt: skip
    torch.manual_seed(0)
    decoding = {"short_side": 64, "long_side": 96, "nms": False}
    text = {"encoder": encoder, "freeze": freeze}
    config = GenVlktConfig.model_validate({"network": size | network, "decoding": decoding, "text": text})
    model = GenVlkt(vocabulary, config)
    start_from_text(model)
    model.save(path)
    return Path(path)


def detect(*options: str) -> interplay.InteractionTable:
    arguments = ["detect", "--sample", "--min-score", "0", "--output", "o.parquet", "--overwrite"]
    assert main([*arguments, *options]) == 0
    return interplay.read("o.parquet")


def test_verbs_and_objects() -> None:
    make("m.safetensors")
    found = detect("--model", "m.safetensors", "--verbs", "ride, feed,paint", "--objects", "Horse,dog")
    assert found.vocabulary.verbs == ("ride", "feed", "paint")
    assert found.vocabulary.objects == ("horse", "dog", "person")
    assert len(found.verb) == 3 * 6  # every query with every pair
    assert set(found.object_labels) == {0, 1}
    people = found.boxes[found.human_rows]
    assert (found.labels[found.human_rows] == 2).all()
    assert len(people) == len(found.verb)


def test_one_of_both_is_enough() -> None:
    make("m.safetensors")
    assert detect("--model", "m.safetensors", "--verbs", "paint").vocabulary.objects == WORLD.objects
    assert detect("--model", "m.safetensors", "--objects", "fence").vocabulary.verbs == WORLD.verbs


def test_a_vocabulary_file(tmp_path: Path) -> None:
    make("m.safetensors")
    pairs = [["feed", "dog"], ["feed", None]]
    Path("own.json").write_text(json.dumps({"objects": ["dog"], "verbs": ["feed"], "interactions": pairs}))
    found = detect("--model", "m.safetensors", "--vocabulary", "own.json")
    assert set(found.object_labels) == {0, -1}
    assert len(found.verb) == 3 * 2


def test_a_model_with_interactions_without_object_keeps_its_wording() -> None:
    world = Vocabulary.from_dict(
        WORLD.to_dict() | {"interactions": [["ride", "horse"], ["hold", "cup"], ["walk", None]]}
    )
    make("m.safetensors", world)
    model = interplay.load_model("m.safetensors", device="cpu", decoding={"rule": "verb"})
    assert isinstance(model, GenVlkt)
    other = model.with_classes(["walk"], ["horse", "dog"])
    assert (other.config.decoding.rule, other.config.decoding.nms) == ("interaction", True)
    rows = other.network.heads.object[-1].weight  # type: ignore[index]
    expected = [
        embed(Path(CLIP).name, f"a photo of {what}")
        for what in ("a person and a horse", "a person and a dog", "a person and a person", "nothing")
    ]
    torch.testing.assert_close(rows.detach(), torch.stack(expected))


def test_the_encoder_must_be_the_models_own() -> None:
    make("m.safetensors", encoder="hub/clip")
    model = interplay.load_model("m.safetensors", device="cpu")
    same = model.with_classes(["feed"], encoder="local/folder/clip")  # where it lies does not matter
    assert same.vocabulary.verbs == ("feed",)
    with pytest.raises(InputError, match=r"trained with \(hub/clip\), got other: .* expected 0\.9 or more"):
        model.with_classes(["feed"], encoder="other")
    with pytest.raises(InputError, match="have 8 numbers instead of 24"):
        model.with_classes(["feed"], encoder="narrow")
    with pytest.raises(MissingFileError, match="--text-encoder"):
        model.with_classes(["feed"], encoder="gone")
    assert main(["detect", "--sample", "--model", "m.safetensors", "--verbs", "feed", "--text-encoder", "other"]) == 2


def test_rows_that_training_moved_are_still_recognised() -> None:
    make("m.safetensors", freeze=False)
    model = interplay.load_model("m.safetensors", device="cpu")
    assert isinstance(model, GenVlkt)
    with torch.no_grad():
        for rows in (model.network.heads.interaction.weight, model.network.heads.object[-1].weight):  # type: ignore[index]
            rows.add_(0.2 * torch.randn(rows.shape, generator=torch.Generator().manual_seed(0)))
    assert model.with_classes(["feed"]).vocabulary.verbs == ("feed",)
    with pytest.raises(InputError, match=r"expected 0\.3 or more"):
        model.with_classes(["feed"], encoder="other")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--verbs", "feed,feed"], "is there twice"),
        (["--text-encoder", CLIP], "give verbs, objects or both"),
        (["--vocabulary", "gone.json"], "no vocabulary 'gone.json'"),
        (["--min-score", "2.5"], "from 0 to 2"),
    ],
)
def test_mistakes(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    make("m.safetensors")
    assert main(["detect", "--sample", "--model", "m.safetensors", *options]) == 2
    assert message in capsys.readouterr().err


def test_an_encoder_that_only_the_file_names_is_not_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    make("m.safetensors", encoder="stranger/code")
    assert main(["detect", "--sample", "--model", "m.safetensors", "--verbs", "walk"]) == 2
    assert "not loaded unasked" in capsys.readouterr().err
    detect("--model", "m.safetensors", "--verbs", "walk", "--text-encoder", "stranger/code")


def test_a_model_without_text_classifiers_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    make("m.safetensors", object_text=False)
    assert main(["detect", "--sample", "--model", "m.safetensors", "--verbs", "feed"]) == 2
    assert "network.object_text" in capsys.readouterr().err


def test_scores_are_as_published_and_the_usual_smallest_one_fits() -> None:
    make("m.safetensors")
    model = interplay.load_model("m.safetensors", device="cpu")
    everything = detect("--model", "m.safetensors")
    assert everything.score.min() >= 0
    usual = ["detect", "--sample", "--model", "m.safetensors", "--output", "usual.parquet"]
    assert main(usual) == 0
    kept = interplay.read("usual.parquet")
    assert len(kept.verb) == (everything.score >= model.default_min_score).sum()
    assert main([*usual[:-1], "high.parquet", "--min-score", "1.9"]) == 0
    assert len(interplay.read("high.parquet").verb) == (everything.score >= 1.9).sum()

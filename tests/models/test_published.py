"""Published checkpoints: what is read, what is refused, and what is said about it."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn
from torchvision.ops import FrozenBatchNorm2d

from interplay import Vocabulary
from interplay.checkpoints.state_dicts import find_state_dict, read_state_dict
from interplay.commands import import_
from interplay.errors import InputError, MissingFileError
from interplay.importers import convert, import_published, load_published
from interplay.models.gen_vlkt import GenVlkt
from interplay.models.gen_vlkt.convert import seen_rows
from interplay.models.ggnet import GGNet, GGNetConfig
from interplay.models.published import published_system
from interplay.models.weights import read_description, read_model

WEIGHTS = {"a.weight": torch.arange(6.0).view(2, 3), "b": torch.ones(())}


HARM = "harm"
"""A folder that a harmful file would make."""


class Harmful:
    """Would run a command when unpickled."""

    def __reduce__(self) -> tuple:
        return (os.mkdir, (HARM,))


@pytest.mark.parametrize(
    "content",
    [
        WEIGHTS,
        {"model": WEIGHTS, "epoch": 3, "args": argparse.Namespace(lr=1e-4, device="cuda")},
        {"state_dict": {f"module.{name}": tensor for name, tensor in WEIGHTS.items()}},
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_weights_are_found_beside_anything_harmless(tmp_path: Path, content: dict, zipped: bool) -> None:
    path = tmp_path / "model.pth"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    state = read_state_dict(path)
    assert state.keys() == WEIGHTS.keys()
    assert all(torch.equal(state[name], tensor) for name, tensor in WEIGHTS.items())


def test_safetensors_are_read(tmp_path: Path) -> None:
    save_file(WEIGHTS, tmp_path / "model.safetensors")
    assert torch.equal(read_state_dict(tmp_path / "model.safetensors")["a.weight"], WEIGHTS["a.weight"])


def test_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "evil.pth"
    torch.save({"model": WEIGHTS, "args": Harmful()}, path)
    with pytest.raises(InputError, match=rf"evil\.pth: not read, because it would run {os.name}\.mkdir"):
        read_state_dict(path)
    assert not Path(HARM).exists()


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 cut off", b"\x80\x02}q\x00."])
def test_damaged_files(tmp_path: Path, content: bytes) -> None:
    for name in ("model.pth", "model.safetensors"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=name):
            read_state_dict(tmp_path / name)
    with pytest.raises(MissingFileError, match="no file of weights"):
        read_state_dict(tmp_path / "none.pth")
    with pytest.raises(InputError, match="holds no weights; its entries are epoch"):
        find_state_dict({"epoch": 3})


class PublishedGenVlkt(nn.Module):
    """Nothing but the parameters of the published network, under their names, of a small size."""

    def __init__(self, interactions: int, objects: int, seen: int | None = None, text: bool = True) -> None:
        super().__init__()
        d, e, q = 16, 12, 3
        body = torchvision.models.resnet50(norm_layer=FrozenBatchNorm2d)
        del body.fc
        self.backbone = nn.ModuleList([nn.ModuleDict({"body": body})])
        self.input_proj = nn.Conv2d(2048, d, 1)
        encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(d, 8, 32), 2, enable_nested_tensor=False)
        layer = nn.TransformerDecoderLayer(d, 8, 32)
        decoders = {
            f"{k}_decoder": nn.TransformerDecoder(layer, 3, nn.LayerNorm(d)) for k in ("instance", "interaction")
        }
        self.transformer = nn.ModuleDict({"encoder": encoder, **decoders})
        self.query_embed_h, self.query_embed_o, self.pos_guided_embedd = (nn.Embedding(q, d) for _ in range(3))
        for name in ("hum_bbox_embed", "obj_bbox_embed"):
            layers = nn.ModuleList([nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, 4)])
            setattr(self, name, nn.ModuleDict({"layers": layers}))
        self.hoi_class_fc = nn.Sequential(nn.Linear(d, e), nn.LayerNorm(e))
        self.logit_scale, self.obj_logit_scale = nn.Parameter(torch.ones(())), nn.Parameter(torch.ones(()))
        if not text:
            self.hoi_class_embedding, self.obj_class_embed = nn.Linear(e, interactions), nn.Linear(d, objects)
            return
        self.obj_class_fc = nn.Sequential(nn.Linear(d, e), nn.LayerNorm(e))
        self.visual_projection = nn.Linear(e, interactions if seen is None else seen)
        self.obj_visual_projection = nn.Linear(e, objects)
        if seen is not None:
            self.eval_visual_projection = nn.Linear(e, interactions)


@pytest.mark.parametrize(("dataset", "interactions", "objects"), [("hico-det", 600, 81), ("v-coco", 263, 82)])
@pytest.mark.parametrize("text", [True, False])
def test_shapes_tell_the_data_set(dataset: str, interactions: int, objects: int, text: bool) -> None:
    published = PublishedGenVlkt(interactions, objects, text=text)
    model = load_published("gen_vlkt", {name: tensor.numpy() for name, tensor in published.state_dict().items()})
    assert isinstance(model, GenVlkt)
    assert model.vocabulary.name == dataset
    assert model.config.decoding.rule == ("interaction" if dataset == "hico-det" else "verb")
    assert model.config.network.interaction_text is model.config.network.object_text is text
    assert (model.config.network.width, model.config.network.queries) == (16, 3)
    assert not model.training
    second = published.transformer["interaction_decoder"].layers[1]
    ours = model.network.interaction_decoder.layers[1]
    assert torch.equal(ours.cross_attention.projection.weight, second.multihead_attn.in_proj_weight)


def test_zero_shot_has_two_classifiers() -> None:
    state = PublishedGenVlkt(600, 81, seen=500).state_dict()
    seen = torch.randperm(600, generator=torch.Generator().manual_seed(0))[:500].sort().values
    state["visual_projection.weight"] = state["eval_visual_projection.weight"][seen]
    model = load_published("gen-vlkt", state)
    assert model.seen.tolist() == seen.tolist()
    images, sizes = torch.zeros(1, 3, 32, 32), torch.tensor([[32, 32]])
    assert model(images, sizes).interaction_logits.shape[-1] == 600
    assert model(images, sizes, seen=True).interaction_logits.shape[-1] == 500
    state["visual_projection.weight"] = torch.randn(500, 12)
    assert seen_rows(state["visual_projection.weight"], state["eval_visual_projection.weight"]) is None
    assert load_published("gen-vlkt", state).seen is None


def test_what_does_not_fit_is_said(tmp_path: Path) -> None:
    state = PublishedGenVlkt(600, 81).state_dict()
    imported = import_published("gen-vlkt", state | {"class_embed.weight": torch.zeros(2)})
    assert imported.unused == ["class_embed.weight"]
    assert "1 tensors of the file are not part of the model: class_embed.weight" in imported.summary()
    lacking = {name: tensor for name, tensor in state.items() if name != "input_proj.bias"}
    with pytest.raises(InputError, match=r"missing, such as network\.input\.bias"):
        load_published("gen-vlkt", lacking)
    with pytest.raises(InputError, match=r"network\.input\.bias has shape \(3,\), but the network has \(16,\)"):
        load_published("gen-vlkt", state | {"input_proj.bias": torch.zeros(3)})
    with pytest.raises(InputError, match=r"7 interactions and 81 object classes.*give the vocabulary"):
        load_published("gen-vlkt", state | {"visual_projection.weight": torch.zeros(7, 12)})
    with pytest.raises(InputError, match="normalisation before each layer"):
        load_published("gen-vlkt", state | {"transformer.encoder.norm.weight": torch.ones(16)})
    with pytest.raises(InputError, match=r"network: .*width=12 must be a multiple of heads=8"):
        load_published("gen-vlkt", state | {"query_embed_h.weight": torch.zeros(3, 12)})
    with pytest.raises(InputError, match=r"query_embed_h\.weight has shape \(3,\)"):
        load_published("gen-vlkt", state | {"query_embed_h.weight": torch.zeros(3)})
    with pytest.raises(InputError, match="not the weights of a published GEN-VLKT"):
        load_published("gen-vlkt", WEIGHTS)
    with pytest.raises(InputError, match="Did you mean 'gen-vlkt'"):
        published_system("gen-vlk")


def test_a_file_of_ours_is_not_imported_again(tmp_path: Path) -> None:
    vocabulary = Vocabulary.from_names(["person", "cup"], ["hold"], "world")
    model = GGNet(vocabulary, GGNetConfig.model_validate({"network": {"backbone": "dla-nano", "head_width": 8}}))
    model.save(tmp_path / "ours.safetensors")
    with pytest.raises(InputError, match="weights file of interplay's already"):
        convert("ggnet", tmp_path / "ours.safetensors", tmp_path / "again.safetensors")


def test_the_command_writes_a_file_of_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = PublishedGenVlkt(600, 81).state_dict()
    torch.save({"model": state, "args": argparse.Namespace(lr=1e-4)}, tmp_path / "official.pth")
    parser = argparse.ArgumentParser()
    import_.configure(parser)
    assert import_.run(parser.parse_args(["gen-vlkt", str(tmp_path / "official.pth")])) == 0
    said = capsys.readouterr().out
    assert "variant s" in said
    assert "vocabulary hico-det" in said
    model, description = (
        read_model(tmp_path / "official.safetensors"),
        read_description(tmp_path / "official.safetensors"),
    )
    assert len(description["imported_from"]["sha256"]) == 64
    published = load_published("gen-vlkt", tmp_path / "official.pth")
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), published.parameters(), strict=True))
    with pytest.raises(InputError, match=r"ending in \.safetensors"):
        import_.run(parser.parse_args(["gen-vlkt", str(tmp_path / "official.pth"), "-o", str(tmp_path / "out.bin")]))

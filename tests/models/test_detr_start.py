"""DETR's checkpoints as a start: what is not a whole DETR of the right size is refused."""

from __future__ import annotations

from functools import cache

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torchvision.ops.misc import FrozenBatchNorm2d

from interplay import Vocabulary
from interplay.errors import InputError
from interplay.models.gen_vlkt import GenVlkt, GenVlktConfig
from interplay.models.gen_vlkt.detr import initialise_from_detr

WIDTH = 16
WORLD = Vocabulary.from_dict(
    {"name": "world", "objects": ["person", "cup"], "verbs": ["hold"], "interactions": [["hold", "cup"]]}
)


@cache
def detr(backbone: str = "resnet50") -> dict[str, Tensor]:
    """Random weights under the names of the published code, of a small transformer."""
    body = getattr(torchvision.models, backbone)(norm_layer=FrozenBatchNorm2d)
    del body.fc
    encoder, decoder = nn.TransformerEncoderLayer(WIDTH, 8, 32), nn.TransformerDecoderLayer(WIDTH, 8, 32)
    boxes = nn.ModuleList([nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 4)])
    parts: dict[str, nn.Module] = {
        "backbone.0.body": body,
        "input_proj": nn.Conv2d(2048, WIDTH, 1),
        "transformer.encoder": nn.TransformerEncoder(encoder, 2, enable_nested_tensor=False),
        "transformer.decoder": nn.TransformerDecoder(decoder, 3, nn.LayerNorm(WIDTH)),
        "bbox_embed.layers": boxes,
        "class_embed": nn.Linear(WIDTH, 92),
        "query_embed": nn.Embedding(100, WIDTH),
    }
    return {f"{part}.{name}": value for part, module in parts.items() for name, value in module.state_dict().items()}


def build(decoder_layers: int = 2, text: bool = True) -> GenVlkt:
    network = {
        "width": WIDTH, "feed_forward": 32, "encoder_layers": 2, "decoder_layers": decoder_layers, "queries": 3,
        "embedding": 12, "object_text": text,
    }  # fmt: skip
    return GenVlkt(WORLD, GenVlktConfig.model_validate({"network": network}))


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_whole_checkpoint_fits(wrapped: bool) -> None:
    model = build()
    missing = initialise_from_detr(model, {"epoch": 1, "model": detr()} if wrapped else detr())
    assert {name.split(".")[1] for name in missing} == {"queries", "heads"}
    assert not any("_box." in name for name in missing)


def test_half_precision_fits() -> None:
    state = {name: value.half() for name, value in detr().items()}
    model = build(text=False)
    missing = initialise_from_detr(model, state)
    assert not any(name.startswith("network.heads.object.") for name in missing)
    assert model.network.heads.object.weight[0].tolist() == state["class_embed.weight"][1].tolist()  # person


def test_another_backbone_is_refused() -> None:
    """ResNet-50's names are a part of ResNet-101's, and their shapes are the same."""
    before = {name: value.clone() for name, value in build().state_dict().items()}
    model = build()
    model.load_state_dict(before)
    with pytest.raises(InputError, match=r"does not fit a model with resnet50: its backbone\.0\.body\.layer3\.6\."):
        initialise_from_detr(model, detr("resnet101"))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_an_incomplete_checkpoint_is_refused() -> None:
    without_encoder = {name: value for name, value in detr().items() if "encoder.layers.1" not in name}
    with pytest.raises(InputError, match=r"lacks network\.encoder\.1\."):
        initialise_from_detr(build(), without_encoder)
    with pytest.raises(InputError, match=r"lacks network\.instance_decoder\.layers\.3\."):
        initialise_from_detr(build(decoder_layers=4), detr())

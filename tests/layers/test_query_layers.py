"""Parts of query-based detectors against torch's and torchvision's own."""

from __future__ import annotations

import math

import pytest
import torch
import torchvision
from torch import nn
from torchvision.ops import FrozenBatchNorm2d, box_convert, generalized_box_iou

from interplay.layers.positions import sine_positions, valid_cells
from interplay.layers.resnet import ResNet
from interplay.layers.transformer import Attention, DecoderLayer, EncoderLayer
from interplay.ops.tensor_boxes import generalized_iou


@pytest.mark.parametrize(("name", "blocks"), [("resnet50", 16), ("resnet101", 33)])
def test_resnets_are_torchvisions(name: str, blocks: int) -> None:
    reference = getattr(torchvision.models, name)(norm_layer=FrozenBatchNorm2d).eval()
    ours = ResNet(name).eval()  # type: ignore[arg-type]
    weights = {k: v for k, v in reference.state_dict().items() if not k.startswith("fc.")}
    ours.load_state_dict(weights)
    assert sum(len(stage) for stage in ours.stages) == blocks  # type: ignore[arg-type]
    images = torch.randn(1, 3, 70, 90)
    with torch.inference_mode():
        expected = nn.Sequential(*list(reference.children())[:-2])(images)
        torch.testing.assert_close(ours(images), expected)


def test_frozen_stages_do_not_learn() -> None:
    network = ResNet("resnet50", frozen_stages=2)
    frozen = {name.split(".")[0] for name, p in network.named_parameters() if not p.requires_grad}
    assert frozen == {"conv1", "layer1"}
    assert all(p.requires_grad for p in ResNet("resnet-nano").parameters())


def test_attention_is_torchs() -> None:
    reference = nn.MultiheadAttention(16, 4, batch_first=True).eval()
    ours = Attention(16, 4, 0.0).eval()
    ours.load_state_dict(dict(zip(ours.state_dict(), reference.state_dict().values(), strict=True)))
    query, memory = torch.randn(2, 3, 16), torch.randn(2, 5, 16)
    inside = torch.tensor([[True] * 5, [True] * 2 + [False] * 3])
    expected = reference(query, memory, memory, key_padding_mask=~inside)[0]
    torch.testing.assert_close(ours(query, memory, memory, inside[:, None, None]), expected)
    torch.testing.assert_close(ours(query, query, query), reference(query, query, query)[0])


def test_layers_without_positions_are_torchs() -> None:
    x, memory = torch.randn(2, 3, 16), torch.randn(2, 5, 16)
    encoder, decoder = EncoderLayer(16, 4, 32, 0.0), DecoderLayer(16, 4, 32, 0.0)
    torchs_encoder = nn.TransformerEncoderLayer(16, 4, 32, 0.0, batch_first=True)
    torchs_decoder = nn.TransformerDecoderLayer(16, 4, 32, 0.0, batch_first=True)
    for ours, theirs, attention in ((encoder, torchs_encoder, ""), (decoder, torchs_decoder, "self_")):
        names = {
            "self_attn.": f"{attention}attention.", "multihead_attn.": "cross_attention.", "in_proj_": "projection.",
            "out_proj.": "output.", "linear1.": "feed_forward.0.", "linear2.": "feed_forward.3.",
        }  # fmt: skip
        state = {}
        for name in theirs.state_dict():
            own = name
            for part, replacement in names.items():
                own = own.replace(part, replacement)
            state[name] = ours.state_dict()[own]
        theirs.load_state_dict(state)
    none = torch.zeros(1, 1, 16)
    torch.testing.assert_close(encoder(x, none), torchs_encoder(x))
    torch.testing.assert_close(decoder(x, none, memory, memory), torchs_decoder(x, memory))


def test_valid_cells_take_the_first_pixel() -> None:
    rows, columns = valid_cells(torch.tensor([[64, 33], [40, 96]]), (64, 96), (2, 3))
    assert rows.tolist() == [[True, True], [True, True]]
    assert columns.tolist() == [[True, True, False], [True, True, True]]


def test_sine_positions() -> None:
    rows, columns = torch.tensor([[True, True, False]]), torch.tensor([[True] * 4])
    positions = sine_positions(rows, columns, 8).view(3, 4, 8)
    angle = 2 * math.pi * 1 / (2 + 1e-6)  # the first of two valid rows
    expected = [f(angle / 10000 ** (e / 4)) for e in (0, 2) for f in (math.sin, math.cos)]
    torch.testing.assert_close(positions[0, 0, :4], torch.tensor(expected))
    torch.testing.assert_close(positions[0, :, :4], positions[0, :1, :4].expand(4, -1))  # y comes first
    angle = 2 * math.pi * 3 / (4 + 1e-6)
    torch.testing.assert_close(positions[1, 2, 4], torch.tensor(math.sin(angle)))


def test_generalised_iou_is_torchvisions() -> None:
    a, b = (box_convert(torch.rand(20, 4) + 0.01, "cxcywh", "xyxy") for _ in range(2))
    torch.testing.assert_close(generalized_iou(a[:, None], b[None]), generalized_box_iou(a, b))
    point = torch.zeros(4, requires_grad=True)
    value = generalized_iou(point, torch.zeros(4))
    value.backward()
    assert value.item() == 0
    assert point.grad is not None
    assert point.grad.isfinite().all()

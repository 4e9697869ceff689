"""Large models in memory: what is said before loading, few bits, layers off the GPU, the published network's size."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("transformers")

from tests.models.interactvlm_tiny import conversation_ids, tiny, weights, write_folder

from interplay.errors import InputError, MissingExtraError
from interplay.models.interactvlm import memory
from interplay.models.interactvlm.convert import load_folder
from interplay.models.interactvlm.folder import save_folder
from interplay.models.interactvlm.memory import MemoryOptions, offload_layers, plan_memory, worth_saying

PUBLISHED = 27_900_000_000
"""Bytes of the published network in bfloat16."""


def test_what_the_published_network_needs_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda device: 16_000_000_000)
    whole = plan_memory(PUBLISHED, MemoryOptions(), "cuda")
    assert not whole.fits
    assert worth_saying(whole)
    assert "needs about 28.8 GB of cuda, where 14.9 GB are free" in whole.in_words()
    few = plan_memory(PUBLISHED, MemoryOptions("4bit"), "cuda")
    assert few.fits
    assert 9e9 < few.weights < 10.5e9
    away = plan_memory(PUBLISHED, MemoryOptions(offload=True), "cuda")
    assert away.fits
    assert away.offloaded == pytest.approx(PUBLISHED + 3e9 - 16e9)
    assert "of layers in the processor's memory" in away.in_words()
    monkeypatch.setattr(memory, "available_memory", lambda device: None)
    assert plan_memory(PUBLISHED, MemoryOptions(), "mps").fits, "nobody knows"
    assert not worth_saying(plan_memory(4_000_000, MemoryOptions(), "cpu"))


def test_what_does_not_fit_is_refused_before_loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_folder(tiny(), tmp_path / "m")
    monkeypatch.setattr(memory, "available_memory", lambda device: 1000)
    with pytest.raises(InputError, match=r"needs about .* What helps: --quantize 4bit \(extra vlm\)"):
        load_folder(tmp_path / "m")
    pytest.importorskip("accelerate")
    with pytest.raises(InputError, match=r"go through the processor's memory, of which there are 1000 bytes"):
        memory.check_memory(5000, MemoryOptions(offload=True), "cuda", "m")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"quantize": "3bit"}, InputError, "expected 8bit or 4bit, got '3bit'"),
        ({"quantize": "4bit", "offload": True}, InputError, "choose one"),
        ({"offload": True}, InputError, "leave it out"),
        ({"quantize": "4bit"}, MissingExtraError, r"bitsandbytes; install it with: pip install .interplay\[vlm\]"),
    ],
)
def test_what_cannot_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    save_folder(tiny(), tmp_path / "m")
    with pytest.raises(error, match=message):
        load_folder(tmp_path / "m", memory=MemoryOptions(**options))


def test_offloading_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(MissingExtraError, match=r"accelerate; install it with: pip install .interplay\[vlm\]"):
        offload_layers(tiny(), "cpu", 0)


def _hidden(model: Any) -> torch.Tensor:
    seen = torch.Generator().manual_seed(1)
    with torch.no_grad():
        return model.hidden_states(conversation_ids(9, 10), torch.randn(1, 3, 28, 28, generator=seen))


def test_layers_off_the_gpu_compute_the_same(tmp_path: Path) -> None:
    pytest.importorskip("accelerate")
    model = tiny()
    expected = _hidden(model)
    size = sum(p.numel() * p.element_size() for p in model.llava.model.language_model.layers[0].parameters())
    assert offload_layers(model, "cpu", size) == 1
    assert [next(layer.parameters()).is_meta for layer in model.llava.model.language_model.layers] == [False, True]
    torch.testing.assert_close(_hidden(model), expected)
    with pytest.raises(InputError, match="load it without quantize and offload"):
        save_folder(model, tmp_path / "m")
    assert not (tmp_path / "m" / "config.json").exists()


@pytest.mark.parametrize("bits", ["8bit", "4bit"])
@pytest.mark.parametrize("form", ["own", "published"])
def test_few_bits_compute_nearly_the_same(tmp_path: Path, bits: Any, form: str) -> None:
    bnb = pytest.importorskip("bitsandbytes")
    model = tiny(hidden=64)
    published = weights(model)  # also makes the projector as a published one
    if form == "own":
        save_folder(model, tmp_path / "m")
    else:
        write_folder(tmp_path / "m", published)
    expected = _hidden(model)
    read = load_folder(tmp_path / "m", memory=MemoryOptions(bits))
    kinds = {type(m) for m in read.llava.model.language_model.modules() if isinstance(m, torch.nn.Linear)}
    assert kinds == {bnb.nn.Linear4bit if bits == "4bit" else bnb.nn.Linear8bitLt}
    assert type(read.llava.lm_head) is torch.nn.Linear
    error = (_hidden(read) - expected).abs().mean() / expected.abs().mean()
    with pytest.raises(InputError, match="load it without quantize and offload"):
        save_folder(read, tmp_path / "again")
    assert 0 < error < {"8bit": 0.05, "4bit": 0.4}[bits]


def test_lora_is_not_merged_into_few_bits(tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    state = weights(tiny())
    layer = "model.layers.0.self_attn.q_proj"
    state |= {f"{layer}.lora_A.weight": torch.ones(2, 48), f"{layer}.lora_B.weight": torch.ones(48, 2)}
    write_folder(tmp_path / "m", state)
    with pytest.raises(InputError, match="cannot be merged into few bits: convert the folder first"):
        load_folder(tmp_path / "m", memory=MemoryOptions("4bit"))


def test_the_published_network_has_the_published_size() -> None:
    """SAM ViT-H and LLaVA 13B without memory: numbers and shapes as the specification says."""
    from interplay.models.interactvlm.published_config import published_network

    model = published_network()
    assert all(parameter.is_meta for parameter in model.parameters())

    def millions(*modules: torch.nn.Module) -> float:
        return sum(parameter.numel() for module in modules for parameter in module.parameters()) / 1e6

    text = model.llava.model.language_model
    assert millions(text, model.llava.lm_head) == pytest.approx(13_016, abs=1)
    assert millions(model.llava.model.vision_tower) == pytest.approx(303.2, abs=0.2)
    assert millions(model.sam.vision_encoder) == pytest.approx(637.0, abs=0.2)
    assert millions(model.sam.mask_decoder) == pytest.approx(4.06, abs=0.02)
    assert millions(model.text_hidden_fcs) == pytest.approx(27.5, abs=0.1)
    linear = sum(m.weight.numel() for m in text.modules() if isinstance(m, torch.nn.Linear)) / 1e6
    assert linear / millions(model) == pytest.approx(memory._LINEAR_SHARE, abs=0.01)
    shapes = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    assert shapes["llava.model.multi_modal_projector.linear_1.weight"] == (5120, 1024)
    assert shapes["text_hidden_fcs.0.0.weight"] == (5120, 5120)
    assert shapes["text_hidden_fcs.0.2.weight"] == (256, 5120)
    assert shapes["cam_pose_encoder.spatial_encoder.0.weight"] == (128, 5)
    assert shapes["cam_pose_encoder.spatial_encoder.2.weight"] == (128, 128)
    assert shapes["cam_pose_encoder.view_transforms.3.weight"] == (256, 128)
    assert shapes["sam.vision_encoder.pos_embed"] == (1, 64, 64, 1280)
    assert shapes["sam.vision_encoder.layers.0.attn.rel_pos_h"] == (27, 80), "windows of 14"
    for layer in range(32):
        length = 127 if layer in (7, 15, 23, 31) else 27
        assert shapes[f"sam.vision_encoder.layers.{layer}.attn.rel_pos_h"] == (length, 80)
    assert len(text.layers) == 40
    assert (model.options.image_tokens, model.options.views, model.image_size) == (256, 4, 1024)
    masks = model.sam.prompt_encoder.no_mask_embed.weight.shape
    assert masks == (1, 256)

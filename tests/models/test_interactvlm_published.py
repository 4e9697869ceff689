"""Published folders of InteractVLM: read whole or in shards, checked by name, with LoRA merged in."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tests.models.interactvlm_tiny import HUMAN, OBJECT, SEG, conversation_ids, tiny, weights, write_folder
from torch import Tensor

from interplay.body.cameras import view_set
from interplay.errors import InputError, MissingFileError, ModelError
from interplay.importers import load_published
from interplay.models.interactvlm.convert import load_vision_tower
from interplay.models.interactvlm.network import InteractVlm, sam_pixels
from interplay.models.interactvlm.published_names import our_name

pytest.importorskip("transformers")


def same(one: InteractVlm, other: InteractVlm) -> None:
    theirs = other.state_dict()
    for name, tensor in one.state_dict().items():
        torch.testing.assert_close(tensor, theirs[name], msg=name)


FORMS = ["pytorch_model.bin", "model.safetensors", "pytorch_model.bin.index.json", "model.safetensors.index.json"]


@torch.no_grad()
@pytest.mark.parametrize("form", FORMS)
def test_a_folder_gives_the_same_network_and_answers(tmp_path: Path, form: str) -> None:
    model = tiny()
    state = weights(model)
    assert len({our_name(name) for name in state}) == len(state)
    read = load_published("interactvlm", write_folder(tmp_path / "f", state, form))
    same(model, read)
    assert not read.training
    assert (read.options.image_token_id, read.options.image_tokens, read.options.human_views) == (
        60,
        4,
        "4MV-Z_Vitru_mv2",
    )
    views, pixels = list(view_set(read.options.human_views).values()), torch.randn(1, 3, 28, 28)
    seen = sam_pixels(torch.rand(4, 3, 64, 64) * 255, 64)
    masks = [m(conversation_ids(9, SEG, 2), pixels, m.encode_views(seen), views).logits for m in (model, read)]
    torch.testing.assert_close(*masks)
    asked = conversation_ids()
    assert torch.equal(*(m.generate(asked, pixels, max_new_tokens=4) for m in (model, read)))


@pytest.mark.parametrize(
    ("options", "config"),
    [
        ({"camera_encoder": "simple"}, {}),
        ({"camera_encoder": "view_index", "views": 4}, {}),
        ({"camera_encoder": None}, {}),
        ({"fusion": True, "uncertainty": True}, {}),
        (
            {"token_type": "Gen-Hu-Obj", "human_id": HUMAN, "object_id": OBJECT},
            {"token_type": "Gen-Hu-Obj", "hseg_token_idx": HUMAN, "oseg_token_idx": OBJECT},
        ),
        ({"separate_decoders": True}, {"token_type": "Gen-DifDe"}),
    ],
)
def test_variants_are_told_by_names_and_settings(tmp_path: Path, options: dict, config: dict) -> None:
    model = tiny(**options)
    read = load_published("interactvlm", write_folder(tmp_path / "f", weights(model), **config))
    same(model, read)
    assert {name: getattr(read.options, name) for name in options} == options


def test_half_precision_stays(tmp_path: Path) -> None:
    state = {name: tensor.bfloat16() for name, tensor in weights(tiny()).items()}
    state["cam_pose_encoder.spatial_encoder.0.bias"] = state["cam_pose_encoder.spatial_encoder.0.bias"].float()
    read = load_published("interactvlm", write_folder(tmp_path / "f", state))
    assert {parameter.dtype for parameter in read.parameters()} == {torch.bfloat16}


@pytest.mark.parametrize("beside", [False, True])
def test_lora_is_merged(tmp_path: Path, beside: bool) -> None:
    model = tiny()
    state = weights(model)
    layer = "model.layers.1.self_attn.q_proj"
    a, b = torch.randn(2, 48), torch.randn(48, 2)
    wanted = state[f"{layer}.weight"] + 8 / 2 * (b @ a)
    if beside:
        folder = write_folder(tmp_path / "f", state)
        lora = {f"base_model.model.{layer}.lora_{side}.weight": m for side, m in (("A", a), ("B", b))}
        save_file(lora, folder / "adapter_model.safetensors")
        (folder / "adapter_config.json").write_text('{"lora_alpha": 8, "r": 2}')
    else:
        wrapped = {f"base_model.model.{name}": tensor for name, tensor in state.items()}
        base = wrapped.pop(f"base_model.model.{layer}.weight")
        wrapped[f"base_model.model.{layer}.base_layer.weight"] = base
        wrapped |= {f"base_model.model.{layer}.lora_{side}.default.weight": m for side, m in (("A", a), ("B", b))}
        folder = write_folder(tmp_path / "f", wrapped, "pytorch_model.bin.index.json")
        (folder / "pretrained_config.json").write_text('{"lora_alpha": 8}')
    read = load_published("interactvlm", folder)
    torch.testing.assert_close(read.llava.model.language_model.layers[1].self_attn.q_proj.weight.data, wanted)


def test_a_folder_without_vision_tower(tmp_path: Path) -> None:
    model = tiny()
    folder = write_folder(tmp_path / "f", weights(model, tower=False), mm_vision_tower=str(tmp_path / "none"))
    with pytest.warns(UserWarning, match="holds no vision tower"):
        read = load_published("interactvlm", folder)
    pixels = torch.randn(1, 3, 28, 28)
    with pytest.raises(ModelError, match="load_vision_tower"):
        read.hidden_states(conversation_ids(9), pixels)
    from transformers import CLIPVisionConfig, CLIPVisionModel

    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    tower = CLIPVisionModel(CLIPVisionConfig(**sizes, image_size=28, patch_size=14)).eval()
    tower.save_pretrained(folder / "vision_tower")
    found = load_published("interactvlm", folder)
    load_vision_tower(read, folder / "vision_tower")
    with torch.no_grad():
        both = [each.hidden_states(conversation_ids(9), pixels) for each in (read, found)]
    torch.testing.assert_close(*both)
    CLIPVisionModel(CLIPVisionConfig(**sizes, image_size=42, patch_size=14)).save_pretrained(tmp_path / "other")
    with pytest.raises(InputError, match="9 tokens of 32 numbers"):
        load_vision_tower(read, tmp_path / "other")


def _without(name: str) -> dict[str, Tensor]:
    state = weights(tiny())
    del state[name]
    return state


@pytest.mark.parametrize(
    ("state", "config", "message"),
    [
        (lambda: _without("model.visual_model.mask_decoder.iou_token.weight"), {}, "iou_token.weight"),
        (lambda: _without("model.embed_tokens.weight"), {}, "embed_tokens.weight is missing"),
        (lambda: {**weights(tiny()), "model.other.weight": torch.ones(1)}, {}, "it has no model.other.weight"),
        (lambda: {**weights(tiny()), "model.norm.weight": torch.ones(7)}, {}, r"expected shape \(48,\), got \(7,\)"),
        (lambda: weights(tiny()), {"seg_token_idx": None}, "seg_token_idx: is missing"),
        (lambda: weights(tiny()), {"seg_token_idx": 99}, "too few"),
        (lambda: weights(tiny()), {"num_attention_heads": 7}, "7 heads"),
        (lambda: weights(tiny()), {"rms_norm_eps": "small"}, "a number above 0, got 'small'"),
        (lambda: weights(tiny()), {"token_type": "Ask"}, "Gen"),
    ],
)
def test_folders_that_are_not_whole(tmp_path: Path, state: object, config: dict, message: str) -> None:
    folder = write_folder(tmp_path / "f", state(), **config)
    with pytest.raises(InputError, match=message) as error:
        load_published("interactvlm", folder)
    assert str(error.value).startswith(str(folder))


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no folder"):
        load_published("interactvlm", tmp_path / "none")
    folder = write_folder(tmp_path / "f", {"a": torch.ones(1)}, "pytorch_model.bin.index.json")
    (folder / "part-1-of-3.bin").unlink()
    with pytest.raises(MissingFileError, match=r"part-1-of-3\.bin"):
        load_published("interactvlm", folder)
    (folder / "pytorch_model.bin.index.json").write_text('{"weight_map": {"a": "../x.bin"}}')
    with pytest.raises(InputError, match="files beside it"):
        load_published("interactvlm", folder)
    (folder / "pytorch_model.bin.index.json").unlink()
    with pytest.raises(MissingFileError, match="holds no weights"):
        load_published("interactvlm", folder)
    with pytest.raises(InputError, match="got a state dict"):
        load_published("interactvlm", {})


@pytest.mark.parametrize("tower", [False, True])
def test_a_folder_becomes_one_of_our_own(tmp_path: Path, tower: bool, capsys: pytest.CaptureFixture[str]) -> None:
    from interplay.cli import main
    from interplay.models.interactvlm.folder import save_folder

    folder = write_folder(tmp_path / "f", weights(tiny(), tower), mm_vision_tower=str(tmp_path / "none"))
    (folder / "tokenizer_config.json").write_text("{}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the vision tower
        assert main(["import", "interactvlm", str(folder), "-o", str(tmp_path / "out")]) == 0
        assert "M parameters" in capsys.readouterr().out
        assert (tmp_path / "out" / "tokenizer_config.json").is_file()
        read, again = (load_published("interactvlm", each) for each in (folder, tmp_path / "out"))
        named = {name: p for name, p in again.named_parameters() if not p.is_meta}
        assert len(named) == sum(not p.is_meta for p in read.parameters())
        for name, parameter in named.items():
            torch.testing.assert_close(parameter, read.get_parameter(name))
        assert again.options == read.options
        files = save_folder(again, tmp_path / "small", shard_size=100_000)
        assert len(files) > 3
        assert load_published("interactvlm", tmp_path / "small").options == read.options
    with pytest.raises(InputError, match="holds something already"):
        save_folder(again, tmp_path / "small")
    config = json.loads((tmp_path / "small" / "config.json").read_text())
    wrong = {"format 9": {"interplay": {"format": 9}}, "options": {"options": {}}, "settings": {"sam": 3}}
    for message, change in wrong.items():
        (tmp_path / "small" / "config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(InputError, match=message):
            load_published("interactvlm", tmp_path / "small")

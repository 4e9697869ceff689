"""The network of published weights: told by their shapes, and by ``config.json`` where shapes do not tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from interplay.containers.guard import brief
from interplay.errors import InputError
from interplay.models.interactvlm.config import InteractVlmOptions
from interplay.models.interactvlm.modules import published_sam_config

if TYPE_CHECKING:
    from transformers import CLIPVisionConfig, LlavaConfig, SamConfig

    from interplay.models.interactvlm.network import InteractVlm

Shapes = Mapping[str, tuple[int, ...]]
"""Shape by published name."""

CLIP = "openai/clip-vit-large-patch14"
"""The vision tower of the published models, which their folders do not hold."""
_SAM = "model.visual_model."
_TOKENS = 32003
"""Of the published vocabulary: Llama's, one for masks, and two around an image; the image's own comes after them."""


def published_network() -> InteractVlm:
    """The published network of 14 billion numbers without memory for them: to count and to look at, not to run."""
    import torch
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration, SamModel

    from interplay.models.interactvlm.network import InteractVlm

    vision = CLIPVisionConfig(
        hidden_size=1024,
        intermediate_size=4096,
        num_hidden_layers=24,
        num_attention_heads=16,
        image_size=224,
        patch_size=14,
    )
    text = LlamaConfig(
        hidden_size=5120,
        intermediate_size=13824,
        num_hidden_layers=40,
        num_attention_heads=40,
        vocab_size=_TOKENS + 1,
    )
    llava = LlavaConfig(
        vision_config=vision, text_config=text, image_token_index=_TOKENS, projector_hidden_act="linear"
    )
    chosen = InteractVlmOptions(seg_id=32000, human_id=32000, object_id=32000, image_token_id=_TOKENS)
    with torch.device("meta"):
        return InteractVlm(LlavaForConditionalGeneration(llava), SamModel(published_sam_config()), chosen)


def options(config: Mapping[str, Any], shapes: Shapes) -> InteractVlmOptions:
    """The parts between language model and SAM.

    Raises:
        InputError: a number is missing, or none that it can be.
    """
    token_type, _, suffix = str(config.get("token_type") or "Gen").partition("-DifDe")
    seg = _whole(config, "seg_token_idx")
    human, thing = (_whole(config, name, seg) for name in ("hseg_token_idx", "oseg_token_idx"))
    rows = _shape(shapes, "model.embed_tokens.weight")[0]
    kind, views = _camera_encoder(shapes)
    try:
        return InteractVlmOptions(
            token_type=token_type,  # type: ignore[arg-type]  # checked there
            seg_id=seg,
            human_id=seg if token_type == "Gen" else human,
            object_id=seg if token_type == "Gen" else thing,
            image_token_id=rows,  # a row of its own, which the published code does without
            image_tokens=_whole(config, "img_emb_len", 255) + 1,
            camera_encoder=kind,  # type: ignore[arg-type]
            views=views,
            dim=_shape(shapes, "model.text_hidden_fcs.0.2.weight", "text_hidden_fcs.0.2.weight")[0],
            separate_decoders=any(name.startswith(f"{_SAM}human_mask_decoder.") for name in shapes) or bool(suffix),
            fusion=_has(shapes, "fusion"),
            uncertainty=_has(shapes, "uncertainty"),
            human_views=str(config.get("hC_sam_view_type") or "4MV-Z_Vitru"),
            object_views=str(config.get("oC_sam_view_type") or "4MV-Z_HM"),
        )
    except ValidationError as error:
        raise InputError(f"config.json: {'; '.join(problem['msg'] for problem in error.errors())}") from None


def llava_config(config: Mapping[str, Any], shapes: Shapes, image_token_id: int) -> LlavaConfig:
    """`transformers`' description of the language model and its vision tower; a published projector is one matrix."""
    from transformers import LlamaConfig, LlavaConfig

    vocabulary, hidden = _shape(shapes, "model.embed_tokens.weight")
    layers = _count(shapes, "model.layers.")
    keys = _shape(shapes, "model.layers.0.self_attn.k_proj.weight")[0]
    heads = _whole(config, "num_attention_heads", max(1, hidden // 128))
    if heads < 1 or hidden % heads:
        raise InputError(f"config.json: num_attention_heads: {heads} heads do not share {hidden} numbers")
    text: dict[str, Any] = {
        "vocab_size": vocabulary + 1,
        "hidden_size": hidden,
        "intermediate_size": _shape(shapes, "model.layers.0.mlp.gate_proj.weight")[0],
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": max(1, keys // (hidden // heads)),
        "rms_norm_eps": _positive(config, "rms_norm_eps", 1e-5),
        "max_position_embeddings": _whole(config, "max_position_embeddings", 4096),
        "bos_token_id": _whole(config, "bos_token_id", 1),
        "eos_token_id": _whole(config, "eos_token_id", 2),
        "tie_word_embeddings": False,
        "rope_theta": _positive(config, "rope_theta", 10000.0),
    }
    vision = _vision_config(config, shapes)
    return LlavaConfig(
        vision_config=vision,
        text_config=LlamaConfig(**text),
        image_token_index=image_token_id,
        image_seq_length=_whole(config, "img_emb_len", 255) + 1,
        projector_hidden_act="linear",
        vision_feature_layer=_whole(config, "mm_vision_select_layer", -2),
        vision_feature_select_strategy="default",
        tie_word_embeddings=False,
    )


def sam_config(shapes: Shapes) -> SamConfig:
    """`transformers`' description of SAM, whose sizes all follow from its tensors."""
    encoder = f"{_SAM}image_encoder."
    width, _, _, patch = _shape(shapes, f"{encoder}patch_embed.proj.weight")
    _, side, _, _ = _shape(shapes, f"{encoder}pos_embed")
    layers = _count(shapes, f"{encoder}blocks.")
    reach = [_shape(shapes, f"{encoder}blocks.{layer}.attn.rel_pos_h") for layer in range(layers)]
    windows = {(length + 1) // 2 for length, _ in reach} - {side}
    decoder, prompts = f"{_SAM}mask_decoder.", f"{_SAM}prompt_encoder."
    channels = _shape(shapes, f"{encoder}neck.0.weight")[0]
    return published_sam_config(
        image_size=side * patch,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=width // max(1, reach[0][1]),
        global_attn_indexes=[layer for layer, (length, _) in enumerate(reach) if length == 2 * side - 1],
        window_size=min(windows, default=0),
        patch_size=patch,
        mlp_dim=_shape(shapes, f"{encoder}blocks.0.mlp.lin1.weight")[0],
        qkv_bias=f"{encoder}blocks.0.attn.qkv.bias" in shapes,
        output_channels=channels,
        num_pos_feats=_shape(shapes, f"{prompts}pe_layer.positional_encoding_gaussian_matrix")[1],
        prompts={
            "hidden_size": channels,
            "mask_input_channels": _shape(shapes, f"{prompts}mask_downscaling.3.weight")[0],
            "num_point_embeddings": _count(shapes, f"{prompts}point_embeddings."),
        },
        decoder={
            "hidden_size": channels,
            "num_hidden_layers": _count(shapes, f"{decoder}transformer.layers."),
            "mlp_dim": _shape(shapes, f"{decoder}transformer.layers.0.mlp.lin1.weight")[0],
            "attention_downsample_rate": channels
            // _shape(shapes, f"{decoder}transformer.final_attn_token_to_image.q_proj.weight")[0],
            "num_multimask_outputs": _shape(shapes, f"{decoder}mask_tokens.weight")[0] - 1,
            "iou_head_depth": _count(shapes, f"{decoder}iou_prediction_head.layers."),
            "iou_head_hidden_dim": _shape(shapes, f"{decoder}iou_prediction_head.layers.0.weight")[0],
        },
    )


def _vision_config(config: Mapping[str, Any], shapes: Shapes) -> CLIPVisionConfig:
    from transformers import CLIPVisionConfig

    found = {name.split("embeddings.")[-1]: shape for name, shape in shapes.items() if "vision_tower" in name}
    if "class_embedding" in found:
        width, _, _, patch = found["patch_embedding.weight"]
        prefix = next(name for name in shapes if name.endswith("embeddings.class_embedding"))[: -len("class_embedding")]
        layers = f"{prefix.removesuffix('embeddings.')}encoder.layers."
        return CLIPVisionConfig(
            hidden_size=width,
            intermediate_size=_shape(shapes, f"{layers}0.mlp.fc1.weight")[0],
            num_hidden_layers=_count(shapes, layers),
            num_attention_heads=_whole(config, "mm_vision_heads", max(1, width // 64)),
            patch_size=patch,
            image_size=round((found["position_embedding.weight"][0] - 1) ** 0.5) * patch,
        )
    width = _shape(shapes, "model.mm_projector.weight")[1]
    patches = round((_whole(config, "img_emb_len", 255) + 1) ** 0.5)
    return CLIPVisionConfig(  # as CLIP's ViT-L/14; `load_vision_tower` brings the tower's own
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=24,
        num_attention_heads=max(1, width // 64),
        patch_size=14,
        image_size=14 * patches,
    )


def _camera_encoder(shapes: Shapes) -> tuple[str | None, int]:
    """The kind of a camera encoder and its number of views."""
    names = {name.removeprefix("model."): shape for name, shape in shapes.items() if "cam_pose_encoder." in name}
    if not names:
        return None, 4
    if "cam_pose_encoder.linear1.weight" in names:
        return "simple", 4
    views = _count(names, "cam_pose_encoder.view_transforms.")
    rows, columns = _shape(names, "cam_pose_encoder.view_transforms.0.weight")
    return ("view_index" if rows == columns else "vi_v1"), views


def _shape(shapes: Shapes, *names: str) -> tuple[int, ...]:
    """The shape of a tensor, by any of its names."""
    for name in names:
        if name in shapes:
            lengths = 1 if name.endswith("class_embedding") else 4 if _is_image_tensor(name) else 2
            if len(shapes[name]) != lengths or not all(shapes[name]):
                raise InputError(f"{name}: expected a tensor with {lengths} lengths above 0, got {shapes[name]}")
            return shapes[name]
    raise InputError(f"these are not the weights of a published InteractVLM: {names[0]} is missing")


def _is_image_tensor(name: str) -> bool:
    return name.endswith(("patch_embed.proj.weight", "pos_embed", "neck.0.weight", "mask_downscaling.3.weight"))


def _has(shapes: Shapes, part: str) -> bool:
    """Whether there is a part of the network whose name says so."""
    return any(part in level for name in shapes for level in name.split(".")[:2])


def _count(shapes: Shapes, prefix: str) -> int:
    """How many numbered parts there are."""
    numbers = {name.removeprefix(prefix).split(".")[0] for name in shapes if name.startswith(prefix)}
    count = sum(number.isdecimal() for number in numbers)
    if not count:
        raise InputError(f"these are not the weights of a published InteractVLM: {prefix}0 is missing")
    return count


def _positive(config: Mapping[str, Any], name: str, usual: float) -> float:
    value = config.get(name, usual)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e12:
        raise InputError(f"config.json: {name}: expected a number above 0, got {brief(value)}")
    return float(value)


def _whole(config: Mapping[str, Any], name: str, usual: int | None = None) -> int:
    value = config.get(name)
    value = usual if value is None else value
    if type(value) is not int:
        what = "is missing" if value is None else f"expected a whole number, got {brief(value)}"
        raise InputError(f"config.json: {name}: {what}")
    return value

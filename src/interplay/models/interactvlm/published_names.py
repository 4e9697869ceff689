"""What the published weights are called, and where they belong in `InteractVlm`."""

from __future__ import annotations

import re

_PARTS: tuple[tuple[str, str], ...] = (
    (r"^model\.mm_projector\.", "llava.model.multi_modal_projector.linear_1."),
    (r"^model\.vision_tower\.(vision_tower\.)?(vision_model\.)?", "llava.model.vision_tower."),
    (r"^(model\.)?(text_hidden_fcs|cam_pose_encoder|attention_splitter|fusion|uncertainty)\.", r"\2."),
    (r"^(model\.)?(llava_sam_fusion|fusion_module)\.", "fusion."),
    (r"^(model\.)?uncertainty_module\.", "uncertainty."),
    (r"^model\.(embed_tokens|layers|norm)\.", r"llava.model.language_model.\1."),
    (r"^lm_head\.", "llava.lm_head."),
)
"""Beginning of a published name -> of ours, beside SAM's; the first that matches counts."""

_SAM_PART = "model.visual_model."
_OWN_DECODER = re.compile(r"^(human|object)_mask_decoder\.")
_COMPUTED = re.compile(r"(rotary_emb\.inv_freq|pixel_mean|pixel_std|embeddings\.position_ids)$")

_SAM: tuple[tuple[str, str], ...] = (
    (r"^image_encoder\.patch_embed\.proj\.", "vision_encoder.patch_embed.projection."),
    (r"^image_encoder\.pos_embed$", "vision_encoder.pos_embed"),
    (r"^image_encoder\.blocks\.(\d+)\.norm([12])\.", r"vision_encoder.layers.\1.layer_norm\2."),
    (r"^image_encoder\.blocks\.", "vision_encoder.layers."),
    (r"^image_encoder\.neck\.0\.", "vision_encoder.neck.conv1."),
    (r"^image_encoder\.neck\.1\.", "vision_encoder.neck.layer_norm1."),
    (r"^image_encoder\.neck\.2\.", "vision_encoder.neck.conv2."),
    (r"^image_encoder\.neck\.3\.", "vision_encoder.neck.layer_norm2."),
    (r"^prompt_encoder\.pe_layer\.positional_encoding_gaussian_matrix$", "shared_image_embedding.positional_embedding"),
    (r"^prompt_encoder\.point_embeddings\.", "prompt_encoder.point_embed."),
    (r"^prompt_encoder\.mask_downscaling\.0\.", "prompt_encoder.mask_embed.conv1."),
    (r"^prompt_encoder\.mask_downscaling\.1\.", "prompt_encoder.mask_embed.layer_norm1."),
    (r"^prompt_encoder\.mask_downscaling\.3\.", "prompt_encoder.mask_embed.conv2."),
    (r"^prompt_encoder\.mask_downscaling\.4\.", "prompt_encoder.mask_embed.layer_norm2."),
    (r"^prompt_encoder\.mask_downscaling\.6\.", "prompt_encoder.mask_embed.conv3."),
    (r"^mask_decoder\.transformer\.norm_final_attn\.", "mask_decoder.transformer.layer_norm_final_attn."),
    (r"^mask_decoder\.transformer\.layers\.(\d+)\.norm(\d)\.", r"mask_decoder.transformer.layers.\1.layer_norm\2."),
    (r"^mask_decoder\.output_upscaling\.0\.", "mask_decoder.upscale_conv1."),
    (r"^mask_decoder\.output_upscaling\.1\.", "mask_decoder.upscale_layer_norm."),
    (r"^mask_decoder\.output_upscaling\.3\.", "mask_decoder.upscale_conv2."),
    (r"^mask_decoder\.(output_hypernetworks_mlps\.\d+|iou_prediction_head)\.layers\.0\.", r"mask_decoder.\1.proj_in."),
    (r"^mask_decoder\.(output_hypernetworks_mlps\.\d+|iou_prediction_head)\.layers\.1\.", r"mask_decoder.\1.layers.0."),
    (r"^mask_decoder\.(output_hypernetworks_mlps\.\d+|iou_prediction_head)\.layers\.2\.", r"mask_decoder.\1.proj_out."),
)
"""Beginning of a name in the published SAM -> in `transformers.SamModel`; the first that matches counts."""

POSITIONS = "shared_image_embedding.positional_embedding"
SHARED_POSITIONS = "prompt_encoder.shared_embedding.positional_embedding"
"""The second place where `transformers` keeps `POSITIONS`."""


def sam_name(published: str) -> str:
    """The name in `transformers.SamModel` of a parameter of the published SAM.

    Example:
        >>> sam_name("image_encoder.blocks.3.norm1.weight")
        'vision_encoder.layers.3.layer_norm1.weight'
    """
    for pattern, ours in _SAM:
        name, found = re.subn(pattern, ours, published)
        if found:
            return name
    return published


def our_name(published: str) -> str | None:
    """The name in `InteractVlm` of a published parameter; None for what is computed, or unknown.

    Example:
        >>> our_name("model.layers.0.self_attn.q_proj.weight")
        'llava.model.language_model.layers.0.self_attn.q_proj.weight'
        >>> our_name("model.visual_model.image_encoder.pos_embed")
        'sam.vision_encoder.pos_embed'
    """
    if published.startswith(_SAM_PART):
        inside = published.removeprefix(_SAM_PART)
        if own := _OWN_DECODER.match(inside):
            common = sam_name("mask_decoder." + inside[own.end() :])
            return f"{own[1]}_{common}"
        return f"sam.{sam_name(inside)}"
    for pattern, ours in _PARTS:
        name, found = re.subn(pattern, ours, published)
        if found:
            return name
    return None


def is_computed(published: str) -> bool:
    """Whether a stored tensor is no weight, but follows from the network's sizes."""
    return bool(_COMPUTED.search(published))

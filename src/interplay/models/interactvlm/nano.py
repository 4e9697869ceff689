"""A small InteractVLM: the same parts as the published one, each as small as generated scenes can teach."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from interplay.models.interactvlm.config import InteractVlmNetworkOptions, InteractVlmOptions
from interplay.models.interactvlm.modules import CameraEncoding, published_sam_config
from interplay.models.interactvlm.prompts import TokenType, segmentation_tokens
from interplay.models.interactvlm.words import END, START, WordTokenizer, word_list
from interplay.text.encoders import require_transformers

_SEEN, _PATCH = 112, 14
_DIM = 96
"""Of prompts and of SAM's embeddings."""


def nano_network(
    objects: Iterable[str],
    parts: Iterable[str],
    camera_encoder: CameraEncoding | None = "vi_v1",
    human_views: str = "4MV-Z_Vitru",
    views: int = 4,
    token_type: TokenType = "Gen",
    view_size: int | None = None,
    sam_size: int = 256,
    poses: bool = False,
) -> InteractVlmNetworkOptions:
    """The description of a network that knows these objects and body parts.

    Its vision tower sees 112 pixels; together 1.2 million parameters.

    Args:
        objects, parts: names that its words hold.
        camera_encoder, human_views, views, token_type, view_size, poses: see `InteractVlmOptions`.
        sam_size: pixels on a side of the views that SAM sees, a multiple of 64; its masks have a quarter of them.

    Raises:
        MissingExtraError: transformers is not installed.
    """
    require_transformers("contact")
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig

    tokens = segmentation_tokens(token_type)
    words = word_list(objects, parts, tokens)
    known = WordTokenizer(words)
    image_tokens = (_SEEN // _PATCH) ** 2
    vision = CLIPVisionConfig(
        hidden_size=96,
        intermediate_size=192,
        num_hidden_layers=3,
        num_attention_heads=4,
        image_size=_SEEN,
        patch_size=_PATCH,
    )
    text = LlamaConfig(
        hidden_size=96,
        intermediate_size=192,
        num_hidden_layers=3,
        num_attention_heads=4,
        vocab_size=len(words) + 1,
        bos_token_id=known.number(START),
        eos_token_id=known.number(END),
        pad_token_id=0,
        tie_word_embeddings=False,
    )
    projection: dict[str, Any] = {"image_token_id": len(words), "projector_hidden_act": "linear"}
    llava = LlavaConfig(vision_config=vision, text_config=text, image_seq_length=image_tokens, **projection)
    small: dict[str, Any] = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "mlp_dim": 128}
    sam = published_sam_config(
        sam_size,
        {"hidden_size": _DIM, "mask_input_channels": 4},
        {"hidden_size": _DIM, "mlp_dim": 128, "iou_head_hidden_dim": 16, "num_attention_heads": 4},
        global_attn_indexes=[1],
        window_size=4,
        output_channels=_DIM,
        num_pos_feats=_DIM // 2,
        **small,
    )
    ids = {name: known.number(name) for name in tokens}
    options = InteractVlmOptions(
        token_type=token_type,
        seg_id=ids["[SEG]"],
        human_id=ids.get("[HSEG]", ids.get("[ISEG]", ids["[SEG]"])),
        object_id=ids.get("[OSEG]", ids.get("[ISEG]", ids["[SEG]"])),
        image_token_id=len(words),
        image_tokens=image_tokens,
        camera_encoder=camera_encoder,
        views=views,
        dim=_DIM,
        human_views=human_views,
        view_size=view_size,
        crops=True,
        poses=poses,
    )
    return InteractVlmNetworkOptions(options=options, llava=llava.to_dict(), sam=sam.to_dict(), words=words)

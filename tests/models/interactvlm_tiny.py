"""An InteractVLM of a few thousand numbers, and its weights as the published code would store them."""

from __future__ import annotations

import torch
from torch import Tensor

from interplay.models.interactvlm.config import InteractVlmOptions
from interplay.models.interactvlm.modules import published_sam_config
from interplay.models.interactvlm.network import InteractVlm

VOCABULARY, IMAGE = 61, 60
SEG, HUMAN, OBJECT = 55, 56, 57


def tiny(**options: object) -> InteractVlm:
    """A random one; images have 4 tokens, SAM sees 64 pixels."""
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration, SamModel

    torch.manual_seed(3)
    vision = CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14
    )
    text = LlamaConfig(
        hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, vocab_size=VOCABULARY
    )
    llava = LlavaForConditionalGeneration(
        LlavaConfig(
            vision_config=vision,
            text_config=text,
            image_token_id=IMAGE,
            image_seq_length=4,
            projector_hidden_act="linear",
        )
    )
    seen = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "window_size": 2, "mlp_dim": 128}
    sam = SamModel(published_sam_config(64, global_attn_indexes=[1], **seen))
    numbers = {"seg_id": SEG, "human_id": SEG, "object_id": SEG, "image_token_id": IMAGE, "image_tokens": 4}
    return InteractVlm(llava, sam, InteractVlmOptions(**{**numbers, **options})).eval()


def conversation_ids(*answers: int) -> Tensor:
    """(1, T) a question about an image and an answer."""
    return torch.tensor([[1, 5, IMAGE, IMAGE, IMAGE, IMAGE, 7, 8, *answers]])

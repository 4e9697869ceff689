"""An InteractVLM of a few thousand numbers, and its weights as the published code would store them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from interplay.models.interactvlm.config import InteractVlmOptions
from interplay.models.interactvlm.modules import published_sam_config
from interplay.models.interactvlm.network import InteractVlm

VOCABULARY, IMAGE = 61, 60
SEG, HUMAN, OBJECT = 55, 56, 57
DIM = 32
"""Of prompts and of SAM's embeddings."""


def tiny(hidden: int = 48, **options: object) -> InteractVlm:
    """A random one; images have 4 tokens, SAM sees 64 pixels."""
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration, SamModel

    torch.manual_seed(3)
    vision = CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14
    )
    text = LlamaConfig(
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=2,
        num_attention_heads=4,
        vocab_size=VOCABULARY,
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
    decoder = {"hidden_size": DIM, "mlp_dim": 64, "iou_head_hidden_dim": 24}
    sam = SamModel(
        published_sam_config(
            64,
            {"hidden_size": DIM},
            decoder,
            global_attn_indexes=[1],
            output_channels=DIM,
            num_pos_feats=DIM // 2,
            **seen,
        )
    )
    numbers = {"seg_id": SEG, "human_id": SEG, "object_id": SEG, "image_token_id": IMAGE, "image_tokens": 4}
    numbers["dim"] = DIM
    model = InteractVlm(llava, sam, InteractVlmOptions(**{**numbers, **options})).eval()
    with torch.no_grad():  # as large as trained ones, so that every part shows in the result
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1 and "decoder" not in name.split(".")[0]:
                parameter.normal_(std=(parameter.shape[0] / parameter.numel()) ** 0.5)
            elif name.endswith("bias"):
                parameter.normal_(std=0.1)
        for own in (model.human_mask_decoder, model.object_mask_decoder):
            if own is not None:  # begin as copies
                own.load_state_dict(model.sam.mask_decoder.state_dict())
    return model


def conversation_ids(*answers: int) -> Tensor:
    """(1, T) a question about an image and an answer."""
    return torch.tensor([[1, 5, IMAGE, IMAGE, IMAGE, IMAGE, 7, 8, *answers]])


ROWS = 60
"""Tokens of the published vocabulary; the image's own comes after them."""
CONFIG = {
    "token_type": "Gen",
    "seg_token_idx": SEG,
    "hseg_token_idx": SEG,
    "oseg_token_idx": SEG,
    "img_emb_len": 3,
    "num_attention_heads": 4,
    "rms_norm_eps": 1e-6,
    "mm_vision_heads": 2,
    "hC_sam_view_type": "4MV-Z_Vitru_mv2",
    "cam_encoder_type": "vi_v1",
}
_PUBLISHED_SAM = (
    (r"^vision_encoder\.patch_embed\.projection", "image_encoder.patch_embed.proj"),
    (r"^vision_encoder\.layers\.(\d+)\.layer_norm", r"image_encoder.blocks.\1.norm"),
    (r"^vision_encoder\.layers\.", "image_encoder.blocks."),
    (r"^vision_encoder\.neck\.conv1", "image_encoder.neck.0"),
    (r"^vision_encoder\.neck\.layer_norm1", "image_encoder.neck.1"),
    (r"^vision_encoder\.neck\.conv2", "image_encoder.neck.2"),
    (r"^vision_encoder\.neck\.layer_norm2", "image_encoder.neck.3"),
    (r"^vision_encoder\.", "image_encoder."),
    (r"^shared_image_embedding\.positional_embedding", "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"),
    (r"encoder\.point_embed\.", "encoder.point_embeddings."),
    (r"mask_embed\.conv1", "mask_downscaling.0"),
    (r"mask_embed\.layer_norm1", "mask_downscaling.1"),
    (r"mask_embed\.conv2", "mask_downscaling.3"),
    (r"mask_embed\.layer_norm2", "mask_downscaling.4"),
    (r"mask_embed\.conv3", "mask_downscaling.6"),
    (r"upscale_conv1", "output_upscaling.0"),
    (r"upscale_layer_norm", "output_upscaling.1"),
    (r"upscale_conv2", "output_upscaling.3"),
    (r"layers\.0\.(weight|bias)$", r"layers.1.\1"),
    (r"proj_in", "layers.0"),
    (r"proj_out", "layers.2"),
    (r"layer_norm_final_attn", "norm_final_attn"),
    (r"transformer\.layers\.(\d+)\.layer_norm", r"transformer.layers.\1.norm"),
)


def published_name(name: str) -> str | None:
    """What the published code calls a parameter of ours, None for what it does not have."""
    if "linear_2" in name or "shared_embedding" in name:
        return None
    decoder = re.match(r"(human|object)_(mask_decoder\..*)", name)
    if name.startswith("sam.") or decoder:
        inside = decoder[2] if decoder else name.removeprefix("sam.")
        for pattern, theirs in _PUBLISHED_SAM:
            inside = re.sub(pattern, theirs, inside)
        return f"model.visual_model.{decoder[1] + '_' if decoder else ''}{inside}"
    for ours, theirs in (
        ("llava.model.multi_modal_projector.linear_1.", "model.mm_projector."),
        ("llava.model.vision_tower.", "model.vision_tower.vision_tower.vision_model."),
        ("llava.model.language_model.", "model."),
        ("llava.", ""),
        ("text_hidden_fcs.", "model.text_hidden_fcs."),
    ):
        if name.startswith(ours):
            return theirs + name.removeprefix(ours)
    return name


def weights(model: InteractVlm, tower: bool = True) -> dict[str, Tensor]:
    """The state of a tiny network as it would be published."""
    with torch.no_grad():  # what a published projector cannot have
        second = model.llava.model.multi_modal_projector.linear_2
        second.weight.copy_(torch.eye(len(second.weight)))
        second.bias.zero_()
        model.sam.prompt_encoder.shared_embedding.positional_embedding.copy_(
            model.sam.shared_image_embedding.positional_embedding
        )
        model.llava.model.language_model.embed_tokens.weight[ROWS:] = 0
        model.llava.lm_head.weight[ROWS:] = 0
    state = {}
    for name, tensor in model.state_dict().items():
        theirs = published_name(name)
        if theirs and (tower or "vision_tower" not in theirs):
            cut = theirs in ("model.embed_tokens.weight", "lm_head.weight")
            state[theirs] = (tensor[:ROWS] if cut else tensor).clone()
    return state


def write_folder(folder: Path, state: dict[str, Tensor], form: str = "pytorch_model.bin", **config: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({**CONFIG, **config}))
    suffix = Path(form).suffix
    save = (lambda part, file: save_file(part, file)) if suffix == ".safetensors" else torch.save
    if "index" not in form:
        save(state, folder / form)
        return folder
    suffix = Path(form.removesuffix(".index.json")).suffix
    save = (lambda part, file: save_file(part, file)) if suffix == ".safetensors" else torch.save
    names, places = list(state), {}
    for number in range(3):
        file = f"part-{number + 1}-of-3{suffix}"
        part = {name: state[name] for name in names[number::3]}
        save(part, folder / file)
        places |= dict.fromkeys(part, file)
    (folder / form).write_text(json.dumps({"weight_map": places}))
    return folder


def write_tokenizer(folder: Path, last: int = SEG) -> None:
    """One of whole words with the tokens 0 to `last`."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = {"<unk>": 0, "<s>": 1, "</s>": 2, **{f"w{n}": n for n in range(3, last + 1)}, "[SEG]": SEG}
    del words[f"w{SEG}"]
    plain = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Split("[SEG]", "isolated")
    special = {"unk_token": "<unk>", "pad_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
    PreTrainedTokenizerFast(tokenizer_object=plain, **special).save_pretrained(folder)

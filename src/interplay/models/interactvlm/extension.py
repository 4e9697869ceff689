"""A network that learns what the one it starts from does not have: cameras of views, tokens for people and objects.

LISA's weights, from which the published trainings start, know one token for masks and no views.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from interplay.errors import InputError
from interplay.models.interactvlm.config import InteractVlmOptions
from interplay.models.interactvlm.network import InteractVlm
from interplay.models.interactvlm.prompts import TokenType, segmentation_tokens
from interplay.models.interactvlm.tokenizer import with_tokens

_EMBEDDINGS = ("llava.model.language_model.embed_tokens", "llava.lm_head")


def token_options(options: InteractVlmOptions, tokenizer: Any, token_type: TokenType) -> tuple[InteractVlmOptions, Any]:
    """Options and a tokenizer with tokens for masks of a kind.

    Raises:
        InputError: the network has tokens of a third kind.
    """
    if options.token_type == token_type:
        return options, tokenizer
    if options.token_type != "Gen":
        raise InputError(
            f"model.token_type: the base has {options.token_type}, the recipe {token_type}; only tokens of Gen, which "
            "are [SEG] alone, can be added to"
        )
    names = segmentation_tokens(token_type)
    larger = with_tokens(tokenizer, names)
    seg, *others = (larger.convert_tokens_to_ids(name) for name in names)
    if seg != options.seg_id:
        raise InputError(f"[SEG] is token {seg} of the tokenizer and {options.seg_id} of the network")
    last = max(options.image_token_id, len(larger))  # the image's place stays the last one
    changes = {"token_type": token_type, "human_id": others[0], "object_id": others[-1], "image_token_id": last}
    return options.model_copy(update=changes), larger


def extend(network: InteractVlm, options: InteractVlmOptions) -> tuple[InteractVlm, list[str]]:
    """The network with the parts and tokens of other options; its own parts, which it shares, are as they were.

    New tokens start as ``[SEG]`` does, since they stand for what it stood for; the published code starts them at
    random. Other new parts start at random.

    Args:
        network: it is used up: its language model grows.
        options: where they leave out a part that the network has, it is left out.

    Returns:
        The network, and the names of the parameters that are new.

    Raises:
        InputError: another camera encoder than the network's, or for another number of views.
    """
    before = network.options
    kept = before.camera_encoder is not None and options.camera_encoder is not None
    if kept and (before.camera_encoder, before.views) != (options.camera_encoder, options.views):
        raise InputError(
            f"model.camera_encoder: the base has {before.camera_encoder} for {before.views} views, the recipe "
            f"{options.camera_encoder} for {options.views}"
        )
    if options == before:
        return network, []
    fresh = _grow(network, options)
    kind = next(network.text_hidden_fcs.parameters())
    larger = InteractVlm(network.llava, network.sam, options)
    for name, part in list(larger.named_children()):
        own = getattr(network, name, None)
        if own is not None:
            setattr(larger, name, own)
        elif isinstance(part, nn.Module):
            part.to(kind.device, kind.dtype)
            fresh += [f"{name}.{each}" for each, _ in part.named_parameters()]
    return larger.train(network.training), fresh


@torch.no_grad()
def _grow(network: InteractVlm, options: InteractVlmOptions) -> list[str]:
    """Rows for new tokens, in what is free or after it, the image's last; returns the names of what has some."""
    before = network.options
    new = [token for token in options.mask_ids if token not in before.mask_ids]
    if options.image_token_id != before.image_token_id:
        network.llava.resize_token_embeddings(options.image_token_id + 1, mean_resizing=False)
        network.llava.config.image_token_id = options.image_token_id
    for name in _EMBEDDINGS if new else ():
        rows = network.get_submodule(name).get_parameter("weight")
        rows[options.image_token_id] = 0
        rows[new] = rows[before.seg_id].clone()
    return [f"{name}.weight" for name in _EMBEDDINGS if new]

"""Checkpoints of the published GEN-VLKT code, as `interplay.models.gen_vlkt`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

import torch
from pydantic import ValidationError
from torch import Tensor
from torch.nn import functional as F

from interplay.datasets.zero_shot import split_of
from interplay.errors import InputError
from interplay.models.gen_vlkt.config import GenVlktConfig, GenVlktDecodingOptions, GenVlktNetworkOptions, TextOptions
from interplay.models.gen_vlkt.model import GenVlkt, has_absent, object_classes
from interplay.models.weights import build_with
from interplay.vocabulary import Vocabulary

_NAMES: tuple[tuple[str, str], ...] = (
    (r"backbone\.0\.body\.", "network.backbone."),
    (r"input_proj\.", "network.input."),
    (r"transformer\.encoder\.layers\.(\d+)\.self_attn\.in_proj_", r"network.encoder.\1.attention.projection."),
    (r"transformer\.encoder\.layers\.(\d+)\.self_attn\.out_proj\.", r"network.encoder.\1.attention.output."),
    (r"transformer\.encoder\.layers\.(\d+)\.linear1\.", r"network.encoder.\1.feed_forward.0."),
    (r"transformer\.encoder\.layers\.(\d+)\.linear2\.", r"network.encoder.\1.feed_forward.3."),
    (r"transformer\.encoder\.layers\.(\d+)\.", r"network.encoder.\1."),
    (r"transformer\.(\w+_decoder\.layers\.\d+)\.self_attn\.in_proj_", r"network.\1.self_attention.projection."),
    (r"transformer\.(\w+_decoder\.layers\.\d+)\.self_attn\.out_proj\.", r"network.\1.self_attention.output."),
    (r"transformer\.(\w+_decoder\.layers\.\d+)\.multihead_attn\.in_proj_", r"network.\1.cross_attention.projection."),
    (r"transformer\.(\w+_decoder\.layers\.\d+)\.multihead_attn\.out_proj\.", r"network.\1.cross_attention.output."),
    (r"transformer\.(\w+_decoder\.layers\.\d+)\.linear1\.", r"network.\1.feed_forward.0."),
    (r"transformer\.(\w+_decoder\.layers\.\d+)\.linear2\.", r"network.\1.feed_forward.3."),
    (r"transformer\.(\w+_decoder)\.", r"network.\1."),
    (r"query_embed_h\.weight", "network.queries.human"),
    (r"query_embed_o\.weight", "network.queries.object"),
    (r"pos_guided_embedd\.weight", "network.queries.guide"),
    (r"hum_bbox_embed\.layers\.0\.", "network.heads.human_box.0."),
    (r"hum_bbox_embed\.layers\.1\.", "network.heads.human_box.2."),
    (r"hum_bbox_embed\.layers\.2\.", "network.heads.human_box.4."),
    (r"obj_bbox_embed\.layers\.0\.", "network.heads.object_box.0."),
    (r"obj_bbox_embed\.layers\.1\.", "network.heads.object_box.2."),
    (r"obj_bbox_embed\.layers\.2\.", "network.heads.object_box.4."),
    (r"hoi_class_fc\.", "network.heads.feature."),
    (r"obj_class_fc\.", "network.heads.object."),
    (r"obj_visual_projection\.", "network.heads.object.2."),
    (r"obj_logit_scale", "network.heads.object.2.logit_scale"),
    (r"obj_class_embed\.", "network.heads.object."),
    (r"hoi_class_embedding\.", "network.heads.interaction."),
    (r"visual_projection\.", "network.heads.interaction."),
    (r"logit_scale", "network.heads.interaction.logit_scale"),
)
"""Beginning of a published name -> of ours; the first that matches counts."""

_PUBLISHED_QUERIES = "query_embed_h.weight"


def load(state: Mapping[str, Tensor], vocabulary: Vocabulary | None = None) -> GenVlkt:
    """A model from a published state dict; variant and data set are read off names and shapes.

    Args:
        state: parameter name -> tensor, as published.
        vocabulary: needed only if the model was trained on one's own data.

    Returns:
        The model in evaluation mode, with the published rules for its data set.

    Raises:
        InputError: the names are not GEN-VLKT's, its number of classes fits no vocabulary, or names are missing.
    """
    if _PUBLISHED_QUERIES not in state:
        raise InputError(
            f"these are not the weights of a published GEN-VLKT: {_PUBLISHED_QUERIES!r} is missing among {len(state)} "
            f"names such as {', '.join(list(state)[:3])}"
        )
    zero_shot = "eval_visual_projection.weight" in state
    vocabulary = vocabulary or _vocabulary(state)
    network = network_options(state)
    seen, split, own = None, None, None
    if zero_shot:
        own = len(state["visual_projection.weight"])
        seen = seen_rows(state["visual_projection.weight"], state["eval_visual_projection.weight"])
        split = split_of(vocabulary, seen) if seen is not None else None
    config = GenVlktConfig(
        network=network,
        decoding=GenVlktDecodingOptions(rule="verb", nms=False) if has_absent(vocabulary) else GenVlktDecodingOptions(),
        text=TextOptions(freeze=zero_shot, zero_shot=split),
    )
    renamed = {our_name(name, zero_shot): tensor for name, tensor in state.items()}
    if seen is not None:
        renamed["seen"] = torch.tensor(seen)
    build = partial(GenVlkt, vocabulary, config, seen=seen, own_seen_classifier=own)
    return build_with(build, renamed, "the weights do not fit GEN-VLKT", with_others=True)


def our_name(name: str, zero_shot: bool = False) -> str:
    """Our name of a published parameter.

    Args:
        name: as published.
        zero_shot: whether the checkpoint has two interaction classifiers; then ``visual_projection`` is the one that
            training uses, and ``eval_visual_projection`` the model's own.
    """
    if zero_shot and name.startswith("visual_projection."):
        return f"seen_{name.removeprefix('visual_projection.')}"
    name = name.removeprefix("eval_")
    for pattern, replacement in _NAMES:
        if match := re.match(pattern, name):
            return match.expand(replacement) + name[match.end() :]
    return name


def network_options(state: Mapping[str, Tensor]) -> GenVlktNetworkOptions:
    """What the published network is made of; the number of attention heads, which no shape tells, is the usual 8."""
    if "transformer.encoder.norm.weight" in state:
        raise InputError(
            "the weights were trained with normalisation before each layer (pre_norm), which neither the published "
            "models nor this network have"
        )
    queries = state[_PUBLISHED_QUERIES]
    if queries.ndim != 2:
        raise InputError(f"the weights do not fit GEN-VLKT: {_PUBLISHED_QUERIES} has shape {tuple(queries.shape)}")
    try:
        return GenVlktNetworkOptions(
            backbone="resnet101" if "backbone.0.body.layer3.22.conv1.weight" in state else "resnet50",
            width=queries.shape[1],
            feed_forward=_length(state, "transformer.instance_decoder.layers.0.linear1.weight"),
            encoder_layers=_layers(state, "transformer.encoder.layers"),
            decoder_layers=_layers(state, "transformer.instance_decoder.layers"),
            queries=len(queries),
            embedding=_length(state, "hoi_class_fc.0.weight"),
            interaction_text="hoi_class_embedding.weight" not in state,
            object_text="obj_class_fc.0.weight" in state,
        )
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "network"
        raise InputError(f"the weights do not fit GEN-VLKT: {field}: {first['msg']}") from None


def unused_names(state: Mapping[str, Tensor], model: GenVlkt) -> list[str]:
    """Published names that no part of the model answers to."""
    own, zero_shot = model.state_dict().keys(), model.seen_weight is not None
    return [name for name in state if our_name(name, zero_shot) not in own]


def seen_rows(rows: Tensor, full: Tensor) -> list[int] | None:
    """Which interactions a zero-shot classifier was trained for: for each row, where it is in the full classifier.

    Returns:
        Ascending indices, or None if the rows are not found in this order.
    """
    similarity = F.normalize(rows.double(), dim=1) @ F.normalize(full.double(), dim=1).T
    value, index = similarity.max(1)
    if bool((value > 0.99).all()) and bool((index.diff() > 0).all()):
        return index.tolist()
    return None


def _vocabulary(state: Mapping[str, Tensor]) -> Vocabulary:
    first = ("eval_visual_projection.weight", "visual_projection.weight", "hoi_class_embedding.weight")
    interactions = next((len(state[name]) for name in first if name in state), 0)
    objects = next(
        (len(state[name]) for name in ("obj_visual_projection.weight", "obj_class_embed.weight") if name in state), 0
    )
    for name in ("hico-det", "v-coco"):
        vocabulary = Vocabulary.load(name)
        if (interactions, objects) == (len(vocabulary.interactions), len(object_classes(vocabulary))):
            return vocabulary
    raise InputError(
        f"a network with {interactions} interactions and {objects} object classes was trained on neither HICO-DET "
        "(600, 81) nor V-COCO (263, 82): give the vocabulary that it was trained with"
    )


def _layers(state: Mapping[str, Tensor], prefix: str) -> int:
    numbers = {name[len(prefix) + 1 :].split(".")[0] for name in state if name.startswith(f"{prefix}.")}
    if numbers != {str(number) for number in range(len(numbers))}:
        raise InputError(f"the weights do not fit GEN-VLKT: {prefix} has the layers {', '.join(sorted(numbers)[:5])}")
    return len(numbers)


def _length(state: Mapping[str, Tensor], name: str) -> int:
    if name not in state:
        raise InputError(f"the weights do not fit GEN-VLKT: {name} is missing")
    return len(state[name])

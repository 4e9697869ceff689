"""DETR's published COCO checkpoints as a start for GEN-VLKT (Section 4.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from interplay.checkpoints.state_dicts import find_state_dict
from interplay.errors import InputError
from interplay.models.gen_vlkt.convert import our_name
from interplay.models.gen_vlkt.model import GenVlkt
from interplay.vocabulary import COCO_91_IDS, Vocabulary

_COPIED = tuple(
    f"network.{part}."
    for part in (
        "backbone", "input", "encoder", "instance_decoder", "interaction_decoder", "heads.human_box", "heads.object_box"
    )
)  # fmt: skip
"""What a DETR checkpoint has all of."""

_BACKGROUND = 91
"""DETR's row for "no object", after rows for COCO's ids 0..90."""


@torch.no_grad()
def initialise_from_detr(
    model: GenVlkt, state: Mapping[str, Tensor], queries: Literal["fresh", "detr"] = "fresh"
) -> list[str]:
    """Copy what fits from a DETR checkpoint, in place.

    Backbone, input projection and encoder are copied; the first layers of DETR's decoder and its final normalisation
    to both decoders; its box head to both box heads; its class rows to the object classifier where that is not made
    of text.

    Args:
        model: to initialise.
        state: the content of a checkpoint published by DETR (ResNet-50 or ResNet-101), or the weights in it.
        queries: the published conversion leaves the queries ``fresh``. ``detr`` starts human and object queries
            from DETR's first ones, with a position guidance of zero, so that both branches start as DETR's own decoder.

    Returns:
        Names of the model's parameters that are newly initialised.

    Raises:
        InputError: not a DETR checkpoint, or one of another size.
    """
    state = find_state_dict(state)
    if "class_embed.weight" not in state or "query_embed.weight" not in state:
        raise InputError(
            f"this is no checkpoint of DETR: expected class_embed.weight and query_embed.weight, got names such as "
            f"{', '.join(list(state)[:3]) or 'none'}"
        )
    own = model.state_dict()
    copied = {}
    for name, tensor in state.items():
        for target in _targets(name):
            if target in own:
                copied[target] = tensor
    if isinstance(model.network.heads.object, nn.Linear):
        copied |= _class_rows(state, model.network.heads.object, model.vocabulary)
    if queries == "detr":
        copied |= _queries(state["query_embed.weight"], own)
    wrong = [name for name, tensor in copied.items() if tensor.shape != own[name].shape]
    absent = [name for name in own if name.startswith(_COPIED) and name not in copied]
    left = [name for name in state if re.match(r"backbone\.0\.body\.layer", name) and _targets(name)[0] not in own]
    left = [name for name in left if not name.endswith("num_batches_tracked")]
    if wrong or absent or left:
        example = (
            f"{wrong[0]} has shape {tuple(copied[wrong[0]].shape)} instead of {tuple(own[wrong[0]].shape)}"
            if wrong
            else f"it lacks {absent[0]}"
            if absent
            else f"its {left[0]} has no place in it"
        )
        raise InputError(f"this DETR does not fit a model with {model.config.network.backbone}: {example}")
    model.load_state_dict(copied, strict=False)
    return [name for name, _ in model.named_parameters() if name not in copied]


def _targets(name: str) -> list[str]:
    """Our names of the parameters that start from a DETR parameter."""
    if name.startswith("transformer.decoder."):
        rest = name.removeprefix("transformer.decoder.")
        return [our_name(f"transformer.{branch}_decoder.{rest}") for branch in ("instance", "interaction")]
    if name.startswith("bbox_embed."):
        return [our_name(f"{branch}_{name}") for branch in ("hum", "obj")]
    if name.startswith(("backbone.", "input_proj.", "transformer.encoder.")):
        return [our_name(name)]
    return []


def _class_rows(state: Mapping[str, Tensor], classifier: nn.Linear, vocabulary: Vocabulary) -> dict[str, Tensor]:
    """Rows of the objects that COCO knows, and of the background; others keep their initial values."""
    coco = Vocabulary.load("coco")
    known = {name: COCO_91_IDS[i] for i, name in enumerate(coco.objects)}
    rows = [(i, known[name]) for i, name in enumerate(vocabulary.objects) if name in known]
    ours, theirs = map(list, zip(*rows, (len(classifier.weight) - 1, _BACKGROUND), strict=True))
    copied = {}
    for kind in ("weight", "bias"):
        values = getattr(classifier, kind).clone()
        values[ours] = state[f"class_embed.{kind}"][theirs]
        copied[f"network.heads.object.{kind}"] = values
    return copied


def _queries(table: Tensor, own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    count = len(own["network.queries.human"])
    if len(table) < count:
        raise InputError(f"this DETR has {len(table)} queries, the model needs {count}")
    copied = {f"network.queries.{kind}": table[:count] for kind in ("human", "object")}
    copied["network.queries.guide"] = torch.zeros_like(table[:count])
    return {name: tensor for name, tensor in copied.items() if name in own}

"""DETR's published COCO checkpoints as a start for GEN-VLKT (Section 4.1)."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
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
"""DETR's row for "no object", after rows for COCO's ids 0..90; the last one in every DETR."""


@torch.no_grad()
def initialise_from_detr(
    model: GenVlkt,
    state: Mapping[str, Tensor],
    queries: Literal["fresh", "detr"] = "fresh",
    classes: Sequence[str] = (),
) -> list[str]:
    """Copy what fits from a DETR checkpoint, in place.

    Backbone, input projection and encoder are copied; the first layers of DETR's decoder and its final normalisation
    to both decoders; its box head to both box heads; its class rows to the object classifier where that is not made
    of text, by the names of the classes. A fine-tuned DETR has a head of another size, or none: what its rows mean is
    taken from `classes`, and without names the object classifier keeps its initial values, with a warning.

    Args:
        model: to initialise.
        state: the content of a checkpoint published by DETR (ResNet-50 or ResNet-101), or the weights in it.
        queries: the published conversion leaves the queries ``fresh``. ``detr`` starts human and object queries
            from DETR's first ones, with a position guidance of zero, so that both branches start as DETR's own decoder.
        classes: names of the rows of its class head in order, without "no object"; by default COCO's where it has
            COCO's 92 rows.

    Returns:
        Names of the model's parameters that are newly initialised.

    Raises:
        InputError: not a DETR checkpoint, or one of another size.
    """
    state = find_state_dict(state)
    if "query_embed.weight" not in state or not any(name.startswith("transformer.decoder.") for name in state):
        raise InputError(
            f"this is no checkpoint of DETR: expected query_embed.weight and transformer.decoder.*, got names such as "
            f"{', '.join(list(state)[:3]) or 'none'}"
        )
    own = model.state_dict()
    copied = {}
    for name, tensor in state.items():
        for target in _targets(name):
            if target in own:
                copied[target] = tensor
    if isinstance(model.network.heads.object, nn.Linear):
        copied |= _class_rows(state, model.network.heads.object, model.vocabulary, classes)
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


def _class_rows(
    state: Mapping[str, Tensor], classifier: nn.Linear, vocabulary: Vocabulary, classes: Sequence[str]
) -> dict[str, Tensor]:
    """Rows of the objects that the DETR knows, and of the background; others keep their initial values."""
    weight, bias = state.get("class_embed.weight"), state.get("class_embed.bias")
    if weight is None or bias is None:
        warnings.warn("this DETR has no class head; the object classifier starts anew", stacklevel=3)
        return {}
    if classes and len(classes) + 1 != len(weight):
        raise InputError(
            f"this DETR has {len(weight)} class rows, the last one for no object, and detr_classes {len(classes)} names"
        )
    if classes:
        names = Vocabulary.from_names(classes, ["is there"])
        known = {name: names.find_object(name) for name in vocabulary.objects if names.find_object(name) >= 0}
    elif len(weight) == _BACKGROUND + 1:
        coco = Vocabulary.load("coco")
        known = {name: COCO_91_IDS[i] for i, name in enumerate(coco.objects)}
    else:
        warnings.warn(
            f"this DETR has {len(weight)} class rows, COCO's has {_BACKGROUND + 1}: what they mean is not known, and "
            "the object classifier starts anew. Give detr_classes, the names of its classes in order, to copy them",
            stacklevel=3,
        )
        return {}
    if weight.shape[1:] != classifier.weight.shape[1:] or bias.shape != weight.shape[:1]:
        raise InputError(
            f"this DETR does not fit: its class head has shape {tuple(weight.shape)} instead of "
            f"(..., {classifier.weight.shape[1]})"
        )
    rows = [(i, known[name]) for i, name in enumerate(vocabulary.objects) if name in known]
    ours, theirs = map(list, zip(*rows, (len(classifier.weight) - 1, len(weight) - 1), strict=True))
    copied = {}
    for kind, given in (("weight", weight), ("bias", bias)):
        values = getattr(classifier, kind).clone()
        values[ours] = given[theirs].to(values)
        copied[f"network.heads.object.{kind}"] = values
    return copied


def _queries(table: Tensor, own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    count = len(own["network.queries.human"])
    if len(table) < count:
        raise InputError(f"this DETR has {len(table)} queries, the model needs {count}")
    copied = {f"network.queries.{kind}": table[:count] for kind in ("human", "object")}
    copied["network.queries.guide"] = torch.zeros_like(table[:count])
    return {name: tensor for name, tensor in copied.items() if name in own}

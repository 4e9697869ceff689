"""Names and shapes of published weights of every system, made of this package's own networks.

Whole files have up to 400 MB. A list of names and shapes has all that the converters look at, and can be damaged a
thousand times.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from interplay.containers.json_files import parse_json
from interplay.errors import InputError

Shapes = dict[str, list[int]]

_MOST_NUMBERS = 1 << 28
_TYPES = ("float32", "float16", "bfloat16", "float64", "int64", "bool")

_HEADS = (
    ("glance.0", "hm_rel.{s}.0.conv", "hm_rel.0"), ("glance_heatmap", "hm_rel.{s}.1", "hm_rel.2"),
    *((f"{head}.{ours}", f"{head}.{{s}}.{theirs}", f"{head}.{ours}")
      for head in ("hm", "wh", "reg", "sub_offset", "obj_offset") for ours, theirs in ((0, "0.conv"), (2, "1"))),
    ("gaze.0.features.0", "hm_dcn1.{s}.conv", ""), ("gaze.1.features.0", "hm_dcn2.{s}.conv", ""),
    ("gaze.0.points.predict", "refine_dcn1.{s}.conv_offset_mask", ""),
    ("gaze.1.points.predict", "refine_dcn2.{s}.conv_offset_mask", ""),
    ("gaze.0.aggregate", "refine_dcn1.{s}", ""), ("gaze.1.aggregate", "refine_dcn2.{s}", ""),
    ("gaze_heatmaps.0", "refine_head1.{s}.0", ""), ("gaze_heatmaps.1.0", "refine_head2.{s}.0.conv", ""),
    ("gaze_heatmaps.1.2", "refine_head2.{s}.1", ""),
)  # fmt: skip
"""Inside our heads -> published name for hourglass networks, and for DLA networks."""

_TIN = (
    (r"backbone\.(block\d)\.", r"resnet_v1_50/\1/"), (r"human_block\.", "resnet_v1_50/block4/"),
    (r"object_block\.", "resnet_v1_50/block5/"), (r"backbone\.", "resnet_v1_50/"),
    (r"attention\.(phi|g)\.", r"ho_att/head_\1/"), (r"attention\.query\.human\.", "ho_att/Att_H/fc1_b/"),
    (r"attention\.query\.object\.", "ho_att/Att_O/fc1_b/"),
    (r"attention\.bottleneck\.", "ho_att/bottleneck/bottleneck/"), (r"spatial\.conv(\d)\.", r"resnet_v1_50/conv\1_sp/"),
    (r"human_head\.0\.", "fc8_SH/"), (r"human_head\.1\.", "fc9_SH/"), (r"object_head\.0\.", "fc8_SO/"),
    (r"object_head\.1\.", "fc9_SO/"), (r"spatial_head\.0\.", "Concat_SHsp/"), (r"spatial_head\.1\.", "fc7_SHsp/"),
    (r"classify\.(H|O|sp)\.", r"classification/cls_score_\1/"), (r"discriminator\.", "fc_binary/"),
    (r"interactive\.", "binary_classification/cls_score_binary/"), (r"compress\.", "Compress/dim_red_head/"),
    (r"part_discriminators\.(\d)\.", r"binary_cls_all/score_\1/fc_0/"),
    (r"part_interactive\.(\d)\.", r"binary_cls_all/score_\1/cls_P/cls_score_binary/"),
    (r"part_attention\.score\.", "vec_classification/fully_connected_2/"),
    (r"part_attention\.fc2\.", "vec_classification/fully_connected_1/"),
    (r"part_attention\.fc1\.", "vec_classification/fully_connected/"),
)  # fmt: skip
_TIN_INNER = (
    (r"block(\d)/(\d)\.", lambda m: f"block{m[1]}/unit_{int(m[2]) + 1}/bottleneck_v1/"),
    (r"downsample\.0\.", "shortcut/"), (r"downsample\.1\.", "shortcut/BatchNorm/"), (r"bn(\d)\.", r"conv\1/BatchNorm/"),
    (r"norm\.", "BatchNorm/"), (r"dense\.", ""), (r"pose\.conv(\d)\.", r"conv\1_pose_map/"),
    (r"fc8_(\d)\.", r"fc8_binary_\1/"), (r"fc9\.", "fc9_binary/"), (r"(conv\d)\.", r"\1/"),
)  # fmt: skip
_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}


def published_shapes(tests: Any) -> dict[str, Shapes]:
    """Names and shapes by ``SYSTEM_VARIANT``.

    Args:
        tests: gives a module below ``tests`` by its file.
    """
    return {**_gen_vlkt(tests("models/test_published.py")), **_ggnet(tests("models/test_centernet.py")), **_tin()}


def start_shapes(tests: Any) -> dict[str, Shapes]:
    """The same of the weights that a training starts from: DETR's and CenterNet's."""
    detr = {}
    for name, shape in _gen_vlkt(tests("models/test_published.py"))["gen-vlkt_labels"].items():
        renamed = name.replace("instance_decoder", "decoder").replace("obj_bbox", "bbox")
        if renamed.startswith(("backbone.", "input_proj.", "transformer.encoder", "transformer.decoder", "bbox_embed")):
            detr[renamed] = shape
    detr |= {"query_embed.weight": [100, 16], "class_embed.weight": [92, 16], "class_embed.bias": [92]}
    networks = tests("models/test_centernet.py").NETWORKS
    return {"detr": detr, "centernet": {name: list(shape) for name, shape in networks["dla-34"]()}}


def read_published(path: Path) -> Any:
    """A model of the listed tensors, as if they were a checkpoint's, without memory for its weights."""
    import torch

    from interplay.models.published import load_published

    state = tensors(parse_json(path.read_bytes(), str(path)))
    with torch.device("meta"):
        return load_published(path.stem.partition("_")[0], state)


def read_start(path: Path) -> Any:
    """What a model has not got from the listed tensors."""
    state = tensors(parse_json(path.read_bytes(), str(path)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about class heads, which the messages are about too
        if path.stem == "detr":
            from interplay.models.gen_vlkt.detr import initialise_from_detr

            return initialise_from_detr(_starting("detr"), state, "detr")
        from interplay.models.ggnet.convert import initialise_from_centernet

        return initialise_from_centernet(_starting("centernet"), state)


@cache
def _starting(kind: str) -> Any:
    from interplay import Vocabulary

    vocabulary = Vocabulary.load("hico-det")
    if kind == "detr":
        from interplay.models.gen_vlkt import GenVlkt, GenVlktConfig

        network = {"width": 16, "feed_forward": 32, "encoder_layers": 2, "decoder_layers": 3, "queries": 3,
                   "embedding": 12, "interaction_text": False, "object_text": False}  # fmt: skip
        return GenVlkt(vocabulary, GenVlktConfig.model_validate({"network": network}))
    from interplay.models.ggnet import GGNet, GGNetConfig

    return GGNet(vocabulary, GGNetConfig.model_validate({"network": {"backbone": "dla-34"}}))


def tensors(listed: Any) -> dict[str, Any]:
    """Tensors of zeros that take no memory.

    Raises:
        InputError: the list is none, or of more numbers than any file holds.
    """
    import torch

    if not isinstance(listed, Mapping):
        raise InputError("no list of names")
    made, numbers = {}, 0
    for name, shape in listed.items():
        kind = "float32"
        if isinstance(shape, list) and shape and shape[0] in _TYPES:
            kind, *shape = shape
        if not isinstance(shape, list) or not all(type(n) is int and 0 <= n < _MOST_NUMBERS for n in shape):
            raise InputError("no shape")
        numbers += math.prod(shape)
        if numbers > _MOST_NUMBERS:
            raise InputError("too many numbers")
        made[name] = torch.zeros((), dtype=getattr(torch, kind)).expand(shape)
    return made


def _shapes_of(network: Any) -> Shapes:
    return {name: list(tensor.shape) for name, tensor in network.state_dict().items()}


def _gen_vlkt(made_by: Any) -> dict[str, Shapes]:
    import torch

    made = made_by.PublishedGenVlkt
    with torch.device("meta"):
        networks = {"hico": made(600, 81), "vcoco": made(263, 82), "labels": made(600, 81, text=False),
                    "zero-shot": made(600, 81, seen=480)}  # fmt: skip
    return {f"gen-vlkt_{name}": _shapes_of(network) for name, network in networks.items()}


def _ggnet(made_by: Any) -> dict[str, Shapes]:
    import torch

    from interplay import Vocabulary
    from interplay.models.ggnet import GGNet, GGNetConfig

    variants = {
        "hourglass": ("hourglass-104", {"gaze_steps": 2, "matching": "per-verb"}),
        "ppdm": ("dla-34", {"gaze_steps": 0, "matching": "shared", "matching_input": "backbone"}),
    }
    found = {}
    for name, (backbone, more) in variants.items():
        config = GGNetConfig.model_validate({"network": {"backbone": backbone, **more}})
        with torch.device("meta"):
            heads = _shapes_of(GGNet(Vocabulary.load("hico-det"), config))
        shapes = {own: list(shape) for own, shape in made_by.NETWORKS[backbone]()
                  if not re.match(r"(hm|wh|reg)\.", own)}  # fmt: skip
        shapes.update(_head_names(heads, hourglass=backbone.startswith("hourglass")))
        found[f"ggnet_{name}"] = shapes
    return found


def _head_names(own: Shapes, hourglass: bool) -> Shapes:
    found = {}
    for name, shape in own.items():
        match = re.match(r"heads\.(\d)\.(.+)\.(weight|bias)$", name)
        if match:
            theirs = next((row for row in _HEADS if row[0] == match[2]), None)
            if theirs is not None:
                found[f"{(theirs[1] if hourglass else theirs[2]).format(s=match[1])}.{match[3]}"] = shape
    return found


def _tin() -> dict[str, Shapes]:
    import torch

    from interplay.models.tin.network import TinNetwork
    from interplay.models.tin.parts_network import TinPartNetwork

    with torch.device("meta"):
        networks = {"hico": TinNetwork(600, "interaction"), "vcoco": TinNetwork(29, "verb"), "parts": TinPartNetwork()}
    found = {f"tin_{name}": _tensorflow(_shapes_of(network).items()) for name, network in networks.items()}
    found["tin_torch"] = _tensorflow(_shapes_of(networks["hico"]).items(), turned=False)
    return found


def _tensorflow(own: Iterable[tuple[str, list[int]]], turned: bool = True) -> Shapes:
    """TensorFlow's names, and its order of axes."""
    found = {}
    for name, shape in own:
        renamed = name
        for pattern, theirs in _TIN:
            renamed, count = re.subn(f"^{pattern}", theirs, renamed)
            if count:
                break
        for pattern, inner in _TIN_INNER:
            renamed = re.sub(pattern, inner, renamed)
        *parents, leaf = renamed.split("/")
        leaf = _NORM.get(leaf, leaf) if parents[-1] == "BatchNorm" else {"weight": "weights", "bias": "biases"}[leaf]
        if turned and leaf == "weights":
            shape = [shape[2], shape[3], shape[1], shape[0]] if len(shape) == 4 else shape[::-1]
        found["/".join([*parents, leaf])] = shape
    return found

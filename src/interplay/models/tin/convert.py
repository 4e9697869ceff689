"""Checkpoints of the published TIN code (TensorFlow's names), as `interplay.models.tin`'s networks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor, nn

from interplay.errors import InputError
from interplay.models.tin.config import TinConfig, TinNetworkOptions
from interplay.models.tin.model import TinModel
from interplay.models.tin.network import TinNetwork
from interplay.models.tin.parts_network import TinPartNetwork
from interplay.models.tin.published import published_actions
from interplay.models.weights import build_with
from interplay.vocabulary import Vocabulary

_PREFIXES: tuple[tuple[str, str], ...] = (
    (r"resnet_v1_50/block4/", "human_block/"),
    (r"resnet_v1_50/block5/", "object_block/"),
    (r"resnet_v1_50/(block[123])/", r"backbone/\1/"),
    (r"resnet_v1_50/conv1/BatchNorm", "backbone/bn1"),
    (r"resnet_v1_50/conv1/", "backbone/conv1/"),
    (r"resnet_v1_50/conv([12])_sp", r"spatial/conv\1"),
    (r"(?:ho_att/)?head_(phi|g)", r"attention/\1"),
    (r"(?:ho_att/)?Att_H/fc1_b", "attention/query/human"),
    (r"(?:ho_att/)?Att_O/fc1_b", "attention/query/object"),
    (r"(?:ho_att/)?bottleneck/bottleneck", "attention/bottleneck"),
    (r"fc8_SH", "human_head/0"),
    (r"fc9_SH", "human_head/1"),
    (r"fc8_SO", "object_head/0"),
    (r"fc9_SO", "object_head/1"),
    (r"Concat_SHsp", "spatial_head/0"),
    (r"fc7_SHsp", "spatial_head/1"),
    (r"classification/cls_score_(H|O|sp)", r"classify/\1"),
    (r"fc_binary/", "discriminator/"),
    (r"binary_classification/cls_score_binary", "interactive"),
    (r"Compress/dim_red_head", "compress"),
    (r"binary_cls_all/score_(\d)/fc_0/", r"part_discriminators/\1/"),
    (r"binary_cls_all/score_(\d)/cls_P/cls_score_binary", r"part_interactive/\1"),
    (r"vec_classification/fully_connected_2", "part_attention/score"),
    (r"vec_classification/fully_connected_1", "part_attention/fc2"),
    (r"vec_classification/fully_connected", "part_attention/fc1"),
)
"""Beginning of a published name -> of ours; the first that matches counts."""

_LEAVES = {
    "weights": "weight",
    "biases": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}

_INNER: tuple[tuple[str, str], ...] = (
    (r"/shortcut/BatchNorm", "/downsample/1"),
    (r"/shortcut/", "/downsample/0/"),
    (r"/conv([123])/BatchNorm", r"/bn\1"),
    (r"/conv([12])_pose_map", r"/pose/conv\1"),
    (r"/fc8_binary_([12])", r"/fc8_\1"),
    (r"/fc9_binary", "/fc9"),
)

_OPTIMISER = re.compile(r"(Momentum|Adam|ExponentialMovingAverage|global_step|Variable)")


def load_tin(state: Mapping[str, Tensor]) -> TinNetwork | TinPartNetwork:
    """A network from the variables of a published checkpoint; names and shapes tell which.

    Args:
        state: TensorFlow's variable name (with or without ``:0``) -> tensor, in TensorFlow's or in PyTorch's layout.

    Returns:
        The network in evaluation mode.

    Raises:
        InputError: not the variables of one of TIN's networks, or not all of them.
    """
    state = {name.removesuffix(":0"): tensor for name, tensor in state.items()}
    state = {name: tensor for name, tensor in state.items() if not _OPTIMISER.search(name)}
    stem = state.get("resnet_v1_50/conv1/weights")
    if stem is None:
        raise InputError(
            "not a checkpoint of TIN: there is no 'resnet_v1_50/conv1/weights'"
            + (f"; it begins with {next(iter(state))!r}" if state else "")
        )
    if stem.shape[0] == 7:
        state = {name: _to_torch(name, tensor) for name, tensor in state.items()}
    own = {our_name(name): tensor.float() for name, tensor in state.items()}
    return build_with(partial(_build, state), own, "the weights do not fit TIN", with_others=True)


def load(state: Mapping[str, Tensor], vocabulary: Vocabulary | None = None) -> TinModel:
    """A model from a published checkpoint, see `load_tin`; the number of classes tells the vocabulary.

    Raises:
        InputError: as `load_tin`, or the classes are neither HICO-DET's 600 nor V-COCO's 29 and no vocabulary is given.
    """
    network = load_tin(state)
    if not network.count:
        options = TinNetworkOptions(level="part")
        vocabulary = vocabulary or Vocabulary.load("hico-det")
    else:
        count = network.count
        name = {(False, 600): "hico-det", (True, 29): "v-coco"}.get((network.per_verb, count))
        if vocabulary is None and name is None:
            raise InputError(
                f"a network with {count} classes was trained on neither HICO-DET (600) nor V-COCO (29): give the "
                "vocabulary that it was trained with"
            )
        vocabulary = vocabulary or Vocabulary.load(str(name))
        if network.per_verb:
            verbs = published_actions(vocabulary) or tuple(range(len(vocabulary.verbs)))
            options, expected = TinNetworkOptions(classes="verb", verbs=verbs), len(verbs)
        else:
            options, expected = TinNetworkOptions(), len(vocabulary.interactions)
        if count != expected:
            raise InputError(f"the network has {count} classes, the vocabulary {vocabulary.name!r} {expected}")
    with torch.device("meta"):
        model = TinModel(vocabulary, TinConfig(network=options))
    model.network = network
    return model.eval()


def unused_names(state: Mapping[str, Tensor], network: nn.Module) -> list[str]:
    """Names of a checkpoint that the network, or the model around it, has no place for."""
    known = {name.removeprefix("network.") for name in network.state_dict()}
    return [name for name in state if our_name(name.removesuffix(":0")) not in known]


def our_name(name: str) -> str:
    """The parameter of ours that a published variable becomes."""
    for pattern, ours in _PREFIXES:
        found, count = re.subn(f"^{pattern}", ours, name, count=1)
        if count:
            name = found
            break
    name = re.sub(r"/unit_(\d)/bottleneck_v1/", lambda m: f"/{int(m[1]) - 1}/", name)
    for pattern, ours in _INNER:
        name = re.sub(pattern, ours, name)
    *parents, leaf = name.split("/")
    if re.match(r"(human|object|spatial)_head/\d$", "/".join(parents[:2])):
        parents = [*parents[:2], "norm" if parents[2:] == ["BatchNorm"] else "dense"]
    return ".".join([*parents, _LEAVES.get(leaf, leaf)])


def _to_torch(name: str, tensor: Tensor) -> Tensor:
    """TensorFlow's (height, width, in, out) and (in, out) as PyTorch's (out, in, height, width) and (out, in)."""
    if not name.endswith("weights") or tensor.ndim not in (2, 4):
        return tensor
    return tensor.permute(3, 2, 0, 1) if tensor.ndim == 4 else tensor.T


def _build(state: Mapping[str, Tensor]) -> TinNetwork | TinPartNetwork:
    if "vec_classification/fully_connected/weights" in state:
        return TinPartNetwork()
    score = state.get("classification/cls_score_H/weights")
    branch = state.get("fc_binary/fc8_binary_2/weights")
    if score is None or branch is None or branch.ndim != 2:
        raise InputError("not a whole checkpoint of TIN: classifier or discriminator are missing")
    return TinNetwork(len(score), "verb" if branch.shape[1] == 4096 else "interaction")

"""Checkpoints of the published GGNet, PPDM and CenterNet code, as `interplay.models.ggnet`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

from torch import Tensor

from interplay.checkpoints.state_dicts import find_state_dict
from interplay.errors import InputError
from interplay.models.ggnet import GGNet, GGNetConfig, GGNetNetworkOptions
from interplay.models.start import align_classes
from interplay.models.weights import build_with
from interplay.vocabulary import Vocabulary

VCOCO_VERBS = (
    "surf_instr", "ski_instr", "cut_instr", "cut_obj", "ride_instr", "talk_on_phone_instr", "kick_obj",
    "work_on_computer_instr", "eat_obj", "sit_instr", "jump_instr", "lay_instr", "drink_instr", "carry_obj",
    "throw_obj", "eat_instr", "look_obj", "hit_instr", "hit_obj", "snowboard_instr", "point_instr", "read_obj",
    "hold_obj", "skateboard_instr", "catch_obj",
)  # fmt: skip
"""The verb channels of the published V-COCO models, in their order: every verb that takes an object."""

_BLOCKS = {
    "conv1": "body.0", "bn1": "body.1", "conv2": "body.3", "bn2": "body.4", "skip": "shortcut",
    "up1": "skip", "low1": "down", "low2": "inner", "low3": "up",
    "tree1": "first", "tree2": "second",
}  # fmt: skip

_AGGREGATE = {"proj": "project", "up": "enlarge", "node": "merge"}

_PREFIXES: tuple[tuple[str, str], ...] = (
    (r"pre\.0\.conv", "backbone.stem.0.0"),
    (r"pre\.0\.bn", "backbone.stem.0.1"),
    (r"pre\.1", "backbone.stem.1"),
    (r"kps\.(\d)", r"backbone.hourglasses.\1"),
    (r"cnvs\.(\d)\.conv", r"backbone.outputs.\1.0"),
    (r"cnvs\.(\d)\.bn", r"backbone.outputs.\1.1"),
    (r"inters\.(\d)", r"backbone.merge.\1"),
    (r"inters_\.(\d)", r"backbone.from_input.\1"),
    (r"cnvs_\.(\d)", r"backbone.from_output.\1"),
    (r"base\.base_layer", "backbone.stem"),
    (r"base\.level(\d)", r"backbone.levels.\1"),
    (r"dla_up\.ida_(\d)", r"backbone.up.\1"),
    (r"ida_up", "backbone.final"),
    (r"glore\.phy", "heads.0.reasoning.reduce"),
    (r"glore\.theta", "heads.0.reasoning.assign"),
    (r"glore\.extend", "heads.0.reasoning.expand"),
    (r"glore\.reasoning\.node_conv", "heads.0.reasoning.mix_nodes"),
    (r"glore\.reasoning\.feat_conv", "heads.0.reasoning.mix_features"),
    # heads of hourglass networks: one per stack
    (r"hm_rel\.(\d)\.0\.conv", r"heads.\1.glance.0"),
    (r"hm_rel\.(\d)\.1", r"heads.\1.glance_heatmap"),
    (r"(hm|wh|reg|sub_offset|obj_offset)\.(\d)\.0\.conv", r"heads.\2.\1.0"),
    (r"(hm|wh|reg|sub_offset|obj_offset)\.(\d)\.1", r"heads.\2.\1.2"),
    (r"hm_dcn1?\.(\d)\.conv", r"heads.\1.gaze.0.features.0"),
    (r"hm_dcn2\.(\d)\.conv", r"heads.\1.gaze.1.features.0"),
    (r"refine_dcn1?\.(\d)\.conv_offset_mask", r"heads.\1.gaze.0.points.predict"),
    (r"refine_dcn2\.(\d)\.conv_offset_mask", r"heads.\1.gaze.1.points.predict"),
    (r"refine_dcn1?\.(\d)", r"heads.\1.gaze.0.aggregate"),
    (r"refine_dcn2\.(\d)", r"heads.\1.gaze.1.aggregate"),
    (r"refine_head1\.(\d)\.0", r"heads.\1.gaze_heatmaps.0"),
    (r"refine_head\.(\d)\.0\.conv", r"heads.\1.gaze_heatmaps.0.0"),
    (r"refine_head\.(\d)\.1", r"heads.\1.gaze_heatmaps.0.2"),
    (r"refine_head2\.(\d)\.0\.conv", r"heads.\1.gaze_heatmaps.1.0"),
    (r"refine_head2\.(\d)\.1", r"heads.\1.gaze_heatmaps.1.2"),
    # heads of DLA networks: nn.Sequential of convolution, ReLU, convolution
    (r"hm_rel\.0", "heads.0.glance.0"),
    (r"hm_rel\.2", "heads.0.glance_heatmap"),
    (r"(hm|wh|reg|sub_offset|obj_offset)\.([02])", r"heads.0.\1.\2"),
)
"""Beginning of a published name -> of ours; the first that matches up to a full stop counts."""


def load(state: Mapping[str, Tensor], vocabulary: Vocabulary | None = None) -> GGNet:
    """A model from a published state dict; which network it is, is read off names and shapes.

    Args:
        state: parameter name -> tensor, as published.
        vocabulary: needed only if the network was trained on one's own data; its verbs must be in the order of
            the network's channels.

    Returns:
        The model in evaluation mode, with `GGNetConfig`'s published rules.

    Raises:
        InputError: the names are not those of a GGNet or PPDM network, or its number of classes fits no vocabulary.
    """
    options = network_options(state)
    objects, channels = _classes(state, "hm"), _classes(state, "hm_rel")
    if vocabulary is None:
        if channels not in (25, 117) or objects != 80:
            raise InputError(
                f"a network with {objects} objects and {channels} verbs was trained on neither HICO-DET (80, 117) nor "
                "V-COCO (80, 25): give the vocabulary that it was trained with"
            )
        vocabulary = Vocabulary.load("v-coco" if channels == 25 else "hico-det")
    verbs = list(range(len(vocabulary.verbs)))
    if channels == len(VCOCO_VERBS) and vocabulary.verbs == Vocabulary.load("v-coco").verbs:
        verbs = [vocabulary.verb_index(name) for name in VCOCO_VERBS]
    if objects != len(vocabulary.objects) or channels != len(verbs):
        raise InputError(
            f"the network has {objects} objects and {channels} verbs, the vocabulary {vocabulary.name!r} "
            f"{len(vocabulary.objects)} and {len(verbs)}"
        )
    own = {our_name(name): tensor for name, tensor in state.items() if not name.startswith("base.fc.")}
    build = partial(GGNet, vocabulary, GGNetConfig(network=options), verbs=verbs)
    return build_with(build, own, "the weights do not fit GGNet", optional=("pairs", "num_batches_tracked"))


def unused_names(state: Mapping[str, Tensor], model: GGNet) -> list[str]:
    """Names in a published checkpoint that the model has no place for: the classifier of DLA's ImageNet training."""
    return [name for name in state if name.startswith("base.fc.")]


def initialise_from_centernet(model: GGNet, state: Mapping[str, Tensor]) -> list[str]:
    """Copy what fits from CenterNet's published COCO checkpoint: backbone, object centres, sizes and offsets.

    The object centres of classes that COCO does not know keep their initial values.

    Args:
        model: to initialise, in place.
        state: the checkpoint's content, or the weights in it.

    Returns:
        Names of the model's parameters that are newly initialised (the interaction and matching heads).

    Raises:
        InputError: the checkpoint belongs to another backbone.
    """
    own = model.state_dict()
    found = {our_name(n): t for n, t in find_state_dict(state).items() if not n.startswith("base.fc.")}
    axes = {name: {0: Vocabulary.load("coco").objects} for name in found if ".hm.2." in name}
    aligned = align_classes(model, found, axes)
    fitting = {name: tensor for name, tensor in aligned.items() if name in own and own[name].shape == tensor.shape}
    missing = [name for name in own if name not in fitting]
    if any(name.startswith("backbone.") for name in missing):
        absent = next(name for name in missing if name.startswith("backbone."))
        raise InputError(
            f"this is no CenterNet checkpoint for the backbone {model.config.network.backbone!r}: it lacks {absent} "
            "(CenterNet publishes ctdet_coco_hg for hourglass-104 and ctdet_coco_dla_2x for dla-34)"
        )
    model.load_state_dict(fitting, strict=False)
    return [name for name, _ in model.named_parameters() if name not in fitting]


def network_options(state: Mapping[str, Tensor]) -> GGNetNetworkOptions:
    """Which network a published state dict (without ``module.``) belongs to.

    Raises:
        InputError: it is none of GGNet's or PPDM's.
    """
    hourglass = any(name.startswith("kps.") for name in state)
    if not hourglass and not any(name.startswith("dla_up.") for name in state):
        some = ", ".join(list(state)[:3]) or "nothing"
        raise InputError(
            f"not a checkpoint of GGNet or PPDM: expected parameters named kps.* (hourglass) or dla_up.* (DLA-34), "
            f"got {some}"
        )
    gaze_steps = 2 if any(n.startswith("refine_dcn2.") for n in state) else int("refine_dcn.0.weight" in state)
    per_verb = _classes(state, "sub_offset") > 2
    return GGNetNetworkOptions(
        backbone="hourglass-104" if hourglass else "dla-34",
        levels=3 if not hourglass and _inputs(state, "hm_rel.0.weight") == 192 else 1,
        global_reasoning=any(name.startswith("glore.") for name in state),
        gaze_steps=gaze_steps,
        matching="per-verb" if per_verb else "shared",
        matching_input="glance" if gaze_steps else "backbone",
    )


def our_name(name: str) -> str:
    """Published parameter name (without ``module.``) -> the name in `GGNet`.

    Raises:
        InputError: no part of a GGNet or PPDM network has that name.
    """
    for pattern, replacement in _PREFIXES:
        match = re.match(rf"{pattern}(?=\.)", name)
        if match:
            rest = name[match.end() :].split(".")
            return _inside(match.expand(replacement), [_BLOCKS.get(part, part) for part in rest if part])
    raise InputError(f"unknown parameter {name!r}: no part of GGNet, PPDM or CenterNet is called that")


def _inside(prefix: str, parts: list[str]) -> str:
    """The rest of a name, where a DLA tree's root and the up-sampling's blocks have names of their own."""
    name = ".".join([prefix, *parts])
    name = name.replace("root.conv", "root.0").replace("root.bn", "root.1")
    if prefix.startswith(("backbone.up.", "backbone.final")):
        name = re.sub(r"\.(proj|up|node)_(\d)", lambda m: f".{_AGGREGATE[m[1]]}.{int(m[2]) - 1}", name)
        name = name.replace(".conv.conv_offset_mask", ".0.points.predict").replace(".conv.", ".0.convolution.")
        name = name.replace(".actf.0", ".1")
    return name


def _inputs(state: Mapping[str, Tensor], name: str) -> int:
    """Input channels of a convolution; 0 without it."""
    return state[name].shape[1] if name in state and state[name].ndim > 1 else 0


def _classes(state: Mapping[str, Tensor], head: str) -> int:
    """Output channels of a head, in the last stack of an hourglass or in DLA."""
    for name in (f"{head}.1.1.weight", f"{head}.0.1.weight", f"{head}.2.weight"):
        if name in state:
            return state[name].shape[0]
    raise InputError(f"not a checkpoint of GGNet or PPDM: it has no head {head!r}")

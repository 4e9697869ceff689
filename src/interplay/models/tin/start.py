"""First weights of TIN's networks."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from interplay.errors import InputError
from interplay.models.start import copy_fitting, start_from_weights
from interplay.training.inputs import start_file

from .model import TinModel
from .network import PairNetwork
from .recipe import TinRecipe

_RARE = -3.0
"""Bias of new logits where nothing weighs them: most classes do not apply to most pairs."""

_DEVIATION = 58.0
"""Standard deviation of images' colours in 0..255, which torchvision's networks divide by (0.224 to 0.229)."""


def initialise(model: TinModel, recipe: TinRecipe) -> list[str]:
    """The first weights that a recipe asks for, in place; what they do not cover is drawn at random.

    Returns:
        Names of the parameters that were.

    Raises:
        MissingFileError: the file to start from is not there; says how to get it.
        InputError: it does not fit.
    """
    draw(model.network, _RARE if recipe.pairs.class_weights == "none" else 0.0)
    if recipe.start in ("scratch", "weights", "published"):
        return start_from_weights(recipe, model, model.network.backbone)
    from interplay.checkpoints.state_dicts import read_state_dict

    file = start_file(recipe)
    state = read_state_dict(file)
    found = from_faster_rcnn(state) if recipe.start == "faster-rcnn" else from_torchvision(state)
    uncovered = copy_fitting(model.network, found, str(file))
    missing = [name for name in uncovered if name.split(".")[0] in ("backbone", "human_block", "object_block")]
    if missing:
        raise InputError(f"{file}: not a whole ResNet-50; {len(missing)} tensors are missing, such as {missing[0]}")
    return [f"network.{name}" for name in uncovered]


@torch.no_grad()
def draw(network: PairNetwork, logit_bias: float) -> None:
    """Random weights that keep the size of features through ReLUs; logits begin near a constant.

    Args:
        network: all of it.
        logit_bias: of the classes.
    """
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for name, module in network.named_modules():
        if isinstance(module, nn.Linear) and re.match(r"classify\.|interactive$|part_interactive\.", name):
            nn.init.normal_(module.weight, std=0.01)
            nn.init.constant_(module.bias, logit_bias if name.startswith("classify") else 0.0)


def from_faster_rcnn(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """R from a Faster R-CNN in TF-slim's names, as published: both role blocks are its block4."""
    from interplay.models.tin.convert import our_name

    named = {our_name(name.removesuffix(":0")): value for name, value in state.items()}
    return _both_roles({name: value for name, value in named.items() if name.split(".")[0] != "object_block"})


def from_torchvision(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """R from torchvision's ResNet-50.

    All weights fit, but TF-slim's blocks subsample in their last unit instead of the first of the next block, so that
    features shift a little and training has to make up for it. The first convolution is turned from red, green, blue
    in units of their deviation to blue, green, red in 0..255.
    """
    found = {}
    for name, value in state.items():
        block = re.match(r"layer([1-4])\.", name)
        place = {"1": "backbone.block1.", "2": "backbone.block2.", "3": "backbone.block3.", "4": "human_block."}
        if block is not None:
            found[place[block[1]] + name[block.end() :]] = value
        elif name == "conv1.weight":
            found["backbone.conv1.weight"] = value.flip(1) / _DEVIATION
        elif name.startswith("bn1."):
            found[f"backbone.{name}"] = value
    return _both_roles(found)


def _both_roles(state: dict[str, Tensor]) -> dict[str, Tensor]:
    human = {name: value for name, value in state.items() if name.startswith("human_block.")}
    return {**state, **{name.replace("human_block.", "object_block.", 1): value for name, value in human.items()}}

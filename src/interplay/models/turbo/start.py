"""First weights of Turbo learning's network."""

from __future__ import annotations

import re

from interplay.models.start import copy_fitting, start_from_weights
from interplay.training.inputs import start_file

from .model import Turbo
from .recipe import TurboRecipe


def initialise(model: Turbo, recipe: TurboRecipe) -> list[str]:
    """The first weights that a recipe asks for, in place; what they do not cover is drawn at random.

    torchvision's C5 (``layer4``) begins the detection branch. The file may also be one of its Faster R-CNNs, whose
    backbone COCO's objects have changed; what that has besides belongs to its feature pyramid and fits nothing here.

    Returns:
        Names of the parameters that were drawn.

    Raises:
        MissingFileError: the file to start from is not there; says how to get it.
        InputError: it does not fit.
    """
    if recipe.start != "backbone":
        return start_from_weights(recipe, model, model.network.stem)
    from interplay.checkpoints.state_dicts import read_state_dict

    file = start_file(recipe)
    state = {}
    for given, value in read_state_dict(file).items():
        name = given.removeprefix("backbone.body.")
        block = re.match(r"layer4\.", name)
        state[f"detection.block.{name[block.end() :]}" if block else f"stem.resnet.{name}"] = value
    return [f"network.{name}" for name in copy_fitting(model.network, state, str(file))]

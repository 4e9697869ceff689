"""GGNet and its ancestor PPDM: one-stage interaction detection with points."""

from typing import TYPE_CHECKING

from interplay.lazy import lazy_names

if TYPE_CHECKING:
    from interplay.models.ggnet.config import (
        DecodingOptions,
        GGNetConfig,
        LossOptions,
        NetworkOptions,
        TargetOptions,
    )
    from interplay.models.ggnet.geometry import View
    from interplay.models.ggnet.model import GGNet
    from interplay.models.ggnet.outputs import ActPoints, GGNetOutputs, StackMaps
    from interplay.models.ggnet.recipe import Recipe, load_recipe
    from interplay.models.ggnet.targets import GGNetTargets, Scene

__all__ = [
    "ActPoints",
    "DecodingOptions",
    "GGNet",
    "GGNetConfig",
    "GGNetOutputs",
    "GGNetTargets",
    "LossOptions",
    "NetworkOptions",
    "Recipe",
    "Scene",
    "StackMaps",
    "TargetOptions",
    "View",
    "load_recipe",
]

__getattr__ = lazy_names(
    __name__,
    {
        "ActPoints": "outputs",
        "DecodingOptions": "config",
        "GGNet": "model",
        "GGNetConfig": "config",
        "GGNetOutputs": "outputs",
        "GGNetTargets": "targets",
        "LossOptions": "config",
        "NetworkOptions": "config",
        "Recipe": "recipe",
        "Scene": "targets",
        "StackMaps": "outputs",
        "TargetOptions": "config",
        "View": "geometry",
        "load_recipe": "recipe",
    },
)

"""GGNet and its ancestor PPDM: one-stage interaction detection with points."""

from typing import TYPE_CHECKING

from interplay.lazy import lazy_names

if TYPE_CHECKING:
    from interplay.models.ggnet.config import (
        GGNetConfig,
        GGNetDecodingOptions,
        GGNetLossOptions,
        GGNetNetworkOptions,
        TargetOptions,
    )
    from interplay.models.ggnet.model import GGNet
    from interplay.models.ggnet.network import ActPoints, GGNetOutputs, StackMaps
    from interplay.models.ggnet.recipe import GGNetRecipe, load_recipe
    from interplay.models.ggnet.targets import AnnotatedView, GGNetTargets
    from interplay.models.ggnet.transforms import View

__all__ = [
    "ActPoints",
    "AnnotatedView",
    "GGNet",
    "GGNetConfig",
    "GGNetDecodingOptions",
    "GGNetLossOptions",
    "GGNetNetworkOptions",
    "GGNetOutputs",
    "GGNetRecipe",
    "GGNetTargets",
    "StackMaps",
    "TargetOptions",
    "View",
    "load_recipe",
]

__getattr__ = lazy_names(
    __name__,
    {
        "ActPoints": "network",
        "GGNetDecodingOptions": "config",
        "GGNet": "model",
        "GGNetConfig": "config",
        "GGNetOutputs": "network",
        "GGNetTargets": "targets",
        "GGNetLossOptions": "config",
        "GGNetNetworkOptions": "config",
        "GGNetRecipe": "recipe",
        "AnnotatedView": "targets",
        "StackMaps": "network",
        "TargetOptions": "config",
        "View": "transforms",
        "load_recipe": "recipe",
    },
)

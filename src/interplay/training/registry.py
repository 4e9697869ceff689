"""The systems that can be trained, by name; imported when they are needed."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from interplay.errors import InputError, near_matches

if TYPE_CHECKING:
    from interplay.training.sections import TrainConfig
    from interplay.training.task import TrainingTask


@dataclass(frozen=True)
class System:
    """Where a system's configuration and its task are defined, as ``module:Class``."""

    recipe: str
    task: str


SYSTEMS = {
    "tin-spatial": System(
        "interplay.models.tin.spatial_recipe:SpatialRecipe", "interplay.models.tin.spatial_task:SpatialTask"
    ),
    "tin": System("interplay.models.tin.recipe:Recipe", "interplay.models.tin.task:TinTask"),
    "ggnet": System("interplay.models.ggnet.recipe:Recipe", "interplay.models.ggnet.task:GGNetTask"),
    "gen-vlkt": System("interplay.models.gen_vlkt.recipe:Recipe", "interplay.models.gen_vlkt.task:GenVlktTask"),
}


def recipe_class(system: str) -> type[TrainConfig]:
    """The configuration class of a system.

    Raises:
        InputError: unknown; names the nearest ones.
    """
    if system not in SYSTEMS:
        raise InputError(
            f"system: expected one of {', '.join(SYSTEMS)}, got {system!r}.{near_matches(str(system), SYSTEMS)}"
        )
    return _load(SYSTEMS[system].recipe)


def build_task(config: TrainConfig) -> TrainingTask:
    """The task of the configuration's system.

    Raises:
        InputError: its data are missing or hold nothing to learn.
    """
    return _load(SYSTEMS[config.system].task)(config)


def _load(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)

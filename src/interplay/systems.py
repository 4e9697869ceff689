"""The systems, one entry each: where its network, recipe, task, converter and cards are; imported when needed.

To add a system, write its folder in `interplay.models` and one entry here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib import import_module, resources
from typing import TYPE_CHECKING, Any

from interplay.errors import InputError, near_matches

if TYPE_CHECKING:
    from types import ModuleType

    from interplay.models.base import HoiModel
    from interplay.training.sections import TrainConfig
    from interplay.training.task import TrainingTask


@dataclass(frozen=True)
class System:
    """One system.

    Attributes:
        name: what weights files and configurations call it.
        folder: of `interplay.models`.
        network: the class of its model, as ``module:Class`` in the folder.
        task: the class of its training.
        recipe: the class of its training's configuration.
        converter: the module that reads published weights, empty where nobody published any. It has
            ``load(state, vocabulary) -> HoiModel`` and ``unused_names(state, model) -> Iterable[str]``.
        aliases: other names that are understood.
    """

    name: str
    folder: str
    network: str
    task: str = "task:Task"
    recipe: str = "recipe:Recipe"
    converter: str = ""
    aliases: tuple[str, ...] = ()

    def network_class(self) -> type[HoiModel]:
        """The class of the system's model."""
        return self._load(self.network)

    def recipe_class(self) -> type[TrainConfig]:
        """The class of the configuration of its training."""
        return self._load(self.recipe)

    def build_task(self, config: TrainConfig) -> TrainingTask:
        """The task of a training.

        Raises:
            InputError: its data are missing or hold nothing to learn.
        """
        return self._load(self.task)(config)

    def converter_module(self) -> ModuleType:
        """The module that reads the published weights."""
        return import_module(f"{self._package}.{self.converter}")

    def cards_text(self) -> str:
        """The content of ``cards.json`` in its folder; empty where it has none."""
        file = resources.files(self._package) / "cards.json"
        return file.read_text(encoding="utf-8") if file.is_file() else ""

    @cached_property
    def _package(self) -> str:
        return f"interplay.models.{self.folder}"

    def _load(self, place: str) -> Any:
        module, _, name = place.partition(":")
        return getattr(import_module(f"{self._package}.{module}"), name)


SYSTEMS: dict[str, System] = {
    system.name: system
    for system in (
        System("tin-spatial", "tin_spatial", "model:TinSpatial"),
        System("tin", "tin", "model:TinModel", converter="convert"),
        System("ggnet", "ggnet", "model:GGNet", converter="convert", aliases=("ppdm",)),
        System("gen-vlkt", "gen_vlkt", "model:GenVlkt", converter="convert", aliases=("genvlkt",)),
    )
}
"""All systems by name."""


def published_systems() -> list[str]:
    """Names of the systems whose published weights can be read."""
    return sorted(system.name for system in SYSTEMS.values() if system.converter)


def get_system(name: str) -> System:
    """A system by its name or another name of it (any case, hyphens or underscores).

    Raises:
        InputError: unknown; names the nearest ones.
    """
    plain = str(name).lower().replace("_", "-")
    for system in SYSTEMS.values():
        if plain == system.name or plain in system.aliases:
            return system
    raise InputError(f"unknown system {name!r}: expected one of {', '.join(SYSTEMS)}.{near_matches(plain, SYSTEMS)}")

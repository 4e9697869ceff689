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
    from collections.abc import Iterable
    from pathlib import Path
    from types import ModuleType

    from interplay.models.base import HoiModel
    from interplay.models.contact import ContactModel
    from interplay.options import Options
    from interplay.table import InteractionTable
    from interplay.training.sections import TrainConfig
    from interplay.training.task import TrainingTask
    from interplay.vocabulary import Vocabulary


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
        data_converter: the function that reads the data files that the authors published, as ``module:function`` of
            the package, and turns them into one of interplay's result files; empty where there are none.
        data_suffix: what such files' names end in.
        config: the class of all of its options, as ``module:Class`` in the folder; imports no network.
        explains: whether its models tell where they look.
        takes_text: whether its models can find other verbs and objects, given as text.
        decoding_example: an option of its decoding, as on the command line.
        score_range: smallest and largest score that its models can give.
        default_min_score: from which score on its models' interactions are shown, unless told otherwise.
        aliases: other names that are understood.
    """

    name: str
    folder: str
    network: str
    task: str
    recipe: str
    converter: str = ""
    data_converter: str = ""
    data_suffix: str = ""
    config: str = ""
    explains: bool = False
    takes_text: bool = False
    decoding_example: str = ""
    score_range: tuple[float, float] = (0.0, 1.0)
    default_min_score: float = 0.2
    aliases: tuple[str, ...] = ()

    def network_class(self) -> type[HoiModel] | type[ContactModel]:
        """The class of the system's model."""
        return self._load(self.network)

    def decoding_class(self) -> type[Options] | None:
        """The class of the options of its decoding; None where `config` is not given."""
        return type(self._load(self.config).model_fields["decoding"].default) if self.config else None

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

    def convert_data(self, source: Path, output: Path, vocabulary: Vocabulary | None) -> InteractionTable:
        """Turn a published data file into one of interplay's; see `data_converter`."""
        module, _, name = self.data_converter.partition(":")
        return getattr(import_module(f"interplay.{module}"), name)(source, output, vocabulary)

    def is_data(self, file: Path) -> bool:
        """Whether a file is one of published data rather than of weights."""
        return bool(self.data_converter) and file.suffix == self.data_suffix

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
        System(
            "tin-spatial",
            "tin_spatial",
            "model:TinSpatial",
            "task:TinSpatialTask",
            "recipe:TinSpatialRecipe",
            config="config:SpatialConfig",
            decoding_example="suppress_below=0.3",
            default_min_score=0.45,  # where F1 is best on held-out training images; see docs/models/tin.md
        ),
        System(
            "tin",
            "tin",
            "model:TinModel",
            "task:TinTask",
            "recipe:TinRecipe",
            converter="convert",
            data_converter="formats.tin_pickles:convert_tin_pickle",
            data_suffix=".pkl",
            config="config:TinConfig",
            decoding_example="rule=published-hico",
        ),
        System(
            "turbo",
            "turbo",
            "model:Turbo",
            "task:TurboTask",
            "recipe:TurboRecipe",
            config="config:TurboConfig",
            explains=True,
            decoding_example="sigma=0.5",
            aliases=("turbo-learning",),
        ),
        System(
            "ggnet",
            "ggnet",
            "model:GGNet",
            "task:GGNetTask",
            "recipe:GGNetRecipe",
            converter="convert",
            config="config:GGNetConfig",
            explains=True,
            decoding_example="boxes=detector",
            default_min_score=0.1,  # the product of an interaction point's, a human's and an object's probability
            aliases=("ppdm",),
        ),
        System(
            "gen-vlkt",
            "gen_vlkt",
            "model:GenVlkt",
            "task:GenVlktTask",
            "recipe:GenVlktRecipe",
            converter="convert",
            config="config:GenVlktConfig",
            explains=True,
            takes_text=True,
            decoding_example="nms=false",
            score_range=(0.0, 2.0),  # an object's probability and a verb's, added
            default_min_score=1.2,  # an object found for certain gives 1 by itself
            aliases=("genvlkt",),
        ),
    )
}
"""All systems by name."""


CONTACT_SYSTEMS: dict[str, System] = {
    system.name: system
    for system in (
        System(
            "interactvlm",
            "interactvlm",
            "model:InteractVlmModel",
            "task:InteractVlmTask",
            "recipe:InteractVlmRecipe",
            converter="convert",
        ),
        System(
            "contact-geometry",
            "contact_geometry",
            "model:ContactGeometry",
            "task:ContactGeometryTask",
            "recipe:ContactGeometryRecipe",
            config="config:ContactGeometryConfig",
            default_min_score=0.5,
        ),
    )
}
"""Systems that find contact in 3D, not interactions; their networks are `interplay.models.contact.ContactModel`. A
converter reads a folder of published weights: it has ``load_folder(folder)`` and ``convert_folder(folder, output)``."""


def folder_converter(name: str) -> ModuleType | None:
    """The module that reads the published folders of a contact system; None for any other name."""
    system = CONTACT_SYSTEMS.get(str(name).lower().replace("_", "-"))
    return system.converter_module() if system is not None and system.converter else None


def explaining_systems() -> str:
    """The systems whose models tell where they look, in words."""
    return " or ".join(sorted(system.name for system in SYSTEMS.values() if system.explains))


def text_systems() -> str:
    """The systems whose models can find other verbs and objects, given as text, in words."""
    return " or ".join(sorted(system.name for system in SYSTEMS.values() if system.takes_text))


def decoding_examples(systems: Iterable[System]) -> str:
    """An option of the decoding of each, in words: ``nms=false (gen-vlkt) or boxes=detector (ggnet)``."""
    given = [f"{each.decoding_example} ({each.name})" for each in systems if each.decoding_example]
    return " or ".join([", ".join(given[:-1]), given[-1]] if len(given) > 1 else given)


def published_systems() -> list[str]:
    """Names of the systems whose published weights can be read."""
    return sorted(system.name for system in SYSTEMS.values() if system.converter)


def get_system(name: str) -> System:
    """A system, of interactions or of contact, by a name of it (any case, hyphens or underscores).

    Raises:
        InputError: unknown; names the nearest ones.
    """
    plain = str(name).lower().replace("_", "-")
    known = {**SYSTEMS, **CONTACT_SYSTEMS}
    for system in known.values():
        if plain == system.name or plain in system.aliases:
            return system
    raise InputError(f"unknown system {name!r}: expected one of {', '.join(known)}.{near_matches(plain, known)}")

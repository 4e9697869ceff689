"""The models by name, each with a card: what it is, where its weights come from, and its figures.

Cards are JSON files beside the embedded weights in ``interplay/weights``. Published and measured figures are kept
apart.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interplay.errors import InputError, near_matches

if TYPE_CHECKING:
    from interplay.models.base import HoiModel

DEFAULT_MODEL = "tin-spatial-vcoco"

NETWORKS = {
    "tin-spatial": "interplay.models.tin.spatial:TinSpatial",
    "tin": "interplay.models.tin.model:TinModel",
    "ggnet": "interplay.models.ggnet:GGNet",
    "gen-vlkt": "interplay.models.gen_vlkt:GenVlkt",
}
"""System, as a weights file names it -> the class of its network, imported when it is needed."""


@dataclass(frozen=True)
class ModelCard:
    """What there is to know about a model.

    Attributes:
        name: what `load_model` takes.
        summary: one line.
        system: which network it is.
        vocabulary: name of its vocabulary.
        paper: where the method comes from.
        weights: file name of the embedded weights, or empty where the user brings them.
        licence: of the weights.
        trained_on: data and their size.
        command: what made the weights.
        limits: what it cannot do.
        published: figures of the paper, ``{what: value}``.
        measured: our figures, ``{what: {"value", "command"}}``.
    """

    name: str
    summary: str
    system: str
    vocabulary: str
    paper: str
    weights: str
    licence: str
    trained_on: str
    command: str
    limits: str
    published: dict[str, Any] = field(default_factory=dict)
    measured: dict[str, Any] = field(default_factory=dict)


@lru_cache(maxsize=1)
def _cards() -> dict[str, ModelCard]:
    folder = resources.files("interplay") / "weights"
    found = [json.loads(f.read_text(encoding="utf-8")) for f in folder.iterdir() if f.name.endswith(".json")]
    return {card["name"]: ModelCard(**card) for card in sorted(found, key=lambda c: c["name"])}


def list_models() -> list[ModelCard]:
    """The cards of all models."""
    return list(_cards().values())


def get_card(name: str) -> ModelCard:
    """A model's card.

    Raises:
        InputError: unknown name; gives the nearest ones.
    """
    card = _cards().get(name)
    if card is None:
        raise InputError(
            f"unknown model {name!r}: expected one of {', '.join(_cards())}, or a weights file that "
            f"'interplay train' wrote.{near_matches(name, _cards())}"
        )
    return card


def load_model(
    name: str | Path = DEFAULT_MODEL, *, weights: str | Path | None = None, device: str | None = None
) -> HoiModel:
    """A model ready to predict.

    Args:
        name: a name of `list_models`, or the path of a ``.safetensors`` file.
        weights: weights of your own for the named model.
        device: ``"cpu"``, ``"cuda"`` ...; by default CUDA where there is one, else the CPU.

    Raises:
        MissingFileError, InputError: unknown name, no such file, weights of another network, or a device that is not
            there; says what was expected.

    Example:
        >>> import interplay
        >>> model = interplay.load_model("tin-spatial-vcoco")
        >>> model.vocabulary.name
        'v-coco'
    """
    import torch

    from interplay.models.weights import load_state, read_weights

    if str(name).endswith(".safetensors"):
        path, system = Path(name), None
    else:
        card = get_card(str(name))
        system = card.system
        path = (
            Path(weights) if weights is not None else Path(str(resources.files("interplay") / "weights" / card.weights))
        )
    state, description = read_weights(path)
    found = description.get("system")
    if found not in NETWORKS or (system is not None and found != system):
        raise InputError(f"{path} holds weights of {found!r}, expected {system or ' or '.join(NETWORKS)}")
    module, _, network = NETWORKS[found].partition(":")
    model = getattr(import_module(module), network).from_description(description)
    load_state(model, state, str(path))
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return model.eval().to(device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device {device!r} cannot be used: {str(error).splitlines()[0]}") from None

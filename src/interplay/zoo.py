"""Models by name or by weights file, ready to predict. Their cards are in `interplay.cards`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interplay.cards import ModelCard, get_card, list_models
from interplay.errors import InputError, MissingFileError

if TYPE_CHECKING:
    from interplay.models.base import HoiModel

__all__ = ["DEFAULT_MODEL", "NETWORKS", "ModelCard", "get_card", "list_models", "load_model", "network_class"]

DEFAULT_MODEL = "tin-spatial-vcoco"

NETWORKS = {
    "tin-spatial": "interplay.models.tin.spatial:TinSpatial",
    "tin": "interplay.models.tin.model:TinModel",
    "ggnet": "interplay.models.ggnet:GGNet",
    "gen-vlkt": "interplay.models.gen_vlkt:GenVlkt",
}
"""System, as a weights file names it -> the class of its network, imported when it is needed."""


def load_model(
    name: str | Path = DEFAULT_MODEL,
    *,
    weights: str | Path | None = None,
    device: str | None = None,
    decoding: Mapping[str, Any] | None = None,
) -> HoiModel:
    """A model ready to predict.

    Args:
        name: a name of `list_models`, or the path of a ``.safetensors`` file.
        weights: weights of your own for the named model.
        device: ``"cpu"``, ``"cuda"`` ...; by default CUDA where there is one, else the CPU.
        decoding: changes to how outputs become interactions; see `HoiModel.set_decoding`.

    Raises:
        MissingFileError, InputError: unknown name, no such file, weights of another network, or a device that is not
            there; says what was expected. A model without weights says which commands make them.

    Example:
        >>> import interplay
        >>> model = interplay.load_model("tin-spatial-vcoco")
        >>> model.vocabulary.name
        'v-coco'
    """
    import torch

    from interplay.models.weights import load_state, read_weights

    path, card = _weights_file(name, weights)
    state, description = read_weights(path)
    model = _network(description, card, path).from_description(description)
    load_state(model, state, str(path))
    if decoding:
        model.set_decoding(**decoding)
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return model.eval().to(device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device {device!r} cannot be used: {str(error).splitlines()[0]}") from None


def network_class(name: str | Path = DEFAULT_MODEL, *, weights: str | Path | None = None) -> type[HoiModel]:
    """The class of the model that `load_model` would return, without reading its weights; same errors."""
    from interplay.models.weights import read_description

    path, card = _weights_file(name, weights)
    return _network(read_description(path), card, path)


def _weights_file(name: str | Path, weights: str | Path | None) -> tuple[Path, ModelCard | None]:
    if str(name).endswith(".safetensors"):
        if weights is not None:
            raise InputError(f"{name} and {weights} are both files of weights: give one of them")
        return Path(name), None
    card = get_card(str(name))
    if weights is not None:
        return Path(weights), card
    if not card.weights:
        raise MissingFileError(card.how_to_get_weights())
    return Path(str(resources.files("interplay") / "weights" / card.weights)), card


def _network(description: Mapping[str, Any], card: ModelCard | None, path: Path) -> Any:
    """The class of the network that a weights file describes, checked to be the card's."""
    found = description.get("system")
    if found not in NETWORKS or (card is not None and found != card.system):
        raise InputError(
            f"{path} holds weights of {found!r}, expected {card.system if card else ' or '.join(NETWORKS)}"
        )
    if card is not None:
        there = {"vocabulary": description["vocabulary"]["name"], **_flat(description.get("config", {}))}
        wanted = {"vocabulary": card.vocabulary, **card.settings}
        other = [f"{key} is {there.get(key)}, not {value}" for key, value in wanted.items() if there.get(key) != value]
        if other:
            raise InputError(
                f"{path} does not hold a {card.name}: {'; '.join(other)}. Give the file itself as the model instead"
            )
    module, _, network = NETWORKS[found].partition(":")
    return getattr(import_module(module), network)


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """``{"network": {"heads": 8}}`` -> ``{"network.heads": 8}``."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat

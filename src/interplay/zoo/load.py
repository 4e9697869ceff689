"""Models by name or by weights file, ready to predict. Their cards are in `interplay.zoo.cards`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interplay.defaults import DEFAULT_CONTACT_MODEL, DEFAULT_MODEL
from interplay.devices import check_device_name, choose_device
from interplay.errors import InputError, MissingFileError
from interplay.export.options import is_exported
from interplay.hub import fetch_weights, is_repository
from interplay.options import changed_options
from interplay.systems import CONTACT_SYSTEMS, System, get_system
from interplay.zoo.cards import ModelCard, cached_weights, get_card

if TYPE_CHECKING:
    from interplay.models.base import HoiModel
    from interplay.models.contact import ContactFinder


def load_model(
    name: str | Path = DEFAULT_MODEL,
    *,
    weights: str | Path | None = None,
    device: str | None = None,
    decoding: Mapping[str, Any] | None = None,
) -> HoiModel:
    """A model ready to predict.

    Args:
        name: a name of `list_models`, the path of a ``.safetensors`` file or of an ``.onnx`` file that `export_model`
            wrote, or a model on the hub (``owner/name``, or ``owner/name@revision``), whose weights are taken from the
            cache where they are there.
        weights: weights of your own for the named model.
        device: ``"cpu"``, ``"cuda"`` ...; by default CUDA where there is one, else the CPU. An ``.onnx`` file runs on
            the CPU.
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
    check_model(name, weights=weights, device=device, decoding=decoding)
    path, card = _weights_file(name, weights)
    device = "cpu" if is_exported(path) else choose_device(device)

    if card is not None:
        _check_card(_description(path), card, path)
    model = _read(path)
    if decoding:
        model.set_decoding(**decoding)
    return model.to(device)


def load_contact_finder(name: str | Path = DEFAULT_CONTACT_MODEL, *, device: str | None = None) -> ContactFinder:
    """What finds contact of people on the built-in body, by a name of `list_models` or a weights file.

    Folders of published weights are read by `interplay.pipeline.contact.load_contact`.

    Args:
        name: a name, or the path of a ``.safetensors`` file that ``interplay train`` wrote.
        device: as of `load_model`.

    Raises:
        MissingFileError, InputError: as of `load_model`.
    """
    check_device_name(device)
    path, card = _named_file(name, None)
    if card is not None and card.system not in CONTACT_SYSTEMS:
        raise InputError(f"{name} finds interactions, not contact: '{card.use}' takes it")

    from interplay.models.weights import read_contact_model

    return read_contact_model(path).to(choose_device(device)).finder()


def check_model(
    name: str | Path = DEFAULT_MODEL,
    *,
    weights: str | Path | None = None,
    device: str | None = None,
    decoding: Mapping[str, Any] | None = None,
) -> None:
    """What `load_model` refuses, as far as that is known before anything heavy is imported; same errors."""
    check_device_name(device)
    path, card = _weights_file(name, weights)
    if device not in (None, "cpu") and is_exported(path):
        raise InputError(f"{path} runs on the CPU, got device {device!r}; for another one give the weights file")
    if card is not None and decoding:
        _check_decoding(card, decoding)


def _check_decoding(card: ModelCard, decoding: Mapping[str, Any]) -> None:
    options = get_system(card.system).decoding_class()
    if options is not None:
        changed_options(options(), decoding, "decoding")


def model_system(name: str | Path = DEFAULT_MODEL, *, weights: str | Path | None = None) -> System:
    """The system of the model that `load_model` would return; same errors. One with a name needs no torch for it."""
    path, card = _weights_file(name, weights)
    if card is not None:
        return get_system(card.system)

    from interplay.models.weights import system_of

    return system_of(_description(path), path)


def network_class(name: str | Path = DEFAULT_MODEL, *, weights: str | Path | None = None) -> type[HoiModel]:
    """The class of the model that `load_model` would return, without reading its weights; same errors."""
    path, card = _weights_file(name, weights)

    from interplay.models.weights import system_of

    description = _description(path)
    if card is not None:
        _check_card(description, card, path)
    return system_of(description, path).network_class()  # type: ignore[return-value]  # of interactions, or refused


def _description(path: Path) -> dict[str, Any]:
    """What a weights file or an exported network says about itself."""
    if is_exported(path):
        from interplay.export import read_exported_description

        return read_exported_description(path)
    from interplay.models.weights import read_description

    return read_description(path)


def _read(path: Path) -> HoiModel:
    if is_exported(path):
        from interplay.export import read_exported

        return read_exported(path)
    from interplay.models.weights import read_model

    return read_model(path)


def _weights_file(name: str | Path, weights: str | Path | None) -> tuple[Path, ModelCard | None]:
    """The file to read and the card that it must fit; checked before anything heavy is imported."""
    path, card = _named_file(name, weights)
    if card is not None and card.system in CONTACT_SYSTEMS:
        raise InputError(f"{name} finds contact, not interactions: '{card.use}' takes it")
    if not path.is_file():
        raise MissingFileError(f"no weights at {path}")
    return path, card


def _named_file(name: str | Path, weights: str | Path | None) -> tuple[Path, ModelCard | None]:
    if str(name).endswith(".safetensors") or is_exported(name):
        if weights is not None:
            raise InputError(f"{name} and {weights} are both files of weights: give one of them")
        return Path(name), None
    if weights is None and is_repository(str(name)):
        return fetch_weights(str(name)), None
    card = get_card(str(name))
    if weights is not None:
        return Path(weights), card
    if not card.weights:
        if (cached := cached_weights(card)).is_file():
            return cached, card
        raise MissingFileError(card.how_to_get_weights())
    return Path(str(resources.files("interplay") / "weights" / card.weights)), card


def _check_card(description: Mapping[str, Any], card: ModelCard, path: Path) -> None:
    """Whether a weights file holds the model of a card; an error says what differs."""
    from interplay.models.weights import describing

    if description.get("system") != card.system:
        raise InputError(
            f"{path} holds weights of {description.get('system')!r}, expected {card.system}. To use this file: "
            f"--model {path}, without --weights"
        )
    with describing(description, path):
        there = {"vocabulary": description["vocabulary"]["name"], **_flat(description["config"])}
    wanted = {"vocabulary": card.vocabulary, **card.settings}
    other = [f"{key} is {there.get(key)}, not {value}" for key, value in wanted.items() if there.get(key) != value]
    if other:
        raise InputError(
            f"{path} does not hold a {card.name}: {'; '.join(other)}. Give the file itself as the model instead"
        )


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """``{"network": {"heads": 8}}`` -> ``{"network.heads": 8}``."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat

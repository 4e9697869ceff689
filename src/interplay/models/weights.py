"""Weights files: safetensors whose metadata says what network they belong to and how they came about."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from interplay.errors import InputError, MissingFileError
from interplay.files import atomic_path
from interplay.systems import SYSTEMS, System

if TYPE_CHECKING:
    from interplay.models.base import HoiModel

_KEY = "interplay"


def save_weights(model: nn.Module, description: dict[str, Any], path: str | Path) -> None:
    """Write a model's state with its description, whole or not at all."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    with atomic_path(path) as temporary:
        save_file(state, temporary, metadata={_KEY: json.dumps(description)})


def read_weights(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """A file's tensors and its description.

    Raises:
        MissingFileError: no such file.
        InputError: not a safetensors file, or not one of interplay's.
    """
    with _opened(path) as file:
        return {name: file.get_tensor(name) for name in file.keys()}, _description(file, path)  # noqa: SIM118  # no dict


def read_description(path: str | Path) -> dict[str, Any]:
    """A file's description alone; errors as of `read_weights`."""
    with _opened(path) as file:
        return _description(file, path)


def is_weights_file(path: str | Path) -> bool:
    """Whether a file says what network its weights belong to, as `save_weights` writes it."""
    try:
        read_description(path)
    except (InputError, MissingFileError):
        return False
    return True


@contextmanager
def _opened(path: str | Path) -> Iterator[Any]:
    source = Path(path)
    if not source.is_file():
        raise MissingFileError(f"no weights at {source}")
    try:
        with safe_open(source, framework="pt") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise InputError(f"{source}: not a readable safetensors file: {error}") from None


def _description(file: Any, path: str | Path) -> dict[str, Any]:
    metadata = file.metadata() or {}
    if _KEY not in metadata:
        raise InputError(
            f"{path}: holds no description of its network, so it is not a weights file of interplay's; "
            "'interplay import' and 'interplay train' write such files"
        )
    return json.loads(metadata[_KEY])


def read_model(path: str | Path) -> HoiModel:
    """The model of a weights file, in evaluation mode on the CPU.

    Raises:
        MissingFileError: no such file.
        InputError: not a weights file, of no known system, or tensors that do not fit the network.
    """
    state, description = read_weights(path)
    model = system_of(description, path).network_class().from_description(description)
    load_state(model, state, str(path))
    return model.eval()


def system_of(description: Mapping[str, Any], path: str | Path) -> System:
    """The system that a weights file's description names.

    Raises:
        InputError: no system of that name.
    """
    found = description.get("system")
    if found not in SYSTEMS:
        raise InputError(f"{path} holds weights of {found!r}, expected {' or '.join(SYSTEMS)}")
    return SYSTEMS[found]


def load_state(model: nn.Module, state: dict[str, Tensor], source: str) -> None:
    """Put tensors into a model.

    Raises:
        InputError: names or shapes differ.
    """
    expected = model.state_dict()
    wrong = sorted(set(expected) ^ set(state)) or [n for n in expected if expected[n].shape != state[n].shape]
    if wrong:
        raise InputError(f"{source}: {len(wrong)} tensors do not fit the network, such as {wrong[0]!r}")
    model.load_state_dict({name: tensor.to(torch.float32) for name, tensor in state.items()})

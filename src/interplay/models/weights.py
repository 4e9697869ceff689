"""Weights files: safetensors whose metadata says what network they belong to and how they came about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from interplay.errors import InputError, MissingFileError
from interplay.files import atomic_path

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
    source = Path(path)
    if not source.is_file():
        raise MissingFileError(f"no weights at {source}")
    try:
        with safe_open(source, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a dictionary
    except (SafetensorError, OSError) as error:
        raise InputError(f"{source}: not a readable safetensors file: {error}") from None
    if _KEY not in metadata:
        raise InputError(
            f"{source}: holds no description of its network, so it is not a weights file of interplay's; "
            "'interplay train' writes such files"
        )
    return state, json.loads(metadata[_KEY])


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

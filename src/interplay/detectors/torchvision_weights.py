"""Weights for torchvision's networks: from a local file, or from torch hub's cache, which the network fills."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from torch import Tensor, nn

from interplay.containers.guard import brief
from interplay.containers.tensors import read_safetensors, read_torch
from interplay.errors import InputError, MissingFileError


def load_torchvision_weights(
    model: nn.Module, name: str, entry: Any, path: str | os.PathLike[str] | None, call: str
) -> None:
    """Put weights into a network of torchvision's.

    Args:
        model: the network.
        name: what the network is called here.
        entry: torchvision's record of the weights (``FasterRCNN_ResNet50_FPN_V2_Weights.DEFAULT``).
        path: a ``.pth`` file of torchvision's, or the same tensors as ``.safetensors``. By default torch hub's cache,
            filled over the network at the first use.
        call: the function that takes a file of weights for this network, to be named where there is none.

    Raises:
        MissingFileError: no weights and no network; says the commands that bring them.
        InputError: the file does not hold this network's weights.
    """
    state = _from_hub(name, entry, call) if path is None else _from_file(Path(path))
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise InputError(f"{path}: not the weights of {name}: {str(error)[:300]}") from None


def _from_file(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise MissingFileError(f"no weights {path}")
    content = read_safetensors(path) if path.suffix == ".safetensors" else read_torch(path)
    if not isinstance(content, Mapping):
        raise InputError(f"{path}: expected weights by name, got {brief(content)}")
    return content


def _from_hub(name: str, entry: Any, call: str) -> Mapping[str, Tensor]:
    cached = Path(torch.hub.get_dir(), "checkpoints", Path(entry.url).name)
    if cached.is_file():
        return _from_file(cached)
    try:
        return entry.get_state_dict(progress=True, check_hash=True)
    except (URLError, OSError) as error:
        raise MissingFileError(
            f"the weights of {name} are not on this machine and cannot be fetched ({error}). Where there is a "
            f"network, run: curl -L --create-dirs -o {cached.name} {entry.url} and then either copy the file to "
            f"{cached}, or name it: {call}({name!r}, weights={cached.name!r})"
        ) from None

"""Reading weights of other code bases without running anything that they bring along.

A torch checkpoint is a pickle. torch's own restricted reader admits tensors and plain containers; the published
training scripts also store their options, an `argparse.Namespace`, which holds values and does nothing. That one
class is admitted, nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interplay.checkpoints.tensorflow import find_checkpoint, read_checkpoint
from interplay.checkpoints.tensorflow.layout import has_tensorflow_layout, is_weight, to_torch
from interplay.containers.arrays import read_npz
from interplay.containers.tensors import read_safetensors, read_torch
from interplay.errors import InputError, MissingFileError

_NESTED = ("model", "state_dict", "model_state_dict", "module")
"""Keys under which training scripts keep the weights beside epoch and optimiser."""


def read_state_dict(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Parameter name -> tensor from a torch file, a safetensors file, or a TensorFlow checkpoint.

    A leading ``module.``, which data parallel training leaves behind, is removed. TensorFlow's kernels are turned into
    torch's layout (out, in, height, width), those of a checkpoint as well as those in an ``.npz`` or ``.safetensors``
    file under TensorFlow's names; its optimiser's variables are left out.

    Args:
        path: a file; for TensorFlow's also the common beginning of a checkpoint's names, or its folder.

    Raises:
        MissingFileError: no such file.
        InputError: not a checkpoint, damaged, without weights, or made of classes that would have to be run.
    """
    source = Path(path)
    if source.suffix not in (".safetensors", ".npz") and find_checkpoint(source) is not None:
        return find_state_dict(to_torch(read_checkpoint(source, is_weight)), str(source))
    if not source.is_file():
        raise MissingFileError(f"no file of weights {source}")
    if source.suffix == ".npz":
        return find_state_dict(read_npz(source, is_weight), str(source))
    content = _read_safetensors(source) if source.suffix == ".safetensors" else read_torch(source)
    return find_state_dict(content, str(source))


def find_state_dict(content: Any, source: str = "the checkpoint") -> dict[str, Tensor]:
    """The weights inside what a training script stored: tensors, or numpy's arrays, which become tensors.

    Raises:
        InputError: there are none.
    """
    for key in _NESTED:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping):
        raise InputError(f"{source}: expected weights by name, got {type(content).__name__}")
    state = {str(name).removeprefix("module."): value for name, value in content.items() if isinstance(value, Tensor)}
    arrays = {str(name).removeprefix("module."): value for name, value in content.items() if _is_numbers(value)}
    if has_tensorflow_layout(arrays):
        state |= to_torch({name: value for name, value in arrays.items() if is_weight(name)})
    else:
        state |= {name: torch.from_numpy(np.array(value)) for name, value in arrays.items()}
    if not state:
        raise InputError(
            f"{source}: holds no weights; its entries are {', '.join(map(str, list(content)[:5])) or 'none'}"
        )
    return state


def _is_numbers(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "fiub"


def _read_safetensors(source: Path) -> dict[str, Tensor]:
    state = read_safetensors(source)
    kernels = {name: value.numpy() for name, value in state.items() if "/" in name and value.dtype in _NUMPY_TYPES}
    return {**state, **to_torch(kernels)} if has_tensorflow_layout(kernels) else state


_NUMPY_TYPES = (torch.float16, torch.float32, torch.float64, torch.int32, torch.int64)

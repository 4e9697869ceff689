"""Reading weights of other code bases, as their training scripts left them.

Beside the weights there may be an optimiser, options, counters and a running average; the names may carry what wraps
the network. What is in a file is read by `interplay.containers`, which runs nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interplay.checkpoints.tensorflow import find_checkpoint, read_checkpoint
from interplay.checkpoints.tensorflow.layout import has_tensorflow_layout, is_weight, to_torch
from interplay.containers.arrays import read_npz
from interplay.containers.guard import brief
from interplay.containers.tensors import read_safetensors, read_torch
from interplay.errors import InputError, MissingFileError

_NESTED = ("model", "state_dict", "model_state_dict", "module", "network", "net", "weights", "params")
"""Keys under which training scripts keep the weights beside epoch and optimiser."""
_AVERAGES = ("ema", "model_ema", "ema_model", "ema_state_dict", "state_dict_ema", "params_ema", "shadow")
"""Keys of a running average of the weights, which is read where there is nothing else."""
_WRAPPERS = ("module.", "_orig_mod.", "model.")
"""What data-parallel training, ``torch.compile`` and Lightning put before the names of a network."""
_DEEPEST = 4


def read_state_dict(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Parameter name -> tensor from a torch file, a safetensors file, or a TensorFlow checkpoint.

    The weights may lie beside an optimiser, options and a running average (which is read where there is nothing else),
    and their names may begin with what wraps the network (``module.``, ``_orig_mod.``, ``model.``), which is removed;
    half precision becomes float32. TensorFlow's kernels are turned into
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
    content = _innermost(content)
    if not isinstance(content, Mapping):
        raise InputError(f"{source}: expected weights by name, got {brief(content)}")
    names = _unwrapped([name for name in content if isinstance(name, str)])
    found = {ours: content[theirs] for theirs, ours in names.items()}
    state = {name: _at_full_precision(value) for name, value in found.items() if isinstance(value, Tensor)}
    arrays = {name: value for name, value in found.items() if _is_numbers(value)}
    if has_tensorflow_layout(arrays):
        state |= to_torch({name: value for name, value in arrays.items() if is_weight(name)})
    else:
        state |= {name: torch.from_numpy(np.array(value)) for name, value in arrays.items()}
    if not state:
        raise InputError(
            f"{source}: holds no weights; its entries are {', '.join(map(str, list(content)[:5])) or 'none'}"
        )
    return state


def _innermost(content: Any) -> Any:
    """The mapping with the weights: the content itself, or what lies under one of the usual keys."""
    for _ in range(_DEEPEST):
        if not isinstance(content, Mapping):
            break
        inner = next((content[key] for key in (*_NESTED, *_AVERAGES) if isinstance(content.get(key), Mapping)), None)
        if inner is None:
            break
        content = inner
    return content


def _unwrapped(names: Sequence[str]) -> dict[str, str]:
    """Names as stored -> without what wraps the network; those of a running average beside it are left out."""
    stripped = {name: name for name in names}
    averaged = {name for name in names if name.split(".")[0] in _AVERAGES}
    if len(averaged) < len(names):
        stripped = {name: name for name in names if name not in averaged}
    for _ in range(_DEEPEST):
        for prefix in (*_WRAPPERS, *(f"{key}." for key in _AVERAGES)):
            wrapped = [name for name, short in stripped.items() if short.startswith(prefix)]
            if 2 * len(wrapped) > len(stripped):
                stripped |= {name: stripped[name].removeprefix(prefix) for name in wrapped}
                break
        else:
            break
    return stripped


def _at_full_precision(value: Tensor) -> Tensor:
    """Half precision and less as float32, which every network here has."""
    return value.float() if value.is_floating_point() and value.dtype != torch.float64 else value


def _is_numbers(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "fiub"


def _read_safetensors(source: Path) -> dict[str, Tensor]:
    state = read_safetensors(source)
    kernels = {name: value.numpy() for name, value in state.items() if "/" in name and value.dtype in _NUMPY_TYPES}
    return {**state, **to_torch(kernels)} if has_tensorflow_layout(kernels) else state


_NUMPY_TYPES = (torch.float16, torch.float32, torch.float64, torch.int32, torch.int64)

"""InteractVLM's weights in folders of interplay's own: safetensors shards, an index, and ``config.json``."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors.torch import save_file
from torch import Tensor, nn

from interplay._version import __version__
from interplay.containers.guard import brief
from interplay.containers.json_files import read_json
from interplay.containers.tensors import read_safetensors, read_torch
from interplay.errors import InputError, MissingFileError
from interplay.files import atomic_path
from interplay.models.interactvlm.config import InteractVlmOptions
from interplay.models.interactvlm.memory import quantized
from interplay.models.interactvlm.network import InteractVlm

FORMAT = 1
"""Of the folders that this version writes."""
SHARD_SIZE = 5_000_000_000
"""Bytes in a file, at most, unless one tensor alone has more."""
TOKENIZER_FILES = (
    *("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("preprocessor_config.json", "generation_config.json"),
)
"""What a folder holds beside the weights, where the published one has it."""
_INDEX = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
_WHOLE = ("model.safetensors", "pytorch_model.bin")
_ADAPTER = ("adapter_model.safetensors", "adapter_model.bin")


def save_folder(
    model: InteractVlm,
    folder: str | os.PathLike[str],
    shard_size: int = SHARD_SIZE,
    origin: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Write a network with its settings; returns the files of weights.

    A vision tower without weights is left out.

    Args:
        folder: made if it is not there; must be empty.
        shard_size: bytes in a file, at most.
        origin: what to remember about where the weights come from.

    Raises:
        InputError: the folder holds something.
    """
    target = Path(folder)
    check_empty(target)
    target.mkdir(parents=True, exist_ok=True)
    state = {name: tensor for name, tensor in model.state_dict().items() if not tensor.is_meta}
    away = [name for name, each in model.named_parameters() if each.is_meta and ".vision_tower." not in name]
    if away or any(not each.is_floating_point() for each in model.parameters()):
        raise InputError("only a network that is whole can be written: load it without quantize and offload")
    shards = list(_in_shards(state, shard_size))
    names = [f"model-{number:05d}-of-{len(shards):05d}.safetensors" for number in range(1, len(shards) + 1)]
    for name, shard in zip(names, shards, strict=True):
        with atomic_path(target / name) as temporary:
            save_file(_apart({key: state[key].detach().cpu().contiguous() for key in shard}), temporary)
    places = {key: name for name, shard in zip(names, shards, strict=True) for key in shard}
    total = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
    _write(target / _INDEX[0], {"metadata": {"total_size": total}, "weight_map": places})
    written = {
        "interplay": {"system": "interactvlm", "format": FORMAT, "version": __version__, **dict(origin or {})},
        "options": model.options.model_dump(),
        "llava": model.llava.config.to_dict(),
        "sam": model.sam.config.to_dict(),
    }
    _write(target / "config.json", written)  # last: without it the folder is none
    return [target / name for name in names]


def check_empty(folder: Path) -> None:
    """Refuse a folder that is not for writing a network to.

    Raises:
        InputError: it holds something, or is a file.
    """
    # a lock on it is a hidden file in it
    if folder.exists() and (not folder.is_dir() or any(not file.name.startswith(".") for file in folder.iterdir())):
        raise InputError(f"{folder} holds something already: give a folder that is empty or not there")


def copy_tokenizer(source: Path, target: Path) -> list[str]:
    """Copy what a published folder has beside the weights; returns the names."""
    found = [name for name in TOKENIZER_FILES if (source / name).is_file()]
    for name in found:
        shutil.copyfile(source / name, target / name)
    return found


def is_own(config: Mapping[str, Any]) -> bool:
    """Whether a ``config.json`` is of a folder that `save_folder` wrote."""
    return isinstance(config.get("interplay"), Mapping)


def build(config: Mapping[str, Any]) -> InteractVlm:
    """The network of a ``config.json`` of ours, without memory.

    Raises:
        InputError: of a later version, or settings that no network has.
    """
    from transformers import LlavaConfig, LlavaForConditionalGeneration, SamConfig, SamModel

    found = config["interplay"].get("format")
    if found != FORMAT:
        raise InputError(f"config.json: format {found!r}, and interplay {__version__} reads format {FORMAT}; update it")
    try:
        options = InteractVlmOptions(**config["options"])
        llava, sam = LlavaConfig.from_dict(dict(config["llava"])), SamConfig.from_dict(dict(config["sam"]))
        with torch.device("meta"):
            return InteractVlm(LlavaForConditionalGeneration(llava), SamModel(sam), options)
    except InputError:
        raise
    except ValidationError as error:
        raise InputError(f"config.json: options: {'; '.join(problem['msg'] for problem in error.errors())}") from None
    except Exception as error:  # settings of networks are checked in many places and ways
        raise InputError(f"config.json: no settings of an InteractVLM ({' '.join(str(error).split())[:200]})") from None


def shard_files(folder: Path) -> list[Path]:
    """The files of weights in a folder, in order: those of an index, one file, and an adapter's if there is one.

    Raises:
        MissingFileError: none, or one that the index names is not there.
        InputError: the index is none.
    """
    index = next((folder / name for name in _INDEX if (folder / name).is_file()), None)
    if index is not None:
        content = read_json(index, "an index of weights")
        places = content.get("weight_map") if isinstance(content, dict) else None
        if not isinstance(places, dict) or not places or not all(isinstance(name, str) for name in places.values()):
            raise InputError(f"{index}: expected weight_map, tensor -> file")
        names = sorted(set(places.values()))
        if any(Path(name).name != name for name in names):
            raise InputError(f"{index}: expected names of files beside it, got {brief(names[0])}")
    else:
        names = [name for name in _WHOLE if (folder / name).is_file()][:1]
    names += [name for name in _ADAPTER if (folder / name).is_file()][:1]
    if not names:
        raise MissingFileError(f"{folder} holds no weights: expected {' or '.join((*_INDEX, *_WHOLE))}")
    there = {file.name for file in folder.iterdir()}
    missing = [name for name in names if name not in there]
    if missing:
        gone = f"{len(missing)} of {len(names)} files are missing, such as {brief(missing[0])}"
        raise MissingFileError(f"{folder}: not whole: {gone}")
    return [folder / name for name in names]


def read_shard(path: Path) -> Iterator[tuple[str, Tensor]]:
    """The tensors of one file by name.

    Raises:
        InputError: it holds anything else.
    """
    content = read_safetensors(path) if path.suffix == ".safetensors" else read_torch(path)
    if not isinstance(content, Mapping):
        raise InputError(f"{path}: expected tensors by name")
    for name, tensor in content.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise InputError(f"{path}: expected tensors by name, got {name!r}: {type(tensor).__name__}")
        yield name, tensor


def put(
    model: InteractVlm, name: str, tensor: Tensor, kind: torch.dtype | None = None, device: str | None = None
) -> None:
    """Give a parameter, or a stored buffer, its numbers, without a copy where that can be.

    Args:
        kind: the precision to have; by default the tensor's own. Layers of `memory.quantize_layers` have few bits.
        device: where to put them; by default they stay where they are.

    Raises:
        InputError: the network has no such parameter, or of another shape.
    """
    module, _, last = name.rpartition(".")
    try:
        place = dict(model.get_submodule(module).named_buffers(recurse=False)).get(last)
        buffer = place is not None
        place = model.get_parameter(name) if place is None else place
    except AttributeError:
        raise InputError(f"the network has no {name}, of shape {tuple(tensor.shape)}") from None
    if place.shape != tensor.shape:
        raise InputError(f"{name}: expected shape {tuple(place.shape)}, got {tuple(tensor.shape)}")
    own = tensor if kind is None else tensor.to(kind)
    if not own.is_floating_point():
        raise InputError(f"{name}: expected floating-point numbers, got {own.dtype}")
    if own.untyped_storage().nbytes() > own.numel() * own.element_size():
        own = own.clone()  # a part of something larger would keep all of it in memory
    few = quantized(model.get_submodule(module), own, device or "cpu") if last == "weight" else None
    own = own.contiguous() if device is None else own.contiguous().to(device)
    if buffer:
        setattr(model.get_submodule(module), last, own)
        return
    setattr(model.get_submodule(module), last, nn.Parameter(own) if few is None else few)


def compute_buffers(model: InteractVlm) -> None:
    """Make what is no weight again, for real: places of tokens and of an image's patches."""
    for module in list(model.modules()):
        for name, buffer in list(module.named_buffers(recurse=False)):
            if not buffer.is_meta:
                continue
            if name == "position_ids":
                module.register_buffer(name, torch.arange(buffer.shape[-1]).expand(buffer.shape), persistent=False)
            else:
                again = type(module)(module.config)
                module.register_buffer(name, again.get_buffer(name), persistent=False)


def _apart(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same without shared memory, which safetensors refuses: SAM keeps its positions in two places."""
    seen: set[int] = set()
    for name, tensor in tensors.items():
        if tensor.data_ptr() in seen:
            tensors[name] = tensor.clone()
        seen.add(tensor.data_ptr())
    return tensors


def _in_shards(state: Mapping[str, Tensor], size: int) -> Iterator[list[str]]:
    """Names of tensors that go into one file each."""
    names: list[str] = []
    used = 0
    for name, tensor in state.items():
        needed = tensor.numel() * tensor.element_size()
        if names and used + needed > size:
            yield names
            names, used = [], 0
        names.append(name)
        used += needed
    yield names


def _write(path: Path, content: Any) -> None:
    with atomic_path(path) as temporary:
        Path(temporary).write_text(json.dumps(content, indent=1, default=str), encoding="utf-8")

"""Folders of published InteractVLM weights as `InteractVlm`.

A folder has ``config.json`` and the weights in one file or in shards, torch's or safetensors. Shards are read one after
the other, so that memory never holds more than the network and one shard. The vision tower, CLIP's, is not in the
folder; it is looked for where the configuration names it, and can be given later (`load_vision_tower`).
"""

from __future__ import annotations

import os
import re
import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from interplay.containers.json_files import read_json
from interplay.errors import InputError, MissingFileError
from interplay.models.interactvlm import published_config
from interplay.models.interactvlm.folder import (
    build,
    check_empty,
    compute_buffers,
    copy_tokenizer,
    is_own,
    put,
    read_shard,
    save_folder,
    shard_files,
)
from interplay.models.interactvlm.memory import (
    MemoryOptions,
    MemoryPlan,
    check_memory,
    move,
    offload_layers,
    quantize_layers,
)
from interplay.models.interactvlm.network import InteractVlm
from interplay.models.interactvlm.published_names import POSITIONS, SHARED_POSITIONS, is_computed, our_name
from interplay.models.interactvlm.tokenizer import load_tokenizer
from interplay.text.encoders import require_transformers

_LORA = re.compile(r"^(?P<layer>.+)\.lora_(?P<side>[AB])(\.\w+)?\.weight$")
_USUAL_ALPHA = 16.0
"""Of the published trainings."""


def load_folder(
    folder: str | os.PathLike[str], *, device: str = "cpu", memory: MemoryOptions | None = None
) -> InteractVlm:
    """The network of a published folder, or of one that `convert_folder` made, in evaluation mode.

    It has the precision that most of its numbers have. LoRA's matrices, in the shards or in an ``adapter_model`` file
    beside them, are merged into what they change.

    Args:
        device: where it shall be; tensors go there one by one.
        memory: how the language model is kept.

    Raises:
        MissingFileError: no such folder, or a file of it is not there.
        InputError: not whole, not InteractVLM's, or more than the memory there is.
        MissingExtraError: transformers, or what `memory` asks for, is not installed.

    Warns:
        UserWarning: the vision tower is not on this machine.
    """
    require_transformers("contact")
    source, memory = Path(folder), memory or MemoryOptions()
    plan = folder_memory(source, device=device, memory=memory)
    config = _config(source / "config.json")
    shards = shard_files(source)
    straight = "cpu" if memory.offload else device
    try:
        if is_own(config):
            model = build(config)
            _prepare(model, memory)
            _fill_own(model, shards, straight)
        else:
            shapes, kind = _survey(shards)
            model = _without_memory(_with_mask_token(config, source), shapes)
            _prepare(model, memory)
            _fill(model, source, shards, kind, straight)
    except InputError as error:
        raise InputError(f"{source}: {str(error).removeprefix(f'{source}: ')}") from None
    if _is_meta(model.llava.model.vision_tower):
        _look_for_vision_tower(model, source, config)
    model.eval()
    if memory.offload:
        layers = model.llava.model.language_model.layers
        offload_layers(model, device, sum(p.numel() * p.element_size() for p in layers.parameters()) - plan.offloaded)
    else:
        move(model, device)
    return model


def folder_memory(
    folder: str | os.PathLike[str], *, device: str = "cpu", memory: MemoryOptions | None = None
) -> MemoryPlan:
    """What loading a folder will take, from the sizes of its files.

    Raises:
        MissingFileError: no such folder, or a file of it is not there.
        InputError: more than there is; says what helps.
        MissingExtraError: what `memory` asks for is not installed.
    """
    source = Path(folder)
    if not source.is_dir():
        raise MissingFileError(f"no folder of published InteractVLM weights at {source}")
    stored = sum(file.stat().st_size for file in shard_files(source))
    return check_memory(stored, memory or MemoryOptions(), device, str(source))


def convert_folder(folder: str | os.PathLike[str], output: str | os.PathLike[str]) -> InteractVlm:
    """Write a published folder as one of interplay's own: safetensors shards with all parts under one roof.

    What the tokenizer needs is copied beside them.

    Args:
        folder: the published folder; or a file of weights that ``interplay train`` made on top of one, which are put
            together.
        output: a folder that is empty or not there.

    Raises:
        InputError, MissingFileError: as of `load_folder`; or the output holds something.
    """
    source, target = Path(folder), Path(output)
    check_empty(target)
    if source.is_file():
        from interplay.models.interactvlm.adapters import merge_file

        return merge_file(source, target)
    model = load_folder(source)
    save_folder(model, target, origin={"imported_from": source.name})
    copy_tokenizer(source, target)
    return model


def load_vision_tower(model: InteractVlm, source: str | os.PathLike[str], local_files_only: bool = False) -> None:
    """Give a network the vision tower that its published folder does not hold.

    Args:
        source: a folder or a name of `transformers.CLIPVisionModel`, such as ``openai/clip-vit-large-patch14``.
        local_files_only: do not ask the hub.

    Raises:
        InputError: it cannot be had, or does not fit.
    """
    from transformers import CLIPVisionModel

    projector = model.llava.model.multi_modal_projector.linear_1
    try:
        tower = CLIPVisionModel.from_pretrained(str(source), local_files_only=local_files_only)
    except (OSError, ValueError) as error:
        raise InputError(f"no vision tower from {source}: {' '.join(str(error).split())[:200]}") from None
    seen: Any = tower.config
    tokens = (seen.image_size // seen.patch_size) ** 2
    if seen.hidden_size != projector.in_features or tokens != model.options.image_tokens:
        raise InputError(
            f"{source} gives {tokens} tokens of {seen.hidden_size} numbers an image; this model takes "
            f"{model.options.image_tokens} of {projector.in_features}"
        )
    model.llava.model.vision_tower = tower.to(projector.weight.device, projector.weight.dtype).eval()
    model.llava.config.vision_config = seen


def _config(path: Path) -> dict[str, Any]:
    config = read_json(path, "a configuration")
    if not isinstance(config, dict):
        raise InputError(f"{path}: expected an object with the settings of the published model")
    return config


def _with_mask_token(config: dict[str, Any], source: Path) -> dict[str, Any]:
    """Settings with the number of ``[SEG]``, which LISA's leave to the tokenizer."""
    if config.get("seg_token_idx") is not None:
        return config
    try:
        known = load_tokenizer(source).get_vocab()
    except InputError as error:
        raise InputError(f"config.json: seg_token_idx: is missing, and {error}") from None
    if "[SEG]" not in known:
        raise InputError("config.json: seg_token_idx: is missing, and the tokenizer has no token [SEG]")
    return {**config, "seg_token_idx": known["[SEG]"]}


def _prepare(model: InteractVlm, memory: MemoryOptions) -> None:
    """Make layers of few bits before there are numbers."""
    if memory.quantize is not None:
        quantize_layers(model, memory.quantize)


def _read(path: Path) -> Iterator[tuple[str, Tensor]]:
    """The tensors of one shard by their published names, without what LoRA puts around them."""
    for name, tensor in read_shard(path):
        plain = name.removeprefix("base_model.model.").replace(".base_layer.", ".")
        plain = re.sub(r"\.modules_to_save\.\w+\.", ".", plain)
        if ".original_module." not in plain and not is_computed(plain):  # the trained copy beside it counts
            yield plain, tensor


def _fill_own(model: InteractVlm, shards: list[Path], device: str) -> None:
    """Put the tensors of a folder of ours in their places; a vision tower may be missing."""
    filled = set()
    for file in shards:
        for name, tensor in read_shard(file):
            put(model, name, tensor, device=device)
            filled.add(name)
    _check_whole(model, filled)
    compute_buffers(model)


def _check_whole(model: InteractVlm, filled: Collection[str]) -> None:
    names = [name for name, _ in model.named_parameters(remove_duplicate=False)]
    missing = [name for name in names if name not in filled]
    if all(name.startswith("llava.model.vision_tower.") for name in missing):
        tower = [name for name in names if name.startswith("llava.model.vision_tower.")]
        missing = [] if len(missing) in (0, len(tower)) else missing
    if missing:
        raise InputError(f"not whole: {len(missing)} tensors are missing, such as {missing[0]} (as it is called here)")


def _survey(shards: list[Path]) -> tuple[dict[str, tuple[int, ...]], torch.dtype]:
    """The shapes of all tensors but LoRA's, and the precision of most numbers.

    Raises:
        InputError: names that no InteractVLM has.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    kinds: Counter[torch.dtype] = Counter()
    for file in shards:
        for name, tensor in _read(file):
            if _LORA.match(name):
                continue
            shapes[name] = tuple(tensor.shape)
            if tensor.is_floating_point():
                kinds[tensor.dtype] += tensor.numel()
    unknown = [name for name in shapes if our_name(name) is None]
    if unknown:
        raise InputError(
            f"these are not the weights of a published InteractVLM: it has no {unknown[0]}"
            + (f", nor {len(unknown) - 1} others of {len(shapes)}" if len(unknown) > 1 else "")
        )
    return shapes, kinds.most_common(1)[0][0] if kinds else torch.float32


def _without_memory(config: Mapping[str, Any], shapes: published_config.Shapes) -> InteractVlm:
    """The network before it has numbers."""
    from transformers import LlavaForConditionalGeneration, SamModel

    try:
        chosen = published_config.options(config, shapes)
        llava = published_config.llava_config(config, shapes, chosen.image_token_id)
        sam = published_config.sam_config(shapes)
        with torch.device("meta"):
            return InteractVlm(LlavaForConditionalGeneration(llava), SamModel(sam), chosen)
    except InputError:
        raise
    except Exception as error:  # settings and sizes of networks are checked in many places and ways
        raise InputError(f"the weights do not fit an InteractVLM: {' '.join(str(error).split())[:200]}") from None


def _fill(model: InteractVlm, source: Path, shards: list[Path], kind: torch.dtype, device: str) -> None:
    """Put the tensors of all shards in their places, and then what follows from the network's sizes."""
    lora: dict[str, dict[str, Tensor]] = {}
    filled: set[str] = set()
    for file in shards:
        for name, tensor in _read(file):
            if found := _LORA.match(name):
                lora.setdefault(found["layer"], {})[found["side"]] = tensor.float()
                continue
            ours = our_name(name)
            assert ours is not None  # `_survey` has looked
            put(model, ours, _with_image_token(ours, tensor), kind, device)
            filled.add(ours)
    projector = model.llava.model.multi_modal_projector.linear_2
    prefix = "llava.model.multi_modal_projector.linear_2."
    put(model, f"{prefix}weight", torch.eye(projector.out_features), kind)
    put(model, f"{prefix}bias", torch.zeros(projector.out_features), kind)
    filled |= {f"{prefix}weight", f"{prefix}bias"}
    put(model, f"sam.{SHARED_POSITIONS}", model.sam.get_parameter(POSITIONS).data.clone(), kind)
    filled.add(f"sam.{SHARED_POSITIONS}")
    _check_whole(model, filled)
    _merge(model, source, lora)
    compute_buffers(model)


def _with_image_token(name: str, tensor: Tensor) -> Tensor:
    """Embeddings of tokens, and the language model's last matrix, with a row for the image's places."""
    if name in ("llava.model.language_model.embed_tokens.weight", "llava.lm_head.weight"):
        return torch.cat([tensor, tensor.new_zeros(1, *tensor.shape[1:])])
    return tensor


def _merge(model: InteractVlm, source: Path, lora: Mapping[str, Mapping[str, Tensor]]) -> None:
    """Add the product of LoRA's matrices to what they change."""
    if not lora:
        return
    settings = next((_config(file) for name in ("adapter_config.json", "pretrained_config.json")
                     if (file := source / name).is_file()), {})  # fmt: skip
    alpha = settings.get("lora_alpha", _USUAL_ALPHA)
    if isinstance(alpha, bool) or not isinstance(alpha, (int, float)):
        raise InputError(f"lora_alpha: expected a number, got {alpha!r}")
    for layer, sides in lora.items():
        ours = our_name(f"{layer}.weight")
        if set(sides) != {"A", "B"} or ours is None:
            raise InputError(
                f"{layer}: expected LoRA's matrices A and B of a part of the network, got {', '.join(sides)}"
            )
        a, b = sides["A"], sides["B"]
        try:
            weight = model.get_parameter(ours)
            if not weight.is_floating_point():
                raise InputError(
                    "LoRA's matrices cannot be merged into few bits: convert the folder first with 'interplay import "
                    "interactvlm', and quantize what that writes"
                )
        except AttributeError:
            raise InputError(f"{layer}: LoRA changes a part that the network does not have") from None
        if a.ndim != 2 or b.ndim != 2 or a.shape[0] != b.shape[1] or weight.shape != (b.shape[0], a.shape[1]):
            raise InputError(
                f"{layer}: LoRA's matrices {tuple(a.shape)} and {tuple(b.shape)} do not fit {tuple(weight.shape)}"
            )
        merged = weight.data.float() + (float(alpha) / max(1, len(a)) * (b @ a)).to(weight.device)
        weight.data = merged.to(weight.dtype)


def _is_meta(module: nn.Module) -> bool:
    return any(parameter.is_meta for parameter in module.parameters())


def _look_for_vision_tower(model: InteractVlm, source: Path, config: Mapping[str, Any]) -> None:
    """The tower in the folder ``vision_tower``, or what the configuration names, if it is on this machine."""
    own = source / "vision_tower"
    names = (own if own.is_dir() else None, config.get("mm_vision_tower"), config.get("vision_tower"))
    named = next((str(name) for name in names if name), published_config.CLIP)
    try:
        load_vision_tower(model, named, local_files_only=True)
    except InputError as error:
        warnings.warn(
            f"{source} holds no vision tower, and it is not on this machine ({error}). Give it before the model sees "
            f"images: load_vision_tower(model, {named!r}) asks the hub",
            stacklevel=4,
        )

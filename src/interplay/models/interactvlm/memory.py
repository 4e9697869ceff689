"""How a large InteractVLM is kept in memory: whole, with the language model in 4 or 8 bits, or partly off the GPU.

Of the published network's 14 billion numbers 13 belong to the language model, 28 GB in bfloat16. Its linear layers can
be kept in 4 or 8 bits by bitsandbytes (Dettmers et al., NeurIPS 2022 and 2023), or layer by layer in the processor's
memory by accelerate, which brings each to the GPU when it is its turn.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch
from torch import Tensor, nn

from interplay.containers.guard import in_words
from interplay.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from interplay.models.interactvlm.network import InteractVlm

Bits = Literal["8bit", "4bit"]

_LINEAR_SHARE = 0.91
"""Of the published network's numbers in the language model's linear layers: 12.7 of 14.0 billion."""
_SHARE_LEFT = {"8bit": 0.51, "4bit": 0.28}
"""Of a linear layer's 16 bits, with the scales of its blocks."""
_WORKING = 3_000_000_000
"""Bytes beside the weights: what SAM computes of four views of 1024 pixels, and the language model keeps of a text."""
_SMALL = 1_000_000_000
"""Bytes of weights below which nothing has to be said."""
_SHARE_OF_MEMORY = 0.9


@dataclass(frozen=True)
class MemoryOptions:
    """How a network is kept.

    Attributes:
        quantize: keep the language model's linear layers in 8 or 4 bits; None: as they are.
        offload: keep those of its layers that do not fit on the GPU in the processor's memory.

    Raises:
        InputError: unknown, or both.
    """

    quantize: Bits | None = None
    offload: bool = False

    def __post_init__(self) -> None:
        if self.quantize is not None and self.quantize not in get_args(Bits):
            raise InputError(f"quantize: expected 8bit or 4bit, got {self.quantize!r}")
        if self.quantize is not None and self.offload:
            raise InputError("choose one: a language model in fewer bits (quantize), or partly off the GPU (offload)")


@dataclass(frozen=True)
class MemoryPlan:
    """What loading will take.

    Attributes:
        device: where the network runs.
        weights: bytes of all weights as they are kept.
        on_device: bytes needed there, with what is computed.
        available: bytes that are free there, None where nobody knows.
        offloaded: bytes of layers that stay in the processor's memory.
    """

    device: str
    weights: int
    on_device: int
    available: int | None
    offloaded: int

    @property
    def fits(self) -> bool:
        """Whether it can be tried."""
        return self.available is None or self.on_device <= self.available

    def in_words(self) -> str:
        """One sentence."""
        where = "this machine's memory" if self.device == "cpu" else self.device
        free = "" if self.available is None else f", where {in_words(self.available)} are free"
        rest = f", and {in_words(self.offloaded)} of layers in the processor's memory" if self.offloaded else ""
        return f"{in_words(self.weights)} of weights; needs about {in_words(self.on_device)} of {where}{free}{rest}"


def plan_memory(stored: int, options: MemoryOptions, device: str) -> MemoryPlan:
    """What a network with so many bytes of weights, in 16 bits, will take.

    Raises:
        InputError: offloading without a GPU.
    """
    if options.offload and device == "cpu":
        raise InputError("--offload keeps layers off a GPU, and this runs on the processor: leave it out")
    linear = _LINEAR_SHARE * stored
    weights = int(stored - linear + linear * _SHARE_LEFT[options.quantize]) if options.quantize else stored
    working = _WORKING if stored > _SMALL else 0
    available = available_memory(device)
    offloaded = 0
    if options.offload and available is not None:
        offloaded = int(min(max(weights + working - available, 0), linear))
    return MemoryPlan(device, weights, weights + working - offloaded, available, offloaded)


def check_memory(stored: int, options: MemoryOptions, device: str, where: str) -> MemoryPlan:
    """The plan, if it can be carried out.

    Raises:
        InputError: it does not fit; says what helps.
        MissingExtraError: what it needs is not installed.
    """
    plan = plan_memory(stored, options, device)
    if options.quantize is not None:
        _bitsandbytes()
    if options.offload:
        _accelerate()
    room = available_memory("cpu") if options.offload else None
    if room is not None and plan.weights > room:
        raise InputError(
            f"{where}: {in_words(plan.weights)} of weights go through the processor's memory, of which there are "
            f"{in_words(room)}. What helps: --quantize 4bit (extra vlm), which puts one file after the other on the GPU"
        )
    if not plan.fits:
        helps = [] if options.quantize == "4bit" else ["--quantize 4bit (extra vlm)"]
        if device != "cpu":
            helps += [] if options.offload or options.quantize else ["--offload (extra vlm)"]
        helps.append("a machine or a GPU with more memory")
        raise InputError(f"{where}: {plan.in_words()}. What helps: {', '.join(helps)}")
    return plan


def available_memory(device: str) -> int | None:
    """Bytes free on a GPU, or nearly all of the machine's memory."""
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(device)[0])
    if device == "cpu" and hasattr(os, "sysconf"):
        return int(_SHARE_OF_MEMORY * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return None


def worth_saying(plan: MemoryPlan) -> bool:
    """Whether a network is so large that its user is told before it is loaded."""
    return plan.weights > _SMALL


def quantize_layers(model: InteractVlm, bits: Bits) -> None:
    """Put layers of fewer bits in the place of the language model's linear ones; they get their numbers later.

    Raises:
        MissingExtraError: bitsandbytes is not installed.
    """
    bnb = _bitsandbytes()
    for module in list(model.llava.model.language_model.modules()):
        for name, layer in list(module.named_children()):
            if not isinstance(layer, nn.Linear):
                continue
            sizes: dict[str, Any] = {
                "input_features": layer.in_features,
                "output_features": layer.out_features,
                "bias": layer.bias is not None,
                "device": "meta",
            }
            made = (
                bnb.nn.Linear4bit(**sizes, quant_type="nf4", compress_statistics=True)
                if bits == "4bit"
                else bnb.nn.Linear8bitLt(**sizes, has_fp16_weights=False)
            )
            setattr(module, name, made)


def quantized(place: nn.Module, weight: Tensor, device: str) -> nn.Parameter | None:
    """A weight in the few bits of the layer that it is of; None for a layer that keeps all."""
    if not type(place).__module__.startswith("bitsandbytes"):
        return None
    bnb = _bitsandbytes()
    if isinstance(place, bnb.nn.Linear4bit):
        place.compute_dtype = weight.dtype
        few = bnb.nn.Params4bit(
            weight.contiguous(), requires_grad=False, quant_type="nf4", compress_statistics=True, module=place
        )
    else:
        few = bnb.nn.Int8Params(weight.contiguous(), requires_grad=False, has_fp16_weights=False)
    return few.to(device)


def offload_layers(model: InteractVlm, device: str, most: int) -> int:
    """Keep the language model's last layers off the GPU, as many as exceed `most` bytes; the rest goes there.

    Args:
        model: in the processor's memory.
        most: bytes of layers that may be on the GPU.

    Returns:
        How many layers stay in the processor's memory.

    Raises:
        MissingExtraError: accelerate is not installed.
    """
    accelerate = _accelerate()
    layers = model.llava.model.language_model.layers
    kept, used = 0, 0
    for layer in layers:
        used += sum(p.numel() * p.element_size() for p in layer.parameters())
        if used > most:
            break
        kept += 1
    away = list(layers[kept:])
    move(model, device, {id(parameter) for layer in away for parameter in layer.parameters()})
    for layer in away:
        accelerate.cpu_offload(layer, execution_device=torch.device(device))
    return len(away)


def move(model: nn.Module, device: str, besides: Collection[int] = ()) -> None:
    """Bring a network to a device, but for what has no numbers yet and the parameters of some ids."""
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if id(parameter) in besides or parameter.is_meta or parameter.device == torch.device(device):
                continue
            if parameter.is_floating_point():
                parameter.data = parameter.data.to(device)
            else:  # few bits, with their scales beside them
                setattr(module, name, parameter.to(device))
        for name, buffer in module.named_buffers(recurse=False):
            if not buffer.is_meta:
                module._buffers[name] = buffer.to(device)


def _bitsandbytes() -> Any:
    try:
        import bitsandbytes
    except ImportError as error:
        raise MissingExtraError("vlm", "bitsandbytes") from error
    return bitsandbytes


def _accelerate() -> Any:
    try:
        import accelerate
    except ImportError as error:
        raise MissingExtraError("vlm", "accelerate") from error
    return accelerate

"""Batches as what they are: dataclasses of tensors, nested."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from torch import Tensor


def map_tensors(value: Any, function: Callable[[Tensor], Tensor]) -> Any:
    """The same structure of dataclasses, lists, tuples and dictionaries with a function applied to every tensor."""
    if isinstance(value, Tensor):
        return function(value)
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{f.name: map_tensors(getattr(value, f.name), function) for f in fields(value) if f.init})
    if isinstance(value, Mapping):
        return {name: map_tensors(inner, function) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map_tensors(inner, function) for inner in value)
    return value


def plain(value: Any) -> Any:
    """The same as dictionaries, lists, tensors on the CPU and numbers, which ``torch.load`` reads without classes."""
    if isinstance(value, Tensor):
        return value.detach().cpu()
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)

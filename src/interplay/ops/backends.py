"""One implementation for numpy's arrays and torch's tensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., Any])


def in_kind(function: Function) -> Function:
    """Let a function on tensors also take numpy's arrays, and give back the kind that it was given.

    If any argument is a tensor, the results are tensors and gradients flow; otherwise arrays, lists of numbers and
    numbers come as tensors, and tensors in the result (alone or in a tuple) leave as arrays. A list is an array of
    numbers here. Torch is loaded at the first call.
    """

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        import torch

        given = [*args, *kwargs.values()]
        tensors = [value for value in given if isinstance(value, torch.Tensor)]
        device = tensors[0].device if tensors else None

        def to_tensor(value: Any) -> Any:
            if isinstance(value, (np.ndarray, list)):
                array = np.asarray(value)
                return torch.as_tensor(array if array.flags.writeable else array.copy(), device=device)
            return value

        result = function(*map(to_tensor, args), **{name: to_tensor(value) for name, value in kwargs.items()})
        return result if tensors else _to_numpy(result)

    return cast(Function, wrapped)


def to_numpy(value: Any) -> NDArray[Any]:
    """An array of what is an array, a tensor on any device, or a list; half precision becomes float32."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float() if value.dtype.is_floating_point and value.dtype.itemsize < 4 else value
        return np.asarray(value.numpy())
    return np.asarray(value)


def _to_numpy(result: Any) -> Any:
    if isinstance(result, tuple):
        return tuple(_to_numpy(each) for each in result)
    return result.numpy() if hasattr(result, "detach") else result


def through_numpy(function: Function) -> Function:
    """Let a function on numpy's arrays also take torch's tensors and lists, and give tensors back for tensors.

    The results are arrays or a named tuple of them. Torch is not needed for arrays.
    """

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        given = [*args, *kwargs.values()]
        tensor = next((value for value in given if hasattr(value, "detach")), None)

        def to_array(value: Any) -> Any:
            return to_numpy(value) if hasattr(value, "detach") or isinstance(value, list) else value

        result = function(*map(to_array, args), **{name: to_array(value) for name, value in kwargs.items()})
        if tensor is None:
            return result
        import torch

        def to_tensor(array: Any) -> Any:
            return torch.as_tensor(array, device=tensor.device)

        return type(result)(*map(to_tensor, result)) if isinstance(result, tuple) else to_tensor(result)

    return cast(Function, wrapped)

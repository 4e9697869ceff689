"""ONNX Runtime as a `PlainForward`: tensors in, tensors out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interplay.containers.guard import brief, reading
from interplay.errors import InputError, MissingExtraError, ModelError
from interplay.models.plain import PlainTensor

EXTRA = "onnx"
FIXABLE = ("batch", "height", "width")
"""Axes that a file may fix."""


def load_onnx() -> Any:
    """The package `onnx`.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import onnx
    except ImportError:
        raise MissingExtraError(EXTRA, "onnx") from None
    return onnx


class OnnxSession:
    """A network that ONNX Runtime runs on the CPU, with as many threads as PyTorch has now.

    Args:
        content: of the file.
        source: its name, for errors.

    Attributes:
        inputs: names and shapes of what it takes; an axis of any length has a name.
        outputs: names of what it returns.

    Raises:
        MissingExtraError: ONNX Runtime is not installed.
        InputError: it cannot run this.
    """

    def __init__(self, content: bytes, source: str | Path) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise MissingExtraError(EXTRA, "onnxruntime") from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # its warnings are about the graph, which the user did not write
        # waiting threads take the processor from those that work. Numbers near 0 stay what they are: the option that
        # makes them 0 would do so for all that the calling thread computes from then on
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        with reading(source, "a network that ONNX Runtime can run"):
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self._source = source
        self.inputs = {given.name: tuple(given.shape) for given in self._session.get_inputs()}
        self.outputs = tuple(given.name for given in self._session.get_outputs())
        self._types = {given.name: _TYPES.get(given.type, np.float32) for given in self._session.get_inputs()}
        self._one_by_one = any(shape and shape[0] == 1 for shape in self.inputs.values())

    def check(self, inputs: tuple[PlainTensor, ...], outputs: tuple[str, ...]) -> None:
        """Whether it takes and returns what a model means.

        Raises:
            InputError: it does not.
        """
        fits = [given.name for given in inputs] == list(self.inputs) and outputs == self.outputs
        fits = fits and all(_fits(given.shape, self.inputs[given.name]) for given in inputs)
        if not fits:
            wanted = ", ".join(f"{given.name} {_words(given.shape)}" for given in inputs)
            got = ", ".join(f"{name} {_words(shape)}" for name, shape in self.inputs.items())
            raise InputError(
                f"{self._source}: its network takes {brief(got)} and gives {brief(list(self.outputs))}; this model "
                f"needs one that takes {wanted} and gives {', '.join(outputs)}. Export it again with these settings"
            )

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Run it; a batch goes in image by image where the file takes one.

        Raises:
            ModelError: ONNX Runtime fails.
        """
        given: dict[str, Any] = {
            name: tensor.detach().cpu().numpy().astype(self._types[name], copy=False)
            for name, tensor in zip(self.inputs, tensors, strict=True)
        }
        batched = self._one_by_one and all(len(value) == len(next(iter(given.values()))) for value in given.values())
        if not batched or len(next(iter(given.values()))) == 1:
            return self._run(given)
        count = len(next(iter(given.values())))
        parts = [self._run({name: value[i : i + 1] for name, value in given.items()}) for i in range(count)]
        return tuple(torch.cat(values) for values in zip(*parts, strict=True))

    def _run(self, given: dict[str, Any]) -> tuple[Tensor, ...]:
        contiguous = {name: np.ascontiguousarray(value) for name, value in given.items()}
        try:
            found = self._session.run(None, contiguous)
        except Exception as error:  # of ONNX Runtime, which has a class for every code
            text = " ".join(str(error).split())
            raise ModelError(f"{self._source}: ONNX Runtime could not run it ({text[:300]})") from None
        return tuple(torch.from_numpy(value) for value in found)


_TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}


def _fits(wanted: tuple[int | str, ...], shape: tuple[Any, ...]) -> bool:
    if len(wanted) != len(shape):
        return False
    pairs = zip(wanted, shape, strict=True)
    return all(own == given or (isinstance(own, str) and _may_be(own, given)) for own, given in pairs)


def _may_be(axis: str, given: Any) -> bool:
    return not isinstance(given, int) or (axis in FIXABLE and given > 0)


def _words(shape: tuple[Any, ...]) -> str:
    return "x".join(map(str, shape))

"""From a network to an ONNX graph, and what a graph of a file may hold."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from interplay.containers.guard import brief
from interplay.errors import InputError, MissingExtraError
from interplay.export.session import EXTRA, FIXABLE, load_onnx
from interplay.models.plain import PlainTensor

if TYPE_CHECKING:
    from interplay.models.base import HoiModel

OPSET = 20
"""Version of ONNX's operations: the first with deformable convolution (19) and sampling of volumes and maps (20)."""


class _Plain(nn.Module):
    """A model whose `forward` is its `export_forward`."""

    def __init__(self, model: HoiModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return self.model.export_forward(*inputs)


def trace(model: HoiModel, examples: Sequence[Tensor], dynamic: bool) -> Any:
    """The network as an `onnx.ModelProto`.

    Args:
        model: in evaluation mode.
        examples: inputs; axes that may have any length have one of 2 or more, since torch takes 1 for fixed.
        dynamic: whether batch and size may be any, too; else they are those of the examples.

    Raises:
        MissingExtraError: a package is missing.
    """
    onnx = load_onnx()
    try:
        import onnxscript  # noqa: F401  # torch's exporter needs it
    except ImportError:
        raise MissingExtraError(EXTRA, "onnxscript") from None
    inputs = model.plain_inputs()
    free = tuple(_free_axes(given, dynamic) for given in inputs)
    with torch.no_grad(), _quietly():
        program = torch.onnx.export(
            _Plain(model),
            tuple(examples),
            dynamo=True,
            opset_version=OPSET,
            input_names=[given.name for given in inputs],
            output_names=list(model.plain_outputs()),
            dynamic_shapes=(free,),
            verbose=False,
        )
    assert program is not None
    proto = onnx.ModelProto()
    proto.CopyFrom(program.model_proto)
    _forget_places(proto)
    return proto


def _free_axes(given: PlainTensor, dynamic: bool) -> dict[int, Any]:
    """Axes of any length, as torch's exporter takes them; of some it must know that a number divides them."""
    free: dict[int, Any] = {
        axis: name
        for axis, name in enumerate(given.shape)
        if isinstance(name, str) and (dynamic or name not in FIXABLE)
    }
    for axis, name in free.items():
        if given.divisor > 1 and name in ("height", "width"):
            free[axis] = given.divisor * torch.export.Dim(name)
    return free


def check_graph(proto: Any, source: str | Path) -> None:
    """Whether a graph is self-contained: its numbers are in the file, and its operations are ONNX's own.

    Raises:
        InputError: it names other files, numbers that are not there or not finite, or other code.
    """
    onnx = load_onnx()
    if not proto.graph.node:
        raise InputError(f"{source}: not an ONNX file, or damaged (it holds no network)")
    others = {node.domain for node in _nodes(proto)} - {"", "ai.onnx", "com.microsoft"}
    if others:
        raise InputError(f"{source}: uses operations of {brief(sorted(others))}, which are not ONNX's own")
    for tensor in _tensors(proto):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise InputError(f"{source}: the numbers of {brief(tensor.name)} are in another file, which is not read")
        needed = prod(tensor.dims) * _BITS.get(tensor.data_type, 0) // 8
        if tensor.raw_data and needed != len(tensor.raw_data):
            raise InputError(
                f"{source}: {brief(tensor.name)} has shape {tuple(tensor.dims)}, which is {needed:,} bytes, and "
                f"{len(tensor.raw_data):,} are there"
            )
        if tensor.data_type == onnx.TensorProto.FLOAT and tensor.raw_data:
            values = torch.frombuffer(bytearray(tensor.raw_data), dtype=torch.float32)
            if bool(values.isnan().any()):
                raise InputError(f"the weights of {source} are not finite: {brief(tensor.name)} holds NaN")


_BITS = {1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 16: 16}
"""Bits of a number by its type in ONNX; others are in no file of ours."""


def parse(content: bytes) -> Any:
    """An `onnx.ModelProto`.

    Raises:
        Exception: of the parser, where it is none.
    """
    return load_onnx().load_model_from_string(content)


def metadata(proto: Any) -> dict[str, str]:
    """What a graph says about itself by name."""
    return {entry.key: entry.value for entry in proto.metadata_props}


def set_metadata(proto: Any, values: Mapping[str, str]) -> None:
    """Let a graph say this about itself, and nothing else."""
    del proto.metadata_props[:]
    load_onnx().helper.set_model_props(proto, dict(values))


def _nodes(proto: Any) -> Iterator[Any]:
    for graph in [proto.graph, *proto.functions]:
        yield from _nodes_of(graph.node)


def _nodes_of(nodes: Any) -> Iterator[Any]:
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in [attribute.g, *attribute.graphs]:
                yield from _nodes_of(graph.node)


def _tensors(proto: Any) -> Iterator[Any]:
    yield from proto.graph.initializer
    for node in _nodes(proto):
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for graph in [attribute.g, *attribute.graphs]:
                yield from graph.initializer


def _forget_places(proto: Any) -> None:
    """Remove the places in source files where torch found each operation: they name the user's folders."""
    proto.producer_name, proto.doc_string = "interplay", ""
    del proto.metadata_props[:]
    for holder in [proto.graph, *proto.functions]:
        holder.doc_string = ""
        for item in [holder, *holder.node, *holder.value_info]:
            item.doc_string = ""
            del item.metadata_props[:]
    for item in [*proto.graph.input, *proto.graph.output, *proto.graph.initializer]:
        item.doc_string = ""
        del item.metadata_props[:]


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without the exporter's running commentary; what it raises says enough."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)

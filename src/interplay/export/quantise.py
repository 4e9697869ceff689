"""Weights with 8 bits: dynamic quantisation, which needs no pictures."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any

from interplay.containers.guard import reading
from interplay.errors import InputError, MissingExtraError
from interplay.export.graph import parse
from interplay.export.session import EXTRA

OPERATIONS = ("MatMul", "Gemm")
"""What is quantised. Convolutions stay as they are: ONNX Runtime's integer convolution is slower than the other."""


def quantise(proto: Any) -> Any:
    """The same graph with the weights of its matrix products as 8-bit integers, a scale for each column.

    Activations are rounded to 8 bits while it runs, by the range that each of them has then.

    Raises:
        MissingExtraError: ONNX Runtime is not installed.
        InputError: it cannot quantise this, or there is nothing to quantise.
    """
    if not any(node.op_type in OPERATIONS for node in proto.graph.node):
        raise InputError("the network has no matrix products, whose weights 8 bits could store: leave int8 out")
    try:
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError:
        raise MissingExtraError(EXTRA, "onnxruntime") from None
    with tempfile.TemporaryDirectory() as folder, reading("the network", "one that can be quantised"):
        source, target = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(proto.SerializeToString())
        level = logging.root.level
        logging.root.setLevel(logging.ERROR)  # it advises to prepare the graph, which the exporter has done
        try:
            quantize_dynamic(
                source, target, op_types_to_quantize=list(OPERATIONS), weight_type=QuantType.QInt8, per_channel=True
            )
        finally:
            logging.root.setLevel(level)
        return parse(target.read_bytes())

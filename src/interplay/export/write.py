"""`export_model`: an ONNX file of a model, written only if it computes what PyTorch does."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from interplay._version import __version__
from interplay.errors import InputError, InterplayError
from interplay.export.compare import Call, Difference, compare, noise, plain_examples, record
from interplay.export.graph import OPSET, set_metadata, trace
from interplay.export.options import DESCRIPTION, EXPORT, SUFFIXES, ExportOptions
from interplay.export.quantise import quantise
from interplay.export.session import OnnxSession
from interplay.files import atomic_path, check_target
from interplay.images import read_image
from interplay.models.weights import newest_format
from interplay.samples import sample_path

if TYPE_CHECKING:
    from interplay.images import ImageSource
    from interplay.models.base import HoiModel

TOLERANCE = {torch.float32: 1e-3, torch.float16: 3e-2}
"""Largest difference from PyTorch, as a share of a tensor's largest number, by the type of the weights."""

INT8_TOLERANCE = 0.5
"""Largest root-mean-square error of a tensor with 8 bits: beyond, the numbers are no longer those of the network."""

_RANDOM_SIZES = ((240, 320), (352, 208), (200, 200))


@dataclass(frozen=True)
class Exported:
    """What `export_model` wrote.

    Attributes:
        path: of the file.
        size: bytes.
        difference: between PyTorch and ONNX Runtime, with the weights' own type.
        int8: between PyTorch and the 8-bit network; None where it was not asked for.
        pictures: random and real ones that were compared.
    """

    path: Path
    size: int
    difference: Difference
    int8: Difference | None
    pictures: int


def export_model(
    model: HoiModel,
    path: str | Path,
    *,
    dynamic: bool = False,
    size: tuple[int, int] | None = None,
    int8: bool = False,
    pictures: Sequence[ImageSource] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> Exported:
    """Write a model's network as an ONNX file, which `interplay.load_model` reads again.

    The file holds the model's description, so that it is decoded as the model is. Before it is written, ONNX Runtime
    computes random and real pictures with it, and every number is compared with PyTorch's. Where the model needs boxes,
    these are random ones.

    Args:
        model: on the CPU; it stays as it is.
        path: of the ``.onnx`` file.
        dynamic: let batches and images have any size; otherwise a batch is one image, of a fixed size.
        size: height and width that images are brought to, for a network of fixed size; by default what suits the
            model's configuration.
        int8: store the weights of matrix products with 8 bits; see `quantise`.
        pictures: to compare on, beside random ones; by default interplay's own sample.
        progress: is told what is being done.

    Raises:
        MissingExtraError: a package is missing.
        InputError: the model cannot be exported so, or its file would compute something else; nothing is written.
        ImageError: a picture cannot be read.
    """
    target = check_target(path, SUFFIXES)
    model.plain_inputs()  # says if there are none
    if dynamic and size is not None:
        raise InputError("a dynamic network takes images of any size: leave the size out, or dynamic")
    dtype = model.dtype
    if dtype not in TOLERANCE or model.device.type != "cpu":
        raise InputError(
            f"a model is exported from the CPU with 32 or 16 bits ({', '.join(map(str, TOLERANCE))}), got {dtype} on "
            f"{model.device}; ONNX Runtime has too few operations for others"
        )
    fixed = None if dynamic else model.fixed_size(size)
    before, model.canvas = model.canvas, fixed
    try:
        progress("computing with PyTorch")
        calls, count = _calls(model, pictures)
        progress("tracing the network")
        proto = trace(_prepared(model), _examples(model, dynamic), dynamic)
        options = ExportOptions(dynamic=dynamic, size=fixed, int8=int8, buffers=_buffers(model))
        _describe(proto, model, options)
        content = proto.SerializeToString()
        progress("comparing ONNX Runtime with PyTorch")
        difference = _checked(model, calls, content, path, TOLERANCE[dtype])
        rounded = None
        if int8:
            progress("quantising")
            proto = quantise(proto)
            _describe(proto, model, options)
            content = proto.SerializeToString()
            rounded = _checked(model, calls, content, path, None)
    finally:
        model.canvas = before
    with atomic_path(target) as temporary:
        temporary.write_bytes(content)
    return Exported(target, len(content), difference, rounded, count)


def _calls(model: HoiModel, pictures: Sequence[ImageSource]) -> tuple[list[Call], int]:
    """What the model computes on random pictures and real ones."""
    images = [noise(i, *size) for i, size in enumerate(_RANDOM_SIZES)]
    images += [read_image(picture) for picture in pictures or [sample_path()]]
    return [call for seed, image in enumerate(images) for call in record(model, [image], seed)], len(images)


def _examples(model: HoiModel, dynamic: bool) -> tuple[torch.Tensor, ...]:
    """Inputs to trace with; two images at once where a batch may have any size."""
    images: list[NDArray[np.uint8]] = [noise(i, *_RANDOM_SIZES[0]) for i in range(2 if dynamic else 1)]
    return plain_examples(model, record(model, images, seed=1)[0])


def _prepared(model: HoiModel) -> HoiModel:
    """A copy with normalisations folded into convolutions: there is less to run."""
    return deepcopy(model).eval().requires_grad_(False).prepare_inference()


def _buffers(model: HoiModel) -> dict[str, Any]:
    state = model.state_dict()
    return {name: state[name].tolist() for name in model.decoding_buffers if name in state}


def _describe(proto: Any, model: HoiModel, options: ExportOptions) -> None:
    versions = {"interplay": __version__, "torch": torch.__version__, "opset": OPSET}
    description = {"format": newest_format(type(model)), "versions": versions, **model.description()}
    set_metadata(proto, {DESCRIPTION: json.dumps(description), EXPORT: options.model_dump_json()})


def _checked(
    model: HoiModel, calls: Sequence[Call], content: bytes, path: str | Path, tolerance: float | None
) -> Difference:
    session = OnnxSession(content, path)
    try:
        session.check(model.plain_inputs(), model.plain_outputs())
        found = compare(model, calls, session)
    except InterplayError as error:
        raise InputError(f"{path} was not written: {error}") from None
    if found.largest > tolerance if tolerance is not None else found.typical > INT8_TOLERANCE:
        apart = f"by {found.largest:.2g} of the largest number" if tolerance is not None else f"{found.typical:.0%} rms"
        raise InputError(
            f"{path} was not written: ONNX Runtime and PyTorch differ {apart}; the limit is "
            f"{tolerance if tolerance is not None else INT8_TOLERANCE:g}"
        )
    return found

"""An exported file as a model: everything is the model's own, but ONNX Runtime computes its network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import torch
from pydantic import ValidationError
from torch import Tensor
from typing_extensions import Self

from interplay.containers.guard import reading, regular_file
from interplay.containers.json_files import parse_json
from interplay.errors import InputError
from interplay.export.graph import check_graph, metadata, parse
from interplay.export.options import EXPORT, ExportOptions
from interplay.export.session import OnnxSession
from interplay.models.base import HoiModel
from interplay.models.weights import Bits, describing, newest_description, system_of, unfilled
from interplay.options import problems_of


class ExportedModel(HoiModel):
    """What makes a class of models, given as the second base, one whose network is a session."""

    session: OnnxSession

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """As the model's, computed by ONNX Runtime."""
        return self.forward_through(self.session, *inputs, **options)

    @property
    def device(self) -> torch.device:
        """The CPU."""
        return torch.device("cpu")

    @property
    def dtype(self) -> torch.dtype:
        """As of weights with 32 bits; the session takes what its file wants."""
        return torch.float32

    def set_decoding(self, **options: Any) -> None:
        """See `HoiModel`.

        Raises:
            InputError: also for options that the exported network was not made for.
        """
        before = self.config
        super().set_decoding(**options)
        try:
            self.session.check(self.plain_inputs(), self.plain_outputs())
            if self.canvas is not None and self.canvas != self.fixed_size(self.canvas):
                raise InputError(f"the exported network takes images of {self.canvas}: export it with these settings")
        except InputError:
            self.config = before
            raise

    def prepare_inference(self) -> Self:
        """It is prepared."""
        return self

    def loss(self, outputs: Any, targets: Any, counts: Any = None) -> dict[str, Tensor]:
        """It cannot be trained."""
        self._refuse("cannot be trained")

    def save(self, path: str | Path, *, bits: Bits | None = None, **extra: Any) -> None:
        """It is a file already."""
        self._refuse("cannot be saved as weights")

    def push_to_hub(self, *arguments: Any, **options: Any) -> str:
        """Only weights are published."""
        self._refuse("cannot be published")

    def with_classes(self, *arguments: Any, **options: Any) -> HoiModel:
        """Its classes are part of the file."""
        self._refuse("finds the classes that it was exported with")

    def explain(self, *arguments: Any, **options: Any) -> Any:
        """What it would show is not among its outputs."""
        self._refuse("does not tell where it looks")

    def _refuse(self, what: str) -> NoReturn:
        raise InputError(f"an exported network {what}: load the weights file (.safetensors) that it was made of")


def read_exported_description(path: str | Path) -> dict[str, Any]:
    """A file's description in the newest format of its system; errors as of `read_exported`."""
    _, proto = _opened(path)
    return newest_description(metadata(proto), path)


def read_exported(path: str | Path) -> HoiModel:
    """The model of an exported file, in evaluation mode on the CPU.

    Nothing that the file holds is run but ONNX's own operations, and it must take and return what the network of its
    description does.

    Raises:
        MissingFileError: no such file.
        MissingExtraError: ONNX Runtime is not installed.
        InputError: not a file of `export_model`, damaged, or of a later version; says what to do.
    """
    content, proto = _opened(path)
    description = newest_description(metadata(proto), path)
    check_graph(proto, path)
    options = _options(metadata(proto), path)
    kind = system_of(description, path).network_class()
    own: Any = type(kind.__name__, (ExportedModel, kind), {"__module__": kind.__module__})
    with describing(description, path), torch.device("meta"), unfilled(len(proto.graph.initializer)):
        model = own.from_description(description)
    _set_buffers(model, options.buffers, path)
    model.session = OnnxSession(content, path)
    model.session.check(model.plain_inputs(), model.plain_outputs())
    model.canvas = options.size
    return model.eval()


def _opened(path: str | Path) -> tuple[bytes, Any]:
    regular_file(path, "an ONNX file")
    with reading(path, "an ONNX file"):
        content = Path(path).read_bytes()
        return content, parse(content)


def _options(values: Mapping[str, str], path: str | Path) -> ExportOptions:
    try:
        return ExportOptions.model_validate(parse_json(values.get(EXPORT, "null"), "how it was exported"))
    except ValidationError as error:
        problems = problems_of(error, ExportOptions, "how it was exported")
        lines = [f"{field}: {', or '.join(found)}" for field, found in problems.items()]
        raise InputError(f"{path}: {'; '.join(lines)}. Export it again") from None


def _set_buffers(model: HoiModel, values: Mapping[str, Any], path: str | Path) -> None:
    """Take the network's weights away, which the session has, and fill the buffers that decoding reads."""
    wanted = {name: model.get_buffer(name) for name in model.decoding_buffers}
    for module in model.modules():
        for held in (module._parameters, module._buffers):
            for name in held:
                held[name] = None
    for name, buffer in wanted.items():
        try:
            found = torch.tensor(values[name], dtype=buffer.dtype, device="cpu")
        except (KeyError, TypeError, ValueError, RuntimeError, OverflowError):
            found = torch.zeros(0)
        if found.shape != buffer.shape:
            raise InputError(f"{path}: {name} of shape {tuple(buffer.shape)} is missing or damaged. Export it again")
        model.register_buffer(name, found)

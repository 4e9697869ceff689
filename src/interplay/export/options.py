"""What an exported file says beside the model's description."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from interplay.options import Options

SUFFIXES = (".onnx",)
"""What names of exported files end in."""

DESCRIPTION = "interplay"
"""Name of the model's description among a file's metadata, as in weights files."""

EXPORT = "interplay.export"
"""Name of the `ExportOptions`."""


class ExportOptions(Options):
    """How a file was exported.

    Attributes:
        dynamic: whether batches and images may have any size.
        size: height and width of its images, where they are fixed.
        int8: whether the weights of its matrix products have 8 bits.
        buffers: what decoding needs that training found, by the names of the model's buffers.
    """

    dynamic: bool = False
    size: tuple[int, int] | None = None
    int8: bool = False
    buffers: dict[str, Any] = {}  # noqa: RUF012  # pydantic copies it


def is_exported(path: str | Path) -> bool:
    """Whether a file's name is that of an exported network."""
    return str(path).lower().endswith(SUFFIXES)

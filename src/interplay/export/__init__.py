"""Networks as ONNX files: written after a comparison with PyTorch, and read again as models that ONNX Runtime runs."""

from typing import TYPE_CHECKING

from interplay.lazy import lazy_names

if TYPE_CHECKING:
    from interplay.export.options import is_exported
    from interplay.export.read import read_exported, read_exported_description
    from interplay.export.write import Exported, export_model

__all__ = ["Exported", "export_model", "is_exported", "read_exported", "read_exported_description"]

__getattr__ = lazy_names(
    __name__,
    {
        "Exported": "write",
        "export_model": "write",
        "is_exported": "options",
        "read_exported": "read",
        "read_exported_description": "read",
    },
)

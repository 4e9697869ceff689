"""Other code bases' files -> interplay's own: one module per kind of file."""

from __future__ import annotations

from interplay.importers.published import Imported, convert, import_published, load_published

__all__ = ["Imported", "convert", "import_published", "load_published"]

"""Published weights into models: the converters of all systems by one function; see `interplay.models.published`."""

from interplay.models.published import Imported, convert, import_published, load_published

__all__ = ["Imported", "convert", "import_published", "load_published"]

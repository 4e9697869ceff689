"""A page and an HTTP API over the models: micro-batches, limits, metrics."""

from typing import TYPE_CHECKING

from interplay.lazy import lazy_names

if TYPE_CHECKING:
    from interplay.serve.app import create_app
    from interplay.serve.options import ServeOptions

__all__ = ["ServeOptions", "create_app"]

__getattr__ = lazy_names(__name__, {"create_app": "app", "ServeOptions": "options"})

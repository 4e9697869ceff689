"""Writing generated data sets to disk."""

from .synthesize import Settings, synthesize

__all__ = ["Settings", "synthesize"]

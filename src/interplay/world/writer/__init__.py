"""Writing generated data sets to disk."""

from .synthesize import synthesize

__all__ = ["synthesize"]

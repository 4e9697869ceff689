"""The picture that comes with interplay. ``examples/make_sample.py`` made it, so it is nobody's photograph."""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def sample_path() -> Path:
    """Where the picture is: a tennis player about to hit a ball, 960 x 640."""
    return Path(str(resources.files("interplay.samples") / "tennis.jpg"))

"""What defines a generated data set."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from interplay._version import __version__
from interplay.errors import InputError

EDITION = 2
"""Of the world's drawing: raised when the same settings give other scenes, which are then not mixed with older ones."""


@dataclass(frozen=True)
class Settings:
    """What a generated data set consists of. The same settings give the same bytes in the same edition.

    Attributes:
        scenes: how many.
        seed: which world.
        size: longer side of the pictures in pixels.
        start: index of the first scene.
        acts: names of the acts that may occur; None for all.
        meshes: category -> file of the user's mesh that stands in for ours.
        labels: ``all``, or ``image`` for pictures and annotations without masks, depth and contact.
        glb: also write each scene in 3D.
    """

    scenes: int
    seed: int = 0
    size: int = 384
    start: int = 0
    acts: tuple[str, ...] | None = None
    meshes: Mapping[str, str] = field(default_factory=dict)
    labels: Literal["all", "image"] = "all"
    glb: bool = False

    def __post_init__(self) -> None:
        for name, least in (("scenes", 1), ("seed", 0), ("size", 32), ("start", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{name} must be {least} or more, got {getattr(self, name)}")

    def fingerprint(self) -> dict[str, Any]:
        """All that must agree for a run to be continued: everything but the number of scenes."""
        content = {k: v for k, v in asdict(self).items() if k != "scenes"}
        content["acts"] = None if self.acts is None else sorted(self.acts)
        content["meshes"] = {k: _digest(Path(v)) for k, v in sorted(self.meshes.items())}
        return {**content, "edition": EDITION, "interplay": __version__}


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None

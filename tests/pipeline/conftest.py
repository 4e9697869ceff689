"""A model that needs no weights: its answer depends on the image's brightness."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from interplay import Interactions, Vocabulary

VCOCO = Vocabulary.load("v-coco")


class Stub:
    """Everyone rides a bicycle, and holds it with a score that is the image's brightness."""

    vocabulary = VCOCO

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    @property
    def seen(self) -> list[str]:
        return [Path(name).name for batch in self.batches for name in batch]

    def __call__(self, images: Sequence[np.ndarray], names: Sequence[str]) -> list[Interactions]:
        self.batches.append(list(names))
        return [
            Interactions(
                [[2, 2, 20, 30], [4, 12, 30, 38]], [0, 1], [0, 0], [1, 1], [3, 0], VCOCO,
                score=[0.9, float(image.mean()) / 255],
            )
            for image in images
        ]  # fmt: skip


@pytest.fixture
def model() -> Stub:
    return Stub()


@pytest.fixture
def photo(tmp_path: Path) -> Callable[..., Path]:
    """Writes a small picture and returns its path."""

    def write(name: str, brightness: int = 102) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (48, 40), (brightness,) * 3).save(path)
        return path

    return write

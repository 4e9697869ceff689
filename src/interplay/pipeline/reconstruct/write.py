"""A reconstruction's files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interplay.files import atomic_path
from interplay.reconstruct.show import save_gif

from .result import Reconstruction


def write_reconstruction(
    folder: Path, result: Reconstruction, image: NDArray[np.uint8], turntable: bool = True
) -> list[Path]:
    """Write ``scene.glb``, ``picture.jpg``, ``fit.json`` and ``turntable.gif``; returns the files.

    Raises:
        MissingExtraError: trimesh is not installed.
    """
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    scene = result.scene()
    files = [folder / "scene.glb", folder / "picture.jpg", folder / "fit.json"]
    scene.save_glb(files[0], result.size)
    with atomic_path(files[1]) as target:
        Image.fromarray(scene.picture(image, 480)).save(target, format="JPEG", quality=90)
    if turntable:
        files.append(folder / "turntable.gif")
        save_gif(files[-1], scene.turntable())
    with atomic_path(files[2]) as target:
        target.write_text(json.dumps(result.report(), indent=1), encoding="utf-8")
    return files

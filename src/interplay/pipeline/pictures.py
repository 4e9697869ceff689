"""Where drawn pictures go: never two to one file, never over an image that was given."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError
from interplay.files import atomic_path, beside, fitting_name
from interplay.image_files import DRAWN

_SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".webp"))
_QUALITY = 92
_IMAGE_DESCRIPTION = 0x010E  # of EXIF


def plan_pictures(paths: Sequence[Path], folder: Path) -> dict[Path, Path]:
    """A file in `folder` for the picture of each image.

    Folders below the one that all images share are kept, so that images of one name do not meet. Formats other than
    JPEG, PNG and WebP become JPEG.

    Raises:
        InputError: a picture would take the place of one of the images.
    """
    if not paths:
        return {}
    absolute = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100  # resolve() would follow links
    shared = Path(os.path.commonpath([path.parent for path in absolute]))
    originals = {_key(path) for path in absolute}
    taken: set[str] = set()
    plan: dict[Path, Path] = {}
    for path, full in zip(paths, absolute, strict=True):
        target = folder / full.relative_to(shared)
        if target.suffix.lower() not in _SUFFIXES:
            target = beside(target, ".jpg")
        number = 2
        plain = target
        while _key(target) in taken:
            target = plain.with_name(fitting_name(plain.stem, f"-{number}{plain.suffix}"))
            number += 1
        if _key(target) in originals:
            raise InputError(f"the picture of {path} would replace an image ({target}); choose another folder")
        taken.add(_key(target))
        plan[path] = target
    return plan


def save_picture(picture: NDArray[np.uint8], target: Path) -> None:
    """Write an image (H, W, 3) uint8 in the format of the file's suffix, marked as one that `is_drawn`."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    image, suffix = Image.fromarray(picture), target.suffix.lower()
    with atomic_path(target) as temporary:
        if suffix == ".png":
            text = PngInfo()
            text.add_text("Comment", DRAWN)
            image.save(temporary, compress_level=3, pnginfo=text)
        elif suffix == ".webp":
            described = Image.Exif()
            described[_IMAGE_DESCRIPTION] = DRAWN
            image.save(temporary, quality=_QUALITY, exif=described)
        else:
            image.save(temporary, quality=_QUALITY, comment=DRAWN)


def inside(path: Path, folder: Path) -> bool:
    """Whether a file lies in a folder or below it."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _key(path: Path) -> str:
    """Names that differ in case only are one file on some systems."""
    return PurePosixPath(os.path.abspath(path)).as_posix().casefold()  # noqa: PTH100

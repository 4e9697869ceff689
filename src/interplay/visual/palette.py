"""Colours for people, and the font of labels."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFont

from interplay.errors import InputError

Colour = tuple[int, int, int]

PEOPLE: tuple[Colour, ...] = (
    (86, 180, 233),  # sky blue
    (240, 160, 0),  # orange
    (0, 178, 130),  # bluish green
    (222, 130, 180),  # reddish purple
    (245, 230, 66),  # yellow
    (232, 104, 32),  # vermilion
    (72, 128, 255),  # blue
)
"""The first people's colours: the palette of Okabe and Ito (2008) for all kinds of colour vision, its dark colours
made lighter so that they stand out from an image. Neighbours in the list are far apart."""

INK: Colour = (16, 16, 20)
FAINT: Colour = (228, 230, 234)  # what takes part in no interaction

_MOST_COLOURS = 48  # then they repeat: the last ones are about as near to each other as an eye can tell
_LIGHTNESS = (0.63, 0.93)  # of further colours in OKLab: dark text on them can be read, and they stand out
_LEAST_CHROMA = 0.09  # grey is for what takes part in nothing


def person_colour(number: int) -> Colour:
    """Colour of the person with this number (from 1)."""
    return _colours()[(number - 1) % _MOST_COLOURS]


@lru_cache(maxsize=1)
def _colours() -> tuple[Colour, ...]:
    """`PEOPLE`, and then in turn the colour that is farthest from all before it."""
    steps = np.arange(0, 256, 15)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    lab = oklab(grid)
    vivid = np.hypot(lab[:, 1], lab[:, 2]) >= _LEAST_CHROMA
    usable = vivid & (lab[:, 0] >= _LIGHTNESS[0]) & (lab[:, 0] <= _LIGHTNESS[1])
    grid, lab = grid[usable], lab[usable]
    chosen = [*PEOPLE]
    nearest = np.linalg.norm(lab[:, None] - oklab(np.array(PEOPLE)), axis=2).min(axis=1)
    while len(chosen) < _MOST_COLOURS:
        farthest = int(np.argmax(nearest))
        red, green, blue = grid[farthest].tolist()
        chosen.append((red, green, blue))
        nearest = np.minimum(nearest, np.linalg.norm(lab - lab[farthest], axis=1))
    return tuple(chosen)


def oklab(colours: NDArray[np.integer]) -> NDArray[np.float64]:
    """(N, 3) sRGB 0..255 -> (N, 3) lightness, a, b: distances are about how different colours look.

    Source: Ottosson, "A perceptual color space for image processing" (2020).
    """
    share = np.asarray(colours, np.float64) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ _TO_CONES.T) @ _TO_LAB.T


_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


@lru_cache(maxsize=32)
def load_font(size: int, path: str | None = None) -> ImageFont.FreeTypeFont:
    """The label font: DejaVu Sans, which comes with matplotlib, else the ASCII font inside Pillow.

    Args:
        size: height in pixels.
        path: another TrueType or OpenType font, for scripts that DejaVu lacks.

    Raises:
        InputError: `path` is not a font.
    """
    if path is not None:
        try:
            return ImageFont.truetype(path, size)
        except OSError as error:
            raise InputError(f"{path}: not a TrueType or OpenType font: {error}") from None
    spec = find_spec("matplotlib")  # located, not imported: that would take half a second
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
        if bundled.is_file():
            return ImageFont.truetype(str(bundled), size)
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # always, given a size
    return font

"""Colours for people, and the font of labels."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

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
"""One colour per person in turn: the palette of Okabe and Ito (2008) for all kinds of colour vision, its dark
colours made lighter so that they stand out from an image. Neighbours in the list are far apart."""

INK: Colour = (16, 16, 20)


def person_colour(number: int) -> Colour:
    """Colour of the person with this number (from 1)."""
    return PEOPLE[(number - 1) % len(PEOPLE)]


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

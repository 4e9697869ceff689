"""`contact_sheet`: many pictures on one page, in rows that fill its width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from interplay.columns import scale_points
from interplay.errors import InputError
from interplay.interactions import Interactions
from interplay.visual.draw import Show, check_image, draw_interactions
from interplay.visual.palette import load_font

_GAP = 10  # pixels around every picture
_CAPTION_TEXT = 13
_STORED_SIDE = 4  # times the row's height: what is kept of a large image until the rows are known
_PAPER, _CAPTION = (250, 250, 248), (70, 70, 74)


def shrink(
    image: NDArray[np.uint8], interactions: Interactions, longest_side: int
) -> tuple[NDArray[np.uint8], Interactions]:
    """An image and its interactions, made smaller together; nothing changes where the image is small already.

    Drawing on the smaller image keeps the text readable, drawing first and shrinking afterwards does not.
    """
    factor = longest_side / max(image.shape[:2])
    if factor >= 1:
        return image, interactions
    return resize(image, interactions, factor)


def resize(
    image: NDArray[np.uint8], interactions: Interactions, factor: float
) -> tuple[NDArray[np.uint8], Interactions]:
    """An image and its interactions, both scaled by a factor."""
    check_image(image)
    height, width = image.shape[:2]
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0))
    scale = np.array([size[0] / width, size[1] / height] * 2, np.float32)
    columns = scale_points(interactions.columns, float(scale[0]), float(scale[1]))
    boxes = interactions.boxes * scale
    return small, replace(interactions, boxes=boxes, columns=columns, width=size[0], height=size[1])


def contact_sheet(
    images: Iterable[NDArray[np.uint8]],
    interactions: Iterable[Interactions],
    captions: Sequence[str] | None = None,
    *,
    width: int = 1600,
    row_height: int = 320,
    min_score: float | None = None,
    top_k: int | None = None,
    show: Show = "all",
) -> NDArray[np.uint8]:
    """Many images with their interactions on one page.

    Every row is as wide as the page and about `row_height` high; pictures keep their shape. Interactions are drawn
    at the size shown, so that labels can be read.

    Args:
        images: (H, W, 3) uint8 each.
        interactions: one per image, boxes in pixels of that image.
        captions: a line under each picture; by default the images' file names, where known.
        width: of the page, in pixels.
        row_height: wanted height of the pictures, in pixels.
        min_score, top_k, show: see `draw_interactions`.

    Returns:
        (H, W, 3) uint8.

    Raises:
        InputError: no images, or not as many interactions or captions.
    """
    if width < 100 or row_height < 40:
        raise InputError(f"a contact sheet needs width >= 100 and row_height >= 40, got {width} and {row_height}")
    tiles: list[tuple[NDArray[np.uint8], Interactions]] = []
    for image, found in zip_longest(images, interactions):
        if image is None or found is None:
            raise InputError("contact_sheet needs one Interactions per image, and got more of one than of the other")
        tiles.append(shrink(image, found, _STORED_SIDE * row_height))
    if not tiles:
        raise InputError("a contact sheet needs at least one image")
    if captions is None:
        captions = [found.file or "" for _, found in tiles]
    if len(captions) != len(tiles):
        raise InputError(f"captions must have one text per image ({len(tiles)}), got {len(captions)}")
    rows = _fill_rows([image.shape[1] / image.shape[0] for image, _ in tiles], width, row_height)
    strip = _CAPTION_TEXT + 8 if any(captions) else 0
    page = Image.new("RGB", (width, sum(h + strip + _GAP for _, h in rows) + _GAP), _PAPER)
    pen, font = ImageDraw.Draw(page), load_font(_CAPTION_TEXT)
    y = _GAP
    for members, height in rows:
        x = _GAP
        for i in members:
            small, found = resize(*tiles[i], height / tiles[i][0].shape[0])
            page.paste(Image.fromarray(draw_interactions(small, found, min_score, top_k, show=show)), (x, y))
            caption = _fit_text(captions[i], font, small.shape[1])
            pen.text((x, y + height + 3), caption, font=font, fill=_CAPTION)
            x += small.shape[1] + _GAP
        y += height + strip + _GAP
    return np.asarray(page)


def _fill_rows(aspects: Sequence[float], width: int, row_height: int) -> list[tuple[list[int], int]]:
    """Rows of picture numbers with their height; each row but the last is as wide as the page."""
    rows: list[tuple[list[int], int]] = []
    members: list[int] = []
    for i in range(len(aspects)):
        members.append(i)
        room = width - _GAP * (len(members) + 1)
        height = int(room / sum(aspects[m] for m in members))
        if height <= row_height or i == len(aspects) - 1:
            rows.append((members, max(1, min(height, row_height))))
            members = []
    return rows


def _fit_text(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """The text, its beginning left out where it is too wide (the end of a file name tells more)."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength("…" + text) > width:
        text = text[1:]
    return "…" + text

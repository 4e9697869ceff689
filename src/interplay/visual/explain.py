"""`draw_explanations`: where a model looked to find its interactions, rows of pictures for each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import ceil

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from interplay.errors import InputError
from interplay.explanations import Explanation, Heat, Panel
from interplay.interactions import Interactions
from interplay.visual.canvas import Canvas
from interplay.visual.draw import Show, check_image, draw_interactions
from interplay.visual.palette import Colour, load_font, person_colour
from interplay.visual.scene import scene_box
from interplay.visual.sheet import resize

_GAP, _TITLE, _HEADING = 12, 15, 19
_PAPER, _INK, _SOFT = (250, 250, 248), (28, 28, 32), (96, 96, 104)
_SCALE: tuple[Colour, ...] = ((33, 24, 110), (126, 30, 142), (214, 62, 92), (250, 150, 50), (252, 240, 120))
"""Dark to bright with the weight, so that it reads without colour too."""
_MOST_HEAT = 0.75
_LEAST_SPAN = 0.25  # a map whose peak is less above its median is nearly flat, and tinted faintly


def draw_explanations(
    image: NDArray[np.uint8],
    interactions: Interactions,
    explanations: Sequence[Explanation],
    *,
    height: int = 360,
    show: Show = "interactions",
) -> NDArray[np.uint8]:
    """A page with the explained interactions below each other and one picture per step, as GGNet's paper shows them
    (Figure 4).

    Points and heat have a colour by their weight; the scale is at the bottom. The person has a solid box, the object
    a dashed one.

    Args:
        image: (H, W, 3) uint8 RGB.
        interactions, explanations: of `HoiModel.explain` for this image.
        height: of a picture, in pixels.
        show: ``"all"`` also draws what was seen but takes no part; see `draw_interactions`.

    Returns:
        (H', W', 3) uint8.

    Raises:
        InputError: nothing to explain, or not an image.
    """
    check_image(image)
    if height < 40:
        raise InputError(f"height must be 40 pixels or more, got {height}")
    if not explanations:
        raise InputError("there is no interaction to explain: none was found with a score that counts")
    scale = height / image.shape[0]
    small, found = resize(image, interactions, scale)
    tile_height, tile_width = small.shape[:2]
    step, columns = tile_height + _TITLE + _GAP, max(len(row) for e in explanations for row in e.rows())
    title = max(load_font(_TITLE).getlength(panel.title) for e in explanations for panel in e.panels)
    column = max(tile_width, ceil(title)) + _GAP
    heights = [_HEADING + len(e.rows()) * step + 2 * _GAP for e in explanations]
    page = Image.new("RGB", (columns * column + _GAP, sum(heights) + 3 * _GAP), _PAPER)
    pen = ImageDraw.Draw(page)
    for explanation, start in zip(explanations, accumulate(heights, initial=0), strict=False):
        top = start + _GAP
        pen.text((_GAP, top), _heading(interactions, explanation.triplet), font=load_font(_HEADING), fill=_INK)
        top += _HEADING + _GAP // 2
        for panels in explanation.rows():
            for k, panel in enumerate(panels):
                left = _GAP + k * column
                picture = _picture(small, found, explanation.triplet, panel, scale, show)
                page.paste(Image.fromarray(picture), (left, top))
                pen.text((left, top + tile_height + 3), panel.title, font=load_font(_TITLE), fill=_SOFT)
            top += step
    _draw_scale(page, sum(heights))
    return np.asarray(page)


def colour_of(weight: float) -> Colour:
    """Colour of a weight, 0..1."""
    position = min(max(weight, 0.0), 1.0) * (len(_SCALE) - 1)
    low = min(int(position), len(_SCALE) - 2)
    a, b = np.array(_SCALE[low]), np.array(_SCALE[low + 1])
    red, green, blue = (a + (position - low) * (b - a)).round().astype(int).tolist()
    return red, green, blue


def _heading(interactions: Interactions, triplet: int) -> str:
    label = int(interactions.object_labels[triplet])
    phrase = interactions.vocabulary.phrase(int(interactions.verb[triplet]), label if label >= 0 else None)
    return f"{phrase}   {interactions.score[triplet]:.2f}"


def _picture(
    image: NDArray[np.uint8], interactions: Interactions, triplet: int, panel: Panel, scale: float, show: Show
) -> NDArray[np.uint8]:
    """One panel over the image, which was resized by `scale`."""
    height, width = image.shape[:2]
    if panel.heat is not None:
        image = _with_heat(image, panel.heat, scale)
    if panel.pair:
        image = draw_interactions(image, interactions[[triplet]], show=show)
    canvas = Canvas((width, height), unit=max(1.2, 0.0042 * float(np.sqrt(width * height))))
    if not panel.pair:
        _draw_boxes(canvas, interactions, triplet)
    for x1, y1, x2, y2 in (panel.arrows * scale).tolist():
        canvas.line([(x1, y1), (x2, y2)], colour_of(1), canvas.unit)
        canvas.dot((x2, y2), 1.5 * canvas.unit, _SCALE[2])
    for a, b in panel.bones:
        ends = [(float(x), float(y)) for x, y in panel.points[[a, b]] * scale]
        canvas.line(ends, colour_of(float(panel.weights[[a, b]].min())), canvas.unit)
    order = np.argsort(panel.weights, kind="stable")  # what counts most is on top
    radius = (2.5 if len(order) > 1 else 3.5) * canvas.unit
    for i in order.tolist():
        x, y = (panel.points[i] * scale).tolist()
        canvas.dot((x, y), radius, colour_of(float(panel.weights[i])))
    return canvas.over(image)


def _draw_boxes(canvas: Canvas, interactions: Interactions, triplet: int) -> None:
    width = 0.75 * canvas.unit
    colour = person_colour(1)
    human, target = int(interactions.human[triplet]), int(interactions.object[triplet])
    canvas.line(canvas.outline(scene_box(interactions, human, *canvas.size), width), colour, width)
    if target >= 0:
        canvas.dashes(canvas.outline(scene_box(interactions, target, *canvas.size), width), [colour], width)


def _with_heat(image: NDArray[np.uint8], heat: Heat, scale: float) -> NDArray[np.uint8]:
    """The image, coloured where the map stands out from its median; elsewhere the image stays as it is.

    Maps are as bright as their brightest place, so that one that looks everywhere alike would colour the whole image.
    """
    height, width = image.shape[:2]
    rows, columns = heat.values.shape
    x1, y1, x2, y2 = (v * scale for v in heat.extent)
    # where the image's pixels lie on the map
    box = ((0 - x1) / (x2 - x1) * columns, (0 - y1) / (y2 - y1) * rows,
           (width - x1) / (x2 - x1) * columns, (height - y1) / (y2 - y1) * rows)  # fmt: skip
    matrix = ((box[2] - box[0]) / width, 0, box[0], 0, (box[3] - box[1]) / height, box[1])
    small = Image.fromarray(np.pad(heat.values, 1, mode="edge"))
    shifted = (matrix[0], 0, matrix[2] + 1, 0, matrix[4], matrix[5] + 1)
    values = small.transform((width, height), Image.Transform.AFFINE, shifted, Image.Resampling.BILINEAR)
    x, y = np.arange(width) + 0.5, np.arange(height)[:, None] + 0.5
    covered = (x >= x1) & (x <= x2) & (y >= y1) & (y <= y2)  # not the edge that was added for the interpolation
    amount = np.where(covered, np.clip(np.asarray(values), 0, 1), 0)
    steps = np.array([colour_of(i / 255) for i in range(256)], np.float32)
    colours = steps[(amount * 255).astype(np.int64)]
    usual = float(np.median(amount))
    above = np.clip((amount - usual) / max(1 - usual, _LEAST_SPAN), 0, 1)
    alpha = _MOST_HEAT * above[..., None]
    return (image * (1 - alpha) + colours * alpha).round().astype(np.uint8)


def _draw_scale(page: Image.Image, top: int) -> None:
    """Which colour is which weight."""
    pen, font = ImageDraw.Draw(page), load_font(_TITLE)
    pen.text((_GAP, top), "weight 0", font=font, fill=_SOFT)
    left = _GAP + int(font.getlength("weight 0 "))
    for i in range(120):
        pen.line([(left + i, top + 3), (left + i, top + _TITLE)], fill=colour_of(i / 119))
    pen.text((left + 124, top), "1", font=font, fill=_SOFT)

"""Smooth lines, boxes and label plates over an image, with a dark halo that keeps them visible on any ground."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from interplay.visual.palette import INK, Colour

_FINE_SIDE = 2000  # pixels: shapes are drawn enlarged, and reduced for smooth edges, as long as they fit in this
_HALO_ALPHA = 150
_SHADE_ALPHA = 125
_PLATE_ALPHA = 238

Point = tuple[float, float]


class Canvas:
    """A transparent layer over an image; coordinates are pixels of the image.

    Args:
        size: width and height of the image.
        unit: width of a person's outline in pixels; halos and dashes are in proportion.
    """

    def __init__(self, size: tuple[int, int], unit: float) -> None:
        self.size = size
        self.unit = unit
        self.fine = max(1, min(4, _FINE_SIDE // max(size)))
        self.layer = Image.new("RGBA", (size[0] * self.fine, size[1] * self.fine))
        self.pen = ImageDraw.Draw(self.layer)
        self.texts: list[tuple[Point, str, ImageFont.FreeTypeFont, Colour]] = []

    def line(self, points: Sequence[Point], colour: Colour, width: float) -> None:
        """A line through points."""
        fine = [(x * self.fine, y * self.fine) for x, y in points]
        self._halo(fine, width)
        self._stroke(fine, (*colour, 255), width)

    def dashes(self, points: Sequence[Point], colours: Sequence[Colour], width: float) -> None:
        """A dashed line through points; several colours take turns."""
        fine = [(x * self.fine, y * self.fine) for x, y in points]
        self._halo(fine, width)
        length = max(3.5 * self.unit, 4.0) * self.fine
        for i, piece in enumerate(_pieces(fine, length)):
            self._stroke(piece, (*colours[i % len(colours)], 255), width)

    def outline(self, box: NDArray[np.float64], width: float) -> list[Point]:
        """The corners of a box, such that a line of some width along them stays inside the picture."""
        inset = width / 2
        x1, y1 = box[:2].clip(inset, None)
        x2, y2 = np.minimum(box[2:], np.array(self.size) - inset)
        return [(x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1)]

    def dot(self, centre: Point, radius: float, colour: Colour) -> None:
        """A filled disc with a halo."""
        for r, fill in ((radius + 0.5 * self.unit, (*INK, 210)), (radius, (*colour, 255))):
            x, y, r = centre[0] * self.fine, centre[1] * self.fine, r * self.fine
            self.pen.ellipse((x - r, y - r, x + r, y + r), fill=fill)

    def shade(self, rectangle: NDArray[np.float64], radius: float) -> None:
        """The ground of a label that the image shows through."""
        x1, y1, x2, y2 = rectangle.tolist()
        corners = (x1 * self.fine, y1 * self.fine, x2 * self.fine, y2 * self.fine)
        self.pen.rounded_rectangle(corners, radius * self.fine, fill=(*INK, _SHADE_ALPHA))

    def plate(self, rectangle: NDArray[np.float64], colour: Colour, radius: float) -> None:
        """The ground of a label."""
        edge = max(0.5, 0.35 * self.unit)
        for grow, fill in ((edge, (*INK, 200)), (0.0, (*colour, _PLATE_ALPHA))):
            x1, y1, x2, y2 = rectangle + np.array([-grow, -grow, grow, grow])
            corners = tuple(v * self.fine for v in (x1, y1, x2, y2))
            self.pen.rounded_rectangle(corners, (radius + grow) * self.fine, fill=fill)

    def text(self, corner: Point, text: str, font: ImageFont.FreeTypeFont, colour: Colour = INK) -> None:
        """Text with its top left corner at a point; drawn above all shapes, unscaled and so with sharp stems."""
        self.texts.append((corner, text, font, colour))

    def over(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The image (H, W, 3) with this layer on it."""
        layer = self.layer.reduce(self.fine) if self.fine > 1 else self.layer
        picture = Image.fromarray(image)
        picture.paste(layer, mask=layer.getchannel("A"))
        pen = ImageDraw.Draw(picture)
        for (x, y), text, font, colour in self.texts:
            pen.text((round(x), round(y)), text, font=font, fill=colour)
        return np.asarray(picture)

    def _halo(self, points: Sequence[Point], width: float) -> None:
        self._stroke(points, (*INK, _HALO_ALPHA), width + 2 * max(1.0, 0.45 * self.unit))

    def _stroke(self, points: Sequence[Point], fill: tuple[int, int, int, int], width: float) -> None:
        thick = max(1, round(width * self.fine))
        self.pen.line(points, fill=fill, width=thick, joint="curve")
        if thick >= 3 and points[0] == points[-1]:  # the joint that closes an outline
            (x, y), r = points[0], thick / 2
            self.pen.ellipse((x - r, y - r, x + r, y + r), fill=fill)


def _pieces(points: Sequence[Point], length: float) -> list[list[Point]]:
    """A polyline cut into dashes of about `length` with gaps between; every side begins and ends with a dash."""
    pieces: list[list[Point]] = []
    for a, b in pairwise(np.asarray(points, np.float64)):
        count = 2 * max(0, round(float(np.linalg.norm(b - a)) / length / 2)) + 1
        stops = a + np.linspace(0, 1, count + 1)[:, None] * (b - a)
        pieces += [[tuple(p), tuple(q)] for p, q in pairwise(stops)][::2]
    return pieces

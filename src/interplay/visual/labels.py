"""Labels: the text of one size, how it breaks into lines, how much room it takes, and drawing it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interplay.visual.canvas import Canvas
from interplay.visual.palette import INK, Colour, load_font
from interplay.visual.placement import KeepClear, nearest_point, never_hidden, place_labels, touching

_SIZES = (1.0, 0.86, 0.74)  # tried in turn until every label has room
_TEXT = 0.027  # height of the text, as a part of the geometric mean of the picture's sides
_SMALLEST = 9  # pixels
_CROWDED, _FULL = 0.15, 0.25  # part of the picture under labels: beyond it smaller text, fewer labels
_WIDEST = 0.42  # of the picture's width, then the text is wrapped ...
_NARROWEST = 13  # ... but not below this many text heights, where the picture has them


@dataclass(frozen=True)
class Label:
    """A text about a point of the picture.

    Attributes:
        text: in one line.
        anchor: (2,) the point.
        colour: of the plate under the text.
        needed: whether it stays however crowded the picture is.
        pairs: boxes of the person and the object that it is about, several where one text says the same of them; none
            for a label of another kind.
        more_anchors: further points that it is about.
    """

    text: str
    anchor: NDArray[np.float64]
    colour: Colour
    needed: bool = False
    pairs: tuple[tuple[int, int], ...] = ()
    more_anchors: tuple[NDArray[np.float64], ...] = ()


class LabelLayout:
    """Labels with their places in a picture, no two overlapping, in the largest text for which there is room.

    Args:
        labels: the most important ones first.
        frame: width and height of the picture.
        keep_clear: what should stay visible.
        lines: (K, 4) x1, y1, x2, y2 that leader lines should not cross.
        text_scale: factor on the size of the text.
        font: path of another font.

    Attributes:
        labels: those that are shown: where a picture is too full, the last ones that are not needed are left out.
        plates: (L, 4) their rectangles.
    """

    def __init__(
        self,
        labels: Sequence[Label],
        frame: tuple[int, int],
        keep_clear: Sequence[KeepClear],
        lines: NDArray[np.float64] | None = None,
        text_scale: float = 1.0,
        font: str | os.PathLike[str] | None = None,
    ) -> None:
        width, height = frame
        normal = _TEXT * float(np.sqrt(width * height)) * text_scale
        never = never_hidden(keep_clear)
        sizes = sorted({max(_SMALLEST, round(normal * factor)) for factor in _SIZES}, reverse=True)
        for size in sizes:
            self.size = size
            self.font = load_font(size, None if font is None else os.fspath(font))
            self.line_height = 1.02 * sum(self.font.getmetrics())
            self.margin = np.array([0.38, 0.16]) * size
            self.widest = max(_WIDEST * width, min(_NARROWEST * size, 0.8 * width))
            self.lines = [self._wrap(label.text) for label in labels]
            extents = np.array([self._extent(lines) for lines in self.lines]).reshape(-1, 2)
            covered = extents.prod(axis=1).sum() / (width * height)
            if covered > _CROWDED and size > sizes[-1]:
                continue
            shown = _within(labels, extents, _FULL * width * height)
            anchors = np.array([labels[i].anchor for i in shown]).reshape(-1, 2)
            plates = place_labels(anchors, extents[shown], frame, size, keep_clear, lines)
            if not np.isnan(plates).any() and not touching(plates, never).any():
                break
        placed = ~np.isnan(plates[:, 0])
        chosen = [i for i, has_room in zip(shown, placed, strict=True) if has_room]
        self.labels = [labels[i] for i in chosen]
        self.lines = [self.lines[i] for i in chosen]
        self.plates = plates[placed]

    def draw(self, canvas: Canvas) -> None:
        """Leader lines first, then plates and text."""
        width = max(1.2, 0.4 * canvas.unit)
        for label, plate in zip(self.labels, self.plates, strict=True):
            for start in (label.anchor, *label.more_anchors):
                end = nearest_point(plate[None], start)[0]
                if np.linalg.norm(end - start) > 0.3 * self.size:
                    points = [(float(x), float(y)) for x, y in (start, end)]
                    canvas.line(points, label.colour, width)
        for label, plate, lines in zip(self.labels, self.plates, self.lines, strict=True):
            canvas.plate(plate, label.colour, radius=0.3 * self.size)
            x, y = plate[:2] + self.margin
            for i, line in enumerate(lines):
                canvas.text((x, y + i * self.line_height), line, self.font, INK)

    def _extent(self, lines: Sequence[str]) -> NDArray[np.float64]:
        width = max(self.font.getlength(line) for line in lines)
        return np.ceil(np.array([width, len(lines) * self.line_height]) + 2 * self.margin)

    def _wrap(self, text: str) -> list[str]:
        """As few lines as the width allows, of about the same length."""
        lines = self._fill(text, self.widest)
        for share in (0.5, 0.6, 0.7, 0.8, 0.9):
            narrower = self._fill(text, share * self.widest)
            if len(narrower) == len(lines):
                return narrower
        return lines

    def _fill(self, text: str, width: float) -> list[str]:
        lines = [""]
        for word in text.split(" "):
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and self.font.getlength(longer) > width:
                lines.append(word)
            else:
                lines[-1] = longer
        return lines


def _within(labels: Sequence[Label], extents: NDArray[np.float64], room: float) -> list[int]:
    """The labels that are needed, and as many of the others as there is room (in pixels) for."""
    areas = extents.prod(axis=1)
    left = room - sum(area for area, label in zip(areas, labels, strict=True) if label.needed)
    shown = []
    for i, label in enumerate(labels):
        if not label.needed:
            left -= areas[i]
        if label.needed or left >= 0:
            shown.append(i)
    return shown

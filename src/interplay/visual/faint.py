"""What takes part in no interaction: thin boxes with small names, which give way to everything else in a picture."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from interplay.interactions import Interactions
from interplay.visual.canvas import Canvas
from interplay.visual.palette import FAINT, load_font
from interplay.visual.placement import touching

_WIDTH = 0.45  # of the outline of a person who does something
_TEXT = 0.68  # of the largest text of an interaction's label
_SMALLEST = 8  # pixels
_MOST_OF_BOX = 1.5  # a name is left out that is wider than so many of its box


def draw_faint_boxes(canvas: Canvas, interactions: Interactions, boxes: Mapping[int, NDArray[np.float64]]) -> None:
    """The outlines: people's are solid, objects' dashed, as those of interactions are.

    Args:
        boxes: corners of each box in the picture, by its index.
    """
    width = max(1.0, _WIDTH * canvas.unit)
    for box in largest_first(boxes):
        corners = canvas.outline(boxes[box], width)
        if interactions.labels[box] == interactions.vocabulary.person:
            canvas.line(corners, FAINT, width)
        else:
            canvas.dashes(corners, [FAINT], width)


def draw_faint_names(
    canvas: Canvas,
    interactions: Interactions,
    boxes: Mapping[int, NDArray[np.float64]],
    taken: NDArray[np.float64],
    text_size: float,
    font: str | os.PathLike[str] | None,
    scores: bool,
) -> None:
    """The name of each box at one of its corners, where that hides nothing.

    Args:
        boxes: corners of each box in the picture, by its index.
        taken: (K, 4) rectangles to keep off.
        text_size: of the labels of interactions, in pixels.
        font: a TrueType font, else DejaVu Sans.
        scores: follow each name with the detector's score.
    """
    size = max(_SMALLEST, round(_TEXT * text_size))
    face = load_font(size, None if font is None else os.fspath(font))
    margin = np.array([0.25, 0.08]) * size
    line = float(sum(face.getmetrics()))
    for box in largest_first(boxes):
        name = interactions.vocabulary.objects[interactions.labels[box]]
        if scores:
            name += f" {interactions.box_scores[box]:.2f}"
        extent = np.ceil(np.array([face.getlength(name), line]) + 2 * margin)
        if extent[0] > _MOST_OF_BOX * (boxes[box][2] - boxes[box][0]):
            continue
        places = _places(boxes[box], extent, canvas.size)
        free = ~touching(places, taken).any(axis=1)
        if not free.any():
            continue
        place = places[int(np.argmax(free))]
        canvas.shade(place, 0.2 * size)
        canvas.text((float(place[0] + margin[0]), float(place[1] + margin[1])), name, face, FAINT)
        taken = np.concatenate([taken, place[None]])


def largest_first(boxes: Mapping[int, NDArray[np.float64]]) -> Sequence[int]:
    """Box numbers, such that small boxes are drawn above large ones."""
    return sorted(boxes, key=lambda b: -float(np.prod(boxes[b][2:] - boxes[b][:2])))


def _places(box: NDArray[np.float64], extent: NDArray[np.float64], frame: tuple[int, int]) -> NDArray[np.float64]:
    """(M, 4) inside the corners of a box, then outside above and below it; those that lie in the picture."""
    x1, y1, x2, y2 = box
    w, h = extent
    lefts, tops = (x1, x2 - w), (y1, y2 - h, y1 - h, y2)
    corners = np.array([(x, y) for y in tops for x in lefts])
    inside = ((corners >= 0) & (corners + extent <= np.array(frame))).all(axis=1)
    corners = corners[inside]
    return np.concatenate([corners, corners + extent], axis=1)

"""Whether annotated boxes are x1, y1, x2, y2 in pixels of their image: the one set of rules for reading and checking.

- **Normalised**: all boxes of an image lie within 0..1 and are not whole numbers.
- **Empty**: not wider, or not higher, than zero. **Reversed**: x2 < x1 or y2 < y1.
- **Beyond the image**: by more than `OUTSIDE_TOLERANCE` pixels, where its size is known.
- **Width and height in place of x2 and y2**: more than `MISFIT` of at least five boxes are reversed (or more than
  half reach beyond their image), while nearly all fit into it once read as x, y, width, height.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interplay.datasets.content import MISFIT
from interplay.errors import InputError
from interplay.interactions import Interactions
from interplay.ops.boxes import clip_boxes
from interplay.table import InteractionTable

OUTSIDE_TOLERANCE = 1.0
"""Pixels by which a box may reach beyond the image: annotation tools round, and some count pixels from 1."""

_ENOUGH = 5  # boxes from which on their numbers show what they stand for

NORMALISED = (
    "all boxes lie within 0..1, as if they were shares of width and height; expected pixels: multiply x by the image's "
    "width and y by its height"
)
SIZES_FOR_CORNERS = (
    "boxes look like x, y, width, height; expected x1, y1, x2, y2: add x to the third number and y to the fourth"
)


def is_normalised(boxes: Sequence[Sequence[float]] | NDArray[np.floating]) -> bool:
    """Whether all boxes (N, 4) of an image lie within 0..1 and are not whole numbers."""
    values = np.asarray(boxes, np.float64)
    return bool(values.size) and bool(((values >= 0) & (values <= 1)).all()) and bool((values % 1 != 0).any())


@dataclass(frozen=True)
class BoxFaults:
    """What is wrong with a table's boxes.

    Attributes:
        normalised: (I,) bool per image.
        empty, reversed, beyond: (N,) bool per box.
        sizes_for_corners: whether all boxes seem to hold width and height.
    """

    normalised: NDArray[np.bool_]
    empty: NDArray[np.bool_]
    reversed: NDArray[np.bool_]
    beyond: NDArray[np.bool_]
    sizes_for_corners: bool


def box_faults(boxes: NDArray[np.floating], image: NDArray[np.integer], sizes: NDArray[np.integer]) -> BoxFaults:
    """What is wrong with boxes.

    Args:
        boxes: (N, 4) as they are read, x1, y1, x2, y2.
        image: (N,) the image of each.
        sizes: (I, 2) width and height of every image, 0 where unknown.
    """
    boxes = np.asarray(boxes, np.float64)
    x1, y1, x2, y2 = boxes.T
    backwards = (x2 < x1) | (y2 < y1)
    empty = ~backwards & ((x2 == x1) | (y2 == y1))
    size = sizes[image].astype(np.float64)
    known = (size > 0).all(1)

    def outside(corners: NDArray[np.floating]) -> NDArray[np.bool_]:
        reach = np.maximum(-corners[:, :2], corners[:, 2:] - size).max(1, initial=-np.inf)
        return known & (reach > OUTSIDE_TOLERANCE)

    beyond = ~backwards & outside(boxes)
    fits = (x2 > 0) & (y2 > 0) & ~outside(np.stack([x1, y1, x1 + x2, y1 + y2], 1))
    suspicious = len(boxes) >= _ENOUGH and (backwards.mean() > MISFIT or beyond.mean() > 0.5)
    in_range = ((boxes >= 0) & (boxes <= 1)).all(1)
    fractions = (boxes % 1 != 0).any(1)
    count = np.bincount(image, minlength=len(sizes))
    inside = np.bincount(image, in_range, minlength=len(sizes)) == count
    fractional = np.bincount(image, fractions, minlength=len(sizes)) > 0
    return BoxFaults(
        normalised=(count > 0) & inside & fractional,
        empty=empty,
        reversed=backwards,
        beyond=beyond,
        sizes_for_corners=bool(suspicious) and bool(fits.mean() >= 1 - MISFIT),
    )


def check_table(table: InteractionTable, path: Path) -> None:
    """Whether annotations of one's own hold boxes in pixels; says what is odd, and how much of it, as a warning.

    Raises:
        InputError: the boxes are something else: normalised in more than `MISFIT` of the images, x, y, width, height,
            or more than `MISFIT` of them reversed.
    """
    _check_names(table, path)
    faults = box_faults(table.boxes, table.box_image_index, table.sizes)
    with_boxes = int((np.diff(table.box_offsets) > 0).sum())
    normalised = table_files(table, np.flatnonzero(faults.normalised))
    if len(normalised) > MISFIT * with_boxes:
        raise InputError(
            f"{path}: in {len(normalised)} of {with_boxes} images, such as {normalised[0]!r}, {NORMALISED}"
        )
    if faults.sizes_for_corners:
        count = int((faults.reversed | faults.beyond).sum())
        raise InputError(
            f"{path}: {SIZES_FOR_CORNERS} ({count} of {len(table.boxes)} are reversed or beyond the image)"
        )
    backwards = _where(table, faults.reversed)
    if faults.reversed.sum() > MISFIT * len(table.boxes):
        raise InputError(f"{path}: {backwards} reversed; expected x1 < x2 and y1 < y2")
    notes = [
        f"{len(normalised)} images, such as {normalised[0]!r}, whose boxes all lie within 0..1" if normalised else "",
        f"{backwards} reversed" if faults.reversed.any() else "",
        f"{_where(table, faults.empty)} not wider and higher than zero" if faults.empty.any() else "",
        f"{_where(table, faults.beyond)} partly outside the image" if faults.beyond.any() else "",
    ]
    if any(notes):
        warnings.warn(
            f"{path}: {'; '.join(note for note in notes if note)}. For each: interplay datasets validate",
            stacklevel=3,
        )


def check_widths(table: InteractionTable, path: Path) -> InteractionTable:
    """The table, whose boxes a file gives as x, y, width, height.

    Raises:
        InputError: more than half of at least five boxes reach beyond their image, while nearly all are boxes inside it
            once the four numbers are read as x1, y1, x2, y2.
    """
    given = table.boxes.astype(np.float64)
    given[:, 2:] -= given[:, :2]
    beyond = box_faults(table.boxes, table.box_image_index, table.sizes).beyond
    corners = box_faults(given, table.box_image_index, table.sizes)
    inside = ~(corners.beyond | corners.reversed | corners.empty)
    if len(given) >= _ENOUGH and beyond.mean() > 0.5 and inside.mean() >= 1 - MISFIT:
        raise InputError(
            f"{path}: boxes look like x1, y1, x2, y2; this form has x, y, width, height: take x1 from the third number "
            f"and y1 from the fourth ({int(beyond.sum())} of {len(given)} reach beyond their image)"
        )
    return table


def _check_names(table: InteractionTable, path: Path) -> None:
    """Whether every image has a name, and none is there twice."""
    if "" in table.files:
        raise InputError(f"{path}: image {table.files.index('') + 1} has no name")
    repeated = [file for file, count in Counter(table.files).items() if count > 1]
    if repeated:
        warnings.warn(
            f"{path}: {len(repeated)} images are there more than once, such as {repeated[0]!r}; all of an image should "
            "be in one place",
            stacklevel=4,
        )


def usable_boxes(table: InteractionTable) -> InteractionTable:
    """Annotations whose boxes are within their images; those of which nothing is left are left out, with a warning.

    Their interactions go with them. A table in which nothing is to do comes back as it is.
    """
    faults = box_faults(table.boxes, table.box_image_index, table.sizes)
    if not (faults.empty | faults.reversed | faults.beyond).any():
        return table
    images = [_usable(image) for image in table]
    changed = InteractionTable.from_list(images, table.vocabulary)
    boxes, interactions = len(table.boxes) - len(changed.boxes), len(table.verb) - len(changed.verb)
    first = next((a.file for a, b in zip(table, images, strict=True) if len(a.boxes) != len(b.boxes)), None)
    notes = [
        f"cut {int(faults.beyond.sum())} boxes at the edge of their image" if faults.beyond.any() else "",
        f"left out {boxes} boxes that hold no pixel, with {interactions} interactions (first in {first!r})"
        if boxes
        else "",
    ]
    warnings.warn("; ".join(note for note in notes if note), stacklevel=3)
    return changed


def _usable(image: Interactions) -> Interactions:
    if image.width and image.height:
        image = replace(image, boxes=clip_boxes(image.boxes, image.width, image.height))
    there = (image.boxes[:, 2:] > image.boxes[:, :2]).all(1)
    return image if there.all() else image.select_boxes(there)


def table_files(table: InteractionTable, images: NDArray[np.integer]) -> list[str]:
    """Names of some of a table's images."""
    return [table.files[i] for i in images.tolist()]


def _where(table: InteractionTable, boxes: NDArray[np.bool_]) -> str:
    """``3 of 120 boxes (first in 'a.jpg') are``."""
    first = table.files[int(table.box_image_index[np.flatnonzero(boxes)[0]])] if boxes.any() else ""
    return f"{int(boxes.sum())} of {len(boxes)} boxes (first in {first!r}) are"

"""Lines from people to objects: where they begin and end, and where faces are, which labels keep off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interplay.visual.palette import Colour

SEEN = 0.2
"""Score from which a keypoint is drawn."""

_FACE_POINTS = 5  # nose, eyes, ears come first in COCO's order
_ENDS = 9  # possible ends of a link along each side of an object
_IN_FACE, _IN_OTHER, _IN_PERSON = 3.0, 1.0, 0.3  # costs of an end there; moving it by the object's diagonal costs 1


@dataclass(frozen=True)
class Link:
    """A person's line to an object."""

    start: NDArray[np.float64]
    end: NDArray[np.float64]
    colour: Colour

    @property
    def anchor(self) -> NDArray[np.float64]:
        """Where its label points: nearer to the object, where fewer links of one person meet."""
        return self.start + 0.6 * (self.end - self.start)


def link_boxes(
    person: NDArray[np.float64],
    target: NDArray[np.float64],
    colour: Colour,
    others: NDArray[np.float64],
    faces: Sequence[NDArray[np.float64]],
) -> Link:
    """From the middle part of the person to a point of the object that no other thing covers, by a short way.

    Args:
        person, target: (4,) boxes.
        others: (K, 4) other boxes; one that is smaller than the object may be before it.
        faces: (4,) boxes that links should not end in.
    """
    inner = _shrink(person, 0.4)
    start = np.clip((target[:2] + target[2:]) / 2, inner[:2], inner[2:])
    middle = _shrink(target, 0.3)
    nearest = np.clip(start, middle[:2], middle[2:])
    wide = _shrink(target, 0.75)
    grid = np.stack(np.meshgrid(*np.linspace(wide[:2], wide[2:], _ENDS).T), axis=-1).reshape(-1, 2)
    ends = np.concatenate([nearest[None], grid])
    area = _area(target)
    smaller = [box for box in others if _area(box) < area]
    cost = np.linalg.norm(ends - nearest, axis=1) / max(float(np.linalg.norm(target[2:] - target[:2])), 1.0)
    cost += _IN_PERSON * _inside(ends, person)
    for box in smaller:
        cost += _IN_OTHER * _inside(ends, box)
    for box in faces:
        cost += _IN_FACE * _inside(ends, box)
    return Link(start, ends[int(np.argmin(cost))], colour)


def face_of(box: NDArray[np.float64], pose: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """(4,) where a person's face is: around the keypoints of the face that were seen, else the upper part of the box.

    Args:
        box: (4,) the person.
        pose: (17, 3) x, y, score; NaN, which is below any score, where there is none.
    """
    x1, y1, x2, y2 = box
    width, height = x2 - x1, y2 - y1
    head = min(0.3 * height, max(0.16 * height, 0.35 * width))  # a portrait's is larger than a standing person's
    if pose is not None:
        points = pose[:_FACE_POINTS][pose[:_FACE_POINTS, 2] >= SEEN, :2]
        if len(points):
            low, high = points.min(axis=0), points.max(axis=0)
            spread = float((high - low).max()) if len(points) > 2 else head / 2
            centre, half = (low + high) / 2, max(0.75 * spread, 0.03 * height)
            return np.array([*(centre - half), centre[0] + half, centre[1] + 1.2 * half])
    side = min(width / 2, 0.6 * head)
    return np.array([(x1 + x2) / 2 - side, y1, (x1 + x2) / 2 + side, y1 + head])


def _inside(points: NDArray[np.float64], box: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(((points > box[:2]) & (points < box[2:])).all(axis=1))


def _shrink(box: NDArray[np.float64], part: float) -> NDArray[np.float64]:
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * part
    return np.concatenate([centre - half, centre + half])


def _area(box: NDArray[np.float64]) -> float:
    return float(np.prod(box[2:] - box[:2]))

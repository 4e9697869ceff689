"""`draw_interactions`: people, objects, links and verbs on an image, readable when it is crowded."""

from __future__ import annotations

import os
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError
from interplay.interactions import Interactions
from interplay.keypoints import BONES
from interplay.visual.canvas import Canvas
from interplay.visual.labels import Label, LabelLayout
from interplay.visual.palette import Colour, person_colour
from interplay.visual.placement import KeepClear
from interplay.visual.scene import VerbsOfPair, group_pairs, join_phrases, number_people, object_noun, scene_box

_HEAD, _OBJECT, _BODY, _LINK = 12.0, 8.0, 2.0, 2.5  # costs of hiding all of one
_LINK_PARTS = 9
_SEEN = 0.2  # score from which a keypoint is drawn
_NOTE: Colour = (225, 225, 228)


@dataclass(frozen=True)
class _Link:
    """A person's line to an object."""

    start: NDArray[np.float64]
    end: NDArray[np.float64]
    colour: Colour

    @property
    def anchor(self) -> NDArray[np.float64]:
        """Where its label points: nearer to the object, where fewer links of one person meet."""
        return self.start + 0.6 * (self.end - self.start)


def draw_interactions(
    image: NDArray[np.uint8],
    interactions: Interactions,
    min_score: float | None = None,
    top_k: int | None = None,
    *,
    show_scores: bool = False,
    text_scale: float = 1.0,
    font: str | os.PathLike[str] | None = None,
) -> NDArray[np.uint8]:
    """Draw who does what with which object.

    Every person who acts has a solid box of one colour and, where there are several, a number: from left to right,
    the same as in the table on screen. A line leads from the person to each object, whose dashed box has the
    colours of the people who use it; one label per pair names all its verbs. Labels never overlap: where there is
    no room beside the pair, a thin line leads to it. Where labels would hide too much of the picture even in small
    print, the pairs with the lowest scores are left out and their number is told. Sizes are relative to the image.
    People with keypoints have their skeleton drawn, as far as it was seen.

    Args:
        image: (H, W, 3) uint8 RGB.
        interactions: boxes in pixels of this image.
        min_score, top_k: draw only the triplets that `Interactions.filter` keeps.
        show_scores: follow each verb with its score.
        text_scale: factor on the size of the text.
        font: a TrueType font for names in a script that DejaVu Sans lacks.

    Returns:
        (H, W, 3) uint8, a new array.

    Raises:
        InputError: the image is not (H, W, 3) uint8.

    Example:
        >>> import numpy as np
        >>> from interplay import Interactions, Vocabulary, draw_interactions
        >>> ride = Interactions([[20, 10, 80, 120], [10, 60, 110, 140]], [0, 1], [0], [1], [3],
        ...                     Vocabulary.load("v-coco"))
        >>> draw_interactions(np.zeros((150, 200, 3), np.uint8), ride).shape
        (150, 200, 3)
    """
    check_image(image)
    if text_scale <= 0:
        raise InputError(f"text_scale must be above 0, got {text_scale}")
    shown = interactions.filter(min_score, top_k)
    if not len(shown):
        return image.copy()
    height, width = image.shape[:2]
    reach = float(np.sqrt(width * height))
    scene = _Scene(shown, width, height, show_scores and shown.scored)
    labels = scene.badges() + scene.pair_labels()
    lines = np.array([[*link.start, *link.end] for link in scene.links.values()], np.float64).reshape(-1, 4)
    layout = LabelLayout(labels, scene.frame, scene.keep_clear(), lines, text_scale, font)
    note, left_out = None, 0
    while (missing := len(labels) - sum(label is not note for label in layout.labels)) > left_out:
        left_out = missing
        note = Label(f"+{left_out} more", np.array(scene.frame, np.float64), _NOTE, needed=True)
        layout = LabelLayout([note, *labels], scene.frame, scene.keep_clear(), lines, text_scale, font)
    canvas = Canvas((width, height), unit=max(1.2, 0.0042 * reach))
    scene.draw(canvas, {label.pair for label in layout.labels})
    layout.draw(canvas)
    return canvas.over(image)


def check_image(image: Any) -> None:
    """Raise InputError unless `image` is (H, W, 3) uint8."""
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        got = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise InputError(f"image must be a uint8 array of shape (H, W, 3), got {got}")


class _Scene:
    """Where everything in the picture is."""

    def __init__(self, shown: Interactions, width: int, height: int, with_scores: bool) -> None:
        self.interactions = shown
        self.with_scores = with_scores
        self.frame = (width, height)
        self.numbers = number_people(shown)
        self.pairs = group_pairs(shown)
        used = {*self.numbers, *(p.object for p in self.pairs if p.object >= 0)}
        self.boxes = {b: scene_box(shown, b, width, height) for b in used}
        self.links = {
            (p.human, p.object): _link(self.boxes[p.human], self.boxes[p.object], self.colour(p.human))
            for p in self.pairs
            if p.object >= 0
        }

    def colour(self, person: int) -> Colour:
        return person_colour(self.numbers[person])

    def draw(self, canvas: Canvas, pairs: Container[tuple[int, int] | None]) -> None:
        """The people, and the given pairs' objects and links; large boxes first, so that small ones stay on top."""
        links = {pair: link for pair, link in self.links.items() if pair in pairs}
        users: dict[int, list[Colour]] = {}
        for human, target in links:
            if target not in self.numbers and self.colour(human) not in users.setdefault(target, []):
                users[target].append(self.colour(human))
        for box in sorted(self.boxes, key=lambda b: -float(np.prod(self.boxes[b][2:] - self.boxes[b][:2]))):
            if box in self.numbers:
                canvas.line(canvas.outline(self.boxes[box], canvas.unit), self.colour(box), canvas.unit)
            elif box in users:
                width = 0.75 * canvas.unit
                canvas.dashes(canvas.outline(self.boxes[box], width), users[box], width)
        for person in self.numbers:
            self._draw_skeleton(canvas, person)
        for link in links.values():
            canvas.line([_point(link.start), _point(link.end)], link.colour, 0.75 * canvas.unit)
        for link in links.values():
            canvas.dot(_point(link.end), 1.5 * canvas.unit, link.colour)

    def _draw_skeleton(self, canvas: Canvas, person: int) -> None:
        """The bones between keypoints that were seen; a box without pose is NaN, which is below any score."""
        if self.interactions.keypoints is None:
            return
        pose = self.interactions.keypoints[person].astype(np.float64)
        seen = pose[:, 2] >= _SEEN
        for a, b in BONES:
            if seen[a] and seen[b]:
                canvas.line([_point(pose[a, :2]), _point(pose[b, :2])], self.colour(person), 0.6 * canvas.unit)

    def badges(self) -> list[Label]:
        """Where there are several people: everyone's number, with what they do without an object."""
        if len(self.numbers) < 2:
            return []
        alone = {pair.human: self._text(pair) for pair in self.pairs if pair.object < 0}
        return [
            Label(f"{number} {alone.get(box, '')}".strip(), self.boxes[box][:2], self.colour(box), needed=True)
            for box, number in self.numbers.items()
        ]

    def pair_labels(self) -> list[Label]:
        """What people do with objects, and what a single person does without; the best scores first."""
        labels = []
        for pair in self.pairs:
            key, text = (pair.human, pair.object), self._text(pair)
            if len(self.numbers) < 2:
                anchor = self.links[key].anchor if key in self.links else _head(self.boxes[pair.human])
                labels.append(Label(text, anchor, self.colour(pair.human), pair=key))
            elif key in self.links:
                text = f"{self.numbers[pair.human]} {text}"
                labels.append(Label(text, self.links[key].anchor, self.colour(pair.human), pair=key))
        return labels

    def _text(self, pair: VerbsOfPair) -> str:
        noun = object_noun(self.interactions, pair.object, self.numbers)
        return join_phrases(self.interactions.vocabulary, pair.verbs, noun, pair.scores if self.with_scores else None)

    def keep_clear(self) -> list[KeepClear]:
        """What labels should leave visible."""
        regions = []
        for box, corners in self.boxes.items():
            x1, y1, x2, y2 = corners
            if box in self.numbers:
                side = (x2 - x1) / 4
                regions.append(KeepClear((x1 + side, y1, x2 - side, y1 + 0.25 * (y2 - y1)), _HEAD))
                regions.append(KeepClear((x1, y1, x2, y2), _BODY))
            else:
                regions.append(KeepClear((x1, y1, x2, y2), _OBJECT))
        for link in self.links.values():
            for x, y in link.start + np.linspace(0, 1, _LINK_PARTS)[:, None] * (link.end - link.start):
                regions.append(KeepClear((x - 2, y - 2, x + 2, y + 2), _LINK / _LINK_PARTS))
        return regions


def _link(person: NDArray[np.float64], target: NDArray[np.float64], colour: Colour) -> _Link:
    """From the middle part of the person to the middle part of the object, by the shortest way."""
    inner_person, inner_target = _shrink(person, 0.4), _shrink(target, 0.3)
    start = np.clip((target[:2] + target[2:]) / 2, inner_person[:2], inner_person[2:])
    end = np.clip(start, inner_target[:2], inner_target[2:])
    return _Link(start, end, colour)


def _point(xy: NDArray[np.float64]) -> tuple[float, float]:
    return float(xy[0]), float(xy[1])


def _shrink(box: NDArray[np.float64], part: float) -> NDArray[np.float64]:
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * part
    return np.concatenate([centre - half, centre + half])


def _head(box: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([(box[0] + box[2]) / 2, box[1] + 0.06 * (box[3] - box[1])])

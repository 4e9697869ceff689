"""`draw_interactions`: people, objects, links and verbs on a photograph, readable when it is crowded."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFont

from interplay.errors import InputError
from interplay.interactions import Interactions
from interplay.visual.canvas import Canvas
from interplay.visual.palette import INK, Colour, load_font, person_colour
from interplay.visual.placement import Precious, nearest_point, place_labels
from interplay.visual.scene import group_pairs, join_phrases, number_people, object_noun, scene_box

_TEXT_SIZES = (1.0, 0.86, 0.74)  # tried in turn until every label has room
_MOST_COVERED = 0.15  # of the picture by labels, before smaller text is tried
_SMALLEST_TEXT = 9  # pixels
_WIDEST_LABEL = 0.42  # of the picture's width, then the text is wrapped ...
_NARROWEST_WRAP = 13  # ... but not below this many text heights, where the picture has them
_HEAD, _OBJECT, _BODY, _LINK = 5.0, 3.0, 2.0, 2.5  # costs of hiding all of one
_LINK_PARTS = 9


@dataclass
class _Label:
    """Text to be placed, in the colour of the person it is about."""

    text: str
    anchor: NDArray[np.float64]
    colour: Colour


@dataclass(frozen=True)
class _Link:
    """A person's line to an object."""

    start: NDArray[np.float64]
    end: NDArray[np.float64]
    colour: Colour

    @property
    def middle(self) -> NDArray[np.float64]:
        return (self.start + self.end) / 2


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
    no room beside the pair, a thin line leads to it. Where a picture has no room at all even in small print, the
    labels with the lowest scores are left out. Sizes are relative to the image.

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
    scene = _Scene(shown, width, height)
    canvas = Canvas((width, height), unit=max(1.2, 0.0042 * reach))
    scene.draw_boxes_and_links(canvas)
    labels = scene.labels(show_scores and shown.scored)
    for factor in _TEXT_SIZES:
        size = max(_SMALLEST_TEXT, round(0.027 * reach * text_scale * factor))
        widest = max(_WIDEST_LABEL * width, min(_NARROWEST_WRAP * size, 0.8 * width))
        style = _Type(load_font(size, None if font is None else os.fspath(font)), size, widest)
        last = factor == _TEXT_SIZES[-1] or size == _SMALLEST_TEXT
        if not last and style.area(labels) > _MOST_COVERED * width * height:
            continue
        badges = style.place_badges(scene)
        plates = style.place(labels, scene, badges)
        if last or not np.isnan(plates).any():
            break
    style.draw(canvas, labels, plates, scene, badges)
    return canvas.over(image)


def check_image(image: Any) -> None:
    """Raise InputError unless `image` is (H, W, 3) uint8."""
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        got = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise InputError(f"image must be a uint8 array of shape (H, W, 3), got {got}")


class _Scene:
    """Where everything in the picture is."""

    def __init__(self, shown: Interactions, width: int, height: int) -> None:
        self.interactions = shown
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

    def draw_boxes_and_links(self, canvas: Canvas) -> None:
        """Large boxes first, so that small ones stay on top; then the links."""
        users: dict[int, list[Colour]] = defaultdict(list)
        for human, target in self.links:
            if target not in self.numbers and self.colour(human) not in users[target]:
                users[target].append(self.colour(human))
        for box in sorted(self.boxes, key=lambda b: -float(np.prod(self.boxes[b][2:] - self.boxes[b][:2]))):
            if box in self.numbers:
                canvas.line(canvas.outline(self.boxes[box], canvas.unit), self.colour(box), canvas.unit)
            else:
                width = 0.75 * canvas.unit
                canvas.dashes(canvas.outline(self.boxes[box], width), users[box], width)
        for link in self.links.values():
            canvas.line([_point(link.start), _point(link.end)], link.colour, 0.75 * canvas.unit)
        for link in self.links.values():
            canvas.dot(_point(link.end), 1.5 * canvas.unit, link.colour)

    def labels(self, with_scores: bool) -> list[_Label]:
        """One label per pair, the best scores first."""
        labels = []
        for pair in self.pairs:
            noun = object_noun(self.interactions, pair.object, self.numbers)
            scores = pair.scores if with_scores else None
            text = join_phrases(self.interactions.vocabulary, pair.verbs, noun, scores)
            if len(self.numbers) > 1:
                text = f"{self.numbers[pair.human]} {text}"
            anchor = self.links[pair.human, pair.object].middle if pair.object >= 0 else _head(self.boxes[pair.human])
            labels.append(_Label(text, anchor, self.colour(pair.human)))
        return labels

    def precious(self) -> list[Precious]:
        """What labels should leave visible."""
        regions = []
        for box, corners in self.boxes.items():
            x1, y1, x2, y2 = corners
            if box in self.numbers:
                side = (x2 - x1) / 4
                regions.append(Precious((x1 + side, y1, x2 - side, y1 + 0.25 * (y2 - y1)), _HEAD))
                regions.append(Precious((x1, y1, x2, y2), _BODY))
            else:
                regions.append(Precious((x1, y1, x2, y2), _OBJECT))
        for link in self.links.values():
            for x, y in link.start + np.linspace(0, 1, _LINK_PARTS)[:, None] * (link.end - link.start):
                regions.append(Precious((x - 2, y - 2, x + 2, y + 2), _LINK / _LINK_PARTS))
        return regions


class _Type:
    """Text of one size: how much room it takes and where it goes."""

    def __init__(self, font: ImageFont.FreeTypeFont, size: int, widest: float) -> None:
        self.font = font
        self.size = size
        self.widest = widest
        ascent, descent = font.getmetrics()
        self.line_height = 1.02 * (ascent + descent)
        self.margin = np.array([0.38, 0.16]) * size

    def area(self, labels: list[_Label]) -> float:
        """Pixels that all labels together cover."""
        return float(sum(np.prod(self._extent(self._wrap(label.text))) for label in labels))

    def place_badges(self, scene: _Scene) -> dict[int, NDArray[np.float64]]:
        """Numbers at the people's top left corners; none where a person is alone."""
        if len(scene.numbers) < 2:
            return {}
        people = list(scene.numbers)
        anchors = np.array([scene.boxes[p][:2] for p in people])
        sizes = np.array([self._extent([str(scene.numbers[p])]) for p in people])
        placed = place_labels(anchors, sizes, scene.frame, self.size, scene.precious())
        return {p: r for p, r in zip(people, placed, strict=True) if not np.isnan(r[0])}

    def place(self, labels: list[_Label], scene: _Scene, badges: dict[int, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Rectangles of the labels (L, 4), NaN where there is no room."""
        return place_labels(
            np.array([label.anchor for label in labels]),
            np.array([self._extent(self._wrap(label.text)) for label in labels]),
            scene.frame,
            self.size,
            scene.precious(),
            np.array(list(badges.values())).reshape(-1, 4),
        )

    def draw(
        self,
        canvas: Canvas,
        labels: list[_Label],
        plates: NDArray[np.float64],
        scene: _Scene,
        badges: dict[int, NDArray[np.float64]],
    ) -> None:
        """Leader lines first, then plates and text."""
        placed = [(label, plate) for label, plate in zip(labels, plates, strict=True) if not np.isnan(plate[0])]
        for label, plate in placed:
            end = nearest_point(plate[None], label.anchor)[0]
            if np.linalg.norm(end - label.anchor) > 0.3 * self.size:
                canvas.line([_point(label.anchor), _point(end)], label.colour, max(1.2, 0.5 * canvas.unit))
        for label, plate in placed:
            self._draw_plate(canvas, plate, self._wrap(label.text), label.colour)
        for person, plate in badges.items():
            self._draw_plate(canvas, plate, [str(scene.numbers[person])], scene.colour(person))

    def _draw_plate(self, canvas: Canvas, plate: NDArray[np.float64], lines: list[str], colour: Colour) -> None:
        canvas.plate(plate, colour, radius=0.3 * self.size)
        x, y = plate[:2] + self.margin
        for i, line in enumerate(lines):
            canvas.text((x, y + i * self.line_height), line, self.font, INK)

    def _extent(self, lines: list[str]) -> NDArray[np.float64]:
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

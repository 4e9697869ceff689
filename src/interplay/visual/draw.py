"""`draw_interactions`: people, objects, links and verbs on an image, readable when it is crowded."""

from __future__ import annotations

import os
from collections.abc import Container
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError
from interplay.images import read_image
from interplay.interactions import Interactions
from interplay.keypoints import BONES
from interplay.visual.canvas import Canvas
from interplay.visual.faint import draw_faint_boxes, draw_faint_names, largest_first
from interplay.visual.labels import Label, LabelLayout
from interplay.visual.links import SEEN, face_of, link_boxes
from interplay.visual.palette import Colour, person_colour
from interplay.visual.placement import KeepClear, never_hidden
from interplay.visual.scene import VerbsOfPair, group_pairs, join_phrases, number_people, object_noun, scene_box
from interplay.visual.seen import seen_boxes

if TYPE_CHECKING:
    from interplay.images import ImageSource

Show: TypeAlias = Literal["interactions", "all"]
"""What a picture shows: only who does something with what, or all people and objects that were seen."""

_HEAD, _OBJECT, _BODY, _LINK = 12.0, 8.0, 2.0, 2.5  # costs of hiding all of one
_LINK_PARTS = 9
_LINK_WIDTH, _OBJECT_WIDTH, _BONE_WIDTH = 1.5, 0.75, 0.5  # of a person's outline
_END, _JOINT = 2.0, 0.75  # radii of the ends of links and of joints, in outlines
_SMALL_OBJECT = 0.02  # of the picture's area: a label would hide most of it
_SMALLEST_FACE = 0.012  # of the picture: smaller ones cannot be recognised anyway
_NOTE: Colour = (225, 225, 228)


def draw_interactions(
    image: ImageSource,
    interactions: Interactions,
    min_score: float | None = None,
    top_k: int | None = None,
    *,
    show: Show = "all",
    show_scores: bool = False,
    text_scale: float = 1.0,
    font: str | os.PathLike[str] | None = None,
) -> NDArray[np.uint8]:
    """Draw who does what with which object, and thinly who and what else was seen.

    Every person who acts has a solid box of one colour and, where there are several, a number: from left to right,
    the same as in the table on screen. A line leads from the person to each object, whose dashed box has the
    colours of the people who use it; one label per pair names all its verbs. Labels never overlap: where there is
    no room beside the pair, a thin line leads to it. What one person does alike with several objects of a kind is said
    once, with their number. Labels hide no face as long as there is room elsewhere. Where they would hide too much of
    the picture even in small print, the pairs with the lowest scores are left out and their number is told. Sizes are
    relative to the image. People with keypoints have their skeleton drawn, as far as it was seen.

    Boxes without an interaction have thin grey outlines and small names, where there is room for them; of several that
    nearly coincide one is drawn, and none with a score below 0.1.

    Args:
        image: what `predict` takes: (H, W, 3) uint8 RGB, a Pillow image, a path; see `interplay.images.read_image`.
        interactions: boxes in pixels of this image.
        min_score, top_k: draw only the triplets that `Interactions.filter` keeps.
        show: ``"all"``, or ``"interactions"`` without the boxes that take part in none.
        show_scores: follow each verb, and each name of what takes part in none, with its score.
        text_scale: factor on the size of the text.
        font: a TrueType font for names in a script that DejaVu Sans lacks.

    Returns:
        (H, W, 3) uint8, a new array.

    Raises:
        MissingFileError, ImageError: the image cannot be read.
        InputError: `show` is something else.

    Example:
        >>> import numpy as np
        >>> from interplay import Interactions, Vocabulary, draw_interactions
        >>> ride = Interactions([[20, 10, 80, 120], [10, 60, 110, 140]], [0, 1], [0], [1], [3],
        ...                     Vocabulary.load("v-coco"))
        >>> draw_interactions(np.zeros((150, 200, 3), np.uint8), ride).shape
        (150, 200, 3)
    """
    image = read_image(image)
    if text_scale <= 0:
        raise InputError(f"text_scale must be above 0, got {text_scale}")
    check_show(show)
    shown = interactions.filter(min_score, top_k)
    height, width = image.shape[:2]
    reach = float(np.sqrt(width * height))
    scene = _Scene(shown, width, height, show_scores and shown.scored, show)
    if not scene.boxes and not scene.faint:
        return image.copy()
    canvas = Canvas((width, height), unit=max(1.2, 0.0042 * reach))
    labels = scene.badges() + scene.pair_labels()
    lines = np.array([[*link.start, *link.end] for link in scene.links.values()], np.float64).reshape(-1, 4)
    keep_clear = scene.keep_clear(_END * canvas.unit)
    layout = LabelLayout(labels, scene.frame, keep_clear, lines, text_scale, font)
    note, left_out = None, 0
    while (missing := len(labels) - sum(label is not note for label in layout.labels)) > left_out:
        left_out = missing
        note = Label(f"+{left_out} more", np.array(scene.frame, np.float64), _NOTE, needed=True)
        layout = LabelLayout([note, *labels], scene.frame, keep_clear, lines, text_scale, font)
    draw_faint_boxes(canvas, shown, scene.faint)
    pairs = {pair for label in layout.labels for pair in label.pairs}
    scene.draw(canvas, pairs)
    layout.draw(canvas)
    scene.draw_ends(canvas, pairs)
    taken = np.concatenate([layout.plates, never_hidden(keep_clear)])
    draw_faint_names(canvas, shown, scene.faint, taken, layout.size, font, scene.with_scores)
    return canvas.over(image)


def check_show(show: Any) -> None:
    """Raise InputError unless `show` is one of `Show`."""
    if show not in get_args(Show):
        raise InputError(f"show must be one of {', '.join(get_args(Show))}, got {show!r}")


def check_image(image: Any) -> None:
    """Raise InputError unless `image` is (H, W, 3) uint8."""
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        got = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise InputError(f"image must be a uint8 array of shape (H, W, 3), got {got}")


class _Scene:
    """Where everything in the picture is."""

    def __init__(self, shown: Interactions, width: int, height: int, with_scores: bool, show: Show) -> None:
        self.interactions = shown
        self.with_scores = with_scores
        self.frame = (width, height)
        self.numbers = number_people(shown)
        self.pairs = group_pairs(shown)
        used = {*self.numbers, *(p.object for p in self.pairs if p.object >= 0)}
        self.boxes = {b: scene_box(shown, b, width, height) for b in used}
        seen = seen_boxes(shown).tolist()
        others = {b: scene_box(shown, b, width, height) for b in seen if b not in used}
        self.faint = others if show == "all" else {}
        self.faces = [self._face(b, box) for b, box in {**others, **self.boxes}.items() if self._is_person(b)]
        self.faces += [self._face(b, self.boxes[b]) for b in self.numbers if not self._is_person(b)]
        self.links = {
            (p.human, p.object): link_boxes(
                self.boxes[p.human],
                self.boxes[p.object],
                self.colour(p.human),
                np.array([box for b, box in {**others, **self.boxes}.items() if b not in (p.human, p.object)]),
                self.faces,
            )
            for p in self.pairs
            if p.object >= 0
        }

    def colour(self, person: int) -> Colour:
        return person_colour(self.numbers[person])

    def draw(self, canvas: Canvas, pairs: Container[tuple[int, int]]) -> None:
        """The people, and the given pairs' objects and links; large boxes first, so that small ones stay on top."""
        links = {pair: link for pair, link in self.links.items() if pair in pairs}
        users: dict[int, list[Colour]] = {}
        for human, target in links:
            if target not in self.numbers and self.colour(human) not in users.setdefault(target, []):
                users[target].append(self.colour(human))
        for box in largest_first(self.boxes):
            if box in self.numbers:
                canvas.line(canvas.outline(self.boxes[box], canvas.unit), self.colour(box), canvas.unit)
            elif box in users:
                width = _OBJECT_WIDTH * canvas.unit
                canvas.dashes(canvas.outline(self.boxes[box], width), users[box], width)
        for person in self.numbers:
            self._draw_skeleton(canvas, person)
        for link in links.values():
            canvas.line([_point(link.start), _point(link.end)], link.colour, _LINK_WIDTH * canvas.unit)

    def draw_ends(self, canvas: Canvas, pairs: Container[tuple[int, int]]) -> None:
        """Dots on the given pairs' objects."""
        for pair, link in self.links.items():
            if pair in pairs:
                canvas.dot(_point(link.end), _END * canvas.unit, link.colour)

    def _draw_skeleton(self, canvas: Canvas, person: int) -> None:
        """Bones and joints between keypoints that were seen; a box without pose is NaN, which is below any score."""
        pose = self._pose(person)
        if pose is None:
            return
        seen = pose[:, 2] >= SEEN
        for a, b in BONES:
            if seen[a] and seen[b]:
                canvas.line([_point(pose[a, :2]), _point(pose[b, :2])], self.colour(person), _BONE_WIDTH * canvas.unit)
        for joint in pose[seen]:
            canvas.dot(_point(joint[:2]), _JOINT * canvas.unit, self.colour(person))

    def _pose(self, box: int) -> NDArray[np.float64] | None:
        keypoints = self.interactions.keypoints
        return None if keypoints is None else keypoints[box].astype(np.float64)

    def _face(self, box: int, corners: NDArray[np.float64]) -> NDArray[np.float64]:
        return face_of(corners, self._pose(box))

    def _is_person(self, box: int) -> bool:
        return bool(self.interactions.labels[box] == self.interactions.vocabulary.person)

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
        alike: dict[tuple[int, str], list[tuple[int, int]]] = {}
        for pair in self.pairs:
            if len(self.numbers) < 2 or pair.object >= 0:
                alike.setdefault((pair.human, self._text(pair)), []).append((pair.human, pair.object))
        labels = []
        for (human, text), pairs in alike.items():
            anchors = [self.links[p].anchor if p in self.links else _head(self.boxes[human]) for p in pairs]
            if len(pairs) > 1:
                text += f" ×{len(pairs)}"
            if len(self.numbers) > 1:
                text = f"{self.numbers[human]} {text}"
            labels.append(Label(text, anchors[0], self.colour(human), False, tuple(pairs), tuple(anchors[1:])))
        return labels

    def _text(self, pair: VerbsOfPair) -> str:
        noun = object_noun(self.interactions, pair.object, self.numbers)
        return join_phrases(self.interactions.vocabulary, pair.verbs, noun, pair.scores if self.with_scores else None)

    def keep_clear(self, end: float) -> list[KeepClear]:
        """What labels should leave visible.

        Args:
            end: radius of the ends of links.
        """
        regions = []
        least = _SMALLEST_FACE * float(np.sqrt(self.frame[0] * self.frame[1]))
        for x1, y1, x2, y2 in (face.tolist() for face in self.faces):
            if min(x2 - x1, y2 - y1) >= least:
                regions.append(KeepClear((x1, y1, x2, y2), np.inf))
        for box, corners in self.boxes.items():
            x1, y1, x2, y2 = corners.tolist()
            if box in self.numbers:
                side = (x2 - x1) / 4
                regions.append(KeepClear((x1 + side, y1, x2 - side, y1 + 0.25 * (y2 - y1)), _HEAD))
                regions.append(KeepClear((x1, y1, x2, y2), _BODY))
            else:
                small = (x2 - x1) * (y2 - y1) < _SMALL_OBJECT * self.frame[0] * self.frame[1]
                regions.append(KeepClear((x1, y1, x2, y2), np.inf if small else _OBJECT))
        for link in self.links.values():
            x, y = link.end.tolist()
            regions.append(KeepClear((x - end, y - end, x + end, y + end), np.inf))
            for x, y in link.start + np.linspace(0, 1, _LINK_PARTS)[:, None] * (link.end - link.start):
                regions.append(KeepClear((x - 2, y - 2, x + 2, y + 2), _LINK / _LINK_PARTS))
        return regions


def _point(xy: NDArray[np.float64]) -> tuple[float, float]:
    return float(xy[0]), float(xy[1])


def _head(box: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([(box[0] + box[2]) / 2, box[1] + 0.06 * (box[3] - box[1])])

"""`write_report`: one HTML file that shows many images with their interactions, to look through and filter."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError, InterplayError
from interplay.files import atomic_path
from interplay.images import path_inside, read_image
from interplay.interactions import Interactions
from interplay.prefetch import prefetch
from interplay.table import InteractionTable
from interplay.visual.draw import Show, check_show, draw_interactions
from interplay.visual.pages import page_template, picture_address
from interplay.visual.palette import person_colour
from interplay.visual.scene import number_people
from interplay.visual.seen import describe_seen
from interplay.visual.sheet import shrink

_FEW = 150  # images; with more of them the pictures are smaller, so that a browser can hold the page
_SIDE_FEW, _SIDE_MANY = 800, 560
_TEXT_SCALE = 1.2  # cards are shown smaller than their pictures


def write_report(
    images: InteractionTable | Iterable[Interactions],
    path: str | os.PathLike[str],
    *,
    folder: str | os.PathLike[str] = ".",
    outside: bool = False,
    title: str = "Human-object interactions",
    min_score: float | None = None,
    top_k: int | None = None,
    show: Show = "all",
    on_image: Callable[[], object] | None = None,
) -> Path:
    """Write a gallery as one HTML file that needs no network and no other file.

    Each image has its picture with the interactions drawn in and a list of them, or what was seen where there are
    none; images with interactions come first. Images can be sorted, and filtered by verbs, objects, scores and names;
    pointing at an interaction lights up its person and object, and a picture opens large. Pictures of 1,000 images take
    about 60 MB.

    Args:
        images: what was found; `file` names the image. One that cannot be read is listed without a picture.
        path: the ``.html`` file, or a folder in which ``report.html`` is written.
        folder: where relative file names start.
        outside: also show pictures whose names lead out of `folder`. A file of predictions from somebody else could
            name any picture of yours, and the report that you pass on would hold it.
        title: heading of the page.
        min_score, top_k: show only the triplets that `Interactions.filter` keeps.
        show: what pictures show, see `draw_interactions`.
        on_image: called after each image, to show progress.

    Returns:
        The file that was written.

    Raises:
        InputError: an image has no file name, or the report's name has another suffix.
    """
    target = report_path(path)
    check_show(show)
    shown = [_shown(image, min_score, top_k) for image in images]
    shown.sort(key=lambda one: not len(one.image))  # stable: those with interactions first
    for one in shown:
        if not one.image.file:
            raise InputError("an image has no file name, so a report cannot show it")
    side = _SIDE_FEW if len(shown) <= _FEW else _SIDE_MANY

    def cards() -> Iterator[_Card]:
        for card in prefetch(lambda one: _card(one, Path(folder), side, outside, show), shown):
            yield card
            if on_image is not None:
                on_image()

    with atomic_path(target) as temporary, temporary.open("w", encoding="utf-8") as stream:
        page, filters = page_template("interplay.visual", "report.html"), _filters([one.image for one in shown])
        for text in page.generate(title=title, cards=cards(), **filters):
            stream.write(text)
    return target


def report_path(path: str | os.PathLike[str]) -> Path:
    """The HTML file for a path that may be a folder.

    Raises:
        InputError: a file name with another suffix.
    """
    target = Path(path)
    if target.suffix.lower() in (".html", ".htm") and not target.is_dir():
        return target
    if target.suffix and not target.is_dir():
        raise InputError(f"{path}: expected a folder or a name ending in .html, got {target.suffix!r}")
    return target / "report.html"


def _filters(shown: list[Interactions]) -> dict[str, Any]:
    """What can be chosen: verbs and objects with how often they occur, and scores from 0 to the best."""
    verbs: Counter[str] = Counter()
    objects: Counter[str] = Counter()
    for image in shown:
        names = image.vocabulary
        verbs.update(names.verbs[v] for v in image.verb)
        objects.update(names.objects[o] for o in image.object_labels if o >= 0)
    best = max((float(image.score.max(initial=0)) for image in shown), default=0.0)
    return {
        "verbs": sorted(verbs.items()),
        "objects": sorted(objects.items()),
        "scored": any(image.scored for image in shown),
        "most": max(1, math.ceil(best)),  # scores of some models go beyond 1
    }


@dataclass(frozen=True)
class _Shown:
    """The interactions of an image that are shown, and where there are none, what was seen in it."""

    image: Interactions
    seen: str


def _shown(image: Interactions, min_score: float | None, top_k: int | None) -> _Shown:
    kept = image.filter(min_score, top_k)
    return _Shown(kept, "" if len(kept) else describe_seen(image, min_score))


@dataclass(frozen=True)
class _Picture:
    width: int
    height: int
    alt: str
    source: str


@dataclass(frozen=True)
class _Row:
    """An interaction; `places` are its boxes in percent of the picture, and `person` a number where there are many."""

    verb: str
    object: str
    score: str
    shown_score: str
    places: str
    colour: str
    person: str
    phrase: str


@dataclass(frozen=True)
class _Card:
    """An image: its file's name and whole path; `seen` stands for rows. Without a picture, `problem` says why."""

    name: str
    path: str
    seen: str
    rows: Sequence[_Row]
    picture: _Picture | None = None
    problem: str = ""


def _card(one: _Shown, folder: Path, side: int, outside: bool, show: Show) -> _Card:
    image = one.image
    assert image.file is not None  # checked by the caller
    texts = (PurePath(image.file.replace("\\", "/")).name or image.file, image.file, one.seen)
    try:
        path = folder / image.file if outside else path_inside(folder, image.file)
        pixels = read_image(path)
        small, found = shrink(pixels, image, side)
        drawn = draw_interactions(small, found, text_scale=_TEXT_SCALE, show=show)
    except (InterplayError, MemoryError) as error:
        height, width = image.height or 1, image.width or 1
        rows = list(_rows(image, width, height))
        return _Card(*texts, rows, problem=str(error) or "not enough memory for it")
    picture = _Picture(drawn.shape[1], drawn.shape[0], _describe(one), picture_address(drawn))
    return _Card(*texts, list(_rows(image, pixels.shape[1], pixels.shape[0])), picture)


def _rows(image: Interactions, width: int, height: int) -> Iterator[_Row]:
    names, labels, numbers = image.vocabulary, image.object_labels, number_people(image)
    order = sorted(range(len(image)), key=lambda t: (numbers[int(image.human[t])], -float(image.score[t])))
    for t in order:
        number, target = numbers[int(image.human[t])], int(image.object[t])
        boxes = [image.boxes[image.human[t]], *([image.boxes[target]] if target >= 0 else [])]
        yield _Row(
            verb=names.verbs[image.verb[t]],
            object=names.objects[labels[t]] if target >= 0 else "",
            score=f"{image.score[t]:.4f}",
            shown_score=f"{image.score[t]:.2f}" if image.scored else "",
            places=";".join(_percent(box, width, height) for box in boxes),
            colour="#{:02x}{:02x}{:02x}".format(*person_colour(number)),
            person=str(number) if len(numbers) > 1 else "",
            phrase=names.phrase(int(image.verb[t]), int(labels[t])),
        )


def _percent(box: NDArray[np.float32], width: int, height: int) -> str:
    x1, y1, x2, y2 = (float(v) for v in box)
    shares = (x1 / width, y1 / height, (x2 - x1) / width, (y2 - y1) / height)
    return " ".join(f"{100 * share:.1f}" for share in shares)


def _describe(one: _Shown) -> str:
    image = one.image
    names = image.vocabulary
    phrases = dict.fromkeys(names.phrase(int(v), int(o)) for v, o in zip(image.verb, image.object_labels, strict=True))
    return f"{image.file}: {', '.join(phrases) or one.seen}"

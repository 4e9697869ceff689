"""Interactions as text, for tools whose boxes can have attributes but no relations.

Every box of an image has a ``number``, and a person's box has ``interactions``: ``ride > 2; hold > 3; stand`` says that
this person rides box 2, holds box 3 and stands. That can be read and edited in the tool itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from interplay.containers.guard import brief
from interplay.datasets.builder import TableBuilder
from interplay.errors import InputError
from interplay.interactions import Interactions
from interplay.vocabulary import Vocabulary

NUMBER, INTERACTIONS = "number", "interactions"
"""Names of the attributes."""


@dataclass(frozen=True)
class NumberedBox:
    """A box as such tools have it.

    Attributes:
        box: x1, y1, x2, y2 in pixels.
        label: the object's name.
        number: what `interactions` of other boxes of the image call it; None where it has none.
        interactions: as above.
    """

    box: Sequence[float]
    label: str
    number: int | None = None
    interactions: str = ""


@dataclass(frozen=True)
class NumberedImage:
    """An image's file name, width and height (0 where unknown), and boxes."""

    file: str
    size: tuple[Any, Any]
    boxes: Sequence[NumberedBox]


def interactions_text(image: Interactions, box: int) -> str:
    """What a person of an image does.

    Raises:
        InputError: a verb's name holds ``;`` or ``>``.
    """
    parts = []
    for triplet in (image.human == box).nonzero()[0].tolist():
        verb, other = image.vocabulary.verbs[image.verb[triplet]], int(image.object[triplet])
        if ";" in verb or ">" in verb:
            raise InputError(f"the verb {verb!r} holds ; or >, which part interactions in this form: rename it")
        parts.append(f"{verb} > {other + 1}" if other >= 0 else verb)
    return "; ".join(parts)


def parse_interactions(text: str) -> list[tuple[str, int | None]]:
    """Verbs and the number of the object of each, None for one without object.

    Raises:
        InputError: a number is missing or none.
    """
    found: list[tuple[str, int | None]] = []
    for part in filter(None, map(str.strip, text.split(";"))):
        verb, arrow, number = (piece.strip() for piece in part.partition(">"))
        if not verb or (arrow and not (number.isascii() and number.isdigit() and len(number) < 10)):
            raise InputError(
                f"expected VERB > NUMBER, or VERB alone, with ; between, got {brief(part)} in {brief(text)}"
            )
        found.append((verb, int(number) if arrow else None))
    return found


def add_image(builder: TableBuilder, image: NumberedImage) -> None:
    """Add an image and its interactions.

    Raises:
        InputError: a number stands for two boxes or for none, or a name is unknown.
    """
    vocabulary = builder.vocabulary
    builder.image(image.file, image.size)
    places: list[int] = []
    numbers: dict[int, int] = {}
    for box in image.boxes:
        places.append(builder.instance(box.box, vocabulary.object_index(box.label)))
        if box.number is not None and numbers.setdefault(box.number, places[-1]) != places[-1]:
            raise InputError(f"two boxes have the number {box.number}: give each another one")
    for place, box in zip(places, image.boxes, strict=True):
        for verb, number in parse_interactions(box.interactions):
            if number is not None and number not in numbers:
                raise InputError(f"{brief(box.interactions)} speaks of box {number}, and no box has this number")
            builder.triplet(place, vocabulary.verb_index(verb), -1 if number is None else numbers[number])


def vocabulary_of(images: Iterable[NumberedImage], name: str) -> Vocabulary:
    """The names in use."""
    boxes = [box for image in images for box in image.boxes]
    verbs = [verb for box in boxes for verb, _ in parse_interactions(box.interactions)]
    return Vocabulary.from_names(dict.fromkeys(box.label for box in boxes), dict.fromkeys(verbs), name)

"""What arguments may be, for ``type=``."""

from __future__ import annotations

import argparse


def positive(text: str) -> int:
    """A whole number above 0."""
    return _whole(text, 1, "above 0")


def natural(text: str) -> int:
    """A whole number of 0 or more."""
    return _whole(text, 0, "of 0 or more")


def rows(text: str) -> int | None:
    """A number of rows above 0, or ``all`` for None."""
    if text == "all":
        return None
    try:
        return positive(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}; 'all' is possible too") from None


def people(text: str) -> list[int] | None:
    """Numbers of people above 0 between commas, or ``all`` for None."""
    if text == "all":
        return None
    try:
        return [positive(part.strip()) for part in text.split(",")]
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}; 'all' is possible too") from None


SHOW = ("interactions", "all")
SHOW_HELP = "draw only who does something with what, or thinly all people and objects that were seen"

_LARGEST = 2**31 - 1


def _whole(text: str, least: int, kind: str) -> int:
    digits = text.isascii() and text.isdigit() and len(text) < 20
    if not digits or int(text) < least:
        raise argparse.ArgumentTypeError(f"expected a whole number {kind}, got {text[:40]!r}")
    if int(text) > _LARGEST:
        raise argparse.ArgumentTypeError(f"expected a whole number {kind}, at most {_LARGEST:,}, got {text}")
    return int(text)


def score(text: str) -> float:
    """A number of 0 or more; whether the model has such scores is checked later."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"expected a number of 0 or more, got {text!r}")
    return value


def fraction(text: str) -> float:
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got {text!r}")
    return value


def rate(text: str) -> float | None:
    """A number of frames a second above 0, or ``all`` for None."""
    if text == "all":
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 100_000:
        raise argparse.ArgumentTypeError(f"expected a number above 0, or 'all', got {text!r}")
    return value


def scores_by_name(text: str) -> float | dict[str, float]:
    """A number from 0 to 1, or such numbers by name: ``0.1,person=0.4``, where the one without a name is ``*``."""
    found: dict[str, float] = {}
    for part in text.split(","):
        name, equals, value = part.rpartition("=")
        key = name.strip() if equals else "*"
        if not key or key in found:
            raise argparse.ArgumentTypeError(f"expected SCORE or NAME=SCORE, each once, got {part!r} in {text!r}")
        found[key] = fraction(value)
    return found["*"] if list(found) == ["*"] else found


def names(text: str) -> list[str]:
    """Names with commas between them."""
    found = [name.strip() for name in text.split(",")]
    if not all(found):
        raise argparse.ArgumentTypeError(f"expected names with commas between them, got {text!r}")
    return found


def dataset(text: str) -> str:
    """A data set's name in any spelling; the canonical one is what ``choices=`` lists."""
    from interplay.vocabulary import canonical_name

    return canonical_name(text)


def size(text: str) -> tuple[int, int]:
    """``HEIGHTxWIDTH`` in pixels."""
    height, times, width = text.lower().partition("x")
    if not times:
        raise argparse.ArgumentTypeError(f"expected HEIGHTxWIDTH, such as 800x1067, got {text[:40]!r}")
    return positive(height), positive(width)


def option(text: str) -> tuple[str, str]:
    """``NAME=VALUE``."""
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text!r}")
    return name, value

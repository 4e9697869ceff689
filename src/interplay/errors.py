"""The errors that interplay raises on purpose.

Every message says what was expected, what came, and what to do next; the command line prints it without a
traceback.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

_ENDLESS = re.compile(r"(\S{300})\S{100,}?(?=[,.:;'\")]{0,4}(?:\s|$))")


class InterplayError(Exception):
    """Base of every error that interplay raises on purpose.

    Of a word without end, which a damaged file may hold in place of a name, the message has the beginning.
    """

    def __str__(self) -> str:
        return _ENDLESS.sub(r"\1...", super().__str__())


class InputError(InterplayError, ValueError):
    """Something the user gave (an argument, an array, a file's content) is not usable."""


class ModelError(InterplayError):
    """A model cannot be used at all: another image will not go better."""


class MissingFileError(InterplayError, FileNotFoundError):
    """A file that is needed is not there."""


class MissingExtraError(InterplayError, ImportError):
    """A feature needs an optional dependency that is not installed.

    Args:
        extra: the extra of this package that brings the dependency.
        package: the package that could not be imported.
    """

    def __init__(self, extra: str, package: str) -> None:
        self.extra = extra
        self.package = package
        super().__init__(f'this needs the package {package}; install it with: pip install "interplay[{extra}]"')


def near_matches(name: str, choices: Iterable[str]) -> str:
    """A hint such as ``" Did you mean 'ride'?"`` for an unknown name, or an empty string."""
    close = difflib.get_close_matches(name, list(choices), n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(repr(c) for c in close)}?" if close else ""


def some_of(names: Sequence[str], most: int = 5) -> str:
    """The first of some names, for a message.

    Example:
        >>> some_of(["a", "b", "c"], 2)
        'a, b, ...'
    """
    return ", ".join([*names[:most], *["..."] * (len(names) > most)])

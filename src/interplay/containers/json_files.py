"""JSON and JSON Lines, by rules that leave no value open to two readings.

Refused, because other programs or our own arrays would read something else: a key that comes twice in one object,
half a character (a lone surrogate), an integer beyond 64 bits, and, unless a reader handles them itself, NaN,
infinities and numbers beyond the range of a double.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from interplay.containers.guard import MEGABYTE, brief, in_words, reading, regular_file
from interplay.containers.text import TEXT_LIMIT, decode, read_text
from interplay.errors import InputError

_LINE_LIMIT = 256 * MEGABYTE
_WIDE_NUMBER = re.compile(r"\d{19}|\d[eE]\+?\d{3}")
_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")


def read_json(path: str | os.PathLike[str], what: str = "a JSON file", finite: bool = True) -> Any:
    """The content of a JSON file.

    Args:
        what: the kind of file, for the error.
        finite: whether NaN and infinities are refused.

    Raises:
        MissingFileError: there is none.
        InputError: not JSON, not UTF-8, or against the rules above; names the place.
    """
    return parse_json(read_text(path, what, TEXT_LIMIT), str(path), finite)


def iterate_json_lines(path: str | os.PathLike[str]) -> Iterator[tuple[int, Any]]:
    """Line number, from 1, and content of every line of a JSON Lines file that is not blank; one line at a time.

    Raises:
        MissingFileError: there is none.
        InputError: as for `read_json`, with the line; or a line of more than 256 MB.
    """
    for number, text in iterate_lines(path):
        yield number, parse_json(text, f"{path}: line {number}")


def iterate_lines(path: str | os.PathLike[str]) -> Iterator[tuple[int, str]]:
    """Number and text of every line of a JSON Lines file that is not blank, as `iterate_json_lines`."""
    what = "a JSON Lines file"
    regular_file(path, what)
    with reading(path, what), Path(path).open("rb") as stream:
        number = 0
        while line := stream.readline(_LINE_LIMIT + 1):
            number += 1
            if len(line) > _LINE_LIMIT:
                raise InputError(f"{path}: line {number} is longer than {in_words(_LINE_LIMIT)}; not {what}")
            text = decode(line, str(path), number)
            if text.strip():
                yield number, text.rstrip("\r\n")


def parse_json(text: str | bytes, where: str, finite: bool = True) -> Any:
    """The value of a JSON text.

    Args:
        where: file and line, for the error.
        finite: whether NaN and infinities are refused.

    Raises:
        InputError: not JSON, or against the rules of this module.
    """
    if isinstance(text, bytes):
        text = decode(text, where)
    # hooks for every number would slow all files down for the sake of a few
    decoder = _decoder(finite, _WIDE_NUMBER.search(text) is not None)
    try:
        value = decoder.decode(text)
        if _HALF_CHARACTER.search(text):
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}" if "\n" in text.strip() else f"column {error.colno}"
        raise InputError(f"{where}: not JSON: {error.msg} ({place})") from None
    except UnicodeEncodeError:
        raise InputError(f"{where}: not JSON: a text holds half a character (a lone surrogate)") from None
    except RecursionError:
        raise InputError(f"{where}: not read: lists or objects are nested too deeply") from None


@cache
def _decoder(finite: bool, wide: bool) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=_unique,
        parse_constant=_refuse_constant if finite else None,
        parse_int=_integer if wide else None,
        parse_float=_finite if wide and finite else None,
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise InputError(f"the key {brief(twice)} comes twice in one object; one of the two would be lost")
    return made


def _integer(text: str) -> int:
    if len(text) > 20 or not -(2**63) <= int(text) < 2**63:
        raise InputError(f"the number {_short(text)} does not fit in 64 bits")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise InputError(f"the number {_short(text)} is too large")
    return value


def _short(number: str) -> str:
    return number if len(number) <= 24 else f"{number[:8]}... ({len(number)} digits)"


def _refuse_constant(name: str) -> Any:
    raise InputError(f"{name} is not a number that JSON knows; numbers must be finite")

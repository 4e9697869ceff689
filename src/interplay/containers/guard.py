"""What all doors share: one kind of error, ordinary files only, and limits on what a small file can unfold into."""

from __future__ import annotations

import os
import reprlib
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from interplay.errors import InputError, InterplayError, MissingFileError

MEGABYTE = 1 << 20
_UNPACKED = 256 * MEGABYTE
_RATIO = 16
_DEPTH = 100


@contextmanager
def reading(path: str | os.PathLike[str], what: str) -> Iterator[None]:
    """Turn everything that goes wrong while `path` is read into one `InputError` that names it.

    Args:
        what: the kind of file, with its article, such as ``"a JSON file"``.

    Raises:
        MissingFileError: there is no such file.
        InputError: it cannot be read; says why. Errors that are raised on purpose inside pass as they are.
    """
    try:
        yield
    except InterplayError:
        raise
    except FileNotFoundError:
        raise MissingFileError(f"no file {path}") from None
    except Exception as error:  # parsers raise nearly anything for a damaged file
        raise InputError(f"{path}: {reason(error, what)}") from None


@contextmanager
def locating(where: str) -> Iterator[None]:
    """Turn what goes wrong inside one part of a file into an `InputError` that says where it is."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    except KeyError as error:
        raise InputError(f"{where}: the field {error} is missing") from None
    except (IndexError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise InputError(f"{where}: {error}") from None


def reason(error: Exception, what: str) -> str:
    """Why a file could not be read, in words, without the whole of a long message."""
    if isinstance(error, MemoryError):
        return f"not read as {what}: its content needs more memory than there is"
    if isinstance(error, RecursionError):
        return f"not read as {what}: its content is nested too deeply"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror}"
    text = " ".join(str(error).split())
    text = text if len(text) <= 200 else f"{text[:197]}..."
    return f"not {what}, or damaged ({text or type(error).__name__})"


def regular_file(path: str | os.PathLike[str], what: str = "a file") -> int:
    """Size in bytes of an ordinary file.

    A named pipe or a device would be waited for or read without end.

    Raises:
        MissingFileError: there is none.
        InputError: it is a folder, a pipe or a device, or cannot be looked at.
    """
    with reading(path, what):
        found = Path(path).stat()
    if stat.S_ISDIR(found.st_mode):
        raise InputError(f"{path}: expected {what}, got a folder")
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"{path}: expected {what}, got a pipe or a device")
    return found.st_size


def read_bytes(path: str | os.PathLike[str], what: str, limit: int) -> bytes:
    """The whole content of an ordinary file of at most `limit` bytes.

    Raises:
        MissingFileError: there is none.
        InputError: it is too large, no ordinary file, or cannot be read.
    """
    size = regular_file(path, what)
    if size > limit:
        raise InputError(f"{path}: {in_words(size)}, but {what} has at most {in_words(limit)}")
    with reading(path, what):
        return Path(path).read_bytes()


def check_unpacked(path: str | os.PathLike[str], packed: int, unpacked: int) -> None:
    """Refuse a compressed file that would unfold beyond 256 MB and 16 times its own size.

    Raises:
        InputError: it would.
    """
    if unpacked > max(_UNPACKED, _RATIO * packed):
        raise InputError(
            f"{path}: {in_words(packed)} that would unpack to {in_words(unpacked)}; nothing of it was read. "
            "A compressed file of numbers does not shrink so much; it is damaged or made to fill the memory"
        )


def count_values(value: Any, limit: int) -> int:
    """How many values nested lists and mappings hold, each counted as often as it is reached.

    A few hundred bytes can name the same list again and again, so that whoever walks through it never ends.

    Raises:
        InputError: more than `limit`, nested deeper than 100 levels, or holding itself.
    """
    return _count(value, limit, {}, 0)


def _count(value: Any, limit: int, known: dict[int, int], depth: int) -> int:
    if not isinstance(value, (list, tuple, dict, set, frozenset)):
        return 1
    if depth > _DEPTH:
        raise InputError(f"its content is nested deeper than {_DEPTH} levels, or holds itself")
    if id(value) not in known:
        total = 1 + len(value)
        if not is_flat(value):
            for entry in value.values() if isinstance(value, dict) else value:
                total += _count(entry, limit, known, depth + 1) - 1
        known[id(value)] = total
    if known[id(value)] > limit:
        raise InputError(f"its content unfolds into more than {limit:,} values")
    return known[id(value)]


_LEAVES = frozenset((float, int, str, bool, bytes, type(None)))


def is_flat(value: Any) -> bool:
    """Whether a list, tuple, set or dict holds numbers and text only; fast, since most do.

    Example:
        >>> is_flat([1.5, "a"]), is_flat([[1.5]])
        (True, False)
    """
    return set(map(type, value.values() if isinstance(value, dict) else value)) <= _LEAVES


def in_words(size: int) -> str:
    """A size in bytes as people write it.

    Example:
        >>> in_words(3_500_000)
        '3.3 MB'
    """
    for unit in ("bytes", "KB", "MB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024  # type: ignore[assignment]
    return f"{size:,.1f} GB"


_LONGEST = 160
_SHORT = reprlib.Repr()
_SHORT.maxlevel = 2
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60


def brief(value: Any) -> str:
    """What came, for a message: never longer than a line or two, whatever it holds.

    Example:
        >>> brief(list(range(1000)))
        '[0, 1, 2, 3, 4, 5, ...]'
    """
    try:
        text = _SHORT.repr(value)
    except ValueError:  # an integer of more digits than Python writes
        return f"a {type(value).__name__}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."

"""Finding images: files, folders, patterns, a list on standard input; and what their names are in text."""

from __future__ import annotations

import codecs
import glob
import io
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TextIO

from interplay.errors import InputError
from interplay.files import home_path

IMAGE_SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in (
        "jpg", "jpeg", "jpe", "jfif", "mpo", "png", "apng", "webp", "gif", "bmp", "dib", "tif", "tiff",
        "ppm", "pgm", "pbm", "pnm", "jp2", "avif", "tga",
    )
)  # fmt: skip
"""What counts as an image inside a folder or a pattern."""


def find_images(specs: Iterable[str | os.PathLike[str]], stdin: TextIO | None = None) -> list[Path]:
    """The image files that `specs` name, in order, each once.

    A folder below one of them that cannot be looked into stands in the list itself, so that whoever reads the images
    names it.

    Args:
        specs: files (taken whatever their suffix), folders (searched recursively for `IMAGE_SUFFIXES`, sorted,
            hidden files left out), patterns such as ``"photos/**/*.jpg"``, and ``"-"`` for a list on standard
            input, one of the former a line, in UTF-8 or, with its mark, UTF-16.
        stdin: what ``"-"`` reads; `sys.stdin` by default.

    Raises:
        InputError: something named does not exist, or a folder, pattern or list holds no image; names it.
    """
    found: dict[str, Path] = {}
    for spec in _with_listed(specs, stdin):
        for path in _expand(spec):
            found.setdefault(os.path.abspath(path), path)  # noqa: PTH100  # resolve() would follow links
    return list(found.values())


def _with_listed(specs: Iterable[str | os.PathLike[str]], stdin: TextIO | None) -> Iterator[str]:
    for spec in specs:
        if spec != "-":
            yield os.fspath(spec)
            continue
        listed = [line for line in _list_text(stdin or sys.stdin).splitlines() if line.strip()]
        if not listed:
            raise InputError("standard input names no image: expected a list of files and folders, one a line")
        for line in listed:
            # blanks around a name may belong to it
            yield line if os.path.lexists(line) or not line.strip() else line.strip()


def _list_text(stream: TextIO | None) -> str:
    """The names on standard input, whatever wrote them: Windows' shells mark their text, and some use UTF-16."""
    if stream is None:
        return ""
    if not hasattr(stream, "buffer"):
        return stream.read().removeprefix("\ufeff")
    raw: bytes = stream.buffer.read()
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif len(raw) > 3 and 0 in raw[:2]:  # UTF-16 without its mark: every other byte of a Latin letter is 0
        encoding = "utf-16-le" if raw[1] == 0 else "utf-16-be"
    else:
        return os.fsdecode(raw.removeprefix(codecs.BOM_UTF8))
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"standard input: a list in {encoding.upper()} that is damaged: {error.reason}") from None


def _expand(spec: str) -> list[Path]:
    try:
        path = home_path(spec)
        if path.is_dir():
            images = sorted(_walk(path))
            if not images:
                raise InputError(f"no image in the folder {spec} (looked for {', '.join(sorted(IMAGE_SUFFIXES))})")
            return images
        if os.path.lexists(path):
            return [path]
        if glob.has_magic(spec):
            matches = (Path(match) for match in glob.glob(str(path), recursive=True))  # noqa: PTH207  # has_magic's twin
            images = sorted(m for m in matches if m.suffix.lower() in IMAGE_SUFFIXES and not m.is_dir())
            if not images:
                raise InputError(f"no image matches the pattern {spec}")
            return images
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{text_name(spec)[:300]!r} cannot be looked up: {reason}") from None
    raise InputError(f"no such file or folder: {text_name(spec)}{url_hint(spec)}")


def _walk(folder: Path) -> Iterator[Path]:
    """Images below a folder, and folders that cannot be looked into."""
    unreadable: list[Path] = []
    for base, _, files in walk(folder, lambda error: unreadable.append(Path(error.filename))):
        for name in files:
            path = Path(base, name)
            if path.suffix.lower() in IMAGE_SUFFIXES and not name.startswith("."):
                yield path
    yield from unreadable


def walk(
    folder: str | os.PathLike[str], on_error: Callable[[OSError], object] | None = None
) -> Iterator[tuple[str, list[str], list[str]]]:
    """`os.walk` that follows links to folders (data sets are often linked), but no circles, and no hidden folders.

    Args:
        folder: where it begins.
        on_error: called for a folder that cannot be looked into.

    Returns:
        A stream of folders with the names of folders and files in them, both sorted; the former may be changed.
    """
    seen: set[tuple[int, int]] = set()
    for base, folders, files in os.walk(folder, onerror=on_error, followlinks=True):
        state = os.stat(base)  # noqa: PTH116  # of every folder of large trees
        if (state.st_dev, state.st_ino) in seen:
            folders.clear()
            continue
        seen.add((state.st_dev, state.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield base, folders, sorted(files)


DRAWN = "drawn by interplay"
"""What is written into every picture that is drawn, so that none is taken for a photograph later."""


def is_drawn(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a picture that interplay drew, as its first bytes (of WebP, its last) say."""
    try:
        with Path(path).open("rb") if stat.S_ISREG(Path(path).stat().st_mode) else io.BytesIO() as stream:
            found = stream.read(_COMMENTS_WITHIN)
            if found.startswith(b"RIFF"):
                stream.seek(max(stream.seek(0, os.SEEK_END) - _COMMENTS_WITHIN, 0))
                found = stream.read()
    except (OSError, ValueError):  # whoever reads the image says what is wrong with it
        return False
    return DRAWN.encode() in found


_COMMENTS_WITHIN = 1024
"""Bytes from a picture's beginning or end within which `pipeline.pictures.save_picture` has its comment written."""


def url_hint(name: str) -> str:
    return " (addresses are not fetched: download it first)" if "://" in name else ""


def text_name(path: str | os.PathLike[str]) -> str:
    """A path as text that every file and console takes: bytes that are not UTF-8 are written ``\\xe9``.

    `read_image` finds the file under this name too.
    """
    try:
        raw = os.fsencode(path)
    except UnicodeEncodeError:  # text already, in a locale that knows ASCII only
        raw = os.fspath(path).encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "backslashreplace")


def named_file(name: str) -> Path:
    """The file that `text_name` called so, where there is none of just this name."""
    try:
        path = Path(os.fsdecode(os.fsencode(name)))
    except UnicodeEncodeError:  # a locale that knows ASCII only
        return Path(os.fsdecode(name.encode("utf-8", "surrogateescape")))
    if "\\x" not in name or os.path.lexists(path):
        return path
    raw = re.sub(rb"\\x([89a-f][0-9a-f])", lambda found: bytes.fromhex(found[1].decode()), os.fsencode(name))
    return Path(os.fsdecode(raw))

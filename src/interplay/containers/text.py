"""Text files: UTF-8, with or without byte order mark, with any line ends."""

from __future__ import annotations

import codecs
import os

from interplay.containers.guard import MEGABYTE, read_bytes
from interplay.errors import InputError

TEXT_LIMIT = 1024 * MEGABYTE
_OTHER = ((codecs.BOM_UTF32_LE, "UTF-32"), (codecs.BOM_UTF16_LE, "UTF-16"), (codecs.BOM_UTF16_BE, "UTF-16"))


def read_text(path: str | os.PathLike[str], what: str = "a text file", limit: int = TEXT_LIMIT) -> str:
    """The whole of a text file, without its byte order mark.

    Raises:
        MissingFileError: there is none.
        InputError: not UTF-8 (names line and byte, and the cure), too large, or not readable.
    """
    return decode(read_bytes(path, what, limit), str(path))


def read_lines(path: str | os.PathLike[str]) -> list[str]:
    """The lines of a text file without their ends.

    Raises:
        MissingFileError: there is none.
        InputError: as for `read_text`.
    """
    return read_text(path).splitlines()


def decode(data: bytes, where: str, line: int = 1) -> str:
    """Text from bytes.

    Args:
        where: the file, for the error.
        line: the number of the first line in `data`.

    Raises:
        InputError: not UTF-8; names line and byte, and the cure.
    """
    for mark, name in _OTHER:
        if data.startswith(mark):
            raise InputError(f"{where}: encoded as {name}, expected UTF-8. {_cure(name)}")
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        line += before.count(b"\n")
        column = error.start - (before.rfind(b"\n") + 1) + 1
        raise InputError(
            f"{where}: line {line}, byte {column}: the byte 0x{error.object[error.start]:02x} is not UTF-8, so this is "
            f"no text, or text in another encoding. {_cure('LATIN1')} (or the encoding of the program that wrote it)"
        ) from None


def _cure(encoding: str) -> str:
    return f"Save the file as UTF-8: iconv -f {encoding} -t UTF-8 FILE > NEW"

"""TensorFlow's table files and the protocol buffers inside: sorted keys with values, in blocks with checksums.

The form is LevelDB's (``table_format.md`` in its documentation), which TensorFlow took over: at the end a footer of 48
bytes that points to the index block, whose values point to the blocks with the entries. All lengths in the file are
checked before they are used.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from interplay.checkpoints.tensorflow.crc32c import masked_crc32c
from interplay.errors import InputError

MAGIC = bytes.fromhex("57fb808b247547db")
"""The last eight bytes of a table."""

_FOOTER = 48
_TRAILER = 5  # after each block: one byte of compression, four of checksum


class DamagedError(InputError):
    """What is wrong with a file's bytes; the caller adds the file's name."""


def read_table(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """The keys and values of a table, in order.

    Raises:
        DamagedError: not a table, truncated, altered, or compressed.
    """
    if len(data) < _FOOTER or bytes(data[-len(MAGIC) :]) != MAGIC:
        raise DamagedError("its end is not that of a table; the file may be truncated")
    _, at = _handle(data[-_FOOTER:], 0)
    index, _ = _handle(data[-_FOOTER:], at)
    for _, value in _entries(_block(data, *index)):
        handle, _ = _handle(value, 0)
        yield from _entries(_block(data, *handle))


def fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field of a protocol buffer: an int, or the bytes of a text, array or message.

    Raises:
        DamagedError: the bytes are no message.
    """
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(message, at)
            yield key >> 3, value
            continue
        if kind == 2:
            size, at = varint(message, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise DamagedError(f"holds a field of unknown kind {kind}")
        content, at = _take(message, at, size)
        yield key >> 3, content if kind == 2 else int.from_bytes(content, "little")


def varint(data: memoryview, at: int) -> tuple[int, int]:
    """A number of variable length, and the position behind it.

    Raises:
        DamagedError: it does not end within ten bytes.
    """
    value = 0
    for i, byte in enumerate(data[at : at + 10]):
        value |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return value, at + i + 1
    raise DamagedError("a number in it does not end")


def _handle(data: memoryview, at: int) -> tuple[tuple[int, int], int]:
    """Offset and size of a block, and the position behind them."""
    offset, at = varint(data, at)
    size, at = varint(data, at)
    return (offset, size), at


def _block(data: memoryview, offset: int, size: int) -> memoryview:
    """A block's content."""
    stored, _ = _take(data, offset, size + _TRAILER)
    if stored[size] != 0:
        raise DamagedError("its blocks are compressed, which TensorFlow's own checkpoints are not")
    if masked_crc32c(stored[: size + 1]) != struct.unpack("<I", stored[size + 1 :])[0]:
        raise DamagedError("the checksum of a block does not fit")
    return stored[:size]


def _entries(block: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Keys and values of a block. A key leaves out what it shares with the one before."""
    if len(block) < 4:
        raise DamagedError("a block is too short")
    restarts = struct.unpack("<I", block[-4:])[0]
    end = len(block) - 4 - 4 * restarts
    if end < 0:
        raise DamagedError("a block is too short")
    at, key = 0, b""
    while at < end:
        shared, at = varint(block, at)
        added, at = varint(block, at)
        size, at = varint(block, at)
        if shared > len(key):
            raise DamagedError("a key shares more than the one before has")
        suffix, at = _take(block[:end], at, added)
        key = key[:shared] + bytes(suffix)
        value, at = _take(block[:end], at, size)
        yield key, value


def _take(data: memoryview, at: int, size: int) -> tuple[memoryview, int]:
    if at + size > len(data):
        raise DamagedError(f"wants {size:,} bytes at {at:,}, but there are {len(data):,}; the file may be truncated")
    return data[at : at + size], at + size

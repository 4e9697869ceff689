"""CRC-32C (Castagnoli) of large buffers in numpy: the checksum in TensorFlow's files.

The checksum is linear over GF(2), so a buffer can be cut into lanes that are worked through side by side, one byte of
each at a time, and put together afterwards: what a lane contributes to the whole is its own checksum, moved on by the
zero bytes that stand for the lanes behind it.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL = 0x82F63B78
_SHORT = 4096  # bytes: below this a plain loop is as fast
_MASK = 0xA282EAD8


def masked_crc32c(data: bytes | memoryview) -> int:
    """The checksum as TensorFlow stores it: rotated, plus a constant, since the data may hold checksums themselves.

    Example:
        >>> hex(masked_crc32c(b"foo"))
        '0xfebe8a61'
    """
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + _MASK) & 0xFFFFFFFF


def crc32c(data: bytes | memoryview) -> int:
    """The checksum of a buffer.

    Example:
        >>> hex(crc32c(b"123456789"))
        '0xe3069283'
    """
    buffer = np.frombuffer(data, np.uint8)
    state, done = 0xFFFFFFFF, 0
    if len(buffer) >= _SHORT:
        lanes = 1 << (len(buffer).bit_length() // 2)
        length = len(buffer) // lanes
        done = lanes * length
        state = _long(buffer[:done].reshape(lanes, length), state)
    table = _table().tolist()
    for byte in buffer[done:].tolist():
        state = (state >> 8) ^ table[(state ^ byte) & 0xFF]
    return state ^ 0xFFFFFFFF


def _long(lanes: NDArray[np.uint8], state: int) -> int:
    """The state after (L, n) bytes, L a power of two."""
    table = _table()
    states = np.zeros(len(lanes), np.uint32)
    for column in np.ascontiguousarray(lanes.T):
        states = (states >> 8) ^ table[(states ^ column) & 0xFF]
    skip = _zeros(lanes.shape[1])
    while len(states) > 1:
        states = _apply(skip, states[0::2]) ^ states[1::2]
        skip = _apply(skip, skip)
    return int(_apply(skip, np.array([state], np.uint32))[0] ^ states[0])


def _zeros(count: int) -> NDArray[np.uint32]:
    """What `count` zero bytes do to each of the 32 bits of a state."""
    bits = np.uint32(1) << np.arange(32, dtype=np.uint32)
    result, step = bits, (bits >> 8) ^ _table()[bits & 0xFF]
    while count:
        if count & 1:
            result = _apply(step, result)
        step = _apply(step, step)
        count >>= 1
    return result


def _apply(operator: NDArray[np.uint32], states: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """A linear map, given by its 32 columns, on every state."""
    result = np.zeros_like(states)
    for bit, column in enumerate(operator):
        result ^= ((states >> np.uint32(bit)) & np.uint32(1)) * column
    return result


@cache
def _table() -> NDArray[np.uint32]:
    """What each value of a byte contributes."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = (table >> np.uint32(1)) ^ ((table & np.uint32(1)) * np.uint32(_POLYNOMIAL))
    return table

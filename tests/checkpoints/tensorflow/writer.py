"""Checkpoints as TensorFlow writes them, to be read in tests (table format of LevelDB, tensor_bundle.proto)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

POLYNOMIAL = 0x82F63B78
TYPES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9, "bool": 10, "float16": 19}
BLOCK_BYTES = 200  # small, so that the index has several entries


def checksum(data: bytes) -> int:
    """Masked CRC-32C, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (POLYNOMIAL if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def shape_of(array: np.ndarray) -> bytes:
    return b"".join(message(2, number(1, size)) for size in array.shape)


def table(entries: Mapping[bytes, bytes]) -> bytes:
    """A table file; keys must be sorted."""
    out, index = bytearray(), []

    def block(pairs: list[tuple[bytes, bytes]]) -> bytes:
        """Write a block, return where it is."""
        content, before = bytearray(), b""
        for key, value in pairs:
            shared = next((i for i, (a, b) in enumerate(zip(key, before, strict=False)) if a != b), len(before))
            shared = min(shared, len(key))
            content += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
            before = key
        content += struct.pack("<II", 0, 1)
        handle = varint(len(out)) + varint(len(content))
        out.extend(content + b"\0" + struct.pack("<I", checksum(bytes(content) + b"\0")))
        return handle

    pending: list[tuple[bytes, bytes]] = []
    for key, value in entries.items():
        pending.append((key, value))
        if sum(len(k) + len(v) for k, v in pending) > BLOCK_BYTES:
            index.append((key, block(pending)))
            pending = []
    if pending:
        index.append((pending[-1][0], block(pending)))
    footer = block([]) + block(index)
    return bytes(out) + footer.ljust(40, b"\0") + bytes.fromhex("57fb808b247547db")


def write_v2(beginning: Path, variables: Mapping[str, np.ndarray], extra: Mapping[str, bytes] | None = None) -> None:
    """``NAME.index`` and ``NAME.data-00000-of-00001``; `extra` are further raw entries of the index."""
    data = bytearray()
    entries = {b"": number(1, 1) + message(3, number(1, 1))}
    for name in sorted(variables):
        array = variables[name]
        content = array.tobytes()
        entries[name.encode()] = (
            number(1, TYPES[array.dtype.name]) + message(2, shape_of(array)) + number(4, len(data))
            + number(5, len(content)) + varint(6 << 3 | 5) + struct.pack("<I", checksum(content))
        )  # fmt: skip
        data += content
    entries |= {name.encode(): value for name, value in (extra or {}).items()}
    beginning.with_name(beginning.name + ".data-00000-of-00001").write_bytes(data)
    beginning.with_name(beginning.name + ".index").write_bytes(table(dict(sorted(entries.items()))))


def write_v1(path: Path, variables: Mapping[str, np.ndarray]) -> None:
    """One file with everything."""
    declared = b""
    slices = {}
    for name in sorted(variables):
        array = variables[name]
        kind = TYPES[array.dtype.name]
        declared += message(1, message(1, name.encode()) + message(2, shape_of(array)) + number(3, kind))
        if array.dtype == np.int64:
            numbers = message(10, b"".join(varint(v) for v in array.ravel().tolist()))
        else:
            numbers = message(5, array.astype("<f4").tobytes())
        tensor = number(1, kind) + numbers
        whole = b"".join(message(1, b"") for _ in array.shape)
        slices[b"\x00\x01" + name.encode()] = message(
            2, message(1, name.encode()) + message(2, whole) + message(3, tensor)
        )
    path.write_bytes(table({b"": message(1, declared), **slices}))

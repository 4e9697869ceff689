"""JSON and JSON Lines: one reading of every file, or an error with its place."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interplay.containers.json_files import iterate_json_lines, parse_json, read_json
from interplay.errors import InputError, MissingFileError

INTEGERS = st.integers(-(2**63), 2**63 - 1)
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES, st.booleans())
def test_ordinary_values_are_read_as_python_reads_them(value: Any, ascii_only: bool) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only), "f") == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "a": 2}', "the key 'a' comes twice"),
        ('[{"b": {"c": 1, "c": 1}}]', "the key 'c' comes twice"),
        ("[NaN]", "NaN is not a number"),
        ("[-Infinity]", "-Infinity is not a number"),
        ("[1e400]", "too large"),
        ("[-1e+999]", "too large"),
        (f"[{10**400}]", "does not fit in 64 bits"),
        (f"[1{'0' * 5000}]", "does not fit in 64 bits"),
        (f"[{2**63}]", "does not fit in 64 bits"),
        (f"[1{'0' * 400}.5]", "too large"),
        (r'["\ud83d"]', "half a character"),
        (r'{"\udc00": 1}', "half a character"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("[1,]", r"not JSON: .* \(column"),
        ("", "not JSON"),
        ("{'a': 1}", "not JSON"),
        ("[1]\n[2]", r"not JSON: Extra data \(line 2"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=rf"(?s)^file: .*{message}") as caught:
        parse_json(text, "file")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-0", 0),
        ("[-0.0]", [0.0]),
        ("1e-400", 0.0),
        (str(2**63 - 1), 2**63 - 1),
        (str(-(2**63)), -(2**63)),
        ("0.1234567890123456789012345", 0.12345678901234568),
        (r'"\ud83d\ude00"', "\U0001f600"),
        ('[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}]),
    ],
)
def test_odd_numbers_and_texts_that_are_fine(text: str, value: Any) -> None:
    assert parse_json(text, "file") == value


def test_a_reader_may_handle_what_is_not_finite() -> None:
    assert parse_json("[Infinity, 1e999]", "file", finite=False) == [float("inf")] * 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_lines_with_any_mark_and_ends(tmp_path: Path, encoding: str, ends: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(ends.join(['{"file": "é.jpg"}', "", "  ", "[2]"]).encode(encoding))
    assert list(iterate_json_lines(path)) == [(1, {"file": "é.jpg"}), (4, [2])]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ('{"a": "café"}'.encode("latin-1"), r"line 1, byte 11: the byte 0xe9 is not UTF-8.*iconv -f LATIN1 -t UTF-8"),
        ('[1]\n["é"]'.encode("cp1252"), "line 2, byte 3"),
        ("[1]".encode("utf-16"), "encoded as UTF-16.*iconv -f UTF-16"),
    ],
)
def test_another_encoding_is_named_with_its_cure(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(data)
    for read in (read_json, lambda p: list(iterate_json_lines(p))):
        with pytest.raises(InputError, match=rf"a\.json: {message}"):
            read(path)


def test_the_line_of_a_mistake_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n\n{"a": 1, "a": 2}\n')
    with pytest.raises(InputError, match=r"a\.jsonl: line 3: the key 'a'"):
        list(iterate_json_lines(path))


def test_only_ordinary_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(InputError, match="pipe or a device"):
        read_json(tmp_path / "pipe.json")
    with pytest.raises(InputError, match="folder"):
        read_json(tmp_path)
    with pytest.raises(MissingFileError, match="none"):
        read_json(tmp_path / "none.json")

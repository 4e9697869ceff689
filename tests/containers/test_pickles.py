"""Pickles: plain data of every flavour is read, everything else is refused before it runs, and nothing ends us."""

from __future__ import annotations

import io
import os
import pickle
import struct
from collections import OrderedDict, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interplay.containers.isolated import ReaderProcess
from interplay.containers.pickles import load_plain_pickle, parse_plain_pickle
from interplay.errors import InputError

DTYPE = b"cnumpy\ndtype\n(X\x01\x00\x00\x00OK\x00K\x01tR"
STATE = b"(K\x03X\x01\x00\x00\x00%sNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK"
"""What follows a type: byte order, no fields, sizes; the flags come next."""
RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR"


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("protocol", range(6))
def test_rows_of_every_protocol(tmp_path: Path, protocol: int) -> None:
    rows = [
        {
            "image_id": np.int64(3),
            "person_box": np.array([1, 2, 3, 4], np.float32),
            "big-endian": np.array([1.5, 2.5], ">f8"),
            "fortran": np.arange(6).reshape(2, 3).T,
            "names": np.array(["ride", "sit"]),
            "score": np.float32(0.5),
            "many": defaultdict(list, {"a": [1]}),
            "order": OrderedDict(z=1, a=2),
            "ragged": np.array([[1, 2], [3]], dtype=object),
            "pair": (1, "x", None, True),
            "set": {1, 2},
        }
    ]
    (row,) = load_plain_pickle(write(tmp_path / "a.pkl", pickle.dumps(rows, protocol)))
    assert row["image_id"] == 3
    assert row["score"] == 0.5
    for name in ("person_box", "big-endian", "fortran", "names"):
        assert type(row[name]) is np.ndarray
        np.testing.assert_array_equal(row[name], rows[0][name])
    assert type(row["many"]) is dict
    assert row["many"] == {"a": [1]}
    assert type(row["order"]) is dict
    assert list(row["order"]) == ["z", "a"]
    assert row["ragged"] == [[1, 2], [3]]
    assert row["pair"] == (1, "x", None, True)
    assert row["set"] == {1, 2}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner, inner),
    ),
    st.integers(0, 5),
)
def test_plain_values_come_back(value: Any, protocol: int) -> None:
    assert parse_plain_pickle(pickle.dumps(value, protocol)) == value


def test_tensors_come_as_arrays(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    values = {"a": torch.arange(6.0).reshape(2, 3).T, "b": torch.tensor(3), "half": torch.ones(2, dtype=torch.float16)}
    read = load_plain_pickle(write(tmp_path / "a.pkl", pickle.dumps(values)))
    for name, value in values.items():
        np.testing.assert_array_equal(read[name], value.numpy())
    more = {"brain": torch.ones(2, dtype=torch.bfloat16), "learnt": torch.nn.Parameter(torch.arange(2.0))}
    read = load_plain_pickle(write(tmp_path / "b.pkl", pickle.dumps(more)))
    assert (read["brain"].tolist(), read["learnt"].tolist()) == ([1.0, 1.0], [0.0, 1.0])


def test_what_a_list_shares_stays_small(tmp_path: Path) -> None:
    shared = [1.0] * 1000
    read = load_plain_pickle(write(tmp_path / "a.pkl", pickle.dumps([shared] * 100)))
    assert len(read) == 100
    assert read[0] is read[99]


def nested(levels: int, make: Any) -> Any:
    value = make(())
    for _ in range(levels):
        value = make((value, value))
    return value


class Calls:
    """Pickles as a call of `function`."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.reduced = function, arguments

    def __reduce__(self) -> Any:
        return self.reduced


class Own:
    """A class of somebody's program."""


HOSTILE = {
    "a call of the system": b"cos\nsystem\n(S'true'\ntR.",
    "eval": b"c__builtin__\neval\n(S'1'\ntR.",
    "a class by the old opcodes": b"(S'true'\nios\nsystem\n.",
    "dotted names": b"\x80\x04\x8c\x05numpy\x8c\x0cdtype.newbyteorder\x93.",
    "an instance": pickle.dumps(Own()),
    "a bare type": b"cnumpy\ndtype\n.",
    "getattr": pickle.dumps(Calls(getattr, [], "append")),
    "bytes of any length": pickle.dumps(Calls(bytearray, 1 << 40)),
    "a dict with attributes": b"ccollections\nOrderedDict\n)R}S'a'\nK\x01sb.",
    "attributes of a function": b"c_codecs\nencode\n}S'a'\nK\x01sb.",
    "attributes of a function in slots": b"c_codecs\nencode\n(N}S'__name__'\nS'x'\nstb.",
    "flags of a type": b"\x80\x02" + DTYPE + STATE % b"|" + b"=tb.",
    "objects out of bytes": b"\x80\x03" + RECONSTRUCT + b"(K\x01K\x01\x85" + DTYPE + STATE % b"|" + b"=tb\x89C\x08"
    + struct.pack("<Q", 1 << 40) + b"tb.",
    "objects out of a buffer": pickle.dumps(Calls(np._core.numeric._frombuffer, b"12345678", np.dtype("O"), (1,), "C")),
    "an object as a number": pickle.dumps(Calls(np._core.multiarray.scalar, np.dtype("O"), b"12345678")),
    "a structured type": pickle.dumps(np.zeros(2, [("a", "f4")])),
    "more shape than bytes": b"\x80\x03" + RECONSTRUCT
    + b"(K\x01J\xff\xff\xff\x7f\x85cnumpy\ndtype\n(X\x02\x00\x00\x00f8K\x00K\x01tR" + STATE % b"<"
    + b"\x00tb\x89C\x08" + b"12345678" + b"tb.",
    "data from outside": b"\x80\x02X\x01\x00\x00\x00aQ.",
    "a list that unfolds": pickle.dumps(nested(60, list)),
    "a list that holds itself": b"]q\x00h\x00a.",
    "nested without end": b"]" * 5000 + b"a" * 4999 + b".",
    "a memo of any size": b"]r\xff\xff\xff\x7f.",
    "an integer of any size": b"\x8b\xff\xff\xff\x7f1.",
    "nothing": b"",
    "text": b"hello, this is no pickle",
    "cut off": pickle.dumps([np.zeros(100)])[:-50],
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_are_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "evil.pkl", HOSTILE[name])
    with pytest.raises(InputError, match=r"evil\.pkl") as caught:
        load_plain_pickle(path)
    assert len(str(caught.value)) < 600


def test_keys_that_take_for_ever_to_hash(tmp_path: Path) -> None:
    stream = b"\x80\x02)" + b"q\x00h\x00\x86" * 60 + b"q\x01}(h\x01K\x01u."
    with pytest.raises(InputError, match="longer than"):
        load_plain_pickle(write(tmp_path / "evil.pkl", stream))


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_damaged_bytes_never_end_the_reader(tmp_path: Path, protocol: int) -> None:
    rows = [{"image_id": i, "person_box": np.arange(4.0), "ride_agent": 0.5, "o": OrderedDict(a=1)} for i in range(3)]
    seed = pickle.dumps(rows, protocol)
    random = np.random.default_rng(protocol)
    refused = 0
    with ReaderProcess("a pickle") as reader:
        for _ in range(300):
            data = bytearray(seed)
            for place in random.integers(len(data), size=random.integers(1, 4)):
                data[place] = random.integers(256)
            try:
                reader.read("interplay.containers.pickles:_load", write(tmp_path / "a.pkl", bytes(data)))
            except InputError:
                refused += 1
    assert 100 < refused < 300  # some bytes are numbers


def test_a_pipe_and_a_folder_are_no_pickles(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="folder"):
        load_plain_pickle(tmp_path)
    os.mkfifo(tmp_path / "pipe.pkl")
    with pytest.raises(InputError, match="pipe"):
        load_plain_pickle(tmp_path / "pipe.pkl")


def test_nothing_is_imported_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    stream = io.BytesIO()
    pickle.dump([1], stream)
    assert load_plain_pickle(write(tmp_path / "a.pkl", stream.getvalue())) == [1]


def test_a_pickle_whose_name_is_no_utf8(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.pkl"))
    assert load_plain_pickle(write(path, pickle.dumps([1]))) == [1]
    with pytest.raises(InputError, match="not a readable pickle"):
        load_plain_pickle(write(path, b"x"))

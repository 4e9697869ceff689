"""YAML, CSV, arrays, Parquet and files of tensors: their limits, and what is refused."""

from __future__ import annotations

import argparse
import io
import os
import pathlib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from interplay.containers.arrays import read_npy, read_npz
from interplay.containers.guard import brief, count_values
from interplay.containers.parquet import read_rows
from interplay.containers.tables import read_csv
from interplay.containers.tensors import read_safetensors, read_torch
from interplay.containers.yaml_files import parse_yaml, read_yaml
from interplay.errors import InputError

LAUGHS = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LAUGHS, "unfolds into more than 100,000 values"),
        ("a: &a [*a]", "nested deeper|holds itself"),
        ("[" * 5000, "nested too deeply|not YAML"),
        ("a: 1\nb: 2\na: 3", "line 3: the key 'a' comes twice"),
        ("a: {b: 1, b: 2}", "the key 'b' comes twice"),
        ("a: !!python/object/apply:os.system [true]", "not YAML"),
        ("a: !!bool x", "not YAML"),
        ("a: !!timestamp x", "not YAML"),
        ("? [a]\n: 1", "not YAML"),
        ("a: 1" + "0" * 5000, "not YAML"),
        ("a: {b: [0x" + "f" * 5000 + "]}", "does not fit in 64 bits"),
        ("x" * 200_000, "at most 100.0 KB"),
        ("a: [", "not YAML"),
    ],
)
def test_yaml_that_is_no_configuration(text: str, message: str) -> None:
    with pytest.raises(InputError, match=rf"^mine\.yaml: .*({message})") as caught:
        parse_yaml(text, "mine.yaml")
    assert len(str(caught.value)) < 400


def test_yaml_with_aliases_and_merges_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("\ufeffbase: &b {x: 1, y: [1, 2]}\nown:\n  <<: *b\n  x: 2\n", encoding="utf-8")
    assert read_yaml(path)["own"] == {"x": 2, "y": [1, 2]}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a,a\n1,2\n", "the column .a. comes twice"),
        (b"a,b\n1,2,3\n", "line 2: more values"),
        (b"a,b\n\xff\xfe,2\n", "line 2, byte 1"),
        (b"a,b\n1,\x00\n", None),
    ],
)
def test_csv(tmp_path: Path, data: bytes, message: str | None) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(data)
    if message is None:
        read_csv(path)
    else:
        with pytest.raises(InputError, match=rf"log\.csv: .*{message}"):
            read_csv(path)


ARRAYS = (
    np.arange(6.0).reshape(2, 3),
    np.zeros((0, 4)),
    np.array(3),
    np.arange(4, dtype=">i4"),
    np.asfortranarray(np.arange(6).reshape(2, 3)),
    np.array(["a", "bc"]),
)


@pytest.mark.parametrize("array", ARRAYS)
def test_arrays_come_back(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", a=array, b=array)
    read = read_npy(tmp_path / "a.npy")
    np.testing.assert_array_equal(read, array)
    assert read.dtype.isnative
    assert read.flags.writeable
    both = read_npz(tmp_path / "a.npz", wanted=lambda name: name == "b")
    assert list(both) == ["b"]
    np.testing.assert_array_equal(both["b"], array)


def header(shape: Any, descr: str = "<f8") -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue()


NO_ARRAYS = (
    b"",
    b"no array",
    b"PK\x03\x04 no zip",
    header((10**12,)),
    header((-1,)),
    header((3,)) + b"12345678",
    header((1,), "|O") + b"12345678",
    header((0, 2**62, 2**62)),
)


@pytest.mark.parametrize("data", NO_ARRAYS)
def test_arrays_that_are_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(InputError, match=r"a\.npy: "):
        read_npy(tmp_path / "a.npy")


def test_an_npz_that_unfolds(tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.npy", "w", force_zip64=True) as member,
    ):
        member.write(header((300 * 2**17,)))
        for _ in range(300):
            member.write(bytes(2**20))
    with pytest.raises(InputError, match="would unpack to 300"):
        read_npz(tmp_path / "a.npz")


def test_parquet_that_claims_more_rows_than_it_can_hold(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"file": pa.nulls(3_000_000, pa.string())}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="claim to hold 3,000,000 rows"):
        read_rows(tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(InputError, match=r"b\.parquet: not a Parquet file"):
        read_rows(tmp_path / "b.parquet")


def saved(content: Any, path: Path, **options: Any) -> Path:
    torch.save(content, path, **options)
    return path


@pytest.mark.parametrize("zipped", [True, False])
def test_torch_files_with_all_that_training_scripts_store(tmp_path: Path, zipped: bool) -> None:
    content = {
        "model": {"weight": torch.arange(4.0), "half": torch.ones(2, dtype=torch.float16)},
        "args": argparse.Namespace(lr=1e-4, output=pathlib.PurePosixPath("runs/a"), sizes=(1, 2)),
        "best": np.float64(0.5),
        "counts": np.arange(3),
        "epoch": np.int64(7),
    }
    read = read_torch(saved(content, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped))
    assert torch.equal(read["model"]["weight"], torch.arange(4.0))
    assert read["args"].lr == 1e-4
    assert read["args"].output == "runs/a"
    assert read["best"] == 0.5
    assert read["epoch"] == 7


class Evil:
    def __reduce__(self) -> Any:
        return os.system, ("true",)


def expanded() -> Any:
    return {"a": torch.zeros(1).expand(10**9)}


def rowless() -> Any:
    return {"a": torch.zeros(10**9, 0)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (Evil, "would run"),
        (expanded, "repeats far fewer numbers"),
        (rowless, "repeats far fewer numbers"),
        (lambda: {"a": torch.zeros(2).to_sparse()}, "ordinary numbers"),
        (lambda: torch.nn.Linear(1, 1), "would run torch.nn.modules.linear.Linear"),
    ],
)
def test_torch_files_that_are_refused(tmp_path: Path, content: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=rf"a\.pth: .*{message}"):
        read_torch(saved(content(), tmp_path / "a.pth"))


def test_a_torch_file_whose_content_was_compressed(tmp_path: Path) -> None:
    path = saved({"a": torch.zeros(80 * 2**20)}, tmp_path / "a.pth")
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(tmp_path / "b.pth", "w", zipfile.ZIP_DEFLATED) as packed:
        for name in archive.namelist():
            packed.writestr(name, archive.read(name))
    with pytest.raises(InputError, match="would unpack"):
        read_torch(tmp_path / "b.pth")


def test_damaged_files_of_tensors_are_input_errors(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    path = saved({"model": {"a": torch.arange(40.0), "b": torch.ones(3, 3)}, "epoch": 3}, tmp_path / "a.pth")
    old = saved({"model": {"a": torch.arange(40.0)}}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    from safetensors.torch import save_file

    save_file({"a": torch.arange(40.0)}, tmp_path / "a.safetensors")
    for source, read in ((path, read_torch), (old, read_torch), (tmp_path / "a.safetensors", read_safetensors)):
        seed = source.read_bytes()
        refused = 0
        for _ in range(150):
            data = bytearray(seed)
            for place in random.integers(len(data), size=random.integers(1, 6)):
                data[place] = random.integers(256)
            source.write_bytes(data[: random.integers(len(data))] if random.random() < 0.2 else data)
            try:
                read(source)
            except InputError:
                refused += 1
        assert refused > 10


def test_messages_stay_short() -> None:
    assert len(brief([["x" * 10_000] * 1000] * 1000)) < 300
    assert len(brief(10**5000)) < 100
    shared: list[Any] = []
    for _ in range(60):
        shared = [shared, shared]
    assert len(brief(shared)) < 300
    with pytest.raises(InputError, match="unfolds"):
        count_values(shared, 10**6)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_function_s_name_without_end(tmp_path: Path, zipped: bool) -> None:
    """torch's own message about it would take minutes."""
    path = tmp_path / "w.pth"
    data = b"\x80\x02c" + b"x" * 200_000 + b"\nx\n."
    if zipped:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("w/data.pkl", data)
            archive.writestr("w/version", "3\n")
    else:
        path.write_bytes(data)
    with pytest.raises(InputError, match=r"w\.pth: not a torch file, or damaged"):
        read_torch(path)


@pytest.mark.parametrize(
    "name", [b"x" * 60_000, b"torch._utils\n_rebuild" + b"\0" * 200_000, b"a\n" + b"x" * 60_000 + b"\n"]
)
def test_a_torch_file_with_a_name_without_end(tmp_path: Path, name: bytes) -> None:
    """Torch would take minutes to say what is wrong with it."""
    path = saved({"a": torch.zeros(2)}, tmp_path / "a.pth")
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(tmp_path / "b.pth", "w") as made:
        for member in archive.namelist():
            made.writestr(member, b"\x80\x02c" + name if member.endswith("data.pkl") else archive.read(member))
    with pytest.raises(InputError, match=r"b\.pth: .*a name of more than"):
        read_torch(tmp_path / "b.pth")


def test_text_of_characters_that_do_not_exist(tmp_path: Path) -> None:
    file = tmp_path / "names.npy"
    np.save(file, np.array(["ab", "c"]))
    file.write_bytes(file.read_bytes()[:-4] + b"\xff" * 4)
    with pytest.raises(InputError, match="characters that do not exist"):
        read_npy(file)

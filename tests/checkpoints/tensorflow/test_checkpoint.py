"""Reading, from files that the writer beside this test makes. (Files of TensorFlow 2.21 itself read the same.)"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.checkpoints.tensorflow import writer

from interplay.checkpoints.tensorflow import find_checkpoint, read_checkpoint
from interplay.checkpoints.tensorflow.crc32c import crc32c, masked_crc32c
from interplay.errors import InputError, MissingFileError


@pytest.fixture
def saved(tmp_path: Path, variables: dict[str, np.ndarray]) -> Path:
    writer.write_v2(tmp_path / "HOI_iter_10.ckpt", variables)
    return tmp_path / "HOI_iter_10.ckpt"


def same(read: dict[str, np.ndarray], written: dict[str, np.ndarray]) -> bool:
    return set(read) == set(written) and all(
        read[n].dtype == a.dtype and read[n].shape == a.shape and np.array_equal(read[n], a) for n, a in written.items()
    )


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 5000, 70_001])
def test_the_checksum(size: int) -> None:
    data = np.random.default_rng(size).integers(0, 256, size, dtype=np.uint8).tobytes()
    assert masked_crc32c(data) == writer.checksum(data)
    assert crc32c(b"123456789") == 0xE3069283  # the check value of the CRC catalogue


@pytest.mark.parametrize("ending", ["", ".index", ".data-00000-of-00001", ".meta"])
def test_any_of_its_names_means_the_checkpoint(saved: Path, variables: dict[str, np.ndarray], ending: str) -> None:
    assert same(read_checkpoint(f"{saved}{ending}"), variables)


def test_a_folder(saved: Path, variables: dict[str, np.ndarray], tmp_path: Path) -> None:
    assert same(read_checkpoint(tmp_path), variables)
    writer.write_v2(tmp_path / "HOI_iter_20.ckpt", {"a": np.ones(2, np.float32)})
    with pytest.raises(InputError, match=r"2 checkpoints \(HOI_iter_10\.ckpt, HOI_iter_20\.ckpt\)"):
        find_checkpoint(tmp_path)
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "/home/someone/HOI_iter_20.ckpt"\n')
    assert list(read_checkpoint(tmp_path)) == ["a"]
    (tmp_path / "empty").mkdir()
    assert find_checkpoint(tmp_path / "empty") is None


def test_only_what_is_wanted_and_only_numbers(tmp_path: Path, variables: dict[str, np.ndarray]) -> None:
    text = writer.number(1, 7) + writer.message(2, b"") + writer.number(5, 3)
    writer.write_v2(tmp_path / "m", variables, {"_CHECKPOINTABLE_OBJECT_GRAPH": text})
    assert same(read_checkpoint(tmp_path / "m"), variables)
    assert list(read_checkpoint(tmp_path / "m", lambda name: name.endswith("biases"))) == [
        "fc_binary/fc9_binary/biases"
    ]


def test_version_1(tmp_path: Path, variables: dict[str, np.ndarray]) -> None:
    writer.write_v1(tmp_path / "resnet_v1_50.ckpt", variables)
    assert same(read_checkpoint(tmp_path / "resnet_v1_50.ckpt"), variables)


def test_a_partitioned_variable(tmp_path: Path) -> None:
    part = writer.number(1, 1) + writer.message(2, b"") + writer.message(7, b"")
    writer.write_v2(tmp_path / "m", {}, {"table": part * 2})
    with pytest.raises(InputError, match="table is stored in 2 slices"):
        read_checkpoint(tmp_path / "m")


def test_missing_files(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"expected .*none\.ckpt\.index"):
        read_checkpoint(tmp_path / "none.ckpt")
    data = tmp_path / "HOI_iter_10.ckpt.data-00000-of-00001"
    data.unlink()
    with pytest.raises(MissingFileError, match=r"no .*\.data-00000-of-00001"):
        read_checkpoint(saved)
    data.touch()
    (tmp_path / "HOI_iter_10.ckpt.index").unlink()
    with pytest.raises(MissingFileError, match=r"no .*\.index"):
        read_checkpoint(data)


def test_truncated_or_altered_numbers(saved: Path, tmp_path: Path) -> None:
    data = tmp_path / "HOI_iter_10.ckpt.data-00000-of-00001"
    content = data.read_bytes()
    data.write_bytes(content[:-5])
    with pytest.raises(InputError, match=r"\.data-.*truncated: resnet_v1_50/conv1/weights"):
        read_checkpoint(saved)
    data.write_bytes(b"")
    with pytest.raises(InputError, match="truncated"):
        read_checkpoint(saved)
    data.write_bytes(content[:40] + bytes([content[40] ^ 1]) + content[41:])
    with pytest.raises(InputError, match="damaged: the checksum of fc_binary"):
        read_checkpoint(saved)


@pytest.mark.parametrize("version", [1, 2])
def test_no_damage_to_the_table_goes_unnoticed(tmp_path: Path, variables: dict[str, np.ndarray], version: int) -> None:
    """Cut anywhere, or with any byte changed, it is an error in words or, in padding, no change at all."""
    path = tmp_path / "m.ckpt"
    few = {name: variables[name] for name in list(variables)[1:8]}
    writer.write_v1(path, few) if version == 1 else writer.write_v2(path, few)
    table = path if version == 1 else tmp_path / "m.ckpt.index"
    good = table.read_bytes()
    messages: list[str] = []
    for at in range(0, len(good), 3):
        for bad in (good[:at], good[:at] + bytes([good[at] ^ 0x55]) + good[at + 1 :]):
            table.write_bytes(bad)
            try:
                read = read_checkpoint(path)
            except (InputError, MissingFileError) as error:
                messages.append(str(error))
            else:
                assert same(read, few)
    assert all("m.ckpt" in message for message in messages)
    assert len(messages) > 1.8 * len(good) / 3


def test_a_shape_that_does_not_fit(tmp_path: Path) -> None:
    for shape in (writer.message(2, writer.number(1, 1 << 50)), writer.message(2, writer.number(1, 3)) * 40):
        entry = writer.number(1, 1) + writer.message(2, shape) + writer.number(5, 4)
        writer.write_v2(tmp_path / "m", {}, {"x": entry})
        with pytest.raises(InputError, match="a tensor has the shape"):
            read_checkpoint(tmp_path / "m")
    entry = writer.number(1, 1) + writer.message(2, writer.message(2, writer.number(1, 3))) + writer.number(5, 4)
    writer.write_v2(tmp_path / "m", {}, {"x": entry})
    with pytest.raises(InputError, match=r"x has 4 bytes, which do not fit its shape \(3,\)"):
        read_checkpoint(tmp_path / "m")

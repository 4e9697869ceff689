from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tests.checkpoints.tensorflow.writer import write_v2

from interplay.checkpoints.state_dicts import read_state_dict
from interplay.errors import InputError, MissingFileError
from interplay.models.published import sha256

CONV, DENSE = "resnet_v1_50/conv1/weights", "fc_binary/fc9_binary/weights"


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
@pytest.mark.parametrize("turned", [True, False])
def test_either_layout_becomes_torchs(
    tmp_path: Path, variables: dict[str, np.ndarray], suffix: str, turned: bool
) -> None:
    path = tmp_path / f"tin{suffix}"
    stored = dict(variables)
    if not turned:
        stored[CONV] = np.ascontiguousarray(variables[CONV].transpose(3, 2, 0, 1))
        stored[DENSE] = np.ascontiguousarray(variables[DENSE].T)
    np.savez(path, **stored) if suffix == ".npz" else save_file(stored, path)
    state = read_state_dict(path)
    assert np.array_equal(state[CONV].numpy(), variables[CONV].transpose(3, 2, 0, 1))
    assert np.array_equal(state[DENSE].numpy(), variables[DENSE].T)
    assert np.array_equal(state["fc_binary/fc9_binary/biases"].numpy(), variables["fc_binary/fc9_binary/biases"])
    assert all(tensor.is_contiguous() for tensor in state.values())


def test_other_weights_are_left_as_they_are(tmp_path: Path) -> None:
    state = {"layer.weight": np.ones((3, 3, 2, 5), np.float32), "a/b": np.ones((3, 2), np.float32)}
    save_file(state, tmp_path / "w.safetensors")
    read = read_state_dict(tmp_path / "w.safetensors")
    assert read["layer.weight"].shape == (3, 3, 2, 5)
    assert read["a/b"].shape == (3, 2)


def test_files_that_hold_no_weights(tmp_path: Path) -> None:
    (tmp_path / "bad.npz").write_bytes(b"PK something else")
    with pytest.raises(InputError, match=r"bad\.npz: not an \.npz file"):
        read_state_dict(tmp_path / "bad.npz")
    np.savez(tmp_path / "objects.npz", a=np.array([{}], object))
    with pytest.raises(InputError, match=r"objects\.npz: a: holds Python objects"):
        read_state_dict(tmp_path / "objects.npz")
    for missing in ("none.npz", "none.ckpt"):
        with pytest.raises(MissingFileError, match=missing):
            read_state_dict(tmp_path / missing)


def test_a_checkpoint_without_its_optimiser(tmp_path: Path, variables: dict[str, np.ndarray]) -> None:
    """What load_published reads, and what tells one checkpoint from another."""
    write_v2(tmp_path / "tin.ckpt", variables)
    for name in ("tin.ckpt", "tin.ckpt.index", "."):
        state = read_state_dict(tmp_path / name)
        assert set(state) == {n for n in variables if not n.endswith("Momentum")}
        assert np.array_equal(state[CONV].numpy(), variables[CONV].transpose(3, 2, 0, 1))
        data = tmp_path / "tin.ckpt.data-00000-of-00001"
        assert sha256(tmp_path / name) == hashlib.sha256(data.read_bytes()).hexdigest()

"""A step is the same however it is divided into processes and accumulated parts, and whatever logs it."""

from __future__ import annotations

import importlib.util
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from interplay.errors import InputError, MissingExtraError
from interplay.models.gen_vlkt.task import GenVlktTask
from interplay.models.weights import read_weights
from interplay.training import load_config, train, validate_config

from .pictures import finished, rows, start, tiny, write_pictures


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # of one size: a part with other sizes is padded differently, and normalisation sees the padding
    return write_pictures(tmp_path_factory.mktemp("parts") / "pictures", upright=False)


def one_size(root: Path, output: Path, **changes: Any) -> dict[str, Any]:
    # plain gradient descent: AdamW divides a gradient that is nothing but rounding by its own size
    descent = {"algorithm": "sgd", "learning_rate": 0.05, "backbone": 0.05}
    return tiny(root, output, **{"augmentation": {"short_sides": [64]}, "optimiser": descent, **changes})


@pytest.fixture(scope="module")
def whole(pictures: Path) -> Path:
    """A training in one piece."""
    return train(validate_config(one_size(pictures, pictures.parent, name="whole", epochs=4))).parent


def _same(one: Path, other: Path) -> None:
    a, b = rows(one / "steps.csv"), rows(other / "steps.csv")
    assert len(a) == len(b) == 8
    for name in a[0]:
        values = np.array([[float(row[name]) for row in log] for log in (a, b)])
        # the second and third step show the gradients; rounding, which processors differ in, grows with every step
        np.testing.assert_allclose(*values[:, :3], rtol=2e-3, atol=1e-5, err_msg=name)
        np.testing.assert_allclose(*values, rtol=3e-2, atol=1e-5, err_msg=name)
    states = [read_weights(folder / "model.safetensors")[0] for folder in (one, other)]
    for name, tensor in states[0].items():
        torch.testing.assert_close(tensor, states[1][name], rtol=1e-2, atol=1e-2, msg=name)


def test_two_processes_compute_what_one_does(pictures: Path, whole: Path, tmp_path: Path) -> None:
    said = finished(start(one_size(pictures, tmp_path, name="two", epochs=4, devices=2), tmp_path))
    assert "batch of 4 images, over 2 processes; " in said
    _same(whole, tmp_path / "two")
    weights = str(tmp_path / "two" / "model.safetensors")
    task = GenVlktTask(validate_config(one_size(pictures, tmp_path, start="weights", start_file=weights)))
    logged = float(rows(tmp_path / "two" / "log.csv")[-1]["score"])
    assert logged == pytest.approx(task.validate(task.model)["score"])


def test_accumulated_parts_compute_what_one_batch_does(pictures: Path, whole: Path, tmp_path: Path) -> None:
    _same(whole, train(validate_config(one_size(pictures, tmp_path, name="a", epochs=4, accumulate=4))).parent)


def test_parts_must_fit_the_batch(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"batch of 4 .* cannot be divided into 5 parts"):
        train(validate_config(one_size(pictures, tmp_path, accumulate=5)))


def test_learning_rates_follow_the_batch_and_are_recorded(pictures: Path, tmp_path: Path) -> None:
    folder = train(validate_config(one_size(pictures, tmp_path, name="r", epochs=1, batch_size=2))).parent
    assert "learning rates: default 0.025, backbone 0.025" in (folder / "config.yaml").read_text()
    assert float(rows(folder / "log.csv")[0]["learning_rate"]) == 0.025
    assert read_weights(folder / "model.safetensors")[1]["learning_rates"]["default"] == 0.025
    again = load_config(folder / "config.yaml")
    assert again.batch_size == 2
    assert again.folder == folder


@pytest.mark.parametrize("precision", ["bf16-mixed", "32-true"])
def test_precision_and_compilation(
    pictures: Path, whole: Path, tmp_path: Path, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = precision == "32-true"
    content = one_size(pictures, tmp_path, name="p", epochs=4, precision=precision, compile=compiled)
    if compiled:  # what the compiler makes of it is slow to make
        monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    losses = [
        [float(row["loss"]) for row in rows(folder / "steps.csv")]
        for folder in (whole, train(validate_config(content)).parent)
    ]
    np.testing.assert_allclose(losses[0], losses[1], rtol=0.05)


def test_loggers_are_an_extra(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, module in (("tensorboard", "torch.utils.tensorboard"), ("wandb", "wandb")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(MissingExtraError, match=r'pip install "interplay\[loggers\]"'):
            train(validate_config(one_size(pictures, tmp_path, name=name, epochs=1, loggers=[name])))


@pytest.mark.skipif(not importlib.util.find_spec("tensorboard"), reason="tensorboard is not installed")
def test_tensorboard_gets_the_metrics(pictures: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = train(validate_config(one_size(pictures, tmp_path, loggers=["tensorboard"]))).parent
    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    assert {"epoch/score", "step/loss", "epoch/learning_rate"} <= set(events.Tags()["scalars"])
    logged = [event.value for event in events.Scalars("step/loss")]
    np.testing.assert_allclose(logged, [float(row["loss"]) for row in rows(folder / "steps.csv")], rtol=1e-5)


@pytest.mark.skipif(not importlib.util.find_spec("wandb"), reason="wandb is not installed")
def test_wandb_works_offline(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_SILENT", "true")
    folder = train(validate_config(one_size(pictures, tmp_path, epochs=1, loggers=["wandb-offline"]))).parent
    assert list((folder / "wandb").glob("offline-run-*/run-*.wandb"))


def test_configurations_in_a_run_folder_start_the_same_training(pictures: Path, whole: Path, tmp_path: Path) -> None:
    content = yaml.safe_load((whole / "config.yaml").read_text())
    content["output"] = str(tmp_path)
    _same(whole, train(validate_config(content)).parent)

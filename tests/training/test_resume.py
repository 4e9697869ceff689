"""A training that is killed goes on as if nothing had happened; one whose loss breaks says where."""

from __future__ import annotations

import signal
import time
from io import StringIO
from pathlib import Path

import pytest
import torch
from rich.console import Console

from interplay.errors import InputError, InterplayError
from interplay.locks import LockedError, locked
from interplay.models.weights import read_weights
from interplay.training import train, validate_config

from .pictures import rows, start, tiny, write_pictures


def test_killed_in_the_middle_of_an_epoch_it_repeats_nothing(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "pictures")
    changes: dict = {"batch_size": 1, "epochs": 3, "checkpoint_every": 3}
    whole = tiny(pictures, tmp_path, name="whole", **changes)
    parts = tiny(pictures, tmp_path, name="parts", **changes)
    for content in (whole, parts):
        content["model"]["network"]["dropout"] = 0.2
        content["optimiser"]["ema"] = 0.9
    train(validate_config(whole))

    process = start(parts, tmp_path)
    steps, checkpoint = tmp_path / "parts" / "steps.csv", tmp_path / "parts" / "last.ckpt"
    deadline = time.monotonic() + 240
    while not (checkpoint.is_file() and len(steps.read_text().splitlines()) > 12):
        assert process.poll() is None, process.communicate()[1][-2000:]
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    reached = torch.load(checkpoint, weights_only=True)["progress"]["step"]
    assert 0 < reached < 24
    assert reached % 8 or reached % 3 == 0
    said = Console(file=StringIO(), width=200)
    train(validate_config(parts), said)
    assert f"step {reached}" in said.file.getvalue()  # type: ignore[attr-defined]
    for log in ("log.csv", "steps.csv"):
        assert rows(tmp_path / "parts" / log) == rows(tmp_path / "whole" / log)
    states = [read_weights(tmp_path / name / "model.safetensors")[0] for name in ("whole", "parts")]
    assert all(torch.equal(a, b) for a, b in zip(states[0].values(), states[1].values(), strict=True))


def test_a_loss_that_is_no_number_stops_and_leaves_the_batch(tmp_path: Path) -> None:
    config = validate_config(
        tiny(write_pictures(tmp_path / "pictures"), tmp_path, optimiser={"learning_rate": 1e30, "clip_norm": None})
    )
    with pytest.raises(InterplayError, match=r"not a finite number in step \d+ \(epoch \d\).*not_finite_step") as error:
        train(config)
    (path,) = (tmp_path / "tiny").glob("not_finite_step*.pt")
    assert str(path) in str(error.value)
    content = torch.load(path, weights_only=True)
    assert content["step"] > 1
    assert len(content["images"]) == 4
    (part,) = content["parts"]
    assert part["images"].shape[:2] == (4, 3)
    assert set(part["targets"][0]) >= {"human_boxes", "object_boxes", "object_labels"}


def test_other_data_than_a_run_began_with_are_noticed(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "pictures")
    config = validate_config(tiny(pictures, tmp_path, epochs=2))
    train(config, stop_after=1)
    annotations = pictures / "annotations.jsonl"
    whole = annotations.read_text()
    annotations.write_text(whole.replace('"kick"', '"rest"', 1))
    checkpoint = (tmp_path / "tiny" / "last.ckpt").read_bytes()
    with pytest.raises(InputError, match="holds a run on other data: training"):
        train(config)
    assert (tmp_path / "tiny" / "last.ckpt").read_bytes() == checkpoint
    annotations.write_text(whole)
    assert train(config).name == "model.safetensors"


def test_a_run_goes_on_in_its_own_folder_alone(tmp_path: Path) -> None:
    config = validate_config(tiny(write_pictures(tmp_path / "pictures"), tmp_path))
    folder = tmp_path / "tiny"
    folder.mkdir()
    for name, content in (("model.safetensors", "weights"), ("steps.csv", "1"), ("config.yaml", "[]")):
        (folder / name).write_text(content)
        with pytest.raises(InputError, match="another --name"):
            train(config)
        assert (folder / name).read_text() == content
        (folder / name).unlink()
    (folder / "config.yaml").write_text("system: gen-vlkt\nseed: 7\n")
    with pytest.raises(InputError, match=r"other settings \(.*seed"):
        train(config)
    (folder / "config.yaml").unlink()
    with locked(folder, folder=True), pytest.raises(LockedError, match="is being written"):
        train(config)


def test_a_run_that_was_stopped_before_its_first_checkpoint_begins_again(tmp_path: Path) -> None:
    config = validate_config(tiny(write_pictures(tmp_path / "pictures"), tmp_path, epochs=1))
    train(config)
    for name in ("last.ckpt", "model.safetensors", "best.safetensors"):
        (tmp_path / "tiny" / name).unlink()
    assert train(config).is_file()

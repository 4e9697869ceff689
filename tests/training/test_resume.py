"""A training that is killed goes on as if nothing had happened; one whose loss breaks says where."""

from __future__ import annotations

import signal
import time
from io import StringIO
from pathlib import Path

import pytest
import torch
from rich.console import Console

from interplay.errors import InterplayError
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
    process.communicate()
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

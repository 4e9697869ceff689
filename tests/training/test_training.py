from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from interplay import InteractionTable, load_model
from interplay.errors import InputError, MissingFileError
from interplay.models.tin_spatial.data import PairSet
from interplay.models.tin_spatial.model import TinSpatial
from interplay.models.tin_spatial.task import score_pairs, trained_verbs
from interplay.models.weights import read_weights
from interplay.training import TrainConfig, train, validate_config
from interplay.training.schedules import one_cycle


def _config(source: Path, output: Path, **changes: object) -> TrainConfig:
    content = {
        "name": "riders",
        "system": "tin-spatial",
        "output": str(output),
        "epochs": 6,
        "batch_size": 16,
        "validate_every": 3,
        "accelerator": "cpu",
        "data": {"dataset": "own", "root": str(source), "holdout": 0.25},
        "model": {"width": 16, "layers": 1, "heads": 2, "embedding": 8},
        "optimiser": {"learning_rate": 1e-2, "ema": 0.9},
    }
    return validate_config({**content, **changes})


@pytest.fixture(scope="module")
def trained(riders_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(_config(riders_file, tmp_path_factory.mktemp("runs"), epochs=12))


def test_it_learns_what_boxes_tell(trained: Path, riders: InteractionTable) -> None:
    model = load_model(trained, device="cpu")
    assert isinstance(model, TinSpatial)
    scored = score_pairs(model, PairSet(riders, model.config.network.verbs))
    assert scored.mean_ap > 0.9
    assert scored.interactiveness_ap > 0.9


def test_the_run_folder_tells_the_story(trained: Path) -> None:
    folder = trained.parent
    names = {p.name for p in folder.iterdir()}
    assert names == {"best.safetensors", "config.yaml", "last.ckpt", "log.csv", "model.safetensors", "steps.csv"}
    with (folder / "log.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [int(r["epoch"]) for r in rows] == list(range(1, 13))
    assert float(rows[-1]["map"]) > 0.8
    assert float(rows[-1]["verbs"]) < float(rows[0]["verbs"])
    description = read_weights(trained)[1]
    assert description["training"]["epochs"] == 12
    assert description["data"]["training"]["images"] + description["data"]["validation"]["images"] == 240
    assert 0 < description["config"]["decoding"]["suppress_below"] < 1


def test_the_best_weights_are_kept(trained: Path) -> None:
    with (trained.parent / "log.csv").open() as stream:
        validated = [float(r["map"]) for r in csv.DictReader(stream) if r["map"]]
    kept = read_weights(trained.parent / "best.safetensors")[1]["validation"]["map"]
    assert kept == pytest.approx(max(validated), abs=1e-6)


def test_a_stopped_run_continues_exactly(riders_file: Path, tmp_path: Path) -> None:
    whole = train(_config(riders_file, tmp_path / "whole"))
    config = _config(riders_file, tmp_path / "parts")
    assert train(config, stop_after=2).name == "last.ckpt"
    assert train(config, stop_after=4).name == "last.ckpt"
    parts = train(config)
    for (name, a), b in zip(read_weights(whole)[0].items(), read_weights(parts)[0].values(), strict=True):
        assert torch.equal(a, b), name
    logs = [(p.parent / "log.csv").read_text().splitlines() for p in (whole, parts)]
    losses = [[line.split(",")[2:4] for line in log] for log in logs]
    assert losses[0] == losses[1]


def test_a_killed_process_continues(riders_file: Path, tmp_path: Path) -> None:
    """With the real signal, from the command line."""
    config = tmp_path / "c.yaml"
    config.write_text(
        f"name: killed\nsystem: tin-spatial\noutput: {tmp_path}\nepochs: 400\nbatch_size: 16\naccelerator: cpu\n"
        f"validate_every: 400\ndata: {{dataset: own, root: {riders_file}}}\nmodel: {{width: 8, layers: 0, heads: 1}}\n"
    )
    command = [sys.executable, "-m", "interplay.cli", "train", str(config)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    log = tmp_path / "killed" / "log.csv"
    for _ in range(600):
        if log.is_file() and len(log.read_text().splitlines()) > 2:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = len(log.read_text().splitlines()) - 1
    assert 0 < done < 400
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    while len(log.read_text().splitlines()) - 1 <= done + 1:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    message = process.communicate()[1]
    assert process.returncode == 130
    assert "continuing" in message
    assert "run the same command again" in message


def test_other_settings_do_not_continue_a_run(riders_file: Path, tmp_path: Path) -> None:
    train(_config(riders_file, tmp_path), stop_after=1)
    with pytest.raises(InputError, match=r"other settings \(batch_size\)"):
        train(_config(riders_file, tmp_path, batch_size=8))
    (tmp_path / "riders" / "last.ckpt").write_bytes(b"damaged")
    with pytest.raises(InputError, match="damaged, or not a checkpoint"):
        train(_config(riders_file, tmp_path))


def test_data_must_be_there(riders_file: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--data\.root"):
        train(_config(riders_file, tmp_path, data={"dataset": "own"}))
    with pytest.raises(MissingFileError):
        train(_config(riders_file, tmp_path, data={"dataset": "own", "root": str(tmp_path / "none.jsonl")}))


def test_schedule() -> None:
    assert one_cycle(0.0, 0.1) == pytest.approx(0.04)
    assert one_cycle(0.1, 0.1) == pytest.approx(1)
    assert one_cycle(0.55, 0.1) == pytest.approx(0.5)
    assert one_cycle(1.0, 0.1) == 0


def test_verbs_are_those_with_objects(riders: InteractionTable) -> None:
    names = [riders.vocabulary.verbs[v] for v in trained_verbs(riders)]
    assert sorted(names) == ["hold", "look", "ride"]


def test_suppression_keeps_what_it_promises(trained: Path, riders: InteractionTable) -> None:
    model = load_model(trained, device="cpu")
    assert isinstance(model, TinSpatial)
    scored = score_pairs(model, PairSet(riders, model.config.network.verbs))
    for loss in (0.0, 0.05, 0.5):
        removed = scored.interactiveness < scored.suppression_threshold(loss)
        assert removed[scored.interacts].mean() <= loss + 1 / scored.interacts.sum()
    assert np.isclose(scored.suppression(0.0)["map_with_suppression"], scored.mean_ap)

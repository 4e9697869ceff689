from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from rich.console import Console

import interplay
from interplay import InteractionTable, load_model, write
from interplay.errors import InputError, MissingFileError
from interplay.models.tin_spatial.data import PairSet
from interplay.models.tin_spatial.model import TinSpatial
from interplay.models.tin_spatial.task import score_pairs, trained_verbs
from interplay.models.weights import read_weights
from interplay.training import TrainConfig, train, validate_config
from interplay.training.display import batch_remark, epoch_line
from interplay.training.schedules import one_cycle
from interplay.training.tables import held_out_images


def _config(source: Path, output: Path, **changes: object) -> TrainConfig:
    content = {
        "name": "riders",
        "system": "tin-spatial",
        "output": str(output),
        "epochs": 6,
        "batch_size": 16,
        "validate_every": 3,
        "accelerator": "cpu",
        "data": {"dataset": "own", "root": str(source), "holdout": 0.25, "vocabulary": "v-coco"},
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


def test_an_epoch_is_one_short_line(riders_file: Path, tmp_path: Path) -> None:
    output = StringIO()
    train(_config(riders_file, tmp_path, epochs=3), Console(file=output, width=60))
    said = output.getvalue().splitlines()
    epochs = [line for line in said if line.startswith("epoch ")]
    assert [line.split()[1] for line in epochs] == ["1/3", "2/3", "3/3"]
    assert all(" loss " in line and "learning_rate" not in line for line in epochs)
    assert [" map" in line for line in epochs] == [False, False, True]
    assert any(line.startswith("batch of 16 images; ") for line in said)


def test_metrics_of_the_same_value_share_it() -> None:
    line = epoch_line(5, 10, 1.2345, {"score": 0.3375, "full": 0.3375, "rare": 0.2925}, 12.3)
    assert line == "epoch 5/10  loss 1.234  score, full 0.3375  rare 0.2925  (12 s)"
    assert batch_remark(16, 1, 1, 1) == "batch of 16 images; 1 step per epoch"
    assert batch_remark(1, 2, 4, 9) == "batch of 1 image, over 2 processes, in 4 parts each; 9 steps per epoch"


def test_it_trains_from_a_file_or_its_content(riders_file: Path, tmp_path: Path) -> None:
    content = yaml.safe_load(_config(riders_file, tmp_path, epochs=9).model_dump_json())
    (tmp_path / "riders.yaml").write_text(yaml.safe_dump(content))
    shorter = {"epochs": 1, "data.root": riders_file, "validate_every": 1}
    first = interplay.train(tmp_path / "riders.yaml", overrides=shorter)
    second = interplay.train({**content, "output": str(tmp_path / "again")}, overrides=shorter)
    assert first.parent.parent == tmp_path
    assert second.parent.parent == tmp_path / "again"
    assert (first.parent / "log.csv").read_text().count("\n") == 2  # the heading and one epoch
    assert content["epochs"] == 9
    with pytest.raises(InputError, match=r"epoch: no such field, got 1\. Did you mean .epochs"):
        interplay.train(content, overrides={"epoch": 1})


def test_the_run_folder_tells_the_story(trained: Path) -> None:
    folder = trained.parent
    names = {p.name for p in folder.iterdir()}
    assert names == {"best.safetensors", "config.yaml", "last.ckpt", "log.csv", "model.safetensors", "steps.csv"}
    assert "# validates on 0.25 of the training images" in (folder / "config.yaml").read_text()
    with (folder / "log.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [int(r["epoch"]) for r in rows] == list(range(1, 13))
    assert float(rows[-1]["map"]) > 0.8
    assert float(rows[-1]["verbs"]) < float(rows[0]["verbs"])
    description = read_weights(trained)[1]
    assert description["training"]["epochs"] == 12
    assert description["data"]["training"]["images"] + description["data"]["validation"]["images"] == 240
    assert 0 < description["config"]["decoding"]["suppress_below"] < 1


def test_validation_on_detected_boxes_by_the_official_protocol(
    riders: InteractionTable, riders_file: Path, trained: Path, tmp_path: Path
) -> None:
    for file, size in zip(riders.files, riders.sizes.tolist(), strict=True):
        Image.new("RGB", size).save(tmp_path / file)
    data = {"dataset": "own", "root": str(riders_file), "images": str(tmp_path), "holdout": 0.25}
    data |= {"validation_detections": str(riders_file), "vocabulary": "v-coco"}
    changes = {"start": "weights", "start_file": str(trained), "epochs": 1, "validate_every": 1, "data": data}
    weights = train(_config(riders_file, tmp_path / "runs", **changes))
    with (weights.parent / "log.csv").open() as stream:
        *_, row = csv.DictReader(stream)
    assert float(row["score"]) == float(row["role_s1_24"]) > 0.8
    assert read_weights(weights)[1]["validation"]["score"] > 0.8
    (tmp_path / "empty").mkdir()
    data["images"] = str(tmp_path / "empty")
    with pytest.raises(MissingFileError, match=r"none of the .* images to validate on can be read"):
        train(_config(riders_file, tmp_path / "none", **changes))


def test_poses_are_validated_where_keypoints_are_annotated(
    riders: InteractionTable, riders_file: Path, trained: Path, tmp_path: Path
) -> None:
    """COCO's file gives the truth; the boxes that are validated on bring poses, every second one of which is wrong."""
    people, images, found = [], [], []
    for number, image in enumerate(riders):
        Image.new("RGB", (640, 480)).save(tmp_path / str(image.file))
        images.append({"id": number, "file_name": image.file, "width": 640, "height": 480})
        x1, y1, x2, y2 = (float(v) for v in image.boxes[0])
        pose = np.column_stack([np.linspace(x1, x2, 17), np.linspace(y1, y2, 17), np.full(17, 2)])
        fields = {"bbox": [x1, y1, x2 - x1, y2 - y1], "keypoints": pose.reshape(-1).tolist()}
        people.append({"id": number, "image_id": number, "category_id": 1, "area": 5000.0, **fields})
        keypoints = np.full((len(image.boxes), 17, 3), np.nan, np.float32)
        keypoints[0] = pose + np.array([200 * (number % 2), 0, -1.2])
        found.append(replace(image.with_columns(keypoints=keypoints), scored=True))
    (tmp_path / "people.json").write_text(json.dumps({"images": images, "annotations": people}))
    write(InteractionTable.from_list(found), tmp_path / "found.parquet")
    data = {"dataset": "own", "root": str(riders_file), "images": str(tmp_path), "holdout": 0.25}
    data |= {"validation_detections": str(tmp_path / "found.parquet"), "keypoints": str(tmp_path / "people.json")}
    changes = {"start": "weights", "start_file": str(trained), "epochs": 1, "validate_every": 1, "data": data}
    weights = train(_config(riders_file, tmp_path / "runs", **changes))
    with (weights.parent / "log.csv").open() as stream:
        *_, row = csv.DictReader(stream)
    assert 0.2 < float(row["pose_ap"]) <= float(row["pose_ap50"]) < 0.8
    assert float(row["score"]) > 0.8
    data["keypoints"] = str(tmp_path / "none.json")
    with pytest.raises(MissingFileError, match=r"data\.keypoints: there is no .*none\.json"):
        train(_config(riders_file, tmp_path / "none", **changes))


def test_weights_files_have_16_bits_if_wanted(riders_file: Path, tmp_path: Path) -> None:
    """And they are those of the same training with 32, rounded."""
    small, large = (train(_config(riders_file, tmp_path / str(bits), epochs=1, weight_bits=bits)) for bits in (16, 32))
    state, expected = read_weights(small)[0], read_weights(large)[0]
    for name, tensor in expected.items():
        assert state[name].dtype == (torch.float16 if tensor.is_floating_point() else tensor.dtype)
        torch.testing.assert_close(state[name], tensor.to(state[name].dtype))


def test_the_best_weights_are_kept(trained: Path) -> None:
    with (trained.parent / "log.csv").open() as stream:
        validated = [float(r["map"]) for r in csv.DictReader(stream) if r["map"]]
    kept = read_weights(trained.parent / "best.safetensors")[1]["validation"]["map"]
    assert kept == pytest.approx(max(validated), abs=1e-6)


def test_there_is_always_a_best(riders: InteractionTable, tmp_path: Path) -> None:
    held_out = held_out_images(riders.files, 0.25)
    images = [image[:0] if out else image for image, out in zip(riders, held_out, strict=True)]
    interplay.write(images, tmp_path / "some.jsonl")
    shown = Console(record=True, width=200, file=StringIO())
    with pytest.warns(UserWarning, match="hold no interaction"):
        weights = train(_config(tmp_path / "some.jsonl", tmp_path / "runs", epochs=2, validate_every=1), shown)
    assert (weights.parent / "best.safetensors").is_file()
    assert "the last validated epoch (2): validation gives no map" in shown.export_text()


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


def test_a_run_continues_from_the_command_line_until_it_is_interrupted(riders_file: Path, tmp_path: Path) -> None:
    """With the real signal."""
    content = _config(riders_file, tmp_path, epochs=400, validate_every=400)
    train(content, stop_after=2)
    log, config = tmp_path / "riders" / "log.csv", tmp_path / "riders" / "config.yaml"
    command = [sys.executable, "-m", "interplay.cli", "train", str(config)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 240
    while len(log.read_text().splitlines()) - 1 <= 3:
        assert process.poll() is None, process.communicate()[1][-2000:]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    message = process.communicate(timeout=120)[1]
    assert process.returncode == 130
    assert "continuing" in message
    assert "run the same command again" in message
    assert [row.split(",")[0] for row in log.read_text().splitlines()[1:4]] == ["1", "2", "3"]


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

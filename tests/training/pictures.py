"""Eight pictures with people, balls and horses, and a GEN-VLKT that trains on them in seconds."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from interplay import Interactions, InteractionTable, Vocabulary, write

WORLD = Vocabulary.from_dict(
    {
        "name": "world",
        "objects": ["person", "ball", "horse"],
        "verbs": ["kick", "ride", "rest"],
        "interactions": [["kick", "ball"], ["ride", "horse"], ["rest", None]],
    }
)
COLOURS = {"person": (230, 60, 60), "ball": (60, 230, 60), "horse": (70, 70, 240)}


def _picture(number: int, upright: bool) -> tuple[np.ndarray, Interactions]:
    rng = np.random.default_rng(number)
    width, height = (160, 120) if number % 2 or not upright else (120, 160)
    pixels = rng.integers(0, 60, (height, width, 3)).astype(np.uint8)
    object = "ball" if number % 3 else "horse"
    x, y = rng.integers(10, 40, 2)
    boxes = [[x, y, x + 30, y + 60], [x + 40, y + 30, x + (60 if object == "ball" else 75), y + 60]]
    for (left, top, right, bottom), name in zip(boxes, ("person", object), strict=True):
        pixels[top:bottom, left:right] = COLOURS[name]
    verbs = ["kick" if object == "ball" else "ride", *(["rest"] if number % 4 == 0 else [])]
    return pixels, Interactions(
        boxes=np.array(boxes, np.float32), labels=np.array([0, WORLD.object_index(object)]),
        human=np.zeros(len(verbs), int), object=np.array([1, -1][: len(verbs)]),
        verb=np.array([WORLD.verb_index(v) for v in verbs]), vocabulary=WORLD, file=f"{number}.png", width=width,
        height=height, scored=False,
    )  # fmt: skip


def write_pictures(folder: Path, count: int = 8, upright: bool = True) -> Path:
    """Write pictures with their annotations, half of them upright or none; returns the folder."""
    folder.mkdir()
    found = [_picture(i, upright) for i in range(count)]
    for i, (pixels, _) in enumerate(found):
        Image.fromarray(pixels).save(folder / f"{i}.png")
    write(InteractionTable.from_list([annotations for _, annotations in found]), folder / "annotations.jsonl")
    return folder


def tiny(root: Path, output: Path, **changes: Any) -> dict[str, Any]:
    """A configuration; keyword arguments change its sections or fields."""
    content: dict[str, Any] = {
        "name": "tiny", "system": "gen-vlkt", "output": str(output), "start": "scratch", "epochs": 3, "batch_size": 4,
        "accelerator": "cpu", "validate_every": 3, "log_every": 1,
        "data": {"dataset": "own", "root": str(root / "annotations.jsonl"), "holdout": 0, "workers": 0},
        "augmentation": {"short_sides": [64, 80], "crop": 0.0},
        "optimiser": {"learning_rate": 1e-3, "backbone": 1e-3, "reference_batch": 4, "clip_norm": 1.0},
        "model": {
            "network": {
                "backbone": "resnet-nano", "frozen_stages": 0, "width": 32, "heads": 2, "feed_forward": 32,
                "encoder_layers": 1, "decoder_layers": 2, "dropout": 0.0, "queries": 6, "embedding": 32,
                "interaction_text": False, "object_text": False,
            },
            "loss": {"mimic": "none"},
            "decoding": {"short_side": 64, "long_side": 96},
        },
    }  # fmt: skip
    for name, change in changes.items():
        content[name] = {**content[name], **change} if isinstance(change, dict) else change
    return content


def start(content: dict[str, Any], folder: Path, *overrides: str) -> subprocess.Popen[str]:
    """`interplay train` in a process of its own."""
    path = folder / f"{content['name']}.yaml"
    path.write_text(yaml.safe_dump(content))
    command = [sys.executable, "-m", "interplay.cli", "train", str(path), *overrides]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def finished(process: subprocess.Popen[str]) -> str:
    """What a process said that ended well."""
    _, said = process.communicate(timeout=240)
    assert process.returncode == 0, said[-3000:]
    return said


def rows(path: Path, without: tuple[str, ...] = ("seconds", "images_per_second", "memory_gib")) -> list[dict[str, str]]:
    """A log's rows without what is different every time."""
    with path.open(newline="") as stream:
        return [{k: v for k, v in row.items() if k not in without} for row in csv.DictReader(stream)]

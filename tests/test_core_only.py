"""Scoring and data sets need no network: neither torch nor torchvision nor OpenCV is imported for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from interplay import Interactions, Vocabulary, write

_HIDE = """
import sys
for name in ("torch", "torchvision", "cv2", "lightning_fabric", "transformers", "anny", "trimesh", "supervision"):
    sys.modules[name] = None  # an import of it then fails
from interplay.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("core")
    for dataset, verb in (("hico-det", "ride"), ("v-coco", "ride")):
        names = Vocabulary.load(dataset)
        labels = [names.person, names.object_index("bicycle")]
        pair = {"boxes": [[10, 10, 60, 120], [5, 60, 90, 140]], "labels": labels, "human": [0], "object": [1]}
        common = {**pair, "verb": [names.verb_index(verb)], "vocabulary": names, "file": "a.jpg"}
        write([Interactions(**common, width=200, height=200, scored=False)], folder / f"{dataset}.jsonl", names)
        write([Interactions(**common, score=[0.9])], folder / f"{dataset}.parquet", names)
    return folder


@pytest.mark.parametrize(
    "command",
    [
        "evaluate hico-det --predictions hico-det.parquet --annotations hico-det.jsonl --json h.json --csv h.csv",
        "evaluate vcoco --predictions v-coco.parquet --annotations v-coco.jsonl --table v.md",
        "datasets stats hico-det.jsonl",
        "datasets convert hico-det.jsonl converted.parquet",
        "datasets validate v-coco.jsonl",
        "datasets check .",
    ],
)
def test_runs_without_what_only_models_need(folder: Path, command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _HIDE, *command.split()], cwd=folder, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == int("check" in command), done.stdout  # the images that are missing are a finding

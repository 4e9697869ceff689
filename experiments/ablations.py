"""Trains the rows of a table of ablations with several seeds, and prints it.

    python experiments/ablations.py experiments/ablations/tin_spatial.yaml --output runs/ablations --data.root vcoco/
    python experiments/ablations.py experiments/ablations/ggnet.yaml --output runs --seeds 3 --data.root generated/

A table is a file: the recipe that all rows share, what each row changes, and which metrics are shown, as
``interplay train`` validates the last weights. Networks this small find things, but not their exact extent: `overlap`
adds the mAP of boxes that match from that overlap on, instead of 0.5. Options that the script does not know go to every
training. A row that was trained is not trained again, and trainings that were stopped continue.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml
from rich.console import Console
from rich.table import Table

from interplay import InterplayError, load_model
from interplay.cli import run_script
from interplay.files import atomic_path
from interplay.metrics import HoiScores, evaluate_tables
from interplay.training import load_config
from interplay.training.folder import WEIGHTS
from interplay.training.tables import load_tables
from interplay.training.validation import predict_images
from tables import percent

ROOT = Path(__file__).parents[1]
LOOSE = "loose"
LOOSE_FILE = "overlap_{}.json"


@dataclass(frozen=True)
class Ablations:
    """A table to be.

    Attributes:
        name: prefix of the runs.
        config: the configuration, as `interplay train` takes it.
        metrics: columns of ``log.csv``, 0..1, and what they are called.
        rows: what each row changes, as options of ``interplay train``.
        options: of all rows.
        start: options of a training before, with whose weights all rows start; none without.
        overlap: of a match, for a further column.
    """

    name: str
    config: str
    metrics: dict[str, str]
    rows: dict[str, dict[str, Any]]
    options: dict[str, Any] = field(default_factory=dict)
    start: dict[str, Any] | None = None
    overlap: float | None = None

    @property
    def columns(self) -> dict[str, str]:
        """Names of metrics and what they are called."""
        return self.metrics if self.overlap is None else {**self.metrics, LOOSE: f"mAP, overlap {self.overlap:g}"}


def arguments_of(options: dict[str, Any]) -> list[str]:
    """Options as on a command line."""
    return [f"--{name}={json.dumps(value)}" for name, value in options.items()]


class Runner:
    """Trains, each training in a process with its share of the cores."""

    def __init__(self, ablations: Ablations, output: Path, jobs: int, further: list[str], console: Console) -> None:
        self.ablations, self.output, self.further, self.console = ablations, output, further, console
        self.threads = max((os.cpu_count() or 1) // jobs, 1)
        self.jobs = jobs

    def train(self, row: str, seed: int, options: dict[str, Any]) -> Path:
        """Folder of a finished run of a row.

        Raises:
            InterplayError: the training failed; its output is in the folder's ``.log``.
        """
        folder = self.output / f"{self.ablations.name}-{row.replace(' ', '-')}-{seed}"
        if (folder / WEIGHTS).is_file():
            self._validate_loosely(folder)
            return folder
        merged = {"name": folder.name, "output": str(self.output), "seed": seed, **self.ablations.options, **options}
        command = [sys.executable, "-m", "interplay.cli", "train", self.ablations.config]
        self.output.mkdir(parents=True, exist_ok=True)
        log = folder.with_suffix(".log")
        with log.open("a", encoding="utf-8") as stream:
            environment = {**os.environ, "OMP_NUM_THREADS": str(self.threads)}
            done = subprocess.run(
                [*command, *arguments_of(merged), *self.further], stdout=stream, stderr=stream, env=environment
            )
        if done.returncode:
            raise InterplayError(f"{folder.name} ended with status {done.returncode}, see {log}")
        self._validate_loosely(folder)
        self.console.print(f"{folder.name}: {metrics_of(folder, self.ablations)}", highlight=False)
        return folder

    def _validate_loosely(self, folder: Path) -> None:
        """Write the mAP at the table's overlap, unless it is there."""
        overlap = self.ablations.overlap
        file = folder / LOOSE_FILE.format(overlap)
        if overlap is None or file.is_file():
            return
        torch.set_num_threads(self.threads)
        tables = load_tables(load_config(folder / "config.yaml").data)
        model = load_model(folder / WEIGHTS, device="cpu")
        truth = tables.validation
        found = predict_images(model, truth, tables.validation_images, batch_size=16, workers=1)
        scores = evaluate_tables(found, truth, overlap=overlap)
        assert isinstance(scores, HoiScores)
        with atomic_path(file) as temporary:
            temporary.write_text(json.dumps(scores.map["full"]), encoding="utf-8")

    def all(self, rows: list[str], seeds: list[int]) -> dict[str, list[dict[str, float]]]:
        """Metrics by row, one entry per seed."""
        with ThreadPoolExecutor(self.jobs) as pool:
            start = self._start()
            runs = {
                (row, seed): pool.submit(self.train, row, seed, {**start, **self.ablations.rows[row]})
                for seed in seeds
                for row in rows
            }
            return {row: [metrics_of(runs[row, seed].result(), self.ablations) for seed in seeds] for row in rows}

    def _start(self) -> dict[str, Any]:
        if self.ablations.start is None:
            return {}
        folder = self.train("start", 0, self.ablations.start)
        return {"start": "weights", "start_file": str(folder / WEIGHTS)}


def metrics_of(folder: Path, ablations: Ablations) -> dict[str, float]:
    """What was validated at the end of a run."""
    loose = folder / LOOSE_FILE.format(ablations.overlap)
    found = {LOOSE: float(loose.read_text())} if loose.is_file() else {}
    with (folder / "log.csv").open(encoding="utf-8", newline="") as stream:
        last = list(csv.DictReader(stream))[-1]
    return {name: float(last[name]) for name in ablations.metrics if last.get(name)} | found


def main() -> None:
    """Print the table, one row per ablation: the mean over the seeds and their standard deviation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="a file in experiments/ablations")
    parser.add_argument("--output", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--only", nargs="+", metavar="ROW", help="rows to train; all without")
    parser.add_argument("--seeds", type=int, default=1, help="trainings per row (default: 1)")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time (default: 1)")
    options, further = parser.parse_known_args()
    ablations = Ablations(**yaml.safe_load(options.table.read_text(encoding="utf-8")))
    rows = options.only or list(ablations.rows)
    if unknown := [row for row in rows if row not in ablations.rows]:
        parser.error(f"no such row: {', '.join(unknown)}; there are {', '.join(ablations.rows)}")
    console = Console()
    metrics = Runner(ablations, options.output, options.jobs, further, console).all(rows, list(range(options.seeds)))
    table = Table("row", *ablations.columns.values(), title=f"{ablations.name}, {options.seeds} seed(s), points")
    for row, runs in metrics.items():
        table.add_row(row, *(percent([run[name] for run in runs if name in run], 2) for name in ablations.columns))
    console.print(table)
    with atomic_path(options.output / f"{ablations.name}.json") as temporary:
        temporary.write_text(json.dumps(metrics, indent=1), encoding="utf-8")


if __name__ == "__main__":
    run_script(main)

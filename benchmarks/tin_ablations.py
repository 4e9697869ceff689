"""What each part of `tin-spatial-vcoco` is worth, on V-COCO's validation images; the test images are not read.

    python benchmarks/tin_ablations.py --data vcoco/ --output runs/ablations [--only without-context ...] [--seeds 3]

Every row is a training on V-COCO's train split that is validated on its val split. A run that is already in the output
folder is not repeated, and one that was stopped continues.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from rich.console import Console
from rich.table import Table

from interplay.models.weights import read_weights
from interplay.training import load_config, train
from interplay.training.checkpoints import WEIGHTS

CONFIG = Path(__file__).parents[1] / "configs" / "tin" / "vcoco_spatial.yaml"

ABLATIONS: dict[str, list[str]] = {
    "as-configured": [],
    "without-context": ["--model.layers=0"],
    "one-layer": ["--model.layers=1"],
    "without-flip": ["--augmentation.flip=false"],
    "without-jitter": ["--augmentation.jitter=0"],
    "without-imitated-detections": ["--augmentation.detector_share=0"],
}

FIGURES = {
    "map": "mean AP, annotated boxes",
    "map_detected": "mean AP, imitated detections",
    "d_ap": "AP of D alone",
}


def figures_of(name: str, seed: int, data: Path, output: Path, console: Console) -> dict[str, float]:
    """Train one row with one seed, unless that was done; returns its validation figures, 0..1."""
    run = f"{name}-{seed}"
    weights = output / run / WEIGHTS
    if not weights.is_file():
        fixed = [
            f"--name={run}", f"--seed={seed}", f"--data.root={data}", f"--output={output}",
            "--data.train=train", "--data.validation=val", "--device=cpu",
        ]  # fmt: skip
        weights = train(load_config(CONFIG, [*fixed, *ABLATIONS[name]]), console)
    validation = read_weights(weights)[1]["validation"]
    return {figure: validation[figure] for figure in FIGURES}


def main() -> None:
    """Print the table, one row per ablation: the mean over the seeds and, with several, their spread."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with V-COCO's annotations")
    parser.add_argument("--output", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--only", nargs="+", choices=list(ABLATIONS), default=list(ABLATIONS), help="rows to train")
    parser.add_argument("--seeds", type=int, default=1, help="trainings per row (default: 1)")
    arguments = parser.parse_args()
    console = Console()
    table = Table("row", *FIGURES.values(), title=f"V-COCO val, {arguments.seeds} seed(s)")
    for name in arguments.only:
        runs = [figures_of(name, seed, arguments.data, arguments.output, console) for seed in range(arguments.seeds)]
        table.add_row(name, *(_cell([run[figure] for run in runs]) for figure in FIGURES))
    console.print(table)


def _cell(values: list[float]) -> str:
    spread = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.4f}{spread}"


if __name__ == "__main__":
    main()

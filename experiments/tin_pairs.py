"""C of one training with D of others, on every pair of annotated boxes: what NIS removes, and what it is worth.

    python experiments/tin_pairs.py --data generated-v1/ --split test \\
        --classifier runs/tin_nano_rc/model.safetensors \\
        --discriminator "instances=runs/tin_nano_d/model.safetensors" \\
        --discriminator "parts=runs/tin_nano_parts/model.safetensors"

D's limits are those that its file holds, chosen on the validation images. With several classifiers and as many
discriminators of each name (trainings of several seeds), metrics are means and standard deviations.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console
from rich.table import Table

import interplay
from interplay.cli import run_script
from interplay.datasets import load_annotations
from interplay.models.tin.model import TinModel
from interplay.models.tin.validation import combined_metrics
from tables import percent

COLUMNS = {
    "map": "C: mean AP",
    "map_with_suppression": "with NIS",
    "map_times_interactiveness": "C x D",
    "d_ap": "D: AP",
    "nis_removed_non_interacting": "removed of non-interacting",
    "nis_removed_interacting": "of interacting",
}


def load(path: str) -> TinModel:
    """A TIN network from a weights file."""
    model = interplay.load_model(path)
    if not isinstance(model, TinModel):
        raise SystemExit(f"{path} holds no TIN network")
    return model


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of annotations and photographs")
    parser.add_argument("--dataset", default="generated")
    parser.add_argument("--split", default="test")
    parser.add_argument("--longer-side", type=int, default=256, help="as in training (default: 256)")
    parser.add_argument("--classifier", nargs="+", required=True, metavar="FILE", help="one per seed")
    parser.add_argument("--discriminator", action="append", nargs="+", default=[], metavar="NAME=FILE", help="the same")
    arguments = parser.parse_args()
    table = load_annotations(arguments.dataset, arguments.data, arguments.split)
    named: dict[str, list[str]] = {}
    for text in (text for group in arguments.discriminator for text in group):
        name, _, file = text.partition("=")
        named.setdefault(name, []).append(file)
    found: dict[str, list[dict[str, float]]] = {}
    for seed, file in enumerate(arguments.classifier):
        discriminators = {name: load(files[seed]) for name, files in named.items()}
        metrics = combined_metrics(load(file), discriminators, table, arguments.data, arguments.longer_side)
        for name, values in metrics.items():
            found.setdefault(name, []).append(values)
    shown = Table("", *COLUMNS.values())
    for name, runs in found.items():
        shown.add_row(name, *(percent([run[c] for run in runs if c in run]) for c in COLUMNS))
    Console().print(shown)


if __name__ == "__main__":
    run_script(main)

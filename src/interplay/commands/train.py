"""Train a model from a configuration file.

Any field of the configuration can be overridden: --epochs 3, --optimiser.learning_rate 1e-3. A run that was stopped
continues when the same command is given again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = "interplay train configs/tin/vcoco_spatial.yaml --data.root vcoco/ --output runs"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", type=Path, metavar="CONFIG", help="a YAML file, such as those in configs/")
    parser.add_argument(
        "overrides", nargs=argparse.REMAINDER, metavar="--FIELD VALUE", help="fields to set instead of the file's"
    )


def run(arguments: argparse.Namespace) -> int:
    """Train, and say where the weights are."""
    from rich.console import Console

    from interplay.training import load_config, train

    console = Console(stderr=True)
    path = train(load_config(arguments.config, arguments.overrides), console)
    console.print(f"wrote {path}", highlight=False)
    return 0

"""Draw the curves of trainings: loss, validation and learning rate.

One run shows the terms of its loss and all validation metrics; several runs are compared in the same picture,
by the first validation metric that they have in common, or else by the first of each.
"""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = "interplay plot runs/gen_vlkt_nano runs/ggnet_nano -o curves.png"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "runs",
        nargs="+",
        type=Path,
        metavar="RUN",
        help="folder of a run, which holds log.csv; or a log.txt of DETR's code",
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("curves.png"), help="a .png, .pdf or .svg file")


def run(arguments: argparse.Namespace) -> int:
    """Draw, and say where the picture is."""
    from interplay.training.plot import plot_runs

    print(plot_runs(arguments.runs, arguments.output))
    return 0

"""CPU time of a command in a fresh process: from the start of Python to its end, all threads together.

    python benchmarks/startup.py                    # the sample picture, and mistakes that are told at once
    python benchmarks/startup.py --repeat 9

Beside the median stands the smallest: on a machine that does other work too, that is the one to compare. Other work
makes CPU time longer, too, so that the first row is a measure of the machine: importing torch, and no more. The first
run fills the disk's cache and does not count.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from interplay.cli import run_script

MACHINE = ("-c", "import torch")
COMMANDS = (
    "detect --sample",
    "detect --sample --output r.jsonl",
    "detect --help",
    "detect gone.jpg",
    "detect --sample --output r.xyz",
    "detect --sample --min-score 2",
)


def cost(arguments: Sequence[str]) -> tuple[float, float, int]:
    """Seconds of CPU time, seconds by the clock, and the exit code of Python with some arguments."""
    with tempfile.TemporaryDirectory() as folder:
        before, started = os.times(), time.perf_counter()
        done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, check=False)
        after, ended = os.times(), time.perf_counter()
    used = after.children_user - before.children_user + after.children_system - before.children_system
    return used, ended - started, done.returncode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    table = Table("python ...", "CPU s, median", "smallest", "clock s, median", "exit code")
    for command in (MACHINE, *(("-m", "interplay", *command.split()) for command in COMMANDS)):
        cost(command)
        runs = [cost(command) for _ in range(arguments.repeat)]
        used, clock, codes = zip(*runs, strict=True)
        numbers = (statistics.median(used), min(used), statistics.median(clock))
        table.add_row(" ".join(command), *(f"{number:.2f}" for number in numbers), str(codes[0]))
    Console().print(table)


if __name__ == "__main__":
    run_script(main)

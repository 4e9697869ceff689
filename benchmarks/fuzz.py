"""Damaged files for every reader: each must be read right, or refused with a reason.

    python benchmarks/fuzz.py --inputs 20000
    python benchmarks/fuzz.py --inputs 300 --readers jsonl parquet --seed 7

Valid files are made, damaged (bytes, numbers, structure) and read in a process of their own. Counted are inputs that
were accepted and refused, and findings: errors other than interplay's, crashes, more than 5 s of processor time, more
than 1 GB of memory, and content that was accepted though it cannot be. Findings are kept in a folder; with any the exit
code is 1. The inputs are divided among the readers.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from fuzzing.readers import READERS
from fuzzing.run import damaged
from fuzzing.watch import FINDINGS, Worker
from interplay.cli import run_script

_COLUMNS = ("accepted", "refused", *FINDINGS)


def fuzz(readers: list[str], inputs: int, seed: int, keep: Path, console: Console) -> int:
    """Prints a table; returns the number of findings."""
    counts: dict[str, Counter[str]] = {}
    worker = Worker()
    each = -(-inputs // len(readers))
    with tempfile.TemporaryDirectory() as folder:
        try:
            for name in readers:
                counts[name] = Counter()
                tries = damaged(READERS[name], Path(folder), worker, each, seed, keep)
                for tried in track(tries, name, each, console=console, transient=True):
                    counts[name][tried.answer.outcome] += 1
                    if tried.answer.outcome in FINDINGS:
                        console.print(
                            f"{name} {tried.number} ({tried.seed_file.name}): {tried.answer.outcome}: "
                            f"{tried.answer.detail}", markup=False, highlight=False,
                        )  # fmt: skip
        except KeyboardInterrupt:
            console.print("interrupted; what was done until now:")
        finally:
            worker.close()
    table = Table("reader", *_COLUMNS, title=f"seed {seed}")
    total: Counter[str] = Counter()
    for name, found in counts.items():
        total += found
        table.add_row(name, *(f"{found[column]:,}" for column in _COLUMNS))
    table.add_section()
    table.add_row("all", *(f"{total[column]:,}" for column in _COLUMNS))
    console.print(table)
    return sum(total[outcome] for outcome in FINDINGS)


def main() -> None:
    """Run as a script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=20_000, help="for all readers together")
    parser.add_argument("--readers", nargs="+", choices=READERS, default=list(READERS), metavar="NAME")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"), help="folder for findings")
    arguments = parser.parse_args()
    console = Console()
    found = fuzz(arguments.readers, arguments.inputs, arguments.seed, arguments.keep, console)
    console.print(f"{found} findings, kept in {arguments.keep}" if found else "no findings")
    if found:
        raise SystemExit(1)


if __name__ == "__main__":
    run_script(main)

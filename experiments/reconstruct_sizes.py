"""Whether what is known of a category's size helps to place a mesh, in metres or of unknown size.

    python experiments/reconstruct_sizes.py --scenes 12 --results sizes.jsonl

Scenes of ``experiments/reconstruct.py`` with exact contacts and masks. Each mesh comes in metres, and as many files on
the web do: with its longest side 1. It is fitted as large as the file says, with the category's size
(`interplay.reconstruct.sizes`), and as `interplay reconstruct` does: as large as the file says where that is plausible
for the category (`in_usual_size`), with the category's size otherwise. "Size" is the median of the found over the true
size, as a difference in per cent.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from interplay.cli import run_script
from interplay.reconstruct import fit_object
from interplay.reconstruct.objects import Candidate, in_usual_size
from interplay.reconstruct.sizes import SizePrior, size_prior
from reconstruct import Case, generated, seen

NEAR, GOOD_IOU = 0.05, 0.8
FILES, SIZES = ("metres", "longest side 1"), ("the file's", "the category's", "the command's")


def measured(case: Case, file: str, how: str) -> dict[str, Any]:
    """One fit."""
    own, faces, contact = case.object
    longest = float(np.ptp(own, axis=0).max())
    factor = 1.0 if file == "metres" else 1 / longest
    size: SizePrior | None = None
    if how == "the category's":
        size = size_prior(case.name)
    elif how == "the command's":
        size = in_usual_size(Candidate("file", own * factor, faces), case.name).size
    begin = time.process_time()
    fit = fit_object(*case.human, own * factor, faces, contact, case.mask, case.camera, size=size)
    placed = fit.place(own * factor)
    shown = seen(case.human[:2], (placed, faces), case.camera, case.mask.shape)
    return {
        "name": case.name,
        "file": file,
        "size": how,
        "vertices": float(np.median(np.linalg.norm(placed - case.truth, axis=1))),
        "iou": float((shown & case.mask).sum() / (shown | case.mask).sum()),
        "scale": float(abs(np.log(fit.scale * factor))),
        "seconds": time.process_time() - begin,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=12)
    parser.add_argument("--seed", type=int, default=2203)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--results", type=Path, help="keeps each result; an interrupted run goes on")
    arguments = parser.parse_args()
    done: list[dict[str, Any]] = []
    if arguments.results is not None and arguments.results.exists():
        done = [json.loads(line) for line in arguments.results.read_text(encoding="utf-8").splitlines()]
    index, kept = -1, {row["index"] for row in done}
    for _ in track(range(arguments.scenes), "scenes", console=Console(stderr=True)):
        case = None
        while case is None:
            index += 1
            case = generated(arguments.seed, arguments.size, False, index)
        if index in kept:
            continue
        rows = [{"index": index, **measured(case, file, how)} for file in FILES for how in SIZES]
        done += rows
        if arguments.results is not None:
            with arguments.results.open("a", encoding="utf-8") as out:
                out.writelines(json.dumps(row) + "\n" for row in rows)
    groups = defaultdict(list)
    for row in done:
        groups[row["file"], row["size"]].append(row)
    table = Table("the file's mesh", "size", "vertices cm", "IoU", "< 5 cm and IoU > 0.8", "size %", "s")
    for (file, how), rows in groups.items():
        good = sum(row["vertices"] < NEAR and row["iou"] > GOOD_IOU for row in rows)
        table.add_row(
            file,
            how,
            f"{100 * np.median([row['vertices'] for row in rows]):.1f}",
            f"{np.median([row['iou'] for row in rows]):.2f}",
            f"{good} of {len(rows)}",
            f"{100 * np.expm1(np.median([row['scale'] for row in rows])):.0f}",
            f"{np.median([row['seconds'] for row in rows]):.1f}",
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    run_script(main)

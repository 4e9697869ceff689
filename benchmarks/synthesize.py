"""How long a generated scene takes, stage by stage, and how writing scales over processes.

    OMP_NUM_THREADS=1 python benchmarks/synthesize.py --scenes 40 [--workers 2]

Stages run in this process, in as many threads as the environment allows. Writing is then measured as users run it,
card and contact sheet included, the start of the processes left out.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from interplay.cli import run_script
from interplay.vocabulary import Vocabulary
from interplay.world import Settings, label, render, sample_scene, synthesize
from interplay.world.rendering.image import encode_jpeg
from interplay.world.writer import files

SEED = 12


def stages(size: int, scenes: int) -> dict[str, list[float]]:
    """Seconds of each stage for each scene."""
    vocabulary = Vocabulary.load("generated")
    taken: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for index in range(-1, scenes):  # the first one warms up
            marks = [time.perf_counter()]
            scene = sample_scene(SEED, max(index, 0), size)
            marks.append(time.perf_counter())
            picture = render(scene, np.random.default_rng(index + 1))
            marks.append(time.perf_counter())
            labels = label(scene, picture, vocabulary)
            marks.append(time.perf_counter())
            image = encode_jpeg(picture.image)
            out = Path(folder)
            files.write_bytes(out / "image.jpg", image)
            files.write_bytes(out / "mask.png", files.png_bytes(labels.mask))
            files.write_bytes(out / "depth.png", files.png_bytes(files.depth_to_millimetres(labels.depth)))
            files.write_bytes(out / "contact.npz", files.pack_contacts(labels.contacts))
            line = files.to_line(files.record_of(max(index, 0), scene, labels, image))
            files.write_bytes(out / "record.json", line.encode())
            marks.append(time.perf_counter())
            if index >= 0:
                for name, began, ended in zip(
                    ("pose and place", "cast and shade", "label", "encode and write"), marks, marks[1:], strict=False
                ):
                    taken[name].append(ended - began)
                taken["all"].append(marks[-1] - marks[0])
    return taken


def throughput(size: int, scenes: int, workers: int) -> float:
    """Pictures per second of a whole run, after its processes have started."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        synthesize(Path(folder) / "few", Settings(workers, seed=SEED, size=size), workers)
        start = time.perf_counter() - began
        began = time.perf_counter()
        synthesize(Path(folder) / "many", Settings(workers + scenes, seed=SEED, size=size), workers)
        return scenes / (time.perf_counter() - began - start)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=40)
    parser.add_argument("--workers", type=int, default=2, help="also measure with this many processes")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    console = Console()
    if os.environ.get("OMP_NUM_THREADS") != "1":
        console.print("OMP_NUM_THREADS is not 1: these are not the figures of one core")
    found: dict[str, dict[str, float]] = {}
    for size in (256, 384):
        table = Table("stage", "median, ms", "mean, ms", title=f"{size} pixels, {arguments.scenes} scenes")
        taken = stages(size, arguments.scenes)
        for name, seconds in taken.items():
            table.add_row(name, f"{1000 * statistics.median(seconds):.0f}", f"{1000 * statistics.fmean(seconds):.0f}")
        console.print(table)
        console.print(f"{1 / statistics.fmean(taken['all']):.2f} pictures a second on one core")
        found[str(size)] = {name: statistics.fmean(seconds) for name, seconds in taken.items()}
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    console.print(f"peak memory {memory:.2f} GiB")
    if arguments.workers > 1:
        one, more = (throughput(256, arguments.scenes, n) for n in (1, arguments.workers))
        console.print(
            f"written at 256 pixels: {one:.2f} a second with one process, {more:.2f} with {arguments.workers} "
            f"({more / one:.2f} times as many)"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps({**found, "peak_memory_gib": memory}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    run_script(main)

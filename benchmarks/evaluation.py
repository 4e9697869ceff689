"""How long scoring takes and how much memory it needs, from the result file to the figures.

    python benchmarks/evaluation.py            # HICO-DET and V-COCO test size, then 1, 3 and 10 M triplets
    python benchmarks/evaluation.py --quick    # HICO-DET test size only

Data are made up: boxes, classes and scores of the shape that a query detector writes (64 person and 64 object boxes and
100 triplets an image), on as many images and annotated pairs as the real test sets have. Every measurement runs in a
process of its own, so that its peak memory is its own; starting python and importing are not counted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from interplay import InteractionTable, Vocabulary, load_annotations, read, write
from interplay.cli import run_script
from interplay.metrics import evaluate_tables
from interplay.table import offsets

IMAGES, PAIRS = 9658, 33405
VCOCO_IMAGES, VCOCO_PAIRS = 4946, 14000
BOXES, TRIPLETS = 128, 100


def made_up(
    vocabulary: Vocabulary, images: int, pairs: int, triplets: int
) -> tuple[InteractionTable, InteractionTable]:
    """Annotations with `pairs` pairs, and predictions half of which are jittered copies of annotated pairs."""
    random = np.random.default_rng(0)
    size = np.tile(np.array([[640, 480]], np.int32), (images, 1))
    files = [f"image_{i:08d}.jpg" for i in range(images)]

    def boxes(count: int) -> np.ndarray:
        corner = random.uniform(0, 400, (count, 2))
        return np.concatenate([corner, corner + random.uniform(20, 200, (count, 2))], axis=1).astype(np.float32)

    image = np.sort(random.integers(0, images, pairs))
    chosen = vocabulary.interactions[random.integers(0, len(vocabulary.interactions), pairs)]
    starts = offsets(np.bincount(image, minlength=images))
    inside = np.arange(pairs) - starts[:-1][image]
    labels = np.stack([np.zeros(pairs, np.int64), np.maximum(chosen[:, 1], 0)], axis=1).reshape(-1)
    truth = InteractionTable(
        vocabulary, files, size, 2 * starts, boxes(2 * pairs), labels, np.ones(2 * pairs, np.float32), starts,
        2 * inside, np.where(chosen[:, 1] < 0, -1, 2 * inside + 1), chosen[:, 0], np.ones(pairs, np.float32),
        scored=False,
    )  # fmt: skip

    half = BOXES // 2
    total = images * triplets
    source = np.clip(starts[:-1][:, None] + random.integers(0, 6, (images, half)), 0, pairs - 1).reshape(-1)
    jitter = random.normal(0, 8, (images * half, 2, 4)).astype(np.float32)
    copied = (truth.boxes.reshape(-1, 2, 4)[source] + jitter).reshape(images, half, 2, 4)
    query = random.integers(0, half, total)
    row = np.repeat(np.arange(images), triplets) * half + query
    verb = np.where(
        random.random(total) < 0.5, chosen[source[row], 0], random.integers(0, len(vocabulary.verbs), total)
    )
    found = InteractionTable(
        vocabulary, files, size, np.arange(images + 1) * BOXES,
        np.concatenate([copied[:, :, 0], copied[:, :, 1]], axis=1).reshape(-1, 4),
        np.concatenate([np.zeros((images, half), np.int64), labels.reshape(-1, 2)[source, 1].reshape(images, half)],
                       axis=1).reshape(-1),
        random.random(images * BOXES).astype(np.float32), np.arange(images + 1) * triplets,
        query, query + half, verb, random.random(total).astype(np.float32),
    )  # fmt: skip
    return found, truth


def measure(folder: Path, predictions: str, dataset: str) -> dict[str, float]:
    """Read and score once, in this process."""
    annotations = load_annotations("own", folder / "annotations.jsonl", vocabulary=Vocabulary.load(dataset))
    evaluate_tables(annotations[:2], annotations[:2])  # so that imports are not counted
    began = time.perf_counter()
    found = read(folder / predictions, dataset)
    times = {"read": time.perf_counter() - began}
    for setting in ("default", "known-object") if dataset == "hico-det" else ("default",):
        began = time.perf_counter()
        evaluate_tables(found, annotations, setting=setting)
        times[setting] = time.perf_counter() - began
    times["total"] = sum(times.values())
    times["memory"] = peak_megabytes()
    return times


def peak_megabytes() -> float:
    """Most memory this process ever held (Linux; `getrusage` would also count the parent's)."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def in_own_process(folder: Path, predictions: str, dataset: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", str(folder), predictions, dataset]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only the size of HICO-DET's test set")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        folder, predictions, dataset = arguments.measure
        print(json.dumps(measure(Path(folder), predictions, dataset)))
        return

    table = Table(title="Read and score, in seconds", caption="KO: scored again in the known-object setting")
    for name in ("data", "form", "triplets", "MB", "read", "score", "KO", "total", "peak MB"):
        table.add_column(name, justify="left" if name in ("data", "form") else "right")
    runs: list[tuple[str, str, int, int, int, tuple[str, ...]]] = [
        ("HICO-DET", "hico-det", IMAGES, PAIRS, TRIPLETS, ("jsonl", "parquet"))
    ]
    if not arguments.quick:
        runs.append(("V-COCO", "v-coco", VCOCO_IMAGES, VCOCO_PAIRS, TRIPLETS, ("jsonl", "parquet")))
        runs += [
            (f"{millions} M", "hico-det", millions * 10_000, millions * 34_000, TRIPLETS, ("parquet",))
            for millions in (1, 3, 10)
        ]
    for title, dataset, images, pairs, triplets, forms in runs:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            found, truth = made_up(Vocabulary.load(dataset), images, pairs, triplets)
            write(truth, folder / "annotations.jsonl")
            for form in forms:
                write(found, folder / f"predictions.{form}")
            del found, truth
            for form in forms:
                times = in_own_process(folder, f"predictions.{form}", dataset)
                megabytes = (folder / f"predictions.{form}").stat().st_size / 1e6
                table.add_row(
                    title,
                    form,
                    f"{images * triplets:,}",
                    f"{megabytes:.0f}",
                    *(
                        f"{times[key]:.2f}" if key in times else ""
                        for key in ("read", "default", "known-object", "total")
                    ),
                    f"{times['memory']:.0f}",
                )
    Console().print(table)


if __name__ == "__main__":
    run_script(main)

"""How many photographs a second `interplay detect` does on this machine's CPU, and where the time goes.

    python benchmarks/detect.py                     # the picture that comes with interplay, again and again
    python benchmarks/detect.py photos/ --images 200

First every stage alone, one image after the other; then all of it as the command does it, with reading and drawing in
the background. Loading the model is not counted. The model's share is told by the clock, which other work on the
machine disturbs, and in CPU time, all threads together.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from interplay import draw_interactions, find_images, load_detector, load_model, read_image
from interplay.cli import run_script
from interplay.formats.jsonl import append_jsonl
from interplay.pipeline import Detected, detect_images
from interplay.pipeline.pictures import save_picture
from interplay.samples import sample_path

MOST_FOR_THE_MODEL = 0.1  # of the time

Item = TypeVar("Item")
Result = TypeVar("Result")


def timed(function: Callable[[Item], Result], items: Sequence[Item]) -> tuple[list[Result], NDArray[np.float64]]:
    """Results, and seconds per item by the clock and of CPU time."""
    clocks = time.perf_counter, time.process_time
    started = [clock() for clock in clocks]
    results = [function(item) for item in items]
    return results, np.array([clock() - begin for clock, begin in zip(clocks, started, strict=True)]) / len(items)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", help="photographs or folders")
    parser.add_argument("--images", type=int, default=100, help="how many to do; the ones given are repeated")
    parser.add_argument("--model", default="tin-spatial-vcoco")
    parser.add_argument("--detector", default="ssd-mobilenet-v2")
    parser.add_argument("--min-score", type=float, default=0.1)
    arguments = parser.parse_args()
    console = Console()
    given = find_images(arguments.paths) if arguments.paths else [sample_path()]
    paths = list(islice(cycle(given), arguments.images))
    detector, model = load_detector(arguments.detector), load_model(arguments.model, device="cpu")

    with tempfile.TemporaryDirectory() as folder, console.status("each stage alone"):
        images, reading = timed(read_image, paths)
        detector(images[:1])  # the first call sets the networks up
        model.predict(images[:1], detector=detector)
        detections, detecting = timed(lambda image: detector([image])[0], images)
        pairs = list(zip(images, detections, strict=True))
        found, thinking = timed(lambda pair: model.predict([pair[0]], detections=[pair[1]])[0], pairs)
        kept = [interactions.filter(arguments.min_score) for interactions in found]
        scenes = list(zip(images, kept, strict=True))
        pictures, drawing = timed(lambda scene: draw_interactions(*scene), scenes)
        _, saving = timed(lambda picture: save_picture(picture, Path(folder, "a.jpg")), pictures)
        lines = io.StringIO()
        _, writing = timed(lambda interactions: append_jsonl(interactions, lines), kept)

    stages = {
        "reading the image": reading,
        f"detector ({arguments.detector})": detecting,
        f"model ({arguments.model})": thinking,
        "drawing": drawing,
        "saving the picture": saving,
        "writing the result": writing,
    }
    total = sum(stages.values(), np.zeros(2))
    table = Table("stage", "ms per image", "share", "ms of CPU time", "share")
    for name, seconds in stages.items():
        table.add_row(name, *_cells(seconds, seconds / total))
    table.add_row("sum", *_cells(total))
    table.add_row("without pictures", *_cells(total - drawing - saving))
    console.print(table)

    def predict(batch: Sequence, names: Sequence[str]) -> list:
        return model.predict(list(batch), detector=detector)

    with tempfile.TemporaryDirectory() as folder:
        for what, draw in (("file only", False), ("file and pictures", True)):
            targets = {path: Path(folder, f"{i}.jpg") for i, path in enumerate(given)} if draw else None
            started = time.perf_counter()
            lines = io.StringIO()
            for item in detect_images(paths, predict, min_score=arguments.min_score, pictures=targets):
                if isinstance(item, Detected):
                    append_jsonl(item.interactions, lines)
            rate = len(paths) / (time.perf_counter() - started)
            console.print(f"end to end, {what}: {rate:.1f} images/s")
    share = thinking / (total - drawing - saving)
    for part, what in zip(share.tolist(), ("time", "CPU time"), strict=True):
        verdict = "within" if part <= MOST_FOR_THE_MODEL else "above"
        console.print(f"the model takes {part:.1%} of the {what} without pictures, {verdict} {MOST_FOR_THE_MODEL:.0%}")


def _cells(seconds: NDArray[np.float64], shares: NDArray[np.float64] | None = None) -> list[str]:
    """Milliseconds by each clock, each with its share."""
    told = ["", ""] if shares is None else [f"{share:.1%}" for share in shares]
    return [text for value, share in zip(seconds, told, strict=True) for text in (f"{1000 * value:.2f}", share)]


if __name__ == "__main__":
    run_script(main)

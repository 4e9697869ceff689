"""Images a second of `interplay batch` with 1 and 2 workers, beside `interplay detect` on the same images.

    python benchmarks/batch.py PHOTOS [--images 200] [--workers 1 2] [--rounds 3]

The photographs are linked as often as it takes under other names. Each command runs in a process of its own; "start" is
what a run of a single image takes, and is taken off the others: libraries, Ray and the model.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from interplay.cli import run_script
from interplay.image_files import find_images


def main() -> None:
    """Run the commands in turns and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        many, one = Path(folder, "many"), Path(folder, "one")
        for place, count in ((many, arguments.images), (one, 1)):
            place.mkdir()
            photos = itertools.islice(itertools.cycle(find_images([arguments.photos])), count)
            for number, photo in enumerate(photos):
                (place / f"{number:06d}{photo.suffix}").symlink_to(photo.resolve())
        commands = {"detect": ["detect"]}
        commands |= {f"batch --workers {n}": ["batch", "--workers", str(n)] for n in arguments.workers}
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        sizes: dict[str, int] = {}
        for turn in range(arguments.rounds):
            for name, command in commands.items():
                seconds = []
                for images in (one, many):
                    output = Path(folder, f"{turn}-{images.name}-{name.replace(' ', '')}")
                    target = output.with_suffix(".parquet") if name == "detect" else output
                    begin = time.perf_counter()
                    options = [*command[1:], *(["--shard-size", "32"] if name != "detect" else [])]
                    subprocess.run(
                        [sys.executable, "-m", "interplay", command[0], str(images), "--output", str(target), *options],
                        check=False,
                        capture_output=True,
                    )
                    seconds.append(time.perf_counter() - begin)
                    sizes[name] = sum(f.stat().st_size for f in [target, *target.glob("part-*")] if f.is_file())
                taken[name].append((seconds[0], seconds[1]))
    table = Table("command", "start, s", f"{arguments.images} images, s", "images/s without start", "bytes an image")
    for name, runs in taken.items():
        start, whole = (statistics.median(column) for column in zip(*runs, strict=True))
        rate = (arguments.images - 1) / max(whole - start, 1e-9)
        table.add_row(name, f"{start:.1f}", f"{whole:.1f}", f"{rate:.2f}", f"{sizes[name] / arguments.images:.0f}")
    Console(width=110).print(table)


if __name__ == "__main__":
    run_script(main)

"""Memory that `interplay detect` takes for large photographs: the peak of a process of its own.

    python benchmarks/memory.py --megapixels 12 24 60 --count 12

The photographs are made here: noise in blocks, as JPEG. Peaks are resident memory (`ru_maxrss`), with and without drawn
pictures.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

_RUN = """
import resource, sys
from interplay.cli import main
code = main(["detect", *sys.argv[1:]])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print("PEAK", peak // (1 << 20 if sys.platform == "darwin" else 1 << 10), code)
"""


def write_photographs(folder: Path, megapixels: float, count: int) -> None:
    """Photographs of 3 : 2, all with other content."""
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    for number in range(count):
        small = np.random.default_rng(number).integers(0, 256, (40, 60, 3), np.uint8)
        picture = Image.fromarray(small).resize((round(1.5 * height), height), Image.Resampling.BILINEAR)
        picture.save(folder / f"{number:03d}.jpg", quality=85)


def peak(folder: Path, *options: str) -> int:
    """Peak memory in MB of `interplay detect` on a folder.

    Raises:
        RuntimeError: it did not do all images.
    """
    command = [sys.executable, "-c", _RUN, str(folder), *options]
    done = subprocess.run(command, capture_output=True, text=True)
    words = done.stdout.split("PEAK")[-1].split()
    if done.returncode or words[1:] != ["0"]:
        raise RuntimeError(done.stderr[-2000:])
    return int(words[0])


def main() -> None:
    """Print a row for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, nargs="+", default=[0.3, 12, 24, 60])
    parser.add_argument("--count", type=int, default=12, help="photographs of each size")
    arguments = parser.parse_args()
    print("| megapixels | photographs | results alone, MB | with pictures, MB |\n| ---: | ---: | ---: | ---: |")
    for megapixels in arguments.megapixels:
        with tempfile.TemporaryDirectory() as name:
            photographs, out = Path(name) / "photographs", Path(name) / "out"
            photographs.mkdir()
            write_photographs(photographs, megapixels, arguments.count)
            alone = peak(photographs, "--output", f"{out}/alone.jsonl")
            drawn = peak(photographs, "--output", f"{out}/drawn.jsonl", "--pictures", f"{out}/pictures")
            print(f"| {megapixels:g} | {arguments.count} | {alone:,} | {drawn:,} |", flush=True)


if __name__ == "__main__":
    main()

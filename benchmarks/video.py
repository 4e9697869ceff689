"""How fast clips are read, by PyAV and by torchcodec, and how much memory a long one takes.

    python benchmarks/video.py [--frames 10000] [--size 320x240]

A clip is made, read to the end by each reader that is installed, and the resident memory is looked at along the way.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interplay.defaults import DECODERS
from interplay.errors import InputError, MissingExtraError
from interplay.video import read_frames, write_clip


def resident() -> float:
    """Resident memory of this process, MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def pictures(count: int, width: int, height: int) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """A square that wanders over noise, 30 frames a second."""
    rng = np.random.default_rng(0)
    noise = rng.integers(90, 160, (height, width, 3), np.uint8)
    side = min(width, height) // 4
    for number in range(count):
        image = noise.copy()
        left, top = number * 3 % (width - side), number * 2 % (height - side)
        image[top : top + side, left : left + side] = (220, 40, 40)
        yield number / 30, image


def main() -> None:
    """Make the clip, read it, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--size", default="320x240")
    arguments = parser.parse_args()
    width, height = map(int, arguments.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        clip = str(Path(folder, "long.mp4"))
        write_clip(clip, pictures(arguments.frames, width, height))
        print(f"{arguments.frames:,} frames of {width} x {height}")
        print("| reader | frames a second | memory after 10 % | at the end |\n| --- | ---: | ---: | ---: |")
        for name in DECODERS:
            begin, early, seen = time.perf_counter(), 0.0, 0
            try:
                for _ in read_frames(clip, rate=None, decoder=name):  # type: ignore[arg-type]
                    seen += 1
                    if seen == arguments.frames // 10:
                        early = resident()
            except (InputError, MissingExtraError) as error:
                print(f"{name}: {error}")
                continue
            speed = seen / (time.perf_counter() - begin)
            print(f"| {name} | {speed:,.0f} | {early:,.0f} MiB | {resident():,.0f} MiB |")


if __name__ == "__main__":
    main()

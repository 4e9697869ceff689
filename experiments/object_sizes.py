"""How large the generated world's objects are: the table of `interplay.reconstruct.sizes`.

    python experiments/object_sizes.py

For each category the median of the longest side of the bounding box in metres (of a log-normal distribution: the
exponential of the logarithms' mean), and the standard deviation of the logarithms.
"""

from __future__ import annotations

import argparse
import zlib

import numpy as np

from interplay.cli import run_script
from interplay.world.objects import FACTORIES, make_object


def main() -> None:
    """Print the table's lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100, help="objects of each category (100)")
    count = parser.parse_args().count
    for category in sorted(FACTORIES):
        rngs = (np.random.default_rng([zlib.crc32(category.encode()), k]) for k in range(count))
        logs = np.log([float(make_object(category, rng, fine=False).size.max()) for rng in rngs])
        print(f'    "{category}": ({np.exp(logs.mean()):.3f}, {logs.std():.3f}),', flush=True)


if __name__ == "__main__":
    run_script(main)

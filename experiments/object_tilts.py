"""How far the generated world's objects tilt where people use them: the table of `interplay.reconstruct.tilts`.

    python experiments/object_tilts.py --scenes 376

For each category the root mean square of the angle between its upward axis and the vertical, in radians: of those that
at least four relations are about, of which none tilts by more than 20 degrees, and whose longest side is at least a
third of a metre.
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import numpy as np

from interplay.cli import run_script
from interplay.reconstruct.sizes import size_prior
from interplay.world.sampler import sample_scene

MOST, LEAST_COUNT, LEAST_LENGTH = np.radians(20), 4, 1 / 3


def main() -> None:
    """Print the table's lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=376, help="generated scenes (376)")
    parser.add_argument("--seed", type=int, default=2201, help="of the scenes (2201)")
    arguments = parser.parse_args()
    tilts: dict[str, list[float]] = defaultdict(list)
    for index in range(arguments.scenes):
        scene = sample_scene(arguments.seed, index, 256)
        for relation in scene.relations:
            if relation.object is not None:
                found = scene.objects[relation.object]
                up = found.pose[2, 2] / np.linalg.norm(found.pose[:3, 2])
                tilts[found.category].append(float(np.arccos(np.clip(up, -1, 1))))
    for category in sorted(tilts):
        angles, longest = np.array(tilts[category]), size_prior(category).longest
        if len(angles) >= LEAST_COUNT and angles.max() <= MOST and longest is not None and longest >= LEAST_LENGTH:
            print(f'    "{category}": {np.sqrt((angles**2).mean()):.3f},  # of {len(angles)}', flush=True)


if __name__ == "__main__":
    run_script(main)

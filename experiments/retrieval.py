"""How often the right mesh is chosen from a folder by its outline, as by ``interplay reconstruct --meshes FOLDER``.

    python experiments/retrieval.py --scenes 40 --each 1 4

A folder gets one mesh each of a dozen categories of the generated world, and then four of each: individuals that are in
no scene. Scenes are those of ``experiments/reconstruct.py``, of the first person who touches an object of these
categories; masks and bodies are exact. "Depth known" has meshes that are larger or smaller than the mask where the
person is count less, as the command does. By chance one in twelve is right.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from interplay.cli import run_script
from interplay.pipeline.reconstruct.masks import body_mask
from interplay.pipeline.reconstruct.result import Person
from interplay.reconstruct.objects import best_candidate, candidates_of_folder
from interplay.world.objects import make_object
from reconstruct import Case, generated

CATEGORIES = (
    *("chair", "couch", "bench", "bottle", "tennis racket", "suitcase", "umbrella", "sports ball", "book", "cup"),
    *("skateboard", "surfboard"),
)


def write_meshes(folder: Path, count: int) -> None:
    """`count` individuals of each category as ``.obj``."""
    for k, category in enumerate(CATEGORIES):
        for each in range(count):
            mesh = make_object(category, np.random.default_rng([77, k, each])).mesh
            lines = [f"v {x:.5f} {y:.5f} {z:.5f}" for x, y, z in mesh.vertices]
            lines += [f"f {a} {b} {c}" for a, b, c in mesh.faces + 1]
            (folder / f"{category} {each}.obj").write_text("\n".join(lines), encoding="ascii")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=40)
    parser.add_argument("--seed", type=int, default=2203)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--each", type=int, nargs="+", default=[1, 4], help="meshes of each category (%(default)s)")
    arguments = parser.parse_args()
    cases: list[Case] = []
    index = 0
    while len(cases) < arguments.scenes:
        case = generated(arguments.seed, arguments.size, False, index)
        index += 1
        if case is not None and case.name in CATEGORIES:
            cases.append(case)
    table = Table("meshes", "depth", "right category", "among the best three")
    wrong: dict[str, list[str]] = defaultdict(list)
    for count in arguments.each:
        with tempfile.TemporaryDirectory() as name:
            write_meshes(Path(name), count)
            candidates, _ = candidates_of_folder(name)
        for known in (False, True):
            right = near = 0
            for case in track(cases, f"{len(candidates)} meshes", console=Console(stderr=True)):
                human = case.human[0]
                metres = float(np.median(human[:, 2])) / float(np.mean(case.camera.focal)) if known else None
                hidden = body_mask(Person(*case.human[:2], {}), case.camera, case.mask.shape[::-1]) & ~case.mask
                best = best_candidate(candidates, case.mask, hidden, metres)
                names = [Path(each).stem.rsplit(" ", 1)[0] for each in (best.name, *best.others)]
                right += names[0] == case.name
                near += case.name in names[:3]
                if known and count == arguments.each[-1] and names[0] != case.name:
                    wrong[case.name].append(names[0])
            row = (f"{right} of {len(cases)}", f"{near} of {len(cases)}")
            table.add_row(str(len(candidates)), "known" if known else "unknown", *row)
    console = Console(width=100)
    console.print(table)
    console.print("taken for:", "; ".join(f"{name}: {', '.join(each)}" for name, each in sorted(wrong.items())))


if __name__ == "__main__":
    run_script(main)

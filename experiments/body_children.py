"""What becomes of children whose height is given, and of those who are fitted as adults.

    python experiments/body_children.py generated-v2/test --people 12

Poses are those of people of generated scenes of whom at least twelve keypoints are in the picture. Each is taken by a
body of Anny's of 1.0 m, of 1.3 m and of an average adult, who stand on the same ground before the same camera. Their
keypoints, with as much noise as the fit expects, are fitted with the true height, as an adult, and as a child of 1 m.

"Distance" is by how many per cent the hips are farther away than they are (median), "told" the share of people whom the
fit itself takes for what they are: where the energy of the true height is below that of the other ones (an adult, a
child of 1 m).
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from body_fit import pa_mpjpe, people
from interplay.body.model import load_body_model
from interplay.body.pose import Body
from interplay.cli import run_script
from interplay.reconstruct import Intrinsics
from interplay.reconstruct.person import fit_body
from interplay.reconstruct.stature import description_of_height

HEIGHTS = (1.0, 1.3, None)
LEAST_KEYPOINTS = 12


def _is_seen(sample: Any, box: int) -> bool:
    return bool((sample.interactions.keypoints[box, :, 2] > 0).sum() >= LEAST_KEYPOINTS)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--people", type=int, default=12)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model, rng = load_body_model(), np.random.default_rng(0)
    errors = defaultdict(list)
    told = defaultdict(list)
    chosen = people(arguments.folder, range(10**6))
    for _ in track(range(arguments.people), console=Console(stderr=True)):
        _, _, scene, person = next(each for each in chosen if _is_seen(*each[:2]))
        camera, posed = scene.camera, scene.people[person].body
        intrinsics, size = Intrinsics.of(camera), (camera.width, camera.height)
        for height in HEIGHTS:
            rest = model.template if height is None else model.rest(description_of_height(height))
            body = Body(model, rest)
            body.local[:] = posed.local
            body.place_root(posed.root * [1, 1, rest.height / posed.rest.height], posed.local[0])
            vertices = (body.skin() - camera.position) @ camera.rotation.T
            truth = body.keypoints(vertices)
            pixels = intrinsics.project(torch.from_numpy(truth)).numpy()
            around = intrinsics.project(torch.from_numpy(vertices)).numpy()
            bounds = np.concatenate([around.min(0).clip(0), np.minimum(around.max(0), size)])
            inside = ((pixels > 0) & (pixels < size)).all(1)
            if inside.sum() < LEAST_KEYPOINTS:
                continue
            spread = 0.03 * np.sqrt(np.prod(bounds[2:] - bounds[:2]))
            points = np.column_stack([pixels + rng.normal(0, spread, pixels.shape), inside])
            energy = {}
            for given in dict.fromkeys((height, None, 1.0)):
                description = None if given is None else description_of_height(given)
                fit = fit_body(points, intrinsics, box=bounds, size=size, description=description)
                energy[given] = fit.residuals["energy"]
                farther = fit.keypoints[[11, 12], 2].mean() / truth[[11, 12], 2].mean() - 1
                errors[height, given].append((pa_mpjpe(fit.keypoints, truth), 100 * farther))
            told[height].append(energy[height] < min(value for key, value in energy.items() if key != height))
    table = Table("who", "fitted as", "people", "PA-MPJPE mm", "distance %", "told")
    for (height, given), rows in errors.items():
        pa, farther = np.array(rows).T
        names = [f"{each:g} m" if each is not None else "average adult" for each in (height, given)]
        share = f"{sum(told[height])} of {len(told[height])}" if height == given else ""
        table.add_row(*names, str(len(rows)), f"{pa.mean():.0f}", f"{np.median(farther):+.0f}", share)
    Console(width=100).print(table)


if __name__ == "__main__":
    run_script(main)

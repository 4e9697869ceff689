"""How near bodies fitted to keypoints come to the truth, beside the mean pose.

    python experiments/body_fit.py generated-v2/test --scenes 100

People of a generated data set of whom at least eight keypoints are seen; their poses are known from its seed. Bodies
are fitted to the exact keypoints that are seen, and to MoveNet's in the boxes around what is seen, with the camera that
is assumed for photographs, and with the true one.

PA-MPJPE is the mean distance in millimetres of the 17 keypoints to the true ones after the best rotation, scale and
translation; "turned" the median angle in degrees of the pelvis to the truth's; "hips together" the median distance in
cm of the keypoints to the truth's when only the middles of the hips are put together.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from interplay.body.alignment import align, transformed
from interplay.body.geometry import Array
from interplay.body.joints import set_pose
from interplay.body.model import load_body_model
from interplay.body.pose import Body
from interplay.cli import run_script
from interplay.datasets.generated import GeneratedDataset
from interplay.datasets.generated.files import SETTINGS_FILE, read_settings
from interplay.detectors.pose import load_pose_estimator
from interplay.reconstruct import Intrinsics
from interplay.reconstruct.person import assumed_camera, fit_body
from interplay.reconstruct.pose_prior import pose_prior
from interplay.world.sampler import sample_scene

LEAST_KEYPOINTS, LEAST_PIXELS = 8, 60


def people(folder: Path, scenes: int) -> Iterator[tuple[Any, int, Any, Any]]:
    """Sample, number of the box, the scene and the person's number in it."""
    data = GeneratedDataset(folder)
    settings = read_settings(folder / SETTINGS_FILE)
    for index in track(range(min(scenes, len(data))), "scenes", console=Console(stderr=True)):
        sample, record = data[index], data.records[index]
        scene = None
        for box, instance in enumerate(record["scene"]["instances"]):
            assert sample.interactions.keypoints is not None  # generated people have them
            keypoints = sample.interactions.keypoints[box]
            tall = np.ptp(sample.interactions.boxes[box][1::2]) >= LEAST_PIXELS
            if instance >= record["scene"]["people"] or not tall or (keypoints[:, 2] == 2).sum() < LEAST_KEYPOINTS:
                continue
            scene = scene or sample_scene(settings["seed"], sample.index, settings["size"])
            yield sample, box, scene, instance


def pa_mpjpe(found: Array, truth: Array) -> float:
    """Millimetres."""
    a, b = torch.from_numpy(found), torch.from_numpy(truth)
    R, t, s = align(a, b, scale=True)
    return 1000 * float((transformed(a, R, t, s) - b).norm(dim=1).mean())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scenes", type=int, default=100)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model, prior = load_body_model(), pose_prior()
    mean = Body(model, model.template)
    set_pose(mean, prior.weights @ prior.means)
    average = mean.keypoints(mean.skin())
    movenet = load_pose_estimator("movenet")
    errors: dict[str, list[tuple[float, float, float, float]]] = defaultdict(list)
    for sample, box, scene, person in people(arguments.folder, arguments.scenes):
        camera, body = scene.camera, scene.people[person].body
        truth = (body.keypoints(scene.posed[person]) - camera.position) @ camera.rotation.T
        pelvis = camera.rotation @ body.orientation("root")
        exact = sample.interactions.keypoints[box].astype(np.float64)
        exact[:, 2] = exact[:, 2] == 2
        bounds = sample.interactions.boxes[box]
        found = movenet.estimate(sample.image, bounds[None])[0]
        size = (camera.width, camera.height)
        errors["mean pose"].append((pa_mpjpe(average, truth), np.nan, np.nan, 0.0))
        for name, keypoints, noise in (("exact keypoints", exact, 0.4), ("MoveNet's", found, 1.0)):
            if (np.nan_to_num(keypoints[:, 2]) >= 0.2).sum() < 4:
                errors[f"{name}: no body"].append((np.nan,) * 4)
                continue
            for known in (False, True):
                given = Intrinsics.of(camera) if known else assumed_camera(*size)
                begin = time.process_time()
                fit = fit_body(keypoints, given, box=bounds, size=size, noise=noise)
                seconds = time.process_time() - begin
                own = fit.keypoints
                turned = np.degrees(np.arccos(np.clip((np.trace(fit.pelvis.T @ pelvis) - 1) / 2, -1, 1)))
                hips = [each[[11, 12]].mean(0) for each in (own, truth)]
                apart = np.linalg.norm((own - hips[0]) - (truth - hips[1]), axis=1).mean()
                label = f"{name}, {'true' if known else 'assumed'} camera"
                errors[label].append((pa_mpjpe(own, truth), turned, 100 * apart, seconds))
    table = Table("fit", "people", "PA-MPJPE mm, mean", "median", "turned", "hips together cm", "s")
    for name, rows in errors.items():
        pa, turned, apart, seconds = np.array(rows).T
        table.add_row(
            name,
            str(len(rows)),
            *(f"{np.mean(pa):.0f}", f"{np.median(pa):.0f}", f"{np.median(turned):.0f}", f"{np.median(apart):.0f}"),
            f"{np.median(seconds):.1f}",
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    run_script(main)

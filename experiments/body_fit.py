"""How near bodies fitted to keypoints come to the truth, beside the mean pose.

    python experiments/body_fit.py generated-v2/test --scenes 100

People of a generated data set of whom at least eight keypoints are seen; their poses are known from its seed. Bodies
are fitted to the exact keypoints that are seen, and to MoveNet's in the boxes around what is seen, with the camera that
is assumed for photographs, and with the true one; to MoveNet's also with a silhouette, the exact one or GrabCut's.

PA-MPJPE is the mean distance in millimetres of the 17 keypoints to the true ones after the best rotation, scale and
translation; "turned" the median angle in degrees of the pelvis to the truth's; "hips together" the median distance in
cm of the keypoints to the truth's when only the middles of the hips are put together. "IoU" is of the body's outline
and the true mask, without the pixels that show somebody or something else; its mean.
"""

from __future__ import annotations

import argparse
import multiprocessing
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
from interplay.detectors.masks import GrabCut
from interplay.detectors.pose import load_pose_estimator
from interplay.reconstruct import Intrinsics
from interplay.reconstruct.person import LEAST, SEEN, assumed_camera, fit_body
from interplay.reconstruct.pose_prior import pose_prior
from interplay.reconstruct.silhouette import depth_buffer
from interplay.world.sampler import sample_scene

LEAST_KEYPOINTS, LEAST_PIXELS = 8, 60
PARTS = 4  # processes


def people(folder: Path, scenes: range) -> Iterator[tuple[Any, int, Any, Any]]:
    """Sample, number of the box, the scene and the person's number in it."""
    data = GeneratedDataset(folder)
    settings = read_settings(folder / SETTINGS_FILE)
    for index in scenes[: len(range(scenes.start, len(data), scenes.step))]:
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


FITS = (
    "exact keypoints, assumed camera",
    "exact keypoints, true camera",
    "MoveNet's, assumed camera",
    "MoveNet's, true camera",
    "MoveNet's, assumed camera, exact mask",
    "MoveNet's, assumed camera, GrabCut's mask",
)
"""What is compared, besides the mean pose."""


def outline_overlap(vertices: Array, faces: Any, camera: Intrinsics, mask: Any, others: Any) -> float:
    """Intersection over union of a body's outline and a mask, outside of the pixels of others."""
    points = torch.from_numpy(vertices)
    depth = depth_buffer(camera.project(points), points[:, 2], torch.from_numpy(faces), mask.shape)
    shown = torch.isfinite(depth).numpy() & ~others
    return float((shown & mask).sum() / max((shown | mask).sum(), 1))


def measured(task: tuple[Path, int, int, tuple[str, ...]]) -> list[tuple[str, dict[str, float]]]:
    """Names of fits and their scores, of every k-th scene."""
    folder, scenes, part, names = task
    torch.set_num_threads(1)
    model, prior = load_body_model(), pose_prior()
    mean = Body(model, model.template)
    set_pose(mean, prior.weights @ prior.means)
    average = mean.keypoints(mean.skin())
    movenet, grabcut = load_pose_estimator("movenet"), GrabCut()
    out: list[tuple[str, dict[str, float]]] = []
    for sample, box, scene, person in people(folder, range(part, scenes, PARTS)):
        camera, body = scene.camera, scene.people[person].body
        truth = (body.keypoints(scene.posed[person]) - camera.position) @ camera.rotation.T
        pelvis = camera.rotation @ body.orientation("root")
        exact = sample.interactions.keypoints[box].astype(np.float64)
        exact[:, 2] = exact[:, 2] == 2
        bounds = sample.interactions.boxes[box]
        found = movenet.estimate(sample.image, bounds[None])[0]
        size = (camera.width, camera.height)
        mask, others = sample.mask == box + 1, (sample.mask != box + 1) & (sample.mask > 0)
        out.append(("mean pose", {"pa": pa_mpjpe(average, truth)}))
        for name in names:
            keypoints, noise = (exact, 0.4) if name.startswith("exact") else (found, 1.0)
            if (np.nan_to_num(keypoints[:, 2]) >= SEEN).sum() < LEAST:
                continue
            given = Intrinsics.of(camera) if "true camera" in name else assumed_camera(*size)
            seen: dict[str, Any] = {}
            if "exact mask" in name:
                seen = {"mask": mask, "unknown": others}
            elif "GrabCut" in name:
                seen = {"mask": grabcut(sample.image, bounds).mask}
            begin = time.process_time()
            fit = fit_body(keypoints, given, box=bounds, size=size, noise=noise, **seen)
            seconds = time.process_time() - begin
            turned = np.degrees(np.arccos(np.clip((np.trace(fit.pelvis.T @ pelvis) - 1) / 2, -1, 1)))
            hips = [each[[11, 12]].mean(0) for each in (fit.keypoints, truth)]
            apart = np.linalg.norm((fit.keypoints - hips[0]) - (truth - hips[1]), axis=1).mean()
            scores = {
                "pa": pa_mpjpe(fit.keypoints, truth),
                "turned": float(turned),
                "hips": 100 * float(apart),
                "iou": outline_overlap(fit.vertices, fit.faces, given, mask, others),
                "seconds": seconds,
            }
            out.append((name, scores))
    return out


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scenes", type=int, default=100)
    parser.add_argument("--fits", nargs="+", choices=FITS, default=FITS, metavar="NAME", help=f"of: {'; '.join(FITS)}")
    arguments = parser.parse_args()
    tasks = [(arguments.folder, arguments.scenes, part, tuple(arguments.fits)) for part in range(PARTS)]
    errors: dict[str, list[dict[str, float]]] = defaultdict(list)
    with multiprocessing.get_context("spawn").Pool(PARTS) as pool:
        for rows in track(pool.imap_unordered(measured, tasks), "parts", PARTS, console=Console(stderr=True)):
            for name, scores in rows:
                errors[name].append(scores)
    table = Table("fit", "people", "PA-MPJPE mm, mean", "median", "turned", "hips together cm", "IoU", "s")
    for name in ("mean pose", *arguments.fits):
        found = errors[name]

        def of(score: str, how: Any, digits: int = 0, found: list[dict[str, float]] = found) -> str:
            return f"{how([row[score] for row in found]):.{digits}f}" if found and score in found[0] else ""

        table.add_row(
            name,
            str(len(found)),
            *(of("pa", np.mean), of("pa", np.median), of("turned", np.median), of("hips", np.median)),
            *(of("iou", np.mean, 2), of("seconds", np.median, 1)),
        )
    Console(width=140).print(table)


if __name__ == "__main__":
    run_script(main)

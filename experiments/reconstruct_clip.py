"""How still and how near bodies and objects of a clip are, before and after smoothing over time.

    python experiments/reconstruct_clip.py clips 3 --rate 4 --output out

The folder is one of ``interplay synthesize --clips``; its clip is written as ``.mp4`` by ffmpeg and reconstructed as
`interplay reconstruct` does it, with everything found in the pictures. The truth is made again from the clip's seed.

"Jitter" is the mean second difference of positions from frame to frame in mm, of the 17 keypoints and of the object's
vertices against those of the same person's pelvis, so that the same body that moves evenly has none; the truth's own
is beside it. "Error" of a body is PA-MPJPE in mm, of an object the distance in cm of its middle from the truth's, both
measured from the pelvis of the person who touches it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from body_fit import pa_mpjpe
from interplay.body.geometry import Array
from interplay.body.model import load_body_model
from interplay.cli import run_script
from interplay.ops.boxes import box_iou
from interplay.pipeline.reconstruct import (
    Reconstruction,
    ReconstructOptions,
    Reconstructor,
    reconstruct_frames,
    smoothed,
    write_frames,
)
from interplay.reconstruct import Intrinsics
from interplay.world.motion import Motion
from interplay.world.sampler import sample_scene

WIDTHS = (0.0, 1.0, 2.0)


def truth_of(settings: dict[str, Any], index: int) -> Motion:
    """The moving scene of a clip."""
    scene = sample_scene(settings["seed"], index, settings["size"], acts=settings["acts"])
    rng = np.random.default_rng([settings["seed"], index, 2])
    return Motion(scene, rng, settings["frames"], settings["rate"])


def write_mp4(folder: Path, index: int, rate: float, target: Path) -> None:
    """The clip's pictures as a real clip."""
    pattern = folder / "images" / f"{index:06d}" / "%06d.jpg"
    command = ["ffmpeg", "-y", "-loglevel", "error", "-framerate", f"{rate:g}", "-i", str(pattern)]
    subprocess.run([*command, "-pix_fmt", "yuv420p", "-crf", "18", str(target)], check=True)


def second_difference(points: dict[int, Array]) -> list[float]:
    """Of points (P, 3) by frame, millimetres, wherever three frames follow each other."""
    return [
        1000 * float(np.linalg.norm(points[k - 1] - 2 * points[k] + points[k + 1], axis=1).mean())
        for k in points
        if k - 1 in points and k + 1 in points
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("clip", type=int)
    parser.add_argument("--rate", type=float, default=4.0)
    parser.add_argument("--pairs", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("clip"))
    arguments = parser.parse_args()
    settings = json.loads((arguments.folder / "clips.json").read_text(encoding="utf-8"))
    arguments.output.mkdir(parents=True, exist_ok=True)
    source = arguments.output / "clip.mp4"
    write_mp4(arguments.folder, arguments.clip, settings["rate"], source)
    worker = Reconstructor(ReconstructOptions(pairs=arguments.pairs))
    found = reconstruct_frames(worker, str(source), arguments.rate, Console(stderr=True))
    motion = truth_of(settings, arguments.clip)
    model = load_body_model()
    table = Table("smoothing, frames", "of", "frames", "jitter mm", "truth's", "error")
    for width in WIDTHS:
        frames = dict(zip(found, smoothed(list(found.values()), width), strict=True))
        if width == 1.0:
            write_frames(arguments.output, str(source), arguments.rate, frames)
        for row in compared(frames, motion, settings["rate"], model.keypoints):
            table.add_row(f"{width:g}", *row)
    Console(width=100).print(table)


def compared(
    frames: dict[float, Reconstruction], motion: Motion, rate: float, regressor: Array
) -> Sequence[tuple[str, ...]]:
    """A row for each person and object that are found, by their tracks."""
    mine: dict[tuple[str, int], dict[int, Array]] = {}
    true: dict[tuple[str, int], dict[int, Array]] = {}
    errors: dict[tuple[str, int], list[float]] = {}
    for number, (time, result) in enumerate(frames.items()):
        scene = motion[min(round(time * rate), len(motion) - 1)].scene
        camera = scene.camera
        posed = [(v - camera.position) @ camera.rotation.T for v in scene.posed]
        pelvis = {}
        for k, person in enumerate(result.people):
            points = regressor @ person.vertices
            which = _person_at(person.report["box"], posed[: len(scene.people)], camera)
            if which is None:
                continue
            truth = regressor @ posed[which]
            pelvis[k] = points[[11, 12]].mean(0), truth[[11, 12]].mean(0)
            key = ("person", person.track)
            mine.setdefault(key, {})[number] = points
            true.setdefault(key, {})[number] = truth
            errors.setdefault(key, []).append(pa_mpjpe(points, truth))
        for each in result.objects:
            same = [k for k, o in enumerate(scene.objects) if o.category == each.report["category"]]
            if not same or each.touches[0].person not in pelvis:
                continue
            own, other = pelvis[each.touches[0].person]
            placed = each.fit.place(each.candidate.vertices) - own
            truths = [posed[len(scene.people) + k] - other for k in same]
            truth = min(truths, key=lambda t: float(np.linalg.norm(_middle(t) - _middle(placed))))
            key = (each.report["category"], each.track)
            mine.setdefault(key, {})[number] = placed
            true.setdefault(key, {})[number] = truth
            errors.setdefault(key, []).append(100 * float(np.linalg.norm(_middle(placed) - _middle(truth))))
    rows = []
    for key, moved in mine.items():
        unit = "mm" if key[0] == "person" else "cm"
        rows.append(
            (
                f"{key[0]} {key[1]}",
                str(len(moved)),
                f"{np.mean(second_difference(moved) or [np.nan]):.0f}",
                f"{np.mean(second_difference(true[key]) or [np.nan]):.0f}",
                f"{np.mean(errors[key]):.0f} {unit}",
            )
        )
    return rows


def _middle(points: Array) -> Array:
    return (points.min(0) + points.max(0)) / 2


def _person_at(box: list[float], posed: list[Array], camera: Any) -> int | None:
    """The true person whose box is most like a found one."""
    boxes = []
    for points in posed:
        pixels = Intrinsics.of(camera).project(torch.from_numpy(points)).numpy()
        boxes.append(np.concatenate([pixels.min(0), pixels.max(0)]))
    overlap = box_iou(np.array([box]), np.array(boxes))[0]
    return int(overlap.argmax()) if overlap.max() > 0.4 else None


if __name__ == "__main__":
    run_script(main)

"""How often a warning of a fitted body is right: does the body fill the box of the person whose keypoints it is from?

    python experiments/body_warnings.py generated-v2/train generated-v2/test --scenes 60 --results warnings.jsonl

The threshold is chosen on the first folder of generated scenes, and counted on the second. Boxes are those of what is
seen of people, of 48 pixels' height or more, and, as a detector's mistakes, those of every second object. MoveNet gives
keypoints in each, and bodies are fitted with the assumed camera, as `interplay reconstruct` does. A body is wrong
where the box is no person's, or where the keypoints that it is fitted to are another's or another thing's: their median
distance to the person's true ones is above a tenth of the root of the box's area.

"Right" is the share of warned bodies that are wrong, "found" the share of wrong bodies that are warned of. PA-MPJPE is
of bodies in people's boxes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from body_fit import pa_mpjpe
from interplay.cli import run_script
from interplay.datasets.generated import GeneratedDataset
from interplay.datasets.generated.files import SETTINGS_FILE, read_settings
from interplay.detectors.pose import PoseEstimator, load_pose_estimator
from interplay.errors import InputError
from interplay.reconstruct.person import DOUBTFUL, FILLED, SEEN, assumed_camera, fit_body
from interplay.world.sampler import sample_scene

LEAST_PIXELS = 48
FALSE = 0.1
"""Median distance of keypoints to the true ones, in roots of the box's area, above which they are another's."""


def rows_of(folder: Path, index: int, movenet: PoseEstimator) -> list[dict[str, Any]]:
    """A row for each box of a scene in which a body is fitted."""
    data, settings = GeneratedDataset(folder), read_settings(folder / SETTINGS_FILE)
    sample, record = data[index], data.records[index]
    scene = sample_scene(settings["seed"], sample.index, settings["size"])
    camera, people = scene.camera, record["scene"]["people"]
    size = (camera.width, camera.height)
    rows = []
    for number, instance in enumerate(record["scene"]["instances"]):
        box = sample.interactions.boxes[number].astype(np.float64)
        width, height = box[2:] - box[:2]
        person = instance < people
        if height < LEAST_PIXELS or (not person and (number + index) % 2):
            continue
        keypoints = movenet.estimate(sample.image, box[None])[0].astype(np.float64)
        try:
            fit = fit_body(keypoints, assumed_camera(*size), box=box, size=size)
        except InputError:  # too few keypoints: no body, and nothing to warn of
            continue
        row = {
            "folder": folder.name,
            "index": index,
            "box": number,
            "what": record["labels"][number],
            "wrong": not person,
            "score": float(keypoints[np.nan_to_num(keypoints[:, 2]) >= SEEN, 2].mean()),
            **{f"{name} residual": value for name, value in fit.residuals.items()},
        }
        if person:
            assert sample.interactions.keypoints is not None
            true = sample.interactions.keypoints[number]
            known = (true[:, 2] > 0) & (np.nan_to_num(keypoints[:, 2]) >= SEEN)
            apart = np.linalg.norm(keypoints[known, :2] - true[known, :2], axis=1) / np.sqrt(width * height)
            row["wrong"] = not known.any() or bool(np.median(apart) > FALSE)
            body = scene.people[instance].body
            truth = (body.keypoints(scene.posed[instance]) - camera.position) @ camera.rotation.T
            row["pa"] = pa_mpjpe(fit.keypoints, truth)
        rows.append(row)
    return rows


SIGNS = {
    "box overlap below": ("box residual", -1),
    "mean score below": ("score", -1),
    "distance of keypoints above": ("keypoints residual", 1),
    "pose unlikely, above": ("prior residual", 1),
}
"""Signs that are compared: where they stand in a row, and whether larger or smaller values speak against a body."""


def best_threshold(rows: list[dict[str, Any]], sign: str, direction: int) -> float:
    """Where found and not found are balanced best (Youden's index)."""
    value = np.array([direction * row[sign] for row in rows])
    wrong = np.array([row["wrong"] for row in rows])
    scores = [(value[wrong] > each).mean() - (value[~wrong] > each).mean() for each in value]
    best = value[int(np.argmax(scores))]
    above = value[value > best]
    return direction * float((best + above.min()) / 2 if len(above) else best)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("choose", type=Path, help="generated scenes to choose thresholds on")
    parser.add_argument("check", type=Path, help="others to count on")
    parser.add_argument("--scenes", type=int, default=60)
    parser.add_argument("--results", type=Path, help="keeps each result; an interrupted run goes on")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    movenet = load_pose_estimator("movenet")
    done: list[dict[str, Any]] = []
    if arguments.results is not None and arguments.results.exists():
        done = [json.loads(line) for line in arguments.results.read_text(encoding="utf-8").splitlines()]
    for folder in (arguments.choose, arguments.check):
        first = max((row["index"] for row in done if row["folder"] == folder.name), default=-1) + 1
        for index in track(range(first, arguments.scenes), folder.name, console=Console(stderr=True)):
            rows = rows_of(folder, index, movenet)
            done += rows
            if arguments.results is not None:
                with arguments.results.open("a", encoding="utf-8") as file:
                    file.writelines(json.dumps(row) + "\n" for row in rows)
    chosen, counted = ([r for r in done if r["folder"] == f.name] for f in (arguments.choose, arguments.check))
    console = Console(width=140)
    for title, rows in (("chosen on", chosen), ("counted on", counted)):
        wrong = sum(row["wrong"] for row in rows)
        nobody = sum("pa" not in row for row in rows)
        console.print(f"{title}: {len(rows)} bodies, {wrong} of them wrong, {nobody} in no person's box")
        table = Table("sign", "threshold", "warned", "right", "found", "PA-MPJPE mm, warned", "others")
        for name, (sign, direction) in [*SIGNS.items(), ("in use: box or mean score", ("", 0))]:
            threshold = best_threshold(chosen, sign, direction) if sign else None
            warned = [
                direction * (row[sign] - threshold) > 0
                if threshold is not None
                else row["box residual"] < FILLED or row["score"] < DOUBTFUL
                for row in rows
            ]
            right = sum(row["wrong"] for row, each in zip(rows, warned, strict=True) if each)
            errors = [
                [row["pa"] for row, each in zip(rows, warned, strict=True) if "pa" in row and each == kind]
                for kind in (True, False)
            ]
            table.add_row(
                name,
                f"{FILLED:.2f}, {DOUBTFUL:.2f}" if threshold is None else f"{threshold:.2f}",
                str(sum(warned)),
                f"{right} of {sum(warned)}",
                f"{right} of {wrong}",
                *(f"{np.mean(each):.0f}" if each else "" for each in errors),
            )
        console.print(table)


if __name__ == "__main__":
    run_script(main)

"""How well a pose estimator finds the keypoints of generated people, and how long a person takes.

    interplay synthesize scenes --scenes 200 --seed 7 --size 480 --labels image
    python benchmarks/pose.py scenes                                   # MoveNet, at several margins
    python benchmarks/pose.py scenes --pose keypointrcnn-resnet50-fpn --weights FILE

Three kinds of boxes: exact ones; exact ones whose edges are moved by normal draws of 6 % of the side; and those of the
offline detector that overlap a person by at least 0.5. OKS is COCO's object keypoint similarity, over the keypoints in
the picture, hidden ones included; PCK the share of visible keypoints within a tenth of the box's longer side. A person
without pose counts as 0 in both. People of whom fewer than eight keypoints are visible, or who are lower than 60
pixels, are left out.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from interplay import load_detector, load_pose_estimator, read, read_image
from interplay.cli import run_script
from interplay.detectors.pose import PoseEstimator
from interplay.detectors.pose.movenet import MoveNet
from interplay.metrics.pose import BOX_SHARE, object_keypoint_similarity
from interplay.ops.boxes import box_area, box_iou

MARGINS = (0.9, 1.0, 1.05, 1.1, 1.2, 1.3, 1.5)
LEAST_VISIBLE, LEAST_HEIGHT = 8, 60
JITTER = 0.06


@dataclass(frozen=True)
class Sample:
    """A person of known pose.

    Attributes:
        image: (H, W, 3).
        box: (4,).
        pose: (17, 3) x, y, visibility: 0 outside the picture, 1 hidden, 2 visible.
    """

    image: NDArray[np.uint8]
    box: NDArray[np.float32]
    pose: NDArray[np.float32]


def people(folder: Path) -> Iterator[Sample]:
    """Everyone of whom enough is seen."""
    for annotated in read(folder / "annotations.jsonl"):
        if annotated.keypoints is None:
            continue
        image = read_image(folder / str(annotated.file))
        for box, pose in zip(annotated.boxes, annotated.keypoints, strict=True):
            if (pose[:, 2] == 2).sum() >= LEAST_VISIBLE and box[3] - box[1] >= LEAST_HEIGHT:
                yield Sample(image, box, pose)


def similarity(found: NDArray[np.float32], sample: Sample) -> float:
    """OKS, with the area that a person without segment has."""
    area = BOX_SHARE * box_area(sample.box[None])
    return float(object_keypoint_similarity(found[None], sample.pose[None], area)[0, 0])


def correct(found: NDArray[np.float32], sample: Sample) -> NDArray[np.bool_]:
    """Which visible keypoints are close enough."""
    visible = sample.pose[:, 2] == 2
    distance = np.linalg.norm(found[visible, :2] - sample.pose[visible, :2], axis=1)
    return distance < 0.1 * float((sample.box[2:] - sample.box[:2]).max())


def moved(samples: list[Sample]) -> list[NDArray[np.float32]]:
    """Boxes that are as wrong as a detector's."""
    draws = np.random.default_rng(0).normal(0, JITTER, (len(samples), 4))
    return [s.box + d * np.tile(s.box[2:] - s.box[:2], 2) for s, d in zip(samples, draws, strict=True)]


def detected(samples: list[Sample]) -> list[NDArray[np.float32] | None]:
    """The offline detector's box of each person, None for those it missed."""
    detector = load_detector(min_score=0.3)
    boxes: list[NDArray[np.float32] | None] = []
    for sample in samples:
        [found] = detector([sample.image])
        candidates = found.boxes[found.labels == 0]
        overlap = box_iou(candidates, sample.box[None])[:, 0] if len(candidates) else np.zeros(0)
        boxes.append(candidates[overlap.argmax()] if overlap.max(initial=0) >= 0.5 else None)
    return boxes


def row(estimator: PoseEstimator, samples: list[Sample], boxes: list[NDArray[np.float32] | None]) -> list[str]:
    """Number of people, of poses, OKS, PCK and milliseconds a person."""
    chosen = [(sample, box) for sample, box in zip(samples, boxes, strict=True) if box is not None]
    start = time.perf_counter()
    poses = [estimator.estimate(sample.image, box[None])[0] for sample, box in chosen]
    spent = time.perf_counter() - start
    scores = [similarity(pose, sample) for pose, (sample, _) in zip(poses, chosen, strict=True)]
    hits = np.concatenate([correct(pose, sample) for pose, (sample, _) in zip(poses, chosen, strict=True)])
    posed = sum(bool(np.isfinite(pose[0, 0])) for pose in poses)
    metrics = (np.mean(scores), np.mean(np.array(scores) >= 0.5), hits.mean())
    return [str(len(chosen)), str(posed), *(f"{f:.3f}" for f in metrics), f"{1000 * spent / len(chosen):.1f}"]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="what 'interplay synthesize' wrote")
    parser.add_argument("--pose", default="movenet", metavar="NAME", help="(default: %(default)s)")
    parser.add_argument("--weights", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    samples = list(people(arguments.folder))
    kinds: dict[str, Any] = {"exact": [s.box for s in samples], "moved": moved(samples), "detected": detected(samples)}
    estimators: dict[str, PoseEstimator]
    if arguments.pose == "movenet":
        estimators = {f"movenet, margin {margin}": MoveNet(margin) for margin in MARGINS}
    else:
        estimators = {arguments.pose: load_pose_estimator(arguments.pose, weights=arguments.weights)}
    table = Table("estimator", "boxes", "people", "poses", "OKS", "OKS >= 0.5", "PCK", "ms / person")
    for name, estimator in estimators.items():
        for kind, boxes in kinds.items():
            table.add_row(name, kind, *row(estimator, samples, boxes))
    Console().print(table)


if __name__ == "__main__":
    run_script(main)

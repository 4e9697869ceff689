"""What a detector finds of the people and objects annotated on photographs, and how many images a second it does.

    python benchmarks/detectors.py DATA/photos                          # both offline detectors
    python benchmarks/detectors.py PHOTOS --annotations FILE --detector PekingU/rtdetr_v2_r50vd

Recall and precision are at IoU 0.5 for boxes of the right class. V-COCO annotates only people and objects that take
part in an interaction, so precision counts every bystander as an error: it compares detectors, no more.
Photographs above 640 pixels are left out and counted: COCO has none, so they are others under a COCO name.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from interplay import load_annotations, load_detector, read_image
from interplay.cli import run_script
from interplay.detectors import Detections
from interplay.ops.boxes import box_iou

LARGEST_COCO_SIDE = 640
THRESHOLDS = (0.1, 0.2, 0.3, 0.5)
GROUPS = ("people", "objects")


def matched(truth: Detections, found: Detections) -> int:
    """Number of annotated boxes found, each by a box of its own: the best-scored detection chooses first."""
    overlap = box_iou(found.boxes, truth.boxes) * (found.labels[:, None] == truth.labels[None])
    for row in overlap[np.argsort(-found.scores, kind="stable")]:
        if row.max(initial=0) >= 0.5:
            overlap[:, row.argmax()] = -1  # taken
    return int((overlap == -1).any(0).sum())


def rates(truth: Sequence[Detections], found: Sequence[Detections], threshold: float) -> list[tuple[float, float]]:
    """Recall and precision for people and for objects."""
    result = []
    for people in (True, False):
        hits = annotated = detected = 0
        for expected, actual in zip(truth, found, strict=True):
            wanted = expected[(expected.labels == 0) == people]
            given = actual.filter(threshold)
            given = given[(given.labels == 0) == people]
            hits, annotated, detected = hits + matched(wanted, given), annotated + len(wanted), detected + len(given)
        result.append((hits / max(annotated, 1), hits / max(detected, 1)))
    return result


def load(folder: Path, annotations: Path) -> tuple[list[NDArray[np.uint8]], list[Detections], list[str], int]:
    """Images with annotated boxes, the boxes without repeats, names, and how many images were left out."""
    images, truth, names, left_out = [], [], [], 0
    for annotated in load_annotations("v-coco", annotations):
        image = read_image(folder / str(annotated.file))
        if max(image.shape) > LARGEST_COCO_SIDE:
            left_out += 1
        elif len(annotated.boxes):
            rows = np.unique(np.column_stack([annotated.boxes, annotated.labels]), axis=0)
            images.append(image)
            truth.append(Detections(rows[:, :4], rows[:, 4].astype(int), np.ones(len(rows), np.float32)))
            names.append(str(annotated.file))
    return images, truth, names, left_out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="a folder of V-COCO photographs")
    parser.add_argument("--annotations", type=Path, help="V-COCO's, in any form; by default PHOTOS/annotations.json")
    parser.add_argument("--detector", nargs="+", default=["ssd-mobilenet-v2", "ssd-mobilenet-v2-fast"])
    parser.add_argument("--repeat", type=int, default=2, help="passes over the photographs for the speed")
    arguments = parser.parse_args()
    console = Console()
    images, truth, names, left_out = load(
        arguments.photos, arguments.annotations or arguments.photos / "annotations.json"
    )
    people = sum(int((t.labels == 0).sum()) for t in truth)
    console.print(
        f"{len(images)} photographs with {people} people and {sum(map(len, truth)) - people} objects annotated; "
        f"{left_out} left out as too large to be COCO's"
    )
    for name in arguments.detector:
        table = Table("min. score", *(f"{g}: {what}" for g in GROUPS for what in ("recall", "precision")))
        detector = load_detector(name, min_score=min(THRESHOLDS))
        found = detector(images, names)
        started = time.perf_counter()
        for _ in range(arguments.repeat):
            for image, file in zip(images, names, strict=True):
                detector([image], [file])
        speed = arguments.repeat * len(images) / (time.perf_counter() - started)
        for threshold in THRESHOLDS:
            numbers = [f"{value:.3f}" for pair in rates(truth, found, threshold) for value in pair]
            table.add_row(f"{threshold}", *numbers)
        console.print(f"\n{name}: {speed:.1f} images/s, one at a time")
        console.print(table)


if __name__ == "__main__":
    run_script(main)

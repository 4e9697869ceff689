"""How much of what people do on photographs is found, and how much of what is said is annotated.

    python benchmarks/photographs.py DATA/photos [--model FILE] [--detector NAME] [--detector-score 0.1 0.2]

An interaction is right where its verb is annotated for a person and an object that overlap with its own by IoU 0.5 or
more; each annotation counts once. V-COCO annotates some people only, so that precision also counts what is true and not
annotated: it is a lower bound. Intervals (95 %) are of a bootstrap over photographs. Photographs above 640 pixels are
left out: COCO has none, so they are others under a COCO name.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from interplay import Interactions, load_annotations, load_detector, load_model, read_image
from interplay.cli import run_script
from interplay.datasets.images import COCO_LONGEST_SIDE
from interplay.ops.boxes import box_iou

THRESHOLDS = (0.1, 0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6)
Photograph = tuple[Interactions, NDArray[np.uint8]]


def photographs(folder: Path, annotations: Path) -> list[Photograph]:
    """Annotated photographs with an interaction between a person and an object."""
    found = [
        (annotated, read_image(folder / str(annotated.file))) for annotated in load_annotations("v-coco", annotations)
    ]
    return [(a, image) for a, image in found if (a.object >= 0).any() and max(image.shape) <= COCO_LONGEST_SIDE]


def counts(truth: Interactions, found: Interactions, threshold: float) -> NDArray[np.int64]:
    """Right, wrong and missing interactions with an object."""
    overlap = box_iou(found.boxes, truth.boxes) >= 0.5
    wanted = [
        (h, o, truth.vocabulary.verbs[v])
        for h, o, v in zip(truth.human.tolist(), truth.object.tolist(), truth.verb.tolist(), strict=True)
        if o >= 0
    ]
    left, right, said = list(wanted), 0, 0
    for t in np.argsort(-found.score, kind="stable").tolist():
        h, o, verb = int(found.human[t]), int(found.object[t]), found.vocabulary.verbs[found.verb[t]]
        if o < 0 or found.score[t] < threshold:
            continue
        said += 1
        match = next((w for w in left if w[2] == verb and overlap[h, w[0]] and overlap[o, w[1]]), None)
        if match is not None:
            left.remove(match)
            right += 1
    return np.array([right, said - right, len(left)])


def rates(rows: NDArray[np.int64]) -> tuple[float, float]:
    """Precision and recall of (N, 3) counts."""
    right, wrong, missing = rows.sum(0)
    return right / max(right + wrong, 1), right / max(right + missing, 1)


def interval(rows: NDArray[np.int64], column: int) -> tuple[float, float]:
    """95 % bootstrap interval of precision (0) or recall (1) over photographs."""
    generator = np.random.default_rng(0)
    draws = [rates(rows[generator.integers(len(rows), size=len(rows))])[column] for _ in range(1000)]
    low, high = np.quantile(draws, (0.025, 0.975))
    return float(low), float(high)


def main() -> None:
    """Print a table per detector score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--annotations", type=Path, help="V-COCO's, in any form; by default PHOTOS/annotations.json")
    parser.add_argument("--model", default="tin-spatial-vcoco")
    parser.add_argument("--detector", default="ssd-mobilenet-v2")
    parser.add_argument("--detector-score", type=float, nargs="+", default=[0.1, 0.2])
    parser.add_argument("--same-box", type=float, help="as of 'interplay detect'")
    parser.add_argument("--same-person", type=float, help="as of 'interplay detect'")
    parser.add_argument("--only", default="", help="only photographs with this in their names, such as train2014")
    arguments = parser.parse_args()
    data = photographs(arguments.photos, arguments.annotations or arguments.photos / "annotations.json")
    data = [(truth, image) for truth, image in data if arguments.only in str(truth.file)]
    model, console = load_model(arguments.model, device="cpu"), Console(width=120)
    wanted = sum(int((truth.object >= 0).sum()) for truth, _ in data)
    console.print(f"{len(data)} photographs with {wanted} annotated interactions with an object")
    for score in arguments.detector_score:
        detector = load_detector(
            arguments.detector, min_score=score, same_box=arguments.same_box, same_person=arguments.same_person
        )
        found = [model.predict(image, detections=detector([image])[0], min_score=0) for _, image in data]
        table = Table("threshold", "right", "unmatched", "missing", "precision", "95 %", "recall", "95 %")
        for threshold in THRESHOLDS:
            rows = np.array([counts(truth, f, threshold) for (truth, _), f in zip(data, found, strict=True)])
            numbers = [f"{value}" for value in rows.sum(0)]
            for column, value in enumerate(rates(rows)):
                low, high = interval(rows, column)
                numbers += [f"{value:.2f}", f"{low:.2f}-{high:.2f}"]
            table.add_row(f"{threshold}", *numbers)
        console.print(f"\n{arguments.detector} from {score} on")
        console.print(table)


if __name__ == "__main__":
    run_script(main)

"""What detectors find of the people and objects annotated on photographs, and how many images a second they do.

    python benchmarks/detectors.py DATA/photos                          # the offline detectors, and choices of boxes
    python benchmarks/detectors.py DATA/photos --threads                # also: what OpenCV's number of threads does
    python benchmarks/detectors.py DATA/photos --openvino               # also: the same graph run by OpenVINO
    python benchmarks/detectors.py PHOTOS --annotations FILE --detector PekingU/rtdetr_v2_r50vd

Recall and precision are at IoU 0.5 for boxes of the right class. V-COCO annotates only people and objects that take
part in an interaction, so precision counts every bystander as an error: it compares detectors, no more. "Both boxes" is
the share of annotated interactions with an object of which person and object are both found: what a two-stage model can
find at most. Intervals are 95 % of bootstrap samples over photographs. Speeds are of one image at a time; the choices
take turns, image by image, so that what else the machine does meets all of them alike.
Photographs above 640 pixels are left out and counted: COCO has none, so they are others under a COCO name.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from interplay import load_annotations, load_detector, read_image
from interplay.cli import run_script
from interplay.datasets.images import COCO_LONGEST_SIDE
from interplay.detectors import Detections, Detector
from interplay.ops.boxes import box_iou

OFFLINE = (
    "ssd-mobilenet-v2",
    "ssd-mobilenet-v2-whole",
    "ssd-mobilenet-v2-fast",
    "ssd-mobilenet-v2-flip",
    "ssd-mobilenet-v2-flip-coarse",
)
CHOICES: tuple[dict[str, float], ...] = (
    {"min_score": 0.1},
    {"min_score": 0.2},
    {"min_score": 0.3},
    {"min_score": 0.1, "same_box": 0.9},
    {"min_score": 0.2, "same_box": 0.9},
    {"min_score": 0.1, "same_box": 0.9, "same_person": 0.4},
    {"min_score": 0.2, "same_box": 0.9, "same_person": 0.4},
)
MEASURES = ("people: recall", "precision", "objects: recall", "precision", "both boxes")
SAMPLES = 2000


@dataclass
class Photograph:
    """An image with its annotations: each box once, and rows of (person, object) among them."""

    image: NDArray[np.uint8]
    name: str
    truth: Detections
    pairs: NDArray[np.int64]


def matched(truth: Detections, found: Detections) -> NDArray[np.bool_]:
    """(N,) which annotated boxes are found, each by a box of its own: the best-scored detection chooses first."""
    overlap = box_iou(found.boxes, truth.boxes) * (found.labels[:, None] == truth.labels[None])
    for row in overlap[np.argsort(-found.scores, kind="stable")]:
        if row.max(initial=0) >= 0.5:
            overlap[:, row.argmax()] = -1  # taken
    return (overlap == -1).any(0)


def counts(photo: Photograph, found: Detections) -> list[tuple[int, int]]:
    """(hits, of how many) for each of `MEASURES`."""
    hit = matched(photo.truth, found)
    result = []
    for wanted, given in ((photo.truth.people, found.people), (~photo.truth.people, ~found.people)):
        hits = int(hit[wanted].sum())
        result += [(hits, int(wanted.sum())), (hits, int(given.sum()))]
    return [*result, (int(hit[photo.pairs].all(1).sum()), len(photo.pairs))]


def with_intervals(rows: NDArray[np.float64]) -> list[str]:
    """Each measure of (P, M, 2) hits and numbers of P photographs, with its 95 % interval."""
    drawn = np.random.default_rng(0).integers(0, len(rows), (SAMPLES, len(rows)))
    samples = rows[drawn].sum(1)
    rates = samples[..., 0] / np.maximum(samples[..., 1], 1)
    low, high = np.quantile(rates, (0.025, 0.975), axis=0)
    total = rows.sum(0)
    return [
        f"{hits / max(number, 1):.2f} ({least:.2f} to {most:.2f})"
        for (hits, number), least, most in zip(total, low, high, strict=True)
    ]


def load(folder: Path, annotations: Path) -> tuple[list[Photograph], int]:
    """Photographs with annotated boxes, and how many were left out."""
    photos, left_out = [], 0
    for annotated in load_annotations("v-coco", annotations):
        image = read_image(folder / str(annotated.file))
        if max(image.shape) > COCO_LONGEST_SIDE:
            left_out += 1
        elif len(annotated.boxes):
            every = np.column_stack([annotated.boxes, annotated.labels])
            rows, place = np.unique(every, axis=0, return_inverse=True)
            truth = Detections(rows[:, :4], rows[:, 4].astype(int), np.ones(len(rows), np.float32))
            whole = annotated.object >= 0
            pairs = place.reshape(-1)[np.column_stack([annotated.human[whole], annotated.object[whole]])]
            photos.append(Photograph(image, str(annotated.file), truth, pairs))
    return photos, left_out


def speeds(detectors: Mapping[str, Callable[[Photograph], object]], photos: Sequence[Photograph], repeat: int) -> None:
    """Print images a second of each, and beside the first one's."""
    seconds: dict[str, list[float]] = {name: [] for name in detectors}
    for detect in detectors.values():
        detect(photos[0])
    for _ in range(repeat):
        for photo in photos:
            for name, detect in detectors.items():
                started = time.perf_counter()
                detect(photo)
                seconds[name].append(time.perf_counter() - started)
    table = Table("detector", "images/s, median", "time, beside the first")
    median = {name: float(np.median(values)) for name, values in seconds.items()}
    first = next(iter(median.values()))
    for name, value in median.items():
        table.add_row(name, f"{1 / value:.1f}", f"{value / first:.2f}")
    Console().print(table)


def thread_times(photos: Sequence[Photograph], repeat: int) -> None:
    """Print what OpenCV's number of threads does to the default detector."""
    import cv2

    detector = load_detector()
    usual = cv2.getNumThreads()

    def with_threads(number: int) -> Callable[[Photograph], object]:
        def detect(photo: Photograph) -> object:
            cv2.setNumThreads(number)
            return detector([photo.image])

        return detect

    numbers = sorted({1, 2, os.cpu_count() or 1})
    speeds({f"OpenCV with {number} threads": with_threads(number) for number in numbers}, photos, repeat)
    cv2.setNumThreads(usual)


def openvino_times(photos: Sequence[Photograph], repeat: int) -> None:
    """Print how fast OpenVINO runs the same graph, which takes its input at 300 x 300 only."""
    import cv2
    import openvino

    from interplay.detectors.ssd_mobilenet import graph_files

    started = time.perf_counter()
    core = openvino.Core()
    model = core.read_model(graph_files()[0])
    model.reshape({model.inputs[0].any_name: [1, 300, 300, 3]})
    compiled = core.compile_model(model, "CPU", {"PERFORMANCE_HINT": "LATENCY"})
    print(f"OpenVINO {openvino.__version__}: {time.perf_counter() - started:.1f} s to read and plan the graph")
    fast = load_detector("ssd-mobilenet-v2-fast")

    def detect(photo: Photograph) -> object:
        return compiled(cv2.resize(photo.image, (300, 300), interpolation=cv2.INTER_AREA)[None])

    speeds({"OpenCV, 300": lambda photo: fast([photo.image]), "OpenVINO, 300": detect}, photos, repeat)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="a folder of V-COCO photographs")
    parser.add_argument("--annotations", type=Path, help="V-COCO's, in any form; by default PHOTOS/annotations.json")
    parser.add_argument("--detector", nargs="+", default=list(OFFLINE))
    parser.add_argument("--repeat", type=int, default=2, help="passes over the photographs for the speed")
    parser.add_argument("--threads", action="store_true", help="also the effect of OpenCV's number of threads")
    parser.add_argument("--openvino", action="store_true", help="also OpenVINO, which must be installed")
    arguments = parser.parse_args()
    console = Console(width=200)
    photos, left_out = load(arguments.photos, arguments.annotations or arguments.photos / "annotations.json")
    people = sum(int(photo.truth.people.sum()) for photo in photos)
    console.print(
        f"{len(photos)} photographs with {people} people and {sum(len(p.truth) for p in photos) - people} objects, and "
        f"{sum(len(p.pairs) for p in photos)} interactions with an object annotated; {left_out} left out as too large "
        "to be COCO's"
    )
    table = Table("detector", "choice", *MEASURES, "boxes an image")
    detectors: dict[str, Detector] = {}
    for name in arguments.detector:
        detectors[name] = load_detector(name, min_score=min(choice["min_score"] for choice in CHOICES))
        everything = [detectors[name]([photo.image], [photo.name])[0] for photo in photos]
        for choice in CHOICES:
            found = [
                each.filter(choice["min_score"]).distinct(choice.get("same_box"), choice.get("same_person"))
                for each in everything
            ]
            rows = np.array([counts(photo, each) for photo, each in zip(photos, found, strict=True)], float)
            told = ", ".join(f"{key} {value:g}" for key, value in choice.items())
            table.add_row(name, told, *with_intervals(rows), f"{np.mean([len(each) for each in found]):.1f}")
    console.print(table)
    calls = {name: _call(detector) for name, detector in detectors.items()}
    speeds(calls, photos, arguments.repeat)
    if arguments.threads:
        thread_times(photos, arguments.repeat)
    if arguments.openvino:
        openvino_times(photos, arguments.repeat)


def _call(detector: Detector) -> Callable[[Photograph], object]:
    return lambda photo: detector([photo.image], [photo.name])


if __name__ == "__main__":
    run_script(main)

"""How a detector's boxes differ from annotated ones, as the trainings of `tin_spatial` imitate it.

    python benchmarks/detector_noise.py --photos DATA/photos --generated SCENES [--detector-score 0.1]

SCENES is what ``interplay synthesize SCENES --scenes 65 --seed 11 --size 640`` wrote. Photographs are V-COCO's training
images (`--only` takes others), annotated with the people and objects that take part in an interaction. Scenes have
every visible thing annotated. An annotated box is found where a box of its class overlaps it by IoU 0.5 or more. Of the
other boxes, *copies* overlap an annotated box of their class by more than 0.3, *confused* ones a box of another class
by more than 0.5, and *others* none. Sizes are square roots of areas, as shares of the image's longer side. Compare the
rows with `interplay.models.tin_spatial.augmentation.MEASURED`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.optimize import minimize
from scipy.special import logit
from scipy.stats import norm

from interplay import load_annotations, load_detector, read_image
from interplay.cli import run_script
from interplay.datasets.images import COCO_LONGEST_SIDE, ImageFinder
from interplay.detectors import Detections, Detector
from interplay.ops.boxes import box_iou

SIZES = (0.0, 0.05, 0.1, 0.2, 0.4, 1.5)
QUANTILES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
Image = tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.str_]]


def photographs(folder: Path, only: str) -> Iterator[Image]:
    """Pixels, boxes (N, 4) and names (N,) of photographs with `only` in their names."""
    for annotated in load_annotations("v-coco", folder / "annotations.json"):
        pixels = read_image(folder / str(annotated.file))
        if only in str(annotated.file) and len(annotated.boxes) and max(pixels.shape) <= COCO_LONGEST_SIDE:
            rows = np.unique(np.column_stack([annotated.boxes, annotated.labels]), axis=0)
            names = np.array(annotated.vocabulary.objects)
            yield pixels, rows[:, :4].astype(np.float32), names[rows[:, 4].astype(int)]


def scenes(folder: Path, objects: tuple[str, ...]) -> Iterator[Image]:
    """The same of a generated folder's scenes, of objects that the detector knows."""
    finder = ImageFinder(folder)
    for annotated in load_annotations("generated", folder):
        path = finder.find(str(annotated.file))
        names = np.array(annotated.vocabulary.objects)[annotated.labels]
        known = np.isin(names, objects)
        if path is not None and known.any():
            yield read_image(path), annotated.boxes[known], names[known]


class Noise:
    """What was counted over images."""

    def __init__(self, images: Iterable[Image], detector: Detector) -> None:
        self.images = 0
        self.found: dict[bool, list[bool]] = {True: [], False: []}  # by whether it is a person
        self.edges: list[NDArray[np.float32]] = []
        self.scores: dict[tuple[bool, str], list[float]] = {}
        self.sizes: dict[tuple[bool, str], list[float]] = {}
        self.objects: list[tuple[float, float]] = []  # size and score of each that is annotated, 0 if missed
        self.least = 1.0
        for pixels, boxes, names in images:
            self.images += 1
            self._add(detector([pixels])[0], np.array(detector.objects), pixels, boxes, names)

    def _add(
        self,
        found: Detections,
        objects: NDArray[np.str_],
        pixels: NDArray[np.uint8],
        boxes: NDArray[np.float32],
        names: NDArray[np.str_],
    ) -> None:
        labels = objects[found.labels]
        overlap, same = box_iou(found.boxes, boxes), labels[:, None] == names
        left, taken = np.where(same, overlap, 0), np.zeros(len(found), bool)
        hit = np.zeros(len(boxes))  # the score of what found it
        longer = max(pixels.shape)
        self.least = min(self.least, *found.scores.tolist(), 1.0)
        for row in np.argsort(-found.scores, kind="stable"):
            column = int(left[row].argmax())
            if left[row, column] >= 0.5:
                hit[column], taken[row], left[:, column] = found.scores[row], True, 0
                size = np.tile(boxes[column, 2:] - boxes[column, :2], 2)
                self.edges.append((found.boxes[row] - boxes[column]) / size)
        for name, was_hit in zip(names, hit, strict=True):
            self.found[name == "person"].append(bool(was_hit))
        thing = names != "person"
        self.objects += zip(side(boxes[thing], longer).tolist(), hit[thing].tolist(), strict=True)
        copy = (overlap * same > 0.3).any(1)
        confused = (overlap * ~same > 0.5).any(1)
        sizes = side(found.boxes, longer).tolist()
        for row, (label, score) in enumerate(zip(labels, found.scores.tolist(), strict=True)):
            kind = "found" if taken[row] else "copies" if copy[row] else "confused" if confused[row] else "others"
            self.scores.setdefault((label == "person", kind), []).append(score)
            self.sizes.setdefault((label == "person", kind), []).append(sizes[row])

    def rows(self) -> Iterator[tuple[str, str]]:
        """What there is to tell, and numbers."""
        yield "images", f"{self.images}"
        for person, what in ((True, "people"), (False, "objects")):
            yield f"{what} annotated", f"{len(self.found[person])}"
            yield f"{what} missed", f"{1 - np.mean(self.found[person]):.2f}"
        edges = np.array(self.edges)
        spread = np.quantile(np.abs(edges), 0.68)
        yield "edges: 68 % of the differences are below, of the box's size", f"{spread:.3f}"
        for person, what in ((True, "people"), (False, "objects")):
            for kind in ("found", "copies", "confused", "others"):
                scores = self.scores.get((person, kind), [])
                told = " ".join(f"{value:.2f}" for value in np.quantile(scores, QUANTILES)) if scores else ""
                yield (
                    f"{what}, {kind}: number an image; quantiles of scores",
                    f"{len(scores) / self.images:.2f}; {told}",
                )
        sizes, scores = np.array(self.objects).T
        part = np.digitize(sizes, SIZES[1:-1])
        for k in range(len(SIZES) - 1):
            mine = scores[part == k]
            told = f"; {np.mean(mine == 0):.2f}; {np.median(mine[mine > 0]):.2f}" if mine.any() else ""
            yield (
                f"objects of size {SIZES[k]:g} to {SIZES[k + 1]:g}: number; missed; median score",
                f"{len(mine)}{told}",
            )
        for person, what in ((True, "people"), (False, "objects")):
            counts, _ = np.histogram(self.sizes.get((person, "others"), []), SIZES)
            yield f"{what}, others: number an image by size", " ".join(f"{n / self.images:.2f}" for n in counts)
        a, b, deviation = score_line(sizes, scores, self.least)
        yield "objects' log-odds: a + b x logarithm of size, deviation", f"{a:.1f} + {b:.1f} x, {deviation:.1f}"


def side(boxes: NDArray[np.float32], longer: int) -> NDArray[np.float32]:
    """(N,) square roots of areas, as shares of the image's longer side."""
    return np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)) / longer


def score_line(sizes: NDArray[np.float64], scores: NDArray[np.float64], least: float) -> tuple[float, float, float]:
    """The likeliest normal log-odds of scores about a line over log(size), of which those below `least` are missed."""
    found, at = scores > 0, np.log(sizes)
    odds, lowest = logit(scores[found].clip(0.01, 0.995)), logit(least)

    def unlikely(values: NDArray[np.float64]) -> float:
        middle, deviation = values[0] + values[1] * at, np.exp(values[2])
        seen = norm.logpdf(odds, middle[found], deviation).sum()
        return -float(seen + norm.logcdf(lowest, middle[~found], deviation).sum())

    a, b, deviation = minimize(unlikely, np.array([3.0, 1.0, 0.0]), method="Nelder-Mead").x
    return a, b, float(np.exp(deviation))


def main() -> None:
    """Print a column per source."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="photographs with annotations.json")
    parser.add_argument("--only", default="train2014", help="only photographs with this in their names")
    parser.add_argument("--generated", type=Path, help="what 'interplay synthesize' wrote")
    parser.add_argument("--detector", default="ssd-mobilenet-v2")
    parser.add_argument("--detector-score", type=float, default=0.1)
    arguments = parser.parse_args()
    detector = load_detector(arguments.detector, min_score=arguments.detector_score)
    sources: dict[str, Iterator[Image]] = {}
    if arguments.photos:
        sources["photographs"] = photographs(arguments.photos, arguments.only)
    if arguments.generated:
        sources["generated scenes"] = scenes(arguments.generated, tuple(detector.objects))
    if not sources:
        parser.error("nothing to measure: give --photos, --generated or both")
    columns = [list(Noise(images, detector).rows()) for images in sources.values()]
    table = Table("quantiles " + " ".join(f"{q:g}" for q in QUANTILES), *sources)
    for cells in zip(*columns, strict=True):
        table.add_row(cells[0][0], *(value for _, value in cells))
    Console(width=160).print(table)


if __name__ == "__main__":
    run_script(main)

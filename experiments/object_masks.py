"""How well GrabCut finds objects in their boxes, on rendered scenes of the generated world.

    python experiments/object_masks.py generated-v2/test --objects 60

The folder is what ``interplay synthesize`` writes. Objects are those of interactions of which at least 60 pixels are
seen, with their true boxes and the true masks of the people who use them. Columns: by how much small boxes are enlarged
at most, the mean and the median of the overlap (IoU) with the true mask, the share of objects whose overlap is above
one half, and the share for which no outline is found, so that the mask is the whole box.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from interplay.cli import run_script
from interplay.detectors.masks import GrabCut
from interplay.images import read_image

LEAST_PIXELS = 60


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="scenes with pictures and masks")
    parser.add_argument("--objects", type=int, default=60, help="how many at least (60)")
    parser.add_argument("--larger", type=float, nargs="+", default=[1.0, 4.0], help="times that are compared (1 4)")
    arguments = parser.parse_args()
    segmenters = [GrabCut(larger) for larger in arguments.larger]
    overlaps: list[list[float]] = []
    without: list[list[bool]] = []
    with (arguments.folder / "annotations.jsonl").open(encoding="utf-8") as lines:
        for scene in map(json.loads, lines):
            if len(overlaps) >= arguments.objects:
                break
            image = read_image(arguments.folder / scene["file"])
            with Image.open(arguments.folder / "masks" / f"{Path(scene['file']).stem}.png") as picture:
                numbers = np.array(picture)
            used = [(each["object"], each["human"]) for each in scene["interactions"] if each["object"] is not None]
            for index in sorted({object for object, _ in used}):
                truth = numbers == index + 1
                if truth.sum() < LEAST_PIXELS:
                    continue
                people = np.isin(numbers, [human + 1 for object, human in used if object == index])
                x1, y1, x2, y2 = scene["boxes"][index]
                seen = [segmenter(image, [x1, y1, x2, y2], people) for segmenter in segmenters]
                overlaps.append([float((mask & truth).sum() / (mask | truth).sum()) for mask, _ in seen])
                without.append([not each.outline for each in seen])
    found, boxes = np.array(overlaps), np.array(without)
    print(f"{len(found)} objects\nlarger  IoU mean  median  > 0.5  whole box")
    for k, larger in enumerate(arguments.larger):
        iou = found[:, k]
        numbers_found = iou.mean(), np.median(iou), (iou > 0.5).mean(), boxes[:, k].mean()
        print(f"{larger:6.1f}", *(f"{value:9.3f}" for value in numbers_found))


if __name__ == "__main__":
    run_script(main)

"""Which TIN should be the default: on boxes alone, or with pixels and poses too?

    python experiments/tin_default.py --generated generated-v1/ --photos photos/ \\
        --model boxes=runs/transfer/generated-0/model.safetensors \\
        --model pixels=runs/tin_nano_d/model.safetensors

Every model gets the same annotated boxes of generated test scenes and of V-COCO's test photographs, and poses by the
offline estimator; scored are the same pairs, each person whose actions are known x every other box, by the mean AP over
the verbs that V-COCO and the generated world share. The default model, which learnt from V-COCO's boxes, is always
among them. A network that looks at pixels is shown as it is used (D only removes pairs), with scores times D, and as
if no pose had been found; only D looks at poses. Several files of one name are trainings of several seeds.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from generated_world import VERBS, enter_scores, pairs
from interplay import Interactions, InteractionTable, Vocabulary, load_annotations, load_model, read_image
from interplay.cli import run_script
from interplay.datasets.images import ImageFinder
from interplay.detectors import Detections
from interplay.detectors.pose import add_poses, load_pose_estimator
from interplay.metrics.pairs import mean_pair_average_precision
from interplay.models.base import HoiModel
from interplay.models.tin.model import TinModel
from interplay.zoo import DEFAULT_MODEL
from tables import percent
from tin_spatial import photographs

Predictor = Callable[[NDArray[np.uint8], Detections], Interactions]


def as_used(model: HoiModel) -> Predictor:
    """What the model predicts."""
    return lambda image, given: model.predict(image, detections=given, min_score=0)


def times_interactiveness(model: HoiModel, poses: bool = True) -> Predictor:
    """Scores of a TIN network, which uses D to remove pairs only, times D; `poses`: D sees people's poses."""

    def predict(image: NDArray[np.uint8], given: Detections) -> Interactions:
        found = model.predict(image, detections=given if poses else replace(given, keypoints=None), min_score=0)
        return found if found.interactiveness is None else replace(found, score=found.score * found.interactiveness)

    return predict


def predictors_of(name: str, model: HoiModel) -> dict[str, Predictor]:
    """The ways to use a model, by name."""
    if not isinstance(model, TinModel):
        return {name: as_used(model)}
    ways = {name: as_used(model)}
    if model.config.decoding.suppress:
        ways[f"{name}, C x D"] = times_interactiveness(model)
        ways[f"{name}, C x D, no poses"] = times_interactiveness(model, poses=False)
    return ways


def shared_verbs(vocabulary: Vocabulary) -> dict[int, int]:
    """Verbs of V-COCO or of the generated world -> V-COCO's."""
    vcoco = Vocabulary.load("v-coco")
    names = {name: name for name in VERBS.values()} if vocabulary.name == vcoco.name else VERBS
    return {vocabulary.verb_index(a): vcoco.verb_index(b) for a, b in names.items() if a in vocabulary.verbs}


def mean_ap(
    predictors: Mapping[str, Predictor], truth: InteractionTable, images: Sequence[Path | NDArray[np.uint8]]
) -> tuple[dict[str, float], dict[str, int]]:
    """Mean AP over the shared verbs that occur, by predictor; and how much there was to tell apart."""
    known = shared_verbs(truth.vocabulary)
    verbs = sorted(set(known.values()))
    keys, _, targets = pairs(truth, verbs, known)
    holds = np.array(targets, bool)
    place, column = {key: row for row, key in enumerate(keys)}, {v: k for k, v in enumerate(verbs)}
    scores = {name: np.zeros(holds.shape) for name in predictors}
    poses = load_pose_estimator()
    for i, (image, source) in enumerate(zip(track(list(truth), "predicting"), images, strict=True)):
        pixels = read_image(source) if isinstance(source, Path) else source
        given = add_poses(
            Detections(
                image.boxes, image.labels, np.ones(len(image.boxes), np.float32), objects=image.vocabulary.objects
            ),
            pixels,
            poses,
        )
        for name, predict in predictors.items():
            found = predict(pixels, given)
            theirs = {v: column[shared] for v, shared in shared_verbs(found.vocabulary).items() if shared in column}
            enter_scores(scores[name], place, i, found, theirs)
    precisions = {name: mean_pair_average_precision(values, holds) for name, values in scores.items()}
    counts = {"images": len(truth), "pairs": len(keys), "interactions": int(holds.sum())}
    return {name: float(np.nanmean(ap)) for name, ap in precisions.items()}, counts | {"verbs": int(holds.any(0).sum())}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generated", type=Path, metavar="DIR", help="what 'interplay synthesize' wrote")
    parser.add_argument("--photos", type=Path, metavar="DIR", help="photographs with annotations.json")
    parser.add_argument("--model", nargs="+", action="extend", default=[], metavar="NAME=FILE", help="TIN weights")
    parser.add_argument("--images", type=int, metavar="N", help="only the first N generated scenes")
    arguments = parser.parse_args()
    tests: dict[str, tuple[InteractionTable, Sequence[Path | NDArray[np.uint8]]]] = {}
    if arguments.generated:
        truth = load_annotations("generated", arguments.generated, "test")[: arguments.images]
        finder = ImageFinder(arguments.generated)
        found = [finder.find(file) for file in truth.files]
        if None in found:
            raise SystemExit(f"no picture {truth.files[found.index(None)]} below {arguments.generated}")
        tests["generated test scenes"] = truth, [path for path in found if path]
    if arguments.photos:
        tests["photographs"] = photographs(arguments.photos)
    if not tests:
        parser.error("nothing to test on: give --generated, --photos or both")
    predictors: dict[str, Predictor] = {}
    seeds: dict[str, list[str]] = {}
    for text in [f"default={DEFAULT_MODEL}", *arguments.model]:
        name, _, file = text.partition("=")
        for way, predictor in predictors_of(name, load_model(file, device="cpu")).items():
            seeds.setdefault(way, []).append(key := f"{way} {len(seeds.get(way, []))}")
            predictors[key] = predictor
    table = Table("", *tests, title="mean AP over shared verbs, annotated boxes, %")
    columns = []
    for title, (truth, images) in tests.items():
        metrics, counts = mean_ap(predictors, truth, images)
        columns.append({way: percent([metrics[key] for key in keys]) for way, keys in seeds.items()})
        print(f"{title}: " + ", ".join(f"{count:,} {what}" for what, count in counts.items()))
    for way in seeds:
        table.add_row(way, *(column[way] for column in columns))
    Console().print(table)


if __name__ == "__main__":
    run_script(main)

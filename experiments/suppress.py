"""What ``interplay suppress`` does to the spatial stream's predictions and to those of any other model.

    python experiments/suppress.py --vcoco DIR --photos DIR --output runs/suppress
    python experiments/suppress.py --generated DIR --weights gen_vlkt.safetensors --output runs/suppress

Predictions: of ``--spatial``, by default the default model, with the boxes of V-COCO's test annotations, made to look
like a detector's, and on photographs with the offline detector; of ``--weights``, any model, on generated test scenes.
Each is scored as it is, without the pairs that a discriminator D rejects, with scores times D, and with both.
``--discriminator`` takes names and weights files of TIN models; pairs go below each one's own threshold, or below
``--remove-below``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from interplay import Interactions, InteractionTable, load_annotations, load_model, read, write
from interplay.cli import run_script
from interplay.datasets.images import ImageFinder
from interplay.detectors import Detections
from interplay.files import atomic_path
from interplay.images import read_image
from interplay.metrics import evaluate_tables
from interplay.metrics.scores import HoiScores
from interplay.metrics.scores import mean as mean_of
from interplay.models.base import HoiModel
from interplay.models.interactiveness import InteractivenessScorer, SuppressionRule, Suppressor, apply_rule
from interplay.models.tin_spatial.augmentation import DetectorNoise, imitate_detector
from interplay.models.tin_spatial.data import PairSet
from interplay.models.tin_spatial.geometry import REFERENCE_SIDE
from interplay.models.tin_spatial.model import TinSpatial
from interplay.models.tin_spatial.task import trained_verbs
from interplay.pipeline.suppress import defined_means, suppress_table
from interplay.zoo import DEFAULT_MODEL
from tin_spatial import photographs

BATCH = 16
NOTHING = SuppressionRule(remove_below=0.0)


@dataclass(frozen=True)
class Predicted:
    """A model's predictions, in a file, and what is annotated in these images."""

    name: str
    file: Path
    truth: InteractionTable


def spatial_model(name: str | Path, alone: bool = False) -> TinSpatial:
    """A spatial stream; `alone`: it removes no pair itself, for its classifier alone."""
    model = load_model(name, device="cpu")
    assert isinstance(model, TinSpatial)
    if alone:
        model.set_decoding(suppress_below=0.0)
    return model


def without_discriminator(found: Interactions) -> Interactions:
    """Predictions of the default model with scores of C alone."""
    assert found.interactiveness is not None
    score = (found.score / np.maximum(found.interactiveness, 1e-9)).astype(np.float32)
    return replace(found, score=score).with_columns(interactiveness=None)[np.argsort(-score, kind="stable")]


def imitated_detections(data: PairSet, noise: DetectorNoise, scores: bool) -> Iterator[Detections]:
    """Annotated boxes of each image, some missing, some false, all imprecise; without `scores` all are certain."""
    generator = torch.Generator().manual_seed(7)
    for start in range(0, len(data), BATCH):
        batch = data.batch(torch.arange(start, min(start + BATCH, len(data))))
        everyone = torch.ones(len(batch.boxes), dtype=torch.bool)
        batch = imitate_detector(batch, everyone, noise, data.pool, generator)
        for k, (boxes, labels) in enumerate(zip(batch.boxes, batch.labels, strict=True)):
            there = labels >= 0
            given = batch.scores[k, there].numpy() if scores else np.ones(int(there.sum()), np.float32)
            yield Detections((boxes[there] / data.scales[start + k]).numpy(), labels[there].numpy(), given)


def vcoco_with_noise(folder: Path, spatial: str | Path, output: Path) -> list[Predicted]:
    """Predictions of C alone and of the whole spatial stream with imitated detections of V-COCO's test images."""
    truth = load_annotations("v-coco", folder, "test")
    data = PairSet(truth, trained_verbs(truth))
    truth = truth.select(data.rows)
    found: dict[str, list[Interactions]] = {"C alone": [], "whole": []}
    alone, whole = spatial_model(spatial, alone=True), spatial_model(spatial)
    boxes = imitated_detections(data, DetectorNoise(), whole.config.network.scores)
    for image, given in track(list(zip(truth, boxes, strict=True)), "V-COCO"):
        pixels = blank(image.width or REFERENCE_SIDE, image.height or REFERENCE_SIDE)
        for name, model in (("C alone", alone), ("whole", whole)):
            answer = replace(model.predict(pixels, detections=given, min_score=0), file=image.file)
            found[name].append(without_discriminator(answer) if model is alone else answer)
    return [
        saved(f"spatial stream, {name}, imitated detections, V-COCO test", tables, truth, output)
        for name, tables in found.items()
    ]


def blank(width: float, height: float) -> NDArray[np.uint8]:
    """An image of which only the size counts."""
    return np.zeros((int(height), int(width), 3), np.uint8)


def on_photographs(folder: Path, spatial: str | Path, output: Path) -> list[Predicted]:
    """Predictions of the spatial stream on V-COCO's test photographs with the offline detector."""
    truth, images = photographs(folder)
    found = spatial_model(spatial).predict(images, batch_size=BATCH, min_score=0)
    named = [replace(answer, file=file) for answer, file in zip(found, truth.files, strict=True)]
    return [saved("spatial stream, offline detector, photographs", named, truth, output)]


def generated(folder: Path, weights: Path, count: int | None, output: Path) -> list[Predicted]:
    """Predictions of a model on generated test scenes."""
    model: HoiModel = load_model(weights)
    truth = load_annotations("generated", folder, "test", model.vocabulary)[:count]
    finder, found = ImageFinder(folder), []
    for start in track(range(0, len(truth), BATCH), "generated scenes"):
        files = truth.files[start : start + BATCH]
        paths = [finder.find(file) for file in files]
        if missing := [file for file, path in zip(files, paths, strict=True) if path is None]:
            raise SystemExit(f"no picture {missing[0]} below {folder}")
        answers = model.predict([read_image(path) for path in paths if path is not None], min_score=0)
        found += [replace(answer, file=file) for answer, file in zip(answers, files, strict=True)]
    return [saved(f"{title_of(str(weights))}, generated test scenes", found, truth, output)]


def saved(name: str, found: list[Interactions], truth: InteractionTable, output: Path) -> Predicted:
    """Predictions in a file as any model's are."""
    file = output / f"{name.lower().replace(', ', '-').replace(' ', '_').replace('/', '-')}.parquet"
    write(InteractionTable.from_list(found, truth.vocabulary), file)
    return Predicted(name, file, truth)


def metrics_of(table: InteractionTable, truth: InteractionTable) -> dict[str, float]:
    """Means by the official protocol, the mean largest recall, and how many interactions were predicted."""
    scores = evaluate_tables(table, truth)
    hits = scores.hits if isinstance(scores, HoiScores) else scores.hits["ap_role_s1"]
    return {**defined_means(scores), "largest recall": mean_of(hits.max_recall), "predicted": float(len(table.verb))}


def compare(predicted: Predicted, name: str, below: float | None, console: Console) -> dict[str, dict[str, float]]:
    """Metrics before and after, by what was done; prints them."""
    table = read(predicted.file)
    model = load_model(name)
    limit = model.config.decoding.suppress_below if below is None and isinstance(model, TinSpatial) else below
    if limit is None:
        raise SystemExit(f"{name} has no threshold of its own: give --remove-below")
    scorer = InteractivenessScorer(model, table.vocabulary)
    rules = {
        f"removed below {limit:.3g}": SuppressionRule(limit),
        "rescored": SuppressionRule(None, rescore=True),
        "both": SuppressionRule(limit, rescore=True),
    }
    metrics = {"before": metrics_of(table, predicted.truth)}
    judged = suppress_table(table, Suppressor(scorer, NOTHING))
    for title, rule in rules.items():
        kept = InteractionTable.from_list((apply_rule(image, rule) for image in judged), table.vocabulary)
        metrics[title] = metrics_of(kept, predicted.truth)
    shown = Table("metric", *metrics, title=f"{predicted.name}\nD: {title_of(name)}")
    for key in metrics["before"]:
        values = [after[key] for after in metrics.values()]
        shown.add_row(key, *(f"{v:,.0f}" if key == "predicted" else f"{100 * v:.2f}" for v in values))
    console.print(shown)
    return metrics


def title_of(name: str) -> str:
    """A model's name, or the run that a weights file belongs to."""
    return Path(name).parent.name if name.endswith(".safetensors") else name


def main() -> None:
    """Predict, suppress, and print before and after."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder for predictions and metrics.json")
    parser.add_argument("--vcoco", type=Path, metavar="DIR", help="V-COCO's annotations")
    parser.add_argument("--photos", type=Path, metavar="DIR", help="photographs with annotations.json")
    parser.add_argument("--spatial", default=DEFAULT_MODEL, metavar="NAME", help="the spatial stream that predicts")
    parser.add_argument("--generated", type=Path, metavar="DIR", help="what 'interplay synthesize' wrote")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="a model for the generated scenes")
    parser.add_argument("--images", type=int, metavar="N", help="only the first N generated scenes")
    parser.add_argument("--discriminator", nargs="+", default=[DEFAULT_MODEL], metavar="NAME", help="TIN models")
    parser.add_argument("--remove-below", type=float, metavar="T", help="instead of each discriminator's own threshold")
    arguments = parser.parse_args()
    if (arguments.generated is None) != (arguments.weights is None):
        parser.error("--generated and --weights go together")
    arguments.output.mkdir(parents=True, exist_ok=True)
    predictions: list[Predicted] = []
    if arguments.vcoco:
        predictions += vcoco_with_noise(arguments.vcoco, arguments.spatial, arguments.output)
    if arguments.photos:
        predictions += on_photographs(arguments.photos, arguments.spatial, arguments.output)
    if arguments.generated:
        predictions += generated(arguments.generated, arguments.weights, arguments.images, arguments.output)
    if not predictions:
        parser.error("nothing to predict: give --vcoco, --photos, or --generated with --weights")
    console = Console()
    metrics = {
        predicted.name: {
            title_of(name): compare(predicted, name, arguments.remove_below, console)
            for name in arguments.discriminator
        }
        for predicted in predictions
    }
    with atomic_path(arguments.output / "metrics.json") as temporary:
        temporary.write_text(json.dumps(metrics, indent=1), encoding="utf-8")


if __name__ == "__main__":
    run_script(main)

"""Metrics of the default model `tin-spatial-vcoco`, from V-COCO's annotations and, where there, photographs.

    python experiments/tin_spatial.py --data vcoco/ [--photos photos/] [--weights runs/.../model.safetensors]

With annotated boxes: every annotated person who acts x every other annotated box, AP per role-action over all pairs.
Choices are made on the training images that the recipe holds out: the table "held out" has the mean AP and the score
from which on F1 over all pairs and role-actions is best.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from interplay import InteractionTable, evaluate, load_annotations, load_model, read_image
from interplay.cli import run_script
from interplay.datasets.images import COCO_LONGEST_SIDE
from interplay.detectors import load_detector
from interplay.metrics.pairs import mean_pair_average_precision
from interplay.models.tin_spatial.augmentation import MEASURED, DetectorNoise
from interplay.models.tin_spatial.data import PairSet
from interplay.models.tin_spatial.model import TinSpatial
from interplay.models.tin_spatial.task import ScoredPairs, score_pairs
from interplay.training.config import load_config
from interplay.training.tables import load_tables

TEST_SOURCE = "val2014"  # the part of COCO that V-COCO's test images come from; its trainval is from train2014


def class_prior(training: PairSet, testing: PairSet, person: int) -> float:
    """Mean AP of "how often do people do this with such an object", which knows no geometry."""
    seen, done = np.full(81, 1e-9), np.zeros((81, training.num_verbs))
    for start in range(0, len(training), 128):
        batch = training.batch(torch.arange(start, min(start + 128, len(training))))
        chosen = batch.labelled[:, :, None] & (batch.labels >= 0)[:, None]
        chosen &= ~torch.eye(chosen.shape[1], dtype=torch.bool)
        labels = batch.labels[:, None].expand(chosen.shape)[chosen].numpy()
        np.add.at(seen, labels, 1)
        np.add.at(done, labels, batch.verbs[chosen].numpy())
    rate = done / seen[:, None]
    scores, targets = [], []
    for start in range(0, len(testing), 128):
        batch = testing.batch(torch.arange(start, min(start + 128, len(testing))))
        chosen = batch.labelled[:, :, None] & (batch.labels >= 0)[:, None]
        chosen &= ~torch.eye(chosen.shape[1], dtype=torch.bool)
        scores.append(rate[batch.labels[:, None].expand(chosen.shape)[chosen].numpy()])
        targets.append(batch.verbs[chosen].numpy())
    return float(np.nanmean(mean_pair_average_precision(np.concatenate(scores), np.concatenate(targets))))


def on_annotated_boxes(model: TinSpatial, data: Path, console: Console, plot: Path | None = None) -> dict[str, float]:
    """Metrics on V-COCO test."""
    person = model.vocabulary.person
    training = PairSet(load_annotations("v-coco", data, "trainval"), model.config.network.verbs)
    testing = PairSet(load_annotations("v-coco", data, "test"), model.config.network.verbs)
    began = time.perf_counter()
    scored = score_pairs(model, testing)
    seconds = time.perf_counter() - began
    by_boxes = {name: scored if noise is None else score_pairs(model, testing, noise) for name, noise in BOXES.items()}
    curves = {name: reliability(each) for name, each in by_boxes.items()}
    if plot is not None:
        plot_reliability(curves, plot)
    table = Table("role-action", "pairs", "AP", title="V-COCO test, annotated boxes")
    verbs = model.config.network.verbs
    for k, ap in enumerate(scored.average_precisions):
        table.add_row(
            model.vocabulary.official_verbs[verbs[k]],
            f"{scored.targets[:, k].sum():,}",
            f"{ap:.3f}",
        )
    console.print(table)
    return {
        "images": len(testing),
        "pairs": len(scored.targets),
        "mean AP of the class prior": class_prior(training, testing, person),
        **{f"mean AP, {name}": each.mean_ap for name, each in by_boxes.items()},
        **{f"calibration error, {name}": calibration_error(bins) for name, bins in curves.items()},
        "AP of interactiveness (D alone)": scored.interactiveness_ap,
        "share of pairs that interact": float(scored.interacts.mean()),
        **scored.suppression(model.config.decoding.suppress_below),
        "seconds": seconds,
    }


def held_out(model: TinSpatial, data: Path, draws: int = 1) -> dict[str, float]:
    """Metrics on the training images that the recipe does not train on, with detections imitated so many times."""
    tables = load_tables(load_config("tin_spatial/vcoco", ["--data.root", str(data)]).data)
    images = PairSet(tables.validation, model.config.network.verbs)
    metrics: dict[str, float] = {"images": len(images)}
    for name, noise in BOXES.items():
        drawn = [score_pairs(model, images, noise, seed) for seed in range(7, 7 + (draws if noise else 1))]
        score, true = (np.concatenate([getattr(s, of).ravel() for s in drawn]) for of in ("verbs", "targets"))
        threshold, precision, recall = best_threshold(score, true)
        metrics |= {
            f"mean AP, {name}": float(np.mean([scored.mean_ap for scored in drawn])),
            f"best F1, {name}": 2 * precision * recall / (precision + recall),
            f"from score, {name}": threshold,
            f"precision there, {name}": precision,
            f"recall there, {name}": recall,
        }
    return metrics


def best_threshold(score: NDArray[np.floating], true: NDArray[np.bool_]) -> tuple[float, float, float]:
    """The score from which on F1 over all pairs and verbs is best, and precision and recall there."""
    order = np.argsort(-score, kind="stable")
    right, said = true[order].cumsum(), np.arange(1, len(order) + 1)
    best = int((2 * right / (said + true.sum())).argmax())
    return float(score[order[best]]), float(right[best] / said[best]), float(right[best] / true.sum())


BINS = 10
BOXES: dict[str, DetectorNoise | None] = {
    "annotated boxes": None,
    "imitated detections": DetectorNoise(),
    "crowded imitated detections": DetectorNoise(most_false=12, copies=0.15, confused=0.15, plausible=0.8),
    "detections as measured": MEASURED,
}
"""Whose boxes, and their noise; the last two are the most that tin_spatial/vcoco trains on."""


def reliability(scored: ScoredPairs) -> NDArray[np.float64]:
    """(BINS, 3) of verbs' scores by tenths: how many, their mean, and the share of them that are true."""
    score, true = scored.verbs.ravel(), scored.targets.ravel()
    place = np.minimum((score * BINS).astype(int), BINS - 1)
    count = np.bincount(place, minlength=BINS)
    sums = [np.bincount(place, values, BINS) / np.maximum(count, 1) for values in (score, true.astype(float))]
    return np.column_stack([count, *sums])


def calibration_error(bins: NDArray[np.float64]) -> float:
    """Mean difference between score and share of the true, over the scores of at least 0.1."""
    shown = bins[1:]
    return float(np.abs(shown[:, 1] - shown[:, 2]) @ shown[:, 0] / max(shown[:, 0].sum(), 1))


def plot_reliability(curves: Mapping[str, NDArray[np.float64]], path: Path) -> None:
    """Draw the share of true interactions over the score, and how many there are."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.7")
    for name, bins in curves.items():
        kept = bins[bins[:, 0] > 0]
        axes.plot(kept[:, 1], kept[:, 2], marker="o", label=name)
    axes.set(xlabel="score", ylabel="share that is annotated", title="V-COCO test", xlim=(0, 1), ylim=(0, 1))
    axes.legend()
    figure.savefig(path, dpi=120)


def photographs(folder: Path) -> tuple[InteractionTable, list[NDArray[np.uint8]]]:
    """V-COCO's test photographs in a folder: what is annotated, and the pictures.

    Training images among them are left out, and so are files larger than COCO's, whose boxes do not fit them.
    """
    annotations = load_annotations("v-coco", folder / "annotations.json")
    images = [read_image(folder / str(a.file)) for a in annotations]
    kept = [
        i
        for i, (a, image) in enumerate(zip(annotations, images, strict=True))
        if len(a) and TEST_SOURCE in str(a.file) and max(image.shape) <= COCO_LONGEST_SIDE
    ]
    return annotations.select(np.array(kept)), [images[i] for i in kept]


def on_photographs(model: TinSpatial, folder: Path) -> dict[str, float]:
    """Role AP of detector and model on V-COCO's test photographs."""
    truth, images = photographs(folder)
    detector = load_detector()
    metrics: dict[str, float] = {"photographs": len(truth), "interactions": len(truth.verb)}
    found = [detector([image])[0] for image in images]
    for name, detections in (("detector", found), ("annotated boxes", _annotated(truth))):
        results = model.predict(images, detections=detections, min_score=0)
        for result, file in zip(results, truth.files, strict=True):
            result.file = file
        scores = evaluate("v-coco", InteractionTable.from_list(results), truth)
        roles = scores.to_dict()["ap_role_s1"]
        present = [value for value in roles.values() if value is not None]
        metrics[f"role AP, {name}"] = float(np.mean(present))
    return metrics


def _annotated(truth: InteractionTable) -> list:
    from interplay.detectors import Detections

    return [
        Detections(a.boxes, a.labels, np.ones(len(a.boxes), np.float32), objects=a.vocabulary.objects) for a in truth
    ]


def main() -> None:
    """Print the tables; with --json also write the metrics."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with V-COCO's annotations")
    parser.add_argument("--photos", type=Path, help="folder with photographs and annotations.json")
    parser.add_argument("--weights", type=Path, help="weights instead of the embedded ones")
    parser.add_argument("--json", type=Path, help="write the metrics here")
    parser.add_argument("--plot", type=Path, help="draw here how often a score is right")
    parser.add_argument("--draws", type=int, default=1, help="times that held-out detections are imitated")
    parser.add_argument("--held-out-only", action="store_true", help="choose: no test images, no photographs")
    arguments = parser.parse_args()
    console = Console()
    model = load_model(arguments.weights or "tin-spatial-vcoco", device="cpu")
    assert isinstance(model, TinSpatial)
    metrics = {"held out": held_out(model, arguments.data, arguments.draws)}
    if not arguments.held_out_only:
        metrics["test"] = on_annotated_boxes(model, arguments.data, console, arguments.plot)
        if arguments.photos:
            metrics["photographs"] = on_photographs(model, arguments.photos)
    for title, rows in metrics.items():
        table = Table("metric", "value", title=title)
        for name, value in rows.items():
            table.add_row(name, f"{value:.4f}" if isinstance(value, float) else f"{value:,}")
        console.print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(metrics, indent=1))


if __name__ == "__main__":
    run_script(main)

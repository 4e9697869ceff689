"""How believable generated scenes are to models that were trained on real photographs only.

    python experiments/generated_world.py --scenes 400 --seed 5 --size 384 [--workers 2] [--vcoco vcoco/]
    python experiments/generated_world.py scenes       # on what 'interplay synthesize scenes' wrote

The offline detector, at its default score threshold, must find the people and recognise the objects; the default model,
trained on V-COCO's annotations, must tell what the people do better than the mere frequency of a verb with an object
does. That frequency is counted on the scenes themselves, which flatters it, and with --vcoco also where the model
learnt, on V-COCO's trainval.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from interplay import Interactions, InteractionTable, Vocabulary, load_annotations, load_model, read_image
from interplay.cli import run_script
from interplay.datasets import ImageFinder
from interplay.defaults import DEFAULT_DETECTION_SCORE
from interplay.detectors import Detections, load_detector
from interplay.files import atomic_path
from interplay.metrics.pairs import mean_pair_average_precision
from interplay.ops.boxes import box_iou
from interplay.world import Settings, synthesize

VERBS = {
    "sit on": "sit", "lie on": "lay", "ride": "ride", "hold": "hold", "carry": "carry", "throw": "throw",
    "catch": "catch", "kick": "kick", "hit": "hit", "hit with": "hit with", "jump": "jump", "look": "look",
    "watch": "look", "read": "read", "talk on": "talk on phone", "drink with": "drink", "eat": "eat",
    "eat with": "eat with", "cut": "cut", "cut with": "cut with", "type on": "work on computer",
    "work on computer": "work on computer", "ski": "ski", "surf": "surf", "skateboard": "skateboard",
    "snowboard": "snowboard",
}  # fmt: skip
"""Verbs of the generated world -> V-COCO's, where both mean the same."""

MIN_PERSON, MIN_OBJECT = 64, 32
"""Pixels: people must be taller than this, objects larger (the longer side)."""

MIN_VISIBLE = 0.5


@dataclass
class Found:
    """What the detector made of the scenes.

    Attributes:
        people: for each person tall enough: found (IoU 0.5), share that can be seen.
        objects: by category, for each object large and visible enough: found with the right label.
    """

    people: list[tuple[bool, float]] = field(default_factory=list)
    objects: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))


def matches(boxes: NDArray[np.float32], found: Detections, label: int) -> NDArray[np.bool_]:
    """Which boxes (N, 4) are found: each detection, by falling score, takes the box it fits best, IoU 0.5 at least."""
    taken = np.zeros(len(boxes), bool)
    own = np.flatnonzero(found.labels == label)
    overlaps = box_iou(found.boxes[own], boxes)
    for row in np.argsort(-found.scores[own], kind="stable"):
        free = np.where(taken, 0.0, overlaps[row])
        if free.max() >= 0.5:
            taken[free.argmax()] = True
    return taken


def detect(folder: Path, records: list[dict], names: tuple[str, ...]) -> Found:
    """Run the offline detector over all pictures."""
    detector, finder, found = load_detector(min_score=DEFAULT_DETECTION_SCORE), ImageFinder(folder), Found()
    for record in track(records, "detecting"):
        path = finder.find(record["file"])
        assert path is not None, record["file"]
        detections: Detections = detector([read_image(path)])[0]
        boxes, labels = np.array(record["boxes"], np.float32), np.array(record["labels"])
        for name in set(record["labels"]):
            of_name = np.flatnonzero(labels == name)
            hits = matches(boxes[of_name], detections, names.index(name))
            for (x1, y1, x2, y2), k, hit in zip(boxes[of_name], of_name, hits.tolist(), strict=True):
                visible = record["visible"][k]
                if name == "person" and y2 - y1 > MIN_PERSON:
                    found.people.append((hit, visible))
                elif name != "person" and max(x2 - x1, y2 - y1) > MIN_OBJECT and visible >= MIN_VISIBLE:
                    found.objects[name].append(hit)
    return found


def pairs(table: InteractionTable, verbs: list[int], model_verbs: dict[int, int]) -> tuple[list, list, list]:
    """For every person x other box of every image: (image, human, object), label of the object, which verbs hold.

    People whose actions nobody annotated are left out.
    """
    keys, labels, targets = [], [], []
    for i, image in enumerate(table):
        holds: dict[tuple[int, int], set[int]] = defaultdict(set)
        for h, v, o in zip(image.human.tolist(), image.verb.tolist(), image.object.tolist(), strict=True):
            if o >= 0 and v in model_verbs:
                holds[h, o].add(model_verbs[v])
        people = image.labels == table.vocabulary.person
        if image.unlabelled is not None:
            people &= ~image.unlabelled
        for h in np.nonzero(people)[0].tolist():
            for o in range(len(image.boxes)):
                if o != h:
                    keys.append((i, h, o))
                    labels.append(int(image.labels[o]))
                    targets.append([v in holds[h, o] for v in verbs])
    return keys, labels, targets


def enter_scores(
    scores: NDArray[np.float64],
    place: Mapping[tuple[int, int, int], int],
    image: int,
    found: Interactions,
    column: Mapping[int, int],
) -> None:
    """Enter what a model says of the given boxes of an image, the best score of each pair and verb, in place.

    Args:
        scores: (P, V) of all pairs.
        place: (image, human, object) -> row, as `pairs` gives them.
        image: index of the image.
        found: with the given boxes in their order.
        column: the model's verb -> column; other verbs are left out.
    """
    for h, v, o, s in zip(found.human, found.verb, found.object, found.score, strict=True):
        row, k = place.get((image, int(h), int(o))), column.get(int(v))
        if row is not None and k is not None:
            scores[row, k] = max(scores[row, k], s)


def rates(labels: list[int], truth: NDArray[np.bool_], categories: int) -> NDArray[np.float64]:
    """(C, V): the class prior, how often a person does each verb with a box of each category."""
    rate = np.zeros((categories, truth.shape[1]))
    for label in set(labels):
        rate[label] = truth[np.array(labels) == label].mean(0)
    return rate


def recognise_verbs(table: InteractionTable, trained_on: InteractionTable | None) -> dict[str, dict[str, float]]:
    """Per shared verb: positives, AP of the default model and of the class priors; over all pairs, annotated boxes."""
    vcoco, model = Vocabulary.load("v-coco"), load_model()
    shared = {
        table.vocabulary.verb_index(a): vcoco.verb_index(b) for a, b in VERBS.items() if a in table.vocabulary.verbs
    }
    verbs = sorted(set(shared.values()))
    keys, labels, targets = pairs(table, verbs, shared)
    truth = np.array(targets, bool)
    scores = np.zeros(truth.shape)
    place = {key: row for row, key in enumerate(keys)}
    column = {v: k for k, v in enumerate(verbs)}
    for i, image in enumerate(track(list(table), "recognising")):
        given = Detections(
            image.boxes, image.labels, np.ones(len(image.boxes), np.float32), objects=table.vocabulary.objects
        )
        picture = np.zeros((int(image.height or 0), int(image.width or 0), 3), np.uint8)  # the model reads boxes only
        result = model.predict(picture, detections=given, min_score=0)
        enter_scores(scores, place, i, result, column)
    categories = len(table.vocabulary.objects)
    compared = {"default model": scores, "prior of these scenes": rates(labels, truth, categories)[labels]}
    if trained_on is not None:
        _, their_labels, their_targets = pairs(trained_on, verbs, {v: v for v in verbs})
        compared["prior of V-COCO"] = rates(their_labels, np.array(their_targets, bool), categories)[labels]
    precisions = {name: mean_pair_average_precision(values, truth) for name, values in compared.items()}
    return {
        vcoco.verbs[v]: {"pairs": int(truth[:, k].sum()), **{name: float(ap[k]) for name, ap in precisions.items()}}
        for k, v in enumerate(verbs)
        if truth[:, k].any()
    }


def measure(folder: Path, vcoco: Path | None, console: Console) -> dict[str, object]:
    """All metrics of the generated scenes in a folder; prints the tables."""
    table = load_annotations("generated", folder)
    lines = (folder / "annotations.jsonl").read_text(encoding="utf-8").splitlines()
    found = detect(folder, [json.loads(line) for line in lines], table.vocabulary.objects)
    objects = Table(
        "category", "objects", "found and named", title=f"offline detector, score {DEFAULT_DETECTION_SCORE}"
    )
    for name, hits in sorted(found.objects.items(), key=lambda item: -float(np.mean(item[1]))):
        objects.add_row(name, str(len(hits)), f"{np.mean(hits):.2f}")
    console.print(objects)
    verbs = recognise_verbs(table, load_annotations("v-coco", vcoco, "trainval") if vcoco else None)
    compared = list(next(iter(verbs.values())))
    acts = Table("V-COCO verb", *compared, title="AP with annotated boxes, all pairs")
    for name, row in sorted(verbs.items(), key=lambda item: -item[1]["pairs"]):
        acts.add_row(name, *(f"{v:,}" if isinstance(v, int) else f"{v:.3f}" for v in row.values()))
    console.print(acts)
    hit, visible = (np.array(column) for column in zip(*found.people, strict=True))
    metrics = {
        "scenes": len(table),
        f"people taller than {MIN_PERSON} pixels": len(hit),
        "visible share of these people, mean": float(visible.mean()),
        "recall of people": float(hit.mean()),
        "recall of people seen to 90 %": float(hit[visible >= 0.9].mean()),
        "recall of people seen to 50 to 90 %": float(hit[(visible >= 0.5) & (visible < 0.9)].mean()),
        "recall of people seen to less": float(hit[visible < 0.5].mean()),
        "categories with an object large enough": len(found.objects),
        "categories recognised": sum(any(hits) for hits in found.objects.values()),
        **{f"mean AP, {name}": float(np.mean([row[name] for row in verbs.values()])) for name in compared[1:]},
    }
    summary = Table("metric", "value")
    for name, value in metrics.items():
        summary.add_row(name, f"{value:.3f}" if isinstance(value, float) else f"{value:,}")
    console.print(summary)
    return {**metrics, "objects": {k: [len(v), float(np.mean(v))] for k, v in found.objects.items()}, "verbs": verbs}


def main() -> None:
    """Print the metrics."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="what 'interplay synthesize' wrote; made anew if missing")
    parser.add_argument("--scenes", type=int, default=400, help="without a folder")
    parser.add_argument("--seed", type=int, default=5, help="without a folder")
    parser.add_argument("--size", type=int, default=384, help="without a folder")
    parser.add_argument("--workers", type=int, default=1, help="without a folder")
    parser.add_argument("--vcoco", type=Path, metavar="DIR", help="V-COCO's annotations, for the prior of its trainval")
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write the metrics as JSON")
    arguments = parser.parse_args()
    console = Console()
    with nullcontext(arguments.folder) if arguments.folder else tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not arguments.folder:
            settings = Settings(arguments.scenes, seed=arguments.seed, size=arguments.size)
            synthesize(folder, settings, arguments.workers, console)
        metrics = measure(folder, arguments.vcoco, console)
        made = json.loads((folder / "generated.json").read_text(encoding="utf-8"))
    console.print(
        f"again: python experiments/generated_world.py --scenes {metrics['scenes']} --seed {made['seed']} "
        f"--size {made['size']}"
    )
    if arguments.json:
        with atomic_path(arguments.json) as temporary:
            temporary.write_text(json.dumps(metrics, indent=1), encoding="utf-8")


if __name__ == "__main__":
    run_script(main)

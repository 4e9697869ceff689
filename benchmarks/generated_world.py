"""How believable generated scenes are to models that were trained on real photographs only.

    interplay synthesize scenes --scenes 400 --seed 5 --size 384 --workers 2
    python benchmarks/generated_world.py scenes

The offline detector must find the people and recognise the things; the default model, trained on V-COCO's annotations,
must tell what the people do better than the mere frequency of a verb with an object does.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from interplay import InteractionTable, Vocabulary, load_annotations, load_model, read_image
from interplay.boxes import box_iou
from interplay.datasets import ImageFinder
from interplay.detectors import Detections, load_detector
from interplay.files import atomic_path
from interplay.metrics.pairs import mean_pair_average_precision

VERBS = {
    "sit on": "sit", "lie on": "lay", "ride": "ride", "hold": "hold", "carry": "carry", "throw": "throw",
    "catch": "catch", "kick": "kick", "hit": "hit", "hit with": "hit with", "jump": "jump", "look": "look",
    "watch": "look", "read": "read", "talk on": "talk on phone", "drink with": "drink", "eat": "eat",
    "eat with": "eat with", "cut": "cut", "cut with": "cut with", "type on": "work on computer",
    "work on computer": "work on computer", "ski": "ski", "surf": "surf", "skateboard": "skateboard",
    "snowboard": "snowboard",
}  # fmt: skip
"""Verbs of the generated world -> V-COCO's, where both mean the same."""

MIN_PERSON, MIN_THING = 64, 32
"""Pixels: people must be taller than this, things larger (the longer side)."""

MIN_VISIBLE = 0.5


@dataclass
class Found:
    """What the detector made of the scenes.

    Attributes:
        people: for each person tall enough: found (IoU 0.5), share that can be seen.
        things: by category, for each thing large and visible enough: found with the right label.
    """

    people: list[tuple[bool, float]] = field(default_factory=list)
    things: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))


def detect(folder: Path, records: list[dict], names: tuple[str, ...]) -> Found:
    """Run the offline detector over all pictures."""
    detector, finder, found = load_detector(), ImageFinder(folder), Found()
    for record in track(records, "detecting"):
        path = finder.find(record["file"])
        assert path is not None, record["file"]
        detections: Detections = detector([read_image(path)])[0]
        for box, name, visible in zip(record["boxes"], record["labels"], record["visible"], strict=True):
            same = detections.boxes[detections.labels == names.index(name)]
            hit = bool(len(same)) and bool(box_iou(np.array([box], np.float32), same).max() >= 0.5)
            width, height = box[2] - box[0], box[3] - box[1]
            if name == "person" and height > MIN_PERSON:
                found.people.append((hit, visible))
            elif name != "person" and max(width, height) > MIN_THING and visible >= MIN_VISIBLE:
                found.things[name].append(hit)
    return found


def pairs(table: InteractionTable, verbs: list[int], model_verbs: dict[int, int]) -> tuple[list, list, list]:
    """For every person x other box of every image: (image, human, object), label of the object, which verbs hold."""
    keys, labels, targets = [], [], []
    for i, image in enumerate(table):
        holds: dict[tuple[int, int], set[int]] = defaultdict(set)
        for h, v, o in zip(image.human.tolist(), image.verb.tolist(), image.object.tolist(), strict=True):
            if o >= 0 and v in model_verbs:
                holds[h, o].add(model_verbs[v])
        for h in np.nonzero(image.labels == table.vocabulary.person)[0].tolist():
            for o in range(len(image.boxes)):
                if o != h:
                    keys.append((i, h, o))
                    labels.append(int(image.labels[o]))
                    targets.append([v in holds[h, o] for v in verbs])
    return keys, labels, targets


def recognise_verbs(table: InteractionTable) -> dict[str, tuple[int, float, float]]:
    """Per shared verb: positives, AP of the default model, AP of the class prior; over all pairs, annotated boxes.

    The prior is how often a person does this with a box of that category, counted on these scenes themselves, which
    flatters it.
    """
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
        given = Detections(image.boxes, image.labels, np.ones(len(image.boxes), np.float32))
        picture = np.zeros((int(image.height or 0), int(image.width or 0), 3), np.uint8)  # the model reads boxes only
        result = model.predict(picture, detections=given)
        back = {tuple(np.round(b, 2)): k for k, b in enumerate(image.boxes)}
        for h, v, o, s in zip(result.human, result.verb, result.object, result.score, strict=True):
            if int(v) in column:
                key = (i, back[tuple(np.round(result.boxes[h], 2))], back[tuple(np.round(result.boxes[o], 2))])
                if key in place:
                    scores[place[key], column[int(v)]] = max(scores[place[key], column[int(v)]], s)
    rate = np.zeros((len(table.vocabulary.objects), len(verbs)))
    for label in set(labels):
        rate[label] = truth[np.array(labels) == label].mean(0)
    prior: NDArray[np.float64] = rate[np.array(labels)]
    ours, theirs = mean_pair_average_precision(scores, truth), mean_pair_average_precision(prior, truth)
    return {
        vcoco.verbs[v]: (int(truth[:, k].sum()), float(ours[k]), float(theirs[k]))
        for k, v in enumerate(verbs)
        if truth[:, k].any()
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="what 'interplay synthesize' wrote")
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write the figures as JSON")
    arguments = parser.parse_args()
    console = Console()
    table = load_annotations("generated", arguments.folder)
    lines = (arguments.folder / "annotations.jsonl").read_text(encoding="utf-8").splitlines()
    found = detect(arguments.folder, [json.loads(line) for line in lines], table.vocabulary.objects)
    people = np.array([hit for hit, _ in found.people])
    seen = np.array([visible for _, visible in found.people]) >= 0.9
    things = Table("category", "things", "found and named", title="offline detector, IoU 0.5")
    for name, hits in sorted(found.things.items(), key=lambda item: -float(np.mean(item[1]))):
        things.add_row(name, str(len(hits)), f"{np.mean(hits):.2f}")
    console.print(things)
    verbs = recognise_verbs(table)
    acts = Table("V-COCO verb", "pairs", "AP, default model", "AP, class prior", title="annotated boxes, all pairs")
    for name, (count, ours, prior) in sorted(verbs.items(), key=lambda item: -item[1][0]):
        acts.add_row(name, str(count), f"{ours:.3f}", f"{prior:.3f}")
    console.print(acts)
    figures = {
        "scenes": len(table),
        f"people taller than {MIN_PERSON} pixels": len(people),
        "recall of people": float(people.mean()),
        "recall of people seen to 90 %": float(people[seen].mean()),
        "categories with a thing large enough": len(found.things),
        "categories recognised": sum(any(hits) for hits in found.things.values()),
        "mean AP of the default model": float(np.mean([ours for _, ours, _ in verbs.values()])),
        "mean AP of the class prior": float(np.mean([prior for _, _, prior in verbs.values()])),
    }
    summary = Table("figure", "value")
    for name, value in figures.items():
        summary.add_row(name, f"{value:.3f}" if isinstance(value, float) else f"{value:,}")
    console.print(summary)
    if arguments.json:
        everything = {**figures, "things": {k: float(np.mean(v)) for k, v in found.things.items()}, "verbs": verbs}
        with atomic_path(arguments.json) as temporary:
            temporary.write_text(json.dumps(everything, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Would other thresholds, calibration or rules find more of what the default model is to find?

    python experiments/tin_decoding.py --data vcoco/ [--draws 4]

On the training images that `tin_spatial/vcoco` holds out, with imitated detections: what the model lists counts as on
photographs (``benchmarks/photographs.py``): an interaction is right where it is annotated and both boxes overlap with
the annotated ones by IoU 0.5 or more, and the interactions of missing boxes are missed. Thresholds are chosen on four
fifths of the images and tested on the fifth, in turn. Differences of F1 below 0.003 say nothing: over images, F1 has a
standard error of about 0.01.

A threshold per verb is the one that adds most to F1, less the square of its distance from the common one (in
log-odds) times the strength. Calibration per verb is a logistic regression on the log-odds whose slope and offset are
drawn to the common ones in the same way, before one threshold for all. Rules are counted on the other training images:
verbs that exclude each other with one object (of at most 1 % of the rarer one's pairs both are annotated, where chance
would give five pairs), and verbs that one person at a time does with an object (of at most
1 % of the objects several are annotated).
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from interplay import Interactions, InteractionTable, load_model
from interplay.cli import run_script
from interplay.detectors import Detections
from interplay.layers.modes import evaluating
from interplay.models.tin_spatial.augmentation import DetectorNoise, imitate_detector
from interplay.models.tin_spatial.data import PairSet
from interplay.models.tin_spatial.model import TinSpatial
from interplay.ops.boxes import box_iou
from interplay.training.config import load_config
from interplay.training.tables import load_tables
from tin_spatial import BOXES

LEAST = 0.1  # nothing below is counted
FOLDS = 5
STRENGTHS = (0, 10, 100)
RARE = 0.01
WITHOUT = "without the rules of what is plausible"
Rule = Callable[[Interactions], Interactions]
Keep = Callable[[NDArray[np.bool_]], NDArray[np.bool_]]  # (I,) images to choose on -> (N,) what is listed
Triplet = tuple[int, int, int]  # person, object, verb


@dataclass(frozen=True)
class Listed:
    """What a model lists on images.

    Attributes:
        image, verb: (N,) of each interaction.
        score: (N,) of it.
        right: (N,) bool.
        wanted: (I,) number of annotated interactions of each image.
    """

    image: NDArray[np.int64]
    verb: NDArray[np.int64]
    score: NDArray[np.float64]
    right: NDArray[np.bool_]
    wanted: NDArray[np.int64]


def listed(
    model: TinSpatial, data: PairSet, noise: DetectorNoise, draws: int, rules: Mapping[str, Rule]
) -> dict[str, Listed]:
    """What the model lists by each rule, with detections imitated so many times, of people of whom all is known."""
    rows: dict[str, list[tuple[int, int, float, bool]]] = {name: [] for name in (*rules, WITHOUT)}
    wanted = np.zeros(len(data), np.int64)
    position = {verb: k for k, verb in enumerate(model.config.network.verbs)}
    for image, truth, boxes, known, usual, without in _predictions(model, data, noise, draws):
        wanted[image] += len(truth)
        overlap = box_iou(usual.boxes, boxes) >= 0.5
        for name, shown in [*((name, rule(usual)) for name, rule in rules.items()), (WITHOUT, without)]:
            left = truth
            each = zip(shown.human, shown.object, shown.verb.tolist(), shown.score.tolist(), strict=True)
            for human, other, verb, score in each:  # the best first
                if known[human, other]:
                    k = position[verb]
                    match = next((t for t in left if t[2] == k and overlap[human, t[0]] and overlap[other, t[1]]), None)
                    left = [t for t in left if t is not match]
                    rows[name].append((image, k, score, match is not None))
    return {
        name: Listed(
            image=np.array([row[0] for row in each]),
            verb=np.array([row[1] for row in each]),
            score=np.array([row[2] for row in each]),
            right=np.array([row[3] for row in each]),
            wanted=wanted,
        )
        for name, each in rows.items()
    }


def _predictions(
    model: TinSpatial, data: PairSet, noise: DetectorNoise, draws: int
) -> Iterator[tuple[int, list, NDArray[np.float32], NDArray[np.bool_], Interactions, Interactions]]:
    """Image, annotated (person, object, verb) and boxes, known pairs (H, N), what is listed, and without its rules."""
    for seed in range(7, 7 + draws):
        generator = torch.Generator().manual_seed(seed)
        for part in torch.arange(len(data)).split(128):
            given = data.batch(part)
            everyone = torch.ones(len(part), dtype=torch.bool)
            batch = imitate_detector(given, everyone, noise, data.pool, generator)
            numbers = (batch.labels >= 0).sum(1).tolist()
            detections = [
                Detections(b[:n].numpy(), c[:n].numpy(), s[:n].numpy(), objects=model.vocabulary.objects)
                for n, b, c, s in zip(numbers, batch.boxes, batch.labels, batch.scores, strict=True)
            ]
            with evaluating(model):
                outputs = model(batch.boxes, batch.labels, batch.detected, batch.scores)
                both = []
                for plausible in (True, False):
                    model.set_decoding(plausible=plausible)
                    found = model.decode(outputs, torch.full((len(part), 2), 640), detections)
                    both.append([each.filter(LEAST) for each in found])
            known = batch.targets.known_pairs(outputs.valid.shape[1]).numpy()
            for i, image in enumerate(part.tolist()):
                truth = [tuple(row) for row in given.verbs[i].nonzero().tolist()]
                yield image, truth, given.boxes[i].numpy(), known[i], both[0][i], both[1][i]


def counted_rules(table: InteractionTable) -> dict[str, Rule]:
    """No further rule, and the two that are counted from annotations; see the module's text."""
    verbs, labels = len(table.vocabulary.verbs), len(table.vocabulary.objects)
    done = np.zeros((labels, verbs, verbs))  # pairs in which both hold
    people: Counter[tuple[int, int, int]] = Counter()  # of each image, object and verb
    for i, image in enumerate(table):
        pairs: dict[tuple[int, int], set[int]] = {}
        for human, other, verb in zip(image.human.tolist(), image.object.tolist(), image.verb.tolist(), strict=True):
            if other >= 0:
                pairs.setdefault((human, other), set()).add(verb)
        for (_, other), held in pairs.items():
            done[image.labels[other]][np.ix_(list(held), list(held))] += 1
            people.update((i, other, verb) for verb in held)
    single = np.diagonal(done, axis1=1, axis2=2)  # (labels, verbs)
    by_chance = np.einsum("la,lb->ab", single / np.maximum(single.max(1, keepdims=True), 1), single)
    total, both = single.sum(0), done.sum(0)
    exclusive = (by_chance >= 5) & (both <= RARE * np.minimum.outer(total, total))
    objects, several = (np.bincount([v for (_, _, v), n in people.items() if n >= k], minlength=verbs) for k in (1, 2))
    one_person = several <= RARE * objects
    return {
        "as it is": lambda found: found,
        "verbs that exclude each other": lambda found: keep_best(
            found, lambda a, b: a[:2] == b[:2] and bool(exclusive[a[2], b[2]])
        ),
        "one person at a time": lambda found: keep_best(found, lambda a, b: a[1:] == b[1:] and bool(one_person[a[2]])),
    }


def keep_best(found: Interactions, rivals: Callable[[Triplet, Triplet], bool]) -> Interactions:
    """Without what has a rival with a higher score."""
    kept: list[int] = []
    triplets = list(zip(found.human.tolist(), found.object.tolist(), found.verb.tolist(), strict=True))
    for t in range(len(triplets)):  # the best first
        if not any(rivals(triplets[t], triplets[other]) for other in kept):
            kept.append(t)
    return found[np.array(kept, np.int64)]


def log_odds(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of probabilities."""
    clipped = score.clip(1e-4, 1 - 1e-4)
    return np.log(clipped / (1 - clipped))


def per_verb(found: Listed, strength: float) -> Keep:
    """What is listed with a threshold for each verb."""
    return lambda images: found.score >= verb_thresholds(found, images, strength)[found.verb]


def after_calibration(found: Listed, strength: float) -> Keep:
    """What is listed with one threshold on scores that are calibrated for each verb."""

    def keep(images: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return one_threshold(found, calibrated(found, images[found.image], strength))(images)

    return keep


def verb_thresholds(found: Listed, images: NDArray[np.bool_], strength: float) -> NDArray[np.float64]:
    """(K,) from which score on each verb is listed, chosen on some images (I,)."""
    chosen = images[found.image]
    common, f1 = _common(found.score[chosen], found.right[chosen], int(found.wanted[images].sum()))
    thresholds = np.full(int(found.verb.max()) + 1, common)
    for k in np.unique(found.verb[chosen]).tolist():
        mine = chosen & (found.verb == k)
        order = np.argsort(-found.score[mine], kind="stable")
        score = found.score[mine][order]
        gain = (found.right[mine][order] - f1 / 2).cumsum()  # F1 rises where more than half of it is right
        gain -= strength * (log_odds(score) - log_odds(np.array(common))) ** 2
        thresholds[k] = score[int(gain.argmax())]
    return thresholds


def calibrated(found: Listed, chosen: NDArray[np.bool_], strength: float) -> NDArray[np.float64]:
    """(N,) scores by regressions that are fitted on some interactions."""
    x, result = log_odds(found.score), np.zeros(len(found.score))
    common = _regression(x[chosen], found.right[chosen], np.array([1.0, 0.0]), 1e-6)
    for k in range(int(found.verb.max()) + 1):
        mine = found.verb == k
        slope, offset = _regression(x[mine & chosen], found.right[mine & chosen], common, strength)
        result[mine] = 1 / (1 + np.exp(-(slope * x[mine] + offset)))
    return result


def _regression(
    x: NDArray[np.float64], right: NDArray[np.bool_], prior: NDArray[np.float64], strength: float
) -> NDArray[np.float64]:
    weights, columns = prior.copy(), np.column_stack([x, np.ones_like(x)])
    for _ in range(25):  # Newton's method
        p = 1 / (1 + np.exp(-(columns @ weights)))
        slope = columns.T @ (p - right) + strength * (weights - prior)
        curve = (columns * (p * (1 - p))[:, None]).T @ columns + strength * np.eye(2) + 1e-9 * np.eye(2)
        weights = weights - np.linalg.solve(curve, slope)
    return weights


def _common(score: NDArray[np.float64], right: NDArray[np.bool_], wanted: int) -> tuple[float, float]:
    """The threshold with the best F1, and that F1."""
    order = np.argsort(-score, kind="stable")
    f1 = 2 * right[order].cumsum() / (np.arange(1, len(order) + 1) + wanted)
    return float(score[order[int(f1.argmax())]]), float(f1.max())


def tested(found: Listed, keep: Keep) -> list[str]:
    """F1, precision and recall of what `keep` lists, which chooses on four fifths and is tested on the fifth."""
    fold = np.random.default_rng(0).permutation(len(found.wanted)) % FOLDS
    right = said = 0
    for k in range(FOLDS):
        shown = keep(fold != k) & (fold[found.image] == k)
        right, said = right + int(found.right[shown].sum()), said + int(shown.sum())
    wanted = int(found.wanted.sum())
    return [f"{value:.4f}" for value in (2 * right / (said + wanted), right / max(said, 1), right / wanted)]


def one_threshold(found: Listed, score: NDArray[np.float64]) -> Keep:
    """What is listed with one threshold for all."""

    def keep(images: NDArray[np.bool_]) -> NDArray[np.bool_]:
        chosen = images[found.image]
        wanted = int(found.wanted[images].sum())
        return score >= _common(score[chosen], found.right[chosen], wanted)[0]

    return keep


def main() -> None:
    """Print a table for each noise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with V-COCO's annotations")
    parser.add_argument("--model", default="tin-spatial-vcoco", help="name or weights")
    parser.add_argument("--draws", type=int, default=4, help="times that detections are imitated")
    arguments = parser.parse_args()
    model = load_model(arguments.model, device="cpu")
    assert isinstance(model, TinSpatial)
    tables = load_tables(load_config("tin_spatial/vcoco", ["--data.root", str(arguments.data)]).data)
    data, rules = PairSet(tables.validation, model.config.network.verbs), counted_rules(tables.training)
    for title, noise in BOXES.items():
        if noise is None:
            continue
        found = listed(model, data, noise, arguments.draws, rules)
        table = Table("", "F1", "precision", "recall", title=f"{len(data)} held-out images, {title}")
        for name, each in found.items():
            table.add_row(f"one threshold, {name}", *tested(each, one_threshold(each, each.score)))
        usual = found["as it is"]
        for strength in STRENGTHS:
            table.add_row(f"threshold per verb, {strength}", *tested(usual, per_verb(usual, strength)))
        for strength in STRENGTHS:
            table.add_row(f"calibration per verb, {strength}", *tested(usual, after_calibration(usual, strength)))
        Console().print(table)


if __name__ == "__main__":
    run_script(main)

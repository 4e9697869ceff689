"""Where people touch objects, on generated test scenes: networks by geometry against baselines that learn by heart.

    interplay synthesize TRAIN --scenes 1200 --seed 2201 --size 256
    interplay synthesize TEST --scenes 1000 --seed 2203 --size 256
    interplay train contact_geometry/generated --data.root TRAIN --seed 0 --name seed0        # and 1, 2
    python experiments/contact_geometry.py --train TRAIN --test TEST runs/seed*/best.safetensors

Prints a Markdown table. F1, precision and recall are of vertices, means over the pairs of a person and an object that
touch; ``fp`` is how far over the body wrong contact is from right contact, ``fn`` how far right contact is from what
was found, in centimetres, on a sample of the pairs. ``binary`` is the F1 of a person's contact with anything.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from interplay.body.geodesics import SurfaceDistances
from interplay.datasets import load_annotations
from interplay.metrics.contact import binary_scores, contact_scores, geodesic_errors
from interplay.models.contact_geometry.batch import PairBatch
from interplay.models.contact_geometry.data import ContactPairs
from interplay.models.contact_geometry.model import ContactGeometry
from interplay.models.contact_geometry.recipe import ContactNoiseSection
from interplay.models.contact_geometry.task import detected, predict_pairs
from interplay.models.pair_geometry import as_annotated, pair_features
from interplay.models.weights import read_contact_model
from tables import percent

THRESHOLDS = np.arange(0.1, 0.55, 0.05)
Scores = NDArray[np.float32]


class Baselines:
    """What is known of the training pairs that touch."""

    def __init__(self, training: ContactPairs) -> None:
        touching = training.contact.any(1)
        self.pairs = PairBatch(**{name: each[touching] for name, each in vars(as_annotated(training.pairs)).items()})
        self.contact = training.contact[touching].numpy()
        features = pair_features(self.pairs)
        self.mean, self.deviation = features.mean(0), features.std(0).clamp_min(0.05)
        self.features = (features - self.mean) / self.deviation
        self.all = self.contact.mean(0)

    def of_object(self, pairs: PairBatch, row: int) -> Scores:
        """The mean contact with this object."""
        return self._mean((self.pairs.labels == pairs.labels[row]).numpy())

    def of_verbs(self, pairs: PairBatch, row: int) -> Scores:
        """The mean contact with this object of those who do the same; as `of_object` where nobody does."""
        same = (self.pairs.labels == pairs.labels[row]) & (self.pairs.verbs == pairs.verbs[row]).all(1)
        return self._mean(same.numpy()) if same.any() else self.of_object(pairs, row)

    def nearest(self, pairs: PairBatch, row: int) -> Scores:
        """The contact of the training pair with this object whose boxes and keypoints are most alike."""
        own = (
            pair_features(PairBatch(**{n: e[row : row + 1] for n, e in vars(pairs).items()})) - self.mean
        ) / self.deviation
        distance = (self.features - own).square().sum(1)
        same = self.pairs.labels == pairs.labels[row]
        if same.any():
            distance = torch.where(same, distance, torch.inf)
        return self.contact[int(distance.argmin())].astype(np.float32)

    def _mean(self, rows: NDArray[np.bool_]) -> Scores:
        return (self.contact[rows].mean(0) if rows.any() else self.all).astype(np.float32)

    def best_threshold(self, scores: Callable[[PairBatch, int], Scores]) -> float:
        """The threshold that is best on (300 of) the training pairs themselves."""
        rows = np.linspace(0, len(self.contact) - 1, 300).round().astype(int)
        found, wanted = np.stack([scores(self.pairs, row) for row in rows.tolist()]), self.contact[rows]
        return float(max(THRESHOLDS, key=lambda t: contact_scores(found, wanted, threshold=t).mean[0]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path, help="weights of several seeds")
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--geodesic", type=int, default=200, help="pairs whose distances are computed")
    given = parser.parse_args()
    training, test = (ContactPairs(load_annotations("generated", root), root) for root in (given.train, given.test))
    networks = [read_contact_model(path) for path in given.models]
    table = ContactTable(test, given.geodesic)
    baselines = Baselines(training)
    annotated = as_annotated(test.pairs)
    print(f"{len(test)} pairs of {len(set(test.files))} test scenes, {len(table.touching)} touch")
    print("| | F1 | precision | recall | fp cm | fn cm | binary |\n| --- | --- | --- | --- | --- | --- | --- |")
    named: dict[str, Callable[[PairBatch, int], Scores]] = {
        "mean contact of the object": baselines.of_object,
        "mean contact of object and verbs": baselines.of_verbs,
        "nearest training pair of the object": baselines.nearest,
    }
    for name, scores in named.items():
        threshold = 0.5 if name.startswith("nearest") else baselines.best_threshold(scores)
        certain = np.stack([scores(annotated, int(row)) >= threshold for row in table.touching]).astype(np.float32)
        table.row(name, [certain])
    noise = ContactNoiseSection()
    inputs = {
        "geometry, annotated boxes and keypoints": annotated,
        "geometry, imitated detections": detected(test.pairs, noise),
        "geometry, the same without verbs": _without_verbs(detected(test.pairs, noise)),
        "geometry, annotated boxes without keypoints": replace(
            annotated, keypoints=torch.zeros_like(annotated.keypoints)
        ),
    }
    asked = [_told(_known(network)) for network in networks]
    found = [predict_pairs(network, annotated)[table.touching] for network in asked]
    table.row("geometry, annotated, told that the pairs touch as the baselines are", found)
    touches = test.contact.any(1).numpy()
    for name, pairs in inputs.items():
        everything = [predict_pairs(_known(network), pairs) for network in networks]
        table.row(name, [found[table.touching] for found in everything])
        right = [float((found.any(1) == touches).mean()) for found in everything]
        print(f"<!-- {name}: whether a pair touches at all is right in {percent(right)} % -->", flush=True)


class ContactTable:
    """Scores of the test pairs that touch, or of `most` of them, row by row."""

    def __init__(self, test: ContactPairs, geodesic: int, most: int | None = None) -> None:
        touching = np.flatnonzero(test.contact.any(1).numpy())
        some = np.linspace(0, len(touching) - 1, min(most or len(touching), len(touching))).round().astype(int)
        self.touching = touching[some]
        self._wanted = test.contact.numpy()[self.touching]
        self._people = [f"{test.files[row]} {test.human[row]}" for row in self.touching]
        self._surface = SurfaceDistances(test.surface[:, :3].numpy(), test.faces)
        self._sample = np.linspace(0, len(self.touching) - 1, min(geodesic, len(self.touching))).round().astype(int)

    def row(self, name: str, found: list[Scores]) -> None:
        """Print the scores (P, N) of one or more seeds."""
        vertices = np.array([contact_scores(each, self._wanted).mean for each in found])
        binary = [binary_scores(each, self._wanted, self._people).f1 for each in found]
        errors = [self._errors(each) for each in found[:1]]
        cells = [percent(vertices[:, column].tolist()) for column in range(3)]
        cells += [f"{100 * np.mean([each[side] for each in errors]):.1f}" for side in range(2)]
        print(f"| {name} | {' | '.join([*cells, percent(binary)])} |", flush=True)

    def _errors(self, found: Scores) -> tuple[float, float]:
        chosen, wanted = found[self._sample], self._wanted[self._sample]
        there = (chosen >= 0.5).any(1)
        errors: Any = geodesic_errors(chosen[there], wanted[there], self._surface)
        return float(np.mean(errors.fp)), float(np.mean(errors.fn))


def _without_verbs(pairs: PairBatch) -> PairBatch:
    return replace(pairs, verbs=torch.zeros_like(pairs.verbs))


def _told(network: ContactGeometry) -> ContactGeometry:
    """The network that does not decide whether a pair touches at all."""
    copied = copy.copy(network)
    decoding = network.config.decoding.model_copy(update={"touch": 0.0})
    copied.config = network.config.model_copy(update={"decoding": decoding})
    return copied


def _known(network: Any) -> ContactGeometry:
    if not isinstance(network, ContactGeometry):
        raise SystemExit(f"expected contact by geometry, got {type(network).__name__}")
    return network


if __name__ == "__main__":
    main()

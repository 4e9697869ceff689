"""What InteractVLM's small network says of objects: where people touch them, on generated scenes, beside a mean.

    interplay synthesize TRAIN --scenes 600 --seed 2201 --size 256 --glb
    interplay synthesize TEST --scenes 150 --seed 2203 --size 256 --glb
    interplay train interactvlm/nano_objects --data.root TRAIN --start_file NANO
    python experiments/interactvlm_objects.py --train TRAIN --test TEST runs/interactvlm_nano_objects/best.safetensors

`NANO` is a file of interactvlm-nano, as of `interactvlm/nano_vertices`. Each object is asked about on its own mesh, in
its own frame, its longest side of length 1, with the annotated keypoints where the network knows poses. Beside the
network: all vertices, and what the contact of the training objects of the same kind says at the nearest vertices: the
mean of all, of those with which the same is done, and that of the pair whose boxes and keypoints are most alike. A
mean's threshold is the best one among training objects. Each is scored as masks as well: drawn in the network's views
with as many pixels as its masks have, and lifted; so is the annotated contact. A second row of a network has the
threshold that is best on so many training objects.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from scipy.spatial import cKDTree

from drawn_contact import as_masks
from interplay.body.cameras import OBJECT_DISTANCE, view_set
from interplay.body.lifting import lift_object
from interplay.body.views import draw_views, unit_object
from interplay.datasets import load_annotations
from interplay.datasets.images import ImageFinder
from interplay.images import read_image
from interplay.metrics.contact import contact_scores
from interplay.models.contact import ContactPair
from interplay.models.interactvlm.model import InteractVlmModel
from interplay.models.interactvlm.object_sources import touched_meshes
from interplay.models.interactvlm.predict import ContactPredictor
from interplay.models.pair_geometry import as_annotated, pair_features
from interplay.models.weights import read_contact_model

SIDE, LIFTED = 64, 512
MOST = 30
"""Training objects of a kind that a mean is of."""
STEPS = np.linspace(0.05, 0.95, 19)
Scores = NDArray[np.floating]


class Touched(NamedTuple):
    """An object in a scene: picture, kind and boxes, unit mesh (N, 3) and (F, 3), (N,) whether it is touched, and (D,)
    `pair_features`."""

    file: str
    pair: ContactPair
    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]
    contact: NDArray[np.bool_]
    features: NDArray[np.float32]


def touched_objects(root: Path) -> list[Touched]:
    """All of a folder of generated scenes."""
    found = []
    for file, pair, mesh, vertices, geometry in touched_meshes(load_annotations("generated", root), root):
        contact = np.zeros(len(mesh.vertices), bool)
        contact[vertices] = True
        known = as_annotated(geometry)
        told = replace(pair, keypoints=known.keypoints[0].numpy())
        features = pair_features(known)[0].numpy()
        found.append(Touched(file, told, unit_object(mesh.vertices), mesh.faces, contact, features))
    return found


class Baselines:
    """What is known of training objects of the same kind: their contact, at the vertices that are nearest."""

    def __init__(self, training: list[Touched]) -> None:
        self._known: dict[str, list[tuple[cKDTree, Touched]]] = defaultdict(list)
        for each in training:
            self._known[each.pair.object].append((cKDTree(each.vertices), each))
        self._deviation = np.std([each.features for each in training], 0).clip(0.05)
        self._sample = training[:: max(1, len(training) // 200)]

    def of_kind(self, asked: Touched) -> Scores:
        """(N,) the mean of the kind."""
        return self._mean(asked, self._others(asked))

    def of_verbs(self, asked: Touched) -> Scores:
        """(N,) the mean of the kind where the same is done with it; as `of_kind` where that is nowhere."""
        others = self._others(asked)
        return self._mean(asked, [each for each in others if each[1].pair.verbs == asked.pair.verbs] or others)

    def nearest(self, asked: Touched) -> Scores:
        """(N,) of the one of the kind whose person is most alike in boxes and keypoints."""
        others = self._others(asked)

        def distance(other: tuple[cKDTree, Touched]) -> float:
            return float(np.square((other[1].features - asked.features) / self._deviation).sum())

        return self._mean(asked, sorted(others, key=distance)[:1])

    def best_threshold(self, scores: Callable[[Touched], Scores]) -> float:
        """The best one on (about 200 of) the training objects, of each other."""
        found = [(scores(each), each.contact) for each in self._sample]
        return float(max(STEPS, key=lambda step: np.mean([_f1(score >= step, truth) for score, truth in found])))

    def _others(self, asked: Touched) -> list[tuple[cKDTree, Touched]]:
        return [each for each in self._known[asked.pair.object] if each[1] is not asked]

    def _mean(self, asked: Touched, others: list[tuple[cKDTree, Touched]]) -> Scores:
        found = [each.contact[tree.query(asked.vertices)[1]] for tree, each in others[:MOST]]
        return np.mean(found, 0) if found else np.zeros(len(asked.vertices))


def drawn(known: Callable[[Touched], Scores], asked: Touched) -> Scores:
    """(N,) what is known, as masks of `SIDE` pixels, lifted from views of `LIFTED` pixels."""
    views = {name: view._replace(distance=OBJECT_DISTANCE) for name, view in view_set("4MV-Z_HM").items()}
    mesh = draw_views(asked.vertices, asked.faces, views, LIFTED, "positions")
    return as_masks(known(asked), mesh.pix_to_face, mesh.bary, mesh.faces, SIDE, lift_object)


def _f1(pred: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float(contact_scores(pred.astype(np.float32), truth.astype(np.float32)).mean.f1)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path, help="weights")
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    given = parser.parse_args()
    training, test = touched_objects(given.train), touched_objects(given.test)
    baselines = Baselines(training)
    rows = {"all vertices": [np.ones(len(each.contact), bool) for each in test]}
    named: dict[str, Callable[[Touched], Scores]] = {
        "mean contact of the kind": baselines.of_kind,
        "mean contact of kind and verbs": baselines.of_verbs,
        "nearest training pair of the kind": baselines.nearest,
        "annotated": lambda each: each.contact.astype(np.float64),
    }
    for name, known in named.items():
        for kind, scores_of in ((name, known), (f"{name}, as masks", partial(drawn, known))):
            threshold = baselines.best_threshold(scores_of) if "mean" in name else 0.5
            rows[kind] = [scores_of(each) >= threshold for each in track(test, kind, transient=True)]
    finder, learnt = ImageFinder(given.test), dict[str, float]()
    for path in given.models:
        model = read_contact_model(path).eval()
        assert isinstance(model, InteractVlmModel)
        name, some = path.parent.name, training[:: max(1, len(training) // 100)]
        found = [_asked(model, each, finder) for each in track(test, name, transient=True)]
        before = [_asked(model, each, ImageFinder(given.train)) for each in track(some, name, transient=True)]
        pairs = list(zip(before, (each.contact for each in some), strict=True))
        best = float(max(STEPS, key=lambda step: np.mean([_f1(score >= step, truth) for score, truth in pairs])))
        learnt[name] = 100 * float(np.mean([_f1(score >= 0.5, truth) for score, truth in pairs]))
        rows[name] = [scores >= 0.5 for scores in found]
        rows[f"{name}, threshold {best:.2f}"] = [scores >= best for scores in found]
    print(f"{len(test)} objects that are touched")
    print("| | F1 | precision | recall |\n| --- | --- | --- | --- |")
    for name, answers in rows.items():
        means = [
            contact_scores(pred.astype(np.float32), asked.contact.astype(np.float32)).mean
            for pred, asked in zip(answers, test, strict=True)
        ]
        cells = " | ".join(f"{100 * value:.1f}" for value in np.mean(means, 0))
        print(f"| {name} | {cells} |")
    for name, f1 in learnt.items():
        print(f"{name}: F1 of about 100 training objects {f1:.1f}")


def _asked(model: InteractVlmModel, each: Touched, finder: ImageFinder) -> NDArray[np.floating]:
    where = finder.find(each.file)
    assert where is not None
    given = model.config.decoding.given
    predictor = ContactPredictor(model.network, model.tokenizer, each.vertices, each.faces, kind="object", given=given)
    [found] = predictor.predict_pairs(read_image(where), [each.pair])
    return found.scores


if __name__ == "__main__":
    main()

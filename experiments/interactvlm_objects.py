"""What InteractVLM's small network says of objects: where people touch them, on generated scenes, beside a mean.

    interplay synthesize TRAIN --scenes 600 --seed 2201 --size 256 --glb
    interplay synthesize TEST --scenes 150 --seed 2203 --size 256 --glb
    interplay train interactvlm/nano_objects --data.root TRAIN --start_file NANO
    python experiments/interactvlm_objects.py --train TRAIN --test TEST runs/interactvlm_nano_objects/best.safetensors

`NANO` is a file of interactvlm-nano, as of `interactvlm/nano_vertices`. Each object is asked about on its own mesh, in
its own frame, its longest side of length 1, with the annotated keypoints where the network knows poses. Beside the
network: all vertices, and the mean contact of the training objects of the same kind, whose nearest vertices are taken;
its threshold is the best one among training objects. Both the annotated contact and this mean are scored as masks as
well: drawn in the network's views with as many pixels as its masks have, and lifted. A second row of a network has the
threshold that is best on so many training objects.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from scipy.spatial import cKDTree
from torch.nn import functional as F

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
from interplay.models.pair_geometry import as_annotated
from interplay.models.weights import read_contact_model

SIDE, LIFTED = 64, 512
MOST = 30
"""Training objects of a kind that the mean is of."""


class Touched(NamedTuple):
    """An object in a scene: picture, kind and boxes, unit mesh (N, 3) and (F, 3), and (N,) whether it is touched."""

    file: str
    pair: ContactPair
    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]
    contact: NDArray[np.bool_]


def touched_objects(root: Path) -> list[Touched]:
    """All of a folder of generated scenes."""
    found = []
    for file, pair, mesh, vertices, geometry in touched_meshes(load_annotations("generated", root), root):
        contact = np.zeros(len(mesh.vertices), bool)
        contact[vertices] = True
        told = replace(pair, keypoints=as_annotated(geometry).keypoints[0].numpy())
        found.append(Touched(file, told, unit_object(mesh.vertices), mesh.faces, contact))
    return found


class MeanOfKind:
    """The mean contact of training objects of a kind."""

    def __init__(self, training: list[Touched]) -> None:
        self._known: dict[str, list[tuple[cKDTree, Touched]]] = defaultdict(list)
        for each in training:
            if len(self._known[each.pair.object]) < MOST:
                self._known[each.pair.object].append((cKDTree(each.vertices), each))
        sample = training[:: max(1, len(training) // 60)]
        scores = [(self.scores(each), each.contact) for each in sample]
        steps = np.linspace(0.05, 0.95, 19)
        means = [np.mean([_f1(score >= step, truth) for score, truth in scores]) for step in steps]
        self.threshold = float(steps[int(np.argmax(means))])

    def scores(self, asked: Touched) -> NDArray[np.float64]:
        """(N,) share of the training objects, other than this one, whose nearest vertex is touched."""
        found = [
            each.contact[tree.query(asked.vertices)[1]]
            for tree, each in self._known[asked.pair.object]
            if each is not asked
        ]
        return np.mean(found, 0) if found else np.zeros(len(asked.vertices))


def as_masks(asked: Touched, scores: NDArray[Any]) -> NDArray[np.float32]:
    """(N,) scores of vertices (N,), drawn as masks of `SIDE` pixels and lifted from views of `LIFTED` pixels."""
    views = {name: view._replace(distance=OBJECT_DISTANCE) for name, view in view_set("4MV-Z_HM").items()}
    mesh = draw_views(asked.vertices, asked.faces, views, LIFTED, "positions")
    table, bary = torch.from_numpy(mesh.pix_to_face), torch.from_numpy(mesh.bary)
    faces = torch.from_numpy(np.asarray(mesh.faces, np.int64))
    there = (table >= 0).float()
    drawn = (torch.from_numpy(scores.astype(np.float32))[faces[table.clamp(min=0)]] * bary).sum(-1) * there
    low, shown = (F.adaptive_avg_pool2d(each[None], SIDE) for each in (drawn, there))
    mask = F.interpolate(low / shown.clamp(min=1e-3), LIFTED, mode="bilinear", align_corners=False)[0]
    return lift_object(torch.logit(mask, 1e-4), table, bary, faces, len(scores)).numpy()


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
    mean = MeanOfKind(training)
    rows = {
        "all vertices": [np.ones(len(each.contact), bool) for each in test],
        "mean contact of the kind": [mean.scores(each) >= mean.threshold for each in test],
        "annotated, as masks": [],
        "mean contact of the kind, as masks": [],
    }
    for each in track(test, "masks", transient=True):
        annotated, expected = as_masks(each, each.contact), as_masks(each, mean.scores(each))
        rows["annotated, as masks"].append(annotated >= 0.5)
        rows["mean contact of the kind, as masks"].append(expected >= mean.threshold)
    finder = ImageFinder(given.test)
    for path in given.models:
        model = read_contact_model(path).eval()
        assert isinstance(model, InteractVlmModel)
        name, some = path.parent.name, training[:: max(1, len(training) // 100)]
        found = [_asked(model, each, finder) for each in track(test, name, transient=True)]
        before = [_asked(model, each, ImageFinder(given.train)) for each in track(some, name, transient=True)]
        pairs = list(zip(before, (each.contact for each in some), strict=True))
        steps = np.linspace(0.05, 0.95, 19)
        best = float(max(steps, key=lambda step: np.mean([_f1(score >= step, truth) for score, truth in pairs])))
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


def _asked(model: InteractVlmModel, each: Touched, finder: ImageFinder) -> NDArray[np.floating]:
    where = finder.find(each.file)
    assert where is not None
    given = model.config.decoding.given
    predictor = ContactPredictor(model.network, model.tokenizer, each.vertices, each.faces, kind="object", given=given)
    [found] = predictor.predict_pairs(read_image(where), [each.pair])
    return found.scores


if __name__ == "__main__":
    main()

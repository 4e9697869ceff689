"""InteractVLM's small network, which looks at pixels, on generated test scenes, beside baselines that learn by heart.

    interplay synthesize TRAIN --scenes 3600 --seed 2201 --size 256
    interplay synthesize TEST --scenes 1000 --seed 2203 --size 256
    interplay train interactvlm/nano --data.root TRAIN --name nano
    interplay train interactvlm/nano_vertices --data.root TRAIN --start_file runs/nano/model.safetensors
    interplay train interactvlm/nano --data.root TRAIN --name plain --model.camera_encoder null
    interplay train interactvlm/nano --data.root TRAIN --name one --model.views 1
    python experiments/interactvlm_nano.py --train TRAIN --test TEST RUNS/*/best.safetensors

Prints a Markdown table in the form of `contact_geometry.py`: baselines, also as masks of the network's size can show
them, and one row for each network, named after its folder. It is
asked about each pair of a person and an object that touch, sees the part of the picture about their annotated boxes,
is told the annotated keypoints if it knows poses (`--detected`: boxes and keypoints as they would be found), and
answers by itself where its answers are not given. A second row has the threshold that is best on held-out training
scenes, of which as many pairs are asked about as of test scenes. A second table says how often any contact is found in
pairs that touch and in as many that do not. Where networks name the object before the mask, also says how often it is
another one.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from contact_geometry import Baselines, ContactTable, Scores
from drawn_contact import as_masks
from interplay.body.cameras import view_set
from interplay.body.lifting import lift_human
from interplay.body.views import draw_views, upright_body
from interplay.datasets import load_annotations
from interplay.datasets.images import ImageFinder
from interplay.images import read_image
from interplay.metrics.contact import contact_scores
from interplay.models.contact import ContactModel, ContactPair, VertexContact
from interplay.models.contact_geometry.batch import PairBatch
from interplay.models.contact_geometry.data import ContactPairs
from interplay.models.contact_geometry.recipe import ContactNoiseSection
from interplay.models.contact_geometry.task import detected
from interplay.models.pair_geometry import as_annotated
from interplay.models.weights import read_contact_model
from interplay.training import load_config
from interplay.training.tables import load_tables
from interplay.vocabulary import Vocabulary

SIDE, LIFTED = 64, 512
"""Pixels of the network's masks, and of the views that they are lifted from."""
THRESHOLDS = np.arange(0.1, 0.95, 0.05)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path, help="weights")
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--geodesic", type=int, default=100, help="pairs whose distances are computed")
    parser.add_argument("--pairs", type=int, help="so many of the pairs that touch, evenly spread; all by default")
    parser.add_argument("--detected", action="store_true", help="boxes and keypoints as they would be found")
    parser.add_argument("--grey", action="store_true", help="a grey picture in place of each")
    given = parser.parse_args()
    training, test = (ContactPairs(load_annotations("generated", root), root) for root in (given.train, given.test))
    held_out = ContactPairs(
        load_tables(load_config("interactvlm/nano", [f"--data.root={given.train}"]).data).validation, given.train
    )
    table, chosen = ContactTable(test, given.geodesic, given.pairs), ContactTable(held_out, 1, given.pairs)
    baselines, annotated = Baselines(training), as_annotated(test.pairs)
    print(f"{len(table.touching)} pairs that touch")
    print("| | F1 | precision | recall | fp cm | fn cm | binary |\n| --- | --- | --- | --- | --- | --- | --- |")
    body = draw_views(upright_body(test.surface[:, :3].numpy()), test.faces, view_set("human_hands"), LIFTED)

    def drawn(scores: Callable[[PairBatch, int], Scores], pairs: PairBatch, row: int) -> Scores:
        return as_masks(scores(pairs, row), body.pix_to_face, body.bary, body.faces, SIDE, lift_human)

    for name, scores in (
        ("mean contact of the object", baselines.of_object),
        ("mean contact of object and verbs", baselines.of_verbs),
        ("nearest training pair of the object", baselines.nearest),
    ):
        for kind, known in ((name, scores), (f"{name}, as masks", partial(drawn, scores))):
            threshold = 0.5 if scores == baselines.nearest else baselines.best_threshold(known)
            certain = np.stack([known(annotated, int(row)) >= threshold for row in table.touching]).astype(np.float32)
            table.row(kind, [certain])
    vocabulary = load_annotations("generated", given.test).vocabulary
    wrong: dict[str, int] = {}
    touch: dict[str, tuple[float, float]] = {}
    apart = np.flatnonzero(~test.contact.any(1).numpy())
    apart = apart[np.linspace(0, len(apart) - 1, min(len(apart), len(table.touching))).round().astype(int)]
    for path in given.models:
        model = read_contact_model(path)
        found, answers = _asked(model, test, table.touching, vocabulary, given.test, given.detected, given.grey)
        table.row(path.parent.name, [found])
        before, _ = _asked(model, held_out, chosen.touching, vocabulary, given.train, given.detected, given.grey)
        wanted = held_out.contact.numpy()[chosen.touching]
        best = max(THRESHOLDS, key=lambda each: contact_scores(before, wanted, threshold=each).mean.f1)
        table.row(f"{path.parent.name}, threshold {best:.2f}", [(found >= best).astype(np.float32)])
        named = [vocabulary.objects[int(test.pairs.labels[row])].replace("_", " ") for row in table.touching]
        others, _ = _asked(model, test, apart, vocabulary, given.test, given.detected, given.grey)
        near, far = (100 * float((each >= 0.5).any(1).mean()) for each in (found, others))
        touch[path.parent.name] = near, far
        wrong[path.parent.name] = sum(
            f" {name} [" not in f" {text}" for name, text in zip(named, answers, strict=True) if text
        )
    print("| | contact found where pairs touch | where they do not |\n| --- | --- | --- |")
    for name, (near, far) in touch.items():
        print(f"| {name} | {near:.1f} % | {far:.1f} % of {len(apart)} |")
    for name, number in wrong.items():
        print(
            f"{name}: another object than the question's before the mask in {number} of {len(table.touching)} answers"
        )


def _asked(
    model: ContactModel,
    asked: ContactPairs,
    rows: NDArray[np.int64],
    vocabulary: Vocabulary,
    root: Path,
    noisy: bool,
    grey: bool,
) -> tuple[NDArray[np.float32], list[str]]:
    """(P, N) scores of the given pairs, and the answers in words."""
    finder, images = model.finder(), ImageFinder(root)
    told = detected(asked.pairs, ContactNoiseSection()) if noisy else as_annotated(asked.pairs)
    found: list[VertexContact] = []
    for file in dict.fromkeys(asked.files[row] for row in rows):
        mine = [row for row in rows.tolist() if asked.files[row] == file]
        pairs = [
            ContactPair(
                vocabulary.objects[int(told.labels[row])],
                told.humans[row].numpy(),
                told.objects[row].numpy(),
                told.keypoints[row].numpy(),
                tuple(vocabulary.verbs[verb] for verb in torch.nonzero(told.verbs[row])[:, 0].tolist()),
            )
            for row in mine
        ]
        where = images.find(file)
        assert where is not None
        with torch.inference_mode():
            image = read_image(where)
            found += finder.predict_pairs(np.full_like(image, 127) if grey else image, pairs)
    return np.stack([each.scores for each in found]), [each.answer for each in found]


if __name__ == "__main__":
    main()

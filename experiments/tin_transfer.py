"""Whether a person and an object interact: learnt on one data set, used on another (TIN's transfer, CVPR 2019).

    python experiments/tin_transfer.py --vcoco DIR --hico DIR --generated DIR --output runs/transfer --seeds 3

Trains TIN's spatial network (``tin_spatial/vcoco_boxes``) on V-COCO's trainval annotations, on half of
HICO-DET's test annotations and on generated scenes, with ``--joined`` also on all together (D alone, as their verbs
differ), and tests each discriminator D on V-COCO's test annotations, the other half of HICO-DET's and generated test
scenes; classifiers C are of the set that is tested.
D sees annotated boxes and knows objects by name, as in ``interplay suppress``. Options that the script does not
know go to every training (``--epochs=1``). Sets that are not given are left out; finished trainings are kept.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from interplay import Interactions, InteractionTable, Vocabulary, load_annotations, load_model, write
from interplay.cli import run_script
from interplay.datasets.pairs import merge_duplicate_boxes
from interplay.files import atomic_path
from interplay.models.interactiveness import InteractivenessScorer
from interplay.models.tin_spatial.data import PairSet
from interplay.models.tin_spatial.model import TinSpatial
from interplay.models.tin_spatial.task import (
    NIS_RECALL_LOSS,
    ScoredPairs,
    score_interactiveness,
    score_pairs,
    trained_verbs,
)
from interplay.ops.correspondences import no_interaction_verbs
from interplay.training import load_config, train
from interplay.training.folder import WEIGHTS
from interplay.training.tables import held_out_images
from tables import percent

CONFIG = "tin_spatial/vcoco_boxes"
HELD_OUT = 0.1
HICO_SAME_OBJECT = 0.5
"""Overlap of two boxes that HICO-DET's annotators drew of one object; its evaluation uses the same."""
EVERYTHING = "all"

Metrics = dict[str, float]


@dataclass(frozen=True)
class DataSet:
    """Annotations to learn from and to test on."""

    name: str
    training: InteractionTable
    testing: InteractionTable


def vcoco(folder: Path) -> DataSet:
    """V-COCO as it is split."""
    return DataSet("V-COCO", load_annotations("v-coco", folder, "trainval"), load_annotations("v-coco", folder, "test"))


def hico(folder: Path) -> DataSet:
    """HICO-DET's test annotations in two halves by a hash of the image's name, a box for each person and object."""
    table = load_annotations("hico-det", folder, "test")
    # A prefix, because trainings hold images out by a hash of the name alone.
    half = held_out_images([f"half/{name}" for name in table.files], 0.5)
    merged = InteractionTable.from_list(merge_duplicate_boxes(image, HICO_SAME_OBJECT) for image in table)
    return DataSet("HICO-DET", merged.select(np.flatnonzero(half)), merged.select(np.flatnonzero(~half)))


def generated(folder: Path) -> DataSet:
    """Generated scenes as they are split."""
    return DataSet("generated", *(load_annotations("generated", folder, split) for split in ("train", "test")))


def joined(sets: Iterable[DataSet]) -> InteractionTable:
    """The training annotations of several sets, whose verbs differ: only whether a pair interacts."""
    content = {
        "name": EVERYTHING,
        "objects": list(Vocabulary.load("coco").objects),
        "verbs": ["interact", "no interaction"],
        "interactions": [["interact", None], ["no interaction", None]],
        "groups": {"no_interaction": [1]},
    }
    names = Vocabulary.from_dict(content)
    images = []
    for data in sets:
        table = data.training
        objects = np.array([names.object_index(name) for name in table.vocabulary.objects])
        nothing = no_interaction_verbs(table.vocabulary)
        images += [
            replace(
                image.with_columns(unlabelled=unlabelled(image), keypoints=None),
                vocabulary=names,
                labels=objects[image.labels],
                verb=np.isin(image.verb, nothing).astype(np.int64),
                image_labels=None,
            )
            for image in table
        ]
    return InteractionTable.from_list(images)


def unlabelled(image: Interactions) -> NDArray[np.bool_]:
    """(N,) people of whom nothing is known, also where the annotations do not say so; as `PairSet` takes it."""
    if image.unlabelled is not None:
        return image.unlabelled
    acting = image.human[image.object >= 0]
    return (image.labels == image.vocabulary.person) & ~np.isin(np.arange(len(image.boxes)), acting)


def trained(name: str, table: InteractionTable, seed: int, output: Path, further: list[str]) -> TinSpatial:
    """The network that learnt from a table, trained now unless it was before."""
    run = f"{name.lower()}-{seed}"
    weights = output / run / WEIGHTS
    if not weights.is_file():
        file = output / "data" / f"{name.lower()}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        write(table, file)
        options = {"name": run, "output": output, "seed": seed, "data.dataset": "own", "data.root": file}
        overrides = [f"--{key}={json.dumps(str(v) if isinstance(v, Path) else v)}" for key, v in options.items()]
        train(load_config(CONFIG, [*overrides, f"--data.holdout={HELD_OUT}", *further]), Console(stderr=True))
    model = load_model(weights, device="cpu")
    assert isinstance(model, TinSpatial)
    return model


def classified(model: TinSpatial, data: PairSet, verbs: tuple[int, ...]) -> ScoredPairs:
    """The pairs of a set with C and D of a model; a verb that the model did not learn gets 0."""
    scored = score_pairs(model, data)
    scores = np.zeros((len(scored.verbs), len(verbs)), np.float32)
    scores[:, np.searchsorted(verbs, model.config.network.verbs)] = scored.verbs
    return ScoredPairs(scores, scored.interactiveness, scored.targets)


def transfer(classifier: TinSpatial, scorers: Mapping[str, TinSpatial], data: DataSet) -> dict[str, Metrics]:
    """Metrics on a set, by where D was trained; `classifier` was trained on the set itself."""
    verbs = trained_verbs(joined_rows(data))
    testing = PairSet(data.testing, verbs)
    scored = classified(classifier, testing, verbs)
    held_out = data.training.select(np.flatnonzero(held_out_images(data.training.files, HELD_OUT)))
    choosing = PairSet(held_out, verbs)
    interacting = score_pairs(classifier, choosing).interacts
    metrics = {}
    for name, model in track(scorers.items(), f"judging {data.name}"):
        scorer = InteractivenessScorer(model, data.testing.vocabulary)
        judged = scored.with_interactiveness(score_interactiveness(scorer, testing))
        chosen = float(np.quantile(score_interactiveness(scorer, choosing)[interacting], NIS_RECALL_LOSS))
        own, there = judged.suppression(model.config.decoding.suppress_below), judged.suppression(chosen)
        metrics[name] = {
            "pairs": len(judged.targets),
            "interacting": float(judged.interacts.mean()),
            "ap": judged.interactiveness_ap,
            "threshold": own["nis_threshold"],
            "removed": own["nis_removed_non_interacting"],
            "lost": own["nis_removed_interacting"],
            "chosen_threshold": there["nis_threshold"],
            "chosen_removed": there["nis_removed_non_interacting"],
            "chosen_lost": there["nis_removed_interacting"],
            "c": own["map_classifier_alone"],
            "c_nis": own["map_classifier_with_suppression"],
            "c_chosen_nis": there["map_classifier_with_suppression"],
            "c_d": own["map_with_discriminator"],
            "c_d_nis": own["map_with_suppression"],
        }
    return metrics


def joined_rows(data: DataSet) -> InteractionTable:
    """Training and test images of a set."""
    return InteractionTable.from_list([*data.training, *data.testing])


def show(metrics: Mapping[str, Mapping[str, list[Metrics]]], console: Console) -> None:
    """Tables of metrics by tested set and by where D was trained, one entry per seed."""
    targets, scorers = list(metrics), list(next(iter(metrics.values())))
    columns = [f"tested on {name}" for name in targets]

    def rows(title: str, *keys: str) -> None:
        table = Table("D trained on", *columns, title=title)
        for name in scorers:
            cells = [" / ".join(percent([run[key] for run in metrics[t][name]]) for key in keys) for t in targets]
            table.add_row(name, *cells)
        console.print(table)

    for target in targets:
        first = metrics[target][scorers[0]][0]
        console.print(f"{target}: {first['pairs']:,} pairs, {100 * first['interacting']:.1f} % interact")
    rows("AP of D alone, %", "ap")
    rows("NIS, threshold from where D was trained: removed of the non-interacting / interacting pairs, %",
         "removed", "lost")  # fmt: skip
    rows("NIS, threshold from the tested set's training images: the same", "chosen_removed", "chosen_lost")
    rows("mean AP of the tested set's C, %: alone / on the pairs that NIS leaves / C x D", "c", "c_nis", "c_d")


def main() -> None:
    """Train what is not trained yet, test, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vcoco", type=Path, metavar="DIR", help="V-COCO's annotations")
    parser.add_argument("--hico", type=Path, metavar="DIR", help="HICO-DET's test annotations")
    parser.add_argument("--generated", type=Path, metavar="DIR", help="what 'interplay synthesize --benchmark' wrote")
    parser.add_argument("--output", type=Path, required=True, help="folder for trainings and metrics.json")
    parser.add_argument("--seeds", type=int, default=1, help="trainings per set (default: 1)")
    parser.add_argument("--joined", action="store_true", help="also train a D on all sets together")
    arguments, further = parser.parse_known_args()
    readers = {vcoco: arguments.vcoco, hico: arguments.hico, generated: arguments.generated}
    sets = [read(folder) for read, folder in readers.items() if folder is not None]
    if len(sets) < 2:
        parser.error("a transfer needs two sets: give at least two of --vcoco, --hico and --generated")
    tables = {data.name: data.training for data in sets}
    if arguments.joined:
        tables[EVERYTHING] = joined(sets)
    metrics: dict[str, dict[str, list[Metrics]]] = {data.name: {name: [] for name in tables} for data in sets}
    for seed in range(arguments.seeds):
        models = {name: trained(name, table, seed, arguments.output, further) for name, table in tables.items()}
        for data in sets:
            for name, found in transfer(models[data.name], models, data).items():
                metrics[data.name][name].append(found)
    show(metrics, Console())
    with atomic_path(arguments.output / "metrics.json") as temporary:
        temporary.write_text(json.dumps(metrics, indent=1), encoding="utf-8")


if __name__ == "__main__":
    run_script(main)

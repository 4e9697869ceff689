"""Do interactions and poses help each other? Turbo learning's Figure 3 on generated scenes.

    interplay synthesize scenes/train --scenes 600 --seed 2101 --size 256 --labels image
    interplay synthesize scenes/test --scenes 300 --seed 2103 --size 256 --labels image
    python experiments/turbo_stages.py --train scenes/train --test scenes/test --output runs/turbo_stages

The scenes are the first ones of the splits of ``generated-v1``; their verbs become V-COCO's by name, so that agent AP
and role AP (scenario 1) are V-COCO's own. A network of three stages is scored after each of its stages (Figure 3 of
the paper shows these); ``1 stage`` and ``2 stages`` train networks that have no more. All variants read the same frozen
features: a small stem is trained once with both tasks sharing it, and what it sees is kept on disk. Boxes are annotated
ones, poses are ranked by the boxes.

Beside the variants: how often a verb comes with an object in the training scenes (``class prior``), and TIN's spatial
stream trained on the same boxes (``geometry only``), which gives no agents' scores of its own and no poses. Remedies
are further variants; ``--variants`` chooses. ``--halves`` adds the paper's Table 1, pre-training and semi-automatic
poses. Runs that are finished are not repeated.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from interplay import Interactions, InteractionTable, Vocabulary, load_annotations, load_model, read, write
from interplay.cli import run_script
from interplay.datasets import InteractionDataset
from interplay.datasets.transforms import resize_image
from interplay.detectors.boxes_file import BoxesOfTable
from interplay.errors import InputError
from interplay.layers.modes import evaluating
from interplay.models.feature_cache import FeatureCache, Wanted, read_features
from interplay.models.turbo.model import Turbo
from interplay.models.weights import read_model
from interplay.ops.correspondences import class_table, object_table
from interplay.training import load_config, train
from interplay.training.tables import listing_what_occurs
from interplay.training.validation import predict_images, score_table

ONE: dict[str, object] = {"model.network.stages": 1}
WEIGHED: dict[str, object] = {"model.loss.first_pose": 4.0, "model.loss.pose": "[4.0]"}
VARIANTS: dict[str, dict[str, object]] = {
    "without pose": {**ONE, "model.network.pose": False},
    "multi-task": {**ONE, "model.network.explicit_pose": False},
    "1 stage": ONE,
    "2 stages": {"model.network.stages": 2},
    "3 stages": {"model.network.stages": 3},
    "without interactions": {**ONE, "model.network.hoi": False},
    "3 stages, 1 + A": {"model.network.stages": 3, "model.network.residual": True},
    "3 stages, F into poses": {"model.network.stages": 3, "model.network.appearance_to_pose": True},
    "3 stages, shared": {"model.network.stages": 3, "model.network.shared": True},
    "3 stages, poses weigh 4": {"model.network.stages": 3, **WEIGHED},
    "3 stages, F into poses, weigh 4": {"model.network.stages": 3, "model.network.appearance_to_pose": True, **WEIGHED},
    "multi-task, poses weigh 4": {**ONE, "model.network.explicit_pose": False, "model.loss.first_pose": 4.0},
    "1 stage, zeros first": {**ONE, "model.network.first_pose": "zeros"},
}
"""Name -> what differs from ``turbo/generated_nano``."""

SMALL: dict[str, object] = {
    "model.network.width": 64, "model.network.pose_width": 32, "batch_size": 4, "optimiser.reference_batch": 4,
    "proposals.jittered": 0,
}  # fmt: skip
"""What the variants have besides, so that each trains in a minute or two: half the width, and annotated boxes alone."""

SURE = 0.2
"""Smallest score of a keypoint that is taken for an annotation."""

FIGURES = ("agent", "score", "pose_ap50")


def in_vcoco_words(table: InteractionTable, folder: str) -> InteractionTable:
    """Annotations of generated scenes in V-COCO's vocabulary; what it has no word for is left out.

    Images are named from the folder above `folder` on.
    """
    words = Vocabulary.load("v-coco")
    verbs = class_table(table.vocabulary, words, tuple(range(len(words.verbs))))
    objects = object_table(table.vocabulary, words)
    found = []
    for image in table:
        verb = verbs[image.verb, np.where(image.object >= 0, image.labels[image.object], -1)]
        keep = verb >= 0
        given = image.boxes, objects[image.labels], image.human[keep], image.object[keep], verb[keep], words
        found.append(
            Interactions(
                *given,
                file=f"{folder}/{image.file}",
                width=image.width,
                height=image.height,
                scored=False,
                keypoints=image.keypoints,
            )
        )
    return InteractionTable.from_list(found, words)


def prepare(arguments: argparse.Namespace) -> tuple[InteractionTable, InteractionTable]:
    """Both sets in V-COCO's words, and the files that trainings read.

    A verb goes only with objects with which the training scenes show it, for all variants alike.
    """
    arguments.output.mkdir(parents=True, exist_ok=True)
    folders = {"train": arguments.train, "test": arguments.test}
    tables = {name: in_vcoco_words(load_annotations("generated", at), at.name) for name, at in folders.items()}
    words = listing_what_occurs(tables["train"])
    (arguments.output / "words.json").write_text(json.dumps(words.to_dict()))
    for name, table in tables.items():
        tables[name] = replace(table, vocabulary=words)
        write(tables[name], arguments.output / f"{name}.jsonl")
    return tables["train"], tables["test"]


def run(name: str, arguments: argparse.Namespace, changes: dict[str, object], epochs: int) -> Path:
    """Train ``turbo/generated_nano`` with changes, unless it was done before; returns its weights file."""
    output = arguments.output
    options: dict[str, object] = {
        "name": name, "output": output, "epochs": epochs, "validate_every": epochs, "proposals.jittered": 1,
        "accelerator": "cpu", "log_every": 1000,
        "data.dataset": "own", "data.root": output / "train.jsonl", "data.images": arguments.train.parent,
        "data.holdout": 0.02, "data.workers": 0, "data.feature_folder": output / "features",
        "data.vocabulary": output / "words.json", "model.network.dropout": 0.2, "optimiser.learning_rate": 2e-3,
    }  # fmt: skip
    weights = output / name / "model.safetensors"
    if not weights.is_file():
        chosen = {**options, **changes}
        train(load_config("turbo/generated_nano", [f"--{field}={value}" for field, value in chosen.items()]))
    return weights


def stem(arguments: argparse.Namespace) -> Path:
    """A file with the weights of a stem that was trained with both tasks on top of it."""
    file = arguments.output / "stem.pth"
    if not file.is_file():
        weights = run("stem", arguments, VARIANTS["multi-task"], arguments.stem_epochs)
        model = read_model(weights)
        torch.save(model.network.stem.resnet.state_dict(), file)  # type: ignore[union-attr]
    return file


def figures_of(weights: Path, test: InteractionTable, images: Path) -> dict[int, dict[str, float]]:
    """Of each stage, counted from 1: the figures on the test scenes; kept beside the weights."""
    file = weights.with_name("stages.json")
    if not file.is_file():
        model, boxes = read_model(weights), BoxesOfTable(test)
        assert isinstance(model, Turbo)
        stored = stored_scenes(model, test, images, weights.parent.parent / "features")
        stages = range(1, model.config.network.stages + 1)
        predicted: dict[int, list[Interactions]] = {stage: [] for stage in stages}
        with evaluating(model):
            for image, seen in zip(test, stored, strict=True):
                size = image.height or 0, image.width or 0
                [given] = boxes([np.zeros((*size, 3), np.uint8)], [image.file or ""])
                nobody = not len(model.used(given).humans)
                outputs = None if nobody else model.look_at(read_features(seen), size, given)[0]
                for stage in stages:
                    model.set_decoding(stage=stage, agents="all")
                    empty = Interactions.empty(test.vocabulary)
                    found = empty if outputs is None else model.decode(outputs, torch.tensor([size]), [given])[0]
                    predicted[stage].append(replace(found, file=image.file))
        figures: dict[int, dict[str, float]] = {}
        for stage in stages:
            scores = score_table(InteractionTable.from_list(predicted[stage], test.vocabulary), test)
            figures[stage] = {name: scores[name] for name in FIGURES if name in scores}
        file.write_text(json.dumps(figures))
    known = json.loads(file.read_text())
    return {int(stage): {name: row.get(name, float("nan")) for name in FIGURES} for stage, row in known.items()}


def stored_scenes(model: Turbo, test: InteractionTable, images: Path, folder: Path) -> list[Path]:
    """Files with what the frozen stem sees of each scene, the same for all variants; made where they are missing."""
    dataset, decoding = InteractionDataset(test, images), model.config.decoding

    def pixels(index: int) -> NDArray[np.uint8]:
        return resize_image(dataset[index].image, decoding.short_side, decoding.long_side)

    cache, none = FeatureCache(folder, model.network), np.zeros((0, 4), np.float32)
    files = [cache.file(images / (image.file or "")) for image in test]
    cache.fill([Wanted(file, partial(pixels, i), lambda: (none, none)) for i, file in enumerate(files)])
    return files


def class_prior(train_table: InteractionTable, test: InteractionTable) -> dict[str, float]:
    """Every pair's score is how often its verb comes with such an object in the training scenes."""
    words = test.vocabulary
    person = words.person
    together = np.zeros((len(words.verbs), len(words.objects)))
    pairs, people, agents = np.zeros(len(words.objects)), 0, np.zeros(len(words.verbs))
    for image in train_table:
        humans = int((image.labels == person).sum())
        people += humans
        pairs += humans * np.bincount(image.labels, minlength=len(words.objects))
        done = np.unique(np.stack([image.human, image.verb], 1), axis=0)
        agents += np.bincount(done[:, 1], minlength=len(words.verbs))
        of = image.object >= 0
        np.add.at(together, (image.verb[of], image.labels[image.object[of]]), 1)
    share, alone = together / np.maximum(pairs, 1), agents / max(people, 1)
    found = []
    for image in test:
        rows = np.flatnonzero(image.labels == person)
        h, o, v = (x.ravel() for x in np.meshgrid(rows, np.arange(len(image.boxes)), np.arange(len(words.verbs))))
        keep = (h != o) & (share[v, image.labels[o]] > 0)
        h, o, v = h[keep], o[keep], v[keep]
        bare_h, bare_v = (x.ravel() for x in np.meshgrid(rows, np.arange(len(words.verbs))))
        score = np.concatenate([share[v, image.labels[o]], alone[bare_v]])
        found.append(
            replace(
                image,
                human=np.concatenate([h, bare_h]),
                object=np.concatenate([o, np.full(len(bare_h), -1)]),
                verb=np.concatenate([v, bare_v]),
                score=score.astype(np.float32),
                scored=True,
                columns={},
            )
        )
    scores = score_table(InteractionTable.from_list(found, words), test)
    return {name: scores.get(name, float("nan")) for name in FIGURES}


def geometry_only(arguments: argparse.Namespace, test: InteractionTable) -> dict[str, float]:
    """TIN's spatial stream, trained on the same boxes; its figures are kept beside the weights."""
    weights = arguments.output / "geometry" / "model.safetensors"
    kept = weights.with_name("figures.json")
    if not weights.is_file():
        fields = {
            "name": "geometry", "output": arguments.output, "data.dataset": "v-coco", "data.workers": 0,
            "data.root": arguments.output / "train.jsonl", "accelerator": "cpu", "epochs": 40,
        }  # fmt: skip
        train(load_config("tin_spatial/vcoco", [f"--{name}={value}" for name, value in fields.items()]))
    if not kept.is_file():
        test = replace(test, vocabulary=Vocabulary.load("v-coco"))
        found = predict_images(load_model(str(weights)), test, arguments.test.parent, detector=BoxesOfTable(test))
        scores = score_table(found, test)
        kept.write_text(json.dumps({"agent": scores["agent"], "score": scores["score"]}))
    return {"pose_ap50": float("nan"), **json.loads(kept.read_text())}


def halves(training: InteractionTable, arguments: argparse.Namespace) -> dict[str, Path]:
    """The training scenes as files: every other one with poses; the rest without, and with theirs to compare."""
    files = {}
    for name, start in (("with", 0), ("without", 1), ("exact", 1)):
        half = training.select(np.arange(start, len(training), 2))
        files[name] = arguments.output / f"{name}_poses.jsonl"
        write(replace(half, columns={}) if name == "without" else half, files[name])
    return files


def semi_automatic(weights: Path, file: Path, arguments: argparse.Namespace, words: Vocabulary) -> Path:
    """Scenes without poses, with those that a network finds of annotated people; unsure keypoints are not labelled."""
    table = read(file, words)
    found = predict_images(read_model(weights), table, arguments.train.parent, detector=BoxesOfTable(table))
    assert found.keypoints is not None
    keypoints = np.array(found.keypoints)
    keypoints[..., 2] = np.where(keypoints[..., 2] >= SURE, 2, 0)
    posed = weights.with_name("poses.jsonl")
    write(table.with_columns(keypoints=keypoints), posed)
    return posed


def halves_rows(
    training: InteractionTable, test: InteractionTable, arguments: argparse.Namespace, seed: int, start: Path
) -> dict[str, dict[str, float]]:
    """Table 1 of the paper with one stage: one half of the scenes has interactions alone, the other poses as well."""
    files = halves(training, arguments)
    begin = {**SMALL, **ONE, "start": "backbone", "start_file": start, "features": "frozen", "seed": seed}
    no_loss = {"model.loss.pose": "[0.0]", "model.loss.first_pose": 0.0}
    here = {"data.root": files["without"]}

    def weights(name: str, changes: dict[str, object]) -> Path:
        return run(f"half_{name}-{seed}", arguments, {**begin, **changes}, arguments.epochs)

    first = weights("first", {"data.root": files["with"]})
    runs = {
        "half without poses: no pose": weights("no_pose", {**here, **VARIANTS["without pose"]}),
        "half without poses: no loss of keypoints": weights("no_loss", {**here, **no_loss}),
        "pre-trained on the other half": weights(
            "pre_trained", {**here, **no_loss, "start": "weights", "start_file": first}
        ),
        "semi-automatic by the other half's network": weights(
            "semi_automatic", {**here, "data.root": semi_automatic(first, files["without"], arguments, test.vocabulary)}
        ),
        "the same half with its exact poses": weights("exact", {"data.root": files["exact"]}),
    }
    found = {name: figures_of(file, test, arguments.test.parent) for name, file in runs.items()}
    return {name: stages[max(stages)] for name, stages in found.items()}


def show(rows: dict[str, list[dict[str, float]]], console: Console) -> None:
    """Means and standard deviations over the seeds, in percent."""
    table = Table("", "agent AP", "role AP", "pose AP50", "seeds", title="generated test scenes, percent")
    for name, found in rows.items():
        cells = []
        for figure in FIGURES:
            values = 100 * np.array([one[figure] for one in found])
            spread = f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else ""
            cells.append("" if np.isnan(values).all() else f"{values.mean():.1f}{spread}")
        table.add_row(name, *cells, str(len(found)))
    console.print(table)


def plot(rows: dict[str, list[dict[str, float]]], file: Path) -> None:
    """Mean and standard deviation over the seeds, and each seed, of the variants that are scored after their end."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = [name for name in VARIANTS if name in rows or f"{name}: after stage {name[0]}" in rows]
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (key, title) in zip(
        figure.subplots(1, 3), zip(FIGURES, ("agent AP", "role AP", "pose AP50"), strict=True), strict=True
    ):
        for place, name in enumerate(names):
            found = rows.get(name) or rows[f"{name}: after stage {name[0]}"]
            values = 100 * np.array([one[key] for one in found])
            if np.isnan(values).all():
                continue
            spread = values.std(ddof=1) if len(values) > 1 else 0.0
            axes.plot([place] * len(values), values, "o", color="0.75", markersize=4)
            axes.errorbar(place, values.mean(), spread, fmt="o", color="C0", capsize=4)
        axes.set_title(f"{title}, percent")
        axes.set_xticks(range(len(names)), names, rotation=40, ha="right")
        axes.set_xlim(-0.5, len(names) - 0.5)
        axes.grid(axis="y", alpha=0.3)
    figure.savefig(file, dpi=110)


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True, help="folder of scenes to train on")
    parser.add_argument("--test", type=Path, required=True, help="folder of scenes to score on")
    parser.add_argument("--output", type=Path, default=Path("runs/turbo_stages"))
    parser.add_argument(
        "--variants",
        nargs="*",
        default=["without pose", "multi-task", "3 stages"],
        choices=list(VARIANTS),
        metavar="NAME",
    )
    parser.add_argument("--plot", type=Path, help="also draw the variants into this picture")
    parser.add_argument("--halves", action="store_true", help="also pre-training and semi-automatic poses")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=4, help="of each variant, on frozen features")
    parser.add_argument("--stem-epochs", type=int, default=12, help="of the stem")
    return parser.parse_args(argv)


def main() -> None:
    """Train and print the table after every run."""
    arguments, console = parse(), Console(width=100)
    if arguments.train.resolve().parent != arguments.test.resolve().parent:
        raise InputError("--train and --test must be two folders of one folder")
    training, test = prepare(arguments)
    start, prior = stem(arguments), class_prior(training, test)
    rows: dict[str, list[dict[str, float]]] = {
        "class prior": [prior],
        "geometry only": [geometry_only(arguments, test)],
    }
    show(rows, console)
    frozen = {**SMALL, "start": "backbone", "start_file": start, "features": "frozen"}
    for seed in arguments.seeds:
        for name in arguments.variants:
            changes = {**frozen, **VARIANTS[name], "seed": seed}
            weights = run(f"{name.replace(' ', '_').replace(',', '')}-{seed}", arguments, changes, arguments.epochs)
            stages = figures_of(weights, test, arguments.test.parent)
            for stage, figures in stages.items():
                row = name if len(stages) == 1 else f"{name}: after stage {stage}"
                rows.setdefault(row, []).append(figures)
            show(rows, console)
        if arguments.halves:
            for row, figures in halves_rows(training, test, arguments, seed, start).items():
                rows.setdefault(row, []).append(figures)
            show(rows, console)
    if arguments.plot is not None:
        plot(rows, arguments.plot)


if __name__ == "__main__":
    run_script(main)

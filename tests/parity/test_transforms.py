"""Sizes, crops, colours and targets of the published training data against those of the published code."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interplay import Interactions, Vocabulary
from interplay.datasets import Sample
from interplay.datasets.transforms import (
    Augmentation,
    Randomness,
    clip,
    crop,
    mirror,
    output_size,
    resize,
    to_clip_tensor,
    to_tensor,
)
from interplay.datasets.zero_shot import seen_interactions, unseen_interactions, without_unseen
from interplay.models.gen_vlkt.targets import first_boxes, pair_targets
from interplay.vocabulary import coco_80_index

CHANGES: dict[str, Callable[[Sample], Sample]] = {
    "identity": lambda sample: sample,
    "identity_num_queries3": lambda sample: sample,
    "hflip": mirror,
    "resize": lambda sample: resize(sample, 96, 150),
    "hflip_resize_crop_resize": lambda sample: resize(crop(resize(mirror(sample), 60), 10, 5, 40, 48), 90, 160),
}
TARGETS = {
    "sub_boxes": "human_boxes",
    "obj_boxes": "object_boxes",
    "obj_labels": "object_labels",
    "hoi_labels": "interactions",
    "verb_labels": "verbs",
}


@pytest.fixture(scope="module")
def folder(goldens: Path) -> Path:
    return goldens / "gen_vlkt/transforms"


def samples(folder: Path, dataset: str, file: str = "") -> list[Sample]:
    vocabulary = Vocabulary.load({"hico": "hico-det", "vcoco": "v-coco"}[dataset])
    images = np.load(folder / "images.npz")
    result = []
    for i, record in enumerate(json.loads((folder / (file or f"{dataset}_annotations.json")).read_text())):
        pixels, hois = images[f"image{i}"], record["hoi_annotation"]
        interactions = Interactions(
            boxes=np.array([a["bbox"] for a in record["annotations"]], np.float32),
            labels=coco_80_index(a["category_id"] for a in record["annotations"]),
            human=np.array([h["subject_id"] for h in hois]),
            object=np.array([h["object_id"] for h in hois]),
            verb=np.array([h["category_id"] for h in hois]) - (dataset == "hico"),
            vocabulary=vocabulary,
            width=pixels.shape[1],
            height=pixels.shape[0],
            scored=False,
        )
        result.append(Sample(pixels, interactions, Path(record["file_name"])))
    return result


def test_output_sizes(folder: Path) -> None:
    for *arguments, width, height in json.loads((folder / "resize_table.json").read_text()):
        assert output_size(*arguments) == (width, height), arguments


@pytest.mark.parametrize("dataset", ["hico", "vcoco"])
@pytest.mark.parametrize("change", CHANGES)
def test_images_and_targets(folder: Path, dataset: str, change: str) -> None:
    expected = np.load(folder / "targets.npz")
    for i, sample in enumerate(samples(folder, dataset)):
        if change == "identity_num_queries3":
            sample = replace(sample, interactions=first_boxes(sample.interactions, 3))
        sample = CHANGES[change](clip(sample))
        targets = pair_targets(sample.interactions)
        prefix = f"{dataset}.train.{change}.image{i}."
        for theirs, ours in TARGETS.items():
            np.testing.assert_allclose(getattr(targets, ours), expected[prefix + theirs], rtol=0, atol=1e-5)
        image = to_tensor(sample.image).numpy()
        if prefix + "image" in expected.files:
            np.testing.assert_allclose(image, expected[prefix + "image"], rtol=0, atol=1e-5)
        else:
            np.testing.assert_allclose(image[:, ::16, ::16], expected[prefix + "image_strided16"], rtol=0, atol=1e-5)
        teacher = to_clip_tensor(sample.image).numpy()
        np.testing.assert_allclose(teacher[:, ::4, ::4], expected[prefix + "clip_inputs_strided4"], rtol=0, atol=1e-5)
        sums = expected[prefix + "clip_inputs_sum_per_channel_f64"]
        np.testing.assert_allclose(teacher.sum((1, 2), dtype=np.float64), sums, rtol=1e-5)


@pytest.mark.parametrize("dataset", ["hico", "vcoco"])
def test_validation_images(folder: Path, dataset: str) -> None:
    expected = np.load(folder / "targets.npz")
    for i, sample in enumerate(samples(folder, dataset)):
        image = to_tensor(resize(sample, 800, 1333).image).numpy()
        prefix = f"{dataset}.val.image{i}."
        assert image.shape == tuple(expected[prefix + "image_shape"])
        np.testing.assert_allclose(image[:, ::16, ::16], expected[prefix + "image_strided16"], rtol=0, atol=1e-5)
        sums = expected[prefix + "image_sumsq_per_channel_f64"]
        np.testing.assert_allclose((image.astype(np.float64) ** 2).sum((1, 2)), sums, rtol=1e-6)


@pytest.mark.parametrize("split", ["rare_first", "unseen_verb"])
def test_zero_shot_training_data(folder: Path, split: str) -> None:
    expected = np.load(folder / "targets.npz")
    config: Any = json.loads((folder / "config.json").read_text())["zero_shot"][split]
    hico, name = Vocabulary.load("hico-det"), split.replace("_", "-")
    unseen, seen = unseen_interactions(hico, name), seen_interactions(hico, name)
    assert len(seen) == config["n_text_labels"]
    kept = []
    for i, sample in enumerate(samples(folder, "hico", f"hico_annotations_{split}.json")):
        rest = without_unseen(sample.interactions, unseen)
        if not len(rest):
            continue
        targets = pair_targets(clip(replace(sample, interactions=rest)).interactions)
        prefix = f"hico_{split}.train.identity.item{len(kept)}."
        kept.append(i)
        for theirs, ours in TARGETS.items():
            values = getattr(targets, ours).numpy()
            values = values[:, seen] if theirs == "hoi_labels" else values
            np.testing.assert_allclose(values, expected[prefix + theirs], rtol=0, atol=1e-5)
    assert kept == config["kept_image_indices"]


def test_the_whole_random_pipeline(folder: Path) -> None:
    reference = json.loads((folder / "seeded_pipeline.json").read_text())
    height, width = reference["image_hw"]
    interactions = Interactions(
        boxes=np.array(reference["boxes"], np.float32),
        labels=np.array([0, 5, 7]),
        human=np.zeros(0, np.int64),
        object=np.zeros(0, np.int64),
        verb=np.zeros(0, np.int64),
        vocabulary=Vocabulary.load("hico-det"),
        width=width,
        height=height,
        scored=False,
    )
    sample = Sample(np.zeros((height, width, 3), np.uint8), interactions, Path("zeros.png"))
    for row in reference["rows"]:
        changed = Augmentation()(sample, Randomness.seeded(row["seed"]))
        assert list(changed.image.shape[:2]) == row["size_hw"]
        assert changed.interactions.labels.tolist() == [label for _, label in row["labels"]]
        np.testing.assert_allclose(changed.interactions.boxes, row["boxes_xyxy_pixels"], atol=1e-3)

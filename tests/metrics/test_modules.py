"""The torchmetrics classes: same metrics as the functions, on one process and on two."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import multiprocessing

from interplay import Interactions, InteractionTable, Vocabulary
from interplay.errors import InputError
from interplay.metrics import (
    HoiAveragePrecision,
    PoseAveragePrecision,
    VcocoAveragePrecision,
    evaluate_hoi,
    evaluate_poses,
    evaluate_vcoco,
)


def images(vocabulary: Vocabulary, count: int, scored: bool, seed: int) -> list[Interactions]:
    made = []
    for i in range(count):
        random = np.random.default_rng(100 * i)  # the same boxes for predictions and annotations
        corner = random.uniform(0, 100, (4, 2))
        boxes = np.concatenate([corner, corner + random.uniform(20, 60, (4, 2))], axis=1)
        classes = vocabulary.interactions[vocabulary.interactions[:, 1] >= 0]
        pairs = classes[np.random.default_rng(seed + i).integers(0, 12, 5 + i % 3)]
        labels = [0, 0, int(pairs[0, 1]), int(pairs[1, 1])]
        made.append(
            Interactions(
                boxes=boxes, labels=labels, human=[0, 1], object=[2, 3], verb=pairs[:2, 0], vocabulary=vocabulary,
                score=random.random(2) if scored else None, file=f"{i:03d}.jpg", scored=scored,
                unlabelled=[False, i % 2 == 0, False, False] if not scored and vocabulary.name == "v-coco" else None,
            )
        )  # fmt: skip
    return made


def both(name: str, count: int) -> tuple[list[Interactions], list[Interactions]]:
    vocabulary = Vocabulary.load(name)
    return images(vocabulary, count, True, 1), images(vocabulary, count, False, 1 if name == "v-coco" else 2)


def posed(count: int) -> tuple[list[Interactions], list[Interactions]]:
    """The same with people's poses, half of which are not where they are annotated."""
    found, truth = both("v-coco", count)
    for i, (predicted, annotated) in enumerate(zip(found, truth, strict=True)):
        places = annotated.boxes[:, None, :2] + np.arange(17)[:, None]
        annotated.keypoints = np.concatenate([places, np.full((4, 17, 1), 2)], 2)
        predicted.keypoints = annotated.keypoints + np.array([300 * (i % 2), 0, 0])
        predicted.box_scores = np.random.default_rng(i).random(4).astype(np.float32)
    return found, truth


def one_of_two(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", f"file://{folder}/meeting", rank=rank, world_size=2)
    out = {}
    for name, metric in (
        ("hico-det", HoiAveragePrecision(Vocabulary.load("hico-det"))),
        ("v-coco", VcocoAveragePrecision(Vocabulary.load("v-coco"))),
    ):
        found, truth = both(name, 7)
        mine = range(rank, 7, 2)
        for i in mine:  # unequal numbers of updates
            metric.update([found[i]], [truth[i]])
        out[name] = {key: value.tolist() for key, value in metric.compute().items()}
    poses = PoseAveragePrecision()
    for i in range(rank, 7, 2):
        found, truth = posed(7)
        poses.update([found[i]], [truth[i]])
    out["poses"] = {key: value.tolist() for key, value in poses.compute().items()}
    (Path(folder) / f"{rank}.json").write_text(json.dumps(out))
    torch.distributed.destroy_process_group()


def test_two_processes_give_the_metrics_of_one(tmp_path: Path) -> None:
    # forked, not spawned: importing torchmetrics twice more takes most of a test run
    multiprocessing.start_processes(one_of_two, (str(tmp_path),), nprocs=2, start_method="fork")
    results = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    found, truth = (InteractionTable.from_list(x) for x in both("hico-det", 7))
    expected = evaluate_hoi(found, truth)
    vcoco = evaluate_vcoco(*(InteractionTable.from_list(x) for x in both("v-coco", 7)))
    poses = evaluate_poses(*(InteractionTable.from_list(x) for x in posed(7)))
    assert 0 < expected.map["full"] < 1
    assert 0 < poses.means["ap"] < 1
    for result in results:
        assert result["hico-det"]["full"] == pytest.approx(expected.map["full"])
        np.testing.assert_allclose(result["hico-det"]["per_class"], expected.ap)
        assert result["v-coco"] == pytest.approx(vcoco.mean, nan_ok=True)
        assert result["poses"] == pytest.approx(poses.means, nan_ok=True)


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_reset_and_empty() -> None:
    metric = HoiAveragePrecision(Vocabulary.load("hico-det"))
    found, truth = both("hico-det", 3)
    metric.update(found, truth)
    metric.reset()
    assert torch.isnan(metric.compute()["full"])


def test_known_object_keeps_image_labels() -> None:
    found, truth = both("hico-det", 4)
    for item in truth:
        item.image_labels = np.array([[5, 3]])
    metric = HoiAveragePrecision(Vocabulary.load("hico-det"), setting="known-object")
    metric.update(found, truth)
    expected = evaluate_hoi(*(InteractionTable.from_list(x) for x in (found, truth)), setting="known-object")
    assert float(metric.compute()["full"]) == pytest.approx(expected.map["full"])


def test_bad_input() -> None:
    metric = HoiAveragePrecision(Vocabulary.load("hico-det"))
    found, truth = both("hico-det", 2)
    with pytest.raises(InputError, match="2 images and annotations for 1"):
        metric.update(found, truth[:1])
    with pytest.raises(InputError, match="vocabulary"):
        metric.update(*both("v-coco", 1))
    with pytest.raises(InputError, match="known-object"):
        HoiAveragePrecision(Vocabulary.load("hico-det"), "cdn", "known-object")

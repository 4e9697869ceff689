"""TIN's losses, sampling and schedules against outputs of the published code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from interplay import Vocabulary
from interplay.datasets.pair_sampling import (
    Draw,
    TrainingRows,
    binary_labels,
    groups,
    jitter_box,
    sample_rows,
    uniform_draws,
)
from interplay.models.tin.config import TrainModule
from interplay.models.tin.decode import with_object
from interplay.models.tin.losses import (
    LossWeights,
    TinTargets,
    VerbTargets,
    chosen_terms,
    interaction_losses,
    part_losses,
    verb_losses,
    verb_targets,
)
from interplay.models.tin.maps import pair_maps
from interplay.models.tin.network import TinOutputs
from interplay.models.tin.published import published_actions
from interplay.training.schedules import schedule_factor
from interplay.training.sections import ScheduleConfig

BATCH_SIZE = (500, 400)
"""Width and height of the image of the stored batches, as the clipped boxes show."""


@pytest.fixture(scope="module")
def folder(goldens: Path) -> Path:
    return goldens / "tin"


def _json(path: Path) -> Any:
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def losses(folder: Path) -> dict[str, torch.Tensor]:
    with np.load(folder / "losses.npz") as stored:
        return {name: torch.from_numpy(np.asarray(stored[name])) for name in stored.files}


def _scores(losses: dict[str, torch.Tensor], case: str) -> TinOutputs:
    prefix = f"{case}/in/"
    names = [name.removeprefix(prefix) for name in losses if name.startswith(f"{prefix}cls_score")]
    return TinOutputs({name: losses[prefix + name].clone().requires_grad_() for name in names})


def _compare(
    losses: dict[str, torch.Tensor],
    case: str,
    scores: TinOutputs,
    terms: dict[str, torch.Tensor],
    names: dict[str, str],
) -> None:
    for ours, published in names.items():
        torch.testing.assert_close(terms[ours], losses[f"{case}/loss/{published}"], rtol=0, atol=1e-5)
    summed = torch.stack(list(terms.values())).sum()
    torch.testing.assert_close(summed, losses[f"{case}/loss/total_loss"], rtol=0, atol=1e-5)
    summed.backward()
    for name, logits in scores.scores.items():
        torch.testing.assert_close(logits.grad, losses[f"{case}/grad_total/{name}"], rtol=1e-4, atol=1e-6)


def _hico_targets(losses: dict[str, torch.Tensor], case: str, positives: int) -> TinTargets:
    classes = losses[f"{case}/in/gt_class_HO"]
    return TinTargets(classes, classes[:positives], losses[f"{case}/in/binary_label"])


@pytest.mark.parametrize("case", ["hico0", "hico1"])
def test_losses_of_hico(losses: dict[str, torch.Tensor], case: str) -> None:
    scores = _scores(losses, case)
    targets = _hico_targets(losses, case, int(losses[f"{case}/in/H_num"]))
    terms = interaction_losses(scores, targets, LossWeights.published("hico"))
    names = {"human": "H", "object": "O", "spatial": "sp", "interactiveness": "binary"}
    _compare(losses, case, scores, terms, {ours: f"{name}_cross_entropy" for ours, name in names.items()})


@pytest.mark.parametrize("case", ["vcoco0", "vcoco1"])
def test_losses_of_vcoco(losses: dict[str, torch.Tensor], case: str) -> None:
    scores = _scores(losses, case)
    targets = VerbTargets(*(losses[f"{case}/in/{name}"] for name in (
        "gt_class_H", "gt_class_HO", "gt_class_sp", "Mask_HO", "Mask_sp", "binary_label")))  # fmt: skip
    terms = verb_losses(scores, targets, LossWeights.published("v-coco"))
    torch.testing.assert_close(terms["human"], 2 * losses[f"{case}/loss/H_cross_entropy"], rtol=0, atol=1e-5)
    names = {"object": "HO", "spatial": "sp", "interactiveness": "binary"}
    _compare(losses, case, scores, terms, {ours: f"{name}_cross_entropy" for ours, name in names.items()})


@pytest.mark.parametrize("case", ["part0", "part1"])
def test_losses_of_parts(losses: dict[str, torch.Tensor], case: str) -> None:
    scores = _scores(losses, case)
    terms = part_losses(scores, losses[f"{case}/in/binary_label"], LossWeights.published("hico").binary)
    names = {"interactiveness": "binary_cross_entropy", "parts": "binary_all_cross_entropy", "agreement": "mse"}
    _compare(losses, case, scores, terms, names)


def test_class_weights(folder: Path) -> None:
    published = _json(folder / "loss_weights.json")
    hico, vcoco = LossWeights.published("hico"), LossWeights.published("v-coco")
    assert vcoco.human is not None
    pairs = [
        (hico.interactions, published["hico"]["HO_weight"]), (hico.binary, published["part"]["binary_weight"]),
        (vcoco.interactions, published["vcoco"]["HO_weight"]), (vcoco.human, published["vcoco"]["H_weight"]),
        (vcoco.binary, published["vcoco"]["binary_weight"]),
    ]  # fmt: skip
    for ours, expected in pairs:
        np.testing.assert_allclose(ours.numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize(("module", "kept"), [("interactiveness", 1), ("instances", 2), ("streams", 3), ("all", 4)])
def test_what_is_minimised(losses: dict[str, torch.Tensor], module: TrainModule, kept: int) -> None:
    scores = _scores(losses, "hico1")
    targets = _hico_targets(losses, "hico1", 5)
    terms = chosen_terms(interaction_losses(scores, targets, LossWeights.published("hico")), module)
    torch.stack(list(terms.values())).sum().backward()
    reached = {name for name, logits in scores.scores.items() if logits.grad is not None}
    assert len(reached) == kept
    assert ("cls_score_binary" in reached) == (module in ("interactiveness", "all"))


def _replay(draws: np.ndarray) -> Draw:
    left = iter(draws.tolist())

    def draw(down: int, right: int) -> tuple[int, int, int]:
        scale, y, x = next(left)
        assert abs(y) <= down
        assert abs(x) <= right
        return scale, y, x

    return draw


def test_jitter_of_boxes(folder: Path) -> None:
    with np.load(folder / "augment_box.npz") as stored:
        for case in range(5):
            values = {name: stored[f"{case}_{name}"] for name in ("box", "shape", "draws", "out", "augment")}
            height, width = values["shape"].tolist()
            boxes = jitter_box(values["box"], width, height, int(values["augment"]), _replay(values["draws"]))
            np.testing.assert_array_equal(boxes, values["out"][:, 1:])


def test_jitter_gives_up() -> None:
    tries = []

    def draw(down: int, right: int) -> tuple[int, int, int]:
        tries.append((down, right))
        return -10, down, right

    assert jitter_box([50, 60, 150.5, 260], 500, 400, 15, draw).tolist() == [[50, 60, 150.5, 260]]
    assert tries == [(200, 100)] * 151


def _rows(values: dict[str, np.ndarray]) -> TrainingRows:
    boxes = (values[name] for name in ("gt_human", "gt_object", "neg_human", "neg_object"))
    return sample_rows(*boxes, BATCH_SIZE, _replay(values["randint_draws"]), lambda count: values["neg_permutation"])


def _many_hot(labels: np.ndarray, count: int) -> np.ndarray:
    return np.eye(count)[labels.reshape(len(labels), -1)].max(1)


def _batch(folder: Path, case: str) -> dict[str, np.ndarray]:
    with np.load(folder / "train_batch.npz") as stored:
        return {name.split("/")[1]: stored[name] for name in stored.files if name.startswith(case)}


@pytest.mark.parametrize("case", ["hico0", "hico1", "vcoco0", "vcoco1"])
def test_batches(folder: Path, case: str) -> None:
    values = _batch(folder, case)
    rows = _rows(values)
    assert rows.positives == values["out_H_num"]
    humans = values["out_Hsp_boxes" if case.startswith("v") else "out_H_boxes"]
    np.testing.assert_array_equal(rows.humans.astype(np.float32), humans[:, 1:])
    np.testing.assert_array_equal(
        rows.objects[: len(values["out_O_boxes"])].astype(np.float32), values["out_O_boxes"][:, 1:]
    )
    np.testing.assert_array_equal(binary_labels(rows), values["out_binary_label"])
    sums = pair_maps(rows.humans, rows.objects, [None] * len(rows)).sum((1, 2, 3))
    np.testing.assert_allclose(sums, values["out_sp_sum_per_row"], rtol=1e-6)
    if case.startswith("hico"):
        labels = rows.gather(_many_hot(values["gt_actions_HO"], 600), _many_hot(values["neg_action"], 600))
        np.testing.assert_array_equal(labels, values["out_gt_class_HO"])
    else:
        vocabulary, near = Vocabulary.load("v-coco"), rows.source[: rows.positives]
        motions, pairs = (
            torch.from_numpy(_many_hot(values[f"gt_actions_{name}"], 29)[near]).float() for name in ("H", "HO")
        )
        has_object = torch.from_numpy(with_object(vocabulary)[list(published_actions(vocabulary) or ())])
        targets = verb_targets(TinTargets(pairs, motions, binary_labels(rows)), has_object)
        for ours, published in (("human", "gt_class_H"), ("pair", "gt_class_HO"), ("spatial", "gt_class_sp"),
                                ("pair_mask", "Mask_HO"), ("spatial_mask", "Mask_sp")):  # fmt: skip
            np.testing.assert_array_equal(getattr(targets, ours), values[f"out_{published}"])


def test_first_negative_of_the_extension_has_no_label(folder: Path) -> None:
    rows = _rows(_batch(folder, "hico0"))
    labels = binary_labels(rows, published_behaviour=True)
    assert labels[rows.positives].tolist() == [0, 0]
    assert torch.equal(labels.sum(1) == 0, torch.arange(len(rows)) == rows.positives)


def test_draws_stay_in_their_ranges() -> None:
    draw = uniform_draws(np.random.default_rng(0))
    drawn = np.array([draw(3, 7) for _ in range(2000)])
    assert drawn.min(0).tolist() == [-10, -3, -7]
    assert drawn.max(0).tolist() == [10, 3, 7]
    assert [part.stop - part.start for part in groups(12)] == [5, 5, 2]


def test_schedules(folder: Path) -> None:
    restarts = ScheduleConfig(kind="restarts", period=80_000)
    staircase = ScheduleConfig(kind="staircase", period=20_000, factor=0.96)
    with np.load(folder / "lr_schedule.npz") as stored:
        steps = stored["step"].tolist()
        for base, options, name in ((1e-3, restarts, "hico_cosine_restarts"), (2e-6, staircase, "vcoco_exponential")):
            rates = [base * schedule_factor(options, step, 2_000_000, 40_000) for step in steps]
            np.testing.assert_allclose(rates, stored[name], rtol=1e-5, atol=1e-9)

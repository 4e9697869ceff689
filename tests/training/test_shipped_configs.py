"""One optimisation step with every configuration that is shipped: on small networks, and (slow) on the full ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from interplay import Interactions, InteractionTable, Vocabulary, write
from interplay.systems import SYSTEMS, get_system
from interplay.training import TrainConfig, load_config
from interplay.training.launch import launch
from interplay.training.loading import LoadedPart
from interplay.training.optimisers import build_optimiser
from interplay.training.step import LossModule, training_step

_ALL = sorted((Path(__file__).parents[2] / "src/interplay/configs").glob("*/*.yaml"))
CONFIGS = [path for path in _ALL if load_config(path).system in SYSTEMS]
"""Of interactions; those of contact learn from other data, see ``tests/models/test_interactvlm_training.py``."""
SIDE, IMAGES, BATCH = 96, 8, 2
ANYWHERE = {"own": "hico-det", "generated": "hico-det"}
"""Vocabularies of configurations for data of any."""

FROM_NOTHING = {"start": "scratch", "accelerator": "cpu", "batch_size": BATCH}
SMALL_PICTURES: dict[str, dict[str, Any]] = {
    "ggnet": {"model.decoding.input_size": 128},
    "gen-vlkt": {"augmentation.short_sides": [64, 80], "augmentation.crop": 0.0},
    "tin": {"pairs.longer_side": SIDE, "features.kind": "trained"},
    "tin-spatial": {},
    "turbo": {"model.decoding.short_side": SIDE, "model.decoding.long_side": 160, "features": "trained"},
}
SMALL_NETWORKS: dict[str, dict[str, Any]] = {
    "ggnet": {"model.network.head_width": 16},
    "gen-vlkt": {
        "model.network.backbone": "resnet-nano", "model.network.frozen_stages": 0, "model.network.width": 32,
        "model.network.heads": 2, "model.network.feed_forward": 32, "model.network.encoder_layers": 1,
        "model.network.decoder_layers": 2, "model.network.queries": 6, "model.network.embedding": 32,
    },
    "tin": {"model.backbone": "resnet-nano"},
    "tin-spatial": {"model.width": 16, "model.layers": 1},
    "turbo": {
        "model.network.backbone": "resnet-nano", "model.network.width": 16, "model.network.pose_width": 16,
        "model.network.pose_layers": 2,
    },
}  # fmt: skip
LARGEST_GRADIENT = {"ggnet": 1e6}
"""Its batch normalisation keeps gradients small. GEN-VLKT's first losses are large as published, and so are TIN's while
the frozen normalisations of its ResNet-50 are not from a file."""
NANO = {"hourglass-104": "hourglass-nano", "dla-34": "dla-nano"}


def _picture(number: int, vocabulary: Vocabulary) -> tuple[np.ndarray, Interactions]:
    """Two people, each with an object that nothing else in the data set interacts with in that way."""
    rng = np.random.default_rng(number)
    pixels = rng.integers(0, 255, (SIDE, SIDE + 16 * (number % 2), 3)).astype(np.uint8)
    with_object = vocabulary.interactions[vocabulary.interactions[:, 1] >= 0]
    chosen = with_object[(np.arange(2) + 2 * number) * len(with_object) // (2 * IMAGES)]
    boxes = np.array([[4, 10, 30, 80], [20, 40, 44, 70], [50, 8, 74, 84], [66, 50, 94, 90]], np.float32)
    keypoints = np.full((4, 17, 3), np.nan, np.float32)
    for person in (0, 2):
        left, top, right, bottom = boxes[person]
        keypoints[person] = np.stack([np.linspace(left, right, 17), np.linspace(top, bottom, 17), np.ones(17)], 1)
    labels = np.array([vocabulary.person, chosen[0, 1], vocabulary.person, chosen[1, 1]])
    height, width = pixels.shape[:2]
    return pixels, Interactions(
        boxes=boxes, labels=labels, human=np.array([0, 2]), object=np.array([1, 3]), verb=chosen[:, 0],
        vocabulary=vocabulary, file=f"{number}.png", width=width, height=height, keypoints=keypoints, scored=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures, with annotations in every vocabulary that is trained on."""
    folder = tmp_path_factory.mktemp("shipped")
    for name in ("hico-det", "v-coco", "pastanet-hoi"):
        found = [_picture(i, Vocabulary.load(name)) for i in range(IMAGES)]
        write(InteractionTable.from_list([annotations for _, annotations in found]), folder / f"{name}.jsonl")
    for i, (pixels, _) in enumerate(found):
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder


class _Encoders:
    """Random rows instead of CLIP's texts, and of its view of an image."""

    def __init__(self, width: int) -> None:
        self.width = width

    def texts(self, encoder: str, texts: Sequence[str], folder: object = None) -> Tensor:
        rows = torch.randn(len(texts), self.width, generator=torch.Generator().manual_seed(0))
        return torch.nn.functional.normalize(rows, dim=-1)

    def images(self, encoder: str) -> Callable[[Tensor], Tensor]:
        return lambda batch: torch.ones(len(batch), self.width)


@pytest.fixture(autouse=True)
def encoders(monkeypatch: pytest.MonkeyPatch) -> _Encoders:
    encoders = _Encoders(SMALL_NETWORKS["gen-vlkt"]["model.network.embedding"])
    monkeypatch.setattr("interplay.models.gen_vlkt.text.cached_embeddings", encoders.texts)
    monkeypatch.setattr("interplay.models.gen_vlkt.task.load_image_encoder", encoders.images)
    return encoders


def on_pictures(path: Path, pictures: Path, output: Path, small: bool) -> TrainConfig:
    """A shipped configuration that trains on the pictures."""
    shipped = load_config(path)
    changes = {**FROM_NOTHING, "output": output, **SMALL_PICTURES[shipped.system]}
    if small:
        changes |= SMALL_NETWORKS[shipped.system]
        backbone = shipped.model.network.backbone if shipped.system == "ggnet" else None  # type: ignore[attr-defined]
        if backbone in NANO:
            changes["model.network.backbone"] = NANO[backbone]
    for section in ("data", *(f"further.{name}" for name in getattr(shipped, "further", {}))):
        data = shipped.further[section[8:]] if section != "data" else shipped.data
        vocabulary = ANYWHERE.get(data.dataset, data.dataset)
        changes |= {f"{section}.dataset": "own", f"{section}.vocabulary": vocabulary, f"{section}.validation": "null"}
        changes |= {f"{section}.root": pictures / f"{vocabulary}.jsonl", f"{section}.holdout": 0}
    return load_config(path, [f"--{name}={value}" for name, value in changes.items()])


def assert_a_step_is_finite(config: TrainConfig) -> None:
    fabric, task = launch(config), get_system(config.system).build_task(config)
    task.model.train()
    before = {name: p.detach().clone() for name, p in task.model.named_parameters()}
    optimiser = build_optimiser(task.parameter_groups(), config.optimiser, BATCH)
    module, optimiser = fabric.setup(LossModule(task, task.model, fabric.autocast, "cpu"), optimiser)
    batch = task.data.collate([task.data[0, i] for i in range(BATCH)])
    result = training_step(fabric, task, module, optimiser, [LoadedPart(batch, [], [])], config.optimiser, False)
    assert result.broken(allow_overflow=False) == []
    assert 0 < result.gradient_norm < LARGEST_GRADIENT.get(config.system, math.inf)
    assert all(math.isfinite(value) for value in result.terms.values())
    after = dict(task.model.named_parameters())
    assert all(torch.isfinite(p.grad).all() for p in after.values() if p.grad is not None)
    assert all(torch.isfinite(p).all() for p in after.values())
    assert any(not torch.equal(p, before[name]) for name, p in after.items())


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parent.stem}-{path.stem}")
def test_a_step_of_a_small_network(path: Path, pictures: Path, tmp_path: Path) -> None:
    assert_a_step_is_finite(on_pictures(path, pictures, tmp_path, small=True))


@pytest.mark.slow
@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parent.stem}-{path.stem}")
def test_a_step_of_the_full_network(path: Path, pictures: Path, tmp_path: Path, encoders: _Encoders) -> None:
    config = on_pictures(path, pictures, tmp_path, small=False)
    if config.system == "gen-vlkt":
        encoders.width = config.model.network.embedding  # type: ignore[attr-defined]
    assert_a_step_is_finite(config)

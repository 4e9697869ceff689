"""Contact by geometry learns, is mirrored with its pairs, and says what it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.models.contact_scenes import SIDE, write_scenes

from interplay import read_image
from interplay.cli import main
from interplay.errors import InputError, MissingFileError
from interplay.models.contact import ContactPair
from interplay.models.contact_geometry.batch import PairBatch
from interplay.models.contact_geometry.config import ContactGeometryConfig, ContactNetworkOptions
from interplay.models.contact_geometry.data import ContactPairs, as_detected
from interplay.models.contact_geometry.model import ContactGeometry, batch_of
from interplay.models.contact_geometry.recipe import ContactNoiseSection
from interplay.models.pair_geometry import NUM_FEATURES, as_annotated, flip, pair_features
from interplay.models.weights import read_contact_model, read_model
from interplay.training import load_config, train
from interplay.training.tables import load_tables
from interplay.vocabulary import Vocabulary
from interplay.zoo import load_contact_finder, load_model

WORLD = Vocabulary.load("generated")
EXACT = {
    "flip": False, "jitter": 0, "keypoints": 0, "hidden": 0, "missed": 0, "no_pose": 0, "no_verbs": 0,
    "missed_verbs": 0, "no_object": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenes(tmp_path_factory.mktemp("contact") / "scenes")


def options(scenes: Path, output: Path, **changes: Any) -> list[str]:
    small = {"model.width": 32, "model.layers": 1, "model.rank": 16, "model.dropout": 0, "optimiser.ema": 0}
    fixed = {"data.root": scenes, "data.holdout": 0, "output": output, "accelerator": "cpu", "batch_size": 8}
    given = {**small, **fixed, "optimiser.scaling": "none", **{f"noise.{k}": v for k, v in EXACT.items()}, **changes}
    return [f"--{name}={value}" for name, value in given.items()]


@pytest.fixture(scope="module")
def trained(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("runs")
    schedule = {"epochs": 300, "validate_every": 300, "optimiser.learning_rate": 5e-3, "schedule.kind": "constant"}
    return train(load_config("contact_geometry/generated", options(scenes, output, **schedule)))


def test_it_learns_eight_scenes(trained: Path, scenes: Path) -> None:
    pairs = ContactPairs(
        load_tables(load_config("contact_geometry/generated", options(scenes, scenes)).data).training, scenes
    )
    model = read_contact_model(trained)
    assert isinstance(model, ContactGeometry)
    scores = model.predict(as_annotated(pairs.pairs))
    wanted = pairs.contact.numpy()
    assert (scores.any(1) == wanted.any(1)).all(), "whether there is contact at all"
    touching = wanted.any(1)
    hits = ((scores >= 0.5) & wanted)[touching].sum(1)
    f1 = 2 * hits / ((scores >= 0.5)[touching].sum(1) + wanted[touching].sum(1))
    assert f1.mean() >= 0.9


def test_a_file_finds_contact_in_pictures(trained: Path, scenes: Path) -> None:
    finder = load_contact_finder(trained)
    image = read_image(scenes / "images/000000.png")
    person, cup = np.array([24.0, 8, 40, 60]), np.array([37.0, 17, 43, 23])
    keypoints = np.tile(np.array([32.0, 30, 1]), (17, 1))
    keypoints[9] = [40, 20, 1]
    near, far = (ContactPair("cup", person, box, keypoints, ("hold",)) for box in (cup, cup + np.array([20, 0, 20, 0])))
    touched, other = finder.predict_pairs(image, [near, far])
    assert touched.found
    assert touched.object == "cup"
    assert touched.scores.shape == (146,)
    assert len(touched.vertices())
    assert not other.found
    assert finder.predict_pairs(image, []) == []
    with pytest.raises(InputError, match="needs the boxes of the person and of the cup"):
        finder.predict_pairs(image, [ContactPair("cup", person)])


def test_features_do_not_depend_on_place_or_size() -> None:
    torch.manual_seed(0)
    corner = torch.rand(6, 4, 2) * 50 + 30
    boxes = (
        torch.cat([corner[:, :2].amin(1), corner[:, :2].amax(1)], 1),
        torch.cat([corner[:, 2:].amin(1), corner[:, 2:].amax(1)], 1),
    )
    boxes = tuple(torch.cat([b[:, :2], b[:, 2:] + 5], 1) for b in boxes)
    points = torch.cat([torch.rand(6, 17, 2) * 60 + 20, (torch.rand(6, 17, 1) < 0.7).float()], 2)
    sizes = torch.full((6, 2), 200.0)
    batch = PairBatch(
        boxes[0], boxes[1], points, sizes, torch.zeros(6, dtype=torch.int64), torch.zeros(6, 3, dtype=torch.bool)
    )
    found = pair_features(batch)
    assert found.shape == (6, NUM_FEATURES)
    assert found.isfinite().all()
    moved = points.clone()
    moved[..., :2] = moved[..., :2] * 2 + 30
    other = PairBatch(boxes[0] * 2 + 30, boxes[1] * 2 + 30, moved, sizes * 3, batch.labels, batch.verbs)
    torch.testing.assert_close(pair_features(other), found, atol=1e-4, rtol=1e-4)


def test_mirroring_twice_changes_nothing(scenes: Path) -> None:
    config = load_config("contact_geometry/generated", options(scenes, scenes))
    pairs = ContactPairs(load_tables(config.data).training, scenes)
    everything = torch.ones(len(pairs), dtype=torch.bool)
    once = flip(pairs.pairs, everything)
    assert (once.keypoints[:, 9, 0] == SIDE - pairs.pairs.keypoints[:, 10, 0]).all(), "left becomes right"
    twice = flip(once, everything)
    for name, value in vars(pairs.pairs).items():
        torch.testing.assert_close(getattr(twice, name), value)
    assert (pairs.mirror[pairs.mirror] == torch.arange(146)).all()
    left, right = pairs.contact[0], pairs.contact[1]
    assert (left[pairs.mirror] == right).all()


def test_imitated_detections_are_the_same_for_the_same_numbers(scenes: Path) -> None:
    config = load_config("contact_geometry/generated", options(scenes, scenes))
    pairs = ContactPairs(load_tables(config.data).training, scenes).pairs
    noisy = [as_detected(pairs, ContactNoiseSection(), torch.Generator().manual_seed(k)) for k in (1, 1, 2)]
    assert torch.equal(noisy[0].humans, noisy[1].humans)
    assert not torch.equal(noisy[0].humans, noisy[2].humans)
    assert (noisy[0].humans[:, 2:] >= noisy[0].humans[:, :2]).all()
    exact = as_detected(pairs, ContactNoiseSection(**EXACT, hidden_share=0.9), torch.Generator())
    torch.testing.assert_close(exact.humans, pairs.humans)
    assert torch.equal(exact.verbs, pairs.verbs)


@pytest.mark.parametrize(
    ("verb", "known"),
    [("sit", "sit on"), ("sit_on", "sit on"), ("talk on phone", "talk on"), ("Hold", "hold"), ("sing", "")],
)
def test_verbs_of_other_vocabularies_are_understood(verb: str, known: str) -> None:
    box = np.array([0.0, 0, 10, 10])
    batch = batch_of(WORLD, 20, 20, [ContactPair("sofa", box, box, None, (verb,))])
    assert [WORLD.verbs[i] for i in batch.verbs[0].nonzero()[:, 0]] == ([known] if known else [])
    assert WORLD.objects[batch.labels[0]] == "couch"
    assert batch_of(WORLD, 20, 20, [ContactPair("dragon", box, box)]).labels.tolist() == [-1]
    assert not batch.keypoints.any(), "no pose"


def test_what_is_refused(scenes: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="which finds contact: 'interplay contact --model"):
        read_model(trained)
    with pytest.raises(InputError, match="which finds interactions"):
        read_contact_model(Path(load_model.__code__.co_filename).parents[1] / "weights/tin-spatial-vcoco.safetensors")
    with pytest.raises(InputError, match="finds contact, not interactions"):
        load_model("contact-geometry")
    with pytest.raises(InputError, match="finds interactions, not contact"):
        load_contact_finder("tin-spatial-vcoco")
    own = options(scenes / "annotations.jsonl", tmp_path, **{"data.dataset": "own"})
    assert main(["train", "contact_geometry/generated", *own]) == 2
    assert "learnt from generated scenes" in capsys.readouterr().err
    bare = write_scenes(tmp_path / "bare", 3)
    (bare / "body.npz").unlink()
    with pytest.raises(MissingFileError, match=r"body\.npz"):
        ContactPairs(
            load_tables(load_config("contact_geometry/generated", options(bare, tmp_path)).data).training, bare
        )


def test_the_default_comes_with_interplay() -> None:
    finder = load_contact_finder()
    model = finder.model  # type: ignore[attr-defined]
    assert model.config == ContactGeometryConfig(network=ContactNetworkOptions())
    assert sum(parameter.numel() for parameter in model.parameters()) < 1_250_000
    # a person who sits on a chair, seen from the front
    person, chair = np.array([100.0, 50, 180, 260]), np.array([95.0, 150, 190, 290])
    x = [140, 145, 135, 150, 130, 165, 115, 172, 108, 165, 115, 158, 122, 165, 115, 162, 118]
    y = [65, 60, 60, 63, 63, 95, 95, 125, 125, 150, 150, 165, 165, 175, 175, 250, 250]
    keypoints = np.stack([x, y, np.ones(17)], 1)
    picture = np.zeros((300, 300, 3), np.uint8)
    sits, looks = finder.predict_pairs(
        picture,
        [
            ContactPair("chair", person, chair, keypoints, ("sit",)),
            ContactPair("chair", person, chair + np.array([110, 0, 110, 0]), keypoints),
        ],
    )
    assert sits.found
    parts = model.part[torch.from_numpy(sits.vertices())]
    from interplay.body.model import PARTS

    share = np.isin(parts.numpy(), [PARTS.index(name) for name in ("hips", "left thigh", "right thigh")]).mean()
    assert share > 0.5
    assert not looks.found

"""TIN's networks learn, through the same loop as everything else; what a recipe says to keep stays as it is."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from interplay import Interactions, InteractionTable, Vocabulary, load_model, write
from interplay.datasets import load_annotations
from interplay.datasets.pairs import PairReader
from interplay.detectors import Detections
from interplay.errors import InputError, InterplayError, MissingFileError
from interplay.layers.normalisers import LossNormaliser
from interplay.models.interactiveness import InteractivenessScorer
from interplay.models.tin import data
from interplay.models.tin.config import TinConfig
from interplay.models.tin.decode import with_object
from interplay.models.tin.model import TinModel
from interplay.models.tin.network import network_image
from interplay.models.tin.recipe import TinRecipe, load_recipe
from interplay.models.tin.start import from_torchvision
from interplay.models.tin.task import TinTask, network_config, network_verbs, network_vocabulary
from interplay.models.tin.validation import combined_metrics
from interplay.models.weights import read_weights
from interplay.ops.correspondences import class_table
from interplay.training import train, validate_config
from interplay.training.detections import read_detections
from interplay.training.optimisers import clip_each_gradient

ROOT = Path(__file__).parents[2]
RECIPES = sorted(p for p in (ROOT / "src/interplay/configs" / "tin").glob("*.yaml") if "spatial" not in p.stem)
WORLD = Vocabulary.from_dict(
    {
        "name": "world",
        "objects": ["person", "ball", "horse"],
        "verbs": ["kick", "ride", "pat", "rest"],
        "interactions": [["kick", "ball"], ["ride", "horse"], ["pat", "horse"], ["rest", None]],
    }
)
SIDE = 96


def _scene(number: int) -> tuple[np.ndarray, Interactions]:
    """Two people and two things on a noisy ground; a thing interacts with the person that it is drawn at."""
    rng = np.random.default_rng(number)
    pixels = rng.integers(0, 50, (SIDE, SIDE if number % 2 else SIDE - 16, 3)).astype(np.uint8)
    boxes, labels = [], []
    for person in range(2):
        x, y = 4 + 42 * person + int(rng.integers(0, 4)), int(rng.integers(8, 30))
        boxes.append([x, y, x + 12, y + 40])
        labels.append(0)
        pixels[y : y + 40, x : x + 12] = 220, 60 + 60 * person, 60
    verbs = [0, 1] if number % 3 else [0, 2]
    for thing, verb in enumerate(verbs):
        x, y = boxes[thing][0] + 14, boxes[thing][1] + (28 if verb == 0 else 8 if verb == 1 else 18)
        boxes.append([x, y, x + (10 if verb == 0 else 16), y + 10])
        labels.append(1 if verb == 0 else 2)
        pixels[y : y + 10, x : x + 10] = (60, 220, 60) if verb == 0 else (60, 60, 220 if verb == 1 else 120)
    keypoints = np.full((4, 17, 3), np.nan, np.float32)
    for person in range(2):
        left, top, right, bottom = boxes[person]
        keypoints[person, :, 0] = np.linspace(left, right, 17)
        keypoints[person, :, 1] = np.linspace(top, bottom, 17)
        keypoints[person, :, 2] = 1
    return pixels, Interactions(
        boxes=np.array(boxes, np.float32), labels=np.array(labels), human=np.array([0, 1, 0]),
        object=np.array([2, 3, -1]), verb=np.array([*verbs, 3]), vocabulary=WORLD, file=f"{number}.png",
        width=pixels.shape[1], height=SIDE, keypoints=keypoints, scored=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    found = [_scene(i) for i in range(8)]
    for i, (pixels, _) in enumerate(found):
        Image.fromarray(pixels).save(folder / f"{i}.png")
    write(InteractionTable.from_list([scene for _, scene in found]), folder / "annotations.jsonl")
    return folder


def recipe(scenes: Path, output: Path, **changes: Any) -> TinRecipe:
    content: dict[str, Any] = {
        "name": "tiny", "system": "tin", "output": str(output), "start": "scratch", "epochs": 2, "batch_size": 4,
        "accelerator": "cpu", "validate_every": 2, "log_every": 1,
        "data": {"dataset": "own", "root": str(scenes / "annotations.jsonl"), "holdout": 0, "workers": 0},
        "model": {"backbone": "resnet-nano"},
        "pairs": {"jittered": 2, "class_weights": "none"},
        "optimiser": {"algorithm": "adamw", "learning_rate": 2e-3, "reference_batch": 4, "clip_each": None},
        "schedule": {"kind": "constant"},
    }  # fmt: skip
    for name, change in changes.items():
        content[name] = {**content.get(name, {}), **change} if isinstance(change, dict) else change
    made = validate_config(content)
    assert isinstance(made, TinRecipe)
    return made


@pytest.fixture(scope="module")
def trained(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a network that learnt the scenes by heart."""
    output = tmp_path_factory.mktemp("trained")
    return train(recipe(scenes, output, epochs=16, batch_size=2, validate_every=16, schedule={"kind": "cosine"}))


def last_row(weights: Path) -> dict[str, float]:
    with (weights.parent / "log.csv").open(newline="") as stream:
        *_, row = csv.DictReader(stream)
    return {name: float(value) for name, value in row.items() if value}


def batch_loss(task: TinTask, epoch: int = 0) -> dict[str, torch.Tensor]:
    batch = task.data.collate([task.data[epoch, i] for i in range(4)])
    return task.loss(task.model, batch, LossNormaliser(task.counts(batch)))


def test_the_small_network_learns_scenes_by_heart(scenes: Path, trained: Path) -> None:
    metrics = last_row(trained)
    assert metrics["map"] > 0.9
    assert metrics["d_ap"] > 0.9
    assert metrics["nis_removed_non_interacting"] > 0.5
    assert metrics["nis_removed_interacting"] < 0.2
    assert metrics["map_with_suppression"] >= metrics["map"] - 0.05

    model = load_model(str(trained))
    assert isinstance(model, TinModel)
    pixels, truth = _scene(0)
    scores = np.ones(len(truth.boxes), np.float32)
    given = Detections(truth.boxes, truth.labels, scores, truth.keypoints, objects=WORLD.objects)
    found = model.predict(pixels, detections=given, min_score=0)
    pairs = set(zip(found.human.tolist(), found.object.tolist(), strict=True))
    assert pairs == {(0, 2), (1, 3)}  # NIS removed the others
    assert {found.vocabulary.verbs[verb] for verb in found.verb} == {"kick", "ride", "pat"}


def test_parts_learn_on_frozen_features(scenes: Path, trained: Path, tmp_path: Path) -> None:
    config = recipe(
        scenes, tmp_path, start="weights", start_file=str(trained), epochs=16, validate_every=16,
        learn="interactiveness", model={"level": "part"}, features={"kind": "frozen"},
    )  # fmt: skip
    weights = train(config)
    assert last_row(weights)["d_ap"] > 0.8
    before, after = (read_weights(path)[0] for path in (trained, weights))
    parts = ("network.backbone.", "network.human_block.", "network.object_block.")
    frozen = [name for name in after if name.startswith(parts)]
    assert frozen
    assert all(torch.equal(before[name], after[name]) for name in frozen)
    assert not torch.equal(before["network.attention.phi.weight"], after["network.attention.phi.weight"])

    model = load_model(str(weights))
    table = load_annotations("own", scenes / "annotations.jsonl", "train")
    classifier = load_model(str(trained))
    metrics = combined_metrics(classifier, {"parts": model}, table, scenes)
    assert metrics["C alone"]["map"] == metrics["parts"]["map"] == pytest.approx(last_row(trained)["map"])
    assert metrics["parts"]["d_ap"] == pytest.approx(last_row(weights)["d_ap"])
    with pytest.raises(InputError, match="must know interactions"):
        combined_metrics(model, {}, table, scenes)

    pixels, truth = _scene(1)
    judged = InteractivenessScorer(model, WORLD)(truth, pixels)
    assert judged.shape == (3,)
    assert np.isfinite(judged[:2]).all()
    assert np.isnan(judged[2])
    with pytest.raises(InputError, match="part network tells whether a pair interacts"):
        model.predict(
            pixels, detections=Detections(truth.boxes, truth.labels, np.ones(4), objects=WORLD.objects), min_score=0
        )


def detected_boxes(path: Path, numbers: range) -> str:
    """The scenes' boxes as those of a detector that counts its objects in another order and knows another one."""
    words = Vocabulary.from_names(["horse", "hat", "ball", "person"], ["x"])
    images = []
    for number in numbers:
        truth = _scene(number)[1]
        labels = [words.object_index(WORLD.objects[label]) for label in truth.labels]
        images.append(
            Interactions(
                np.concatenate([truth.boxes, truth.boxes[:1]]), [*labels, words.object_index("hat")], [], [], [], words,
                file=f"elsewhere/{number}.png", width=truth.width, height=truth.height,
            )
        )  # fmt: skip
    write(images, path)
    return str(path)


def test_validation_on_detected_boxes_by_the_official_protocol(scenes: Path, trained: Path, tmp_path: Path) -> None:
    boxes = detected_boxes(tmp_path / "boxes.parquet", range(8))
    start: dict[str, Any] = {"start": "weights", "start_file": str(trained), "epochs": 1, "validate_every": 1}
    start |= {"optimiser": {"learning_rate": 1e-6}}
    with pytest.warns(UserWarning, match=r"8 boxes of objects that the model does not know.*: hat \(8\)"):
        metrics = last_row(train(recipe(scenes, tmp_path, data={"validation_detections": boxes}, **start)))
    assert metrics["score"] == metrics["full"] > 0.7  # it learnt three of four classes by heart, and cannot say "rest"
    assert metrics["map"] > 0.9
    assert TinTask(recipe(scenes, tmp_path, data={"validation_detections": boxes}, **start)).monitor == "score"
    assert TinTask(recipe(scenes, tmp_path, **start)).monitor == "map"
    content = {"learn": "interactiveness", "model": {"level": "part"}, "start": "scratch"}
    with pytest.raises(InterplayError, match="without classes finds no interactions"):
        recipe(scenes, tmp_path, data={"validation_detections": boxes}, **content)
    with pytest.raises(MissingFileError, match=r"none\.jsonl"):
        TinTask(recipe(scenes, tmp_path, data={"validation_detections": str(tmp_path / "none.jsonl")}))
    other = recipe(scenes, tmp_path, model={"vocabulary": "hico-det"}, data={"validation_detections": boxes})
    with pytest.raises(InputError, match=r"vocabulary 'own'.*'hico-det'"):
        TinTask(other)


def test_detected_pairs_go_by_name(scenes: Path, tmp_path: Path) -> None:
    table = load_annotations("own", scenes / "annotations.jsonl", "train")
    path = Path(detected_boxes(tmp_path / "boxes.parquet", range(4)))
    detected = read_detections(path, table)
    assert sorted(detected) == [f"{number}.png" for number in range(4)]
    for number in range(4):
        truth = _scene(number)[1]
        boxes = detected[f"{number}.png"]
        assert boxes.vocabulary == table.vocabulary
        assert [boxes.vocabulary.objects[i] for i in boxes.labels] == [WORLD.objects[i] for i in truth.labels]
        assert np.array_equal(boxes.boxes, truth.boxes)  # without the hat
    assert len(TinTask(recipe(scenes, tmp_path, data={"detections": str(path)})).data) > 0
    with pytest.raises(InputError, match="none of which is annotated"):
        read_detections(Path(detected_boxes(tmp_path / "others.parquet", range(20, 22))), table)


@pytest.mark.parametrize("network", ["instance", "part"])
def test_stored_features_give_the_same_losses(
    scenes: Path, trained: Path, tmp_path: Path, network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes: dict[str, Any] = {"start": "weights", "start_file": str(trained), "model": {"level": network}}
    changes |= {"learn": "interactiveness", "data": {"feature_folder": str(tmp_path / "features")}}
    stored = TinTask(recipe(scenes, tmp_path, features={"kind": "frozen", "copies": 2}, **changes))
    stored.model.eval()
    found = batch_loss(stored), batch_loss(stored, epoch=1), batch_loss(stored, epoch=2)
    assert found[0]["interactiveness"] != found[1]["interactiveness"]  # another draw of the boxes
    assert found[0] == found[2]
    files = stored.data.files
    for epoch in (0, 1):
        with_files = batch_loss(stored, epoch)
        with monkeypatch.context() as patch:  # pixels instead of what is stored
            patch.setattr(data, "stored_features", lambda _, source, index: network_image(source.pixels(index))[0])
            from_pixels = batch_loss(stored, epoch)
        for name, value in with_files.items():
            torch.testing.assert_close(value, from_pixels[name], atol=2e-4, rtol=2e-3)

    times = {path: path.stat().st_mtime_ns for path in files.values()}
    broken, *_, gone = files.values()
    whole = broken.read_bytes()
    broken.write_bytes(whole[:40])
    with pytest.raises(InputError, match="damaged features"):
        batch_loss(stored)
    broken.write_bytes(whole)
    times[broken] = broken.stat().st_mtime_ns
    gone.unlink()  # as if the first run had been stopped
    again = TinTask(recipe(scenes, tmp_path, features={"kind": "frozen", "copies": 2}, **changes))
    assert again.data.files == files
    assert sum(path.stat().st_mtime_ns == times[path] for path in files.values()) == len(files) - 1
    torch.testing.assert_close(
        again.validate(again.model.eval())["d_ap"], stored.validate(stored.model)["d_ap"], atol=1e-6, rtol=0
    )


def changed_parts(task: TinTask) -> set[str]:
    """Children of the network with parameters that a step would change."""
    sum(batch_loss(task).values()).backward()
    chosen = {id(p) for group in task.parameter_groups().values() for p in group if p.grad is not None}
    return {name.split(".")[0] for name, p in task.model.network.named_parameters() if id(p) in chosen}


R = {"backbone", "human_block", "object_block", "attention", "spatial"}
C = {"human_head", "object_head", "spatial_head", "classify"}
D = {"discriminator", "interactive"}
EXTRA = {"compress", "part_discriminators", "part_interactive", "part_attention"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, R | C | D),
        ({"learn": "streams"}, R | C),
        ({"learn": "interactiveness"}, R | D),
        ({"learn": "instances"}, R - {"spatial"} | C - {"spatial_head"}),
        ({"learn": "spatial"}, {"backbone", "human_block", "spatial", "spatial_head", "classify"}),
        ({"update": "discriminator"}, D),
        ({"update": "without-discriminator"}, R | C),
        ({"update": "without-discriminator", "published_behaviour": True}, R | C | D),
        ({"update": "without-classifiers"}, R | C - {"classify"} | D),
        ({"learn": "interactiveness", "model": {"level": "part"}}, R | D | EXTRA),
        ({"learn": "interactiveness", "update": "discriminator", "model": {"level": "part"}}, D | EXTRA),
    ],
)
def test_what_changes(scenes: Path, tmp_path: Path, changes: dict[str, Any], expected: set[str]) -> None:
    assert changed_parts(TinTask(recipe(scenes, tmp_path, **changes))) == expected


def test_stem_first_block_and_normalisation_never_change() -> None:
    names = {name for name, p in published_on_meta().named_parameters() if p.requires_grad}
    assert not any(re.search(r"backbone\.(conv1|bn1|block1)\b|\bbn\d\b|norm\.", name) for name in names)
    assert any(name.startswith("network.backbone.block2.") for name in names)


def published_on_meta() -> TinModel:
    with torch.device("meta"):
        return TinModel(WORLD, TinConfig())


def test_each_gradient_is_cut_to_its_own_norm() -> None:
    parameters = [torch.nn.Parameter(torch.zeros(4)) for _ in range(3)]
    parameters[0].grad, parameters[1].grad = torch.full((4,), 10.0), torch.full((4,), 0.1)
    clip_each_gradient(parameters, 1.0)
    torch.testing.assert_close(parameters[0].grad, torch.full((4,), 0.5))
    torch.testing.assert_close(parameters[1].grad, torch.full((4,), 0.1))
    assert parameters[2].grad is None


def test_a_step_cuts_each_gradient(scenes: Path, tmp_path: Path) -> None:
    """With a rate of 1 and no momentum, no variable moves further than the limit."""
    options = {"algorithm": "sgd", "learning_rate": 1.0, "momentum": 0.0, "clip_each": 0.01}
    config = recipe(scenes, tmp_path, epochs=1, batch_size=8, optimiser={**options, "reference_batch": 8})
    before = {name: p.detach().clone() for name, p in TinTask(config).model.named_parameters()}
    after, _ = read_weights(train(config))
    moved = torch.stack([(after[name] - value).norm() for name, value in before.items()])
    assert moved.max() <= 0.01 + 1e-5
    assert moved.max() > 0.0099


@pytest.mark.parametrize("network", ["instance", "part"])
def test_a_run_that_stops_in_an_epoch_goes_on_where_it_was(
    scenes: Path, tmp_path: Path, network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes: dict[str, Any] = {"model": {"level": network}, "epochs": 2, "batch_size": 2, "checkpoint_every": 1}
    changes |= {"learn": "interactiveness" if network == "part" else "all"}
    whole = train(recipe(scenes, tmp_path, name="whole", **changes))
    parts = recipe(scenes, tmp_path, name="parts", **changes)
    steps = iter(range(100))
    loss = TinTask.loss

    def stopped(*arguments: Any) -> dict[str, torch.Tensor]:
        if next(steps) == 2:
            raise KeyboardInterrupt
        return loss(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(TinTask, "loss", stopped)
        with pytest.raises(KeyboardInterrupt):
            train(parts)
    states = [read_weights(path)[0] for path in (whole, train(parts))]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_half_precision_learns_too(scenes: Path, tmp_path: Path) -> None:
    row = last_row(train(recipe(scenes, tmp_path, epochs=1, validate_every=1, precision="bf16-mixed")))
    assert np.isfinite(row["loss"])


def test_published_labels_and_unseen_objects(scenes: Path, tmp_path: Path) -> None:
    part = {"learn": "interactiveness", "model": {"level": "part"}}
    for published in (False, True):
        task = TinTask(recipe(scenes, tmp_path, published_behaviour=published, **part))
        batch = task.data.collate([task.data[0, 0]])
        first = batch.binary[batch.positives]
        assert first.tolist() == ([0, 0] if published else [0, 1])
        assert (batch.binary[: batch.positives, 0] == 1).all()
    # as published, D does not see the objects of pairs that do not interact
    for published in (False, True):
        task = TinTask(recipe(scenes, tmp_path, published_behaviour=published))
        task.model.eval()
        batch = task.data.collate([task.data[0, 0]])
        moved = batch.objects.clone()
        moved[batch.positives :, 1:] = torch.tensor([1.0, 1.0, 90.0, 90.0])
        counts = LossNormaliser(task.counts(batch))
        losses = [task.loss(task.model, b, counts)["interactiveness"] for b in (batch, replace(batch, objects=moved))]
        assert torch.equal(*losses) == published


def test_a_step_in_two_parts_is_the_whole_step(scenes: Path, tmp_path: Path) -> None:
    task = TinTask(recipe(scenes, tmp_path))
    task.model.eval()
    examples = [task.data[0, i] for i in range(4)]
    whole, *halves = (task.data.collate(part) for part in (examples, examples[:1], examples[1:]))
    expected = task.loss(task.model, whole, LossNormaliser(task.counts(whole)))
    mean = torch.stack([task.counts(half) for half in halves]).mean(0)
    found = [task.loss(task.model, half, LossNormaliser(mean, 2)) for half in halves]
    for name, value in expected.items():
        torch.testing.assert_close((found[0][name] + found[1][name]) / 2, value, rtol=1e-4, atol=1e-5)


def test_pairs_of_an_annotated_image() -> None:
    _, scene = _scene(0)
    reader = PairReader(WORLD, WORLD)
    positives, negatives = reader.positives(scene), reader.negatives(scene)
    assert len(positives) == 2
    assert len(negatives) == 2 * 3 - 2
    assert positives.classes.tolist() == [[True, False, False, False], [False, False, True, False]]
    assert not negatives.classes.any()
    assert sorted(positives.labels.tolist()) == [1, 2]
    scene.unlabelled = np.array([False, True, False, False])
    assert len(reader.negatives(scene)) == 2  # nobody says what the second person does not do


def test_no_interaction_is_a_label_and_not_an_interaction() -> None:
    hico = Vocabulary.load("hico-det")
    idle = hico.verb_index("no_interaction")
    ride, bicycle = hico.verb_index("ride"), hico.object_index("bicycle")
    image = Interactions(
        boxes=np.array([[0, 0, 20, 60], [10, 30, 50, 60], [60, 30, 90, 60]], np.float32),
        labels=np.array([0, bicycle, bicycle]), human=np.array([0, 0]), object=np.array([1, 2]),
        verb=np.array([ride, idle]), vocabulary=hico, width=100, height=80, scored=False,
    )  # fmt: skip
    for published, positives in ((False, 1), (True, 2)):
        reader = PairReader(hico, hico, published_behaviour=published)
        assert len(reader.positives(image)) == positives
        negatives = reader.negatives(image)
        assert negatives.classes[:, hico.interaction_index(idle, bicycle)].all()
        assert len(negatives) == 2 - positives


def test_annotations_in_another_vocabulary() -> None:
    vcoco, hico = Vocabulary.load("v-coco"), Vocabulary.load("hico-det")
    table = class_table(vcoco, hico)
    board = vcoco.object_index("skateboard")
    expected = hico.interaction_index(hico.verb_index("ride"), hico.object_index("skateboard"))
    assert table[vcoco.verb_index("skateboard"), board] == expected
    assert table[vcoco.verb_index("skateboard"), vcoco.object_index("cup")] == -1
    verbs = tuple(range(len(vcoco.verbs)))
    back = class_table(hico, vcoco, verbs)
    assert back[hico.verb_index("watch"), hico.object_index("bird")] == vcoco.verb_index("look")
    assert (back[hico.verb_index("no_interaction")] == -1).all()


def test_verbs_are_classes_where_the_recipe_says_so(scenes: Path, tmp_path: Path) -> None:
    task = TinTask(recipe(scenes, tmp_path, model={"classes": "verb"}))
    vocabulary = task.model.vocabulary
    assert task.verbs == tuple(range(4))
    batch = task.data.collate([task.data[0, i] for i in range(4)])
    assert batch.motions[:, vocabulary.verb_index("rest")].any()  # a motion of the person, and not of the pair
    assert not batch.classes[:, vocabulary.verb_index("rest")].any()
    assert not with_object(vocabulary)[vocabulary.verb_index("rest")]
    assert with_object(vocabulary).sum() == 3
    assert changed_parts(task) == R | C | D
    assert 0 <= task.validate(task.model)["map"] <= 1


def test_torchvisions_weights_fit() -> None:
    from torchvision.models import resnet50

    with torch.device("meta"):
        state = {name: value for name, value in resnet50().state_dict().items() if "num_batches" not in name}
        network = published_on_meta().network
    found = from_torchvision(state)
    own = network.state_dict()
    needed = [n for n in own if n.split(".")[0] in ("backbone", "human_block", "object_block")]
    assert set(needed) == set(found)
    assert all(own[name].shape == found[name].shape for name in needed)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_builds_its_network(path: Path) -> None:
    made = load_recipe(path)
    assert made.name == f"tin_{path.stem}"
    published = not path.stem.startswith("nano")
    assert made.published_behaviour == published
    assert made.optimiser.clip_each == (1.0 if published else None)
    head = path.read_text(encoding="utf-8").split("\nname:")[0]
    assert ("Published: " in head) == published
    assert ("nferred" in head or path.stem == "vcoco_interactiveness_optimised") == published
    dataset = made.data.dataset if made.data.dataset not in ("own", "generated") else "hico-det"
    vocabulary = network_vocabulary(made, Vocabulary.load(dataset))
    verbs = network_verbs(made, vocabulary)
    with torch.device("meta"):
        model = TinModel(vocabulary, network_config(made, verbs))
    assert (sum(p.numel() for p in model.parameters()) > 50e6) == published


def test_documentation_names_every_recipe_with_its_figure() -> None:
    page = (ROOT / "docs" / "models" / "tin_training.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \|(.*)\|$", page.split("## Published rows")[1], re.MULTILINE))
    assert set(rows) == {path.stem for path in RECIPES}
    for path in RECIPES:
        value = re.search(r"Published: (\d\d\.\d+)", path.read_text(encoding="utf-8"))
        if value:
            assert value[1] in rows[path.stem], path.stem


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": {"level": "part"}}, "the part network has no classes: it needs learn: interactiveness"),
        ({"learn": "streams", "update": "discriminator"}, "changes nothing that learn: streams depends on"),
        ({"start": "faster-rcnn"}, "the small backbone has no published weights"),
        ({"features": {"kind": "frozen"}}, "another start than scratch"),
        ({"learn": "verbs"}, "learn: .*'interactiveness'"),
        ({"pairs": {"jitter": 3}}, r"pairs\.jitter: no such field, got 3\. Did you mean 'jittered'"),
    ],
)
def test_mistakes_in_a_recipe(scenes: Path, tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InterplayError, match=message):
        recipe(scenes, tmp_path, **changes)


def test_mistakes_in_data(scenes: Path, tmp_path: Path) -> None:
    _, scene = _scene(0)
    alone = InteractionTable.from_list([scene[np.array([2])]])
    write(alone, tmp_path / "alone.jsonl")
    with pytest.raises(InputError, match="there is nothing to learn"):
        TinTask(recipe(scenes, tmp_path, data={"root": str(tmp_path / "alone.jsonl"), "images": str(scenes)}))
    with pytest.raises(InputError, match="are for 600 classes, the network has 4: use 'annotations'"):
        TinTask(recipe(scenes, tmp_path, pairs={"class_weights": "hico"}))
    other = tmp_path / "other.jsonl"
    write(InteractionTable.from_list([Interactions.empty(WORLD)]), other)
    config = recipe(scenes, tmp_path, data={"detections": str(other)})
    with pytest.raises(InputError, match="none of which is annotated"):
        TinTask(config)
    with pytest.raises(MissingFileError, match=r"tf-faster-rcnn[\s\S]*--start_file"):
        TinTask(recipe(scenes, tmp_path, model={"backbone": "resnet50"}, start="faster-rcnn"))


def test_class_weights_follow_the_annotations(scenes: Path, tmp_path: Path) -> None:
    task = TinTask(recipe(scenes, tmp_path, pairs={"class_weights": "annotations"}))
    names = [task.model.vocabulary.verbs[verb] for verb, _ in task.model.vocabulary.interactions]
    assert dict(zip(names, task.data.class_counts.tolist(), strict=True)) == {"kick": 8, "ride": 5, "pat": 3, "rest": 0}
    expected = {"kick": np.log(2), "ride": np.log(16 / 5), "pat": np.log(16 / 3), "rest": 0}
    np.testing.assert_allclose(task.model.loss_weights.interactions, [expected[name] for name in names], rtol=1e-6)
    positives, negatives = task.data.rows
    assert positives == 2 + 2
    assert negatives == 4
    np.testing.assert_allclose(task.model.loss_weights.binary, np.log([2, 2]), rtol=1e-6)


def test_poses_of_annotated_people_can_come_from_a_file(scenes: Path, tmp_path: Path) -> None:
    positives, _ = TinTask(recipe(scenes, tmp_path)).data.source.pairs(2)
    moved = positives.poses[:, :, 0] + 1
    poses = [
        {"image_id": "2.png", "keypoints": np.dstack([x, pose[:, 1], pose[:, 2]]).ravel().tolist()}
        for x, pose in zip(moved, positives.poses, strict=True)
    ]
    file = tmp_path / "poses.json"
    file.write_text(json.dumps([{**pose, "score": 1.0} for pose in poses]))
    for _ in range(2):  # estimated, then read again
        source = TinTask(recipe(scenes, tmp_path, data={"pose": str(file)})).data.source
        found, others = source.pairs(2)[0], source.pairs(3)[0]
        np.testing.assert_allclose(found.poses[:, :, 0], moved, atol=1e-4)
        assert np.isnan(others.poses).all()
    assert len(list((tmp_path / "tiny" / "features").glob("poses_*.npy"))) == 1


def test_several_data_sets_are_learnt_from(scenes: Path, tmp_path: Path) -> None:
    data = recipe(scenes, tmp_path).data.model_dump(mode="json")
    config = recipe(scenes, tmp_path, learn="interactiveness", further={"more": data}, epochs=1)
    task = TinTask(config)
    assert len(task.data) == 16
    assert {task.data.name(i) for i in range(8, 16)} == {f"{i}.png" for i in range(8)}
    _, description = read_weights(train(config))
    assert len(description["data"]["training"]) == 2
    assert str(scenes) not in str(description)


def test_further_data_are_trained_on_as_a_whole(scenes: Path, tmp_path: Path) -> None:
    further = {"dataset": "own", "root": str(scenes / "annotations.jsonl")}
    task = TinTask(recipe(scenes, tmp_path, further={"more": further}))
    assert len(task.data) == 16
    assert len(task.validation) == 8
    shipped = [load_recipe(path).further for path in RECIPES]
    assert sum(map(bool, shipped)) == 7
    assert all(data.holdout == 0 for recipes in shipped for data in recipes.values())


@pytest.mark.parametrize(
    ("further", "message"),
    [
        ({"root": None}, r"further\.more\.root: expected annotations of own.*; give --further\.more\.root DIR"),
        ({"root": "nowhere"}, r"further\.more\.root: there is no nowhere; give --further\.more\.root"),
        ({"images": "nowhere"}, r"further\.more\.images: there is no nowhere; give --further\.more\.images"),
        ({"holdout": 0.1}, r"further\.more: .*only trained on, all of them, got holdout=0\.1: leave it out"),
        ({"validation": "test"}, r"further\.more: .*got validation=test"),
    ],
)
def test_mistakes_in_further_data(scenes: Path, tmp_path: Path, further: dict[str, Any], message: str) -> None:
    more = {"dataset": "own", "root": str(scenes / "annotations.jsonl"), **further}
    with pytest.raises(InterplayError, match=message):
        TinTask(recipe(scenes, tmp_path, further={"more": more}))

"""A small InteractVLM that is told people's poses: they change its answers, and it can do without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.models.contact_scenes import SIDE, write_in_3d, write_scenes
from tests.models.interactvlm_tiny import SEG, tiny
from tests.models.test_interactvlm_predict import IMAGE, OCTAHEDRON, Words

from interplay.body.cameras import view_set
from interplay.body.model import PARTS, load_body_model
from interplay.errors import InputError
from interplay.models.contact import ContactPair
from interplay.models.interactvlm.convert import load_folder
from interplay.models.interactvlm.folder import save_folder
from interplay.models.interactvlm.model import InteractVlmModel
from interplay.models.interactvlm.predict import ContactPredictor
from interplay.models.interactvlm.task import InteractVlmTask
from interplay.models.weights import read_contact_model
from interplay.pipeline.contact import THRESHOLD, ContactTool, load_contact, load_search
from interplay.training import load_config, train

pytest.importorskip("transformers")
pytest.importorskip("embreex")

PERSON, CUP = np.array([24.0, 8, 40, 60]), np.array([37.0, 17, 43, 23])


def pose(x: float, y: float, score: float = 1.0) -> np.ndarray:
    """A person whose left wrist is there."""
    keypoints = np.tile(np.array([32.0, 30, score]), (17, 1))
    keypoints[9] = [x, y, score]
    return keypoints


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenes(tmp_path_factory.mktemp("contact") / "scenes")


def options(scenes: Path, output: Path, **changes: Any) -> list[str]:
    fixed = {"data.root": scenes, "data.holdout": 0, "output": output, "accelerator": "cpu", "batch_size": 4}
    given = {**fixed, "validate_every": 100, "schedule.kind": "constant", "mask_size": 64, "model.view_size": 128}
    return [f"--{name}={value}" for name, value in {**given, **changes}.items()]


@pytest.fixture(scope="module")
def plain(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that knows no poses."""
    return train(load_config("interactvlm/nano", options(scenes, tmp_path_factory.mktemp("plain"), epochs=2)))


@pytest.fixture(scope="module")
def posed(scenes: Path, plain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, after it learnt on with poses."""
    given = options(scenes, tmp_path_factory.mktemp("posed"), start_file=plain, epochs=4)
    return train(load_config("interactvlm/nano_vertices", given))


def finder_of(file: Path) -> ContactPredictor:
    model = read_contact_model(file)
    assert isinstance(model, InteractVlmModel)
    finder = model.finder()
    assert isinstance(finder, ContactPredictor)
    return finder


def scores(finder: ContactPredictor, *pairs: ContactPair) -> list[np.ndarray]:
    image = np.full((SIDE, SIDE, 3), 90, np.uint8)
    return [each.scores for each in finder.predict_pairs(image, pairs)]


def test_poses_change_the_answer_of_a_network_that_learnt_with_them(plain: Path, posed: Path) -> None:
    pytest.importorskip("anny")
    near, far = (ContactPair("cup", PERSON, CUP, pose(*wrist)) for wrist in ((40, 20), (25, 50)))
    without = finder_of(plain)
    assert not without.uses_poses
    np.testing.assert_array_equal(*scores(without, near, far))
    told = finder_of(posed)
    assert told.uses_poses
    one, other = scores(told, near, far)
    assert np.abs(one - other).max() > 1e-3


def test_it_does_without_a_pose_and_without_boxes(posed: Path) -> None:
    pytest.importorskip("anny")
    finder = finder_of(posed)
    unknown = np.full((17, 3), np.nan)
    pairs = [ContactPair("cup", PERSON, CUP, keypoints) for keypoints in (None, unknown, pose(40, 20, 0.1))]
    first, *others = scores(finder, *pairs)
    for each in others:
        np.testing.assert_allclose(each, first, atol=1e-5)  # none of them is known
    image = np.full((SIDE, SIDE, 3), 90, np.uint8)
    [whole] = finder.predict_pairs(image, [ContactPair("cup")])
    [named] = finder.predict(image, ["cup"])
    np.testing.assert_allclose(whole.scores, named.scores, atol=1e-5)
    assert np.isfinite(whole.scores).all()


def test_it_starts_as_the_network_that_it_learns_on_from(scenes: Path, plain: Path, tmp_path: Path) -> None:
    given = options(scenes, tmp_path, start_file=plain, epochs=1)
    task = InteractVlmTask(load_config("interactvlm/nano_vertices", given))  # type: ignore[arg-type]
    assert task.newly_initialised
    assert all("pose_encoder" in name for name in task.newly_initialised)
    old = read_contact_model(plain)
    batch = task.data.collate([task.data[0, i] for i in range(3)])
    assert batch.poses.isfinite().any()
    with torch.no_grad():
        for mine, theirs in zip(task.model.eval()(batch).masks, old.eval()(batch).masks, strict=True):
            torch.testing.assert_close(mine, theirs)


def test_body_parts_are_read_off_before_masks_are_drawn(scenes: Path, plain: Path, tmp_path: Path) -> None:
    """The second of the three parts of interactvlm-nano's training, and that the third goes on without its head."""
    exact = {f"noise.{name}": 0 for name in ("unknown", "jitter", "keypoints", "hidden", "missed", "no_pose")}
    exact |= {"flip": "false", "jitter": 0, "no_object": 0, "optimiser.learning_rate": 3e-3}
    given = options(scenes, tmp_path, start_file=plain, epochs=30, log_every=1, **exact)
    config = load_config("interactvlm/nano_poses", given)
    task = InteractVlmTask(config)  # type: ignore[arg-type]
    batch = task.data.collate([task.data[0, i] for i in (0, 1, 2, 3, 7)])
    assert batch.parts.sum(1).tolist() == [1, 1, 1, 1, 0], "a left or a right hand, and nobody who touches the last cup"
    outputs = task.model.train()(batch)
    assert outputs.masks == [None] * 5
    terms = task.model.loss(outputs, batch)
    assert terms["parts"] > 0
    assert terms["mask_dice"] == terms["hC"] == 0
    file = train(config)
    read = read_contact_model(file)
    assert isinstance(read, InteractVlmModel)
    with torch.no_grad():
        found = read.eval()(batch).parts
    assert found is not None
    assert ((found > 0) == (batch.parts > 0)).all(), "left and right hand, and neither"
    on = InteractVlmTask(load_config("interactvlm/nano_vertices", options(scenes, tmp_path, start_file=file)))  # type: ignore[arg-type]
    assert on.model.part_head is None
    assert not on.newly_initialised
    encoder, theirs = on.model.network.pose_encoder, read.network.pose_encoder
    assert encoder is not None
    assert theirs is not None
    assert torch.equal(encoder.layers[0].weight, theirs.layers[0].weight)


def test_words_that_both_know_are_kept_and_others_are_new(plain: Path, tmp_path: Path) -> None:
    """Of scenes with other objects."""
    other = write_scenes(tmp_path / "scenes")
    lines = (other / "annotations.jsonl").read_text().replace('"cup"', '"tennis racket"')
    (other / "annotations.jsonl").write_text(lines)
    given = options(other, tmp_path, start_file=plain)
    mine = InteractVlmTask(load_config("interactvlm/nano_vertices", given)).model  # type: ignore[arg-type]
    theirs = read_contact_model(plain)
    assert isinstance(theirs, InteractVlmModel)

    def row(model: InteractVlmModel, word: str | None) -> torch.Tensor:
        weight = model.network.llava.get_input_embeddings().weight
        return weight[model.tokenizer.number(word) if word else model.network.options.image_token_id]

    assert len(mine.tokenizer) != len(theirs.tokenizer)
    for word in ("contact", "hand", "[SEG]", None):
        assert torch.equal(row(mine, word), row(theirs, word))
    assert mine.tokenizer.number("racket")
    with pytest.raises(KeyError):
        theirs.tokenizer.number("racket")


def test_weights_of_another_size_are_refused(scenes: Path, plain: Path, tmp_path: Path) -> None:
    given = options(scenes, tmp_path, start_file=plain, **{"model.sam_size": 128})
    with pytest.raises(InputError, match="of the same size"):
        InteractVlmTask(load_config("interactvlm/nano_vertices", given))  # type: ignore[arg-type]


def test_lessons_tell_poses_as_they_would_be_found(scenes: Path, tmp_path: Path) -> None:
    def lessons(training: bool, **changes: Any) -> list[Any]:
        given = {"model.poses": "true", "jitter": 0, "flip": "false", **changes}
        source = InteractVlmTask(load_config("interactvlm/nano", options(scenes, tmp_path, **given))).data.sources[0]  # type: ignore[arg-type]
        return [source.lesson(0, np.random.default_rng(k), training) for k in range(8)]

    exact = lessons(False)
    assert all(torch.equal(each.pose, exact[0].pose) for each in exact)
    noisy = lessons(True, **{"noise.unknown": 0})
    assert not any(torch.equal(each.pose, exact[0].pose) for each in noisy)
    assert sum(each.pose is None for each in lessons(True, **{"noise.unknown": 0.99})) > 5
    assert all(each.pose is None for each in lessons(True, **{"model.poses": "false"}))
    still = {f"noise.{name}": 0 for name in ("unknown", "jitter", "keypoints", "hidden", "missed", "no_pose")}
    mirrored = lessons(True, **{**still, "flip": "true"})
    turned = [not torch.allclose(each.pose, exact[0].pose, atol=1e-5) for each in mirrored]
    assert 0 < sum(turned) < 8
    sides = [bool(each.taught.target[exact[0].taught.target > 0].any()) for each in mirrored]
    assert turned == [not same for same in sides], "the pose is mirrored with the contact"


def test_contact_of_objects_is_told_poses_too(tmp_path: Path) -> None:
    pytest.importorskip("trimesh")
    folder = write_scenes(tmp_path / "scenes")
    write_in_3d(folder)
    given = {"data.dataset": "generated-objects", "model.poses": "true", "noise.unknown": 0}
    task = InteractVlmTask(load_config("interactvlm/nano", options(folder, tmp_path, **given)))  # type: ignore[arg-type]
    assert task.data[0, 0].pose.isfinite().all()


def test_poses_need_scenes_that_have_some(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    vqa = tmp_path / "vqa"
    vqa.mkdir()
    given = {"data.dataset": "hoi-vqa", "model.poses": "true"}
    with pytest.raises(InputError, match=r"model\.poses"):
        InteractVlmTask(load_config("interactvlm/nano", options(vqa, tmp_path, **given)))  # type: ignore[arg-type]


def test_a_folder_keeps_its_pose_encoder(tmp_path: Path) -> None:
    network = tiny(poses=True, crops=True)
    assert network.pose_encoder is not None
    torch.nn.init.normal_(network.pose_encoder.layers[-1].weight)
    save_folder(network, tmp_path / "posed")
    read = load_folder(tmp_path / "posed")
    assert read.options.poses
    pair = ContactPair("cup", np.array([5.0, 5, 40, 45]), np.array([30.0, 20, 45, 35]), pose(30, 25))
    views = [ContactPredictor(each.eval(), Words(), *OCTAHEDRON, given=True) for each in (network, read)]
    here, there = (each.predict_pairs(IMAGE, [pair])[0].scores for each in views)
    np.testing.assert_allclose(here, there, atol=1e-5)
    [without] = views[1].predict_pairs(IMAGE, [ContactPair(pair.object, pair.human_box, pair.object_box)])
    assert np.abs(without.scores - there).max() > 1e-3


@pytest.mark.parametrize("poses", [True, False])
def test_poses_are_looked_for_where_the_network_knows_them(poses: bool) -> None:
    """By the network, not by whether it is a folder or a file."""
    finder = ContactPredictor(tiny(poses=poses), Words(), *OCTAHEDRON)
    search = load_search(ContactTool(finder, None))
    assert (search.pose is not None) == poses


def test_a_state_counts_where_an_answer_has_no_mask() -> None:
    network = tiny(poses=True)
    ids = torch.tensor([[1, 60, 60, 60, 60, 7, 8, 9], [1, 60, 60, 60, 60, 7, 8, SEG]])
    size = network.llava.config.vision_config.image_size
    embeddings = network.encode_views(torch.zeros(4, 3, 64, 64))
    views = list(view_set("4MV-Z_Vitru").values())
    with torch.no_grad():
        masks = network(ids, torch.zeros(2, 3, size, size), embeddings, views)
    assert masks.found.tolist() == [False, True]


STANDING = np.array(
    [[200, 90], [208, 82], [192, 82], [216, 86], [184, 86], [240, 150], [160, 150], [256, 220], [120, 190], [262, 290],
     [100, 140], [225, 290], [175, 290], [226, 390], [174, 390], [226, 480], [174, 480]], np.float64,
)  # fmt: skip
"""Seen from the front, the right hand raised at the left of the picture."""


@pytest.mark.parametrize(
    ("thing", "box", "parts"),
    [
        ("cup", (85, 110, 110, 145), {"right hand"}),
        ("cup", (420, 400, 445, 440), set()),
        ("dining table", (380, 330, 600, 500), set()),
    ],
)
def test_the_one_that_comes_along_says_what_is_not_touched(thing: str, box: tuple[float, ...], parts: set[str]) -> None:
    pytest.importorskip("anny")
    tool = load_contact("interactvlm-nano")
    keypoints = np.column_stack([STANDING, np.ones(17)])
    pair = ContactPair(thing, np.array([85.0, 60, 270, 500]), np.array(box, np.float64), keypoints)
    [found] = tool.finder.predict_pairs(np.full((540, 640, 3), 127, np.uint8), [pair])
    touched = np.flatnonzero(found.scores >= THRESHOLD)
    part = load_body_model().part[touched]
    named = {PARTS[index] for index in np.unique(part)}
    assert bool(named) == bool(parts)
    assert parts <= named
    assert "left hand" not in named

"""InteractVLM is trained by the shared loop: from nothing, and with LoRA on given weights."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.models.contact_scenes import write_in_3d, write_scenes
from tests.models.interactvlm_tiny import HUMAN, OBJECT, ROWS, SEG, tiny, weights, write_folder, write_tokenizer

from interplay import read_image
from interplay.cli import main
from interplay.errors import InputError, MissingFileError
from interplay.models.contact import ContactPair
from interplay.models.interactvlm.convert import load_folder
from interplay.models.interactvlm.data import batch_of
from interplay.models.interactvlm.folder import save_folder
from interplay.models.interactvlm.model import UNLEARNT, InteractVlmModel, lifting
from interplay.models.interactvlm.predict import crop
from interplay.models.interactvlm.sources import BodySource
from interplay.models.interactvlm.task import InteractVlmTask
from interplay.models.interactvlm.tokenizer import load_tokenizer
from interplay.models.interactvlm.words import WordTokenizer, word_list
from interplay.models.weights import read_contact_model, read_weights
from interplay.training import load_config, train
from interplay.training.config import list_configs

pytest.importorskip("transformers")
pytest.importorskip("embreex")


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenes(tmp_path_factory.mktemp("contact") / "scenes")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of tiny random weights with a tokenizer of its words."""
    folder = tmp_path_factory.mktemp("base") / "tiny"
    save_folder(tiny(), folder)
    write_tokenizer(folder)
    return folder


def options(scenes: Path, output: Path, **changes: Any) -> list[str]:
    fixed = {"data.root": scenes, "data.holdout": 0, "output": output, "accelerator": "cpu", "batch_size": 4}
    given = {**fixed, "log_every": 1, "validate_every": 100, "schedule.kind": "constant", **changes}
    return [f"--{name}={value}" for name, value in given.items()]


ALIKE: dict[str, Any] = {"flip": "false", "jitter": 0, "no_object": 0}
"""Each lesson is nearly the same in every epoch."""


def losses(run: Path) -> list[float]:
    with (run / "log.csv").open() as stream:
        return [float(row["loss"]) for row in csv.DictReader(stream)]


def test_a_small_one_is_trained_from_nothing_and_finds_contact(scenes: Path, tmp_path: Path) -> None:
    pytest.importorskip("anny")
    config = load_config("interactvlm/nano", options(scenes, tmp_path, epochs=6, **ALIKE))
    file = train(config)
    fell = losses(file.parent)
    assert fell[-1] < 0.95 * fell[0]
    model = read_contact_model(file)
    assert isinstance(model, InteractVlmModel)
    assert file.stat().st_size < 5_000_000
    assert model.network.options.crops


def test_lora_trains_given_weights_and_is_merged_into_them(
    base: Path, scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("peft")
    changes = {"model.base": base, "model.lora_rank": 2, "epochs": 6, "optimiser.learning_rate": 3e-3, "flip": "false"}
    config = load_config("interactvlm/nano", options(scenes, tmp_path, **changes))
    before = {name: value.clone() for name, value in load_folder(base).state_dict().items()}
    file = train(config)
    fell = losses(file.parent)
    assert fell[-1] < 0.95 * fell[0]
    state, description = read_weights(file)
    assert description["config"]["network"]["base"] == str(base)
    assert not any("vision_encoder" in name or "vision_tower" in name for name in state), "frozen parts are not stored"
    assert sum("lora_" in name for name in state) == 2 * 2 * 2, "two matrices for q and v of both layers"
    with pytest.raises(InputError, match="interplay import interactvlm"):
        read_contact_model(file)
    assert main(["import", "interactvlm", str(file), "-o", str(tmp_path / "merged")]) == 0
    merged = load_folder(tmp_path / "merged").state_dict()
    assert merged.keys() == before.keys()
    same = {name for name, value in before.items() if torch.equal(value, merged[name])}
    assert any("vision_encoder" in name for name in same)
    query = "llava.model.language_model.layers.0.self_attn.q_proj.weight"
    assert query not in same
    factors = [state[f"network.{query[:-7]}.lora_{side}.default.weight"] for side in "BA"]
    torch.testing.assert_close(merged[query], before[query] + factors[0] @ factors[1] * 16 / 2, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("last", [SEG, ROWS - 1])
def test_weights_that_know_one_token_and_no_views_get_both(
    last: int, scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As LISA's, from which the published trainings start; with room for new tokens, and without."""
    pytest.importorskip("peft")
    lisa = write_folder(tmp_path / "lisa", weights(tiny(camera_encoder=None)), seg_token_idx=None)
    write_tokenizer(lisa, last)
    before = load_folder(lisa)
    assert before.options.seg_id == SEG
    changes = {"model.base": lisa, "model.lora_rank": 2, "epochs": 1, "flip": "false", "name": "joint"}
    changes |= {"model.token_type": "Gen-Hu-Obj", "model.human_views": "4MV-Z_Vitru_mv2", "model.view_size": 96}
    task = InteractVlmTask(load_config("interactvlm/nano", options(scenes, tmp_path, **changes)))  # type: ignore[arg-type]
    network = task.model.network
    human, thing = network.options.human_id, network.options.object_id
    assert (human, thing) == (last + 1, last + 2)
    rows = network.llava.lm_head.weight
    assert torch.equal(rows[human], rows[SEG])
    assert torch.equal(rows[:SEG], before.llava.lm_head.weight[:SEG])
    assert network.options.image_token_id == max(ROWS, last + 3)
    named = {name.split(".")[1] for name in task.newly_initialised}
    assert {"cam_pose_encoder", "attention_splitter"} <= named <= {"cam_pose_encoder", "attention_splitter", "llava"}
    learnt = task.data[0, 0].labels
    assert (learnt == human).sum() == 1
    assert not (learnt == SEG).any()

    file = train(load_config("interactvlm/nano", options(scenes, tmp_path, **changes)))
    assert "network.cam_pose_encoder" in (file.parent / "config.yaml").read_text()
    assert main(["import", "interactvlm", str(file), "-o", str(tmp_path / "merged")]) == 0
    merged = load_folder(tmp_path / "merged")
    assert merged.options == network.options
    assert load_tokenizer(tmp_path / "merged").convert_tokens_to_ids(["[SEG]", "[HSEG]"]) == [SEG, human]
    assert merged.llava.config.image_token_id == network.options.image_token_id
    assert torch.equal(merged.sam.vision_encoder.pos_embed, before.sam.vision_encoder.pos_embed)
    trained, _ = read_weights(file)
    own = trained["network.cam_pose_encoder.view_transforms.0.weight"]
    assert torch.equal(merged.state_dict()["cam_pose_encoder.view_transforms.0.weight"], own)


def test_bases_that_cannot_be_extended(base: Path, scenes: Path, tmp_path: Path) -> None:
    changes = {"model.base": base, "model.lora_rank": 2, "model.camera_encoder": "simple"}
    with pytest.raises(InputError, match="the base has vi_v1 for 4 views, the recipe simple for 4"):
        InteractVlmTask(load_config("interactvlm/nano", options(scenes, tmp_path, **changes)))  # type: ignore[arg-type]
    joint = tmp_path / "joint"
    save_folder(tiny(token_type="Gen-Hu-Obj", human_id=HUMAN, object_id=OBJECT), joint)
    write_tokenizer(joint)
    changes = {"model.base": joint, "model.lora_rank": 2}
    with pytest.raises(InputError, match="the base has Gen-Hu-Obj, the recipe Gen"):
        InteractVlmTask(load_config("interactvlm/nano", options(scenes, tmp_path, **changes)))  # type: ignore[arg-type]


def test_a_stopped_training_goes_on(scenes: Path, tmp_path: Path) -> None:
    whole = load_config("interactvlm/nano", options(scenes, tmp_path, epochs=2, name="whole"))
    parts = load_config("interactvlm/nano", options(scenes, tmp_path, epochs=2, name="parts"))
    train(whole)
    train(parts, stop_after=1)
    train(parts)
    assert losses(tmp_path / "whole") == pytest.approx(losses(tmp_path / "parts"), rel=1e-4)


@pytest.fixture(scope="module")
def task(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> InteractVlmTask:
    return InteractVlmTask(
        load_config("interactvlm/nano", options(scenes, tmp_path_factory.mktemp("x"), part_dropout=0.5))
    )  # type: ignore[arg-type]


def test_answers_are_learnt_and_questions_are_not(task: InteractVlmTask) -> None:
    example = task.data[0, 0]
    words = task.model.tokenizer
    learnt = example.labels[example.labels != UNLEARNT]
    said = words.decode(learnt.tolist())
    assert "[SEG]" in said
    assert said.endswith("</s>")
    assert "assistant" not in said
    assert (example.labels == UNLEARNT).sum() > 64, "the image and the question"


def test_parts_are_dropped_and_sides_are_exchanged(task: InteractVlmTask, scenes: Path) -> None:
    source = task.data.sources[0]
    assert isinstance(source, BodySource)
    rng = np.random.default_rng(0)
    lessons = [source.lesson(0, rng) for _ in range(60)]
    in_words = [each for each in lessons if "hand" in each.answered]
    assert 15 < len(in_words) < 45, "half of them name body parts"
    for each in in_words:
        assert each.taught is not None
        touched = each.taught.target.bool()
        left = "left" in each.answered
        assert bool(touched[source.lessons[0].vertices].any()) == left, "a mirrored image has mirrored contact"
    plain = source.lesson(0, rng, training=False)
    assert "hand" not in plain.answered


def test_pairs_that_do_not_touch_have_empty_masks(scenes: Path, tmp_path: Path) -> None:
    given = [f"--data.root={scenes}", "--data.holdout=0", f"--output={tmp_path}", "--mask_size=64"]
    plain = InteractVlmTask(load_config("interactvlm/nano", given))  # type: ignore[arg-type]
    task = InteractVlmTask(load_config("interactvlm/nano", [*given, "--negatives=0.2"]))  # type: ignore[arg-type]
    assert (len(plain.data), len(task.data)) == (7, 8), "one pair for seven times 0.2, of the one that there is"
    lesson = task.data[0, 7]
    assert lesson.taught is not None
    assert not (lesson.taught.masks > 0).any()
    assert not lesson.taught.target.any()
    assert not lesson.parts.any()
    assert task.validation is not None
    assert len(task.validation) == 7, "F1 is of pairs that touch"


@pytest.mark.parametrize("named", [True, False])
def test_answers_name_the_object_just_before_the_mask(named: bool, scenes: Path, tmp_path: Path) -> None:
    recipe = load_config("interactvlm/nano", options(scenes, tmp_path, name_objects=str(named).lower(), no_object=0))
    source = InteractVlmTask(recipe).data.sources[0]  # type: ignore[arg-type]
    assert isinstance(source, BodySource)
    name, rng = source.lessons[0].pair.object.replace("_", " "), np.random.default_rng(0)
    assert {f" {name} [SEG]." in f" {source.lesson(0, rng).answered}" for _ in range(10)} == {named}


def test_a_network_is_given_answers_that_name_the_object(scenes: Path, tmp_path: Path) -> None:
    changes: dict[str, Any] = {"epochs": 1, "no_object": 0.9, "jitter": 0.2, "part_dropout": 0.5}
    config = load_config("interactvlm/nano", options(scenes, tmp_path, **changes))
    source = InteractVlmTask(config).data.sources[0]  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    lessons = [source.lesson(0, rng) for _ in range(20)]
    assert sum("<unk> [SEG]" in each.answered for each in lessons) > 10
    assert len({each.image.tobytes() for each in lessons}) > 10
    model = read_contact_model(train(config))
    assert isinstance(model, InteractVlmModel)
    pair = ContactPair("Sports_Ball", np.array([10.0, 10, 60, 120]), np.array([20.0, 50, 40, 70]))
    [found] = model.finder().predict_pairs(np.zeros((128, 128, 3), np.uint8), [pair])
    assert found.answer == "It is sports ball [SEG]."
    assert found.found


def test_each_sample_has_its_own_masks(task: InteractVlmTask) -> None:
    model = task.model.eval()
    examples = [task.data[0, i] for i in range(3)]
    with torch.no_grad():
        together = model(batch_of(examples, 0))
        for i, each in enumerate(examples):
            alone = model(batch_of([each], 0))
            torch.testing.assert_close(alone.masks[0], together.masks[i], atol=1e-3, rtol=1e-3)
    terms = model.loss(together, batch_of(examples, 0))
    assert set(terms) == {"text", "mask_bce", "mask_dice", "mask_l2", "hC", "oC", "oA"}
    assert terms["hC"] > 0
    assert terms["oC"] == 0


def test_masks_differ_by_the_question_from_the_start(task: InteractVlmTask) -> None:
    examples = [task.data[0, i] for i in range(3)]
    with torch.no_grad():
        masks = torch.stack(task.model.eval()(batch_of(examples, 0)).masks)
    assert masks.std(0).mean() > 0.02, "0.0001 with matrices as transformers starts them"


def test_masks_are_learnt_at_one_size_and_lifted_at_another(task: InteractVlmTask) -> None:
    learnt = task.data.sources[0].lesson(0, np.random.default_rng(0)).taught
    assert task.validation is not None
    lifted = task.validation.lesson(0, np.random.default_rng(0), training=False).taught
    assert learnt is not None
    assert lifted is not None
    assert (learnt.masks.shape[-1], lifted.masks.shape[-1]) == (128, 512)
    assert learnt.canvas.images.shape == lifted.canvas.images.shape == (4, 3, 256, 256), "SAM sees the same"


def overfitted(scenes: Path, output: Path, **changes: Any) -> float:
    """F1 on the scenes that a small network is trained on."""
    schedule = {"schedule.kind": "one-cycle", "schedule.warm_up": 0.1, "optimiser.learning_rate": 2e-3}
    given = {"batch_size": 8, **ALIKE, **schedule, **changes}
    config = load_config("interactvlm/nano", options(scenes, output, **given))
    model = read_contact_model(train(config))
    assert isinstance(model, InteractVlmModel)
    return InteractVlmTask(config).validate(model)["f1"]  # type: ignore[arg-type]


@pytest.mark.slow
def test_it_learns_eight_scenes_by_heart(tmp_path: Path) -> None:
    pytest.importorskip("anny")
    eight = tmp_path / "scenes"
    assert main(["synthesize", str(eight), "--scenes", "8", "--seed", "2201", "--size", "256"]) == 0
    assert overfitted(eight, tmp_path, epochs=420) > 0.6


def test_views_and_cameras_can_be_left_out(scenes: Path, tmp_path: Path) -> None:
    for changes in ({"model.camera_encoder": "null"}, {"model.views": 1}):
        other = InteractVlmTask(load_config("interactvlm/nano", options(scenes, tmp_path, **changes)))  # type: ignore[arg-type]
        batch = other.data.collate([other.data[0, i] for i in range(2)])
        outputs = other.model(batch)
        assert outputs.masks[0].shape == ((1 if "model.views" in changes else 4), 128, 128)


def test_sam_sees_as_much_as_asked_for(scenes: Path, tmp_path: Path) -> None:
    task = InteractVlmTask(load_config("interactvlm/nano", options(scenes, tmp_path, **{"model.sam_size": 128})))  # type: ignore[arg-type]
    batch = task.data.collate([task.data[0, 0]])
    assert batch.canvases[0].images.shape[-1] == 128
    assert task.model(batch).masks[0].shape == (4, 128, 128), "masks of mask_size"
    with pytest.raises(InputError, match="sam_size"):
        load_config("interactvlm/nano", options(scenes, tmp_path, **{"model.sam_size": 100}))
    with pytest.raises(InputError, match="has a SAM of its own size"):
        InteractVlmTask(
            load_config("interactvlm/nano", options(scenes, tmp_path, **{"model.sam_size": 128, "model.base": "lisa"}))  # type: ignore[arg-type]
        )


def test_contact_of_objects_is_learnt_on_views_of_their_own_meshes(tmp_path: Path) -> None:
    pytest.importorskip("trimesh")
    folder = write_scenes(tmp_path / "scenes")
    given = {"data.dataset": "generated-objects", "data.min_vertices": 3, "model.view_size": 128, "epochs": 12}
    with pytest.raises(MissingFileError, match="synthesize --glb"):
        InteractVlmTask(load_config("interactvlm/nano", options(folder, tmp_path, **given)))  # type: ignore[arg-type]
    write_in_3d(folder, "thing 3 kite")
    with pytest.raises(InputError, match="is not the scene that"):
        InteractVlmTask(load_config("interactvlm/nano", options(folder, tmp_path, **given)))  # type: ignore[arg-type]
    write_in_3d(folder)
    config = load_config("interactvlm/nano", options(folder, tmp_path, **given))
    task = InteractVlmTask(config)  # type: ignore[arg-type]
    [source] = task.data.sources
    assert len(source) == 7, "one of the eight touches nothing"
    lesson = source.lesson(0, np.random.default_rng(0), training=False)
    assert lesson.taught is not None
    canvas, masks = lesson.taught.canvas, lesson.taught.masks
    lift = lifting(canvas, lesson.taught.dataset)
    assert lift is not None
    exact = lift(torch.where(masks == 1, 20.0, -20.0)) > 0.5
    wanted = lesson.taught.target > 0.5
    assert wanted.sum() == 73, "the upper half"
    assert (exact & ~wanted).sum() == 0
    assert (exact & wanted).sum() > 40, "the rim between the halves is in no mask"
    file = train(config)
    fell = losses(file.parent)
    assert fell[-1] < 0.95 * fell[0]


@pytest.mark.parametrize("name", [name for name in list_configs() if name.startswith(("interactvlm/", "contact_"))])
def test_shipped_configs_are_read(name: str) -> None:
    config = load_config(name)
    assert config.system == ("contact-geometry" if name.startswith("contact_") else "interactvlm")


def test_what_is_refused(scenes: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="LoRA changes given weights"):
        InteractVlmTask(load_config("interactvlm/nano", options(scenes, tmp_path, **{"model.lora_rank": 2})))  # type: ignore[arg-type]


def test_the_tokenizer_knows_every_question_and_forgets_no_word() -> None:
    words = word_list(["baseball bat"], ["left hand"], ["[SEG]"])
    tokenizer = WordTokenizer(words)
    ids = tokenizer("USER: <im_start> Which body parts? It is [SEG].</s>").input_ids
    assert tokenizer.unk_token_id not in ids
    assert tokenizer.decode(ids, skip_special_tokens=True) == "user: <im_start> which body parts? it is [SEG]."
    assert tokenizer.unk_token_id in tokenizer("dragon").input_ids
    assert len(set(words)) == len(words)


def test_crops_are_square_and_show_both(tmp_path: Path) -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    image[20:30, 150:160] = [255, 0, 0]
    Image.fromarray(image).save(tmp_path / "a.png")
    person, thing = np.array([150.0, 20, 160, 30]), np.array([190.0, 60, 205, 70])
    found = crop(read_image(tmp_path / "a.png"), ContactPair("cup", person, thing))
    assert found.shape[0] == found.shape[1] == 66
    assert (found == [255, 0, 0]).all(-1).sum() == 100
    assert (found[:, -10:] == 127).any(), "grey beyond the image"
    assert crop(image, ContactPair("cup")) is image

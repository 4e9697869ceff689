"""From images to interactions: the same for every model, whatever order or names its objects have."""

from __future__ import annotations

import io
import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import interplay
from interplay import Interactions, Vocabulary, load_model
from interplay.cli import main
from interplay.detectors import Detections
from interplay.errors import InputError, ModelError
from interplay.images import ImageError
from interplay.models.base import HoiModel
from interplay.models.gen_vlkt import GenVlkt, GenVlktConfig
from interplay.models.ggnet import GGNet, GGNetConfig
from interplay.models.tin.config import TinConfig
from interplay.models.tin.model import TinModel
from interplay.models.tin_spatial.config import SpatialConfig
from interplay.models.tin_spatial.model import TinSpatial
from interplay.pipeline.pictures import save_picture

IMAGE = np.random.default_rng(0).integers(0, 256, (128, 160, 3), np.uint8)
BOXES = np.array([[10, 10, 60, 110], [70, 20, 120, 115], [30, 60, 100, 100], [5, 5, 60, 50]], np.float32)
FARM = Vocabulary.from_dict(
    {
        "name": "farm",
        "objects": ["saddle", "horse", "person", "cart"],
        "verbs": ["ride", "pull"],
        "interactions": [["ride", "horse"], ["ride", "cart"], ["pull", "cart"], ["ride", "saddle"]],
    }
)


def found(objects: tuple[str, ...] | None = None) -> Detections:
    """Two people, a horse and a bicycle, by default counted as COCO's; or named in other words."""
    detections = Detections(BOXES, np.array([0, 0, 17, 1]), np.array([0.9, 0.8, 0.7, 0.6], np.float32))
    return detections if objects is None else detections.named(objects)


def spatial(vocabulary: Vocabulary) -> TinSpatial:
    verbs = tuple(range(len(vocabulary.verbs)))
    return TinSpatial(vocabulary, SpatialConfig.model_validate({"network": {"verbs": verbs}}))


def tin(classes: str) -> HoiModel:
    vocabulary = Vocabulary.load("hico-det" if classes == "interaction" else "v-coco")
    network = {"classes": classes, "backbone": "resnet-nano"}
    return TinModel(vocabulary, TinConfig.model_validate({"network": network, "decoding": {"suppress": False}}))


def points() -> HoiModel:
    network = {"backbone": "hourglass-nano", "head_width": 16, "gaze_steps": 1, "act_points": 9}
    decoding = {"input_size": 128, "top_k": 100, "boxes": "detector"}
    config = GGNetConfig.model_validate({"network": network, "decoding": decoding})
    return GGNet(Vocabulary.from_names(Vocabulary.load("coco").objects, ["ride", "hold"]), config)


MODELS = {
    "tin-spatial, default": lambda: load_model("tin-spatial-vcoco", device="cpu"),
    "tin-spatial, untrained": lambda: spatial(Vocabulary.load("hico-det")),
    "tin, interactions": lambda: tin("interaction"),
    "tin, verbs": lambda: tin("verb"),
    "ggnet": points,
}


def shuffled(model: HoiModel) -> HoiModel:
    """The same model with its objects in another order."""
    vocabulary = model.vocabulary
    order = np.random.default_rng(1).permutation(len(vocabulary.objects))
    place = np.append(np.argsort(order), -1)
    interactions = np.column_stack([vocabulary.interactions[:, 0], place[vocabulary.interactions[:, 1]]])
    objects = tuple(vocabulary.objects[i] for i in order)
    other_words = replace(vocabulary, objects=objects, interactions=interactions)
    other = type(model).from_description({**model.description(), "vocabulary": other_words.to_dict()})
    state = model.state_dict()
    for name, axes in model.class_axes().items():
        for axis, names in axes.items():
            wanted = other.class_axes()[name][axis]
            state[name] = state[name].index_select(axis, torch.tensor([list(names).index(n) for n in wanted]))
    buffers = {name: other.state_dict()[name] for name in model.class_buffers}
    other.load_state_dict({**state, **buffers})
    return other.eval()


def by_name(interactions: Interactions) -> list[tuple]:
    """Every triplet in words, with its boxes and score, in an order that does not depend on the model's."""
    rows = [
        (t.verb, t.object, t.human_box.tolist(), None if t.object_box is None else t.object_box.tolist(), t.score)
        for t in interactions.triplets()
    ]
    return sorted(rows, key=str)


def assert_same(first: Interactions, second: Interactions) -> None:
    one, other = by_name(first), by_name(second)
    assert len(one) > 0
    assert [row[:4] for row in one] == [row[:4] for row in other]
    np.testing.assert_allclose([row[4] for row in one], [row[4] for row in other], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_the_order_of_objects_changes_nothing(name: str) -> None:
    torch.manual_seed(0)
    model = MODELS[name]().eval()
    expected = model.predict(IMAGE, detections=found(), min_score=0)
    assert {"horse", "bicycle"} <= {t.object for t in expected.triplets()}
    assert_same(expected, shuffled(model).predict(IMAGE, detections=found(), min_score=0))
    words = ("horse", "Bicycle", "person")
    assert_same(expected, model.predict(IMAGE, detections=found(words), min_score=0))


def test_models_that_find_people_themselves_take_no_boxes() -> None:
    size = {
        "backbone": "resnet-nano", "frozen_stages": 0, "width": 16, "heads": 2, "feed_forward": 16,
        "encoder_layers": 1, "decoder_layers": 2, "queries": 5, "embedding": 16,
    }  # fmt: skip
    model = GenVlkt(FARM, GenVlktConfig.model_validate({"network": size}))
    for given in ({"detections": found()}, {"detector": "ssd-mobilenet-v2"}):
        with pytest.raises(InputError, match="finds people and objects by itself"):
            model.predict(IMAGE, **given, min_score=0)


def test_unknown_objects_are_left_out_and_counted_once() -> None:
    model = spatial(FARM).eval()
    with pytest.warns(UserWarning, match=r"2 boxes of objects that the model does not know.*: bicycle \(2\)") as said:
        first, second = model.predict([IMAGE, IMAGE], detections=[found(), found()], min_score=0)
    assert len(said) == 1
    assert [FARM.objects[label] for label in first.labels] == ["person", "person", "horse"]
    assert by_name(first) == by_name(second)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(IMAGE, detections=found()[:3], min_score=0)


def test_boxes_that_fit_no_object_are_refused() -> None:
    model = spatial(FARM).eval()
    with pytest.raises(
        InputError,
        match=r"knows none of the vocabulary's objects but people: got person, hat, shoe, and",
    ):
        model.predict(
            IMAGE,
            detections=Detections(BOXES[:1], np.array([0]), np.ones(1), objects=("person", "hat", "shoe")),
            min_score=0,
        )
    with pytest.raises(InputError, match="none of its objects is a 'person', got horse, saddle"):
        model.predict(
            IMAGE, detections=Detections(BOXES[:1], np.array([0]), np.ones(1), objects=("horse", "saddle")), min_score=0
        )
    people = Detections(BOXES[:2], np.array([0, 0]), np.ones(2), objects=("person",))
    assert len(model.predict(IMAGE, detections=people, min_score=0)) > 0  # of one person to the other


def test_a_model_needs_people() -> None:
    objects = Vocabulary.from_names(["horse", "cart"], ["pull"])
    for build in (spatial, lambda vocabulary: TinModel(vocabulary, TinConfig())):
        with pytest.raises(InputError, match=r"TIN looks for people.*no object 'person'"):
            build(objects)


def test_thresholds_names_and_files_of_boxes_and_poses(tmp_path: Path) -> None:
    """What `interplay detect` can do, from Python."""
    model = load_model("tin-spatial-vcoco", device="cpu")
    everything = model.predict(IMAGE, detections=found(), min_score=0)
    assert model.predict(IMAGE, detections=found(), top_k=3, min_score=0) == everything.filter(top_k=3)
    low = float(np.median(everything.score))
    assert model.predict(IMAGE, detections=found(), min_score=low) == everything.filter(min_score=low)
    coco = Vocabulary.load("coco")
    boxes = Interactions(BOXES, found().labels, [], [], [], coco, box_scores=found().scores, file="x.png")
    interplay.write([boxes], tmp_path / "boxes.parquet")
    points = [value for k in range(17) for value in (12 + 2 * k, 15 + 5 * k, 0.9)]
    person = {"image_id": "x.png", "keypoints": points, "box": [10, 10, 50, 100]}
    (tmp_path / "poses.json").write_text(json.dumps([person]))
    given = {"detector": tmp_path / "boxes.parquet", "pose": tmp_path / "poses.json"}
    named = model.predict(IMAGE, files="photos/x.png", **given, min_score=0)
    assert (named.file, named.width, named.height) == ("photos/x.png", 160, 128)
    assert named.keypoints is not None
    assert np.isfinite(named.keypoints).all((1, 2)).tolist() == [True, False, False, False]
    assert_same(named, everything)
    Image.fromarray(IMAGE).save(tmp_path / "x.png")
    assert model.predict([tmp_path / "x.png"], **given, min_score=0)[0].score.tolist() == named.score.tolist()
    with pytest.raises(InputError, match="pass files"):
        model.predict(IMAGE, **given, min_score=0)
    with pytest.raises(ImageError, match="not in"):
        model.predict(IMAGE, files="y.png", **given, min_score=0)
    with pytest.raises(InputError, match=r"one file name per image \(2\), got 1"):
        model.predict([IMAGE, IMAGE], files=["x.png"], **given, min_score=0)
    with pytest.raises(InputError, match="a detector or detections, not both"):
        model.predict(IMAGE, detections=found(), detector="ssd-mobilenet-v2", min_score=0)


def test_own_objects_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    model = spatial(FARM).eval()
    model.save("farm.safetensors")
    Image.fromarray(IMAGE).save("x.png")

    def detect(objects: list[str], labels: list[int], suffix: str) -> int:
        stable = Vocabulary.from_names(objects, ["ride"])
        given = Interactions(BOXES, labels, [], [], [], stable, box_scores=[0.9, 0.8, 0.7, 0.6], file="x.png")
        interplay.write([given], f"boxes{suffix}")
        command = ["detect", "x.png", "--model", "farm.safetensors", "--boxes", f"boxes{suffix}", "--min-score", "0"]
        return main([*command, "--overwrite", "--output", "found.parquet"])

    results = []
    for suffix in (".jsonl", ".parquet"):
        assert detect(["cart", "person", "hat", "saddle"], [1, 3, 0, 2], suffix) == 0
        assert "1 box of an object that the model does not know was left out: hat" in capsys.readouterr().err
        [read] = interplay.read("found.parquet")
        assert [FARM.objects[label] for label in read.labels] == ["person", "saddle", "cart"]
        assert {(t.verb, t.object) for t in read.triplets()} == {
            (verb, object) for verb in FARM.verbs for object in ("saddle", "cart")
        }
        results.append(by_name(read))
    assert results[0] == results[1]
    assert detect(["cart", "saddle"], [0, 1, 0, 1], ".jsonl") == 2
    assert "boxes.jsonl: interactions are what people do" in capsys.readouterr().err


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_said_when_they_are_read(name: str, value: float, tmp_path: Path) -> None:
    model = MODELS[name]()
    with torch.no_grad():
        next(iter(model.parameters())).view(-1)[0] = value
    model.save(tmp_path / "w.safetensors")
    with pytest.raises(InputError, match=r"the weights of .*w\.safetensors are not finite"):
        load_model(tmp_path / "w.safetensors")


@pytest.mark.parametrize("name", MODELS)
def test_outputs_that_are_no_numbers_are_an_error_and_not_an_empty_result(name: str) -> None:
    model = MODELS[name]().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(torch.nan)
    with pytest.raises(ModelError, match="are not finite numbers"):
        model.predict(IMAGE, detections=found(), min_score=0)


def test_one_image_of_any_kind() -> None:
    """Arrays, tensors, Pillow's images and files' bytes are one image; a list is several."""
    torch.manual_seed(0)
    model = spatial(Vocabulary.load("hico-det")).eval()
    expected = model.predict(IMAGE, detections=found(), min_score=0)
    stream = io.BytesIO()
    Image.fromarray(IMAGE).save(stream, "PNG")
    tensor = torch.from_numpy(IMAGE)
    for image in (tensor, Image.fromarray(IMAGE), stream.getvalue(), tensor.float(), tensor / 255):
        assert_same(expected, model.predict(image, detections=found(), min_score=0))
    both = model.predict([IMAGE, tensor], detections=[found(), found()], min_score=0)
    assert len(both) == 2
    assert both[1].file is None


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.zeros(3, 64, 80), r"channels last, got \(3, 64, 80\), channels first: .*permute\(1, 2, 0\)"),
        (np.zeros((3, 64, 80), np.uint8), "channels first: give np.moveaxis"),
        (torch.zeros(1, 64, 80), "channels first"),
        (torch.zeros(2, 3, 64, 80), r"got \(2, 3, 64, 80\), several images: give a list"),
        (np.zeros((2, 64, 80, 3), np.uint8), "several images: give a list"),
        (torch.zeros(64), r"got \(64,"),
        (torch.zeros(64, 80, 3, dtype=torch.int64), "expected uint8"),
        ([torch.zeros(3, 64, 80)], "channels first"),
        ([[[1, 2], [3]]], "expected an array of numbers"),
    ],
)
def test_shapes_that_are_no_image(image: Any, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        spatial(Vocabulary.load("hico-det")).predict(
            image, detections=[found()] if isinstance(image, list) else found(), min_score=0
        )


RIDER = Detections([[40, 5, 90, 90], [20, 40, 110, 120]], [0, 17], [0.99, 0.99])  # on a horse


def test_only_triplets_from_the_usual_score_on_unless_told_otherwise() -> None:
    model = load_model("tin-spatial-vcoco", device="cpu")
    everything = model.predict(IMAGE, detections=RIDER, min_score=0)
    usual = model.predict(IMAGE, detections=RIDER)
    assert usual == everything.filter(model.default_min_score)
    assert 0 < len(usual) < len(everything)


def test_folders_lists_and_pillow_images(tmp_path: Path) -> None:
    model = load_model("tin-spatial-vcoco", device="cpu")
    folder = tmp_path / "in"
    (folder / "below").mkdir(parents=True)
    for name in ("b.png", "below/a.png", "c.png"):
        Image.fromarray(IMAGE).save(folder / name)
    boxes = [RIDER] * 3
    names = [str(folder / name) for name in ("b.png", "below/a.png", "c.png")]
    assert [each.file for each in model.predict(folder, detections=boxes)] == names
    assert [each.file for each in model.predict(str(folder), detections=boxes)] == names
    with Image.open(folder / "c.png") as opened:
        mixed = model.predict([folder / "below", opened, IMAGE], detections=boxes)
    assert [each.file for each in mixed] == [names[1], names[2], None]
    assert_same(mixed[1], mixed[2])
    save_picture(IMAGE, folder / "c.png")
    with pytest.warns(UserWarning, match="left out 1 of the 3 images"):
        assert len(model.predict(folder, detections=boxes[:2])) == 2
    (folder / "nothing").mkdir()
    with pytest.raises(InputError, match="no image in the folder"):
        model.predict(folder / "nothing", detections=boxes[:1])

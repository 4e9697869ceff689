"""Weights files: those of earlier versions load, and what does not load says what to do."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from interplay import load_model
from interplay.detectors import Detections
from interplay.errors import InputError
from interplay.models.base import HoiModel
from interplay.models.ggnet import GGNet, GGNetConfig
from interplay.models.weights import is_weights_file, newest_format, read_description, read_model, read_weights
from interplay.options import ModelConfig, ModelDescription
from interplay.systems import SYSTEMS
from interplay.zoo import network_class

STORED = sorted((Path(__file__).parents[1] / "data" / "weights").glob("*.safetensors.gz"))
IMAGE = np.full((64, 96, 3), 90, np.uint8)


def unpack(name: str, folder: Path) -> Path:
    """A stored file, ready to be read."""
    [packed] = [path for path in STORED if path.name == f"{name}.safetensors.gz"]
    path = folder / f"{name}.safetensors"
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    return path


def description_of(path: Path) -> dict[str, Any]:
    """What a file says, as it is stored."""
    with safe_open(path, "pt") as file:
        return json.loads(file.metadata()["interplay"])


def rewrite(path: Path, description: Any) -> Path:
    """The same tensors with another description; text is written as it is."""
    text = description if isinstance(description, str) else json.dumps(description)
    save_file(load_file(path), path, {"interplay": text})
    return path


@pytest.fixture
def points(tmp_path: Path) -> Path:
    return unpack("ggnet-format1", tmp_path)


@pytest.mark.parametrize("name", [path.name.partition(".")[0] for path in STORED])
def test_files_of_earlier_versions_load(name: str, tmp_path: Path) -> None:
    path = unpack(name, tmp_path)
    assert is_weights_file(path)
    stored = load_file(path)
    model = load_model(path, device="cpu")
    state = model.state_dict()
    counted = {name: tensor for name, tensor in state.items() if name in ("seen_pairs", "one_at_a_time")}
    state = state if counted.keys() <= stored.keys() else {n: t for n, t in state.items() if n not in counted}
    assert len(state) == len(stored)
    if len(state) < len(model.state_dict()):  # a file from before these were counted: nothing is left out
        assert model.state_dict()["seen_pairs"].all()
        assert not model.state_dict()["one_at_a_time"].any()
    total = sum(float(tensor.double().sum()) for tensor in stored.values())
    assert sum(float(tensor.double().sum()) for tensor in state.values()) == total
    assert model.vocabulary.objects == ("person", "cup", "dog")
    boxes = np.array([[4, 4, 40, 60], [50, 10, 90, 50]], np.float32)
    found = Detections(boxes, np.array([0, 0]), np.array([0.9, 0.8], np.float32)) if model.needs_detections else None
    assert model.predict(IMAGE, detections=found, min_score=0).vocabulary == model.vocabulary
    again = tmp_path / "again.safetensors"
    model.save(again, remark="written again")
    described = description_of(again)
    assert described["format"] == newest_format(type(model))
    assert described["remark"] == "written again"
    assert set(described["versions"]) == {"interplay", "torch"}
    read = read_model(again).state_dict()
    assert all(torch.equal(value, read[key]) for key, value in state.items())


def test_every_system_has_a_stored_file_of_every_earlier_format() -> None:
    names = {path.name.partition(".")[0] for path in STORED}
    for system in SYSTEMS.values():
        for number in range(1, newest_format(system.network_class()) + 1):
            assert f"{system.name}-format{number}" in names, "see tests/data/weights/write.py"


def test_settings_of_earlier_versions_are_kept(tmp_path: Path) -> None:
    pairs = read_model(unpack("gen-vlkt-format1", tmp_path))
    assert pairs.config.decoding.nms is False  # type: ignore[attr-defined]
    assert pairs.seen.tolist() == [0, 2]  # type: ignore[union-attr, operator]
    points = read_model(unpack("ggnet-format1", tmp_path))
    assert points.config.decoding.top_k == 7  # type: ignore[attr-defined]
    assert points.verbs == (2, 0)  # type: ignore[comparison-overlap]


def test_steps_lead_from_every_format_to_the_newest(points: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(description: dict[str, Any], state: dict[str, torch.Tensor]) -> Any:
        decoding = dict(description["config"]["decoding"])
        decoding["top_k"] = decoding.pop("peaks")
        config = {**description["config"], "decoding": decoding}
        return {**description, "config": config}, {name.replace("old.", "heads."): t for name, t in state.items()}

    def add(description: dict[str, Any], state: dict[str, torch.Tensor]) -> Any:
        return {**description, "config": {**description["config"], "targets": {"max_objects": 3}}}, state

    monkeypatch.setattr(GGNet, "migrations", (rename, add))
    second = description_of(points) | {"format": 2}
    first = copy.deepcopy(second) | {"format": 1}
    first["config"]["decoding"]["peaks"] = first["config"]["decoding"].pop("top_k")
    tensors = load_file(points)
    older = points.with_name("older.safetensors")
    old_names = {name.replace("heads.", "old."): tensor for name, tensor in tensors.items()}
    save_file(old_names, older, {"interplay": json.dumps(first)})
    for path in (older, rewrite(points, second)):
        state, description = read_weights(path)
        assert state.keys() == tensors.keys()
        assert description["format"] == 3
        assert read_description(path) == description
        model = read_model(path)
        assert model.config.decoding.top_k == 7  # type: ignore[attr-defined]
        assert model.config.targets.max_objects == 3  # type: ignore[attr-defined]
    model.save(points)
    assert description_of(points)["format"] == 3


def test_a_file_of_a_later_version_names_the_versions(points: Path) -> None:
    later = description_of(points) | {"format": 4, "versions": {"interplay": "9.0"}}
    rewrite(points, later)
    for read in (read_model, read_description, load_model, network_class):
        with pytest.raises(InputError, match=r"format is 4 .*reads ggnet files of format 1; .*interplay 9\.0\. Update"):
            read(points)


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "unknown field": (
        lambda d: d["config"]["network"].update(head_widht=8),
        r"config\.network\.head_widht: no such field, got 8\. Did you mean 'head_width'",
    ),
    "unknown section": (lambda d: d["config"].update(body={}), r"config\.body: no such field"),
    "wrong type": (lambda d: d["config"]["decoding"].update(top_k="many"), r"config\.decoding\.top_k: .*got 'many'"),
    "out of range": (lambda d: d["config"]["network"].update(gaze_steps=9), r"config\.network\.gaze_steps: .*got 9"),
    "no configuration": (lambda d: d.pop("config"), "config: is missing"),
    "no verbs": (lambda d: d.pop("verbs"), "verbs: is missing"),
    "verbs that are none": (lambda d: d.update(verbs=["ride"]), r"verbs\.0: .*got 'ride'"),
    "verbs that the vocabulary has not": (lambda d: d.update(verbs=[99]), r"indices from 0 to 2 .*got \[99\]"),
    "no vocabulary": (lambda d: d.pop("vocabulary"), "vocabulary: is missing"),
    "a vocabulary without objects": (lambda d: d["vocabulary"].pop("objects"), "vocabulary: .*'objects' must be"),
    "a vocabulary that is none": (lambda d: d.update(vocabulary="hico-det"), "vocabulary: .*expected a JSON object"),
    "a format that is none": (lambda d: d.update(format="newest"), "format: expected a whole number .*'newest'"),
    "no system": (lambda d: d.pop("system"), "holds weights of None, expected .*ggnet"),
    "a system that is none": (lambda d: d.update(system=["ggnet"]), r"holds weights of \['ggnet'\]"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_description_that_does_not_fit_says_where(change: str, points: Path) -> None:
    apply, said = CHANGES[change]
    description = description_of(points)
    apply(description)
    with pytest.raises(InputError, match=rf"(?s)ggnet-format1\.safetensors.*{said}"):
        read_model(rewrite(points, description))


@pytest.mark.parametrize("name", ["gen-vlkt", "tin", "tin-spatial"])
def test_every_system_refuses_fields_that_it_does_not_know(name: str, tmp_path: Path) -> None:
    path = unpack(f"{name}-format1", tmp_path)
    description = description_of(path)
    description["config"]["sharpness"] = 3
    with pytest.raises(InputError, match=rf"(?s){name}-format1.*does not fit {name}:.*sharpness.*make the file again"):
        read_model(rewrite(path, description))
    del description["config"]
    with pytest.raises(InputError, match=r"config: is missing"):
        read_model(rewrite(path, description))


def test_a_file_of_another_version_that_does_not_fit_names_both(points: Path) -> None:
    description = description_of(points) | {"versions": {"interplay": "9.0"}, "verbs": None}
    with pytest.raises(InputError, match=r"written by interplay 9\.0, this is .*: use that version, or make the file"):
        read_model(rewrite(points, description))


@pytest.mark.parametrize(("text", "said"), [("{'a': 1}", "not JSON"), ("[1]", "must be a JSON object, got list")])
def test_a_description_that_is_none(text: str, said: str, points: Path) -> None:
    with pytest.raises(InputError, match=said):
        read_model(rewrite(points, text))


@pytest.mark.parametrize("field", ["width", "encoder_layers", "queries"])
@pytest.mark.parametrize("count", [10_000, 1_000_000_000])
def test_a_network_far_larger_than_its_file_is_not_made(field: str, count: int, tmp_path: Path) -> None:
    path = unpack("gen-vlkt-format1", tmp_path)
    description = description_of(path)
    description["config"]["network"][field] = count
    with pytest.raises(InputError, match=r"gen-vlkt-format1\.safetensors: "):
        read_model(rewrite(path, description))


def test_a_named_model_reads_what_is_wrong_with_its_file(points: Path) -> None:
    description = description_of(points)
    del description["vocabulary"]
    rewrite(points, description)
    with pytest.raises(InputError, match="vocabulary: is missing"):
        load_model("ggnet-hourglass-hico", weights=points)


def test_a_model_that_lacks_a_part_cannot_be_made(points: Path) -> None:
    with pytest.raises(TypeError, match="abstract"):
        HoiModel()  # type: ignore[abstract, call-arg]
    whole = read_model(points)

    class Said(ModelDescription):
        config: GGNetConfig

    class Whole(HoiModel):
        system, description_class = "whole", Said

        def forward(self, *inputs: Any, **options: Any) -> Any:
            return inputs

        def loss(self, outputs: Any, targets: Any, counts: Any = None) -> Any:
            return {}

        def decode(self, outputs: Any, sizes: Any, detections: Any = None) -> Any:
            return []

        def predict_batch(self, images: Any, detections: Any) -> Any:
            return []

    assert Whole.from_description(Whole(whole.vocabulary, whole.config).description()).config == whole.config
    for part in ("forward", "loss", "decode", "predict_batch"):
        lacking = type("Lacking", (Whole,), {part: getattr(HoiModel, part)})
        with pytest.raises(TypeError, match=part):
            lacking(whole.vocabulary, whole.config)


@pytest.mark.parametrize("name", ["gen-vlkt", "ggnet"])
def test_every_choice_of_a_model_is_in_its_configuration(name: str, tmp_path: Path) -> None:
    config = read_model(unpack(f"{name}-format1", tmp_path)).config
    assert isinstance(config, ModelConfig)
    assert {"network", "loss", "decoding"} <= type(config).model_fields.keys()
    with pytest.raises(ValidationError, match="frozen"):
        config.network = config.network


def test_a_model_that_finds_people_itself_says_how_to_give_it_boxes(points: Path) -> None:
    model = GGNet(read_model(points).vocabulary, GGNetConfig.model_validate({"network": {"backbone": "dla-nano"}}))
    assert not model.needs_detections
    found = Detections(np.zeros((0, 4), np.float32), np.zeros(0, int), np.zeros(0, np.float32))
    with pytest.raises(InputError, match=r"GGNet finds people and objects by itself.*--decoding boxes=detector"):
        model.predict(IMAGE, detections=found, min_score=0)
    model.set_decoding(boxes="detector")
    assert model.needs_detections
    with pytest.raises(InputError, match="by itself"):
        model.refuse_detections()


def test_files_with_16_bits_are_half_as_large_and_read_with_32(points: Path, tmp_path: Path) -> None:
    model = load_model("tin-spatial-vcoco", device="cpu")
    for bits in (32, 16):
        model.save(tmp_path / f"{bits}.safetensors", bits=bits)  # type: ignore[arg-type]
    small, large = (tmp_path / f"{bits}.safetensors" for bits in (16, 32))
    assert 0.5 * large.stat().st_size < small.stat().st_size < 0.52 * large.stat().st_size
    state, read = model.state_dict(), load_model(small, device="cpu").state_dict()
    assert {name: tensor.dtype for name, tensor in read.items()} == {n: t.dtype for n, t in state.items()}
    for name, tensor in state.items():
        torch.testing.assert_close(read[name].float(), tensor.float(), rtol=1e-3, atol=1e-6)
    assert description_of(small) == description_of(large)


def test_what_16_bits_cannot_hold_is_refused(points: Path) -> None:
    model = read_model(points)
    first = next(model.parameters())
    first.data.flatten()[0] = 1e5
    before = points.read_bytes()
    with pytest.raises(InputError, match=r"goes up to 1e\+05, and numbers of 16 bits to 6.55e\+04.*bits=32"):
        model.save(points, bits=16)
    assert points.read_bytes() == before
    model.save(points, bits=32)

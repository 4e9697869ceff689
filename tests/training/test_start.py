"""First weights: from files that fit, and clear words where they are not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from interplay.errors import InputError, MissingFileError
from interplay.models.gen_vlkt.network import TextClassifier
from interplay.models.gen_vlkt.recipe import Recipe
from interplay.models.gen_vlkt.task import GenVlktTask
from interplay.models.weights import read_weights
from interplay.training import train, validate_config
from interplay.training.start import copy_fitting, start_file

from .pictures import tiny, write_pictures


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("start") / "pictures")


def recipe(pictures: Path, **changes: Any) -> Recipe:
    config = validate_config(tiny(pictures, pictures.parent / "runs", **changes))
    assert isinstance(config, Recipe)
    return config


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("detr-resnet50", r"curl -LO https://\S+/detr-r50-e632da11\.pth\n.*--start_file detr-r50-e632da11\.pth"),
        ("weights", "start=weights needs a weights file: give --start_file FILE, or --start scratch"),
        ("published", "give --start_file FILE"),
    ],
)
def test_an_absent_file_says_how_to_get_it(
    pictures: Path, start: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(MissingFileError, match=message):
        train(recipe(pictures, start=start))
    with pytest.raises(MissingFileError, match=r"no file .*gone\.pth"):
        train(recipe(pictures, start=start, start_file="gone.pth"))


def test_what_torch_downloaded_earlier_is_found(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    file = tmp_path / "hub" / "checkpoints" / "detr-r50-e632da11.pth"
    file.parent.mkdir(parents=True)
    file.touch()
    assert start_file(recipe(pictures, start="detr-resnet50")) == file


def test_weights_of_an_earlier_training(pictures: Path) -> None:
    first = train(recipe(pictures, name="first", epochs=1, validate_every=1))
    started = GenVlktTask(recipe(pictures, start="weights", start_file=str(first))).model.state_dict()
    assert all(torch.equal(started[name], value) for name, value in read_weights(first)[0].items())
    fresh = GenVlktTask(recipe(pictures)).model.state_dict()
    assert not all(torch.equal(fresh[name], value) for name, value in started.items())


def test_the_backbone_alone(pictures: Path, tmp_path: Path) -> None:
    model = GenVlktTask(recipe(pictures)).model
    state = {name: torch.full_like(value, 0.5) for name, value in model.network.backbone.state_dict().items()}
    file = tmp_path / "backbone.safetensors"
    save_file({**state, "fc.weight": torch.zeros(2, 2)}, file)
    started = GenVlktTask(recipe(pictures, start="backbone", start_file=str(file))).model
    assert all((value == 0.5).all() for value in started.network.backbone.state_dict().values())
    rest = [n for n in model.state_dict() if not n.startswith("network.backbone.")]
    assert all(torch.equal(model.state_dict()[n], started.state_dict()[n]) for n in rest)


def test_weights_of_something_else(pictures: Path, tmp_path: Path) -> None:
    file = tmp_path / "other.safetensors"
    save_file({"fc.weight": torch.zeros(2, 2)}, file)
    with pytest.raises(InputError, match=r"none of its 1 tensors fits the network; its names are such as fc\.weight"):
        GenVlktTask(recipe(pictures, start="backbone", start_file=str(file)))


def test_the_file_is_missed_before_any_text_is_embedded(pictures: Path, tmp_path: Path) -> None:
    content = recipe(pictures, start="weights", start_file=str(tmp_path / "gone.safetensors")).model_dump(mode="json")
    content["model"]["network"]["interaction_text"] = True
    content["model"]["text"]["encoder"] = str(tmp_path / "no encoder")
    with pytest.raises(MissingFileError, match=r"gone\.safetensors"):
        train(validate_config(content))


def test_a_layer_is_copied_as_a_whole() -> None:
    def network(classifier: torch.nn.Module) -> torch.nn.Module:
        return torch.nn.ModuleDict({"classifier": classifier, "norm": torch.nn.LayerNorm(3)})

    old = network(torch.nn.Linear(4, 3)).requires_grad_(False)
    old["classifier"].bias.fill_(7)
    old["norm"].bias.fill_(7)
    for other in (torch.nn.Linear(5, 3), TextClassifier(4, 3)):
        new = network(other)
        fresh = [f"classifier.{name}" for name, _ in other.named_parameters()]
        assert copy_fitting(new, old.state_dict(), "old") == fresh
        assert not (other.bias == 7).any()
        assert (new["norm"].bias == 7).all()

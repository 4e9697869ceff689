"""The checklists of docs/extending.md, each followed with a toy."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from PIL import Image
from safetensors.torch import save_file

import interplay.datasets.load
import interplay.models
from interplay import Detections, Interactions, InteractionTable, Vocabulary, load_annotations, load_model, write
from interplay.cli import main
from interplay.containers.guard import locating
from interplay.datasets import forms
from interplay.datasets.builder import TableBuilder
from interplay.datasets.sources import Source
from interplay.detectors import DetectorCard, list_detectors, load_detector
from interplay.detectors.load import DETECTORS, NamedDetector
from interplay.errors import InputError, MissingFileError
from interplay.evaluation import evaluate
from interplay.metrics import PROTOCOLS, PairProtocol
from interplay.models.published import convert, import_published
from interplay.systems import SYSTEMS, System, get_system, published_systems
from interplay.training import load_config, train
from interplay.zoo import get_card, list_models

ROOT = Path(__file__).parents[1]
TOYS = Path(__file__).parent / "toys"
WORLD = Vocabulary.from_dict(
    {
        "name": "world",
        "objects": ["person", "ball", "horse"],
        "verbs": ["kick", "ride"],
        "interactions": [["kick", "ball"], ["ride", "horse"]],
    }
)
RED, GREEN = (220, 20, 20), (20, 220, 20)


def _picture(colour: tuple[int, int, int]) -> np.ndarray:
    return np.tile(np.array(colour, np.uint8), (32, 48, 1))


def _scene(interaction: str, file: str = "a.png", **scores: list[float]) -> Interactions:
    """A person and an object, both as large as the picture."""
    verb, thing = interaction.split()
    return Interactions(
        boxes=np.array([[0, 0, 48, 32]] * 2, np.float32),
        labels=np.array([0, WORLD.object_index(thing)]),
        human=np.array([0]),
        object=np.array([1]),
        verb=np.array([WORLD.verb_index(verb)]),
        vocabulary=WORLD,
        file=file,
        width=48,
        height=32,
        scored="score" in scores,
        **scores,
    )


# A model


@pytest.fixture
def tint(monkeypatch: pytest.MonkeyPatch) -> System:
    """The system in tests/toys/tint, as if its folder were in `interplay.models`, and its entry."""
    monkeypatch.setattr(interplay.models, "__path__", [*interplay.models.__path__, str(TOYS)])
    system = System(
        "tint", "tint", "model:Tint", "task:TintTask", "recipe:TintRecipe", converter="convert", aliases=("hue",)
    )
    monkeypatch.setitem(SYSTEMS, system.name, system)
    return system


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "photographs"
    folder.mkdir()
    scenes = []
    for i, (colour, interaction) in enumerate([(RED, "ride horse"), (GREEN, "kick ball")] * 2):
        Image.fromarray(_picture(colour)).save(folder / f"{i}.png")
        scenes.append(_scene(interaction, f"{i}.png"))
    write(InteractionTable.from_list(scenes), folder / "annotations.jsonl")
    return folder


def test_a_system_is_found_by_its_entry(tint: System) -> None:
    assert get_system("Hue") is tint
    assert published_systems() == sorted(["tint", *(s.name for s in SYSTEMS.values() if s.converter and s is not tint)])
    assert [card.name for card in list_models(system="tint")] == ["tint-world"]
    with pytest.raises(MissingFileError, match="interplay train tint/world"):
        load_model("tint-world")


def test_a_card_goes_with_its_system(tint: System, monkeypatch: pytest.MonkeyPatch) -> None:
    assert get_card("tint-world").system == "tint"
    monkeypatch.delitem(SYSTEMS, "tint")
    with pytest.raises(InputError, match="unknown model 'tint-world'"):
        get_card("tint-world")


def test_a_system_predicts_and_is_saved(tint: System, tmp_path: Path) -> None:
    model = tint.network_class()(WORLD).eval()  # type: ignore[call-arg]
    model.save(tmp_path / "tint.safetensors", note="by hand")
    again = load_model("tint-world", weights=tmp_path / "tint.safetensors", device="cpu")
    before, after = model.predict(_picture(RED), min_score=0), again.predict(_picture(RED), min_score=0)
    assert len(after) == 2
    assert_allclose(after.score, before.score)
    few = load_model(tmp_path / "tint.safetensors", device="cpu", decoding={"min_score": 1.0})
    assert len(few.predict(_picture(RED), min_score=0)) == 0


def test_a_system_is_trained(tint: System, photographs: Path, tmp_path: Path) -> None:
    WORLD.save(tmp_path / "world.json")
    overrides = ["--data.root", str(photographs / "annotations.jsonl"), "--data.vocabulary", f"{tmp_path}/world.json"]
    overrides += ["--output", str(tmp_path / "runs")]
    weights = train(load_config(TOYS / "tint_world.yaml", overrides))
    model = load_model("tint-world", weights=weights, device="cpu")
    red, green = model.predict([_picture(RED), _picture(GREEN)], min_score=0)
    assert [WORLD.verbs[found.verb[found.score.argmax()]] for found in (red, green)] == ["ride", "kick"]
    truth = load_annotations("own", photographs, vocabulary=WORLD)
    found = InteractionTable.from_list(model.predict([photographs / file for file in truth.files], min_score=0))
    found.files[:] = truth.files
    assert evaluate("own", found, truth).map["full"] == 1.0
    with pytest.raises(InputError, match=r"optimiser.momentun: no such field"):
        load_config(TOYS / "tint_world.yaml", [*overrides, "--optimiser.momentun", "0.5"])


# An importer


def test_published_weights_are_imported(tint: System, tmp_path: Path) -> None:
    published = {"module.fc.weight": torch.eye(3)[:2], "module.fc.bias": torch.zeros(2), "module.steps": torch.ones(1)}
    imported = import_published("tint", published, WORLD)
    assert imported.unused == ["steps"]
    assert "1 tensors of the file are not part of the model: steps" in imported.summary()
    red = imported.model.predict(_picture(RED), min_score=0)
    assert_allclose(red.score, 1 / (1 + np.exp(-np.array([220, 20]) / 255)), rtol=1e-6)

    save_file({"fc.weight": torch.eye(3)[:2]}, tmp_path / "published.safetensors")
    with pytest.raises(InputError, match="give the vocabulary"):
        convert("tint", tmp_path / "published.safetensors", tmp_path / "tint.safetensors")
    WORLD.save(tmp_path / "world.json")
    command = ["import", "tint", str(tmp_path / "published.safetensors"), "-o", str(tmp_path / "tint.safetensors")]
    assert main([*command, "--vocabulary", str(tmp_path / "world.json")]) == 0
    model = load_model(tmp_path / "tint.safetensors", device="cpu")
    assert model.config.network.bias is False  # type: ignore[attr-defined]
    assert_allclose(
        model.predict(_picture(GREEN), min_score=0).score, 1 / (1 + np.exp(-np.array([20, 220]) / 255)), rtol=1e-6
    )


# A data set


def is_toy(source: Source) -> bool:
    return source.mentions("toy_version", "scenes")


def read_toy(source: Source, vocabulary: Vocabulary, split: str) -> InteractionTable:
    builder = TableBuilder(vocabulary)
    with locating(str(source.path)):
        scenes = source.content["scenes"]
    for scene in scenes:
        with locating(f"{source.path}: {scene.get('picture')}"):
            builder.image(scene["picture"], scene["size"], origin=1)
            person = builder.box(scene["who"], vocabulary.person)
            for thing in scene["things"]:
                target = builder.box(thing["box"], vocabulary.object_index(thing["name"]))
                builder.triplet(person, vocabulary.verb_index(thing["verb"]), target)
    return builder.build()


@pytest.fixture
def toy_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A data set with a form of its own, in a folder with a file for each split."""
    form = forms.Form("toy-json", ("toy",), "toy_{train,test}.json, official", is_toy, read_toy)
    monkeypatch.setattr(forms, "FORMS", (form, *forms.FORMS))
    monkeypatch.setattr(interplay.datasets.load, "DATASETS", (*interplay.datasets.load.DATASETS, "toy"))
    folder = tmp_path / "toy"
    folder.mkdir()
    for split, verbs in (("train", ["ride"]), ("test", ["ride", "kick"])):
        things = [
            {"box": [31, 11, 41, 21], "name": "horse" if verb == "ride" else "ball", "verb": verb} for verb in verbs
        ]
        scene = {"picture": f"{split}.png", "size": [48, 32], "who": [1, 1, 11, 21], "things": things}
        (folder / f"toy_{split}.json").write_text(json.dumps({"toy_version": 1, "scenes": [scene]}))
    return folder


def test_a_form_is_recognised_and_read(toy_data: Path) -> None:
    table = load_annotations("toy", toy_data, split="test", vocabulary=WORLD)
    assert table.files == ["test.png"]
    assert_allclose(table.boxes[0], [0, 0, 10, 20])  # counted from 0
    assert [WORLD.verbs[verb] for verb in table.verb] == ["ride", "kick"]
    assert load_annotations("toy", toy_data, split="train", vocabulary=WORLD).files == ["train.png"]
    assert interplay.datasets.load.detect_dataset(toy_data) == "toy"


def test_what_is_wrong_with_a_form_is_told_with_its_place(toy_data: Path) -> None:
    path = toy_data / "toy_test.json"
    path.write_text(path.read_text().replace('"verb"', '"wrong"', 1))
    with pytest.raises(InputError, match=r"toy_test\.json: test\.png: the field 'verb' is missing"):
        load_annotations("toy", path, vocabulary=WORLD)
    path.write_text("[]")
    with pytest.raises(InputError, match=r"toy_\{train,test\}\.json, official"):
        load_annotations("toy", path, vocabulary=WORLD)


# A protocol


def test_a_protocol_is_used_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    loose = PairProtocol("toy-loose", "a quarter of overlap is enough", threshold=0.25)
    monkeypatch.setitem(PROTOCOLS, loose.name, loose)  # type: ignore[arg-type]
    truth = InteractionTable.from_list([_scene("ride horse")])
    half = _scene("ride horse", score=[0.9])
    half.boxes[:, 2] = 16  # a third of the picture
    found = InteractionTable.from_list([half])
    assert evaluate("own", found, truth, protocol="official").map["full"] == 0.0
    assert evaluate("own", found, truth, protocol="toy-loose").map["full"] == 1.0
    with pytest.raises(InputError, match=r"'toy-loose' has no known-object setting"):
        evaluate("own", found, truth, protocol="toy-loose", setting="known-object")


def test_the_help_names_every_protocol(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", "--help"])
    shown = capsys.readouterr().out
    assert [name for name in PROTOCOLS if not re.search(rf"\b{name}\b", shown)] == []


# A detector


class ToyDetector:
    """Finds a person and a bicycle side by side in every image."""

    name = "toy"
    objects = Vocabulary.load("coco").objects

    def __init__(self, min_score: float) -> None:
        self.min_score = min_score

    def __call__(self, images: Sequence[np.ndarray], files: Sequence[str] | None = None) -> list[Detections]:
        found = []
        for image in images:
            height, width = image.shape[:2]
            boxes = [[0, 0, width / 2, height], [width / 3, height / 3, 2 * width, height]]
            found.append(Detections.within(boxes, [0, 1], [0.9, 0.5], width, height).filter(self.min_score))
        return found


def test_a_detector_is_found_by_its_name_and_used(monkeypatch: pytest.MonkeyPatch) -> None:
    card = DetectorCard("toy", "a person and a bicycle in every image", "none", "Apache-2.0")
    entry = NamedDetector(card, lambda device, min_score, weights: ToyDetector(min_score))
    monkeypatch.setitem(DETECTORS, card.name, entry)
    assert list_detectors()[-1] is card
    [found] = load_detector("toy")([_picture(RED)])
    assert_allclose(found.boxes[1], [16, 32 / 3, 48, 32], rtol=1e-6)
    assert len(load_detector("toy", min_score=0.6)([_picture(RED)])[0]) == 1
    with pytest.raises(InputError, match="toy brings its own"):
        load_detector("toy", weights="toy.pth")

    model = load_model(device="cpu")
    by_name, by_object = (
        model.predict(_picture(RED), detector=detector, min_score=0) for detector in ("toy", ToyDetector(0.2))
    )
    assert len(by_name) > 0
    assert_allclose(by_name.score, by_object.score)
    assert {by_name.vocabulary.objects[label] for label in by_name.labels} == {"person", "bicycle"}


# The page


def test_the_page_names_files_that_are_there() -> None:
    page = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:src|docs|tests|benchmarks)/[^`\s]+)`", page)
    assert len(named) > 20
    assert [name for name in named if not re.search(r"NAME|SYSTEM", name) and not (ROOT / name).exists()] == []

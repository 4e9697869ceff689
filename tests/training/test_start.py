"""First weights: from files that fit, and clear words where they are not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from interplay import Vocabulary
from interplay.errors import InputError, MissingFileError
from interplay.models.gen_vlkt import GenVlkt
from interplay.models.gen_vlkt.network import TextClassifier
from interplay.models.gen_vlkt.recipe import GenVlktRecipe
from interplay.models.gen_vlkt.task import GenVlktTask
from interplay.models.ggnet import GGNet, GGNetConfig
from interplay.models.ggnet.convert import VCOCO_VERBS
from interplay.models.start import copy_fitting, copy_model, start_from_weights
from interplay.models.tin_spatial.config import SpatialConfig, TinSpatialNetworkOptions
from interplay.models.tin_spatial.model import TinSpatial
from interplay.models.weights import read_weights
from interplay.training import load_config, train, validate_config
from interplay.training.display import start_remarks
from interplay.training.inputs import start_file

from .pictures import tiny, write_pictures

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("start") / "pictures")


def recipe(pictures: Path, **changes: Any) -> GenVlktRecipe:
    config = validate_config(tiny(pictures, pictures.parent / "runs", **changes))
    assert isinstance(config, GenVlktRecipe)
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
    second = recipe(pictures, name="second", epochs=1, start="weights", start_file=str(first))
    train(second)
    assert "# starts from weights; 0 of " in (second.folder / "config.yaml").read_text()
    missing = GenVlktTask(recipe(pictures)).model.state_dict()
    assert not all(torch.equal(missing[name], value) for name, value in started.items())


def test_the_backbone_alone(pictures: Path, tmp_path: Path) -> None:
    model = GenVlktTask(recipe(pictures)).model
    state = {name: torch.full_like(value, 0.5) for name, value in model.network.backbone.state_dict().items()}
    file = tmp_path / "backbone.safetensors"
    save_file({**state, "fc.weight": torch.zeros(2, 2)}, file)
    started = GenVlktTask(recipe(pictures, start="backbone", start_file=str(file))).model
    assert all((value == 0.5).all() for value in started.network.backbone.state_dict().values())
    rest = [n for n in model.state_dict() if not n.startswith("network.backbone.")]
    assert all(torch.equal(model.state_dict()[n], started.state_dict()[n]) for n in rest)
    task = GenVlktTask(recipe(pictures, start="backbone", start_file=str(file)))
    assert not any("backbone" in name for name in task.newly_initialised)
    remark = start_remarks("backbone", task.newly_initialised, 99)[0]
    assert remark.startswith(
        f"starts from backbone; {len(task.newly_initialised)} of 99 parameters are not from its file: network.input"
    )


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
        missing = [f"classifier.{name}" for name, _ in other.named_parameters()]
        assert copy_fitting(new, old.state_dict(), "old") == missing
        assert not (other.bias == 7).any()
        assert (new["norm"].bias == 7).all()


OBJECTS, VERBS = ["person", "cup", "horse"], ["hold", "ride", "kick"]
OTHERS = ["horse", "person", "boat"], ["kick", "steer", "hold"]


def points(objects: list[str], verbs: list[str], **network: Any) -> GGNet:
    options = {"backbone": "dla-nano", "head_width": 8, "gaze_steps": 2, "act_points": 9, **network}
    return GGNet(Vocabulary.from_names(objects, verbs), GGNetConfig.model_validate({"network": options})).eval()


@torch.no_grad()
def test_classes_are_copied_by_their_names() -> None:
    old, new = points(OBJECTS, VERBS), points(*OTHERS)
    kept = new.pairs.clone()
    copy_model(new, old, "old")
    assert torch.equal(new.pairs, kept)
    picture = torch.rand(1, 3, 64, 64)
    before, after = old(picture).heads, new(picture).heads
    verbs = [("hold", 0, 2), ("kick", 2, 0)]
    for name in ("hm_rel", "hm_rel_refine1"):
        for _, there, here in verbs:
            torch.testing.assert_close(after[name][:, here], before[name][:, there])
    for name in ("sub_offset", "obj_offset"):
        for _, there, here in verbs:
            torch.testing.assert_close(
                after[name][:, 2 * here : 2 * here + 2], before[name][:, 2 * there : 2 * there + 2]
            )
    torch.testing.assert_close(after["hm"][:, [1, 0]], before["hm"][:, [0, 2]])  # person and horse
    boat = new.state_dict()["heads.0.hm.2.weight"][2]
    assert not any(torch.equal(boat, row) for row in old.state_dict()["heads.0.hm.2.weight"])


def test_weights_that_share_no_class_leave_the_classifiers_fresh() -> None:
    old, new = points(OBJECTS, VERBS), points(["person", "boat", "oar"], ["steer", "row", "sink"])
    missing = copy_model(new, old, "old")
    assert {name for name in missing if name.endswith("weight")} == {
        "heads.0.glance_heatmap.weight", "heads.0.gaze_heatmaps.0.weight", "heads.0.gaze_heatmaps.1.2.weight",
        "heads.0.sub_offset.2.weight", "heads.0.obj_offset.2.weight",
    }  # fmt: skip


def test_published_verbs_of_vcoco_keep_their_meaning(tmp_path: Path) -> None:
    """The published channels have an order of their own."""
    vcoco = Vocabulary.load("v-coco")
    verbs = [vcoco.verb_index(name) for name in VCOCO_VERBS]
    config = GGNetConfig.model_validate({"network": {"backbone": "dla-nano", "head_width": 8, "gaze_steps": 0}})
    published, ours = GGNet(vcoco, config, verbs=verbs), GGNet(vcoco, config)
    published.save(tmp_path / "published.safetensors")
    assert published.verbs != ours.verbs
    start = load_config(ROOT / "src/interplay/configs/ggnet/nano.yaml", ["--start", "weights", "--start_file",
                        str(tmp_path / "published.safetensors"), "--data.root", "x"])  # fmt: skip
    start_from_weights(start, ours, ours.backbone)
    there, here = published.state_dict()["heads.0.glance_heatmap.weight"], ours.state_dict()
    for channel, verb in enumerate(published.verbs):
        assert torch.equal(here["heads.0.glance_heatmap.weight"][ours.verbs.index(verb)], there[channel])
    assert torch.equal(ours.pairs, GGNet(vcoco, config).pairs)


def test_a_zero_shot_split_stays_when_another_ones_weights_are_copied(pictures: Path) -> None:
    hico = Vocabulary.load("hico-det")
    config = recipe(pictures).model
    first, second = ([i for i in range(600) if i % 5 != k] for k in (0, 1))
    old, new = GenVlkt(hico, config, seen=first), GenVlkt(hico, config, seen=second)
    copy_model(new, old, "old")
    assert new.seen.tolist() == second
    assert torch.equal(new.network.heads.interaction.weight, old.network.heads.interaction.weight)


def test_rows_and_columns_of_a_spatial_model_follow_their_classes() -> None:
    def spatial(objects: list[str], verbs: list[str]) -> TinSpatial:
        config = SpatialConfig(network=TinSpatialNetworkOptions(verbs=tuple(range(3)), width=8, heads=1))
        return TinSpatial(Vocabulary.from_names(objects, verbs), config)

    old, new = spatial(OBJECTS, VERBS), spatial(*OTHERS)
    for model in (old, new):
        torch.nn.init.normal_(model.members[0].object_prior.weight)
    untouched = new.members[0].object_prior.weight.detach().clone()
    copy_model(new, old, "old")
    here, there = new.members[0].object_prior.weight, old.members[0].object_prior.weight
    assert torch.equal(here[1, [2, 0]], there[0, [0, 2]])  # a person: hold, kick
    assert torch.equal(here[0, [2, 0]], there[2, [0, 2]])  # a horse
    assert torch.equal(here[2], untouched[2])  # a boat
    assert torch.equal(here[:, 1], untouched[:, 1])  # steer
    assert torch.equal(new.members[0].object_embedding.weight[:2], old.members[0].object_embedding.weight[[2, 0]])

"""Starting GGNet from CenterNet's published COCO weights, by the names and shapes that its code gives them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from interplay import Vocabulary
from interplay.errors import InputError
from interplay.models.ggnet import GGNet, GGNetConfig
from interplay.models.ggnet.convert import initialise_from_centernet, load

Shapes = Iterator[tuple[str, tuple[int, ...]]]

WIDTHS = (256, 256, 384, 384, 384, 512)
BLOCKS = (2, 2, 2, 2, 2, 4)


def norm(name: str, width: int) -> Shapes:
    for part in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.{part}", (width,)
    yield f"{name}.num_batches_tracked", ()


def convolution(name: str, width: int, source: int, side: int, bias: bool = False) -> Shapes:
    yield f"{name}.weight", (width, source, side, side)
    if bias:
        yield f"{name}.bias", (width,)


def residual(name: str, source: int, width: int, shortcut: bool) -> Shapes:
    for i, inputs in ((1, source), (2, width)):
        yield from convolution(f"{name}.conv{i}", width, inputs, 3)
        yield from norm(f"{name}.bn{i}", width)
    if shortcut:
        yield from convolution(f"{name}.skip.0", width, source, 1)
        yield from norm(f"{name}.skip.1", width)


def recursion(name: str, level: int) -> Shapes:
    width, inner, blocks = WIDTHS[level], WIDTHS[level + 1], BLOCKS[level]
    for i in range(blocks):
        yield from residual(f"{name}.up1.{i}", width, width, False)
        yield from residual(f"{name}.low1.{i}", width if i == 0 else inner, inner, i == 0)
        last = i == blocks - 1
        yield from residual(f"{name}.low3.{i}", inner, width if last else inner, last and width != inner)
    if level < 4:
        yield from recursion(f"{name}.low2", level + 1)
    else:
        for i in range(BLOCKS[5]):
            yield from residual(f"{name}.low2.{i}", inner, inner, False)


def hourglass_104() -> Shapes:
    yield from convolution("pre.0.conv", 128, 3, 7)
    yield from norm("pre.0.bn", 128)
    yield from residual("pre.1", 128, 256, True)
    for stack in range(2):
        yield from recursion(f"kps.{stack}", 0)
        yield from convolution(f"cnvs.{stack}.conv", 256, 256, 3)
        yield from norm(f"cnvs.{stack}.bn", 256)
        for head, out in (("hm", 80), ("wh", 2), ("reg", 2)):
            yield from convolution(f"{head}.{stack}.0.conv", 256, 256, 3, bias=True)
            yield from convolution(f"{head}.{stack}.1", out, 256, 1, bias=True)
    yield from residual("inters.0", 256, 256, False)
    for name in ("inters_.0", "cnvs_.0"):
        yield from convolution(f"{name}.0", 256, 256, 1)
        yield from norm(f"{name}.1", 256)


def tree(name: str, depth: int, source: int, width: int, root: int) -> Shapes:
    """A tree of basic blocks; `root`: channels that its root joins."""
    if depth == 1:
        yield from residual(f"{name}.tree1", source, width, False)
        yield from residual(f"{name}.tree2", width, width, False)
        yield from convolution(f"{name}.root.conv", width, root, 1)
        yield from norm(f"{name}.root.bn", width)
    else:
        yield from tree(f"{name}.tree1", depth - 1, source, width, 2 * width)
        yield from tree(f"{name}.tree2", depth - 1, width, width, root + width)
    if source != width:
        yield from convolution(f"{name}.project.0", width, source, 1)
        yield from norm(f"{name}.project.1", width)


def deformable(name: str, source: int, width: int) -> Shapes:
    yield from convolution(f"{name}.conv", width, source, 3, bias=True)
    yield from convolution(f"{name}.conv.conv_offset_mask", 27, source, 3, bias=True)
    yield from norm(f"{name}.actf.0", width)


def aggregation(name: str, width: int, sources: tuple[int, ...], factors: tuple[int, ...]) -> Shapes:
    for i, (source, factor) in enumerate(zip(sources, factors, strict=True), 1):
        yield from deformable(f"{name}.proj_{i}", source, width)
        yield f"{name}.up_{i}.weight", (width, 1, 2 * factor, 2 * factor)
        yield from deformable(f"{name}.node_{i}", width, width)


def dla_34() -> Shapes:
    for name, width, source, side in (("base_layer", 16, 3, 7), ("level0", 16, 16, 3), ("level1", 32, 16, 3)):
        yield from convolution(f"base.{name}.0", width, source, side)
        yield from norm(f"base.{name}.1", width)
    yield from tree("base.level2", 1, 32, 64, 128)
    yield from tree("base.level3", 2, 64, 128, 256 + 64)
    yield from tree("base.level4", 2, 128, 256, 512 + 128)
    yield from tree("base.level5", 1, 256, 512, 1024 + 256)
    yield from convolution("base.fc", 1000, 512, 1, bias=True)
    yield from aggregation("dla_up.ida_0", 256, (512,), (2,))
    yield from aggregation("dla_up.ida_1", 128, (256, 256), (2, 2))
    yield from aggregation("dla_up.ida_2", 64, (128, 128, 128), (2, 2, 2))
    yield from aggregation("ida_up", 64, (128, 256), (2, 4))
    for head, out in (("hm", 80), ("wh", 2), ("reg", 2)):
        yield from convolution(f"{head}.0", 256, 64, 3, bias=True)
        yield from convolution(f"{head}.2", out, 256, 1, bias=True)


NETWORKS = {"hourglass-104": hourglass_104, "dla-34": dla_34}


def build(backbone: str, gaze_steps: int = 2) -> GGNet:
    network = {"backbone": backbone, "gaze_steps": gaze_steps, "matching": "per-verb" if gaze_steps else "shared"}
    return GGNet(Vocabulary.load("hico-det"), GGNetConfig.model_validate({"network": network}))


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("backbone", NETWORKS)
def test_everything_of_centernet_is_used(backbone: str, prefix: str) -> None:
    with torch.device("meta"):  # names and shapes only
        state = {prefix + name: torch.empty(shape) for name, shape in NETWORKS[backbone]()}
        model = build(backbone)
    missing = initialise_from_centernet(model, state)
    own = set(model.state_dict())
    heads = {name.split(".")[2] for name in missing}
    assert all(name.startswith("heads.") for name in missing)
    assert heads == {"glance", "glance_heatmap", "gaze", "gaze_heatmaps", "sub_offset", "obj_offset"}
    classifier = [name for name in state if "base.fc." in name]
    assert len(own) - len(missing) - 1 == len(state) - len(classifier)  # one is the table of pairs, which is not learnt


def test_values_arrive() -> None:
    numbers = torch.Generator().manual_seed(0)
    state: dict[str, Tensor] = {
        name: torch.rand(shape, generator=numbers) if shape else torch.tensor(7) for name, shape in dla_34()
    }
    model = build("dla-34", gaze_steps=0)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    missing = initialise_from_centernet(model, {"epoch": 140, "state_dict": state})
    after = model.state_dict()
    assert torch.equal(after["heads.0.hm.0.weight"], state["hm.0.weight"])
    assert torch.equal(after["backbone.levels.3.second.root.0.weight"], state["base.level3.tree2.root.conv.weight"])
    assert torch.equal(
        after["backbone.final.project.1.0.points.predict.bias"], state["ida_up.proj_2.conv.conv_offset_mask.bias"]
    )
    assert all(torch.equal(before[name], after[name]) for name in missing)
    assert not any(
        torch.equal(before[n], after[n]) for n in before if n not in {*missing, "pairs"} and after[n].dim() > 1
    )


def test_another_backbone_and_another_network_are_refused() -> None:
    with torch.device("meta"):
        state = {name: torch.empty(shape) for name, shape in dla_34()}
        with pytest.raises(
            InputError, match=r"no CenterNet checkpoint for the backbone 'hourglass-104'.*ctdet_coco_hg"
        ):
            initialise_from_centernet(build("hourglass-104"), state)
        with pytest.raises(InputError, match="not a checkpoint of GGNet or PPDM: it has no head"):
            load(state)


def test_object_centres_are_copied_by_name() -> None:
    state = {name: torch.rand(shape) if shape else torch.tensor(7) for name, shape in dla_34()}
    coco = Vocabulary.load("coco").objects
    own = Vocabulary.from_names(["horse", "unicorn", "person"], ["ride"])
    network = {"backbone": "dla-34", "gaze_steps": 0, "matching": "shared"}
    model = GGNet(own, GGNetConfig.model_validate({"network": network}))
    unicorn = model.state_dict()["heads.0.hm.2.weight"][1].clone()
    initialise_from_centernet(model, state)
    centres, published = model.state_dict()["heads.0.hm.2.weight"], state["hm.2.weight"]
    assert torch.equal(centres[[0, 2]], published[[coco.index("horse"), coco.index("person")]])
    assert torch.equal(centres[1], unicorn)

"""GGNet and PPDM against outputs of the published code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.parity.ggnet_reference import (
    VCOCO_IDS,
    classes,
    filled,
    load_case,
    on_grid,
    options,
    scenes,
    targets_of,
)

from interplay import Vocabulary
from interplay.importers import load_published
from interplay.layers.deformable import SelfDeformConv2d
from interplay.layers.dla import Aggregate, Tree
from interplay.layers.hourglass import Hourglass
from interplay.layers.residual import Residual
from interplay.models.ggnet import (
    GGNet,
    GGNetConfig,
    GGNetDecodingOptions,
    GGNetNetworkOptions,
    GGNetOutputs,
    GGNetTargets,
    View,
)
from interplay.models.ggnet.convert import initialise_from_centernet, load, our_name
from interplay.models.ggnet.losses import focal_loss, gathered_l1, loss_terms, loss_weights
from interplay.models.ggnet.network import GazeStep
from interplay.models.ggnet.targets import draw_hard_negatives, draw_positive, radius
from interplay.models.ggnet.transforms import ColourChange, centre_range, network_input
from interplay.vocabulary import COCO_91_IDS

FORWARD = (
    "apm_vcoco_dla34", "baseline_hico_dla34", "baseline_hico_hourglass", "baseline_vcoco_hourglass",
    "ggnet1_hico_hourglass", "ggnet2_hico_hourglass", "ggnet2_vcoco_hourglass", "ppdm_hico_dla34_3level",
    "ppdm_hico_dla34_3level_glob", "ppdm_hico_dla34_glob",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(goldens: Path) -> Path:
    return goldens / "ggnet"


@pytest.mark.parametrize("case", FORWARD)
def test_every_map_of_every_stack(folder: Path, case: str) -> None:
    config, expected, state = load_case(folder, f"forward/{case}")
    model = load(state)
    with torch.inference_mode():
        outputs = model(torch.from_numpy(expected["image"]))
    compared = 0
    for name in {key.split("/")[0] for key in expected.files if key != "image"}:
        stack, part = name.split(".", 1)
        maps = outputs.all_heads[int(stack.removeprefix("stack"))]
        gaze = re.fullmatch(r"gaze(\d)\.(\w+)", part)
        if gaze:
            actual = getattr(maps.gaze[int(gaze[1]) - 1], gaze[2])
        else:
            actual = maps.features if part == "backbone" else maps[part]
        coarse = part == "backbone" or part.endswith("feature")
        grid = config["grid_of_backbone_and_gaze_feature" if coarse else "grid"]
        tolerance = 2e-4 * float(actual.std())
        np.testing.assert_allclose(on_grid(actual, grid), expected[f"{name}/grid"], rtol=0, atol=tolerance)
        if f"{name}/full" in expected.files:
            channels = torch.from_numpy(expected[f"{name}/full_channels"])
            np.testing.assert_allclose(actual[:, channels], expected[f"{name}/full"], rtol=0, atol=tolerance)
        compared += 1
    assert compared >= len(model.config.network.head_names)


@pytest.fixture(scope="module")
def modules(folder: Path) -> tuple[dict[str, torch.Tensor], Any]:
    return filled(folder, "modules"), np.load(folder / "modules" / "data.npz")


def load_block(block: torch.nn.Module, state: dict[str, torch.Tensor], name: str, home: str) -> torch.nn.Module:
    """Load a block whose parameters are called as if it stood at `home` in a published network."""
    ours = our_name(f"{home}.x").removesuffix(".x")
    block.load_state_dict(
        {
            our_name(key.replace(name, home, 1)).removeprefix(f"{ours}."): value
            for key, value in state.items()
            if key.startswith(f"{name}.")
        }
    )
    return block.eval()


@pytest.mark.parametrize(
    ("name", "block", "home"),
    [
        ("residual_plain", Residual(6, 6), "pre.1"),
        ("residual_widen", Residual(6, 9), "pre.1"),
        ("residual_down", Residual(6, 9, stride=2), "pre.1"),
        ("hourglass_small", Hourglass([6, 8, 10], [2, 2, 3]), "kps.0"),
        ("dla_tree", Tree(2, 6, 8, stride=2, level_root=True), "base.level3"),
    ],
)
def test_blocks(modules: tuple[dict[str, torch.Tensor], Any], name: str, block: torch.nn.Module, home: str) -> None:
    state, expected = modules
    load_block(block, state, name, home)
    with torch.no_grad():
        output = block(torch.from_numpy(expected[f"{name}/input"]))
    np.testing.assert_allclose(output, expected[f"{name}/output"], rtol=1e-5, atol=1e-5)


def test_aggregation(modules: tuple[dict[str, torch.Tensor], Any]) -> None:
    state, expected = modules
    block = load_block(Aggregate(6, [6, 8, 10], [1, 2, 4]), state, "ida_up", "ida_up")
    with torch.no_grad():
        outputs = block([torch.from_numpy(expected[f"ida_up/input{i}"]) for i in range(3)])
    for i, output in enumerate(outputs):
        np.testing.assert_allclose(output, expected[f"ida_up/output{i}"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("gradients", [False, True])
def test_deformable_convolution(modules: tuple[dict[str, torch.Tensor], Any], gradients: bool) -> None:
    """Both ways of computing it: with gradients and, faster, without."""
    state, expected = modules
    block = SelfDeformConv2d(6, 5, 3)
    block.load_state_dict(
        {
            "points.predict.weight": state["dcn3.conv_offset_mask.weight"],
            "points.predict.bias": state["dcn3.conv_offset_mask.bias"],
            "convolution.weight": state["dcn3.weight"],
            "convolution.bias": state["dcn3.bias"],
        }
    )
    with torch.set_grad_enabled(gradients):
        output = block(torch.from_numpy(expected["dcn3/input"])).detach()
    np.testing.assert_allclose(output, expected["dcn3/output"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize("kernel", [3, 5, 7])
def test_gaze_steps(modules: tuple[dict[str, torch.Tensor], Any], kernel: int, gradients: bool) -> None:
    state, expected = modules
    tensor = {k: torch.from_numpy(expected[k]) for k in expected.files if k.startswith(f"gaze_k{kernel}/")}
    guide, offset = tensor[f"gaze_k{kernel}/glance_feature"], None
    for number, name in ((1, "first"), (2, "second")):
        step = GazeStep(6, kernel, None)
        prefix = f"gaze_k{kernel}.{name}"
        step.load_state_dict(
            {
                "points.predict.weight": state[f"{prefix}.conv_offset_mask.weight"],
                "points.predict.bias": state[f"{prefix}.conv_offset_mask.bias"],
                "aggregate.weight": state[f"{prefix}.weight"],
                "aggregate.bias": state[f"{prefix}.bias"],
            }
        )
        with torch.set_grad_enabled(gradients):
            look = step(guide, tensor[f"gaze_k{kernel}/sampled{number}"], offset)
        guide, offset = look.feature, look.offset
        np.testing.assert_allclose(offset.detach(), expected[f"gaze_k{kernel}/offset{number}"], rtol=1e-5, atol=1e-5)
        feature = expected[f"gaze_k{kernel}/feature{number}"]
        np.testing.assert_allclose(guide.detach(), feature, rtol=1e-5, atol=1e-5)


GAZE_STEPS = {"two gaze steps": 2, "one gaze step": 1, "baseline": 0}


@pytest.mark.parametrize(
    "case",
    [
        "hico_baseline",
        "hico_dla_baseline",
        "hico_one_gaze",
        "vcoco_baseline",
        "vcoco_two_gaze",
        "vcoco_two_gaze_no_hna",
    ],
)
def test_losses_and_gradients(folder: Path, case: str) -> None:
    config = json.loads((folder / "losses" / "config.json").read_text())[case]
    expected = np.load(folder / "losses" / f"{case}.npz")
    per_verb = expected["target/sub_offset"].shape[2] > 2
    ours = options(config, per_verb, GAZE_STEPS[config["loss_form"]])
    logits: list[dict[str, torch.Tensor]] = [{} for _ in range(config["num_stacks"])]
    for key in expected.files:
        if key.startswith("logits/"):
            stack, name = key.removeprefix("logits/stack").split(".")
            logits[int(stack)][name] = torch.from_numpy(expected[key]).requires_grad_()
    targets = GGNetTargets(
        **{k.removeprefix("target/"): torch.from_numpy(expected[k]) for k in expected.files if k.startswith("target/")}
    )
    terms = loss_terms(GGNetOutputs(logits), targets, ours)
    for name, term in terms.items():
        np.testing.assert_allclose(term.item(), expected[f"loss/{name}"], rtol=1e-4, err_msg=name)
    total = sum(loss_weights(ours)[name] * term for name, term in terms.items())
    np.testing.assert_allclose(total.item(), expected["loss/total"], rtol=1e-4)
    assert {f"loss/{name}" for name in terms} | {"loss/loss", "loss/total"} == {
        key for key in expected.files if key.startswith("loss/")
    }

    total.backward()
    for stack, maps in enumerate(logits):
        for name, tensor in maps.items():
            key = f"stack{stack}.{name}"
            np.testing.assert_allclose(tensor.grad.abs().sum(), expected[f"grad_sum_abs/{key}"], rtol=1e-4)
            if f"grad_every_4/{key}" in expected.files:
                gradient = expected[f"grad_every_4/{key}"]
                atol = 1e-5 * np.abs(gradient).max()
                np.testing.assert_allclose(tensor.grad[:, :, 1::4, 2::4], gradient, rtol=1e-4, atol=atol)

    samples, size = config["batch_samples_of_targets_annotations"], config["input_res"]
    encoded = targets_of(folder, config, scenes(folder, *samples), size, ours)
    assert_targets(encoded, {k.removeprefix("target/"): expected[k] for k in expected.files if k.startswith("target/")})


def test_elementary_losses(folder: Path) -> None:
    data = np.load(folder / "losses" / "elementary.npz")
    cases = {
        "focal/plain": ("gt_plain", None),
        "focal/plain_no_positive": ("gt_signed_no_positive", None),
        "focal/on_signed_mask": ("gt_signed", None),
        "hna/no_positive": ("gt_signed_no_positive", 7.0),
        "hna/on_plain": ("gt_plain", 7.0),
        **{f"hna/beta{beta}": ("gt_signed", float(beta)) for beta in (5, 6, 7, 8)},
    }
    for name, (target, beta) in cases.items():
        predicted = torch.from_numpy(data["pred"]).requires_grad_()
        mask = torch.from_numpy(data[target])
        loss = focal_loss(predicted, mask.clamp(min=0) if name == "focal/plain_no_positive" else mask, beta)
        loss.backward()
        np.testing.assert_allclose(loss.item(), data[f"{name}/value"], rtol=1e-4, err_msg=name)
        expected = data[f"{name}/grad"]
        np.testing.assert_allclose(
            predicted.grad, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max(), err_msg=name
        )

    output, index, target = (torch.from_numpy(data[f"l1/{name}"]) for name in ("output", "ind", "target"))
    rows, each = torch.from_numpy(data["l1/mask"]), torch.from_numpy(data["l1/mask_per_element"])
    for name, mask in (("masked_value", rows), ("per_element_value", each), ("masked_empty", rows * 0)):
        np.testing.assert_allclose(gathered_l1(output, index, mask, target), data[f"l1/{name}"], rtol=1e-4)


def assert_targets(targets: GGNetTargets, expected: dict[str, np.ndarray]) -> None:
    for name, value in expected.items():
        actual = getattr(targets, name).numpy()
        assert actual.dtype == value.dtype, name
        np.testing.assert_allclose(actual, value, rtol=0, atol=1e-6, err_msg=name)


@pytest.mark.parametrize(
    "case",
    [
        "hico_baseline_hna", "hico_baseline_plain", "hico_crop_flip", "hico_one_gaze", "hico_one_gaze_float_boxes",
        "vcoco_baseline_plain", "vcoco_crop_flip", "vcoco_two_gaze", "vcoco_two_gaze_512",
    ],
)  # fmt: skip
def test_target_encoding(folder: Path, case: str) -> None:
    config = json.loads((folder / "targets" / "config.json").read_text())[case]
    expected = np.load(folder / "targets" / f"{case}.npz")
    samples = sorted({int(key.split("/")[0]) for key in expected.files})
    found = scenes(folder, config["annotations"], samples, config["augmentation"])
    size = config["input_width"]
    ours = options(config, config["per_verb_offsets"])
    targets = targets_of(folder, config, found, size, ours)
    names = {key.split("/")[1] for key in expected.files}
    stacked = {name: np.stack([expected[f"{i}/{name}"] for i in samples]) for name in names if "input" not in name}
    assert_targets(targets, stacked)

    images = np.load(folder / "targets" / "images.npz")
    for i, scene in zip(samples, found, strict=True):
        for name in names & {"input", "input_every_2", "input_every_8"}:
            pixels = network_input(images[f"image{i}"][..., ::-1], scene.view, size, size)
            part = {"input": slice(None), "input_every_2": slice(1, None, 2), "input_every_8": slice(3, None, 8)}[name]
            np.testing.assert_allclose(pixels[:, part, part], expected[f"{i}/{name}"], rtol=0, atol=0.0146)


def test_primitives(folder: Path) -> None:
    data = np.load(folder / "targets" / "primitives.npz")
    assert [radius(h, w) for h, w in data["radius/size"]] == data["radius/integer"].tolist()

    heatmap = np.zeros((1, 20, 28), np.float32)
    for (kind, x, y, extent, factor), expected in zip(data["draw/operations"], data["draw/heatmaps"], strict=True):
        if kind == 0:
            draw_positive(heatmap[0], x, y, extent, factor)
        else:
            draw_hard_negatives(heatmap, np.array([0]), x, y, extent, factor)
        np.testing.assert_allclose(heatmap[0], expected, rtol=0, atol=1e-6)

    for row in data["affine/rows"]:
        view, size = View((row[0], row[1]), row[2], width=0), (int(row[3]), int(row[4]))
        np.testing.assert_allclose(view.matrix(*size).ravel(), row[5:11], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(view.inverse(*size).ravel(), row[11:], rtol=1e-12, atol=1e-12)

    for i in range(3):
        drawn = (data[f"colour/{i}/{name}"].tolist() for name in ("order", "alphas", "lighting_alpha"))
        order, changes, lighting = drawn
        change = ColourChange(order, [1 + c for c in changes], lighting)
        np.testing.assert_allclose(change(data["colour/input"]), data[f"colour/{i}/output"], rtol=0, atol=1e-6)


def test_centre_ranges(folder: Path) -> None:
    config = json.loads((folder / "targets" / "config.json").read_text())["hico_crop_flip"]
    images = np.load(folder / "targets" / "images.npz")
    for i, drawn in enumerate(config["augmentation"]):
        height, width = images[f"image{i}"].shape[:2]
        assert [list(centre_range(width)), list(centre_range(height))] == drawn["centre_ranges"]


@pytest.mark.parametrize(
    "case",
    [
        "hico_baseline",
        "hico_ggnet",
        "hico_ggnet_square",
        "vcoco_baseline_keep_res",
        "vcoco_ggnet",
        "vcoco_ggnet_product",
    ],
)
def test_decoding(folder: Path, case: str) -> None:
    config = json.loads((folder / "decode" / "config.json").read_text())[case]
    data = np.load(folder / "decode" / f"{case}.npz")
    vocabulary, verbs = classes(config["dataset"])
    ours = GGNetConfig(
        network=GGNetNetworkOptions(
            backbone="dla-nano",
            gaze_steps=0 if "baseline" in case else 2,
            matching="per-verb" if config["per_verb_offsets"] else "shared",
        ),
        decoding=GGNetDecodingOptions(
            resize="keep" if config["keep_resolution"] else "fit",
            score_map="product" if "product" in case else "final",
        ),
    )
    model = GGNet(vocabulary, ours, verbs, data["verb_object_table"] > 0)

    image = data["preprocess/image"]
    height, width = data["preprocess/input"].shape[2:]
    seen = model.view(image.shape[1], image.shape[0], width, height)
    pixels = network_input(image[..., ::-1], seen, width, height)
    np.testing.assert_allclose(pixels, data["preprocess/input"][0], rtol=0, atol=0.0146)

    maps = {k.removeprefix("head/"): torch.from_numpy(data[k]) for k in data.files if k.startswith("head/")}
    (result,) = model.decode(GGNetOutputs([maps]), torch.tensor([image.shape[:2]]))
    np.testing.assert_allclose(result.boxes, data["result/boxes"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(result.score, data["result/score"], rtol=0, atol=1e-4)
    np.testing.assert_array_equal(np.array(COCO_91_IDS)[result.labels], data["result/box_category_id"])
    channel = np.array([verbs.index(v) for v in result.verb])
    ids = channel + 1 if config["dataset"] == "hico" else np.array(VCOCO_IDS)[channel]
    np.testing.assert_array_equal(np.stack([result.human, result.object, ids], 1), data["result/hoi"])


@pytest.mark.parametrize("case", ["baseline_hico_dla34", "ggnet2_vcoco_hourglass"])
def test_training_step(folder: Path, case: str) -> None:
    """One step in training mode: maps, every term of the loss, gradients, running statistics."""
    config, expected, state = load_case(folder, f"training_step/{case}")
    model = load(state).train()
    hourglass = "hourglass" in case
    config |= {"hard_negative": True, "soft_gaussian": True}
    annotations = config["targets"].split("annotations ")[1].split(",")[0]
    targets = targets_of(folder, config, scenes(folder, annotations, [0, 2]), 256, model.config)

    outputs = model(torch.from_numpy(expected["image"]))
    if hourglass:
        for key in expected.files:
            if key.startswith("out/") and key.endswith("/grid"):
                stack, name = key.split("/")[1].removeprefix("stack").split(".")
                actual = outputs.all_heads[int(stack)][name]
                atol = 5e-3 * float(actual.detach().std())
                np.testing.assert_allclose(on_grid(actual, config["grid"]), expected[key], rtol=0, atol=atol)
    rtol = 1e-4 if hourglass else 3e-2  # batch statistics of DLA's small maps amplify rounding
    terms = loss_terms(outputs, targets, model.config)
    for name, term in terms.items():
        np.testing.assert_allclose(term.item(), expected[f"loss/{name}"], rtol=rtol, err_msg=name)
    total = sum(model.loss(outputs, targets).values())
    np.testing.assert_allclose(total.item(), expected["loss/loss"], rtol=rtol)

    buffers = dict(model.named_buffers())
    for name, norm in zip(config["buffer_names"], expected["buffers/norm"], strict=True):
        np.testing.assert_allclose(buffers[our_name(name)].double().norm(), norm, rtol=1e-4, err_msg=name)

    total.backward()
    if "grad/norm" in expected.files:
        parameters = dict(model.named_parameters())
        names = [our_name(name) for name in config["parameter_names"]]
        norms = np.array([float(parameters[name].grad.double().norm()) for name in names])
        errors = np.abs(norms - expected["grad/norm"]) / expected["grad/norm"]
        assert np.nanmedian(errors) < 1e-2


def test_checkpoint_files_and_centernet_weights(folder: Path, tmp_path: Path) -> None:
    """A file as the published training writes it, and CenterNet's weights, which lack the interaction heads."""
    config, _, state = load_case(folder, "forward/baseline_hico_dla34")
    assert config["num_verbs"] == 117
    torch.save({"epoch": 3, "state_dict": {f"module.{k}": v for k, v in state.items()}}, tmp_path / "model.pth")
    published = load_published("ggnet", tmp_path / "model.pth")
    assert isinstance(published, GGNet)

    centernet = {k: v for k, v in state.items() if not k.startswith(("hm_rel", "sub_offset", "obj_offset"))}
    fresh = GGNet(Vocabulary.load("v-coco"), GGNetConfig(network=GGNetNetworkOptions(backbone="dla-34", gaze_steps=1)))
    kept = initialise_from_centernet(fresh, centernet)
    assert {name.split(".")[2] for name in kept} == {
        "glance", "glance_heatmap", "gaze", "gaze_heatmaps", "sub_offset", "obj_offset",
    }  # fmt: skip
    torch.testing.assert_close(fresh.backbone.state_dict(), published.backbone.state_dict())
    torch.testing.assert_close(fresh.heads[0].hm.state_dict(), published.heads[0].hm.state_dict())

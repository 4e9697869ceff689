"""GGNet and PPDM against outputs of the published code."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from interplay.importers.ggnet import load_ggnet, our_name
from interplay.layers.deformable import SelfDeformConv2d
from interplay.layers.dla import Aggregate, Tree
from interplay.layers.hourglass import Hourglass
from interplay.layers.residual import Residual
from interplay.models.ggnet.gaze import GazeStep

FORWARD = (
    "apm_vcoco_dla34", "baseline_hico_dla34", "baseline_hico_hourglass", "baseline_vcoco_hourglass",
    "ggnet1_hico_hourglass", "ggnet2_hico_hourglass", "ggnet2_vcoco_hourglass", "ppdm_hico_dla34_3level",
    "ppdm_hico_dla34_3level_glob", "ppdm_hico_dla34_glob",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def folder(goldens: Path) -> Path:
    return goldens / "ggnet"


def filled(folder: Path, case: str, gain: float = 1.0) -> dict[str, torch.Tensor]:
    """The reference parameters, which are a function of their names and shapes."""
    spec = importlib.util.spec_from_file_location("fill", folder.parent / "fill.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    state = {}
    shapes = json.loads((folder / case / "params.json").read_text())
    for name, value in module.fill_state(shapes).items():
        value = value * np.float32(gain) if value.ndim >= 2 else value
        state[name] = torch.from_numpy(np.asarray(value))
    return state


def load_case(folder: Path, case: str) -> tuple[dict[str, Any], Any, dict[str, torch.Tensor]]:
    config = json.loads((folder / case / "config.json").read_text())
    return config, np.load(folder / case / "data.npz"), filled(folder, case, config["weight_gain_ndim_ge_2"])


def on_grid(tensor: torch.Tensor, grid: dict[str, int]) -> np.ndarray:
    rows = slice(grid["row_start"], None, grid["row_step"])
    return tensor[:, :, rows, grid["col_start"] :: grid["col_step"]].numpy()


@pytest.mark.parametrize("case", FORWARD)
def test_every_map_of_every_stack(folder: Path, case: str) -> None:
    config, expected, state = load_case(folder, f"forward/{case}")
    model = load_ggnet(state)
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

"""How long GGNet takes on this machine's CPU, step by step from what the published code does.

    python benchmarks/ggnet.py                                # hourglass-104, 512 x 512, HICO-DET
    python benchmarks/ggnet.py --backbone dla-34 --gaze-steps 0

Weights are random; only the sampling points are moved off their regular grid. Every row is the best of a few runs in
the same process, which take turns, so that the ratios hold whatever else the machine does.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest import mock

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torchvision.ops import deform_conv2d

from interplay import Interactions, Vocabulary
from interplay.cli import run_script
from interplay.layers import deformable
from interplay.layers.deformable import SamplingPoints, sample_and_multiply
from interplay.models.ggnet import GGNet, GGNetConfig, GGNetNetworkOptions, GGNetOutputs
from interplay.models.ggnet.transforms import network_input, random_colours, random_view

Seconds = tuple[float, float]
Deform = Callable[..., torch.Tensor]


def timed(*functions: Callable[[], Any], runs: int) -> list[Seconds]:
    """Wall and CPU seconds of the fastest run of each function; they take turns, so that all meet the same machine."""
    best = [(float("inf"), 0.0)] * len(functions)
    for _ in range(runs):
        for i, function in enumerate(functions):
            wall, cpu = time.perf_counter(), time.process_time()
            function()
            best[i] = min(best[i], (time.perf_counter() - wall, time.process_time() - cpu))
    return best


def torchvision_deform(
    x: torch.Tensor, offset: torch.Tensor, mask: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
) -> torch.Tensor:
    """The arguments of `sample_and_multiply`, computed by torchvision."""
    return deform_conv2d(x, offset, weight, bias, padding=weight.shape[-1] // 2, mask=mask)


def every_map(outputs: GGNetOutputs) -> None:
    """What the published code computes at test time: all heads of all stacks."""
    for maps in outputs.all_heads:
        for name in maps:
            maps[name]


def inference(model: GGNet, size: int, runs: int) -> Table:
    """The steps from the published way of computing to ours."""
    images, sizes = torch.randn(1, 3, size, size), torch.tensor([[size, size]])
    prepared = copy.deepcopy(model).prepare_inference()

    def published(everything: bool) -> None:
        with mock.patch.object(deformable, "sample_and_multiply", torchvision_deform):
            outputs = model(images)
            if everything:
                every_map(outputs)

    def half() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            prepared.decode(prepared(images), sizes)

    steps: dict[str, Callable[[], Any]] = {
        "as published: every head of every stack": lambda: published(True),
        "only what the result needs": lambda: published(False),
        "+ deformable convolution by gathered rows": lambda: model(images),
        "+ folded normalisation, channels last": lambda: prepared(images),
        "+ decoding": lambda: prepared.decode(prepared(images), sizes),
        "the same in bfloat16": half,
    }
    with torch.inference_mode():
        times = timed(*steps.values(), runs=runs)
    table = Table("inference", "seconds", "CPU seconds", "ratio")
    for name, (wall, cpu) in zip(steps, times, strict=True):
        table.add_row(name, f"{wall:.2f}", f"{cpu:.2f}", f"{times[0][0] / wall:.2f}")
    return table


def deformable_convolutions(size: int, runs: int) -> Table:
    """One deformable convolution of a gaze step, and of DLA's up-sampling; for results and for training."""
    table = Table("deformable convolution", "torchvision, s", "gathered rows, s", "ratio")
    side = size // 4
    for name, channels, kernel, training in (
        ("gaze step: 256 channels, 25 points", 256, 5, False),
        ("the same, forward and backward", 256, 5, True),
        ("DLA: 64 channels, 9 points", 64, 3, False),
        ("the same, forward and backward", 64, 3, True),
    ):
        points = kernel * kernel
        x, mask = torch.randn(1, channels, side, side), torch.rand(1, points, side, side)
        offset = 2 * torch.randn(1, 2 * points, side, side)
        inputs = [x, offset, mask, torch.randn(channels, channels, kernel, kernel), torch.zeros(channels)]

        def run(function: Deform, inputs: list[torch.Tensor] = inputs, training: bool = training) -> None:
            with torch.set_grad_enabled(training):
                given = [tensor.detach().requires_grad_(training) for tensor in inputs]
                out = function(*given)
                if training:
                    torch.autograd.grad(out.sum(), given)

        both = (partial(run, torchvision_deform), partial(run, sample_and_multiply))
        (theirs, _), (ours, _) = timed(*both, runs=runs)
        table.add_row(name, f"{theirs:.3f}", f"{ours:.3f}", f"{theirs / ours:.2f}")
    return table


def training_data(model: GGNet, size: int, runs: int, batch: int) -> Table:
    """What the data of a training step cost, in one thread."""
    generator = np.random.default_rng(0)
    vocabulary = model.vocabulary
    image = generator.integers(0, 256, (480, 640, 3), dtype=np.uint8)
    annotations = []
    for _ in range(batch):
        corners = generator.uniform(0, 400, (20, 2))
        classes = vocabulary.interactions[generator.integers(len(vocabulary.interactions), size=20)]
        classes = classes[classes[:, 1] >= 0]
        annotations.append(
            Interactions(
                boxes=np.concatenate([corners, corners + generator.uniform(20, 80, (20, 2))], 1),
                labels=np.concatenate([classes[:, 1], np.zeros(20 - len(classes), np.int64)]),
                human=generator.integers(0, 20, len(classes)),
                object=np.arange(len(classes)),
                verb=classes[:, 0],
                vocabulary=vocabulary,
            )
        )
    views = [random_view(640, 480, generator) for _ in annotations]

    def pixels() -> None:
        for view in views:
            network_input(image, view, size, size, random_colours(generator))

    table = Table(f"a batch of {batch}", "ms", "ms per image")
    for name, function in (
        ("targets: 20 objects, 20 interactions per image", lambda: model.encode(annotations, views, size, size)),
        ("pixels: crop, colours, normalisation", pixels),
    ):
        ((wall, _),) = timed(function, runs=max(runs, 4))
        table.add_row(name, f"{1000 * wall:.0f}", f"{1000 * wall / batch:.1f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="hourglass-104")
    parser.add_argument("--gaze-steps", type=int, default=2)
    parser.add_argument("--vocabulary", default="hico-det")
    parser.add_argument("--size", type=int, default=512, help="side of the input in pixels")
    parser.add_argument("--batch", type=int, default=23, help="images per batch of training data")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    network = GGNetNetworkOptions(backbone=arguments.backbone, gaze_steps=arguments.gaze_steps)
    model = GGNet(Vocabulary.load(arguments.vocabulary), GGNetConfig(network=network)).eval()
    for module in model.modules():
        if isinstance(module, SamplingPoints):
            torch.nn.init.normal_(module.predict.weight, std=0.01)
    console = Console()
    console.print(f"{arguments.backbone}, {arguments.size} x {arguments.size}, {arguments.threads} threads")
    console.print(training_data(model, arguments.size, arguments.runs, arguments.batch))
    console.print(deformable_convolutions(arguments.size, arguments.runs))
    console.print(inference(model, arguments.size, arguments.runs))


if __name__ == "__main__":
    run_script(main)

"""Time and memory of Turbo learning's network: stages, people in an image, and a training step.

    python benchmarks/turbo.py --threads 1 --runs 5

480 x 640 pixels at that size, random weights, after `prepare_inference`. The stages after the first share the features,
so what each adds is small beside the first; TIN gets the same boxes as pairs. Columns take turns, so that other work
hits all alike, and what a stage adds is counted in processor time. A training step has a process of its own for each
number of stages, so that its memory is its own.
"""

from __future__ import annotations

import argparse
import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise
from multiprocessing import get_context

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from interplay import Vocabulary
from interplay.cli import run_script
from interplay.layers.resnet import fold_frozen_batch_norm
from interplay.models.tin.network import TinNetwork
from interplay.models.turbo.config import TurboConfig
from interplay.models.turbo.losses import TurboTargets
from interplay.models.turbo.model import Turbo
from interplay.models.turbo.network import SIDE
from timing import measure

HEIGHT, WIDTH = 480, 640


def model(stages: int, backbone: str) -> Turbo:
    """A network for V-COCO."""
    network = {"stages": stages, "backbone": backbone, "detection": False}
    return Turbo(Vocabulary.load("v-coco"), TurboConfig.model_validate({"network": network}))


def boxes(count: int) -> Tensor:
    """(N, 5) random boxes of the only image."""
    generator = torch.Generator().manual_seed(count)
    corner = torch.rand(count, 2, generator=generator) * torch.tensor([WIDTH * 0.6, HEIGHT * 0.6])
    sides = 60 + torch.rand(count, 2, generator=generator) * 120
    return torch.cat([torch.zeros(count, 1), corner, corner + sides], 1)


def inference(image: Tensor, arguments: argparse.Namespace, console: Console) -> None:
    """Seconds by number of people and stages."""
    # one model: what stages 1 and 2 find does not depend on stage 3
    network = model(3, arguments.backbone).prepare_inference().eval().network
    tin = TinNetwork(29, "verb").eval()
    for module in (tin.backbone, tin.human_block, tin.object_block):
        fold_frozen_batch_norm(module)
        module.to(memory_format=torch.channels_last)

    def stages(count: int, people: Tensor) -> Callable[[], object]:
        def run() -> object:
            network.options = network.options.model_copy(update={"stages": count})
            return network([image], people)

        return run

    table = Table("people", "1 stage, s (CPU s)", "2 stages", "3 stages", "2nd adds", "3rd adds", "TIN, 10 objects")
    for people in arguments.people:
        given, things = boxes(people), boxes(60)[:10]
        pairs = given.repeat_interleave(10, 0), things.repeat(people, 1), torch.zeros(10 * people, 3, 64, 64)
        functions = {str(count): stages(count, given) for count in (1, 2, 3)}
        if people <= 10:
            functions["tin"] = lambda pairs=pairs: tin(image[None], *pairs)  # type: ignore[misc]
        with torch.inference_mode():
            found = measure(functions, arguments.runs)
        cpu = [found[name][1] for name in ("1", "2", "3")]
        adds = [f"{(later - earlier) / cpu[0]:.0%}" for earlier, later in pairwise(cpu)]
        cells = [f"{wall:.2f} ({spent:.2f})" for wall, spent in found.values()]
        table.add_row(str(people), *cells[:3], *adds, *cells[3:])
    console.print(table)


def training(arguments: argparse.Namespace, console: Console) -> None:
    """Seconds and memory of a step with one image of 5 people and 4 proposals of each."""
    table = Table("stages", "parameters, M", "training step, s (CPU s)", "peak memory, GiB")
    for stages in (1, 2, 3):
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            parameters, wall, spent, memory = pool.submit(training_step, stages, arguments).result()
        table.add_row(str(stages), f"{parameters:.0f}", f"{wall:.1f} ({spent:.1f})", f"{memory:.1f}")
    console.print(table)


def training_step(stages: int, arguments: argparse.Namespace) -> tuple[float, float, float, float]:
    """Millions of parameters, wall and CPU seconds, and GiB of this process."""
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    trained = model(stages, arguments.backbone).train()
    image, people = torch.randn(3, HEIGHT, WIDTH), boxes(20)
    targets = TurboTargets(
        torch.zeros(20, 29), torch.ones(20, dtype=torch.bool), torch.zeros(20, 29, 4),
        torch.randint(SIDE**2, (20, 17)), torch.zeros(0, dtype=torch.int64), torch.zeros(0, 4),
    )  # fmt: skip
    optimiser = torch.optim.SGD(trained.parameter_groups()["default"], 1e-3, momentum=0.9)
    step = partial(one_step, trained, image, people, targets, optimiser)
    wall, spent = measure({"step": step}, arguments.runs)["step"]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return sum(p.numel() for p in trained.parameters()) / 1e6, wall, spent, memory


def one_step(
    trained: Turbo, image: Tensor, people: Tensor, targets: TurboTargets, optimiser: torch.optim.Optimizer
) -> None:
    """Change the weights once."""
    optimiser.zero_grad()
    sum(trained.loss(trained([image], people), targets).values(), torch.zeros(())).backward()
    optimiser.step()


def main() -> None:
    """Print tables of seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--people", type=int, nargs="*", default=[1, 2, 5, 10, 20, 50])
    parser.add_argument("--backbone", choices=("resnet50", "resnet101"), default="resnet101")
    parser.add_argument("--skip-training", action="store_true", help="measure inference alone")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    image, console = torch.randn(3, HEIGHT, WIDTH), Console()
    inference(image, arguments, console)
    if not arguments.skip_training:
        training(arguments, console)
    console.print(f"{arguments.backbone}, {arguments.threads} threads, torch {torch.__version__}")


if __name__ == "__main__":
    run_script(main)

"""How long GEN-VLKT takes to predict and to learn, beside the ResNet-50 that it contains.

    python benchmarks/gen_vlkt.py                               # variant s, CPU, 800 x 1066, batches of 1 and 8
    python benchmarks/gen_vlkt.py --device cuda --precision bf16 --compile

Weights are random. Rows take turns on the machine, round by round, and the fastest round counts, so that the ratio to
the plain ResNet-50 holds whatever else the machine does. Memory is the peak of the whole process (of the device's
allocator on CUDA), so later rows include earlier ones.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
import torchvision
from rich.console import Console
from rich.table import Table

from interplay import Vocabulary
from interplay.cli import run_script
from interplay.models.gen_vlkt import GenVlkt, GenVlktConfig, PairTargets

VARIANTS = {
    "s": {"backbone": "resnet50"},
    "m": {"backbone": "resnet101"},
    "l": {"backbone": "resnet101", "decoder_layers": 6},
}
SIDES = (800, 1066)


class Clock:
    """Measures functions in turns."""

    def __init__(self, device: torch.device, rounds: int) -> None:
        self.device, self.rounds = device, rounds

    def __call__(self, functions: dict[str, Callable[[], Any]]) -> dict[str, tuple[float, float]]:
        """Wall and CPU seconds of each function's fastest round, after one that does not count."""
        best = {name: (float("inf"), float("inf")) for name in functions}
        for turn in range(self.rounds + 1):
            for name, function in functions.items():
                self._wait()
                wall, cpu = time.perf_counter(), time.process_time()
                function()
                self._wait()
                took = (time.perf_counter() - wall, time.process_time() - cpu)
                if turn:
                    best[name] = (min(best[name][0], took[0]), min(best[name][1], took[1]))
        return best

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def peak_memory(device: torch.device) -> float:
    """GB."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def inference(options: argparse.Namespace, batch: int) -> Table:
    """Prediction and its parts, against a ResNet-50 (classification layer included) in channels-last."""
    device, vocabulary = torch.device(options.device), Vocabulary.load("hico-det")
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[options.precision]
    reference = torchvision.models.resnet50().eval().to(device, memory_format=torch.channels_last)
    plain = GenVlkt(vocabulary, GenVlktConfig.model_validate({"network": VARIANTS[options.variant]})).eval().to(device)
    fast = GenVlkt(vocabulary, plain.config).to(device).prepare_inference()
    forward = torch.compile(fast) if options.compile else fast
    images = torch.randn(batch, 3, *SIDES, device=device).contiguous(memory_format=torch.channels_last)
    sizes = torch.tensor([SIDES] * batch)
    autocast = torch.autocast(device.type, dtype) if dtype != torch.float32 else nullcontext()
    with torch.inference_mode(), autocast:
        outputs = fast(images, sizes, auxiliary=False)
        times = Clock(device, options.rounds)(
            {
                "ResNet-50 alone, channels-last": lambda: reference(images),
                "GEN-VLKT as trained": lambda: plain(images, sizes),
                "GEN-VLKT prepared for inference": lambda: forward(images, sizes, auxiliary=False),
                "of which backbone": lambda: fast.network.backbone(images),
                "decoding and pair suppression": lambda: fast.decode(outputs, sizes),
            }
        )
    title = f"variant {options.variant}, {batch} x {SIDES[0]} x {SIDES[1]}, {options.device} {options.precision}"
    return _table(title, times, batch, peak_memory(device))


def training_step(options: argparse.Namespace, batch: int) -> Table:
    """One step of the training: forward, matching, loss, backward."""
    device, vocabulary = torch.device(options.device), Vocabulary.load("hico-det")
    model = GenVlkt(vocabulary, GenVlktConfig.model_validate({"network": VARIANTS[options.variant]})).to(device).train()
    images, sizes = torch.randn(batch, 3, *SIDES, device=device), torch.tensor([SIDES] * batch)
    targets = [_random_targets(vocabulary, 5).to(device) for _ in range(batch)]
    autocast = torch.autocast(device.type, torch.bfloat16) if options.precision == "bf16" else nullcontext()

    def step() -> None:
        with autocast:
            outputs = model(images, sizes)
        torch.stack(list(model.loss(outputs, targets).values())).sum().backward()
        model.zero_grad()

    with autocast, torch.no_grad():
        outputs = model(images, sizes)
    functions = {"training step": step, "of which matching and loss": lambda: model.loss(outputs, targets)}
    times = Clock(device, max(options.rounds // 2, 1))(functions)
    return _table(f"variant {options.variant}, training, batch {batch}", times, batch, peak_memory(device))


def _table(title: str, times: dict[str, tuple[float, float]], batch: int, memory: float) -> Table:
    table = Table("", "wall s", "CPU s", "of the first row", "images/s", title=f"{title} (peak memory {memory:.1f} GB)")
    first = next(iter(times.values()))[0]
    for name, (wall, cpu) in times.items():
        table.add_row(name, f"{wall:.3f}", f"{cpu:.3f}", f"{wall / first:.2f}", f"{batch / wall:.2f}")
    return table


def _random_targets(vocabulary: Vocabulary, count: int) -> PairTargets:
    classes = torch.zeros(count, len(vocabulary.interactions))
    chosen = torch.randint(len(vocabulary.interactions), (count,))
    classes[torch.arange(count), chosen] = 1
    labels = torch.from_numpy(vocabulary.interactions[chosen.numpy(), 1])
    boxes = torch.rand(2, count, 4) * 0.4 + 0.1
    verbs = torch.zeros(count, len(vocabulary.verbs))
    return PairTargets(boxes[0], boxes[1], labels, classes, verbs, teacher_feature=torch.randn(512))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", choices=VARIANTS, default="s")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--compile", action="store_true", help="torch.compile the prepared network")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--train", action="store_true", help="training steps instead of prediction")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    screen = Console()
    for batch in options.batch:
        screen.print(training_step(options, batch) if options.train else inference(options, batch))


if __name__ == "__main__":
    run_script(main)

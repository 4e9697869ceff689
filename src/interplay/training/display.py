"""What a training shows: a bar with losses, images per second, remaining time and memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_SMOOTHING = 0.9


class Display:
    """A progress bar over all steps.

    Args:
        progress: where it is drawn.
        done, total: steps.
        epochs: of the training.
    """

    def __init__(self, progress: Progress, done: int, total: int, epochs: int) -> None:
        self._progress, self._epochs = progress, epochs
        self._bar = progress.add_task("training", total=total, completed=done, state="")
        self._rate = 0.0

    def step(self, epoch: int, terms: Mapping[str, float], images_per_second: float, memory: float) -> None:
        """One step is done.

        Args:
            epoch: from 0.
            terms: of the loss.
            images_per_second: of this step.
            memory: in GiB.
        """
        smoothed = _SMOOTHING * self._rate + (1 - _SMOOTHING) * images_per_second
        self._rate = smoothed if self._rate else images_per_second
        main = sorted((name for name in terms if not name[-1].isdigit()), key=lambda name: -terms[name])[:3]
        shown = "  ".join(f"{name} {terms[name]:.3f}" for name in main)
        state = f"loss {sum(terms.values()):.3f}  {shown}  {self._rate:.1f} img/s  {memory:.1f} GiB"
        self._progress.update(self._bar, advance=1, description=f"epoch {epoch + 1}/{self._epochs}", state=state)


@contextmanager
def display(console: Console, done: int, total: int, epochs: int) -> Iterator[Display]:
    """A bar that goes when the block ends."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("{task.fields[state]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield Display(progress, done, total, epochs)


def memory_gib(device: torch.device) -> float:
    """Most memory that was in use so far: the GPU's, or on a CPU this process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    if sys.platform == "win32":
        return 0.0
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def epoch_line(epoch: int, epochs: int, loss: float, metrics: Mapping[str, float], seconds: float) -> str:
    """What an epoch came to, in one line: ``"epoch 5/10  loss 1.234  score, full 0.3375  rare 0.2925  (12 s)"``.

    Args:
        epoch: from 1.
        epochs: of the training.
        loss: the mean of the epoch; its terms are in the logs.
        metrics: of the validation; names of the same value share it.
        seconds: that the epoch took.
    """
    names: dict[float, list[str]] = {}
    for name, value in metrics.items():
        names.setdefault(value, []).append(name)
    found = [f"{', '.join(same)} {value:.4g}" for value, same in names.items()]
    return "  ".join([f"epoch {epoch}/{epochs}", f"loss {loss:.4g}", *found, f"({seconds:.0f} s)"])


def batch_remark(images: int, processes: int, parts: int, steps: int) -> str:
    """How a batch comes about: ``"batch of 16 images, over 2 processes, in 4 parts each; 100 steps per epoch"``."""
    over = f", over {processes} processes" if processes > 1 else ""
    divided = f", in {parts} parts{' each' if processes > 1 else ''}" if parts > 1 else ""
    return f"batch of {images} image{'s'[: images != 1]}{over}{divided}; {steps} step{'s'[: steps != 1]} per epoch"


def start_remarks(start: str, missing: Sequence[str], total: int) -> list[str]:
    """Lines that say which parameters a start from a file leaves at their first values: random, or texts' embeddings.

    Args:
        start: what the training starts from.
        missing: names of these parameters.
        total: number of the network's parameters.
    """
    if start == "scratch" and not missing:
        return []
    layers = list(dict.fromkeys(name.rpartition(".")[0] or name for name in missing))
    some = ": " + ", ".join(layers[:6]) + (f" and {len(layers) - 6} more" if len(layers) > 6 else "") if layers else ""
    origin = "given weights" if start == "scratch" else start  # these are then a part of the model's options
    return [f"starts from {origin}; {len(missing)} of {total} parameters are not from its file{some}"]

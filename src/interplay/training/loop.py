"""`train`: one loop, on Lightning Fabric. A stopped training goes on exactly where it was.

Everything random in an epoch comes from the seed and the epoch's number, so a training that is killed and resumed
sees the same batches and dropout as one that is not. A run's folder holds ``config.yaml``, ``log.csv``, ``last.ckpt``
(replaced after every epoch), ``best.safetensors`` (the weights that validated best so far) and, at the end,
``model.safetensors`` (the last ones).
"""

from __future__ import annotations

import copy
import csv
import math
import time
from pathlib import Path
from typing import Any

import torch
import yaml
from lightning_fabric import Fabric
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import nn

from interplay._version import __version__
from interplay.errors import InputError, InterplayError
from interplay.files import atomic_path
from interplay.models.weights import save_weights
from interplay.training.config import TrainConfig
from interplay.training.interrupt import postponed_interrupt
from interplay.training.task import TrainingTask, build_task

CHECKPOINT = "last.ckpt"
WEIGHTS = "model.safetensors"
BEST = "best.safetensors"
LOG = "log.csv"


def train(config: TrainConfig, console: Console | None = None, stop_after: int | None = None) -> Path:
    """Train as configured, continuing the run in ``config.folder`` if there is one.

    Args:
        console: where progress goes; none by default.
        stop_after: stop after this epoch as if interrupted, for tests and time-sliced machines.

    Returns:
        The weights file, or the checkpoint if stopped early.

    Raises:
        InputError: the folder holds a run of another configuration.
        InterplayError: the loss is no longer a number.
    """
    console = console or Console(quiet=True)
    folder = config.folder
    checkpoint = _read_checkpoint(folder, config)
    fabric = Fabric(accelerator=config.device, devices=1, precision=config.precision)
    task = build_task(config)
    network, average = task.model, copy.deepcopy(task.model).eval()
    total_steps = config.epochs * task.steps_per_epoch
    optimiser = torch.optim.AdamW(
        _parameter_groups(network, config.optimiser.weight_decay), config.optimiser.learning_rate
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: one_cycle(step / max(total_steps, 1), config.optimiser.warm_up)
    )
    model, optimiser = fabric.setup(network, optimiser)
    average.to(fabric.device)
    start = 0
    if checkpoint is not None:
        network.load_state_dict(checkpoint["model"])
        average.load_state_dict(checkpoint["average"])
        optimiser.load_state_dict(checkpoint["optimiser"])
        schedule.load_state_dict(checkpoint["schedule"])
        start = checkpoint["epoch"]
        console.print(f"continuing {folder} after epoch {start} of {config.epochs}", highlight=False)
    else:
        _write_config(config)
    log = _Log(folder / LOG, checkpoint["log"] if checkpoint else [])
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[state]}"),
        TimeRemainingColumn(),
    )
    try:
        with Progress(*columns, console=console) as progress, postponed_interrupt() as stop_if_asked:
            bar = progress.add_task("training", total=total_steps, completed=start * task.steps_per_epoch, state="")
            for epoch in range(start, config.epochs):
                began = time.perf_counter()
                torch.manual_seed(config.seed * 1_000_003 + epoch)  # dropout
                sums: dict[str, float] = {}
                network.train()
                for batch in task.batches(epoch):
                    terms = task.loss(model, _to(batch, fabric.device))
                    loss = torch.stack(list(terms.values())).sum()
                    if not math.isfinite(loss.item()):
                        raise InterplayError(
                            f"the loss is {loss.item()} in epoch {epoch + 1}; try a lower learning rate"
                        )
                    optimiser.zero_grad()
                    fabric.backward(loss)
                    fabric.clip_gradients(
                        model, optimiser, max_norm=config.optimiser.clip_norm, error_if_nonfinite=False
                    )
                    optimiser.step()
                    schedule.step()
                    _update_average(average, network, config.optimiser.ema, schedule.last_epoch)
                    for name, value in terms.items():
                        sums[name] = sums.get(name, 0.0) + value.item() / task.steps_per_epoch
                    progress.update(bar, advance=1, state=f"loss {loss.item():.3f}")
                    stop_if_asked()
                row: dict[str, Any] = {"epoch": epoch + 1, "learning_rate": schedule.get_last_lr()[0], **sums}
                if (epoch + 1) % config.validate_every == 0 or epoch + 1 == config.epochs:
                    row |= task.validate(average)
                    console.print(_line(row), highlight=False)
                    if row[task.monitor] > max((past.get(task.monitor, -1.0) for past in log.rows), default=-1.0):
                        save_weights(average, _description(task, average, config), folder / BEST)
                row["seconds"] = round(time.perf_counter() - began, 1)
                log.append(row)
                state = {
                    "model": network.state_dict(),
                    "average": average.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "schedule": schedule.state_dict(),
                    "epoch": epoch + 1,
                    "log": log.rows,
                    "config": config.model_dump(mode="json"),
                }
                with atomic_path(folder / CHECKPOINT) as temporary:
                    torch.save(state, temporary)
                stop_if_asked()
                if stop_after == epoch + 1 and stop_after < config.epochs:
                    return folder / CHECKPOINT
    except KeyboardInterrupt:
        console.print(f"stopped; run the same command again to continue after the last whole epoch in {folder}")
        raise
    save_weights(average, _description(task, average, config), folder / WEIGHTS)
    return folder / WEIGHTS


def _description(task: TrainingTask, model: nn.Module, config: TrainConfig) -> dict[str, Any]:
    return {
        **task.finish(model),
        "training": config.model_dump(mode="json", exclude={"output": True, "data": {"root"}}),
        "interplay": __version__,
    }


def one_cycle(done: float, warm_up: float) -> float:
    """Factor on the learning rate after a share `done` of the steps: up linearly during `warm_up`, then a cosine."""
    if done < warm_up:
        return 0.04 + 0.96 * done / warm_up
    return 0.5 * (1 + math.cos(math.pi * (done - warm_up) / (1 - warm_up))) if done < 1 else 0.0


def _parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Matrices decay, biases and normalisations do not."""
    matrices = [p for p in network.parameters() if p.ndim > 1]
    vectors = [p for p in network.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]


@torch.no_grad()
def _update_average(average: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Move the average towards the network; early on it follows faster."""
    weight = 1 - min(decay, (1 + step) / (10 + step))
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), weight)


def _to(batch: Any, device: torch.device) -> Any:
    return type(batch)(**{name: value.to(device) for name, value in vars(batch).items()})


def _line(row: dict[str, Any]) -> str:
    return "  ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items())


def _write_config(config: TrainConfig) -> None:
    with atomic_path(config.folder / "config.yaml") as temporary:
        temporary.write_text(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False), encoding="utf-8")


def _read_checkpoint(folder: Path, config: TrainConfig) -> dict[str, Any] | None:
    path = folder / CHECKPOINT
    if not path.is_file():
        return None
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        raise InputError(f"{path}: not a readable checkpoint ({error}); remove it to start over") from None
    if checkpoint["config"] != config.model_dump(mode="json"):
        mine, theirs = config.model_dump(mode="json"), checkpoint["config"]
        names = sorted(k for k in mine.keys() | theirs.keys() if mine.get(k) != theirs.get(k))
        raise InputError(
            f"{folder} holds a run with other settings ({', '.join(names)}); give another --name, or remove the folder"
        )
    return checkpoint


class _Log:
    """``log.csv``: one row per epoch, rewritten whole so that columns may come later."""

    def __init__(self, path: Path, rows: list[dict[str, Any]]) -> None:
        self.path, self.rows = path, rows

    def append(self, row: dict[str, Any]) -> None:
        self.rows.append(row)
        names = list(dict.fromkeys(name for r in self.rows for name in r))
        with atomic_path(self.path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, names)
            writer.writeheader()
            writer.writerows(self.rows)

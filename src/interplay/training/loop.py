"""`train`: one loop for every system, on Lightning Fabric. A stopped training goes on exactly where it was.

Everything random follows from the seed, the step and the image, so that a training that is killed and resumed, even in
the middle of an epoch, sees the same batches and dropout as one that is not. A run's folder holds ``config.yaml``,
``log.csv`` (a row per epoch), ``steps.csv``, ``last.ckpt``, ``best.safetensors`` (the weights that validated best so
far; the last ones while validation gives no score) and, at the end, ``model.safetensors`` (the last ones).
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from rich.console import Console
from torch import nn

from interplay.errors import InterplayError
from interplay.files import check_folder_target
from interplay.interrupts import postponed_interrupt
from interplay.locks import locked
from interplay.systems import get_system
from interplay.training.batches import plain
from interplay.training.checkpoints import (
    Progress,
    check_data_unchanged,
    read_checkpoint,
    save_for_inspection,
    write_checkpoint,
    write_config,
)
from interplay.training.config import resolve_config
from interplay.training.display import Display, batch_remark, display, epoch_line, memory_gib, start_remarks
from interplay.training.folder import BEST, CHECKPOINT, WEIGHTS
from interplay.training.inputs import check_inputs, data_files
from interplay.training.launch import launch
from interplay.training.loading import BatchPlan, LoadedPart, load_parts
from interplay.training.loggers import build_loggers
from interplay.training.optimisers import MovingAverage, build_optimiser, learning_rates, set_rates
from interplay.training.processes import gather
from interplay.training.schedules import batch_factor, schedule_factor
from interplay.training.sections import TrainConfig
from interplay.training.step import LossModule, StepResult, training_step
from interplay.training.task import TrainingTask


def train(
    config: TrainConfig | Mapping[str, Any] | str | Path,
    console: Console | None = None,
    stop_after: int | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
) -> Path:
    """Train as configured, continuing the run in the configuration's folder if there is one.

    Args:
        config: of the training: a YAML file, what would be in one, or a checked configuration.
        console: where progress goes; none by default.
        stop_after: stop after this epoch as if interrupted, for tests and time-sliced machines.
        overrides: values by field instead of the configuration's, ``{"data.root": "vcoco", "epochs": 3}``.

    Returns:
        The weights file, or the checkpoint if stopped early.

    Raises:
        MissingFileError, InputError: the configuration is not there or not right, or its folder holds a run of
            another one; says what was expected.
        LockedError: another process trains in its folder.
        InterplayError: the loss is no longer a number; the batch is saved.
    """
    config = resolve_config(config, overrides)
    check_inputs(config)
    check_folder_target(config.folder)
    fabric = launch(config)
    quiet = console is None or fabric.global_rank > 0
    with locked(config.folder, folder=True) if fabric.is_global_zero else nullcontext():
        return _Training(
            config,
            fabric,
            get_system(config.system).build_task(config),
            read_checkpoint(config),
            Console(quiet=True) if quiet else console,
        ).run(stop_after)


class _Training:
    """A training in one process; see `train` for the arguments."""

    def __init__(
        self,
        config: TrainConfig,
        fabric: Fabric,
        task: TrainingTask,
        checkpoint: dict[str, Any] | None,
        console: Console | None,
    ) -> None:
        assert console is not None
        self.config, self.fabric, self.task, self.console = config, fabric, task, console
        self.plan = BatchPlan(
            len(task.data), config.batch_size, config.accumulate, fabric.global_rank, fabric.world_size
        )
        self.total = config.epochs * self.plan.steps_per_epoch
        self.images = min(config.batch_size, len(task.data))
        self.rates = learning_rates(config.optimiser, self.images)
        network: nn.Module = torch.compile(task.model) if config.compile else task.model  # type: ignore[assignment]
        module = LossModule(task, network, fabric.autocast, fabric.device.type)
        fused = config.precision != "16-mixed"
        optimiser = build_optimiser(task.parameter_groups(), config.optimiser, self.images, fused)
        self.module, self.optimiser = fabric.setup(module, optimiser)
        self.average = MovingAverage(task.model, config.optimiser.ema)
        self.progress = Progress(run=secrets.token_hex(4))
        self.skipped: list[str] = []  # by this process in this epoch
        self.data = {**task.tables.record(), **data_files(config)}
        if checkpoint is not None:
            self._restore(checkpoint)
        elif fabric.is_global_zero:
            write_config(config, self.remarks())

    def run(self, stop_after: int | None) -> Path:
        """Train to the end, or to an epoch."""
        config, progress = self.config, self.progress
        last = min(stop_after or config.epochs, config.epochs) * self.plan.steps_per_epoch
        is_main = self.fabric.is_global_zero
        self.loggers = build_loggers(config, progress.rows, progress.step, progress.run) if is_main else []
        for remark in self.remarks():
            self.console.print(remark, highlight=False, soft_wrap=True)
        self.task.model.train()
        try:
            pin = self.fabric.device.type == "cuda"
            loaded = load_parts(self.task.data, self.plan, progress.step, last, config.data.workers, pin)
            with (
                display(self.console, progress.step, self.total, config.epochs) as shown,
                postponed_interrupt() as stop_if_asked,
            ):
                while progress.step < last:
                    self._step(loaded, shown)
                    try:
                        stop_if_asked()
                    except KeyboardInterrupt:
                        if self.fabric.world_size == 1:  # others may be at another step
                            self._checkpoint()
                        raise
        except KeyboardInterrupt:
            self.console.print(f"stopped; run the same command again to continue {config.folder}", highlight=False)
            raise
        finally:
            for logger in self.loggers:
                logger.close()
        if last < self.total:
            return config.folder / CHECKPOINT
        self._save(WEIGHTS)
        self.console.print(f"{config.folder / BEST}: {progress.best_by}", highlight=False, soft_wrap=True)
        self.console.print(f"wrote {config.folder / WEIGHTS}", highlight=False)
        return config.folder / WEIGHTS

    def remarks(self) -> list[str]:
        """What a run's folder and screen say about first weights, validation, batch and learning rates."""
        config, options = self.config, self.config.optimiser
        rates = ", ".join(f"{name} {rate:.4g}" for name, rate in self.rates.items())
        return [
            *start_remarks(config.start, self.task.newly_initialised, sum(1 for _ in self.task.model.parameters())),
            config.data.validation_remark(),
            batch_remark(self.images, self.fabric.world_size, config.accumulate, self.plan.steps_per_epoch),
            f"learning rates: {rates} (the recipe's, which are for a batch of {options.reference_batch}, times "
            f"{batch_factor(options, self.images):.4g}: {options.scaling})",
        ]

    def _step(self, loaded: Iterator[LoadedPart], shown: Display) -> None:
        config, progress = self.config, self.progress
        began = time.perf_counter()
        parts = [next(loaded) for _ in range(config.accumulate)]
        step, epoch = progress.step, progress.step // self.plan.steps_per_epoch
        torch.manual_seed((config.seed * 1_000_003 + step) * 1009 + self.fabric.global_rank)  # dropout
        factor = schedule_factor(config.schedule, step, self.total, self.plan.steps_per_epoch)
        set_rates(self.optimiser, self.rates, factor)
        overflow = config.precision == "16-mixed"
        result = training_step(self.fabric, self.task, self.module, self.optimiser, parts, config.optimiser, overflow)
        if result.broken(overflow):
            self._stop_at(parts, result)
        progress.step += 1
        self.average.update(progress.step)
        self.skipped += [problem for part in parts for problem in part.skipped]
        for name, value in result.terms.items():
            progress.sums[name] = progress.sums.get(name, 0.0) + value / self.plan.steps_per_epoch
        seconds = time.perf_counter() - began
        progress.seconds += seconds
        speed, memory = self.images / seconds, memory_gib(self.fabric.device)
        shown.step(epoch, result.terms, speed, memory)
        if progress.step % config.log_every == 0 or progress.step == 1:
            row = {"step": progress.step, "epoch": epoch + 1, "loss": sum(result.terms.values()), **result.terms}
            row |= {"gradient_norm": result.gradient_norm, **self._rate_columns(factor)}
            row |= {"images_per_second": round(speed, 2), "memory_gib": round(memory, 2)}
            for logger in self.loggers:
                logger.step(progress.step, row)
        if progress.step % self.plan.steps_per_epoch == 0:
            self._end_epoch(epoch, factor)
            self._checkpoint()
        elif config.checkpoint_every and progress.step % config.checkpoint_every == 0:
            self._checkpoint()

    def _end_epoch(self, epoch: int, factor: float) -> None:
        config, progress, done = self.config, self.progress, epoch + 1
        began = time.perf_counter()
        self._note_skipped()
        row: dict[str, Any] = {"epoch": done, "loss": sum(progress.sums.values()), **progress.sums}
        row |= self._rate_columns(factor)
        metrics: dict[str, float] = {}
        if done % config.validate_every == 0 or done == config.epochs:
            metrics = self.task.validate(self.average.model)
            row |= metrics
            self._keep_best(done, metrics)
        if config.keep_every and done % config.keep_every == 0:
            self._save(f"epoch_{done:04d}.safetensors")
        row["skipped_photographs"] = len(progress.skipped)
        row["seconds"] = round(progress.seconds + time.perf_counter() - began, 1)
        line = epoch_line(done, config.epochs, row["loss"], metrics, row["seconds"])
        self.console.print(line, highlight=False, soft_wrap=True)
        progress.rows.append(row)
        progress.sums, progress.seconds = {}, 0.0
        for logger in self.loggers:
            logger.epoch(progress.step, row)

    def _keep_best(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Write ``best.safetensors`` if this epoch is the best so far, or if none can be told from the others."""
        progress, name = self.progress, self.task.monitor
        value = metrics.get(name, math.nan)
        if math.isnan(value):
            if progress.best is not None:
                return
            progress.best_by = f"the last validated epoch ({epoch}): validation gives no {name} to choose by"
        elif progress.best is None or value > progress.best:
            progress.best, progress.best_by = value, f"epoch {epoch}, by {name} {value:.4f} on the validation images"
        else:
            return
        self._save(BEST)

    def _rate_columns(self, factor: float) -> dict[str, float]:
        first, *others = [group["name"] for group in self.optimiser.param_groups]
        rates = {f"learning_rate_{name}": self.rates[name] * factor for name in others}
        return {"learning_rate": self.rates[first] * factor, **rates}

    def _note_skipped(self) -> None:
        for problem in dict.fromkeys(gather(self.skipped)):
            if problem not in self.progress.skipped:
                self.progress.skipped.append(problem)
                self.console.print(f"skipped: {problem}", highlight=False)
        self.skipped = []

    def _stop_at(self, parts: list[LoadedPart], result: StepResult) -> None:
        """Save the batch and raise."""
        step = self.progress.step + 1
        path = self.config.folder / f"not_finite_step{step}_rank{self.fabric.global_rank}.pt"
        content = {"step": step, "terms": result.terms, "gradient_norm": result.gradient_norm}
        images = [name for part in parts for name in part.names]
        save_for_inspection(path, {**content, "images": images, "parts": [plain(part.batch) for part in parts]})
        raise InterplayError(
            f"{', '.join(result.broken(False))} is not a finite number in step {step} (epoch "
            f"{(step - 1) // self.plan.steps_per_epoch + 1}); the weights are those before it. The batch ("
            f"{', '.join(images[:4])}{' ...' if len(images) > 4 else ''}) is in {path}: torch.load(..., "
            "weights_only=True). Try a lower learning rate, or precision 32-true"
        )

    def _checkpoint(self) -> None:
        if self.fabric.is_global_zero:
            states = {
                "model": self.task.model.state_dict(),
                "average": self.average.state(),
                "optimiser": self.optimiser.state_dict(),
                "precision": self.fabric.strategy.precision.state_dict(),
            }
            write_checkpoint(self.config, self.progress, self.data, states)

    def _restore(self, checkpoint: dict[str, Any]) -> None:
        check_data_unchanged(self.config, self.data, checkpoint)
        self.progress = checkpoint["progress"]
        self.task.model.load_state_dict(checkpoint["model"])
        if checkpoint["average"] is not None:
            self.average.model.load_state_dict(checkpoint["average"])
        self.optimiser.load_state_dict(checkpoint["optimiser"])
        self.fabric.strategy.precision.load_state_dict(checkpoint["precision"])
        epoch = self.progress.step // self.plan.steps_per_epoch
        place = f"after epoch {epoch} of {self.config.epochs}, step {self.progress.step}"
        self.console.print(f"continuing {self.config.folder} {place}", highlight=False)

    def _save(self, name: str) -> None:
        """Write the weights; every process calls this, one writes."""
        extra = {
            **self.task.finish(self.average.model),
            "training": self.config.model_dump(mode="json", exclude=_PATHS),
            "effective_batch": self.images,
            "learning_rates": self.rates,
            "skipped_photographs": self.progress.skipped,
        }
        if self.fabric.is_global_zero:
            self.average.model.save(self.config.folder / name, bits=self.config.weight_bits, **extra)


_PLACES = {"root", "images", "vocabulary", "validation_root", "cache_folder", "feature_folder", "detections", "pose"}
_PATHS: Any = {"output": True, "start_file": True, "data": _PLACES, "further": {"__all__": _PLACES}}
"""What a weights file need not tell: where things are on this machine."""

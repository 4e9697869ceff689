"""Where a training's metrics go: CSV files always, TensorBoard and Weights & Biases if asked for."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from interplay.containers.tables import read_csv
from interplay.errors import InputError, MissingExtraError
from interplay.files import atomic_path, naming
from interplay.training.folder import LOG, STEPS
from interplay.training.sections import TrainConfig

Row = dict[str, Any]


class Logger(Protocol):
    """Takes metrics."""

    def step(self, step: int, row: Row) -> None:
        """Figures of one step."""
        ...

    def epoch(self, step: int, row: Row) -> None:
        """Figures of an epoch, which ended at this step."""
        ...

    def close(self) -> None:
        """Write what is not written yet."""
        ...


class CsvLogger:
    """``log.csv``, one row per epoch, and ``steps.csv``.

    Args:
        folder: the run's.
        rows: earlier epochs.
        step: of the checkpoint that the training goes on from; later rows of ``steps.csv`` are dropped.
    """

    def __init__(self, folder: Path, rows: list[Row], step: int) -> None:
        self._folder, self._rows = folder, list(rows)
        self._names: list[str] = []
        path = folder / STEPS
        earlier: list[Row] = []
        if step and path.is_file():
            found = read_csv(path)
            try:
                earlier = [dict(row) for row in found if int(row["step"]) <= step]
            except (KeyError, ValueError):
                raise InputError(f"{path}: not the steps of a training; remove it to go on without them") from None
        _write(path, earlier)
        self._names = list(earlier[0]) if earlier else []

    def step(self, step: int, row: Row) -> None:
        """Append to ``steps.csv``."""
        path = self._folder / STEPS
        with naming(path), path.open("a", newline="", encoding="utf-8") as stream:
            if not self._names:
                self._names = list(row)
                csv.DictWriter(stream, self._names).writeheader()
            csv.DictWriter(stream, self._names).writerow(row)

    def epoch(self, step: int, row: Row) -> None:
        """Rewrite ``log.csv`` whole, so that columns may come later."""
        self._rows.append(row)
        _write(self._folder / LOG, self._rows)

    def close(self) -> None:
        """Nothing is left to write."""


class TensorBoardLogger:
    """Event files in ``tensorboard``, for ``tensorboard --logdir runs``."""

    def __init__(self, folder: Path, step: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise MissingExtraError("loggers", "tensorboard") from None
        self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1 if step else None)

    def step(self, step: int, row: Row) -> None:
        """See `Logger`."""
        self._add("step", step, row)

    def epoch(self, step: int, row: Row) -> None:
        """See `Logger`."""
        self._add("epoch", step, row)
        self._writer.flush()

    def close(self) -> None:
        """See `Logger`."""
        self._writer.close()

    def _add(self, group: str, step: int, row: Row) -> None:
        for name, value in row.items():
            if isinstance(value, (int, float)):
                self._writer.add_scalar(f"{group}/{name}", value, step)


class WandbLogger:
    """Weights & Biases; ``offline`` writes to ``wandb`` in the run's folder, for ``wandb sync``."""

    def __init__(self, config: TrainConfig, run: str, offline: bool) -> None:
        try:
            import wandb
        except ImportError:
            raise MissingExtraError("loggers", "wandb") from None
        self._run = wandb.init(
            project="interplay",
            name=config.name,
            id=run,
            resume="allow",
            dir=str(config.folder),
            config=config.model_dump(mode="json"),
            mode="offline" if offline else "online",
        )

    def step(self, step: int, row: Row) -> None:
        """See `Logger`."""
        self._run.log({f"step/{name}": value for name, value in row.items()}, step=step)

    def epoch(self, step: int, row: Row) -> None:
        """See `Logger`."""
        self._run.log({f"epoch/{name}": value for name, value in row.items()}, step=step)

    def close(self) -> None:
        """See `Logger`."""
        self._run.finish()


def build_loggers(config: TrainConfig, rows: list[Row], step: int, run: str) -> list[Logger]:
    """The loggers that a configuration asks for.

    Raises:
        MissingExtraError: a package is not installed.
    """
    found: list[Logger] = [CsvLogger(config.folder, rows, step)]
    for name in config.loggers:
        if name == "tensorboard":
            found.append(TensorBoardLogger(config.folder, step))
        else:
            found.append(WandbLogger(config, run, offline=name == "wandb-offline"))
    return found


def _write(path: Path, rows: Sequence[Row]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        if names:
            writer = csv.DictWriter(stream, names)
            writer.writeheader()
            writer.writerows(rows)

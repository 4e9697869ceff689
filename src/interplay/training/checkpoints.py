"""A run's folder: checkpoint, weights, configuration. Every file is whole or not there."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml

from interplay._version import __version__
from interplay.containers.tensors import read_torch
from interplay.errors import InputError
from interplay.files import atomic_path
from interplay.training.sections import TrainConfig, determining

CHECKPOINT = "last.ckpt"
WEIGHTS = "model.safetensors"
BEST = "best.safetensors"
CONFIG = "config.yaml"


@dataclass
class Progress:
    """How far a training is.

    Attributes:
        step: changes of the weights so far.
        sums: of the loss terms over the steps of the epoch that is not over yet.
        seconds: spent in that epoch.
        rows: ``log.csv``, one per epoch.
        best: highest monitored figure so far.
        best_by: which epoch ``best.safetensors`` is of and why, in words.
        skipped: photographs that could not be read, and why.
        run: a name for loggers that is different for every run.
    """

    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    rows: list[dict[str, Any]] = field(default_factory=list)
    best: float | None = None
    skipped: list[str] = field(default_factory=list)
    run: str = ""
    best_by: str = ""


def write_checkpoint(config: TrainConfig, progress: Progress, states: dict[str, Any]) -> None:
    """Replace ``last.ckpt``.

    Args:
        config: of the training.
        progress: how far it is.
        states: of model, average, optimiser and gradient scaler.
    """
    content = {"progress": asdict(progress), "config": config.model_dump(mode="json"), "version": __version__, **states}
    with atomic_path(config.folder / CHECKPOINT) as temporary:
        torch.save(content, temporary)


def read_checkpoint(config: TrainConfig) -> dict[str, Any] | None:
    """What `write_checkpoint` wrote, with ``progress`` as `Progress`; None if there is no checkpoint.

    Raises:
        InputError: damaged, or of a training with other settings.
    """
    path = config.folder / CHECKPOINT
    if not path.is_file():
        return None
    try:
        content = read_torch(path)
        progress = Progress(**content["progress"])
        theirs = determining(content["config"])
    except (InputError, KeyError, TypeError, AttributeError):
        raise InputError(
            f"{path}: damaged, or not a checkpoint of 'interplay train'; remove it to start over"
        ) from None
    mine = determining(config.model_dump(mode="json"))
    if mine != theirs:
        names = sorted(_differences(mine, theirs))
        raise InputError(
            f"{config.folder} holds a run with other settings ({', '.join(names)}); give another --name, or remove "
            f"the folder. To train its weights further: another --name with --start weights --start_file "
            f"{config.folder / WEIGHTS}"
        )
    return {**content, "progress": progress}


def write_config(config: TrainConfig, remarks: list[str]) -> None:
    """Write ``config.yaml``, which `load_config` reads, with remarks as comments."""
    lines = [f"# {remark}\n" for remark in remarks]
    with atomic_path(config.folder / CONFIG) as temporary:
        content = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
        temporary.write_text("".join([*lines, content]), encoding="utf-8")


def save_for_inspection(path: Path, content: dict[str, Any]) -> None:
    """Write what went wrong: plain dictionaries, lists, numbers and tensors (``torch.load(weights_only=True)``)."""
    with atomic_path(path) as temporary:
        torch.save(content, temporary)


def _differences(mine: dict[str, Any], theirs: dict[str, Any], prefix: str = "") -> list[str]:
    found = []
    for name in mine.keys() | theirs.keys():
        a, b = mine.get(name), theirs.get(name)
        if isinstance(a, dict) and isinstance(b, dict):
            found += _differences(a, b, f"{prefix}{name}.")
        elif a != b:
            found.append(f"{prefix}{name}")
    return found

"""A run's folder: checkpoint, weights, configuration. Every file is whole or not there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml

from interplay._version import __version__
from interplay.containers.tensors import read_torch
from interplay.errors import InputError
from interplay.files import atomic_path
from interplay.training.folder import CHECKPOINT, CONFIG, WEIGHTS, check_is_ours, check_settings
from interplay.training.sections import TrainConfig


@dataclass
class Progress:
    """How far a training is.

    Attributes:
        step: changes of the weights so far.
        sums: of the loss terms over the steps of the epoch that is not over yet.
        seconds: spent in that epoch.
        rows: ``log.csv``, one per epoch.
        best: highest monitored metric so far.
        best_by: which epoch ``best.safetensors`` is of and why, in words.
        skipped: images that could not be read, and why.
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


def write_checkpoint(config: TrainConfig, progress: Progress, data: Mapping[str, Any], states: dict[str, Any]) -> None:
    """Replace ``last.ckpt``.

    Args:
        config: of the training.
        progress: how far it is.
        data: what tells the data that it learns from; see `check_data_unchanged`.
        states: of model, average, optimiser and gradient scaler.
    """
    content = {
        "progress": asdict(progress),
        "config": config.model_dump(mode="json"),
        "data": dict(data),
        "version": __version__,
        **states,
    }
    with atomic_path(config.folder / CHECKPOINT) as temporary:
        torch.save(content, temporary)


def read_checkpoint(config: TrainConfig) -> dict[str, Any] | None:
    """What `write_checkpoint` wrote, with ``progress`` as `Progress`; None if there is no checkpoint.

    Raises:
        InputError: damaged, of a training with other settings, or no checkpoint but files that are not a run's.
    """
    path = config.folder / CHECKPOINT
    if not path.is_file():
        check_is_ours(config)
        return None
    try:
        content = read_torch(path)
        progress = Progress(**content["progress"])
        theirs = dict(content["config"])
    except (InputError, KeyError, TypeError, ValueError, AttributeError):
        raise InputError(
            f"{path}: damaged, or not a checkpoint of 'interplay train'; remove it to start over"
        ) from None
    check_settings(config, theirs)
    return {**content, "progress": progress}


def check_data_unchanged(config: TrainConfig, data: Mapping[str, Any], checkpoint: Mapping[str, Any]) -> None:
    """Raise InputError where a run would go on with other data than it began with.

    Args:
        data: size and hash of annotations, and hashes of further files, by what they are.
        checkpoint: of the run; one of an earlier version says nothing about data.
    """
    before = checkpoint.get("data")
    if not isinstance(before, Mapping):
        return
    changed = [
        f"{name} ({_size(before.get(name))}, now {_size(data.get(name))})"
        for name in sorted(before.keys() | data.keys())
        if before.get(name) != data.get(name)
    ]
    if changed:
        raise InputError(
            f"{config.folder} holds a run on other data: {', '.join(changed)}. Bring back the files that it began "
            f"with, or train anew under another --name; with --start weights --start_file "
            f"{config.folder / WEIGHTS} from its weights"
        )


def _size(record: Any) -> str:
    if isinstance(record, Mapping):
        return f"{record.get('images')} images, {record.get('interactions')} interactions"
    return "none" if record is None else f"content {str(record)[:8]}"


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

"""A run's folder: what its files are called, and whether it is of the run that shall begin or go on.

This imports no network, so that other settings are told at once.
"""

from __future__ import annotations

from typing import Any

from interplay.containers.yaml_files import read_yaml
from interplay.errors import InputError
from interplay.training.sections import TrainConfig, determining

CHECKPOINT = "last.ckpt"
WEIGHTS = "model.safetensors"
BEST = "best.safetensors"
CONFIG = "config.yaml"
LOG = "log.csv"
STEPS = "steps.csv"


def check_folder(config: TrainConfig) -> None:
    """Whether a run in the configuration's folder, if there is one, has its settings, as far as ``config.yaml`` tells.

    Raises:
        InputError: it has others, or the folder holds files that are not a run's.
    """
    if not (config.folder / CHECKPOINT).is_file():
        check_is_ours(config)
        return
    try:
        content = read_yaml(config.folder / CONFIG) if (config.folder / CONFIG).is_file() else None
    except InputError:
        return  # the checkpoint has the settings too
    if isinstance(content, dict):
        check_settings(config, content)


def check_settings(config: TrainConfig, content: dict[str, Any]) -> None:
    """Raise InputError unless the dump of a run's configuration has the same settings."""
    mine, theirs = determining(config.model_dump(mode="json")), determining(content)
    if mine != theirs:
        names = sorted(_differences(mine, theirs))
        raise InputError(
            f"{config.folder} holds a run with other settings ({', '.join(names)}); give another --name, or remove "
            f"the folder. To train its weights further: another --name with --start weights --start_file "
            f"{config.folder / WEIGHTS}"
        )


def check_is_ours(config: TrainConfig) -> None:
    """A folder without a checkpoint is new, or of a run that was stopped before its first, and left its settings."""
    described = config.folder / CONFIG
    if described.is_file():
        try:
            content = read_yaml(described)
        except InputError:
            content = None
        if not isinstance(content, dict):
            raise InputError(f"{described} is not of a run of 'interplay train'; give another --name")
        check_settings(config, content)
        return
    for name in (WEIGHTS, BEST, LOG, STEPS):
        if (config.folder / name).exists():
            raise InputError(
                f"{config.folder / name} is there, but neither {CHECKPOINT} nor {CONFIG} of the run that it is of, so "
                "it is left as it is; give another --name"
            )


def _differences(mine: dict[str, Any], theirs: dict[str, Any], prefix: str = "") -> list[str]:
    found = []
    for name in mine.keys() | theirs.keys():
        a, b = mine.get(name), theirs.get(name)
        if isinstance(a, dict) and isinstance(b, dict):
            found += _differences(a, b, f"{prefix}{name}.")
        elif a != b:
            found.append(f"{prefix}{name}")
    return found

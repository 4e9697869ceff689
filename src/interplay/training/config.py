"""Training configurations: YAML files checked by pydantic, with dotted overrides from the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from interplay.errors import InputError, MissingFileError, near_matches


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataConfig(_Strict):
    """Where the annotations are and which split is for what."""

    dataset: str = "v-coco"
    root: Path | None = None
    train: Literal["train", "val", "trainval", "test"] = "trainval"
    validation: Literal["train", "val", "trainval", "test"] | None = None
    holdout: float = Field(default=0.1, ge=0, lt=1)
    """Share of the training images held out for validation where `validation` names no split."""


class ModelConfig(_Strict):
    """The network; see `interplay.models.tin.spatial.SpatialConfig`."""

    width: int = Field(default=64, ge=8)
    layers: int = Field(default=2, ge=0)
    heads: int = Field(default=4, ge=1)
    embedding: int = Field(default=32, ge=1)
    dropout: float = Field(default=0.2, ge=0, lt=1)


class AugmentationConfig(_Strict):
    """What is done to the boxes of a batch."""

    flip: bool = True
    jitter: float = Field(default=0.05, ge=0)
    rescale: float = Field(default=0.2, ge=0)
    detector_share: float = Field(default=0.35, ge=0, le=1)
    """Share of images whose boxes are made to look like a detector's."""
    detector_miss: float = Field(default=0.2, ge=0, lt=1)
    detector_jitter: float = Field(default=0.08, ge=0)
    detector_false: int = Field(default=6, ge=0)


class OptimiserConfig(_Strict):
    """AdamW with a one-cycle schedule."""

    learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    warm_up: float = Field(default=0.1, ge=0, lt=1)
    """Share of the steps during which the learning rate rises."""
    clip_norm: float = Field(default=1.0, gt=0)
    ema: float = Field(default=0.998, ge=0, lt=1)
    """Decay of the moving average of the weights, which is what is kept."""


class TrainConfig(_Strict):
    """Everything that determines a training."""

    name: str
    system: Literal["tin-spatial"]
    output: Path = Path("runs")
    seed: int = 0
    epochs: int = Field(default=30, ge=1)
    batch_size: int = Field(default=64, ge=1)
    validate_every: int = Field(default=5, ge=1)
    device: str = "auto"
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    optimiser: OptimiserConfig = OptimiserConfig()

    @property
    def folder(self) -> Path:
        """Where the run's files go."""
        return self.output / self.name


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """Read a YAML file and apply overrides such as ``["--data.root", "DIR", "--epochs=3"]``.

    Raises:
        MissingFileError: no such file.
        InputError: not YAML, an unknown field (names the nearest), or a value of the wrong type or out of range.
    """
    source = Path(path)
    if not source.is_file():
        raise MissingFileError(f"no configuration at {source}")
    try:
        content = yaml.safe_load(source.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{source}: not a YAML file: {error}") from None
    if not isinstance(content, dict):
        raise InputError(f"{source}: expected fields such as 'name:' and 'epochs:', got {type(content).__name__}")
    for field, value in parse_overrides(overrides):
        _set(content, field, value)
    return validate_config(content, str(source))


def validate_config(content: dict[str, Any], source: str = "configuration") -> TrainConfig:
    """A checked configuration.

    Raises:
        InputError: lists every field that is wrong, with its value and what was expected.
    """
    try:
        return TrainConfig.model_validate(content)
    except ValidationError as error:
        raise InputError("\n".join([f"{source}:", *(f"  {_problem(e)}" for e in error.errors())])) from None


def parse_overrides(arguments: Sequence[str]) -> list[tuple[str, Any]]:
    """``--a.b value`` and ``--a.b=value`` as (field, value) with the value read as YAML.

    Raises:
        InputError: something that is not an option, or an option without value.
    """
    pairs, rest = [], list(arguments)
    while rest:
        option = rest.pop(0)
        if not option.startswith("--") or option == "--":
            raise InputError(f"expected an option such as --epochs 3, got {option!r}")
        field, equals, text = option[2:].partition("=")
        if not equals:
            if not rest or rest[0].startswith("--"):
                raise InputError(f"the option {option} needs a value")
            text = rest.pop(0)
        try:
            pairs.append((field, yaml.safe_load(text)))
        except yaml.YAMLError:
            pairs.append((field, text))
    return pairs


def _set(content: dict[str, Any], field: str, value: Any) -> None:
    *parents, last = field.split(".")
    for parent in parents:
        inner = content.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise InputError(f"--{field}: {parent!r} has no fields of its own")
        content = inner
    content[last] = value


def _problem(error: Any) -> str:
    field = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        known: Any = TrainConfig
        for part in error["loc"][:-1]:
            known = known.model_fields[part].annotation
        names = list(known.model_fields)
        return f"{field}: no such field.{near_matches(str(error['loc'][-1]), names)} Known: {', '.join(names)}"
    if error["type"] == "missing":
        return f"{field}: is missing"
    return f"{field}: {error['msg']}, got {error['input']!r}"

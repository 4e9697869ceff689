"""The parts of a training's configuration that every system shares."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from typing_extensions import Self

from interplay.defaults import DatasetName
from interplay.vocabulary import canonical_name

Split = Literal["train", "val", "trainval", "test"]
Positive = Annotated[int, Field(gt=0, strict=True)]  # strict: true is no number
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]
Logger = Literal["tensorboard", "wandb", "wandb-offline"]
Start = Literal["scratch", "backbone", "published", "weights"]


def _canonical(name: Any) -> Any:
    return canonical_name(name) if isinstance(name, str) else name


class Section(BaseModel):
    """A group of fields; unknown ones are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DataConfig(Section):
    """What is trained and validated on.

    Attributes:
        dataset: whose annotations; ``own`` are one's own, in any form that interplay reads, ``generated`` a
            folder that `interplay synthesize` wrote.
        root: annotations (a folder, or a file) and, unless `images` says otherwise, the images.
        images: folder of the images.
        keypoints: COCO's ``person_keypoints_*.json``, or a folder with them, for the keypoints of annotated people.
        vocabulary: what the names in ``own`` data mean: a built-in vocabulary's name or a JSON file; by default what
            the annotations say. Where it lists no interactions, those that occur in the training annotations are the
            classes.
        train: split to train on; of ``own`` data only where a folder has a file for each split.
        unlabelled: what is learnt of people of whom not everything they do is annotated (the column `unlabelled`):
            ``ignored``: what is annotated, and nothing else; ``negative``: that they do nothing else, as published
            trainings of one-stage systems take it.
        validation: split to validate on.
        validation_root: annotations to validate on, instead of `root`.
        holdout: share of the training images, chosen by their names, that is validated on instead of trained on where
            neither `validation` nor `validation_root` is given. With 0, validation is on the training images.
        validation_detections: people and objects to validate on, for systems that pair given ones: a file of boxes, or
            a detector's name. Without, TIN is validated on annotated boxes only, and others use the default detector.
        workers: processes that read and change images, per training process.
        cache: keep decoded images in memory (``ram``) or in a folder (``disk``).
        cache_folder: where the cache ``disk`` is; by default ``cache`` in the run's folder.
        cache_gib: most that the cache takes, per training process.
    """

    dataset: Annotated[DatasetName, BeforeValidator(_canonical)]
    root: Path | None = None
    images: Path | None = None
    keypoints: Path | None = None
    vocabulary: str | None = None
    train: Split = "train"
    unlabelled: Literal["ignored", "negative"] = "ignored"
    validation: Split | None = None
    validation_root: Path | None = None
    holdout: Share = 0.1
    validation_detections: str | None = None
    workers: Annotated[int, Field(ge=0)] = 2
    cache: Literal["none", "ram", "disk"] = "none"
    cache_folder: Path | None = None
    cache_gib: Rate = 8.0

    def validation_remark(self) -> str:
        """What is validated on, in words."""
        if self.validation_root is not None:
            return f"validates on {self.validation_root}"
        if self.validation is not None:
            return f"validates on {self.validation}"
        if self.holdout:
            share = f"{self.holdout:.3g} of the training images, chosen by their names"
            return f"validates on {share}, and does not train on them (data.holdout)"
        return "validates on the training images (data.holdout: 0)"


class FurtherDataConfig(DataConfig):
    """Annotations that are only trained on, and all of them: validation is on those of the section `data`."""

    holdout: Share = 0.0

    @model_validator(mode="after")
    def _trained_on(self) -> Self:
        for field in ("validation", "validation_root", "holdout"):
            if getattr(self, field):
                raise ValueError(
                    f"further data are only trained on, all of them, got {field}={getattr(self, field)}: leave it out; "
                    "validation is on those of 'data'"
                )
        return self


class OptimiserConfig(Section):
    """How weights change.

    Attributes:
        algorithm: AdamW, Adam, or stochastic gradient descent with momentum.
        learning_rate: learning rate for an effective batch of `reference_batch` images.
        reference_batch: the batch that the recipe was published with.
        scaling: how the learning rates follow another effective batch: times batch / reference (``linear``), the root
            of that (``sqrt``), or not at all.
        weight_decay: weight decay of all parameters, unless the system says otherwise.
        momentum: momentum of the algorithm ``sgd``.
        second_beta: how slowly Adam's and AdamW's means of squared gradients follow.
        clip_norm: the gradient's norm over all parameters is cut to this; ``null`` leaves it.
        clip_each: after that, the norm of every parameter's own gradient is cut to this.
        ema: decay of a moving average of the weights, which is then validated and kept; 0 keeps the weights.
    """

    algorithm: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: Rate
    reference_batch: Positive
    scaling: Literal["linear", "sqrt", "none"] = "linear"
    weight_decay: Weight = 0.0
    momentum: Share = 0.9
    second_beta: Share = 0.999
    clip_norm: Rate | None = None
    clip_each: Rate | None = None
    ema: Share = 0.0

    def groups(self) -> dict[str, float]:
        """Learning rate by the names of the task's parameter groups."""
        return {"default": self.learning_rate}

    def decays(self) -> dict[str, float]:
        """Weight decay by the same names."""
        return dict.fromkeys(self.groups(), self.weight_decay)


class MatrixDecayConfig(OptimiserConfig):
    """AdamW; matrices decay, biases and normalisations do not (`training.optimisers.matrices_and_vectors`)."""

    learning_rate: Rate = 2e-3
    reference_batch: Positive = 64
    weight_decay: Weight = 0.05
    clip_norm: Rate | None = 1.0

    def groups(self) -> dict[str, float]:
        """Both at one rate."""
        return {"matrices": self.learning_rate, "vectors": self.learning_rate}

    def decays(self) -> dict[str, float]:
        """Weight decay of matrices and of vectors."""
        return {"matrices": self.weight_decay, "vectors": 0.0}


class ScheduleConfig(Section):
    """How the learning rates change.

    Attributes:
        kind: the curve: ``step``: times `factor` after each of the `milestones`; ``cosine``: along half a cosine to 0;
            ``linear``: up to the full rate during `warm_up`, then straight down to 0;
            ``one-cycle``: up to the full rate during `warm_up`, then along half a cosine to 0; ``restarts``: half
            cosines to 0, the first over `period` steps and each twice as long as the one before; ``staircase``: times
            `factor` after every `period` steps; or ``constant``.
        milestones: epochs after which the kind ``step`` lowers the rates.
        factor: what the kinds ``step`` and ``staircase`` multiply the rates by.
        period: optimiser steps between changes of the kinds ``restarts`` and ``staircase``.
        warm_up: share of the training during which the rates rise from 4 % to what the kind says.
    """

    kind: Literal["step", "cosine", "linear", "one-cycle", "restarts", "staircase", "constant"] = "step"
    milestones: tuple[Positive, ...] = ()
    factor: Rate = 0.1
    period: Positive = 20_000
    warm_up: Share = 0.0


class TrainConfig(Section):
    """Everything that determines a training; each system adds fields of its own.

    Attributes:
        name: name of the run; its files go to `output`/`name`.
        system: which network and task.
        output: folder in which the run's folder is made.
        seed: what everything random follows from: first weights, order of the images, augmentation, dropout.
        epochs: how many times every training image is seen.
        batch_size: images per change of the weights, over all processes and accumulated parts.
        accumulate: parts that a process computes one after the other, to need less memory.
        accelerator: what kind of device computes; ``auto`` takes the fastest there is.
        devices: processes per machine, each on a device of its own; ``auto`` is one for each GPU.
        nodes: machines that train together.
        strategy: how processes train together; ``auto`` is ``ddp`` where there are several.
        precision: numbers of 32 bits, or of 16 where they suffice, which is faster on GPUs.
        compile: let torch.compile make the network faster.
        start: where the first weights come from.
        start_file: the file that `start` speaks of; by default the one that torch downloaded earlier.
        validate_every: epochs between validations; the last one is always validated.
        checkpoint_every: optimiser steps between checkpoints; there is always one after an epoch.
        weight_bits: how many bits a number has in weights files: 16 make them half as large, and scores differ by some
            0.001; what is validated has 32.
        keep_every: epochs between weights files that are kept; ``null`` keeps the best and the last only.
        log_every: optimiser steps between rows of ``steps.csv``.
        loggers: where metrics go besides ``log.csv`` and ``steps.csv``.
    """

    name: Annotated[str, Field(coerce_numbers_to_str=True)]
    system: str
    output: Path = Path("runs")
    seed: Annotated[int, Field(ge=0, strict=True)] = 0
    epochs: Positive
    batch_size: Positive
    accumulate: Positive = 1
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    devices: Positive | Literal["auto"] = 1
    nodes: Positive = 1
    strategy: Literal["auto", "ddp"] = "auto"
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    compile: bool = False
    start: str = "scratch"
    start_file: Path | None = None
    validate_every: Positive = 5
    checkpoint_every: Positive | None = None
    weight_bits: Literal[16, 32] = 32
    keep_every: Positive | None = None
    log_every: Positive = 50
    loggers: tuple[Logger, ...] = ()
    data: DataConfig
    optimiser: OptimiserConfig
    schedule: ScheduleConfig = ScheduleConfig()

    @property
    def folder(self) -> Path:
        """Where the run's files go."""
        return self.output / self.name

    @property
    def start_source(self) -> str:
        """Which published file `start` means, as `training.inputs.SOURCES` calls it."""
        return self.start


FREE_FIELDS = frozenset(
    {"output", "accelerator", "devices", "nodes", "strategy", "accumulate", "compile", "start_file", "validate_every"}
    | {"checkpoint_every", "weight_bits", "keep_every", "log_every", "loggers"}
)
FREE_DATA_FIELDS = frozenset(
    {"root", "images", "validation_root", "workers", "cache", "cache_folder", "cache_gib", "feature_folder"}
)
"""Fields that may differ when a run continues: they say where and how, not what is computed."""


def determining(content: dict) -> dict:
    """A configuration's dump without the `FREE_FIELDS`."""
    kept = {name: value for name, value in content.items() if name not in FREE_FIELDS}
    return {name: _without_places(value) for name, value in kept.items()}


def _without_places(value: Any) -> Any:
    """Sections that name data, or several of them by name, without the `FREE_DATA_FIELDS`."""
    if not isinstance(value, dict):
        return value
    free = FREE_DATA_FIELDS if "dataset" in value else frozenset()
    return {name: _without_places(inner) for name, inner in value.items() if name not in free}

"""Training recipes: the files under ``configs/ggnet``, one per row of the papers' tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from interplay.errors import InputError, MissingFileError
from interplay.models.ggnet.config import GGNetConfig


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataSection(_Section):
    """Which annotations are trained on."""

    dataset: Literal["hico-det", "v-coco"]
    train: Literal["train", "trainval"]


class OptimiserSection(_Section):
    """Adam without weight decay.

    Attributes:
        learning_rate: for `batch_size` images.
        glance_factor: times that for the glance head (`GGNet.parameter_groups`), as in the published scripts.
        milestones: after these epochs the learning rate falls to a tenth.
    """

    learning_rate: Annotated[float, Field(gt=0)]
    glance_factor: Annotated[float, Field(gt=0)] = 10.0
    milestones: tuple[int, ...] = (90, 120)


class Recipe(_Section):
    """A training.

    Attributes:
        start: where the backbone and the object heads come from: CenterNet's published COCO weights, or nothing.
        augment: random crops, mirroring and colours.
    """

    name: str
    system: Literal["ggnet"]
    seed: int = 317
    epochs: Annotated[int, Field(gt=0)] = 120
    batch_size: Annotated[int, Field(gt=0)]
    start: Literal["centernet", "scratch"] = "centernet"
    augment: bool = True
    data: DataSection
    model: GGNetConfig = GGNetConfig()
    optimiser: OptimiserSection


def load_recipe(path: str | Path) -> Recipe:
    """Read a recipe.

    Raises:
        MissingFileError: no such file.
        InputError: not YAML, or a field that is unknown, missing or out of range; lists all of them.
    """
    source = Path(path)
    if not source.is_file():
        raise MissingFileError(f"no recipe at {source}")
    try:
        content: Any = yaml.safe_load(source.read_text(encoding="utf-8"))
        return Recipe.model_validate(content)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{source}: not a YAML file: {error}") from None
    except ValidationError as error:
        problems = [f"  {'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg']}" for e in error.errors()]
        raise InputError("\n".join([f"{source}:", *problems])) from None

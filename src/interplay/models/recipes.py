"""Reading training recipes: YAML files that a system's own pydantic class checks."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from interplay.errors import InputError, MissingFileError

Recipe = TypeVar("Recipe", bound=BaseModel)


def read_recipe(path: str | Path, kind: type[Recipe]) -> Recipe:
    """A recipe of the given class.

    Raises:
        MissingFileError: no such file.
        InputError: not YAML, or a field that is unknown, missing or out of range; lists all of them.
    """
    source = Path(path)
    if not source.is_file():
        raise MissingFileError(f"no recipe at {source}")
    try:
        return kind.model_validate(yaml.safe_load(source.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{source}: not a YAML file: {error}") from None
    except ValidationError as error:
        problems = [f"  {'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg']}" for e in error.errors()]
        raise InputError("\n".join([f"{source}:", *problems])) from None

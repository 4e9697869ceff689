"""Reading training configurations: YAML files checked by pydantic, with dotted overrides from the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from interplay.errors import InputError, MissingFileError
from interplay.options import problems_of
from interplay.systems import get_system
from interplay.training.sections import TrainConfig

__all__ = ["TrainConfig", "load_config", "load_recipe", "parse_overrides", "validate_config"]

Recipe = TypeVar("Recipe", bound=TrainConfig)


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """Read a YAML file and apply overrides such as ``["--data.root", "DIR", "--epochs=3"]``.

    Returns:
        A configuration of the class that belongs to the file's ``system``.

    Raises:
        MissingFileError: no such file.
        InputError: not YAML, an unknown system or field (names the nearest), or a value of the wrong type or out of
            range.
    """
    content = _read(Path(path))
    for field, value in parse_overrides(overrides):
        _set(content, field, value)
    return validate_config(content, str(path))


def load_recipe(path: str | Path, kind: type[Recipe]) -> Recipe:
    """Read a YAML file of a known system; see `load_config` for errors."""
    return _checked(_read(Path(path)), kind, str(path))


def validate_config(content: dict[str, Any], source: str = "configuration") -> TrainConfig:
    """A checked configuration.

    Raises:
        InputError: lists every field that is wrong, with its value and what was expected.
    """
    if "system" not in content:
        raise InputError(f"{source}:\n  system: is missing")
    try:
        kind = get_system(content["system"]).recipe_class()
    except InputError as error:
        raise InputError(f"{source}:\n  {error}") from None
    return _checked(content, kind, source)


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


def _read(source: Path) -> dict[str, Any]:
    if not source.is_file():
        raise MissingFileError(f"no configuration at {source}")
    try:
        content = yaml.safe_load(source.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{source}: not a YAML file: {error}") from None
    if not isinstance(content, dict):
        raise InputError(f"{source}: expected fields such as 'name:' and 'epochs:', got {type(content).__name__}")
    return content


def _set(content: dict[str, Any], field: str, value: Any) -> None:
    *parents, last = field.split(".")
    for parent in parents:
        inner = content.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise InputError(f"--{field}: {parent!r} has no fields of its own")
        content = inner
    content[last] = value


def _checked(content: dict[str, Any], kind: type[Recipe], source: str) -> Recipe:
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        lines = [f"  {field}: {', or '.join(found)}" for field, found in problems_of(error, kind).items()]
        raise InputError("\n".join([f"{source}:", *lines])) from None

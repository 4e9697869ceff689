"""Reading training configurations: YAML files checked by pydantic, with dotted overrides from the command line.

A file may name another one as its ``base`` and then states only what differs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from interplay.containers.guard import brief
from interplay.containers.yaml_files import parse_yaml, read_yaml
from interplay.errors import InputError, MissingFileError, near_matches
from interplay.options import problems_of
from interplay.systems import get_system
from interplay.training.sections import TrainConfig

__all__ = [
    "TrainConfig",
    "find_config",
    "list_configs",
    "load_config",
    "load_recipe",
    "parse_overrides",
    "resolve_config",
    "validate_config",
]

_SHIPPED = Path(str(resources.files("interplay") / "configs"))
_EXAMPLE = "gen_vlkt/nano"
Recipe = TypeVar("Recipe", bound=TrainConfig)


def list_configs() -> list[str]:
    """Names of the configurations that come with interplay, such as ``gen_vlkt/hico_s``; `load_config` takes them."""
    return sorted(str(path.relative_to(_SHIPPED).with_suffix("")) for path in _SHIPPED.glob("*/*.yaml"))


def find_config(name: str | Path) -> Path:
    """A configuration's file: the file itself, or one that comes with interplay by its name.

    Raises:
        MissingFileError: neither; names the nearest.
    """
    path = Path(name)
    shipped = _SHIPPED / f"{path.as_posix()}.yaml"
    if path.is_file() or not shipped.is_file():
        if not path.is_file():
            hint = near_matches(path.as_posix().removeprefix("configs/").removesuffix(".yaml"), list_configs())
            raise MissingFileError(
                f"no configuration at {name}: expected a YAML file, or the name of one that comes with interplay, such "
                f"as {_EXAMPLE} ('interplay train --list' shows all).{hint}"
            )
        return path
    return shipped


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """Read a YAML file and apply overrides such as ``["--data.root", "DIR", "--epochs=3"]``.

    ``base: other.yaml`` in the file, a path relative to it or a name of `list_configs`, takes everything that the file
    does not state from that one, section by section; lists are replaced as a whole. The other file may have a base
    itself.

    Args:
        path: a file, or a name of `list_configs`.
        overrides: options for fields.

    Returns:
        A configuration of the class that belongs to the file's ``system``.

    Raises:
        MissingFileError: no such file, or not its base.
        InputError: not YAML, bases in a circle, an unknown system or field (names the nearest), or a value of the
            wrong type or out of range.
    """
    return resolve_config(path, dict(parse_overrides(overrides)))


def resolve_config(
    config: TrainConfig | Mapping[str, Any] | str | Path, overrides: Mapping[str, Any] | None = None
) -> TrainConfig:
    """A checked configuration, changed.

    Args:
        config: a YAML file or a name of `list_configs`, what would be in one, or a configuration.
        overrides: values by field, ``{"data.root": "vcoco", "epochs": 3}``.

    Raises:
        MissingFileError, InputError: see `load_config`.
    """
    source = "configuration"
    if isinstance(config, TrainConfig):
        if not overrides:
            return config
        content = config.model_dump()
    elif isinstance(config, Mapping):
        content = deepcopy(dict(config))
    else:
        content, source = _read(find_config(config)), str(config)
    for field, value in (overrides or {}).items():
        _set(content, field, value)
    return validate_config(content, source)


def load_recipe(path: str | Path, kind: type[Recipe]) -> Recipe:
    """Read a YAML file of a known system; see `load_config` for errors."""
    return _checked(_read(find_config(path)), kind, str(path))


def validate_config(content: dict[str, Any], source: str = "configuration") -> TrainConfig:
    """A checked configuration.

    Raises:
        InputError: lists every field that is wrong, with its value and what was expected.
    """
    if "system" not in content:
        raise InputError(f"{source}:\n  system: is missing")
    if not isinstance(content["system"], str):
        raise InputError(f"{source}:\n  system: expected a name, got {brief(content['system'])}")
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
            pairs.append((field, parse_yaml(text, option)))
        except InputError:  # plain text that YAML would have in quotes
            pairs.append((field, text))
    return pairs


def _read(source: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The content of a file on top of its base's.

    Args:
        source: the file.
        above: the file that is asked for, its base, that one's base, and so on, of which the last names `source`.
    """
    if not source.is_file():
        of = f", the base of {above[-1]}" if above else ""
        raise MissingFileError(f"no configuration at {source}{of}")
    content = read_yaml(source, "a configuration in YAML")
    if not isinstance(content, dict):
        raise InputError(f"{source}: expected fields such as 'name:' and 'epochs:', got {type(content).__name__}")
    base = content.pop("base", None)
    if base is None:
        return content
    if not isinstance(base, str):
        raise InputError(f"{source}: base: expected another file, as a path relative to this one, got {brief(base)}")
    chain, path = (*above, source), source.parent / base
    if not path.is_file() and base in list_configs():
        path = find_config(base)
    if any(path.resolve() == other.resolve() for other in chain):
        raise InputError(f"bases go in a circle: {' -> '.join(map(str, (*chain, path)))}; remove one 'base:'")
    return _on_top(_read(path, chain), content)


def _on_top(base: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    """What a file states, section by section, and what its base states besides."""
    merged = dict(base)
    for name, value in content.items():
        below = base.get(name)
        merged[name] = _on_top(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return merged


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

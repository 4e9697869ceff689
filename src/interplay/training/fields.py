"""Every field of a configuration with its value and what it takes: what `interplay train CONFIG --help` shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", Path: "a path"}


@dataclass(frozen=True)
class FieldLine:
    """One field.

    Attributes:
        name: with dots for sections, as the command line takes it.
        value: as YAML on the command line would give it.
        takes: its choices, or what kind of value.
    """

    name: str
    value: str
    takes: str


def list_fields(config: BaseModel, prefix: str = "") -> Iterator[FieldLine]:
    """The fields of a configuration in their order, sections after each other.

    Args:
        config: a configuration or one of its sections.
        prefix: of the names: the sections that it is in.
    """
    sections = []
    for name, field in type(config).model_fields.items():
        value = getattr(config, name)
        if isinstance(value, BaseModel):
            sections.append((name, value))
        else:
            yield FieldLine(f"{prefix}{name}", _text(value), _takes(field.annotation))
    for name, section in sections:
        yield from list_fields(section, f"{prefix}{name}.")


def _text(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_text, value))}]"
    return str(value)


def _takes(annotation: Any) -> str:
    """What an annotation admits, in words."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _takes(get_args(annotation)[0])
    if origin is Literal:
        return " | ".join(_text(choice) for choice in get_args(annotation))
    if origin in (Union, UnionType):
        return " | ".join(dict.fromkeys(map(_takes, get_args(annotation))))
    if origin in (tuple, list):
        items = [item for item in get_args(annotation) if item is not Ellipsis]
        return f"a list: {' | '.join(dict.fromkeys(map(_takes, items)))}"
    return "null" if annotation is NoneType else _WORDS.get(annotation, "fields by name")

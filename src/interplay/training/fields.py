"""Every field of a configuration with its value, what it takes and what it means, for the help and the docs."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", Path: "a path"}


@dataclass(frozen=True)
class FieldLine:
    """One field.

    Attributes:
        name: with dots for sections, as the command line takes it.
        value: as YAML on the command line would give it; empty where a configuration has to give it.
        takes: its choices, or what kind of value.
        meaning: what its class says about it in "Attributes", in reStructuredText.
    """

    name: str
    value: str
    takes: str
    meaning: str


@dataclass(frozen=True)
class SectionLines:
    """The fields that stand beside each other.

    Attributes:
        name: of the section, with dots; empty for the configuration itself.
        meaning: the first sentence about its class.
        fields: without those of the sections in it.
    """

    name: str
    meaning: str
    fields: tuple[FieldLine, ...]


def list_sections(config: BaseModel | type[BaseModel], name: str = "") -> Iterator[SectionLines]:
    """A configuration's fields in their order, each section followed by those in it.

    Args:
        config: a configuration with its values, or a class of them with its defaults.
        name: of the section that it is.
    """
    kind = config if isinstance(config, type) else type(config)
    meanings, lines, inner = field_meanings(kind), [], []
    prefix = f"{name}." if name else ""
    for field, info in kind.model_fields.items():
        value = _default(info) if isinstance(config, type) else getattr(config, field)
        if isinstance(value, BaseModel) or _is_model(value):
            inner.append((f"{prefix}{field}", value))
        else:
            shown = "" if value is PydanticUndefined else _text(value)
            lines.append(FieldLine(f"{prefix}{field}", shown, _takes(info.annotation), meanings.get(field, "")))
    yield SectionLines(name, inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0], tuple(lines))
    for section, value in inner:
        yield from list_sections(value, section)


def field_meanings(kind: type[BaseModel]) -> dict[str, str]:
    """What the docstrings of a class and of those that it extends say about its fields, under "Attributes"."""
    meanings: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            meanings |= _attributes(inspect.cleandoc(vars(base).get("__doc__") or ""))
    return meanings


def plain_text(text: str) -> str:
    """A meaning without marks, for a screen."""
    return _capitalised(text).replace("`", "")


def markdown_options(kind: type[BaseModel]) -> str:
    """All fields of a class of configurations as Markdown: a table for each section."""
    blocks = []
    for section in list_sections(kind):
        rows = [
            f"| `{line.name}` | {f'`{line.value}`' if line.value else 'required'} | {_cell(line.takes)} "
            f"| {_cell(_capitalised(line.meaning).replace('``', '`'))} |"
            for line in section.fields
        ]
        heading = [f"### {section.name}\n\n{section.meaning.replace('``', '`')}"] if section.name else []
        table = (
            ["\n".join(["| field | default | takes | meaning |", "| --- | --- | --- | --- |", *rows])] if rows else []
        )
        blocks += [*heading, *table]
    return "\n\n".join(blocks)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _attributes(text: str) -> dict[str, str]:
    """The entries of the section "Attributes:" of a docstring; one entry may be about several names."""
    lines = iter(text.split("\n"))
    entries: list[tuple[str, list[str]]] = []
    if "Attributes:" not in text or not any(line == "Attributes:" for line in lines):
        return {}
    for line in lines:
        if line and not line.startswith("    "):
            break
        entry = re.fullmatch(r"    (\w+(?:, \w+)*): (.*)", line)
        if entry:
            entries.append((entry[1], [entry[2]]))
        elif line and entries:
            entries[-1][1].append(line.strip())
    return {name: " ".join(words) for names, words in entries for name in names.split(", ")}


def _default(info: FieldInfo) -> Any:
    """A field's default; the class of a section that has to be given."""
    value = info.get_default(call_default_factory=True)
    return info.annotation if value is PydanticUndefined and _is_model(info.annotation) else value


def _is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel)


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

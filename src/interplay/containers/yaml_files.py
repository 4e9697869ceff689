"""YAML, as written by hand for configurations: plain values only, every key once, nothing that unfolds."""

from __future__ import annotations

import os
from typing import Any

import yaml

from interplay.containers.guard import brief, count_values, in_words, reason
from interplay.containers.text import read_text
from interplay.errors import InputError

_SIZE_LIMIT = 100 << 10
_VALUE_LIMIT = 100_000


def read_yaml(path: str | os.PathLike[str], what: str = "a YAML file") -> Any:
    """The content of a YAML file of at most 100 KB.

    Raises:
        MissingFileError: there is none.
        InputError: not YAML, a key comes twice, or it names something other than plain values; says where.
    """
    return parse_yaml(read_text(path, what, _SIZE_LIMIT), str(path))


def parse_yaml(text: str, where: str) -> Any:
    """The value of a YAML text.

    Raises:
        InputError: as for `read_yaml`.
    """
    if len(text) > _SIZE_LIMIT:
        raise InputError(f"{where}: {in_words(len(text))}, but a configuration has at most {in_words(_SIZE_LIMIT)}")
    try:
        value = _load(text)
        count_values(value, _VALUE_LIMIT)
        _check_integers(value)
        return value
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    except Exception as error:  # its constructors raise whatever int(), datetime() and dict() raise
        raise InputError(f"{where}: {reason(error, 'YAML')}") from None


def _load(text: str) -> Any:
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _check_integers(value: Any) -> None:
    """Refuse integers beyond 64 bits, as JSON's are: what checks a configuration cannot even print the longest."""
    if isinstance(value, dict):
        for key, entry in value.items():
            _check_integers(key)
            _check_integers(entry)
    elif isinstance(value, (list, tuple, set)):
        for entry in value:
            _check_integers(entry)
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise InputError("a number does not fit in 64 bits")


class _Loader(yaml.SafeLoader):
    """Plain values; a key that comes twice is an error, and not the last one's value."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            if key.value in seen:
                raise InputError(f"line {key.start_mark.line + 1}: the key {brief(key.value)} comes twice")
            seen.add(key.value)
        return super().construct_mapping(node, deep)

"""Options that are checked where they come in, those that every model has, and what is wrong with some."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, PlainValidator, ValidationError

from interplay.containers.guard import brief
from interplay.errors import InputError, near_matches
from interplay.vocabulary import Vocabulary

_TRIED_TYPE = re.compile(r"literal\[.*\]|(constrained-)?(int|float|str)")
"""Where a field may be of several types, pydantic adds the name of the type that it tried to the field's."""


class Options(BaseModel):
    """Options by name; they do not change, and an unknown name is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelConfig(Options):
    """Every choice of a model. Systems have classes of their own for the sections, and may have more sections.

    Attributes:
        network: what the network is made of.
        loss: what training minimises.
        decoding: how outputs become interactions; `HoiModel.set_decoding` changes it.
    """

    network: Options
    loss: Options
    decoding: Options


class ModelDescription(BaseModel):
    """What a weights file says about a model, as far as it is needed to build it again.

    Systems have classes of their own with their `config`, and may have more fields. What a file says beside these, for
    example about its training, is not looked at.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    config: ModelConfig
    vocabulary: Annotated[Vocabulary, PlainValidator(Vocabulary.from_dict)]


Chosen = TypeVar("Chosen", bound=Options)


def changed_options(options: Chosen, changes: Mapping[str, Any], what: str) -> Chosen:
    """Options with some of them changed.

    Args:
        options: as they are.
        changes: by name; text such as ``"true"`` or ``"0.5"`` is read as what the option takes.
        what: what the options are called, for the error.

    Raises:
        InputError: no such option, or a value that it does not take.
    """
    try:
        return type(options).model_validate({**options.model_dump(), **changes})
    except ValidationError as error:
        problems = problems_of(error, type(options), what)
        lines = [f"{what} option {name}: {', or '.join(found)}" for name, found in problems.items()]
        raise InputError("\n".join(lines)) from None


def problems_of(error: ValidationError, kind: type[BaseModel], whole: str = "the file") -> dict[str, list[str]]:
    """What is wrong with some options: field -> problems, each with what was expected and what came.

    Args:
        error: of pydantic.
        kind: of the options.
        whole: what all of the options are called.
    """
    problems: dict[str, list[str]] = {}
    for one in error.errors():
        parts = [brief(part).strip("'") for part in one["loc"] if not _TRIED_TYPE.fullmatch(str(part))]
        problems.setdefault(".".join(parts) or whole, []).append(_problem(one, kind))
    return problems


def _problem(error: Any, kind: type[BaseModel]) -> str:
    if error["type"] == "extra_forbidden":
        names = list(_section(kind, error["loc"][:-1]).model_fields)
        near = near_matches(str(error["loc"][-1]), names)
        return f"no such field, got {brief(error['input'])}.{near} Known: {', '.join(names)}"
    if error["type"] == "missing":
        return "is missing"
    if error["type"] == "tuple_type":
        got = brief(error["input"])
        return f"expected a list such as [{got.strip(chr(39))}], got {got}"
    if isinstance(error["input"], (dict, BaseModel)) and error["type"] == "value_error":
        return error["msg"]  # of fields that do not go together, which the message names
    return f"{error['msg']}, got {brief(error['input'])}"


def _section(kind: type[BaseModel], place: Sequence[str | int]) -> type[BaseModel]:
    """The class of a nested section, which may be optional or one of several."""
    for part in place:
        if part in kind.model_fields:
            kind = next(iter(_models(kind.model_fields[str(part)].annotation)), kind)
    return kind


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)

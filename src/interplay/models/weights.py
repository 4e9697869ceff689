"""Weights files: safetensors whose metadata says what network they belong to and how they came about.

Numbers have 32 bits, or 16 in a file half as large; networks are read with 32. The metadata is a description:
``system``, ``format`` (of that system's files; see `DescribedModel.migrations`), ``versions`` of what wrote it, what
the system needs to build the network again, and what else there is to say. Whoever reads a file sees it in the newest
format. Files without ``format`` are of format 1.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import torch
from pydantic import ValidationError
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from interplay._version import __version__
from interplay.containers.guard import brief, reading, reason, regular_file
from interplay.containers.json_files import parse_json
from interplay.errors import InputError, MissingFileError
from interplay.files import atomic_path
from interplay.options import problems_of
from interplay.systems import CONTACT_SYSTEMS, SYSTEMS, System

if TYPE_CHECKING:
    from interplay.models.base import HoiModel
    from interplay.models.contact import ContactModel
    from interplay.models.described import DescribedModel

_KEY = "interplay"


Bits: TypeAlias = Literal[16, 32]


def save_weights(
    model: DescribedModel, description: Mapping[str, Any], path: str | Path, bits: Bits | None = None
) -> None:
    """Write a model's state with a description, whole or not at all; `DescribedModel.save` has the model's own.

    Raises:
        InputError: a weight is too large for 16 bits.
    """
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    if bits is not None:
        state = {name: _with_bits(name, tensor, bits) for name, tensor in state.items()}
    versions = {"interplay": __version__, "torch": torch.__version__}
    written = {"format": newest_format(type(model)), "versions": versions, **description}
    with atomic_path(path) as temporary:
        save_file(state, temporary, metadata={_KEY: json.dumps(written)})


def _with_bits(name: str, tensor: Tensor, bits: Bits) -> Tensor:
    if not tensor.is_floating_point():
        return tensor
    stored = tensor.to(torch.float16 if bits == 16 else torch.float32)
    if tensor.isfinite().all() and not stored.isfinite().all():
        raise InputError(
            f"{name} goes up to {tensor.abs().max():.3g}, and numbers of 16 bits to {torch.finfo(stored.dtype).max:.3g}"
            ": give bits=32, in a training --weight_bits 32"
        )
    return stored


def newest_format(kind: type[DescribedModel]) -> int:
    """The format of the weights files that this version writes for a class of models."""
    return 1 + len(kind.migrations)


def read_weights(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """A file's tensors and its description, both in the newest format.

    Raises:
        MissingFileError: no such file.
        InputError: not a safetensors file, not one of interplay's, of an unknown system, or of a later version.
    """
    with _opened(path) as file:
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no dict
        return _newest(_description(file.metadata(), path), state, path)


def read_description(path: str | Path) -> dict[str, Any]:
    """A file's description alone; errors as of `read_weights`."""
    with _opened(path) as file:
        return newest_description(file.metadata(), path)


def newest_description(metadata: Mapping[str, str] | None, path: str | Path) -> dict[str, Any]:
    """The description in a file's metadata, in the newest format; errors as of `read_weights`."""
    return _newest(_description(metadata, path), {}, path)[1]


def is_weights_file(path: str | Path) -> bool:
    """Whether a file says what network its weights belong to, as `save_weights` writes it."""
    try:
        with _opened(path) as file:
            return _KEY in (file.metadata() or {})
    except (InputError, MissingFileError):
        return False


@contextmanager
def _opened(path: str | Path) -> Iterator[Any]:
    source = Path(path)
    if not source.is_file():
        raise MissingFileError(f"no weights at {source}")
    regular_file(source, "a weights file")
    with reading(source, "a readable safetensors file"), safe_open(source, framework="pt") as file:
        yield file


def _description(metadata: Mapping[str, str] | None, path: str | Path) -> dict[str, Any]:
    if metadata is None or _KEY not in metadata:
        raise InputError(
            f"{path}: holds no description of its network, so it is not a weights file of interplay's; "
            "'interplay import', 'interplay train' and 'interplay export' write such files"
        )
    try:
        description = parse_json(metadata[_KEY], "the description of its network")
    except InputError as error:
        raise InputError(f"{path}: {error}. {_make_again({})}") from None
    if not isinstance(description, dict):
        raise InputError(
            f"{path}: the description of its network must be a JSON object, got {type(description).__name__}. "
            f"{_make_again({})}"
        )
    return description


def _newest(
    description: dict[str, Any], state: dict[str, Tensor], path: str | Path
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and description in the newest format of the system."""
    kind = system_of(description, path).network_class()
    newest, found = newest_format(kind), description.get("format", 1)
    if type(found) is not int or found < 1:
        raise InputError(f"{path}: format: expected a whole number from 1 on, got {brief(found)}. {_make_again({})}")
    if found > newest:
        raise InputError(
            f"{path}: its format is {found} and interplay {__version__} reads {description['system']} files of "
            f"{'format 1' if newest == 1 else f'formats 1 to {newest}'}; it was written by interplay "
            f"{_writer(description) or 'of a later version'}. Update interplay, or {_AGAIN}"
        )
    with describing(description, path):
        for migrate in kind.migrations[found - 1 :]:
            description, state = migrate(description, state)
    return state, {**description, "format": newest}


@contextmanager
def describing(description: Mapping[str, Any], path: str | Path) -> Iterator[None]:
    """Turn what goes wrong with a description inside into an `InputError` that says file, field and what to do."""
    try:
        yield
    except ValidationError as error:
        kind = system_of(description, path).network_class().description_class
        problems = problems_of(error, kind, "the description")
        lines = [f"  {field}: {', or '.join(found)}" for field, found in problems.items()]
    except InputError as error:
        lines = [f"  {error}"]
    except KeyError as error:
        lines = [f"  {error.args[0]}: is missing"]
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        lines = [f"  {error}"]
    else:
        return
    system = description.get("system")
    problem = f"{path}: the description of its network does not fit {system}:"
    raise InputError("\n".join([problem, *lines, _make_again(description)]))


_AGAIN = "make the file again with 'interplay import' or 'interplay train'"


def _make_again(description: Mapping[str, Any]) -> str:
    writer = _writer(description)
    if writer and writer != __version__:
        return f"It was written by interplay {writer}, this is {__version__}: use that version, or {_AGAIN}"
    return f"Was it changed by hand? If not, {_AGAIN}"


def _writer(description: Mapping[str, Any]) -> str:
    """The version of interplay that wrote a file; empty where the file does not say."""
    versions = description.get("versions")
    found = versions.get("interplay") if isinstance(versions, Mapping) else description.get("interplay")
    return str(found) if found else ""


def read_model(path: str | Path) -> HoiModel:
    """The model of a weights file, in evaluation mode on the CPU.

    Raises:
        MissingFileError: no such file.
        InputError: not a weights file, of no known system, of contact or of a later version, a description that does
            not fit the system, or tensors that do not fit the network; says what to do.
    """
    return _read(path, SYSTEMS, f"which finds contact: 'interplay contact --model {path}' takes it")


def read_contact_model(path: str | Path) -> ContactModel:
    """The network of contact of a weights file, in evaluation mode on the CPU; errors as of `read_model`."""
    return _read(path, CONTACT_SYSTEMS, f"which finds interactions: 'interplay detect --model {path}' takes it")


def _read(path: str | Path, systems: Mapping[str, System], otherwise: str) -> Any:
    state, description = read_weights(path)
    if (system := system_of(description, path)).name not in systems:
        raise InputError(f"{path} holds weights of {system.name}, {otherwise}")

    def build() -> Any:
        with describing(description, path):
            return system.network_class().from_description(description)

    return build_with(build, {name: tensor.to(torch.float32) for name, tensor in state.items()}, str(path))


def system_of(description: Mapping[str, Any], path: str | Path) -> System:
    """The system that a weights file's description names.

    Raises:
        InputError: no system of that name.
    """
    found, known = description.get("system"), {**SYSTEMS, **CONTACT_SYSTEMS}
    if not isinstance(found, str) or found not in known:
        raise InputError(f"{path} holds weights of {found!r}, expected {' or '.join(known)}")
    return known[found]


_CALLS, _CALLS_PER_TENSOR = 10_000, 100
"""Of torch's functions, while a network is made without memory."""

Built = TypeVar("Built", bound=nn.Module)


def build_with(
    build: Callable[[], Built],
    state: Mapping[str, Tensor],
    source: str,
    optional: Sequence[str] = (),
    with_others: bool = False,
) -> Built:
    """The network that `build` makes, with these weights, in evaluation mode.

    It is made without memory first, to compare shapes: what a file says must not ask for more than it holds.

    Args:
        build: makes the network.
        state: parameter name -> tensor; all that the network has.
        source: of the weights, for the error.
        optional: ends of names that need not be there.
        with_others: whether `state` may have more, which is left out.

    Raises:
        InputError: a name is missing or unknown, or a shape differs.
    """
    try:
        with torch.device("meta"), unfilled(len(state)):
            expected = build().state_dict()
            if with_others:
                state = {name: tensor for name, tensor in state.items() if name in expected}
            _compare(expected, state, source, optional)
    except (RuntimeError, OverflowError, MemoryError, RecursionError) as error:  # sizes beyond what torch counts with
        raise InputError(f"{source}: {reason(error, 'a network')}") from None
    model = build()
    model.load_state_dict(state, strict=False)
    return model.eval()


class unfilled(TorchFunctionMode):  # used as a function, in a with statement
    """Tensors are not filled with random numbers: without memory, torch would load its compiler to do nothing.

    Neither are many more of them made than a file has: a description may name a thousand million layers.
    """

    def __init__(self, tensors: int) -> None:
        super().__init__()
        self._left = _CALLS + _CALLS_PER_TENSOR * tensors

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self._left -= 1
        if self._left < 0:
            raise InputError("the description is of a network with many more tensors than there are")
        if getattr(func, "__name__", "") in ("normal_", "uniform_"):
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))


def _compare(expected: Mapping[str, Tensor], state: Mapping[str, Tensor], source: str, optional: Sequence[str]) -> None:
    missing = [name for name in expected if name not in state and not name.endswith(tuple(optional))]
    if missing:
        raise InputError(f"{source}: not whole: {len(missing)} tensors are missing, such as {missing[0]}")
    for name, tensor in state.items():
        if name not in expected:
            raise InputError(f"{source}: {name} has shape {tuple(tensor.shape)}, but the network has no such tensor")
        if tensor.shape != expected[name].shape:
            wanted = tuple(expected[name].shape)
            raise InputError(f"{source}: {name} has shape {tuple(tensor.shape)}, but the network has {wanted}")
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise InputError(
                f"the weights of {source} are not finite: {name} holds NaN or infinity. The training that wrote them "
                "diverged, or the file is damaged; use another one"
            )

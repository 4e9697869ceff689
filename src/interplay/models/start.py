"""First weights from a file: copying what fits."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from interplay.errors import InputError
from interplay.training.inputs import start_file

if TYPE_CHECKING:
    from interplay.models.base import ClassAxes, HoiModel
    from interplay.training.sections import TrainConfig


@torch.no_grad()
def copy_fitting(module: nn.Module, state: Mapping[str, Tensor], source: str) -> list[str]:
    """Copy the tensors whose names and shapes fit, in place; others keep their initial values.

    A layer is copied with all that belongs to it: the bias of one whose weight does not fit stays as it is, and so
    does a classifier that has more than weight and bias, if the state has not. Part of it would silence the new layer.

    Returns:
        Names of the parameters that are newly initialised: those that keep their values.

    Raises:
        InputError: nothing fits.
    """
    own = module.state_dict()
    fitting = {name: value for name, value in state.items() if name in own and own[name].shape == value.shape}
    for layer, names in _layers(module).items():
        absent = names - fitting.keys()
        if absent - {f"{layer}bias"}:
            fitting = {name: value for name, value in fitting.items() if name not in names}
    if not fitting:
        raise InputError(
            f"{source}: none of its {len(state)} tensors fits the network; its names are such as "
            f"{', '.join(list(state)[:3])}, the network's such as {', '.join(list(own)[:3])}"
        )
    module.load_state_dict(fitting, strict=False)
    return [name for name, _ in module.named_parameters() if name not in fitting]


def _layers(module: nn.Module) -> dict[str, set[str]]:
    """Names of the parameters of every layer with a weight, by the layer's prefix."""
    layers = {}
    for prefix, layer in module.named_modules():
        before = f"{prefix}." if prefix else ""
        own = {before + name for name, _ in layer.named_parameters(recurse=False)}
        if f"{before}weight" in own:
            layers[before] = own
    return layers


def copy_model(model: HoiModel, other: HoiModel, source: str) -> list[str]:
    """Copy from another model what fits, classes by their names; see `copy_fitting` for the result."""
    state = {name: value for name, value in other.state_dict().items() if name not in other.class_buffers}
    return copy_fitting(model, align_classes(model, state, other.class_axes()), source)


@torch.no_grad()
def align_classes(model: HoiModel, state: Mapping[str, Tensor], axes: ClassAxes) -> dict[str, Tensor]:
    """Another model's state with its classes in the order of `model`'s.

    Classes that the other model does not know have the model's own values; what shares no class with it is left out.

    Args:
        model: to be initialised.
        state: of the other model, under this one's names.
        axes: the other model's `HoiModel.class_axes`.
    """
    own = model.state_dict()
    aligned = dict(state)
    for name, names in model.class_axes().items():
        if name not in state or name not in axes:
            continue
        value, given = own[name].clone(), aligned.pop(name)
        fixed = [axis for axis in range(value.ndim) if axis not in names]
        if value.ndim != given.ndim or any(value.shape[axis] != given.shape[axis] for axis in fixed):
            continue
        classes = [(names.get(i, range(n)), axes[name].get(i, range(n))) for i, n in enumerate(value.shape)]
        ours, theirs = zip(*(_shared(*both) for both in classes), strict=True)
        if all(map(len, ours)):
            value[torch.meshgrid(*ours, indexing="ij")] = given[torch.meshgrid(*theirs, indexing="ij")].to(value)
            aligned[name] = value
    return aligned


def _shared(ours: Sequence[Hashable], theirs: Sequence[Hashable]) -> tuple[Tensor, Tensor]:
    """Where the names that both have stand in the one and in the other."""
    known = {name: place for place, name in enumerate(theirs)}
    places = [(place, known[name]) for place, name in enumerate(ours) if name in known]
    both = torch.tensor(places, dtype=torch.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def start_from_weights(config: TrainConfig, model: HoiModel, backbone: nn.Module) -> list[str]:
    """The kinds of `Start` that every network knows; see `copy_fitting` for the result.

    Args:
        config: of the training.
        model: to initialise, in place.
        backbone: the part of it that ``start=backbone`` initialises.
    """
    from interplay.checkpoints.state_dicts import read_state_dict
    from interplay.models.published import load_published
    from interplay.models.weights import read_model

    if config.start == "scratch":
        return [name for name, _ in model.named_parameters()]
    file = start_file(config)
    if config.start == "backbone":
        new = set(copy_fitting(backbone, read_state_dict(file), str(file)))
        copied = {id(parameter) for name, parameter in backbone.named_parameters() if name not in new}
        return [name for name, parameter in model.named_parameters() if id(parameter) not in copied]
    published = config.start == "published"
    other = load_published(config.system, file) if published else read_model(file)
    return copy_model(model, other, str(file))

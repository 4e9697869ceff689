"""Optimisers from a configuration, and the moving average of the weights."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from interplay.errors import InputError
from interplay.training.schedules import batch_factor
from interplay.training.sections import OptimiserConfig

Network = TypeVar("Network", bound=nn.Module)


def learning_rates(options: OptimiserConfig, batch_size: int) -> dict[str, float]:
    """Group -> learning rate for an effective batch."""
    factor = batch_factor(options, batch_size)
    return {name: rate * factor for name, rate in options.groups().items()}


def matrices_and_vectors(network: nn.Module) -> dict[str, list[nn.Parameter]]:
    """The parameter groups of `interplay.training.sections.MatrixDecayConfig`."""
    parameters = list(network.parameters())
    return {"matrices": [p for p in parameters if p.ndim > 1], "vectors": [p for p in parameters if p.ndim <= 1]}


def build_optimiser(
    parameters: Mapping[str, Sequence[nn.Parameter]], options: OptimiserConfig, batch_size: int, fused: bool = False
) -> torch.optim.Optimizer:
    """The optimiser, one group per name.

    Args:
        parameters: group -> parameters; the names are those of ``options.groups()``.
        options: rates and kind.
        batch_size: images per step, over all processes.
        fused: change all weights in one pass over them, the same change several times faster. Not together with
            a gradient scaler (``16-mixed``), whose gradients could then not be clipped.

    Raises:
        InputError: other names, or nothing to train.
    """
    rates, decays = learning_rates(options, batch_size), options.decays()
    if parameters.keys() != rates.keys():
        raise InputError(f"the network has parameter groups {sorted(parameters)}, the recipe rates for {sorted(rates)}")
    groups = [
        {"name": name, "params": list(members), "lr": rates[name], "weight_decay": decays[name]}
        for name, members in parameters.items()
        if members
    ]
    if not groups:
        raise InputError("every parameter is frozen: there is nothing to train")
    if options.algorithm == "sgd":
        return torch.optim.SGD(groups, momentum=options.momentum, fused=fused)
    kind = torch.optim.AdamW if options.algorithm == "adamw" else torch.optim.Adam
    return kind(groups, betas=(0.9, options.second_beta), fused=fused)


def set_rates(optimiser: torch.optim.Optimizer, rates: Mapping[str, float], factor: float) -> None:
    """Give every group its rate times a factor."""
    for group in optimiser.param_groups:
        group["lr"] = rates[group["name"]] * factor


@torch.no_grad()
def clip_each_gradient(parameters: Iterable[nn.Parameter], limit: float) -> None:
    """Cut the norm of every parameter's own gradient, in place; parameters without gradient are left alone."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not gradients:
        return
    factors = [(limit / norm.clamp(min=limit)) for norm in torch._foreach_norm(gradients)]
    torch._foreach_mul_(gradients, factors)


class MovingAverage(Generic[Network]):
    """An exponential moving average of a network's weights; with a decay of 0 it is the network itself.

    Attributes:
        model: the average, in evaluation mode; shares nothing with the network unless the decay is 0.
    """

    def __init__(self, network: Network, decay: float) -> None:
        self.decay = decay
        self._network = network
        self.model = copy.deepcopy(network).eval() if decay else network

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move towards the network; early on it follows faster. Buffers, such as running means, are copied.

        Args:
            step: changes of the weights so far.
        """
        if not self.decay:
            return
        weight = 1 - min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.model.parameters()), list(self._network.parameters()), weight)
        for mine, current in zip(self.model.buffers(), self._network.buffers(), strict=True):
            mine.copy_(current)

    def state(self) -> dict[str, Tensor] | None:
        """What a checkpoint needs; nothing if there is no average."""
        return self.model.state_dict() if self.decay else None

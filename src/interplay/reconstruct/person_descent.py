"""Going down to the best pose: Levenberg and Marquardt's method for many states at once, with bounded losses."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from .person_terms import TEMPER, BodyTerms

_ROBUST = 5.0


def descend(
    terms: BodyTerms, x: Tensor, root: Tensor, component: Tensor, steps: int, coarse: bool = False
) -> tuple[Tensor, Tensor]:
    """Levenberg and Marquardt's steps for every state; returns the states and their energies."""

    def stacked(state: Tensor) -> Tensor:
        return torch.cat(list(terms.residuals(state, root, component, coarse).values()), 1)

    def measured(state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Energies (B,), residuals (B, M) and weights (B, M)."""
        parts = terms.residuals(state, root, component, coarse)
        energy, weights = TEMPER * terms.offsets[component], []
        for name, value in parts.items():
            if name in ("keypoints", "silhouette"):  # in pairs
                square = value.reshape(len(value), -1, 2).square().sum(2).repeat_interleave(2, 1)
                energy = energy + _bounded(square)[:, ::2].sum(1)
                weights.append(1 / (1 + square / _ROBUST**2) ** 2)
            elif name == "box":
                energy = energy + _bounded(value**2).sum(1)
                weights.append(1 / (1 + value**2 / _ROBUST**2) ** 2)
            else:
                energy = energy + value.square().sum(1)
                weights.append(torch.ones_like(value))
        return energy, torch.cat(list(parts.values()), 1), torch.cat(weights, 1)

    energy, rest, weight = measured(x)
    damping = torch.full_like(energy, 1e-2)
    basis = torch.eye(x.shape[1], dtype=x.dtype)[:, None].expand(-1, len(x), -1)
    changed: Tensor | None = None
    for _ in range(steps):
        if changed is None or bool(changed.any()):
            jacobian = _jacobian(stacked, x, basis)
        weighted = jacobian * weight
        matrix = torch.einsum("pbm,qbm->bpq", weighted, jacobian)
        gradient = torch.einsum("pbm,bm->bp", weighted, rest)
        diagonal = torch.diagonal(matrix, dim1=1, dim2=2)
        step = -torch.linalg.solve(matrix + torch.diag_embed(damping[:, None] * diagonal + 1e-6), gradient)
        step = step * (1.0 / step[:, :51].abs().amax(1, keepdim=True).clamp(min=1.0))
        tried = x + step
        other = measured(tried)
        changed = other[0] < energy
        gain = torch.where(changed, (energy - other[0]) / energy.abs().clamp(min=1), 0)
        x = torch.where(changed[:, None], tried, x)
        energy, rest, weight = (
            torch.where(changed if new.ndim == 1 else changed[:, None], new, old)
            for new, old in zip(other, (energy, rest, weight), strict=True)
        )
        damping = torch.where(changed, damping * 0.3, damping * 6).clamp(1e-6, 1e8)
        if bool((gain < 1e-4).all()) and bool((changed | (damping > 1e3)).all()):
            break
    return x, energy


def _bounded(square: Tensor) -> Tensor:
    """Geman and McClure's loss of squared residuals."""
    return square / (1 + square / _ROBUST**2)


def _jacobian(function: Callable[[Tensor], Tensor], x: Tensor, basis: Tensor) -> Tensor:
    """(P, B, M) derivatives of a function that treats the B rows of x (B, P) apart."""
    with warnings.catch_warnings():  # of PyTorch's own parts, which it loads the first time
        warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)
        warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
        return torch.func.vmap(lambda tangent: torch.func.jvp(function, (x,), (tangent,))[1])(basis)

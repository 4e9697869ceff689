"""InteractVLM's losses of masks in views and of scores of vertices.

Data sets are told apart by what their names contain: ``hcontact`` (contact of a body), ``ocontact`` (contact of an
object's mesh), ``oafford`` (affordance of a point cloud). Samples of any other name have masks alone, also those of
``damon_h2dcontact``, which is contact in the photograph itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from interplay.errors import InputError

IGNORED = -1
"""The label of pixels that do not count: those beside the body or object."""

Kind = Literal["hcontact", "ocontact", "oafford", "generic"]


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms.

    Attributes:
        bce: of the focal loss of masks, and of the squared error of heat maps.
        bce_alpha: factor inside the focal loss.
        dice, dice_scale: of the dice loss, and what its masks are divided by.
        human, object: of the losses of a body's and of an object's vertices or points.
    """

    bce: float = 2.0
    bce_alpha: float = 0.5
    dice: float = 1.0
    dice_scale: float = 1.0
    human: float = 3.0
    object: float = 3.0


RELEASED = LossWeights()
"""Of the published models."""
OLDER = LossWeights(bce_alpha=0.25, dice=0.5, dice_scale=1000.0)
"""The defaults of the published code before."""


@dataclass(frozen=True)
class ContactSample:
    """One sample's masks and what they are lifted to.

    Attributes:
        dataset: name of its data set; see `kind_of`.
        logits: (V, H, W) of its views.
        masks: (V, H, W) labels: 0, 1 and `IGNORED`; of affordances a heat map, 0..1 and `IGNORED`.
        lift: logits -> (N,) scores of vertices or points, by a function of `interplay.body.lifting`; None where only
            the masks count.
        target: (N,) labels of them, 0..1.
    """

    dataset: str
    logits: Tensor
    masks: Tensor
    lift: Callable[[Tensor], Tensor] | None = None
    target: Tensor | None = None


def kind_of(dataset: str) -> Kind:
    """What a data set's name says of its labels.

    Example:
        >>> kind_of("damon_hcontact"), kind_of("pico_ocontact"), kind_of("damon_h2dcontact")
        ('hcontact', 'ocontact', 'generic')
    """
    kinds: tuple[Kind, ...] = ("hcontact", "ocontact", "oafford")
    return next((kind for kind in kinds if kind in dataset), "generic")


def contact_losses(
    samples: Sequence[ContactSample], weights: LossWeights = RELEASED, published_behaviour: bool = False
) -> dict[str, Tensor]:
    """The weighted terms of a batch and their sum.

    Args:
        samples: one or more.
        published_behaviour: the published code looks at zeros instead of the lifted affordance, so its ``oA`` is a
            constant without gradient.

    Returns:
        ``mask_bce`` and ``mask_dice`` are means over all samples; ``mask_l2`` (heat maps) over those of affordance;
        ``hC``, ``oC`` and ``oA`` (vertices of bodies and objects, points) over those of their kind; ``total``. 0 for a
        term without samples.

    Raises:
        InputError: no sample, or one without the target that its kind needs.
    """
    if not samples:
        raise InputError("expected one sample or more, got none")
    zero = samples[0].logits.sum() * 0
    kinds = [kind_of(sample.dataset) for sample in samples]
    bce, dice, l2 = [], [], []
    for sample, kind in zip(samples, kinds, strict=True):
        _check_masks(sample)
        if kind == "generic":  # has no pixels that are left out
            masks = sample.masks.clamp(min=0)
            bce.append(focal_loss(sample.logits, masks, weights.bce_alpha))
            dice.append(_dice(sample.logits.sigmoid(), masks, weights.dice_scale))
            continue
        heat = kind == "oafford"
        bce.append(focal_loss(sample.logits, sample.masks, weights.bce_alpha, heat))
        dice.append(dice_loss(sample.logits, sample.masks, weights.dice_scale))
        if heat:
            l2.append(heat_map_error(sample.logits, sample.masks))

    def lifted(kind: Kind) -> tuple[list[Tensor], list[Tensor]]:
        chosen = [sample for sample, its_kind in zip(samples, kinds, strict=True) if its_kind == kind]
        return [_lifted(sample) for sample in chosen], [_target(sample) for sample in chosen]

    human, human_target = lifted("hcontact")
    points, points_target = lifted("oafford")
    if published_behaviour:
        points = [torch.zeros_like(each) for each in points]
    terms = {
        "mask_bce": weights.bce * _mean(bce, zero),
        "mask_dice": weights.dice * _mean(dice, zero),
        "mask_l2": weights.bce * _mean(l2, zero),
        "hC": weights.human * (human_contact_loss(torch.cat(human), torch.cat(human_target)) if human else zero),
        "oC": weights.object * object_contact_loss(*lifted("ocontact"), zero),
        "oA": weights.object * (affordance_loss(torch.stack(points), torch.stack(points_target)) if points else zero),
    }
    return {**terms, "total": torch.stack(list(terms.values())).sum()}


def focal_loss(logits: Tensor, target: Tensor, alpha: float = 0.5, heat: bool = False) -> Tensor:
    """Mean over views of ``alpha (1 - exp(-b))^2 b``, b the cross-entropy of a pixel; pixels marked `IGNORED` left out.

    Args:
        logits: (V, H, W).
        target: (V, H, W), 0..1 and `IGNORED`.
        heat: by the cross-entropy of probabilities, as the published code does for heat maps. The same number but for
            logits far from 0.
    """
    found, wanted, counts = _counted(logits, target)
    if heat:
        b = F.binary_cross_entropy(found.sigmoid(), wanted, reduction="none")
    else:
        b = F.binary_cross_entropy_with_logits(found, wanted, reduction="none")
    return _mean_over_views(alpha * (1 - torch.exp(-b)) ** 2 * b, counts)


def dice_loss(logits: Tensor, target: Tensor, scale: float = 1.0) -> Tensor:
    """Mean over views of the dice loss over pixels not marked `IGNORED`; a view without a positive pixel gives 0.

    Args:
        logits, target: as of `focal_loss`.
        scale: what masks are divided by, against overflow in half precision.
    """
    found, wanted, counts = _counted(logits, target)
    views = zip(found.sigmoid().split(counts), wanted.split(counts), strict=True)
    return torch.stack([_dice(p, t, scale) * (t.sum() > 0) for p, t in views]).mean()


def heat_map_error(logits: Tensor, target: Tensor) -> Tensor:
    """Mean over views of the squared error of probabilities; pixels marked `IGNORED` left out."""
    found, wanted, counts = _counted(logits, target)
    return _mean_over_views((found.sigmoid() - wanted) ** 2, counts)


def human_contact_loss(pred: Tensor, target: Tensor) -> Tensor:
    """Focal loss of vertices' scores, and 0.01 of their mean, which keeps contact small.

    Args:
        pred, target: (..., N), 0..1; means over all of it.
    """
    p = _inside(pred)
    b = F.binary_cross_entropy(p, target.to(p.dtype), reduction="none")
    return (0.25 * (1 - torch.exp(-b)) ** 2 * b).mean() + 0.01 * p.mean()


def object_contact_loss(preds: Sequence[Tensor], targets: Sequence[Tensor], zero: Tensor | None = None) -> Tensor:
    """`human_contact_loss` of each object, whose numbers of vertices differ; mean over those that are touched at all.

    Args:
        zero: what to return if none is.
    """
    losses = [human_contact_loss(p, t) for p, t in zip(preds, targets, strict=True) if bool((t > 0).any())]
    return _mean(losses, torch.zeros(()) if zero is None else zero)


def affordance_loss(pred: Tensor, target: Tensor) -> Tensor:
    """Focal, overlap, squared and absolute error of points' affordance.

    Args:
        pred, target: (S, P), 0..1.
    """
    p, g = _inside(pred), target.to(pred.dtype)
    focal = -(0.75 * p**2 * (1 - g) * torch.log(1 - p) + 0.25 * (1 - p) ** 2 * g * torch.log(p)).mean()
    small = 1e-6
    touched = ((p * g).sum(-1) + small) / ((p + g).sum(-1) + small)
    free = (((1 - p) * (1 - g)).sum(-1) + small) / ((2 - p - g).sum(-1) + small)
    return 0.5 * focal + 0.3 * (1.5 - touched - free).mean() + 0.8 * F.mse_loss(p, g) + 0.4 * F.l1_loss(p, g)


def _counted(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor, list[int]]:
    """The pixels of (V, H, W) that are not `IGNORED`, mostly few: logits and labels (P,), and how many in each view."""
    counted = target != IGNORED
    return logits[counted], target[counted].to(logits.dtype), counted.sum((-2, -1)).tolist()


def _dice(p: Tensor, target: Tensor, scale: float) -> Tensor:
    p, t, small = p / scale, target.to(p.dtype), 1e-5
    return 1 - (2 * (p * t).sum() + small) / (p.sum() + (t / scale).sum() + small)


def _mean_over_views(values: Tensor, counts: list[int]) -> Tensor:
    """Mean over the counted pixels (P,) of each view, 0 where there are none, then over the views."""
    return torch.stack([each.sum() / max(len(each), 1) for each in values.split(counts)]).mean()


def _inside(p: Tensor) -> Tensor:
    return p.clamp(1e-6, 1 - 1e-6)


def _mean(values: Sequence[Tensor], empty: Tensor) -> Tensor:
    return torch.stack(list(values)).mean() if values else empty


def _lifted(sample: ContactSample) -> Tensor:
    if sample.lift is None:
        raise InputError(f"a sample of {sample.dataset} needs `lift`, from its masks to vertices or points")
    return sample.lift(sample.logits)


def _target(sample: ContactSample) -> Tensor:
    if sample.target is None:
        raise InputError(f"a sample of {sample.dataset} needs `target`, the labels of its vertices or points")
    return sample.target


def _check_masks(sample: ContactSample) -> None:
    if sample.logits.shape != sample.masks.shape or sample.logits.ndim != 3:
        raise InputError(
            f"expected logits and masks (V, H, W) of one size, got {tuple(sample.logits.shape)} and "
            f"{tuple(sample.masks.shape)}"
        )

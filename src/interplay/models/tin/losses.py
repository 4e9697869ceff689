"""TIN's losses: sigmoid cross entropy of every stream and of the discriminator.

As published, the class weights multiply the *logits*: a rare class's logit is magnified before the sigmoid in training,
and taken as it is at test time. Means are over all entries, masked ones included.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike
from torch import Tensor

from interplay.errors import InputError

from .config import TrainModule
from .network import TinOutputs

Terms = dict[str, Tensor]

MODULES: dict[TrainModule, tuple[str, ...]] = {
    "all": ("human", "object", "spatial", "interactiveness"),
    "streams": ("human", "object", "spatial"),
    "interactiveness": ("interactiveness",),
    "instances": ("human", "object"),
    "spatial": ("spatial",),
}

OF_POSITIVES = ("human", "object")
"""Terms that are means over the pairs that interact; others are over all pairs."""

HICO_POSITIVES, HICO_NEGATIVES = 15, 60
VCOCO_POSITIVES, VCOCO_NEGATIVES = 15, 30


@dataclass(frozen=True)
class LossWeights:
    """Factors on the logits; None for 1.

    Attributes:
        interactions: (C,) of the object stream, and of the other two unless said otherwise.
        human: (C,) of the human stream where people's actions are counted on their own (V-COCO).
        binary: (2,) of the discriminator: interactive, not interactive.
    """

    interactions: Tensor | None = None
    binary: Tensor | None = None
    human: Tensor | None = None

    @staticmethod
    def published(dataset: Literal["hico", "v-coco"]) -> LossWeights:
        """The weights of the published trainings, made from the counts of their labels."""
        text = files("interplay.models.tin").joinpath("label_counts.json").read_text(encoding="utf-8")
        counts = json.loads(text)
        if dataset == "hico":
            return LossWeights(class_weights(counts["hico"]), class_weights([HICO_POSITIVES, HICO_NEGATIVES]))
        binary = class_weights([VCOCO_POSITIVES, VCOCO_NEGATIVES])
        return LossWeights(class_weights(counts["v-coco"]), binary, class_weights(counts["v-coco human"]))


def class_weights(counts: ArrayLike) -> Tensor:
    """(C,) float32 ``ln(total / count)`` of how often each class is annotated (C,); 0 where it never is."""
    number = np.asarray(counts, np.float64)
    if number.ndim != 1 or (number < 0).any() or not number.any():
        raise InputError("counts must be a list of numbers, none negative and not all 0")
    weights = np.zeros_like(number)
    weights[number > 0] = np.log(number.sum() / number[number > 0])
    return torch.from_numpy(weights).float()


def weighted_cross_entropy(
    logits: Tensor, targets: Tensor, weights: Tensor | None = None, mask: Tensor | None = None
) -> Tensor:
    """Mean over all entries of the sigmoid cross entropy of ``weights * logits`` (N, C), times `mask`."""
    scaled = logits if weights is None else logits * weights.to(logits)
    entropy = F.binary_cross_entropy_with_logits(scaled, targets.to(logits), reduction="none")
    return (entropy if mask is None else entropy * mask.to(logits)).mean()


def interaction_losses(outputs: TinOutputs, targets: TinTargets, weights: LossWeights) -> Terms:
    """The four terms where classes are interactions, as published for HICO-DET.

    The appearance streams learn from pairs that interact only. The rows of others say "no interaction" with their
    object.
    """
    count = targets.positives
    positive = targets.classes[:count]
    return {
        "human": weighted_cross_entropy(outputs["cls_score_H"][:count], positive, weights.interactions),
        "object": weighted_cross_entropy(outputs["cls_score_O"][:count], positive, weights.interactions),
        "spatial": weighted_cross_entropy(outputs["cls_score_sp"], targets.classes, weights.interactions),
        "interactiveness": weighted_cross_entropy(outputs["cls_score_binary"], targets.binary, weights.binary),
    }


@dataclass(frozen=True)
class TinTargets:
    """Labels of N pairs of which the first P interact.

    Attributes:
        classes: (N, C) what the pairs do, "no interaction" included.
        motions: (P, C) what the people of the interacting pairs do, with anything; NaN where nobody knows.
        binary: (N, 2) interactive, not interactive.
    """

    classes: Tensor
    motions: Tensor
    binary: Tensor

    @property
    def positives(self) -> int:
        """Pairs that interact."""
        return len(self.motions)

    def counts(self) -> Tensor:
        """(2,) float: pairs that interact, and all pairs."""
        return torch.tensor([float(self.positives), float(len(self.binary))])


@dataclass(frozen=True)
class VerbTargets:
    """Labels of N pairs of which the first P interact, where classes are verbs.

    Attributes:
        human: (P, 29) what the person does, with anything; NaN where nobody knows.
        pair: (P, 29) what the person does with this object.
        spatial: (N, 29) the same, zeros for pairs that do not interact.
        pair_mask: (P, 29) 0 at actions without object.
        spatial_mask: (N, 29).
        binary: (N, 2) interactive, not interactive.
    """

    human: Tensor
    pair: Tensor
    spatial: Tensor
    pair_mask: Tensor
    spatial_mask: Tensor
    binary: Tensor


def verb_targets(targets: TinTargets, has_object: Tensor) -> VerbTargets:
    """Labels where classes are verbs; (C,) says which of these have an object."""
    pair = targets.classes[: targets.positives]
    spatial = torch.cat([pair, pair.new_zeros(len(targets.binary) - len(pair), pair.shape[1])])
    mask = has_object.to(pair)
    return VerbTargets(
        targets.motions, pair, spatial, mask.expand_as(pair), mask.expand_as(spatial), targets.binary
    )  # fmt: skip


def verb_losses(outputs: TinOutputs, targets: VerbTargets, weights: LossWeights) -> Terms:
    """The four terms where classes are verbs, as published for V-COCO.

    The human stream counts twice, the spatial one is not weighted.
    """
    count = len(targets.pair)
    score = outputs["cls_score_O"][:count]
    known, human = ~targets.human.isnan(), targets.human.nan_to_num()
    return {
        "human": 2 * weighted_cross_entropy(outputs["cls_score_H"][:count], human, weights.human, known),
        "object": weighted_cross_entropy(score, targets.pair, weights.interactions, targets.pair_mask),
        "spatial": weighted_cross_entropy(outputs["cls_score_sp"], targets.spatial, None, targets.spatial_mask),
        "interactiveness": weighted_cross_entropy(outputs["cls_score_binary"], targets.binary, weights.binary),
    }


def part_losses(outputs: TinOutputs, binary: Tensor, weights: Tensor | None) -> Terms:
    """The three terms of the part-level discriminator: instance, parts, and that the two agree.

    The last is the mean squared difference of the weighted logits; both sides learn from it.
    """
    whole, parts = outputs["cls_score_binary"], outputs["cls_score_binary_all"]
    factor = 1.0 if weights is None else weights.to(whole)
    return {
        "interactiveness": weighted_cross_entropy(whole, binary, weights),
        "parts": weighted_cross_entropy(parts, binary, weights),
        "agreement": F.mse_loss(whole * factor, parts * factor),
    }


def chosen_terms(terms: Terms, module: TrainModule) -> Terms:
    """The terms that a training minimises the sum of."""
    return {name: terms[name] for name in MODULES[module]}

"""GEN-VLKT's loss (Section 3.3): focal on interactions, cross-entropy on objects, boxes, and the mimic loss.

Every sum is divided by a count that is averaged over the parts of a training step, so that several processes compute
what one would compute on their joint batch. (The published code averages only the number of pairs.)

A query that found no pair and points at somebody of whom not everything is annotated (`PairTargets.unknown_people`)
is asked nothing: it may have found what nobody annotated.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import box_convert, box_iou

from interplay.layers.normalisers import LossNormaliser, over_processes
from interplay.models.gen_vlkt.config import GenVlktLossOptions, Mimic
from interplay.models.gen_vlkt.matching import Assignment, match
from interplay.models.gen_vlkt.outputs import GenVlktOutputs, PairTargets
from interplay.ops.tensor_boxes import generalized_iou


def loss_terms(
    outputs: GenVlktOutputs,
    targets: Sequence[PairTargets],
    classes: Sequence[Tensor],
    teacher: Tensor | None,
    options: GenVlktLossOptions,
    counts: LossNormaliser | None = None,
) -> dict[str, Tensor]:
    """Every term of the loss, without its weight.

    Args:
        outputs: for B images.
        targets: B, on the outputs' device.
        classes: B tensors (T, I) float, 1 for each class of the interaction classifier that a target has.
        teacher: (B, E) the teacher's image embeddings; needed where the options ask for the mimic loss.
        options: which terms.
        counts: of the whole training step (`count_targets`); by default those of this batch and of its like in other
            processes.
    """
    layers = outputs.layers if options.auxiliary else (outputs,)
    matches = match(layers, targets, classes, options)
    found = [_MatchedLayer(layer, m, targets, classes) for layer, m in zip(layers, matches, strict=True)]
    if counts is None:
        pairs = sum(len(target) for target in targets)
        counts = over_processes(torch.stack([f.counts(pairs, options.background) for f in found]))
    each = counts.mean.to(found[0].logits).expand(len(layers), 5)
    terms: dict[str, Tensor] = {}
    for i, (layer, one, count) in enumerate(zip(layers, found, each, strict=True)):
        suffix = f"_{i}" if i < len(layers) - 1 else ""
        values = one.terms(LossNormaliser(count, counts.parts), options.background)
        if options.mimic != "none":
            assert teacher is not None
            share = len(teacher) / count[4]
            values["mimic"] = mimic_loss(layer.features, teacher, options.mimic) * share
        terms |= {name + suffix: value for name, value in values.items()}
    return terms


def weight_of(term: str, options: GenVlktLossOptions) -> float:
    """The weight of a term of `loss_terms` in the loss."""
    kind = term.rstrip("0123456789").rstrip("_")
    return {
        "interaction": options.interaction,
        "object": options.object,
        "human_box": options.box,
        "object_box": options.box,
        "human_giou": options.giou,
        "object_giou": options.giou,
        "mimic": options.mimic_weight,
    }[kind]


def count_targets(
    targets: Sequence[PairTargets], classes: Sequence[Tensor], queries: int, background_weight: float
) -> Tensor:
    """What the losses of a batch are divided by, as `loss_terms` counts it, before anything is predicted.

    Exact unless an image has more pairs than there are queries: which of its pairs find one is not known before, so
    each counts as likely as the others.

    Args:
        targets: B.
        classes: see `loss_terms`.
        queries: of the network.
        background_weight: of the background class.

    Returns:
        (5,) float.
    """
    total = torch.zeros(5)
    for target, wanted in zip(targets, classes, strict=True):
        matched = min(len(target), queries)
        share = matched / max(len(target), 1)
        objects = float((target.object_boxes != 0).any(-1).sum())
        weights = matched + background_weight * (queries - matched)
        total += torch.tensor([len(target), share * float(wanted.sum()), share * objects, weights, 1.0])
    return total


class _MatchedLayer:
    """One layer's predictions beside what they were matched with."""

    def __init__(
        self, layer: GenVlktOutputs, matches: Assignment, targets: Sequence[PairTargets], classes: Sequence[Tensor]
    ) -> None:
        at = (matches.image, matches.query)
        self.logits = layer.interaction_logits.float()
        self.wanted = torch.zeros_like(self.logits)
        self.wanted[at] = torch.cat(list(classes))[matches.target].to(self.wanted)
        self.object_logits = layer.object_logits.float()
        background = self.object_logits.shape[-1] - 1
        self.labels = torch.full(self.object_logits.shape[:2], background, device=self.logits.device)
        self.labels[at] = torch.cat([t.object_labels for t in targets])[matches.target]
        self.human = layer.human_boxes[at].float()
        self.object = layer.object_boxes[at].float()
        self.target_human = torch.cat([t.human_boxes for t in targets])[matches.target].to(self.human)
        target_object = torch.cat([t.object_boxes for t in targets])[matches.target].to(self.human)
        self.there = (target_object != 0).any(-1)
        self.target_object = target_object[self.there]
        self.asked = _asked(layer, at, targets)

    def counts(self, pairs: int, background_weight: float) -> Tensor:
        """(5,) float: pairs, positive labels, object boxes, summed class weights of the cross-entropy, images."""
        is_background = self.labels == self.object_logits.shape[-1] - 1
        weights = torch.where(is_background, background_weight, 1.0).sum()
        images = self.wanted.new_tensor(len(self.wanted))
        return torch.stack(
            [self.wanted.new_tensor(pairs), self.wanted.sum(), self.there.sum().float(), weights.float(), images]
        )

    def terms(self, counts: LossNormaliser, background_weight: float) -> dict[str, Tensor]:
        """The layer's terms but the mimic loss, divided by the given counts."""
        pairs, positives, objects, weights, _ = counts.mean
        pairs = pairs.clamp(min=counts.floor(1))
        objects = objects + counts.floor(1e-4)
        class_weights = self.object_logits.new_ones(self.object_logits.shape[-1])
        class_weights[-1] = background_weight
        each = F.cross_entropy(self.object_logits.mT, self.labels, class_weights, reduction="none")
        cross_entropy = (each * self.asked).sum()
        object = self.object[self.there]
        return {
            # without a positive the published sum stays undivided
            "interaction": focal_loss(self.logits[self.asked], self.wanted[self.asked])
            / torch.where(positives > 0, positives, counts.floor(1)),
            "object": cross_entropy / weights,
            "human_box": (self.human - self.target_human).abs().sum() / pairs,
            "object_box": (object - self.target_object).abs().sum() / objects,
            "human_giou": _giou_loss(self.human, self.target_human) / pairs,
            "object_giou": _giou_loss(object, self.target_object) / objects,
        }


UNKNOWN_OVERLAP = 0.5
"""A predicted person who overlaps somebody by more than this (IoU) is taken to be them."""


@torch.no_grad()
def _asked(layer: GenVlktOutputs, matched: tuple[Tensor, Tensor], targets: Sequence[PairTargets]) -> Tensor:
    """(B, Q) bool: queries that found a pair, or point at nobody whose actions are unknown."""
    asked = torch.ones(layer.human_boxes.shape[:2], dtype=torch.bool, device=layer.human_boxes.device)
    for own, boxes, target in zip(asked, layer.human_boxes, targets, strict=True):
        if target.unknown_people is not None and len(target.unknown_people):
            people, unknown = (box_convert(b.float(), "cxcywh", "xyxy") for b in (boxes, target.unknown_people))
            own &= ~(box_iou(people, unknown) > UNKNOWN_OVERLAP).any(1)
    asked[matched] = True
    return asked


def _giou_loss(boxes: Tensor, targets: Tensor) -> Tensor:
    predicted, annotated = (box_convert(each, "cxcywh", "xyxy") for each in (boxes, targets))
    return (1 - generalized_iou(predicted, annotated)).sum()


def focal_loss(logits: Tensor, wanted: Tensor, gamma: float = 2.0) -> Tensor:
    """Sum of the focal loss (Lin et al., ICCV 2017) over everything, positives and negatives weighted 0.5 each."""
    p = logits.sigmoid().clamp(1e-4, 1 - 1e-4)
    positive = -((1 - p) ** gamma) * p.log() * wanted
    negative = -(p**gamma) * (1 - p).log() * (1 - wanted)
    return 0.5 * (positive + negative).sum()


def mimic_loss(features: Tensor, teacher: Tensor, kind: Mimic) -> Tensor:
    """Distance between the mean interaction feature and the teacher's embedding (Equation 4, Table 4c).

    Args:
        features: (B, Q, E).
        teacher: (B, E), not normalised.
        kind: ``l1``, ``l2`` or their sum.
    """
    student = features.float().mean(1)
    teacher = teacher.to(student)
    loss = student.new_zeros(())
    if "l1" in kind:
        loss = loss + F.l1_loss(student, teacher)
    if "l2" in kind:
        loss = loss + F.mse_loss(student, teacher)
    return loss

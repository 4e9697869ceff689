"""Which query is responsible for which annotated pair: one optimal assignment per image and decoder layer.

Section 3.3: costs of boxes, generalised overlap, object and interaction, all computed for every image, layer, query
and target at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torchvision.ops import box_convert

from interplay.models.gen_vlkt.config import GenVlktLossOptions
from interplay.models.gen_vlkt.outputs import GenVlktOutputs, PairTargets
from interplay.ops.tensor_boxes import generalized_iou

NEVER = 1e6
"""Stands for a cost that is not a number, so that a diverged network shows in its loss and not in the matcher."""


@dataclass(frozen=True)
class Assignment:
    """The matched pairs of a batch in one decoder layer, M in all, by image and then by query.

    Attributes:
        image, query: (M,) int64.
        target: (M,) int64 row of the target among the targets of all images, one image after the other.
    """

    image: Tensor
    query: Tensor
    target: Tensor


@torch.no_grad()
def match(
    layers: Sequence[GenVlktOutputs],
    targets: Sequence[PairTargets],
    classes: Sequence[Tensor],
    options: GenVlktLossOptions,
) -> list[Assignment]:
    """Match queries with targets, anew for every layer.

    Args:
        layers: L outputs for B images.
        targets: B.
        classes: B tensors (T, I) float, 1 for each class of the interaction classifier that a target has.
        options: the cost's weights.

    Returns:
        L matches. An image with more targets than queries has as many matches as queries.
    """
    from scipy.optimize import linear_sum_assignment

    counts = [len(target) for target in targets]
    cost = matching_cost(layers, targets, classes, options)
    costs = torch.nan_to_num(cost, nan=NEVER, posinf=NEVER, neginf=-NEVER).cpu().numpy()
    starts = torch.tensor([0, *counts]).cumsum(0)
    device = layers[0].human_boxes.device
    matches = []
    for layer in costs:
        found = [linear_sum_assignment(c[:, :n]) for c, n in zip(layer, counts, strict=True)]
        image = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor([len(q) for q, _ in found]))
        query = torch.cat([torch.from_numpy(q) for q, _ in found])
        target = torch.cat([torch.from_numpy(t) for _, t in found]) + starts[image]
        matches.append(Assignment(image.to(device), query.to(device), target.to(device)))
    return matches


def matching_cost(
    layers: Sequence[GenVlktOutputs],
    targets: Sequence[PairTargets],
    classes: Sequence[Tensor],
    options: GenVlktLossOptions,
) -> Tensor:
    """(L, B, Q, T) cost of every assignment; T is the largest number of targets, and what exceeds an image's is void.

    The box costs are those of the worse of the two boxes. An all-zero object box costs no distance, and the overlap
    cost of the human box on top of its own.
    """
    human = torch.stack([layer.human_boxes for layer in layers]).float()[..., None, :]  # (L, B, Q, 1, 4)
    object = torch.stack([layer.object_boxes for layer in layers]).float()[..., None, :]
    object_scores = torch.stack([layer.object_logits for layer in layers]).float().softmax(-1)
    scores = torch.stack([layer.interaction_logits for layer in layers]).float().sigmoid()  # (L, B, Q, I)

    target_human = pad_sequence([t.human_boxes for t in targets], batch_first=True)[:, None].to(human)  # (B, 1, T, 4)
    target_object = pad_sequence([t.object_boxes for t in targets], batch_first=True)[:, None].to(human)
    label = pad_sequence([t.object_labels for t in targets], batch_first=True)  # (B, T)
    wanted = pad_sequence(list(classes), batch_first=True).to(scores)  # (B, T, I)
    absent = (target_object == 0).all(-1)  # (B, 1, T)

    distance = torch.maximum(
        (human - target_human).abs().sum(-1), (object - target_object).abs().sum(-1).masked_fill(absent, 0)
    )
    boxes = human, target_human, object, target_object
    corners = [box_convert(each, "cxcywh", "xyxy") for each in boxes]
    human_overlap, object_overlap = generalized_iou(*corners[:2]), generalized_iou(*corners[2:])
    overlap = torch.minimum(human_overlap, object_overlap + human_overlap * absent)

    columns = label[None, :, None].expand(*object_scores.shape[:3], -1)
    of_object = object_scores.gather(-1, columns)
    unwanted = 1 - wanted
    hits = (scores @ wanted.mT) / (wanted.sum(-1)[:, None] + 1e-4)
    rejections = ((1 - scores) @ unwanted.mT) / (unwanted.sum(-1)[:, None] + 1e-4)
    return (
        options.match_box * distance
        - options.match_giou * overlap
        - options.match_object * of_object
        - options.match_interaction * (hits + rejections) / 2
    )

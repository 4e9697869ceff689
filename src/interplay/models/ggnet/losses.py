"""The loss (paper, sections 3.3 and 3.4): heatmaps with the hard negative attentive loss, L1 for the rest."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from interplay.layers.normalisers import LossNormaliser
from interplay.models.ggnet.config import CENTRE_HEATMAPS, GGNetConfig
from interplay.models.ggnet.network import GGNetOutputs
from interplay.models.ggnet.targets import GGNetTargets

MARGIN = 1e-4
"""Probabilities are kept this far from 0 and 1."""
ALPHA = 2.0
"""Exponent that lets easy pixels count less."""


def probabilities(logits: Tensor) -> Tensor:
    """Sigmoid, kept `MARGIN` away from 0 and 1; in float32, as half precision cannot hold the difference."""
    return logits.float().sigmoid().clamp(MARGIN, 1 - MARGIN)


def focal_loss(
    predicted: Tensor,
    target: Tensor,
    beta: float | None = None,
    count: Tensor | None = None,
    floor: float = 1.0,
    points: Tensor | None = None,
    unknown: Tensor | None = None,
) -> Tensor:
    """Focal loss for heatmaps, or with `beta` the hard negative attentive loss (Equation 4).

    Args:
        predicted: (B, classes, h, w) probabilities.
        target: same shape; 1 at positives, 0..1 near them, with `beta` also -1 at hard negatives and -1..0 near them.
        beta: exponent of hard negatives: (1 - target) ** beta is their weight. None: there are none.
        count: what to divide by instead of the batch's own positive pixels or images (`count_targets`).
        floor: the least that a batch is divided by.
        points: (B,) divide the loss of each image by this, if it is more than 1, and average over the images, instead
            of dividing by the positive pixels of the whole batch.
        unknown: (B, 1, h, w) bool, where only positives count.

    Returns:
        A scalar.
    """
    positive = target == 1
    # To the fourth power, so that pixels near a positive count less, and near a hard negative more.
    weight = (1 - target).square().square()
    if beta is not None:
        weight = torch.where(target == -1, 2.0**beta, weight)
    if unknown is not None:
        weight = weight.masked_fill(unknown, 0.0)
    # One logarithm per pixel: of p at positives, of 1 - p elsewhere.
    other = 1 - predicted
    chance = torch.where(positive, predicted, other)
    ease = torch.where(positive, other, predicted) ** ALPHA
    loss = -chance.log() * ease * torch.where(positive, 1.0, weight)
    if points is None:
        return loss.sum() / (positive.sum() if count is None else count).clamp(min=floor)
    per_image = loss.flatten(1).sum(1) / points.clamp(min=1)
    return per_image.mean() if count is None else per_image.sum() / count


def gathered_l1(
    predicted: Tensor, index: Tensor, mask: Tensor, target: Tensor, count: Tensor | None = None, floor: float = 1.0
) -> Tensor:
    """L1 distance at some pixels, per unit of mask.

    Args:
        predicted: (B, C, h, w).
        index: (B, K) int64 pixels, ``width * y + x``.
        mask: (B, K) rows, or (B, K, C) values, that count.
        target: (B, K, C).
        count: what to divide by instead of the number of values that count in this batch (`count_targets`).
        floor: times 1e-4 is added to it.

    Returns:
        A scalar: the sum over what counts, divided by the number of values that count (plus 1e-4).
    """
    channels = predicted.shape[1]
    values = predicted.float().flatten(2).gather(2, index[:, None].expand(-1, channels, -1)).transpose(1, 2)
    weights = (mask if mask.ndim == 3 else mask[..., None].expand_as(target)).to(values.dtype)
    total = weights.sum() if count is None else count
    return (values * weights - target * weights).abs().sum() / (total + 1e-4 * floor)


def count_targets(targets: GGNetTargets, config: GGNetConfig) -> Tensor:
    """What the sums of the loss are divided by.

    Returns:
        (3 + heatmaps,) float: images, values of the objects' regressions and of the pairs', and the positive pixels of
        every heatmap, object centres first and then in the order of the network's heads.
    """
    network = config.network
    mask = _offset_mask(targets)
    pairs = mask.sum() * (1 if mask.ndim == 3 else targets.sub_offset.shape[2])
    maps = [targets.hm, *(targets.heatmap(n) for n in (*network.auxiliary_heatmaps, network.final_heatmap))]
    positives = [(target == 1).sum() for target in maps]
    images = targets.reg_mask.new_tensor(len(targets.hm), dtype=torch.float32)
    return torch.stack([images, *(n.float() for n in (targets.reg_mask.sum() * 2, pairs, *positives))])


def loss_terms(
    outputs: GGNetOutputs, targets: GGNetTargets, config: GGNetConfig, counts: LossNormaliser | None = None
) -> dict[str, Tensor]:
    """Every term of the loss without its weight, as the published training logs them.

    Terms are averaged over the stacks, except that the offsets' are summed where the configuration says so. Their
    names are the published ones: ``hm_loss`` (object centres), ``wh_loss``, ``off_loss`` (sub-pixel centres),
    ``hm_rel_loss`` (glance, or the only interaction heatmap), ``hm_rel_refine_loss`` (one gaze step) or
    ``hm_rel_refine_loss1``, ``2``, ... (several), ``sub_offset_loss``, ``obj_offset_loss``; ``hm_rel_human_loss`` and
    ``hm_rel_object_loss`` where centres' features join.

    Args:
        outputs: maps by name.
        targets: of the same batch.
        config: of the network.
        counts: of the whole training step; by default those of this batch.
    """
    counts = counts or LossNormaliser(count_targets(targets, config))
    stacks = [stack_terms(maps, targets, config, counts) for maps in outputs.all_heads]
    terms = {name: torch.stack([stack[name] for stack in stacks]).mean() for name in stacks[0]}
    if config.loss.matching_over_stacks == "sum":
        for name in ("sub_offset_loss", "obj_offset_loss"):
            terms[name] = terms[name] * len(stacks)
    return terms


def loss_weights(config: GGNetConfig) -> dict[str, float]:
    """What each term of `loss_terms` counts (Equations 5 to 7)."""
    options, network = config.loss, config.network
    weights = {
        "hm_loss": 1.0,
        "off_loss": 1.0,
        "wh_loss": options.size,
        "sub_offset_loss": options.matching,
        "obj_offset_loss": options.matching,
        loss_name(network.final_heatmap, network.gaze_steps): options.interaction,
    }
    for name in network.auxiliary_heatmaps:
        part = options.glance if name == "hm_rel" else options.gaze if "refine" in name else options.context
        weights[loss_name(name, network.gaze_steps)] = part
    return weights


def stack_terms(
    maps: Mapping[str, Tensor], targets: GGNetTargets, config: GGNetConfig, counts: LossNormaliser
) -> dict[str, Tensor]:
    """The terms of one stack without their weights; see `loss_terms`."""
    images, objects, pairs, *positives = counts.mean.to(targets.hm.device)
    floor = counts.floor(1)
    network = config.network
    hna = config.loss.beta if config.targets.hard_negatives else None
    centres = interactions = None
    if config.loss.normaliser == "image":
        positives = [images] * len(positives)
        centres, interactions = targets.reg_mask.sum(1), targets.offset_mask.sum(1)
    terms = {
        "hm_loss": focal_loss(probabilities(maps["hm"]), targets.hm, None, positives[0], floor, centres),
        "wh_loss": gathered_l1(maps["wh"], targets.ind, targets.reg_mask, targets.wh, objects, floor),
        "off_loss": gathered_l1(maps["reg"], targets.ind, targets.reg_mask, targets.reg, objects, floor),
    }
    names = (*network.auxiliary_heatmaps, network.final_heatmap)
    for name, count in zip(names, positives[1:], strict=True):
        beta = None if name in CENTRE_HEATMAPS else hna
        terms[loss_name(name, network.gaze_steps)] = focal_loss(
            probabilities(maps[name]), targets.heatmap(name), beta, count, floor, interactions, targets.unknown
        )
    mask, index = _offset_mask(targets), targets.rel_ind
    terms["sub_offset_loss"] = gathered_l1(maps["sub_offset"], index, mask, targets.sub_offset, pairs, floor)
    terms["obj_offset_loss"] = gathered_l1(maps["obj_offset"], index, mask, targets.obj_offset, pairs, floor)
    return terms


def _offset_mask(targets: GGNetTargets) -> Tensor:
    """Which offsets count: (B, T), or (B, T, 2 verbs) where each verb has its own."""
    return targets.offset_mask if targets.offset_mask_offset is None else targets.offset_mask_offset


def loss_name(heatmap: str, gaze_steps: int) -> str:
    """The published name of an interaction heatmap's term."""
    if heatmap == "hm_rel_refine":
        return "hm_rel_refine_loss" if gaze_steps == 1 else f"hm_rel_refine_loss{gaze_steps}"
    return heatmap.replace("hm_rel_refine", "hm_rel_refine_loss") if "refine" in heatmap else f"{heatmap}_loss"

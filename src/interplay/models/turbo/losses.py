"""What Turbo learning minimises (Equation 6), and what it is compared with."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from interplay.layers.normalisers import LossNormaliser
from interplay.training.batches import map_tensors

from .config import TurboLossOptions
from .network import SIDE, TurboOutputs


@dataclass(frozen=True)
class TurboTargets:
    """What is annotated about P people and D boxes.

    Attributes:
        actions: (P, A) float, 1 for what a person does.
        labelled: (P,) bool, whether that is annotated.
        places: (P, A, 4) where the targets are, as `relative_places` has it; NaN where there is none.
        cells: (P, 17) int64 row x m + column of each keypoint; -1 where it is not known or out of the box.
        classes: (D,) int64 what is in each box, the number of classes for nothing.
        moves: (D, 4) how the boxes should be; NaN where nothing is in them.
    """

    actions: Tensor
    labelled: Tensor
    places: Tensor
    cells: Tensor
    classes: Tensor
    moves: Tensor

    def to(self, device: torch.device | str) -> TurboTargets:
        """The same on another device."""
        return map_tensors(self, lambda x: x.to(device, non_blocking=True))

    def counts(self) -> Tensor:
        """(5,) labelled people, targets, keypoints, boxes, and boxes with something in them."""
        found = [self.labelled.sum(), self.with_target().sum(), (self.cells >= 0).sum()]
        boxed = [torch.tensor(len(self.classes), device=self.classes.device), (~self.moves.isnan().any(1)).sum()]
        return torch.stack([*found, *boxed]).float()

    def with_target(self) -> Tensor:
        """(P, A) for which actions of which labelled people a target is annotated."""
        return ~self.places.isnan().any(2) & self.labelled[:, None]


def loss_terms(
    outputs: TurboOutputs, targets: TurboTargets, options: TurboLossOptions, counts: LossNormaliser
) -> dict[str, Tensor]:
    """Weighted terms by name, such as ``action_1``, ``target_1`` and ``pose_1`` of the first stage.

    Args:
        outputs: of people that are proposals for annotated ones, and of boxes.
        targets: of the same.
        options: weights.
        counts: mean of `TurboTargets.counts`.
    """
    people, placed, keypoints, boxes, objects = counts.mean.clamp(min=1e-9).unbind()
    terms: dict[str, Tensor] = {}
    for number, stage in enumerate(outputs.stages):
        weight = _of_stage(options.hoi, number)
        if stage.logits is not None and stage.places is not None:
            terms[f"action_{number + 1}"] = weight * _actions(stage.logits, targets, options) / people
            places = _places(stage.places, targets, options.smooth_l1) / placed
            terms[f"target_{number + 1}"] = weight * options.target * places
        if stage.pose is not None and stage.attention is not None:  # without a mask it is the first pose, below
            terms[f"pose_{number + 1}"] = _of_stage(options.pose, number) * _pose(stage.pose, targets) / keypoints
    if outputs.first_pose is not None:
        terms["pose_0"] = options.first_pose * _pose(outputs.first_pose, targets) / keypoints
    if outputs.classes is not None and outputs.moves is not None:
        known = ~targets.moves.isnan().any(1)
        wrong = F.cross_entropy(outputs.classes.float(), targets.classes, reduction="sum") / boxes
        moved = F.smooth_l1_loss(outputs.moves[known].float(), targets.moves[known], reduction="sum", beta=1 / 9)
        terms["detection"] = options.detection * (wrong + moved / objects)
    return terms


def _of_stage(weights: tuple[float, ...], number: int) -> float:
    return weights[number if len(weights) > 1 else 0]


def _actions(logits: Tensor, targets: TurboTargets, options: TurboLossOptions) -> Tensor:
    """Sum over labelled people and actions."""
    known = targets.labelled
    factor = torch.tensor(options.positive, device=logits.device)
    return F.binary_cross_entropy_with_logits(
        logits[known].float(), targets.actions[known], reduction="sum", pos_weight=factor
    )


def _places(places: Tensor, targets: TurboTargets, beta: float) -> Tensor:
    """Sum over targets; what is done without object has none."""
    known = targets.with_target()
    return F.smooth_l1_loss(places[known].float(), targets.places[known], reduction="sum", beta=beta)


def _pose(logits: Tensor, targets: TurboTargets) -> Tensor:
    """Sum over the known keypoints of the cross entropy over m x m cells."""
    flat, cells = logits.float().reshape(-1, SIDE**2), targets.cells.reshape(-1)
    return F.cross_entropy(flat, cells, ignore_index=-1, reduction="sum")

"""TIN's network on the level of instances: representation R, classifier C, discriminator D (CVPR 2019, figure 3)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from interplay.models.two_stage import PairIndex

from .config import BackboneName, Classes
from .representation import Images, PairNetwork, Representation
from .streams import Discriminator, NormedDense

PIXEL_MEANS_BGR = (102.9801, 115.9465, 122.7717)


@dataclass(frozen=True)
class TinOutputs:
    """The scores of every stream, by the names of the published code; ``outputs["cls_score_H"]``.

    Attributes:
        scores: ``cls_score_*`` logits and ``cls_prob_*`` their sigmoids, of ``H`` (human), ``O`` (object), ``sp``
            (spatial), each (rows, classes); ``cls_prob_HO``, the late fusion, where all streams have all rows;
            ``cls_score_binary`` and ``cls_prob_binary`` (N, 2), column 0 interactive, column 1 not; ``att_H``,
            ``att_O`` (rows, 1, H, W). Of the part network also ``cls_score_binary_all`` (N, 2), the largest over the
            parts, ``cls_score_vec`` (N, 10), the parts' attention, and their ``cls_prob_*``.
        pairs: which detections the rows are pairs of, where detections are given.
    """

    scores: dict[str, Tensor]
    pairs: PairIndex | None = None

    def __getitem__(self, name: str) -> Tensor:
        return self.scores[name]

    @property
    def interactiveness(self) -> Tensor:
        """(N,) probability that each pair interacts."""
        return self.scores["cls_prob_binary"][:, 0]

    @property
    def fused(self) -> Tensor:
        """(N, C) late fusion of the streams, 0..2."""
        return self.scores["cls_prob_HO" if "cls_prob_HO" in self.scores else "cls_prob_HO_final"]

    def judged_by(self, other: TinOutputs) -> TinOutputs:
        """The same with the interactiveness of another network for the same pairs."""
        return replace(self, scores={**self.scores, "cls_prob_binary": other["cls_prob_binary"]})


class TinNetwork(PairNetwork):
    """R, C and D over pairs of boxes of one or several images.

    Args:
        count: number of classes: interactions (HICO-DET 600) or verbs (V-COCO 29).
        classes: what they are, which decides between the two published arrangements of the discriminator.
        freeze: keep the backbone's stem and first block fixed.
        backbone: see `PairNetwork`.
    """

    def __init__(
        self, count: int, classes: Classes = "interaction", freeze: bool = True, backbone: BackboneName = "resnet50"
    ) -> None:
        super().__init__(freeze, backbone)
        self.count, self.per_verb = count, classes == "verb"
        widths, spatial = self.widths, self.spatial_width
        instance, hidden = widths.instance + widths.context, widths.hidden
        self.human_head, self.object_head, self.spatial_head = (
            nn.Sequential(NormedDense(inputs, hidden), NormedDense(hidden, hidden))
            for inputs in (instance, instance, widths.instance + spatial)
        )
        self.classify = nn.ModuleDict({name: nn.Linear(hidden, count) for name in ("H", "O", "sp")})
        if self.per_verb:
            self.discriminator = Discriminator(widths.instance + spatial, instance + widths.context, widths)
        else:
            self.discriminator = Discriminator(instance + spatial, instance, widths)
        self.interactive = nn.Linear(hidden, 2)

    @property
    def interactiveness_parts(self) -> tuple[nn.Module, ...]:
        """D."""
        return self.discriminator, self.interactive

    def forward(
        self, images: Images, human_boxes: Tensor, object_boxes: Tensor, maps: Tensor, positives: int | None = None
    ) -> TinOutputs:
        """Scores of N pairs.

        Args:
            images: (B, 3, H, W) float32 in the order blue, green, red, `PIXEL_MEANS_BGR` taken off; (B, H, W, 3) is
                accepted too; or a sequence, see `PairNetwork.represent`.
            human_boxes: (N, 5) image, x1, y1, x2, y2 in pixels, or (N, 4) in the only image.
            object_boxes: the same for the objects; (N, .) or only the first `positives` rows.
            maps: (N, 3, 64, 64) of person, object and pose (`maps.pair_map`); (N, 64, 64, 3) is accepted too.
            positives: in training, how many rows (the first ones) have an interaction; the others get neither
                object nor, where classes are verbs, human scores, and the discriminator does not see their objects. By
                default all.

        Returns:
            the scores of every stream; rows beyond `positives` only where said.
        """
        images = channels_first(images) if isinstance(images, Tensor) else images
        human_boxes, object_boxes = with_image(human_boxes), with_image(object_boxes)
        count = len(human_boxes) if positives is None else int(positives)
        found = self.represent(images, human_boxes, object_boxes[:count])
        return self.score(found, channels_first(maps))

    def score(self, found: Representation, maps: Tensor) -> TinOutputs:
        """What C and D make of R and the maps (N, 3, 64, 64)."""
        fc7_h, context_h, fc7_o, context_o = found.human, found.human_context, found.object, found.object_context
        count = len(fc7_o)
        rows = count if self.per_verb else len(fc7_h)
        spatial = self.spatial(maps[:, :2])
        logits = {
            "H": self.classify["H"](self.human_head(torch.cat([fc7_h[:rows], context_h[:rows]], 1))),
            "O": self.classify["O"](self.object_head(torch.cat([fc7_o, context_o], 1))),
            "sp": self.classify["sp"](self.spatial_head(torch.cat([fc7_h, spatial], 1))),
        }
        if self.per_verb:
            first, second = torch.cat([fc7_h, spatial], 1), torch.cat([fc7_o, context_h[:count], context_o], 1)
        else:
            first, second = torch.cat([fc7_h, context_h, spatial], 1), torch.cat([fc7_o, context_o], 1)
        logits["binary"] = self.interactive(self.discriminator(first, second, maps[:, 2:]))
        scores = {f"cls_score_{name}": value for name, value in logits.items()}
        scores |= {f"cls_prob_{name}": value.sigmoid() for name, value in logits.items()}
        if count == len(fc7_h):
            fused = scores["cls_prob_sp"] * (scores["cls_prob_H"] + scores["cls_prob_O"])
            scores["cls_prob_HO_final" if self.per_verb else "cls_prob_HO"] = fused
        return TinOutputs({**scores, "att_H": found.human_attention[:rows], "att_O": found.object_attention})


def channels_first(x: Tensor) -> Tensor:
    """(N, 3, H, W), also from (N, H, W, 3)."""
    return x if x.shape[1] == 3 or x.shape[-1] != 3 else x.permute(0, 3, 1, 2)


def with_image(boxes: Tensor) -> Tensor:
    """Boxes with the image's index in front: (N, 5), also from (N, 4) in the only image."""
    return boxes if boxes.shape[1] == 5 else torch.cat([boxes.new_zeros(len(boxes), 1), boxes], 1)

"""TIN's network on the level of instances: representation R, classifier C, discriminator D (CVPR 2019, figure 3).

Everything that depends on one box only is computed once for that box, and the backbone once for the image; the
published test loop repeats all of it for every pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from interplay.layers.crops import crop_and_resize

from .backbone import STRIDE, TinBackbone, role_block
from .streams import Discriminator, InstanceAttention, MapStream, NormedDense

Layout = Literal["hico", "vcoco"]
"""The two published arrangements of the discriminator's branches."""

PIXEL_MEANS_BGR = (102.9801, 115.9465, 122.7717)

SPATIAL, POSE, HUMAN, CONTEXT = 5408, 2704, 2048, 1024
"""Widths of the features of a spatial map, a pose map, an instance and its context."""


@dataclass(frozen=True)
class TinOutputs:
    """The scores of every stream, by the names of the published code; ``outputs["cls_score_H"]``.

    Attributes:
        scores: ``cls_score_*`` logits and ``cls_prob_*`` their sigmoids, of ``H`` (human), ``O`` (object), ``sp``
            (spatial), each (rows, classes); ``cls_prob_HO``, the late fusion, where all streams have all rows;
            ``cls_score_binary`` and ``cls_prob_binary`` (N, 2), column 0 interactive, column 1 not; ``att_H``,
            ``att_O`` (rows, 1, H, W). Of the part network also ``cls_score_binary_all`` (N, 2), the largest over the
            parts, ``cls_score_vec`` (N, 10), the parts' attention, and their ``cls_prob_*``.
    """

    scores: dict[str, Tensor]

    def __getitem__(self, name: str) -> Tensor:
        return self.scores[name]

    @property
    def interactiveness(self) -> Tensor:
        """(N,) probability that each pair interacts."""
        return self.scores["cls_prob_binary"][:, 0]


class TinNetwork(nn.Module):
    """R, C and D over pairs of boxes of one or several images.

    Args:
        classes: number of interactions (HICO-DET 600) or verbs (V-COCO 29).
        layout: which published arrangement of the discriminator.
        freeze: keep the backbone's stem and first block fixed.
    """

    def __init__(self, classes: int, layout: Layout = "hico", freeze: bool = True) -> None:
        super().__init__()
        self.classes, self.layout = classes, layout
        self.backbone = TinBackbone(freeze)
        self.human_block, self.object_block = role_block(), role_block()
        self.attention = InstanceAttention()
        self.spatial = MapStream(2, 64, 32)
        self.human_head = nn.Sequential(NormedDense(HUMAN + CONTEXT, 1024), NormedDense(1024, 1024))
        self.object_head = nn.Sequential(NormedDense(HUMAN + CONTEXT, 1024), NormedDense(1024, 1024))
        self.spatial_head = nn.Sequential(NormedDense(HUMAN + SPATIAL, 1024), NormedDense(1024, 1024))
        self.classify = nn.ModuleDict({name: nn.Linear(1024, classes) for name in ("H", "O", "sp")})
        if layout == "hico":
            self.discriminator = Discriminator(HUMAN + CONTEXT + SPATIAL + POSE, HUMAN + CONTEXT)
        else:
            self.discriminator = Discriminator(HUMAN + SPATIAL + POSE, HUMAN + 2 * CONTEXT)
        self.interactive = nn.Linear(1024, 2)

    def forward(
        self, images: Tensor, human_boxes: Tensor, object_boxes: Tensor, maps: Tensor, positives: int | None = None
    ) -> TinOutputs:
        """Scores of N pairs.

        Args:
            images: (B, 3, H, W) float32 in the order blue, green, red, `PIXEL_MEANS_BGR` taken off; (B, H, W, 3) is
                accepted too.
            human_boxes: (N, 5) image, x1, y1, x2, y2 in pixels, or (N, 4) in the only image.
            object_boxes: the same for the objects; (N, .) or only the first `positives` rows.
            maps: (N, 3, 64, 64) of person, object and pose (`maps.pair_map`); (N, 64, 64, 3) is accepted too.
            positives: in training, how many rows (the first ones) have an interaction; the others get neither
                object nor, in the V-COCO layout, human scores, and the discriminator does not see their objects. By
                default all.

        Returns:
            the scores of every stream; rows beyond `positives` only where said.
        """
        images, maps = channels_first(images), channels_first(maps)
        human_boxes, object_boxes = with_image(human_boxes), with_image(object_boxes)
        count = len(human_boxes) if positives is None else int(positives)
        rows = len(human_boxes) if self.layout == "hico" else count
        head = self.backbone(images)
        keys = self.attention.keys(head)
        fc7_h, context_h, att_h = self._instances(head, keys, human_boxes, "human")
        fc7_o, context_o, att_o = self._instances(head, keys, object_boxes[:count], "object")
        spatial = self.spatial(maps[:, :2])
        logits = {
            "H": self.classify["H"](self.human_head(torch.cat([fc7_h[:rows], context_h[:rows]], 1))),
            "O": self.classify["O"](self.object_head(torch.cat([fc7_o, context_o], 1))),
            "sp": self.classify["sp"](self.spatial_head(torch.cat([fc7_h, spatial], 1))),
        }
        if self.layout == "hico":
            first, second = torch.cat([fc7_h, context_h, spatial], 1), torch.cat([fc7_o, context_o], 1)
        else:
            first, second = torch.cat([fc7_h, spatial], 1), torch.cat([fc7_o, context_h[:count], context_o], 1)
        logits["binary"] = self.interactive(self.discriminator(first, second, maps[:, 2:]))
        scores = {f"cls_score_{name}": value for name, value in logits.items()}
        scores |= {f"cls_prob_{name}": value.sigmoid() for name, value in logits.items()}
        if count == len(human_boxes):
            fused = scores["cls_prob_sp"] * (scores["cls_prob_H"] + scores["cls_prob_O"])
            scores["cls_prob_HO" if self.layout == "hico" else "cls_prob_HO_final"] = fused
        return TinOutputs({**scores, "att_H": att_h[:rows], "att_O": att_o})

    def _instances(
        self, head: Tensor, keys: tuple[Tensor, Tensor], boxes: Tensor, role: Literal["human", "object"]
    ) -> tuple[Tensor, Tensor, Tensor]:
        block = self.human_block if role == "human" else self.object_block
        return instance_features(head, keys, boxes, role, block, self.attention)


def instance_features(
    head: Tensor,
    keys: tuple[Tensor, Tensor],
    boxes: Tensor,
    role: Literal["human", "object"],
    block: nn.Module,
    attention: InstanceAttention,
) -> tuple[Tensor, Tensor, Tensor]:
    """Appearance (N, 2048), context (N, 1024) and attention map (N, 1, H, W) of boxes (N, 5), each box once.

    In training every row has its own dropout, so nothing is shared there but the crops.
    """
    distinct, place = torch.unique(boxes, dim=0, return_inverse=True)
    features = block(crop_and_resize(head, distinct, STRIDE)).mean((2, 3))
    image = distinct[:, 0].long()
    if block.training:
        features, image = features[place], image[place]
        context, seen = attention(keys, features, role, image)
        return features, context, seen
    context, seen = attention(keys, features, role, image)
    return features[place], context[place], seen[place]


def channels_first(x: Tensor) -> Tensor:
    """(N, 3, H, W), also from (N, H, W, 3)."""
    return x if x.shape[1] == 3 or x.shape[-1] != 3 else x.permute(0, 3, 1, 2)


def with_image(boxes: Tensor) -> Tensor:
    """Boxes with the image's index in front: (N, 5), also from (N, 4) in the only image."""
    return boxes if boxes.shape[1] == 5 else torch.cat([boxes.new_zeros(len(boxes), 1), boxes], 1)

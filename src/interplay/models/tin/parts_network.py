"""TIN on the level of body parts (Li et al., TPAMI 2021): whether a pair interacts, and with which of ten body parts.

It has no interaction classes; the scores of another network are suppressed with its interactiveness.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from interplay.layers.crops import crop_and_resize

from .backbone import STRIDE, TinBackbone, role_block
from .network import CONTEXT, HUMAN, POSE, SPATIAL, TinOutputs, channels_first, instance_features, with_image
from .part_boxes import PARTS
from .streams import Discriminator, InstanceAttention, MapStream

PART_WIDTH = 64
"""Channels of the map that parts are cropped from."""


class PartAttention(nn.Module):
    """How much each part takes part: two dense layers over the crops of all ten."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(len(PARTS) * PART_WIDTH * 49, 1024), nn.Linear(1024, 1024)
        self.score = nn.Linear(1024, len(PARTS))
        self.dropout = nn.Dropout(0.5)

    def forward(self, crops: Tensor) -> Tensor:
        """(N, 10, 64, 7, 7) -> logits (N, 10)."""
        x = crops.permute(0, 3, 4, 1, 2).flatten(1)  # height, width, then part-major channels
        x = self.dropout(F.relu(self.fc1(x)))
        return self.score(self.dropout(F.relu(self.fc2(x))))


class TinPartNetwork(nn.Module):
    """R and a discriminator that looks at ten body parts.

    Args:
        freeze: keep the backbone's stem and first block fixed.
    """

    def __init__(self, freeze: bool = True) -> None:
        super().__init__()
        self.backbone = TinBackbone(freeze)
        self.human_block, self.object_block = role_block(), role_block()
        self.attention = InstanceAttention()
        self.spatial = MapStream(2, 64, 32)
        self.compress = nn.Conv2d(1024, PART_WIDTH, 1)
        width = HUMAN + CONTEXT + SPATIAL + POSE
        self.part_discriminators = nn.ModuleList(
            Discriminator(width + PART_WIDTH, HUMAN + CONTEXT) for _ in range(len(PARTS))
        )
        self.part_interactive = nn.ModuleList(nn.Linear(1024, 2) for _ in range(len(PARTS)))
        self.part_attention = PartAttention()
        self.discriminator = Discriminator(width + len(PARTS) * PART_WIDTH, HUMAN + CONTEXT)
        self.interactive = nn.Linear(1024, 2)

    def forward(
        self, images: Tensor, human_boxes: Tensor, object_boxes: Tensor, maps: Tensor, part_boxes: Tensor
    ) -> TinOutputs:
        """Interactiveness of N pairs.

        Args:
            images, human_boxes, object_boxes, maps: as for `TinNetwork`.
            part_boxes: (N, 10, 5) image, x1, y1, x2, y2 in pixels in the order of `PARTS` (`part_boxes.part_boxes`),
                or (N, 10, 4) in the only image.
        """
        images, maps = channels_first(images), channels_first(maps)
        human_boxes, object_boxes = with_image(human_boxes), with_image(object_boxes)
        count = len(human_boxes)
        head = self.backbone(images)
        keys = self.attention.keys(head)
        fc7_h, context_h, att_h = instance_features(head, keys, human_boxes, "human", self.human_block, self.attention)
        fc7_o, context_o, att_o = instance_features(
            head, keys, object_boxes, "object", self.object_block, self.attention
        )
        spatial, pose_map = self.spatial(maps[:, :2]), maps[:, 2:]
        crops = self._part_crops(head, part_boxes)
        pooled = crops.mean((3, 4))  # (N, 10, 64)
        second = torch.cat([fc7_o, context_o], 1)
        per_part = []
        for i, (discriminator, interactive) in enumerate(
            zip(self.part_discriminators, self.part_interactive, strict=True)
        ):
            first = torch.cat([fc7_h, context_h, pooled[:, i], spatial], 1)
            per_part.append(interactive(discriminator(first, second, pose_map)))
        scores = {"part_binary_score": torch.stack(per_part, 1)}
        logits = {"binary_all": scores["part_binary_score"].amax(1), "vec": self.part_attention(crops)}
        attended = (logits["vec"].sigmoid()[..., None] * pooled).reshape(count, len(PARTS) * PART_WIDTH)
        first = torch.cat([fc7_h, context_h, attended, spatial], 1)
        logits["binary"] = self.interactive(self.discriminator(first, second, pose_map))
        scores |= {f"cls_score_{name}": value for name, value in logits.items()}
        scores |= {f"cls_prob_{name}": value.sigmoid() for name, value in logits.items()}
        return TinOutputs({**scores, "att_H": att_h, "att_O": att_o})

    def _part_crops(self, head: Tensor, part_boxes: Tensor) -> Tensor:
        """(N, 10, 64, 7, 7); people in several pairs are cropped once."""
        boxes = with_image(part_boxes.flatten(0, 1)).view(len(part_boxes), len(PARTS), 5)
        distinct, place = torch.unique(boxes, dim=0, return_inverse=True)
        crops = crop_and_resize(F.relu(self.compress(head)), distinct.flatten(0, 1), STRIDE)
        return crops.view(len(distinct), len(PARTS), *crops.shape[1:])[place]

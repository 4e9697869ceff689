"""TIN on the level of body parts (Li et al., TPAMI 2021): whether a pair interacts, and with which of ten body parts.

It has no interaction classes; the scores of another network are suppressed with its interactiveness.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from interplay.layers.crops import crop_map

from .blocks import Discriminator, Widths
from .config import BackboneName
from .network import Images, PairNetwork, Representation, TinOutputs, channels_first, with_image
from .part_boxes import PARTS


class PartAttention(nn.Module):
    """How much each part takes part: two dense layers over the crops of all ten."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        hidden = widths.hidden
        self.fc1, self.fc2 = nn.Linear(len(PARTS) * widths.part * 49, hidden), nn.Linear(hidden, hidden)
        self.score = nn.Linear(hidden, len(PARTS))
        self.dropout = nn.Dropout(0.5)

    def forward(self, crops: Tensor) -> Tensor:
        """(N, 10, C, 7, 7) -> logits (N, 10)."""
        x = crops.permute(0, 3, 4, 1, 2).flatten(1)  # height, width, then part-major channels
        x = self.dropout(F.relu(self.fc1(x)))
        return self.score(self.dropout(F.relu(self.fc2(x))))


class TinPartNetwork(PairNetwork):
    """R and a discriminator that looks at ten body parts.

    Args:
        freeze: keep the backbone's stem and first block fixed.
        backbone: see `PairNetwork`.
    """

    def __init__(self, freeze: bool = True, backbone: BackboneName = "resnet50") -> None:
        super().__init__(freeze, backbone)
        widths, parts = self.widths, len(PARTS)
        instance = widths.instance + widths.context
        first = instance + self.spatial_width
        self.compress = nn.Conv2d(widths.head, widths.part, 1)
        self.part_discriminators = nn.ModuleList(
            Discriminator(first + widths.part, instance, widths) for _ in range(parts)
        )
        self.part_interactive = nn.ModuleList(nn.Linear(widths.hidden, 2) for _ in range(parts))
        self.part_attention = PartAttention(widths)
        self.discriminator = Discriminator(first + parts * widths.part, instance, widths)
        self.interactive = nn.Linear(widths.hidden, 2)

    @property
    def classifying_parts(self) -> tuple[nn.Module, ...]:
        """It has no classes."""
        return ()

    @property
    def interactiveness_parts(self) -> tuple[nn.Module, ...]:
        """D: everything but R."""
        parts = self.part_discriminators, self.part_interactive, self.part_attention
        return self.compress, *parts, self.discriminator, self.interactive

    def forward(
        self, images: Images, human_boxes: Tensor, object_boxes: Tensor, maps: Tensor, part_boxes: Tensor
    ) -> TinOutputs:
        """Interactiveness of N pairs.

        Args:
            images, human_boxes, object_boxes, maps: as for `TinNetwork`.
            part_boxes: (N, 10, 5) image, x1, y1, x2, y2 in pixels in the order of `PARTS` (`part_boxes.part_boxes`),
                or (N, 10, 4) in the only image.
        """
        images, maps = channels_first(images) if isinstance(images, Tensor) else images, channels_first(maps)
        found = self.represent(images, with_image(human_boxes), with_image(object_boxes))
        return self.score(found, maps, self._part_crops(found.heads, part_boxes))

    def of_image(
        self,
        image: Tensor,
        humans: Tensor,
        objects: Tensor,
        human: Tensor,
        object: Tensor,
        maps: Tensor,
        part_boxes: Tensor,
        parts: Tensor,
    ) -> TinOutputs:
        """Interactiveness of the pairs of a single image; arguments as of `represent_image` and `forward`, and:

        Args:
            part_boxes: (D, 10, 4) of people, in pixels.
            parts: (N,) which of them the pairs have.
        """
        found = self.represent_image(image, humans, objects, human, object)
        compressed = F.relu(self.compress(found.heads[0]))
        crops = crop_map(compressed, part_boxes.flatten(0, 1), self.backbone.stride)
        return self.score(found, maps, crops.unflatten(0, (-1, len(PARTS)))[parts])

    def score(self, found: Representation, maps: Tensor, crops: Tensor) -> TinOutputs:
        """What D makes of R, the maps (N, 3, 64, 64) and the parts' crops (N, 10, C, 7, 7)."""
        spatial, pose_map = self.spatial(maps[:, :2]), maps[:, 2:]
        pooled = crops.mean((3, 4))  # (N, 10, C)
        person, second = [found.human, found.human_context], torch.cat([found.object, found.object_context], 1)
        per_part = []
        for i, (discriminator, interactive) in enumerate(
            zip(self.part_discriminators, self.part_interactive, strict=True)
        ):
            per_part.append(
                interactive(discriminator(torch.cat([*person, pooled[:, i], spatial], 1), second, pose_map))
            )
        scores = {"part_binary_score": torch.stack(per_part, 1)}
        logits = {"binary_all": scores["part_binary_score"].amax(1), "vec": self.part_attention(crops)}
        attended = (logits["vec"].sigmoid()[..., None] * pooled).flatten(1)
        first = torch.cat([*person, attended, spatial], 1)
        logits["binary"] = self.interactive(self.discriminator(first, second, pose_map))
        scores |= {f"cls_score_{name}": value for name, value in logits.items()}
        scores |= {f"cls_prob_{name}": value.sigmoid() for name, value in logits.items()}
        return TinOutputs({**scores, "att_H": found.human_attention, "att_O": found.object_attention})

    def _part_crops(self, heads: Sequence[Tensor], part_boxes: Tensor) -> Tensor:
        """(N, 10, C, 7, 7); people in several pairs are cropped once."""
        boxes = with_image(part_boxes.flatten(0, 1)).view(len(part_boxes), len(PARTS), 5)
        distinct, place = torch.unique(boxes, dim=0, return_inverse=True)
        crops = self.crops([F.relu(self.compress(head)) for head in heads], distinct.flatten(0, 1))
        return crops.view(len(distinct), len(PARTS), *crops.shape[1:])[place]

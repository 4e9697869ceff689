"""R, TIN's representation of pairs: what their person, their object and the image around them look like.

Everything that depends on one box only is computed once for that box, and the backbone once for the image; the
published test loop repeats all of it for every pair.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from interplay.errors import InputError
from interplay.layers.crops import crop_and_resize
from interplay.layers.resnet import maps_by_size

from .backbone import NanoBackbone, TinBackbone, nano_role_block, role_block
from .config import BackboneName
from .streams import NANO, InstanceAttention, Keys, MapStream, Widths

Role = Literal["human", "object"]


@dataclass(frozen=True)
class StoredImage:
    """What a frozen backbone made of an image.

    Attributes:
        head: (C, H, W) its map.
        humans, objects: (D, 4) boxes.
        human_features, object_features: (D, F) their appearance.
    """

    head: Tensor
    humans: Tensor
    objects: Tensor
    human_features: Tensor
    object_features: Tensor

    def appearance(self, boxes: Tensor, role: Role) -> Tensor:
        """(N, F) of boxes (N, 4) that are among the stored ones.

        Raises:
            InputError: they are not.
        """
        known = self.humans if role == "human" else self.objects
        features = self.human_features if role == "human" else self.object_features
        same = (boxes[:, None] == known).all(2)
        if not same.any(1).all():
            raise InputError("the stored features are of other boxes: remove the folder that holds them")
        return features[same.int().argmax(1)].float()


Images = Tensor | Sequence[Tensor] | Sequence[StoredImage]


@dataclass(frozen=True)
class Representation:
    """R of N pairs, of which the first P have an object.

    Attributes:
        heads: the images' maps, each (C, H, W).
        human, object: appearance (N, F) and (P, F).
        human_context, object_context: what the attention sees, (N, C) and (P, C).
        human_attention, object_attention: where, (N, 1, H, W) and (P, 1, H, W).
    """

    heads: Sequence[Tensor]
    human: Tensor
    object: Tensor
    human_context: Tensor
    object_context: Tensor
    human_attention: Tensor
    object_attention: Tensor


class PairNetwork(nn.Module):
    """Base of TIN's networks: R, and the stream that reads spatial maps.

    Args:
        freeze: keep ResNet-50's stem and first block fixed.
        backbone: ``resnet50`` as published, or ``resnet-nano``, a small one that trains from nothing.
    """

    def __init__(self, freeze: bool = True, backbone: BackboneName = "resnet50") -> None:
        super().__init__()
        small = backbone == "resnet-nano"
        self.widths = NANO if small else Widths()
        self.backbone: TinBackbone | NanoBackbone = NanoBackbone() if small else TinBackbone(freeze)
        self.human_block, self.object_block = (nano_role_block() if small else role_block() for _ in range(2))
        self.attention = InstanceAttention(self.widths)
        self.spatial = MapStream(2, self.widths.spatial, self.widths.shrink)

    @property
    def spatial_width(self) -> int:
        """Features of a spatial map."""
        return self.widths.flat(self.widths.spatial[1])

    @property
    def frozen_parts(self) -> tuple[nn.Module, ...]:
        """What does not change where features are frozen."""
        return self.backbone, self.human_block, self.object_block

    def represent(self, images: Images, human_boxes: Tensor, object_boxes: Tensor) -> Representation:
        """R of pairs.

        Args:
            images: (B, 3, H, W) as `TinNetwork.forward` takes them; (3, H, W) each, of different sizes; or what is
                stored of each.
            human_boxes: (N, 5) image, x1, y1, x2, y2.
            object_boxes: (P, 5).
        """
        stored = [image for image in images if isinstance(image, StoredImage)]
        heads = (
            [image.head.float() for image in stored]
            if stored
            else maps_by_size(self.backbone, [x for x in images if isinstance(x, Tensor)])
        )
        keys = self.attention.keys(heads)

        def appearance(role: Role) -> Callable[[Tensor], Tensor]:
            block = self.human_block if role == "human" else self.object_block

            def of(boxes: Tensor) -> Tensor:
                if stored:
                    return _per_image(boxes, len(stored), lambda i, own: stored[i].appearance(own[:, 1:], role))
                return block(self.crops(heads, boxes)).mean((2, 3))

            return of

        human, human_context, human_attention = instance_features(
            appearance("human"), keys, human_boxes, "human", self.attention
        )
        thing, object_context, object_attention = instance_features(
            appearance("object"), keys, object_boxes, "object", self.attention
        )
        return Representation(
            heads, human, thing, human_context, object_context, human_attention, object_attention
        )  # fmt: skip

    def crops(self, heads: Sequence[Tensor], boxes: Tensor) -> Tensor:
        """(N, C, 7, 7) of boxes (N, 5) from the images' maps."""
        stride = self.backbone.stride

        def crop(i: int, own: Tensor) -> Tensor:
            return crop_and_resize(heads[i][None], torch.cat([torch.zeros_like(own[:, :1]), own[:, 1:]], 1), stride)

        return _per_image(boxes, len(heads), crop)


def instance_features(
    appearance: Callable[[Tensor], Tensor], keys: Keys, boxes: Tensor, role: Role, attention: InstanceAttention
) -> tuple[Tensor, Tensor, Tensor]:
    """Appearance (N, F), context (N, C) and attention map (N, 1, H, W) of boxes (N, 5), each box once.

    In training a box's dropout is therefore the same in all its pairs, which it is not in the published code.
    """
    distinct, place = torch.unique(boxes, dim=0, return_inverse=True)
    features = appearance(distinct)
    context, seen = attention(keys, features, role, distinct[:, 0].long())
    return features[place], context[place], seen[place]


def _per_image(boxes: Tensor, count: int, function: Callable[[int, Tensor], Tensor]) -> Tensor:
    """What a function makes of each image's boxes, in the order of all boxes (N, 5)."""
    parts, order = [], []
    for i in range(count):
        rows = (boxes[:, 0] == i).nonzero()[:, 0]
        if len(rows) or i == 0:
            parts.append(function(i, boxes[rows]))
            order.append(rows)
    return torch.cat(parts)[torch.argsort(torch.cat(order))]

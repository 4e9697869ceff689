"""TIN's network on the level of instances, from the backbone to the scores (CVPR 2019, figure 3; sections 3.2, 3.3).

`TinNetwork` has the classifier C and the discriminator D, and calls `PairNetwork.represent` for the representation R.
Everything that depends on one box only is computed once for that box, and the backbone once for the image. The
published test loop repeats all of it for every pair.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from interplay.layers.crops import crop_and_resize, crop_map
from interplay.layers.resnet import maps_by_size
from interplay.models.feature_cache import Role, StoredImage
from interplay.models.two_stage import PairIndex

from .blocks import (
    NANO,
    Discriminator,
    InstanceAttention,
    Keys,
    MapStream,
    NanoBackbone,
    NormedDense,
    TinBackbone,
    Widths,
    nano_role_block,
    role_block,
)
from .config import BackboneName, Classes

PIXEL_MEANS_BGR = (102.9801, 115.9465, 122.7717)

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

    Attributes:
        count: number of classes, 0 where it tells only whether a pair interacts.
        per_verb: whether classes are verbs instead of interactions.
    """

    count = 0
    per_verb = False

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
        obj, object_context, object_attention = instance_features(
            appearance("object"), keys, object_boxes, "object", self.attention
        )
        return Representation(
            heads, human, obj, human_context, object_context, human_attention, object_attention
        )  # fmt: skip

    def represent_image(
        self, image: Tensor, humans: Tensor, objects: Tensor, human: Tensor, object: Tensor
    ) -> Representation:
        """R of the pairs of a single image, without anything that depends on values; see `represent`.

        Args:
            image: (1, 3, H, W).
            humans, objects: (D, 4) and (E, 4) boxes in pixels.
            human, object: (N,) which of them make the pairs.
        """
        [head] = self.backbone(image)
        [(phi, values)] = self.attention.keys([head])
        found: dict[str, Tensor] = {}
        for role, block, boxes, pairs in (
            ("human", self.human_block, humans, human),
            ("object", self.object_block, objects, object),
        ):
            features = block(crop_map(head, boxes, self.backbone.stride)).mean((2, 3))
            context, seen = self.attention.look(phi, values, self.attention.queries(features, role))
            seen = seen.unflatten(1, (1, *phi.shape[1:]))
            found |= {role: features[pairs], f"{role}_context": context[pairs], f"{role}_attention": seen[pairs]}
        return Representation([head], **found)

    def stored_image(self, pixels: NDArray[np.uint8], humans: Tensor, objects: Tensor) -> StoredImage:
        """What the frozen parts see of an RGB image (H, W, 3) with boxes of people and objects, (., 4) each."""
        device = next(self.parameters()).device
        heads = maps_by_size(self.backbone, [network_image(pixels)[0].to(device)])

        def appearance(boxes: Tensor, block: nn.Module) -> Tensor:
            numbered = with_image(boxes.to(device))
            return torch.cat([block(self.crops(heads, part)).mean((2, 3)) for part in numbered.split(64)])

        features = appearance(humans, self.human_block), appearance(objects, self.object_block)
        return StoredImage(heads[0], humans, objects, *features)

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

    def with_interactiveness(self, other: TinOutputs) -> TinOutputs:
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
    def classifying_parts(self) -> tuple[nn.Module, ...]:
        """The classifier's layers."""
        return (self.classify,)

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

    def of_image(
        self, image: Tensor, humans: Tensor, objects: Tensor, human: Tensor, object: Tensor, maps: Tensor
    ) -> TinOutputs:
        """Scores of the pairs of a single image; arguments as of `represent_image` and `forward`."""
        return self.score(self.represent_image(image, humans, objects, human, object), maps)

    def score(self, found: Representation, maps: Tensor) -> TinOutputs:
        """What C and D make of R and the maps (N, 3, 64, 64)."""
        fc7_h, context_h, fc7_o, context_o = found.human, found.human_context, found.object, found.object_context
        count = fc7_o.shape[0]  # not len, which an exported network would take for a constant
        rows = count if self.per_verb else fc7_h.shape[0]
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
        if count == fc7_h.shape[0]:
            fused = scores["cls_prob_sp"] * (scores["cls_prob_H"] + scores["cls_prob_O"])
            scores["cls_prob_HO_final" if self.per_verb else "cls_prob_HO"] = fused
        return TinOutputs({**scores, "att_H": found.human_attention[:rows], "att_O": found.object_attention})


def channels_first(x: Tensor) -> Tensor:
    """(N, 3, H, W), also from (N, H, W, 3)."""
    return x if x.shape[1] == 3 or x.shape[-1] != 3 else x.permute(0, 3, 1, 2)


def with_image(boxes: Tensor) -> Tensor:
    """Boxes with the image's index in front: (N, 5), also from (N, 4) in the only image."""
    return boxes if boxes.shape[1] == 5 else torch.cat([boxes.new_zeros(len(boxes), 1), boxes], 1)


def network_image(image: NDArray[np.uint8]) -> Tensor:
    """An RGB image (H, W, 3) as the networks take it: (1, 3, H, W), blue first, the mean taken off, not resized."""
    pixels = torch.from_numpy(np.ascontiguousarray(image[..., ::-1])).float() - torch.tensor(PIXEL_MEANS_BGR)
    return pixels.permute(2, 0, 1)[None]

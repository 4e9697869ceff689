"""TIN's network on the level of instances, from the backbone to the scores (CVPR 2019, figure 3; sections 3.2, 3.3).

`TinNetwork` has the classifier C and the discriminator D, and calls `PairNetwork.represent` for the representation R.
Everything that depends on one box only is computed once for that box, and the backbone once for the image. The
published test loop repeats all of it for every pair.

The backbone is ResNet-50 in TF-slim's layout, in which a block's stride sits in its last unit, with one head per role.
Blocks are torchvision's, so that batch normalisation is folded by the same function as everywhere. The attention is
that of Gao et al., "iCAN", BMVC 2018. Beside the published backbone there is a small one that trains from nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.ops import FrozenBatchNorm2d

from interplay.layers.crops import crop_and_resize
from interplay.layers.resnet import ResNet, maps_by_size
from interplay.models.feature_cache import Role, StoredImage
from interplay.models.two_stage import PairIndex

from .config import BackboneName, Classes

PIXEL_MEANS_BGR = (102.9801, 115.9465, 122.7717)

PIXEL_SCALE = 64.0
"""The networks take pixels in -128..128; layers without a pretraining for that want them near 1."""


def block(channels: int, planes: int, units: int, stride: int = 1) -> nn.Sequential:
    """Bottleneck units of width `planes`; the last one subsamples by `stride`."""
    out = 4 * planes
    shortcut = nn.Sequential(nn.Conv2d(channels, out, 1, bias=False), FrozenBatchNorm2d(out))
    layers: list[nn.Module] = [Bottleneck(channels, planes, 1, shortcut, norm_layer=FrozenBatchNorm2d)]
    for unit in range(1, units):
        last = unit == units - 1 and stride > 1
        subsample = nn.MaxPool2d(1, stride) if last else None
        layers.append(Bottleneck(out, planes, stride if last else 1, subsample, norm_layer=FrozenBatchNorm2d))
    return nn.Sequential(*layers)


class TinBackbone(nn.Module):
    """Stem and three blocks: an image becomes a map of 1024 channels and stride 16.

    Args:
        freeze: keep stem and first block as they are, as in the published training.
    """

    stride = 16
    """Pixels of the image per cell of the map."""

    def __init__(self, freeze: bool = True) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = FrozenBatchNorm2d(64)
        self.block1 = block(64, 64, 3, stride=2)
        self.block2 = block(256, 128, 4, stride=2)
        self.block3 = block(512, 256, 6)
        if freeze:
            self.conv1.requires_grad_(False)
            self.block1.requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) blue, green, red with the mean taken off -> (B, 1024, H / 16, W / 16), rounded up."""
        x = F.relu(self.bn1(self.conv1(images)), inplace=True)
        x = F.max_pool2d(x, 3, stride=2, padding=1)
        return self.block3(self.block2(self.block1(x)))


def role_block() -> nn.Sequential:
    """What reads a crop of a human or an object: (N, 1024, 7, 7) -> (N, 2048, 7, 7)."""
    return block(1024, 512, 3)


class NanoBackbone(nn.Module):
    """``resnet-nano``: an image becomes a map of 144 channels and stride 8.

    The third stage's map is enlarged and laid beside the second's, since things in small images are small.
    """

    stride = 8

    def __init__(self) -> None:
        super().__init__()
        self.resnet = ResNet("resnet-nano")

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) as for `TinBackbone` -> (B, 144, H / 8, W / 8), rounded up."""
        net = self.resnet
        pixels = (images / PIXEL_SCALE).contiguous(memory_format=torch.channels_last)  # a quarter faster on CPUs
        x = F.relu(net.bn1(net.conv1(pixels)), inplace=True)
        first, second, third = net.stages
        fine = second(first(F.max_pool2d(x, 3, stride=2, padding=1)))
        coarse = F.interpolate(third(fine), fine.shape[-2:], mode="bilinear", align_corners=False)
        return torch.cat([fine, coarse], 1)


def nano_role_block() -> nn.Sequential:
    """What reads a crop in the small network: (N, 144, 7, 7) -> (N, 192, 4, 4)."""
    shortcut = nn.Sequential(nn.Conv2d(144, 192, 1, 2, bias=False), nn.GroupNorm(8, 192))
    return nn.Sequential(BasicBlock(144, 192, 2, shortcut, norm_layer=lambda width: nn.GroupNorm(8, width)))


@dataclass(frozen=True)
class Widths:
    """Channels of a network; by default the published ones.

    Attributes:
        head: of the backbone's map.
        instance: of an instance's appearance.
        keys: of the attention's keys, values and queries.
        context: of what the attention sees.
        hidden: of dense layers.
        spatial, pose: of the two convolutions over spatial and pose maps.
        part: of the map that body parts are cropped from.
        shrink: maps are first made smaller by this factor.
    """

    head: int = 1024
    instance: int = 2048
    keys: int = 512
    context: int = 1024
    hidden: int = 1024
    spatial: tuple[int, int] = (64, 32)
    pose: tuple[int, int] = (32, 16)
    part: int = 64
    shrink: int = 1

    def flat(self, channels: int) -> int:
        """Features of a map of 64 x 64 after a `MapStream` with so many channels at its end."""
        return channels * (((64 // self.shrink - 4) // 2 - 4) // 2) ** 2


NANO = Widths(
    head=144, instance=192, keys=64, context=96, hidden=192, spatial=(16, 16), pose=(8, 8), part=16, shrink=2
)  # fmt: skip


class NormedDense(nn.Module):
    """A dense layer without bias, batch normalisation with fixed statistics, ReLU, dropout."""

    def __init__(self, inputs: int, outputs: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, outputs, bias=False)
        self.norm = FrozenBatchNorm2d(outputs)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs) -> (N, outputs)."""
        return self.dropout(F.relu(self.norm(self.dense(x)[..., None, None])[..., 0, 0]))


class MapStream(nn.Module):
    """Two convolutions over a 64 x 64 map, flattened in the order height, width, channel.

    Args:
        channels: of the map.
        widths: of the two convolutions.
        shrink: the map is first made smaller by this factor.
    """

    def __init__(self, channels: int, widths: tuple[int, int], shrink: int = 1) -> None:
        super().__init__()
        width, out = widths
        self.conv1, self.conv2 = nn.Conv2d(channels, width, 5), nn.Conv2d(width, out, 5)
        self.shrink = shrink

    def forward(self, maps: Tensor) -> Tensor:
        """(N, channels, 64, 64) -> (N, 169 out), fewer of smaller maps."""
        if self.shrink > 1:
            maps = F.max_pool2d(maps, self.shrink)
        x = F.max_pool2d(F.relu(self.conv1(maps)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return x.permute(0, 2, 3, 1).flatten(1)


Keys = Sequence[tuple[Tensor, Tensor]]
"""Of each image: keys (K, H, W), and values as the bottleneck makes them (C, H, W) without bias."""


class InstanceAttention(nn.Module):
    """Where in the image to look, seen from one instance (iCAN)."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        self.phi, self.g = nn.Conv2d(widths.head, widths.keys, 1), nn.Conv2d(widths.head, widths.keys, 1)
        self.query = nn.ModuleDict({role: nn.Linear(widths.instance, widths.keys) for role in ("human", "object")})
        self.bottleneck = nn.Conv2d(widths.keys, widths.context, 1)
        self.dropout = nn.Dropout(0.2)

    def keys(self, heads: Sequence[Tensor]) -> Keys:
        """What all instances of an image share, from the images' maps (C, H, W)."""
        return [(F.relu(self.phi(x)), F.conv2d(F.relu(self.g(x)), self.bottleneck.weight)) for x in heads]

    def forward(self, keys: Keys, instance: Tensor, role: str, image: Tensor) -> tuple[Tensor, Tensor]:
        """Context features (N, C) and attention (N, 1, H, W) of instances.

        Args:
            keys: see `keys`.
            instance: (N, features).
            role: ``human`` or ``object``.
            image: (N,) which image each instance is in.

        Returns:
            context; attention, which is (N, 1, 0, 0) where images differ in size.
        """
        query = self.dropout(F.relu(self.query[role](instance)))
        shapes = {phi.shape[1:] for phi, _ in keys}
        context = instance.new_zeros(len(instance), self.bottleneck.out_channels)
        seen = instance.new_zeros(len(instance), 1, *(shapes.pop() if len(shapes) == 1 else (0, 0)))
        bias = self.bottleneck.bias
        assert bias is not None
        for i, (phi, values) in enumerate(keys):
            rows = (image == i).nonzero()[:, 0]
            if not len(rows):
                continue
            attention = (query[rows] @ phi.flatten(1) / len(phi)).softmax(1)
            # The bottleneck is linear up to its ReLU, so weighing what comes out of it is weighing what goes in. The
            # published code takes the mean over the cells, not the sum.
            weighed = values.flatten(1)[None] * attention[:, None] + bias[:, None]
            context = context.index_copy(0, rows, F.relu(weighed).mean(2).to(context))
            if seen.shape[-1]:
                seen[rows] = attention.detach().view(len(rows), 1, *phi.shape[1:]).to(seen)
        return context, seen


class Discriminator(nn.Module):
    """Whether a pair interacts: human and maps in one branch, object and context in the other.

    Args:
        first: width of what the first branch reads, without the pose map's features.
        second: width of what the second branch reads.
        widths: of the layers.
    """

    def __init__(self, first: int, second: int, widths: Widths) -> None:
        super().__init__()
        hidden = widths.hidden
        self.pose = MapStream(1, widths.pose, widths.shrink)
        self.fc8_1, self.fc8_2 = nn.Linear(first + widths.flat(widths.pose[1]), hidden), nn.Linear(second, hidden)
        self.fc9 = nn.Linear(2 * hidden, hidden)
        self.dropout = nn.Dropout(0.2)

    def forward(self, first: Tensor, second: Tensor, pose_map: Tensor) -> Tensor:
        """(N, hidden) features of pairs.

        Args:
            first: (N, ...) what the first branch reads, without the pose map's features.
            second: (P, ...) what the second branch reads; rows from P on have no object and use the first branch twice.
            pose_map: (N, 1, 64, 64).
        """
        one = self.dropout(F.relu(self.fc8_1(torch.cat([first, self.pose(pose_map)], 1))))
        two = self.dropout(F.relu(self.fc8_2(second)))
        both = torch.cat([one, torch.cat([two, one[len(two) :]])], 1)
        return self.dropout(F.relu(self.fc9(both)))


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


def network_image(image: NDArray[np.uint8]) -> Tensor:
    """An RGB image (H, W, 3) as the networks take it: (1, 3, H, W), blue first, the mean taken off, not resized."""
    pixels = torch.from_numpy(np.ascontiguousarray(image[..., ::-1])).float() - torch.tensor(PIXEL_MEANS_BGR)
    return pixels.permute(2, 0, 1)[None]

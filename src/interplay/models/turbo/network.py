"""Turbo learning's network, from an image and its people to interactions and poses (AAAI 2019, Figure 2).

Everything about a person is computed from the C4 map under the person's box, 7 x 7 cells. Names are the paper's: F is
the appearance, a stage's recognition of interactions gives H_mid and H_out, its estimate of the pose P_mid and P_out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock
from torchvision.ops import roi_align

from interplay.datasets.transforms import to_tensor
from interplay.keypoints import KEYPOINT_NAMES
from interplay.layers.names import ResNetName
from interplay.layers.resnet import ResNet, fine_map, maps_by_size
from interplay.models.feature_cache import StoredImage

from .config import TurboNetworkOptions

CELLS = 7
"""Cells of a box along each side."""

SIDE = 4 * CELLS
"""m: cells of a keypoint's map along each side, after deconvolution and upsampling."""

KEYPOINTS = len(KEYPOINT_NAMES)
_RARE = -3.0
"""First bias of actions: most people do few of them."""


class Stem(nn.Module):
    """The layers that people, objects and both tasks share: an image becomes a map.

    ResNet-50 and ResNet-101 end after C4 (1024 channels, stride 16), and stay as they are up to C2; ``resnet-nano``
    gives `fine_map` (144 channels, stride 8).
    """

    def __init__(self, name: ResNetName) -> None:
        super().__init__()
        self.small = name == "resnet-nano"
        self.resnet = ResNet(name, frozen_stages=0 if self.small else 2)
        self.channels, self.stride = (144, 8) if self.small else (1024, 16)
        if not self.small:  # C5 is the object detection branch's
            del self.resnet.layer4
            self.resnet.depth = 3

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, channels, H / stride, W / stride), rounded up."""
        return fine_map(self.resnet, images) if self.small else self.resnet(images)


class DetectionBranch(nn.Module):
    """What is in a box, and how the box should be: three residual blocks (C5) and two output layers.

    Args:
        name: of the backbone whose C5 it is; ``resnet-nano`` has a single block instead.
        channels: of the map.
        objects: classes; a further one is the background.
    """

    def __init__(self, name: ResNetName, channels: int, objects: int) -> None:
        super().__init__()
        if name == "resnet-nano":
            shortcut = nn.Sequential(nn.Conv2d(channels, 192, 1, 2, bias=False), nn.GroupNorm(8, 192))
            block = BasicBlock(channels, 192, 2, shortcut, norm_layer=lambda width: nn.GroupNorm(8, width))
            blocks, width = nn.Sequential(block), 192
        else:
            blocks, width = ResNet(name).stages[-1], 2048  # type: ignore[assignment]
        self.block = blocks
        self.classify, self.move = nn.Linear(width, objects + 1), nn.Linear(width, 4)
        nn.init.normal_(self.classify.weight, std=0.01)
        nn.init.normal_(self.move.weight, std=0.001)
        for layer in (self.classify, self.move):
            nn.init.zeros_(layer.bias)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """(D, C, 7, 7) -> logits (D, objects + 1) and moves (D, 4) as `relative_places` has them."""
        features = self.block(crops).mean((2, 3))
        return self.classify(features), self.move(features)


@dataclass(frozen=True)
class HoiFeatures:
    """f_a of P people.

    Attributes:
        mid: H_mid (P, width).
        logits: (P, A) of the actions.
        places: mu (P, A, 4) where each action's target is, as `relative_places` has it.
    """

    mid: Tensor
    logits: Tensor
    places: Tensor

    def carried(self) -> Tensor:
        """(P, width + 5 A): H_mid and H_out, which the attention mask and the next stage see."""
        return torch.cat([self.mid, self.logits.sigmoid(), self.places.flatten(1)], 1)


@dataclass(frozen=True)
class PoseFeatures:
    """f_k of P people.

    Attributes:
        mid: P_mid (P, C, 7, 7), what the last 3 x 3 convolution sees.
        logits: P_out (P, 17, m, m) of the keypoints' places in the box.
    """

    mid: Tensor
    logits: Tensor

    @cached_property
    def maps(self) -> Tensor:
        """(P, 17, m, m) probability of each cell."""
        return self.logits.flatten(2).softmax(2).view_as(self.logits)

    def cells(self) -> Tensor:
        """(P, C + 17, 7, 7): P_mid, and how much of each keypoint's probability is in each of its cells."""
        share = F.avg_pool2d(self.maps, SIDE // CELLS) * (SIDE // CELLS) ** 2
        return torch.cat([self.mid, share], 1)


class HoiModule(nn.Module):
    """Pose-aware recognition of interactions (Figure 2c, Equation 1).

    The first layer reads the concatenation of several things. It is written as the sum of a layer for each, which is
    the same, so that each of them counts for as much in the beginning, however many numbers it has.

    Args:
        inputs: name -> how many numbers there are of each thing.
        actions: A.
        width: of the two fully connected layers.
        dropout: after each.
    """

    def __init__(self, inputs: Mapping[str, int], actions: int, width: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.ModuleDict({name: nn.Linear(count, width) for name, count in inputs.items()})
        self.second = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.act, self.place = nn.Linear(width, actions), nn.Linear(width, 4 * actions)
        for layer in (*self.first.values(), self.second):
            assert isinstance(layer, nn.Linear)
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
        for layer, bias in ((self.act, _RARE), (self.place, 0.0)):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.constant_(layer.bias, bias)

    def forward(self, given: Mapping[str, Tensor]) -> HoiFeatures:
        """Things by name, (P, their numbers) each; what is not given counts as zeros."""
        x = torch.stack([self.first[name](value.flatten(1)) for name, value in given.items()]).sum(0)
        x = self.dropout(F.relu(x / len(given) ** 0.5))
        mid = self.dropout(F.relu(self.second(x)))
        places = self.place(mid)
        return HoiFeatures(mid, self.act(mid), places.unflatten(1, (-1, 4)))


class KeypointBlock(nn.Module):
    """Mask R-CNN's keypoint head: 3 x 3 convolutions, a deconvolution, upsampling, a map for each keypoint.

    The last convolution is 1 x 1, so that it can be computed before the upsampling with the same result.
    """

    def __init__(self, channels: int, width: int, layers: int) -> None:
        super().__init__()
        sizes = [channels, *[width] * layers]
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(sizes))
        enlarge = nn.ConvTranspose2d(width, width, 4, stride=2, padding=1)
        self.enlarge: nn.Module = enlarge
        self.out = nn.Conv2d(width, KEYPOINTS, 1)
        for layer in self.convolutions:
            assert isinstance(layer, nn.Conv2d)
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
        nn.init.normal_(enlarge.weight, std=(2 / (4 * width)) ** 0.5)  # each cell of the result sees 2 x 2 cells
        nn.init.normal_(self.out.weight, std=0.01)
        for bias in (enlarge.bias, self.out.bias):
            assert bias is not None
            nn.init.zeros_(bias)

    def forward(self, x: Tensor) -> PoseFeatures:
        """(P, channels, 7, 7) -> pose features."""
        for layer in self.convolutions:
            x = F.relu(layer(x))
        maps = self.out(F.relu(self.enlarge(x)))
        return PoseFeatures(x, F.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False))


class PoseModule(nn.Module):
    """HOI-guided pose estimation (Figure 2d, Equations 4 and 5).

    Args:
        options: of the network.
        channels: of the features that the mask multiplies.
        hoi: numbers of `HoiFeatures.carried`.
    """

    def __init__(self, options: TurboNetworkOptions, channels: int, hoi: int) -> None:
        super().__init__()
        self.residual = options.residual
        self.maps = channels if options.channel_attention else 1
        self.attention = nn.Linear(hoi, self.maps * CELLS**2)
        nn.init.normal_(self.attention.weight, std=0.01)
        nn.init.zeros_(self.attention.bias)
        self.block = KeypointBlock(channels, options.pose_width, options.pose_layers)

    def forward(self, hoi: Tensor, cells: Tensor) -> tuple[PoseFeatures, Tensor]:
        """The carried HOI features (P, .) and features (P, channels, 7, 7) -> pose features and the mask."""
        mask = self.attention(hoi).sigmoid().view(-1, self.maps, CELLS, CELLS)
        return self.block((1 + mask if self.residual else mask) * cells), mask


@dataclass(frozen=True)
class Stage:
    """What a stage finds about P people; what it does not look for is None.

    Attributes:
        logits: (P, A) of the actions.
        places: (P, A, 4) of the targets.
        pose: (P, 17, m, m) logits of the keypoints' cells.
        attention: (P, 1 or C, 7, 7).
    """

    logits: Tensor | None
    places: Tensor | None
    pose: Tensor | None
    attention: Tensor | None = None


@dataclass(frozen=True)
class TurboOutputs:
    """What the network finds about the people, and about the boxes if these were given.

    Attributes:
        stages: first one first.
        first_pose: (P, 17, m, m) logits of Mask R-CNN's head, before the first stage; or None.
        classes: (D, O + 1) logits of what is in each box, the last one of nothing; or None.
        moves: (D, 4) how each box should be, relative to itself; or None.
    """

    stages: tuple[Stage, ...]
    first_pose: Tensor | None = None
    classes: Tensor | None = None
    moves: Tensor | None = None


class TurboNetwork(nn.Module):
    """The whole network.

    Args:
        options: see `TurboNetworkOptions`.
        actions: A, classes of actions; one with two kinds of targets counts twice.
        objects: O, classes of objects.
    """

    def __init__(self, options: TurboNetworkOptions, actions: int, objects: int) -> None:
        super().__init__()
        self.options = options
        self.stem = Stem(options.backbone)
        channels = self.stem.channels
        self.detection = DetectionBranch(options.backbone, channels, objects) if options.detection else None
        self.guided = options.hoi and options.pose and options.explicit_pose
        # the width of f_k as the attention mask multiplies it; with zeros before it, the first stage has F there
        cells, carried = options.pose_width + KEYPOINTS, options.width + 5 * actions
        cells += channels if options.appearance_to_pose else 0
        starts_with_pose = options.pose and not (self.guided and options.first_pose == "zeros")
        block = KeypointBlock(channels, options.pose_width, options.pose_layers) if starts_with_pose else None
        self.first_pose = block
        appearance = channels * CELLS**2
        pose = {"pose_mid": options.pose_width * CELLS**2, "pose_out": KEYPOINTS * SIDE**2}
        self.hoi, self.pose = nn.ModuleList(), nn.ModuleList()
        for stage in range(1 if options.shared else options.stages):
            later = stage > 0 or (options.shared and options.stages > 1)
            inputs = {"appearance": appearance}
            if self.guided and (later or starts_with_pose):
                inputs |= pose
            if later:
                inputs["hoi"] = carried
            if options.hoi:
                self.hoi.append(HoiModule(inputs, actions, options.width, options.dropout))
            if self.guided:
                first_zeros = stage == 0 and not starts_with_pose
                self.pose.append(PoseModule(options, channels if first_zeros else cells, carried))
        self.after_zeros = None
        if self.guided and options.shared and not starts_with_pose and options.stages > 1:
            self.after_zeros = PoseModule(options, cells, carried)  # later stages multiply other features

    def forward(
        self, images: Sequence[Tensor | StoredImage], humans: Tensor, boxes: Tensor | None = None
    ) -> TurboOutputs:
        """Find what people do and how they stand.

        Args:
            images: (3, H, W) each, as `network_image` makes them, or what is stored of each.
            humans: (P, 5) image, x1, y1, x2, y2 in pixels of `images`.
            boxes: (D, 5) boxes for the detection branch.
        """
        return self.from_maps(self.maps(images), humans, boxes)

    def maps(self, images: Sequence[Tensor | StoredImage]) -> list[Tensor]:
        """The map of each image."""
        stored = [image.head.float() for image in images if isinstance(image, StoredImage)]
        return stored or maps_by_size(self.stem, [image for image in images if isinstance(image, Tensor)])

    def from_maps(self, maps: Sequence[Tensor], humans: Tensor, boxes: Tensor | None = None) -> TurboOutputs:
        """`forward` from the images' maps on."""
        classes = moves = None
        if self.detection is not None and boxes is not None:
            classes, moves = self.detection(self.crops(maps, boxes))
        stages, first = self.stages(self.crops(maps, humans))
        return TurboOutputs(stages, first, classes, moves)

    def stages(self, appearance: Tensor) -> tuple[tuple[Stage, ...], Tensor | None]:
        """The stages' results, and the pose before them, from F (P, C, 7, 7)."""
        pose = None if self.first_pose is None else self.first_pose(appearance)
        first = None if pose is None else pose.logits
        if not self.options.hoi:
            return (Stage(None, None, first),), first
        found: list[Stage] = []
        carried: Tensor | None = None
        for number in range(self.options.stages):
            given = {"appearance": appearance}
            if self.guided and pose is not None:
                given |= {"pose_mid": pose.mid, "pose_out": pose.maps * SIDE}  # a sharp map's cells are large numbers
            if carried is not None:
                given["hoi"] = carried
            hoi = self.hoi[0 if self.options.shared else number](given)
            if not self.guided:
                found.append(Stage(hoi.logits, hoi.places, first))
                continue
            carried = hoi.carried()
            pose, mask = self._pose_module(number)(carried, self._cells(pose, appearance))
            found.append(Stage(hoi.logits, hoi.places, pose.logits, mask))
        return tuple(found), first

    def _cells(self, pose: PoseFeatures | None, appearance: Tensor) -> Tensor:
        """What the attention mask multiplies."""
        if pose is None:
            return appearance
        return torch.cat([pose.cells(), appearance], 1) if self.options.appearance_to_pose else pose.cells()

    def _pose_module(self, number: int) -> nn.Module:
        if number and self.after_zeros is not None:
            return self.after_zeros
        return self.pose[0 if self.options.shared else number]

    def crops(self, maps: Sequence[Tensor], boxes: Tensor) -> Tensor:
        """(N, C, 7, 7) RoIAlign of boxes (N, 5)."""
        rows = [(boxes[:, 0] == i).nonzero()[:, 0] for i in range(len(maps))]
        found = [self.crops_of_image(own[None], boxes[of, 1:]) for own, of in zip(maps, rows, strict=True)]
        return torch.cat(found)[torch.argsort(torch.cat(rows))]

    def crops_of_image(self, image: Tensor, boxes: Tensor) -> Tensor:
        """(N, C, 7, 7) RoIAlign of boxes (N, 4) from a map (1, C, H, W)."""
        numbered = F.pad(boxes.float(), (1, 0))  # 16 bits are too few for a box's pixels
        crops = roi_align(image.float(), numbered, CELLS, 1 / self.stem.stride, 2, aligned=True)
        return crops.to(next(self.parameters()).dtype)

    @property
    def frozen_parts(self) -> tuple[nn.Module, ...]:
        """What does not change where features are frozen."""
        return (self.stem,)

    def stored_image(self, pixels: NDArray[np.uint8], humans: Tensor, objects: Tensor) -> StoredImage:
        """What the frozen parts see of an RGB image (H, W, 3): its map. Boxes are cut out of it later."""
        device = next(self.parameters()).device
        none = torch.zeros(0, 0)
        return StoredImage(self.stem(network_image(pixels)[None].to(device))[0], humans, objects, none, none)


def network_image(image: NDArray[np.uint8]) -> Tensor:
    """An RGB image (H, W, 3) as the network takes it: (3, H, W), in units of ImageNet's deviation."""
    return to_tensor(image)

"""The network: a backbone of stride 4, and for each of its stacks object, glance, gaze and matching heads (Figure 2).

Xubin Zhong et al., "Glance and Gaze", CVPR 2021; section and equation numbers are the paper's. Without gaze steps it is
PPDM's (Yue Liao et al., CVPR 2020). Letters in shapes: B images, C channels, h and w a quarter of the input's height
and width, n ActPoints of a pixel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from interplay.layers.deformable import ModulatedDeformConv2d, SamplingPoints
from interplay.layers.dla import DLABackbone
from interplay.layers.hourglass import HourglassBackbone
from interplay.models.ggnet.config import Backbone, GGNetNetworkOptions

RARE = -2.19
"""Initial bias of heatmaps: about 0.1 after the sigmoid, since almost every pixel is negative."""
OFFSETS = {"human": "sub_offset", "object": "obj_offset"}
"""The map that says where the centre lies."""


def build_backbone(name: Backbone) -> HourglassBackbone | DLABackbone:
    """A backbone of stride 4 with new parameters; the ``nano`` ones are for tests and small data."""
    if name == "hourglass-104":
        return HourglassBackbone()
    if name == "dla-34":
        return DLABackbone()
    if name == "hourglass-nano":
        return HourglassBackbone(widths=(32, 48, 64, 64), repeats=(1, 1, 1, 1), stacks=1, stem=16)
    return DLABackbone(widths=(8, 16, 32, 48, 64, 96), depths=(1, 1, 1, 1, 1, 1))


def features(in_channels: int, width: int) -> nn.Sequential:
    """3x3 convolution with bias and ReLU: F0 of the glance step, F1 and F2 of the gaze steps."""
    return nn.Sequential(nn.Conv2d(in_channels, width, 3, padding=1), nn.ReLU(inplace=True))


def head(in_channels: int, width: int, out_channels: int) -> nn.Sequential:
    """3x3 convolution, ReLU, 1x1 convolution."""
    return nn.Sequential(*features(in_channels, width), nn.Conv2d(width, out_channels, 1))


def heatmap(width: int, classes: int) -> nn.Conv2d:
    """1x1 convolution to logits that start low."""
    layer = nn.Conv2d(width, classes, 1)
    nn.init.constant_(layer.bias, RARE)  # type: ignore[arg-type]  # there is a bias
    return layer


def head_at(layers: nn.Sequential, features: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """A `head` evaluated at some pixels only: (C, h, w) features and (K,) x and y -> (K, out_channels)."""
    first, last = layers[0], layers[2]
    assert isinstance(first, nn.Conv2d)
    assert isinstance(last, nn.Conv2d)
    channels, height, width = features.shape
    x, y = x.to(features.device), y.to(features.device)
    reach = torch.arange(-1, 2, device=features.device)
    rows = (y[:, None] + reach)[:, :, None].expand(-1, 3, 3).flatten(1)  # (K, 9)
    columns = (x[:, None] + reach)[:, None, :].expand(-1, 3, 3).flatten(1)
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    pixels = rows.clamp(0, height - 1) * width + columns.clamp(0, width - 1)
    patches = features.permute(1, 2, 0).reshape(-1, channels)[pixels] * inside[..., None]  # (K, 9, C)
    weight = first.weight.permute(0, 2, 3, 1).flatten(1)  # (out, 9 C)
    hidden = F.linear(patches.flatten(1), weight, first.bias).relu()
    return F.linear(hidden, last.weight.flatten(1), last.bias)


class GlobalReasoning(nn.Module):
    """Global reasoning unit (Chen et al., CVPR 2019) of PPDM's "glob" variants.

    Pixels are pooled into a few nodes, the nodes exchange information, and the result is given back to the pixels.

    Args:
        channels: C of the map; nodes carry C / 2 features, and there are C / 4 of them.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        reduced, nodes = channels // 2, channels // 4
        self.reduce = nn.Sequential(nn.Conv2d(channels, reduced, 1), nn.BatchNorm2d(reduced), nn.ReLU(inplace=True))
        self.assign = nn.Sequential(nn.Conv2d(channels, nodes, 1), nn.BatchNorm2d(nodes), nn.ReLU(inplace=True))
        self.mix_nodes = nn.Sequential(nn.Conv1d(nodes, nodes, 1), nn.BatchNorm1d(nodes), nn.ReLU(inplace=True))
        self.mix_features = nn.Sequential(
            nn.Conv1d(reduced, reduced, 1), nn.BatchNorm1d(reduced), nn.ReLU(inplace=True)
        )
        self.expand = nn.Sequential(nn.Conv2d(reduced, channels, 1), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> same shape."""
        reduced = self.reduce(x).flatten(2)  # (B, C/2, HW)
        assignment = self.assign(x).flatten(2)  # (B, N, HW)
        nodes = torch.bmm(reduced, assignment.transpose(1, 2))  # (B, C/2, N)
        nodes = self.mix_nodes(nodes.transpose(1, 2)) + nodes.transpose(1, 2)  # (B, N, C/2)
        nodes = self.mix_features(nodes.transpose(1, 2))  # (B, C/2, N)
        back = torch.bmm(nodes, assignment).view(x.shape[0], -1, *x.shape[2:])
        return F.relu(self.expand(back) + x, inplace=True)


@dataclass(frozen=True)
class ActPoints:
    """One gaze step at every pixel.

    Attributes:
        offset: (B, 2n, h, w) shift of each of n points from the regular grid around the pixel, in output pixels;
            channels 2k, 2k + 1 are dy, dx of point ``k = side * row + column``. Summed over the steps so far.
        weight: (B, n, h, w), 0..1.
        feature: (B, C, h, w) what the points gathered.
    """

    offset: Tensor
    weight: Tensor
    feature: Tensor

    def positions(self) -> Tensor:
        """(B, n, 2, h, w) x, y of every point on the output map."""
        batch, points, height, width = self.weight.shape
        side = round(points**0.5)
        device = self.offset.device
        reach = torch.arange(side, device=device) - side // 2
        grid = torch.stack([reach.repeat(side), reach.repeat_interleave(side)], 1)  # (n, 2) x, y
        shift = self.offset.view(batch, points, 2, height, width).flip(2)
        y = torch.arange(height, device=device).view(1, 1, height, 1).expand(1, 1, height, width)
        x = torch.arange(width, device=device).view(1, 1, 1, width).expand(1, 1, height, width)
        return shift + grid[None, :, :, None, None] + torch.cat([x, y], 1)[:, None]


class GazeStep(nn.Module):
    """One gaze step (section 3.2): where to look around each pixel, how much each point counts, what is there.

    Args:
        width: channels C of the features that are read, sampled and returned.
        kernel_size: side of the grid of ActPoints.
        in_channels: of the map from which this step makes the features it samples; None: they are given to it.
    """

    def __init__(self, width: int, kernel_size: int, in_channels: int | None) -> None:
        super().__init__()
        self.features = None if in_channels is None else features(in_channels, width)
        self.points = SamplingPoints(width, kernel_size)
        self.aggregate = ModulatedDeformConv2d(width, width, kernel_size)

    def forward(self, guide: Tensor, source: Tensor, previous: Tensor | None) -> ActPoints:
        """Look once.

        Args:
            guide: (B, C, h, w) features that tell where to look: F0, then what the step before gathered.
            source: (B, in_channels, h, w) map whose features are sampled, or the features themselves.
            previous: (B, 2n, h, w) offsets so far; this step predicts what is added to them (Equation 2).
        """
        offset, weight = self.points(guide)
        if previous is not None:
            offset = previous + offset
        sampled = source if self.features is None else self.features(source)
        return ActPoints(offset, weight, self.aggregate(sampled, offset, weight).relu())


class CentreContext(nn.Module):
    """The branches H and O of "I + H", "I + O" and "I + H + O" (supplement D, Figure 6).

    Each has action-aware features and a heatmap of its own, trained with the verbs at the human (object) centres. The
    features are read at the centre that the matching branch predicts for each pixel, interpolated bilinearly.

    Args:
        in_channels, width: of the map read and of the features.
        verbs: channels of each heatmap.
        members: ``human`` and / or ``object``.
    """

    def __init__(self, in_channels: int, width: int, verbs: int, members: tuple[str, ...]) -> None:
        super().__init__()
        self.features = nn.ModuleDict({who: features(in_channels, width) for who in members})
        self.heatmaps = nn.ModuleDict({who: heatmap(width, verbs) for who in members})
        self.predict = nn.Sequential(
            nn.Conv2d(width * (1 + len(members)), width, 1), nn.ReLU(inplace=True), heatmap(width, verbs)
        )

    def heatmap(self, who: str, source: Tensor) -> Tensor:
        """(B, verbs, h, w) logits of the verbs at the human (object) centres."""
        return self.heatmaps[who](self.features[who](source))

    def forward(self, point: Tensor, source: Tensor, offsets: Mapping[str, Tensor]) -> Tensor:
        """(B, width, h, w) features of the interaction point and (B, C, h, w) of the backbone -> (B, verbs, h, w).

        Args:
            offsets: maps ``sub_offset`` and ``obj_offset`` (B, 2, h, w): interaction point minus centre, x, y.
        """
        centres = [sample_at(branch(source), -offsets[OFFSETS[who]]) for who, branch in self.features.items()]
        return self.predict(torch.cat([point, *centres], 1))


def sample_at(features: Tensor, shift: Tensor) -> Tensor:
    """Features (B, C, h, w) read `shift` (B, 2, h, w; x, y in pixels) away from each pixel; 0 outside the map."""
    height, width = features.shape[-2:]
    y = torch.arange(height, device=shift.device)[:, None] + shift[:, 1]
    x = torch.arange(width, device=shift.device) + shift[:, 0]
    grid = torch.stack([2 * x / max(width - 1, 1) - 1, 2 * y / max(height - 1, 1) - 1], -1)
    return F.grid_sample(features, grid, mode="bilinear", padding_mode="zeros", align_corners=True)


class StackHeads(nn.Module):
    """The heads of one stack (paper, Figure 2).

    Args:
        channels: of each of the backbone's levels.
        objects, verbs: number of classes.
        options: which parts there are.
    """

    def __init__(self, channels: int, objects: int, verbs: int, options: GGNetNetworkOptions) -> None:
        super().__init__()
        width, joined = options.head_width, channels * options.levels
        self.names = options.head_names
        self.levels = options.levels
        self.hm = nn.Sequential(*features(channels, width), heatmap(width, objects))  # (B, objects, h, w)
        self.wh = head(channels, width, 2)  # (B, 2, h, w)
        self.reg = head(channels, width, 2)
        self.reasoning = GlobalReasoning(joined) if options.global_reasoning else None

        self.glance = features(joined, width)  # F0 (B, width, h, w)
        self.context = CentreContext(joined, width, verbs, options.context) if options.context else None
        glances = options.glance and self.context is None
        self.glance_heatmap = heatmap(width, verbs) if glances else None  # (B, verbs, h, w)

        # A step has its own features to sample, or shares them, or (without a glance) samples F0 itself.
        self.shared_features = features(joined, width) if options.share_sampling and options.gaze_steps else None
        own = joined if options.glance and self.shared_features is None else None
        self.gaze = nn.ModuleList(GazeStep(width, options.kernel_size, own) for _ in range(options.gaze_steps))
        self.samples_glance = not options.glance
        self.gaze_heatmaps = nn.ModuleList(heatmap(width, verbs) for _ in range(options.gaze_steps - 1))
        if options.gaze_steps:
            between = math.floor(math.sqrt(width / verbs) * verbs)
            self.gaze_heatmaps.append(
                nn.Sequential(nn.Conv2d(width, between, 1), nn.ReLU(inplace=True), heatmap(between, verbs))
            )

        self.matching_per_verb = options.matching == "per-verb"
        offsets = 2 * verbs if self.matching_per_verb else 2
        self.matching_reads_glance = options.matching_reads_glance
        source = width if self.matching_reads_glance else joined
        self.sub_offset = head(source, width, offsets)  # (B, offsets, h, w)
        self.obj_offset = head(source, width, offsets)

    def class_layers(self) -> dict[str, str]:
        """Names of the layers with a channel per object or verb, or two per verb (``offsets``), and which."""
        layers = {"hm.2": "objects"}
        if self.glance_heatmap is not None:
            layers["glance_heatmap"] = "verbs"
        for step, layer in enumerate(self.gaze_heatmaps):
            layers[f"gaze_heatmaps.{step}.2" if isinstance(layer, nn.Sequential) else f"gaze_heatmaps.{step}"] = "verbs"
        if self.context is not None:
            layers |= {f"context.heatmaps.{who}": "verbs" for who in self.context.heatmaps}
            layers["context.predict.2"] = "verbs"
        if self.matching_per_verb:
            layers |= {"sub_offset.2": "offsets", "obj_offset.2": "offsets"}
        return layers

    def forward(self, levels: Sequence[Tensor]) -> StackMaps:
        """Levels (B, C, h, w), the last with the most context -> maps by name, computed on access."""
        return StackMaps(self, levels)

    def interaction_input(self, levels: Sequence[Tensor]) -> Tensor:
        """(B, C', h, w) map that glance, gaze and (without APM) matching read."""
        joined = torch.cat(list(levels), 1) if self.levels > 1 else levels[-1]
        return joined if self.reasoning is None else self.reasoning(joined)

    def look(self, source: Tensor, action_features: Tensor) -> list[ActPoints]:
        """The gaze steps one after the other, each guided by what the one before gathered."""
        if self.samples_glance:
            source = action_features
        elif self.shared_features is not None:
            source = self.shared_features(source)
        guide, offset = action_features, None
        looks: list[ActPoints] = []
        for step in self.gaze:
            look = step(guide, source, offset)
            looks.append(look)
            guide, offset = look.feature, look.offset
        return looks

    def regressor(self, name: str) -> nn.Sequential:
        """The head of ``wh``, ``reg`` or an offset map."""
        heads = {"wh": self.wh, "reg": self.reg, "sub_offset": self.sub_offset, "obj_offset": self.obj_offset}
        return heads[name]

    def regressor_input(self, name: str, maps: StackMaps) -> Tensor:
        """(B, C, h, w) features that a regressor reads."""
        if name in ("wh", "reg"):
            return maps.features
        return maps.action_features if self.matching_reads_glance else maps.interaction_features

    def predict(self, name: str, maps: StackMaps) -> Tensor:
        """One map by name, from the features that `maps` holds or makes."""
        if name == "hm":
            return self.hm(maps.features)
        if name in ("wh", "reg", "sub_offset", "obj_offset"):
            return self.regressor(name)(self.regressor_input(name, maps))
        if name == "hm_rel_refine":
            return self.gaze_heatmaps[-1](maps.gaze[-1].feature)
        if name.startswith("hm_rel_refine"):
            step = int(name.removeprefix("hm_rel_refine")) - 1
            return self.gaze_heatmaps[step](maps.gaze[step].feature)
        if self.context is not None:
            if name == "hm_rel":
                return self.context(maps.action_features, maps.interaction_features, maps)
            return self.context.heatmap(name.removeprefix("hm_rel_"), maps.interaction_features)
        assert self.glance_heatmap is not None, f"{name} without a glance step"
        return self.glance_heatmap(maps.action_features)


class StackMaps(Mapping[str, Tensor]):
    """The maps that the heads of one stack predict, by the names of the published code.

    ``hm`` (B, objects, h, w) object centres, ``wh`` (B, 2, h, w) width and height, ``reg`` (B, 2, h, w) x, y from a
    centre's pixel to the centre, ``sub_offset`` and ``obj_offset`` (B, 2 or 2 verbs, h, w) x, y from a human's
    or object's centre to the interaction point, ``hm_rel`` (B, verbs, h, w) interaction points by the glance step,
    ``hm_rel_refine1`` ... by each gaze step but the last, ``hm_rel_refine`` by the last. Heatmaps are logits; sizes and
    offsets are in output pixels.

    A map is computed when it is first asked for, so that a result costs only what it needs; training asks for all.
    """

    def __init__(self, heads: StackHeads, levels: Sequence[Tensor]) -> None:
        self._heads = heads
        self._levels = levels
        self._maps: dict[str, Tensor] = {}
        self._gradients = torch.is_grad_enabled()
        device = levels[-1].device.type
        self._autocast = device, torch.get_autocast_dtype(device), torch.is_autocast_enabled(device)

    @contextmanager
    def _as_in_forward(self) -> Iterator[None]:
        """Gradients and precision as they were when the network ran, whenever a map is asked for."""
        device, dtype, enabled = self._autocast
        with torch.set_grad_enabled(self._gradients), torch.autocast(device, dtype=dtype, enabled=enabled):
            yield

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._maps:
            if name not in self._heads.names:
                raise KeyError(f"no map {name!r}; this network has {', '.join(self._heads.names)}")
            with self._as_in_forward():
                self._maps[name] = self._heads.predict(name, self)
        return self._maps[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._heads.names)

    def __len__(self) -> int:
        return len(self._heads.names)

    def __contains__(self, name: object) -> bool:
        return name in self._heads.names

    def at(self, name: str, image: int, x: Tensor, y: Tensor) -> Tensor:
        """Values (K, channels) of ``wh``, ``reg`` or an offset map at K pixels of one image.

        Only these pixels are computed, unless the whole map is there already.
        """
        if name in self._maps:
            return self._maps[name][image, :, y, x].T
        with self._as_in_forward():
            return head_at(self._heads.regressor(name), self._heads.regressor_input(name, self)[image], x, y)

    @property
    def features(self) -> Tensor:
        """(B, C, h, w) what the backbone says; the object heads read it."""
        return self._levels[-1]

    @cached_property
    def interaction_features(self) -> Tensor:
        """(B, C', h, w) what the glance step reads: the backbone's map, or PPDM's levels and global reasoning."""
        with self._as_in_forward():
            return self._heads.interaction_input(self._levels)

    @cached_property
    def action_features(self) -> Tensor:
        """(B, C, h, w) F0: action-aware features inside the glance step."""
        with self._as_in_forward():
            return self._heads.glance(self.interaction_features)

    @cached_property
    def gaze(self) -> list[ActPoints]:
        """The gaze steps' points, first step first."""
        with self._as_in_forward():
            return self._heads.look(self.interaction_features, self.action_features)


@dataclass(frozen=True)
class GGNetOutputs:
    """What `GGNet` returns.

    Attributes:
        all_heads: the maps of every stack, first stack first; see `StackMaps` for names and shapes.
    """

    all_heads: Sequence[Mapping[str, Tensor]]

    def at(self, name: str, image: int, x: Tensor, y: Tensor) -> Tensor:
        """Values (K, channels) of ``wh``, ``reg`` or an offset map of the last stack at K pixels of one image."""
        maps = self.heads
        return maps.at(name, image, x, y) if isinstance(maps, StackMaps) else maps[name][image, :, y, x].T

    @property
    def heads(self) -> Mapping[str, Tensor]:
        """The maps of the last stack, from which results are read."""
        return self.all_heads[-1]

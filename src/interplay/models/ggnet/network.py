"""Everything between a backbone's map and the predicted maps: objects, glance, gaze, matching."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from interplay.models.ggnet.config import NetworkOptions
from interplay.models.ggnet.context import CentreContext
from interplay.models.ggnet.convs import features, head, heatmap
from interplay.models.ggnet.gaze import GazeStep
from interplay.models.ggnet.outputs import ActPoints, StackMaps
from interplay.models.ggnet.reasoning import GlobalReasoning


class StackHeads(nn.Module):
    """The heads of one stack (paper, Figure 2).

    Args:
        channels: of each of the backbone's levels.
        objects, verbs: number of classes.
        options: which parts there are.
    """

    def __init__(self, channels: int, objects: int, verbs: int, options: NetworkOptions) -> None:
        super().__init__()
        width, joined = options.head_width, channels * options.levels
        self.names = options.head_names
        self.levels = options.levels
        self.hm = nn.Sequential(*features(channels, width), heatmap(width, objects))
        self.wh = head(channels, width, 2)
        self.reg = head(channels, width, 2)
        self.reasoning = GlobalReasoning(joined) if options.global_reasoning else None

        self.glance = features(joined, width)
        self.context = CentreContext(joined, width, verbs, options.context) if options.context else None
        glances = options.glance and self.context is None
        self.glance_heatmap = heatmap(width, verbs) if glances else None

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
        self.sub_offset = head(source, width, offsets)
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

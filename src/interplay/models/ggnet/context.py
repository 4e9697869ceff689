"""Table 3's alternatives to ActPoints: features of the human's and the object's centre join the interaction point's."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from interplay.models.ggnet.convs import features, heatmap

OFFSETS = {"human": "sub_offset", "object": "obj_offset"}
"""The map that says where the centre lies."""


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

"""Global reasoning unit (Chen et al., CVPR 2019) as PPDM's "glob" variants use it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class GlobalReasoning(nn.Module):
    """Pixels are pooled into a few nodes, the nodes exchange information, and the result is given back to the pixels.

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
